"""Background steps of the case desk."""

from cases import routing
from channels_app.models import Channel


def route_message(channel_id: int) -> None:
    """Route what is ready on the channel. The name is the step's: one message or a thousand, it is one run."""
    routing.route(Channel.objects.get(pk=channel_id))
