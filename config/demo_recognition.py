"""The demo's thanks by name, for what people really did in it; and customers who speak up for Skylark."""

from __future__ import annotations

from django.utils import timezone

from crm import consent
from crm.models import Customer, Purpose, User
from surveys.advocates import finding, moving
from surveys.models import Advocate, Recognition
from surveys.recognition import months, saved, thanking

SAVED_WORDS = (
    "You rang them the day after they had given up on us, and stayed on the line until it was settled.",
    "They were gone, and you brought them back. Thank you.",
    "I read both answers. That change is your doing.",
)
AGREED, DECLINED, ENDED = (
    "In a call: gladly, but no travel before March.",
    "In a call: their employer does not allow it.",
    "They moved to another country and do not travel with us any more.",
)
SHOWN = 8  # advocates of whom it is known that they may be written to


def load() -> None:
    """To be called once, after the calls. Where somebody has been thanked, nothing happens."""
    if Recognition.objects.exists():
        return
    lead = User.objects.get(username="lead")
    _thanks(lead)
    finding.find(timezone.now())
    _advocates(lead)


def _thanks(lead: User) -> None:
    """For customers who turned this month or the one before; and one among colleagues."""
    this = months.month_of(timezone.now())
    people = list(User.objects.filter(is_active=True).exclude(pk=lead.pk).order_by("pk").values_list("pk", flat=True))
    turned = {**saved.by_person(people, this.before), **saved.by_person(people, this)}
    for (person, saves), words in zip(sorted(turned.items()), SAVED_WORDS, strict=False):
        thanking.recognise(
            person=User.objects.get(pk=person), words=words, by=lead, what=Recognition.What.SAVED,
            about=Customer.objects.get(pk=saves[0].turn.customer),
        )  # fmt: skip
    agent = User.objects.get(username="agent")
    words = "You took my queue on Friday so that I could see my son's play. I owe you one."
    thanking.recognise(person=lead, words=words, by=agent)


def _advocates(lead: User) -> None:
    """One said yes, one no, with one it ended; some of the others agreed to be written to."""
    found = list(Advocate.objects.standing().in_state(Advocate.State.CANDIDATE).order_by("-pk")[:SHOWN])
    for each in found[3:]:
        how = "Ticked it when they booked."
        consent.record(customer=each.customer, purpose=Purpose.MARKETING, state="given", how=how, by=None)
    for each, yes, how in zip(found, (True, False), (AGREED, DECLINED), strict=False):
        moving.answer(advocate=each, yes=yes, how=how, by=lead)
    for each in found[2:3]:
        moving.end(advocate=each, how=ENDED, by=lead)
