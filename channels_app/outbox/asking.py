"""Whether a reply may be written, and by whom."""

from __future__ import annotations

from channels_app import certification, policies
from channels_app.models import Channel, Message
from crm import consent
from crm.models import Purpose, User


def must_have_the_right(channel: Channel, by: User, approved_by: User | None) -> None:
    """Whoever has a hand in it keeps to the policy; one of them is certified."""
    for person in filter(None, (by, approved_by)):
        policies.must_keep_to(user=person, channel=channel)
    certification.must_be_certified(user=approved_by or by, channel=channel)


def ask(message: Message) -> None:
    """Raises MayNotContact. What is written down by hand was said already, and goes nowhere."""
    if not message.channel.capabilities.written_by_hand:
        consent.must_write_to(message.identity, Purpose.CARE_REPLY)
