"""Background steps of the case desk."""

from cases import live, routing
from cases.models import Case
from channels_app.models import Channel


def route_message(channel_id: int) -> None:
    """Route what is ready on the channel. The name is the step's: one message or a thousand, it is one run."""
    routing.route(Channel.objects.get(pk=channel_id))


def customer_changed(*customer_ids: int) -> None:
    """Who these customers are has changed (linked, merged, erased …): the pages of their open cases fetch it."""
    cases = list(Case.objects.unresolved().filter(customer__in=customer_ids).values_list("pk", flat=True))
    live.cases_changed(cases)
    live.customers_changed(cases)
