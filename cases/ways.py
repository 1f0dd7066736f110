"""Until when a case can be answered where it was asked, and what else can be done where that is over or went wrong."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from cases import answering
from cases.models import Case
from channels_app.models import Delivery, Message
from channels_app.outbox.windows import Window, since

MOST = 4  # other channels offered


@dataclass(frozen=True)
class Way:
    """What can be done instead, as a link."""

    label: str
    url: str
    icon: str


def window(case: Case) -> Window | None:
    """Of where an answer goes unless somebody chooses. No query but that of `answering.latest`."""
    places = answering.places(case)
    return places[0].window if places else None


def instead(case: Case) -> list[Way]:
    """What is left to do where an answer is not taken any more, or our last one was not sent; else nothing. One query
    then, besides that of `answering.latest`."""
    shut = window(case)
    if not (shut and shut.is_shut) and not _went_wrong(case):
        return []
    return [*_in_public(case), *_elsewhere(case), _by_voice()]


def _went_wrong(case: Case) -> bool:
    ours = [said for said in answering.latest(case) if said.is_ours]
    last = max(ours, key=lambda said: (said.occurred_at, said.pk), default=None)
    delivery = getattr(last, "delivery", None)
    return delivery is not None and delivery.state == Delivery.State.FAILED


def _in_public(case: Case) -> list[Way]:
    """Where they asked in public as well, or first."""
    places = answering.places(case)
    open_ones = [place for place in places if not place.private and place.message.channel.capabilities.reply_public]
    page = reverse("cases:case", args=[case.pk])
    return [
        Way(_("Answer in public"), f"{page}?answer_to={place.value or place.message.pk}#reply-text", "globe-alt")
        for place in open_ones[:1]
    ]


def _elsewhere(case: Case) -> list[Way]:
    """The customer's other channels on which they wrote to us, each by its newest case."""
    said = Message.objects.of_customer(case.customer).filter(
        direction=Message.Direction.IN, erased_at=None, case_entry__isnull=False, identity__unreachable_at=None,
        channel__paused_at=None, channel__broken_at=None,
    )  # fmt: skip
    newest = said.exclude(channel=case.channel_id).order_by("channel_id", "-occurred_at", "-pk").distinct("channel_id")
    return [
        Way(
            _("Write to %(who)s on %(channel)s") % {"who": last.identity.label, "channel": last.channel},
            reverse("cases:of_message", args=[last.pk]), "chat-bubble-left-right",
        )
        for last in newest.select_related("channel", "identity")[:MOST]
        if last.identity and _is_taken(last)
    ]  # fmt: skip


def _is_taken(last: Message) -> bool:
    """Whether an answer to it would leave, and be taken."""
    can = last.channel.capabilities
    if can.written_by_hand or not (can.reply_private if last.private else can.reply_public):
        return False
    open_until = since(can, last.occurred_at) if last.private else None
    return open_until is None or not open_until.is_shut


def _by_voice() -> Way:
    return Way(_("Call them, and write down what was said"), reverse("channels_app:log_contact"), "phone")
