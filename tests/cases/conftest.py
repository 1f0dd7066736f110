"""A conversation to try things on: who says what, when, in which thread."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import routing
from cases.models import Case
from channels_app.models import Channel, Message, Thread
from crm.models import Identity
from tests import factories

MORNING = (timezone.now() - timedelta(hours=6)).replace(microsecond=0)


def at(minutes: float) -> datetime:
    """So many minutes after the conversation began."""
    return MORNING + timedelta(minutes=minutes)


@dataclass
class Conversation:
    """What was said on one thread and waits to be routed. Every message is already read."""

    channel: Channel
    thread: Thread
    customer: Identity
    said: list[Message] = field(default_factory=list)

    def customer_says(self, text="My train is late.", minute=0.0, **facts):
        return self._say(text, minute, identity=facts.pop("by", self.customer), **facts)

    def we_say(self, text="Sorry to hear that.", minute=0.0, **facts):
        facts = {"identity": self.customer, "sentiment": "unknown", "language": "", **facts}
        return self._say(text, minute, direction="out", **facts)

    def _say(self, text, minute, **facts):
        facts = {"routed_at": None, "sentiment": "neutral", "stored_at": at(minute), **facts}
        message = factories.MessageFactory(thread=self.thread, text=text, occurred_at=at(minute), **facts)
        self.said.append(message)
        return message

    def route(self):
        """Route what waits; the case of the customer, as it is now."""
        routing.route(self.channel)
        return self.case()

    def case(self):
        return Case.objects.exclude(state="merged").get(thread=self.thread, customer__links__identity=self.customer)


@pytest.fixture
def asked():
    """`asked(act)`: how many queries it takes."""

    def count(act):
        with CaptureQueriesContext(connection) as captured:
            act()
        return len(captured)

    return count


@pytest.fixture
def talk(channel):
    return converse(channel)


def converse(channel, **facts):
    """A thread on `channel` with a customer of its own."""
    customer = factories.IdentityFactory(customer=factories.CustomerFactory(**facts), place=channel.place)
    return Conversation(channel, factories.ThreadFactory(channel=channel), customer)
