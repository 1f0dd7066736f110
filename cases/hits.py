"""What saved searches found: somebody speaks of us and not to us. A person decides whether it becomes a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from cases import live, routing
from cases.models import Case, CaseMessage
from cases.search import Asked
from channels_app import above, listening
from channels_app.finding import query_of
from channels_app.models import Message, Search
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log

OPEN, TAKEN, DISMISSED = "open", "taken", "dismissed"


class TakenAlready(Refused):
    sentence = _("This is in the queue already, as case #{number}.")


class NothingToTake(Refused):
    sentence = _("There is nothing left of this: it was deleted, or erased on request.")


class WorkedOn(Refused):
    sentence = _("Somebody has worked on case #{number} since, so it stays. Resolve it if nothing is to be done.")


@dataclass(frozen=True)
class Wanted:
    """The filter of the list. `state` is one of the three above; `words` are read by cases.search."""

    state: str = OPEN
    search: int | None = None
    sentiment: str = ""
    intent: str = ""
    urgency: str = ""
    words: Asked = field(default_factory=Asked)


def visible_to(user: User) -> QuerySet[Message]:
    """What was found is public; whoever answers customers may look through it."""
    found = Message.objects.visible_to(user).filter(found_by__isnull=False, erased_at=None)
    return found if user.answers else found.none()


def under(found: QuerySet[Message], wanted: Wanted) -> QuerySet[Message]:
    """Of a post that is gone from the network nobody has to decide any more."""
    states = {
        OPEN: Q(case_entry=None, dismissed_at=None, deleted_at=None), TAKEN: Q(case_entry__isnull=False),
        DISMISSED: Q(dismissed_at__isnull=False),
    }  # fmt: skip
    found = found.filter(states[wanted.state])
    exact = {
        "found_by": wanted.search, "sentiment": wanted.sentiment, "intent": wanted.intent, "urgency": wanted.urgency,
    }  # fmt: skip
    found = found.filter(**{name: value for name, value in exact.items() if value})
    asked = wanted.words
    if asked.is_empty:
        return found
    return found.filter(words=query_of(asked.words, exact=asked.exact, without=asked.without))


def with_row(found: QuerySet[Message]) -> QuerySet[Message]:
    return found.select_related("identity", "channel", "found_by", "case_entry")


def streams() -> Sequence[str]:
    """What an open list follows: the channels through which we listen. One query."""
    listened = Search.objects.order_by("channel").values_list("channel", flat=True).distinct()
    return [f"hits:{pk}" for pk in listened]


@transaction.atomic
def take(*, message: Message, by: User) -> Case:
    """Bring it into the queue: rules place it like every case, and nobody has it yet. Raises TakenAlready."""
    _must_be_free(message)
    case = routing.bring_in(message)
    if case is None:
        raise NothingToTake
    Message.objects.filter(pk=message.pk).update(dismissed_at=None)
    above.wish([message])
    log("taken from listening", case, by=by, detail=str(message.found_by or ""))
    live.hits_changed(message.channel_id)
    return case


def _must_be_free(message: Message) -> None:
    if message.found_by_id is None:
        raise listening.NotFoundBySearch
    if message.erased_at or message.deleted_at:
        raise NothingToTake
    if entry := CaseMessage.objects.filter(message=message).first():
        raise TakenAlready(number=entry.case_id)


@transaction.atomic
def put_back(*, message: Message, by: User) -> None:
    """As if it had not been taken: the case goes, unless somebody has worked on it. Raises WorkedOn."""
    entry = CaseMessage.objects.filter(message=message).first()
    if entry is None:
        return
    case = Case.objects.locked(entry.case_id, "owner")
    if not _is_untouched(case):
        raise WorkedOn(number=case.pk)
    live.case_gone(case)
    case.delete()
    log("put back to listening", message, by=by)
    live.hits_changed(message.channel_id)


def _is_untouched(case: Case) -> bool:
    """Nothing was said in it beside what was found, nothing noted, and nobody has it."""
    if case.owner_id or not case.is_unresolved or case.notes.exists() or case.approvals.exists():
        return False
    return list(case.entries.values_list("message__overheard", flat=True)) == [True]


@transaction.atomic
def dismiss(*, message: Message, by: User) -> None:
    """Not for us. Raises what stands against taking it."""
    _must_be_free(message)
    listening.dismiss(message=message, by=by)
    live.hits_changed(message.channel_id)


@transaction.atomic
def bring_back(*, message: Message, by: User) -> None:
    listening.bring_back(message=message, by=by)
    live.hits_changed(message.channel_id)
