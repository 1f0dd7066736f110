"""Networks call us here: `/hooks/<uuid>/`, an ASGI application of its own in front of Django's (docs/webhooks-in.md).

front     reads a call, and answers it
known     whose address it is: apps with their secrets and accounts, remembered for some seconds
placing   which channel a payload is for
line      what came within some milliseconds is stored in one transaction
desk      one thread with a connection of its own
notes     when an app was asked, called, refused
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from channels_app.models import App

PREFIX = "/hooks/"


def address(app: App) -> str:
    """What is entered at the network."""
    return f"{settings.HARK_URL}{PREFIX}{app.hook}/"
