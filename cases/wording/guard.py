"""No stock replies: nearly the same words to several people are stopped, or sent for a reason that is written down.

Two colleagues who send nearly the same at the same moment do not see each other's words: a warning may be missed by
one. Nothing is locked for it, since a warning that comes one reply late still comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from cases.models import Case, DeskSettings, Override, Wording
from cases.wording import likeness
from channels_app.models import Message, Sentiment
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log

COMPARED = 300  # candidates compared word for word, newest first
KEPT = timedelta(hours=1)  # beyond the longest the guard looks back, so that a changed setting finds no gap


class StockReply(Refused):
    """`people`, `likeness` in percent, `closest` (text), `must_change`: no reason helps."""

    sentence = _(
        "{people} others got nearly the same words; the closest is {likeness} % alike. Say it in words that are for"
        " this customer alone, or give the reason why it has to be the same."
    )


class StockReplyToAnUnhappy(StockReply):
    sentence = _(
        "{people} others got nearly the same words; the closest is {likeness} % alike. This customer is unhappy:"
        " say it in words that are for them alone."
    )


@dataclass(frozen=True)
class Alike:
    """How many other customers got nearly the same, and the closest of it. `why` it goes out all the same."""

    people: int
    likeness: float
    closest: str
    why: str = ""


def check(
    *, case: Case, text: str, by: User, why: str = "", desk: DeskSettings | None = None, unhappy: bool | None = None
) -> Alike | None:
    """Raises StockReply where as many others as the desk allows got nearly these words; `why` overrides it.

    `unhappy` says how the customer's last message was read; asked where it is None. Returns what was overridden.
    """
    desk = desk or DeskSettings.current()
    found = likeness.shingles(likeness.words_of(text, _names(case, by)))
    alike = _alike(case, found, desk) if found else None
    if alike is None or alike.people < desk.guard_people:
        return None
    facts = {"people": alike.people, "likeness": round(100 * alike.likeness), "closest": alike.closest}
    if _is_unhappy(case) if unhappy is None else unhappy:
        raise StockReplyToAnUnhappy(**facts, must_change=True)
    if not why.strip():
        raise StockReply(**facts, must_change=False)
    return Alike(alike.people, alike.likeness, alike.closest, why.strip()[:300])


def remember(*, case: Case, message: Message, by: User) -> None:
    """Keep how a reply reads, for those to come."""
    found = likeness.shingles(likeness.words_of(message.text, _names(case, by)))
    if found:
        Wording.objects.create(message=message, customer_id=case.customer_id, bands=likeness.bands(found))


def write_down(*, alike: Alike, case: Case, message: Message, by: User) -> Override:
    log("sent much the same", case, by=by, detail=alike.why)
    return Override.objects.create(
        case=case, message=message, by=by, likeness=alike.likeness, people=alike.people, why=alike.why
    )


def forget() -> int:
    """Each hour: what nobody will be compared with any more."""
    since = timezone.now() - timedelta(hours=DeskSettings.current().guard_hours) - KEPT
    return Wording.objects.filter(at__lt=since).delete()[0]


def _names(case: Case, by: User) -> Sequence[str]:
    return (case.customer.name, case.customer.given_name, by.get_full_name(), by.username)


def _alike(case: Case, found: frozenset[str], desk: DeskSettings) -> Alike | None:
    """Among what was sent to others of late. One query."""
    likest: dict[int, tuple[float, str]] = {}
    for wording in _candidates(case, found, desk):
        message = wording.message
        names = _names(Case(customer=wording.customer), message.sent_by or User())
        alike = likeness.likeness(found, likeness.shingles(likeness.words_of(message.text, names)))
        if 100 * alike >= desk.guard_likeness:
            likest[wording.customer_id] = max(likest.get(wording.customer_id, (0.0, "")), (alike, message.text))
    if not likest:
        return None
    closest = max(likest.values())
    return Alike(len(likest), closest[0], Truncator(closest[1]).chars(400))


def _candidates(case: Case, found: frozenset[str], desk: DeskSettings) -> list[Wording]:
    since = timezone.now() - timedelta(hours=desk.guard_hours)
    others = Wording.objects.filter(at__gte=since, bands__overlap=likeness.bands(found), message__erased_at=None)
    others = others.exclude(customer=case.customer_id).select_related("message__sent_by", "customer")
    return list(others.order_by("-at", "-id")[:COMPARED])


def _is_unhappy(case: Case) -> bool:
    theirs = Message.objects.filter(case_entry__case=case.pk, direction=Message.Direction.IN)
    last = theirs.order_by("-occurred_at", "-id").values_list("sentiment", flat=True).first()
    return last == Sentiment.NEGATIVE
