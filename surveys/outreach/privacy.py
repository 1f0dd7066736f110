"""What calls hold on a person: what was owed to them, what they said on the phone, and what groups were asked of it.

Who is erased is called no more, and no group is asked about them any more. That it was asked, answered and told stays,
as nobody's, so that figures still add up. An answer that many were given stays, without the name of who is erased.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Case, Exists, F, Model, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.privacy.holders import Holder, Row, columns, in_batches, register, rows_of, spare
from crm.privacy.people import Person
from surveys.models import ActionPlan, Attempt, Call, FollowUp, GroupAnswer, GroupRequest, Heard, Loop, Told
from surveys.outreach import loops, news, request_news

GONE = "–"  # where the database wants words and there are none left
SAYS_WHY = ~Q(reason__in=["", GONE])
CALLED = ("loop", "kind", "to", "state", "due_at", "ended_at", "reason")
NOTED = ("call", "at", "outcome", "note")
ASKED = ("asked_at", "quote", "asked_back", "told_back", "withdrawn_at")
GIVEN = ("at", "kind", "text", "change_from")
TOLD = ("how", "decided_at", "at", "reason")
QUOTES = ~Q(quote="") | ~Q(asked_back__in=["", GONE]) | ~Q(told_back="")


# --- that they are called


def loops_of(person: Person) -> QuerySet[Loop]:
    return Loop.objects.filter(customer__in=person.records).order_by("pk")


def calls_of(person: Person) -> QuerySet[Call]:
    """Theirs; and those in their loops, whoever has them since a merge was undone."""
    return Call.objects.filter(Q(customer__in=person.records) | Q(loop__customer__in=person.records)).order_by("pk")


def _owed(person: Person) -> QuerySet[FollowUp]:
    theirs = Q(call__in=calls_of(person).order_by()) | Q(response__invitation__customer__in=person.records)
    return FollowUp.objects.filter(theirs).order_by("pk")


def _calls_left(person: Person) -> QuerySet[Call]:
    return calls_of(person).filter(SAYS_WHY | Q(ended_at=None))


def _owed_left(person: Person) -> QuerySet[FollowUp]:
    return _owed(person).filter(SAYS_WHY | Q(done_at=None, cancelled_at=None))


def _loops_left(person: Person) -> QuerySet[Loop]:
    return loops_of(person).filter(~Q(why__in=["", GONE]) | Q(ended_at=None))


def _uncall(calls: QuerySet[Call]) -> None:
    """Whoever was to call sees it go from their list."""
    owners = dict(calls.filter(ended_at=None).values_list("pk", "owner"))
    over = {"state": Call.State.CANCELLED, "ended_at": timezone.now(), "planned_for": None, "reason": GONE}
    calls.filter(pk__in=owners).update(**over)
    calls.filter(SAYS_WHY).update(reason=GONE)
    news.changed(owners, owners.values())


def _unowe(owed: QuerySet[FollowUp]) -> None:
    owed.filter(done_at=None, cancelled_at=None).update(cancelled_at=timezone.now(), reason=GONE)
    owed.filter(SAYS_WHY).update(reason=GONE)


def _unloop(found: QuerySet[Loop]) -> None:
    """It breaks off where it stood: before a call, at a group, or before they were told."""
    told = Exists(Call.objects.filter(loop=OuterRef("pk"), kind=Call.Kind.SECOND))
    asked = Exists(GroupRequest.objects.filter(loop=OuterRef("pk")))
    step = Case(
        When(told, then=Value(loops.Step.TOLD)), When(asked, then=Value(loops.Step.GIVEN)),
        default=Value(loops.Step.CALLED),
    )  # fmt: skip
    found.filter(ended_at=None).update(
        state=Loop.State.DIED, ended_at=timezone.now(), died_at_step=step, why=GONE
    )  # fmt: skip
    found.exclude(why="").update(why=GONE)


def _erase_calls(person: Person) -> Iterator[int]:
    yield from in_batches(_owed_left(person), _unowe)
    yield from in_batches(_calls_left(person), _uncall)
    yield from in_batches(_loops_left(person), _unloop)


def _count_calls(person: Person) -> int:
    return _calls_left(person).count() + _owed_left(person).count() + _loops_left(person).count()


# --- what they said in them


def _attempts(person: Person) -> QuerySet[Attempt]:
    return Attempt.objects.filter(call__in=calls_of(person).order_by()).order_by("pk")


def _attempt_rows(person: Person) -> Iterator[Row]:
    for attempt in _attempts(person).prefetch_related("heard").iterator(chunk_size=1000):
        heard = "; ".join(map(str, attempt.heard.all()))
        yield {"call": attempt.call_id, "at": attempt.at, "outcome": attempt.outcome, "note": attempt.note,
               "heard": heard}  # fmt: skip


# --- what groups were asked, and said


def _requests(person: Person) -> QuerySet[GroupRequest]:
    theirs = Q(customer__in=person.records) | Q(loop__customer__in=person.records)
    return GroupRequest.objects.filter(theirs).order_by("pk")


def _requests_left(person: Person) -> QuerySet[GroupRequest]:
    return _requests(person).filter(QUOTES | Q(answer=None, withdrawn_at=None))


def _unask(requests: QuerySet[GroupRequest]) -> None:
    """What waits is withdrawn: a group cannot answer what it cannot read, and nobody is left to be told."""
    waiting = list(requests.filter(answer=None, withdrawn_at=None).select_related("attempt"))
    requests.filter(pk__in=[each.pk for each in waiting]).update(withdrawn_at=timezone.now())
    unquote(requests)
    request_news.changed(waiting)


def unquote(requests: QuerySet[GroupRequest]) -> None:
    requests.update(quote="", told_back="", asked_back=Case(When(asked_back="", then=Value("")), default=Value(GONE)))


def _answers(person: Person) -> QuerySet[GroupAnswer]:
    return GroupAnswer.objects.filter(requests__in=_requests(person).order_by()).distinct().order_by("pk")


def _theirs_alone(person: Person) -> QuerySet[GroupAnswer]:
    others = GroupRequest.objects.exclude(pk__in=_requests(person).order_by()).filter(answer=OuterRef("pk"))
    theirs = _answers(person).values("pk").order_by()
    return GroupAnswer.objects.filter(~Exists(others), pk__in=theirs).exclude(text=GONE).order_by("pk")


def _naming(person: Person) -> QuerySet[GroupAnswer]:
    """Given to others as well, with a name of theirs."""
    if not person.names.words:
        return GroupAnswer.objects.none()
    theirs = _answers(person).values("pk").order_by()
    return GroupAnswer.objects.filter(pk__in=theirs, text__iregex=person.names.expression).order_by("pk")


def _plans(person: Person) -> QuerySet[ActionPlan]:
    """What came of what they asked, where it names them. It is for all who asked, so the rest of it stays."""
    if not person.names.words:
        return ActionPlan.objects.none()
    says = {f"{column}__iregex": person.names.expression for column in ("title", "detail", "outcome")}
    plans = _answers(person).exclude(plan=None).values("plan").order_by()
    return ActionPlan.objects.filter(Q(*says.items(), _connector=Q.OR), pk__in=plans).order_by("pk")


def _unname(person: Person, rows: QuerySet[Any], *names: str) -> Iterator[int]:
    """Their names go out of these columns."""
    theirs = re.compile(person.names.expression, re.IGNORECASE | re.MULTILINE)
    for row in rows.only(*names):
        for name in names:
            setattr(row, name, theirs.sub(GONE, getattr(row, name)))
        row.save(update_fields=names)
        yield 1


def _erase_answers(person: Person) -> Iterator[int]:
    yield from in_batches(_theirs_alone(person), lambda rows: rows.update(text=GONE))
    yield from _unname(person, _naming(person), "text")
    yield from _unname(person, _plans(person), "title", "detail", "outcome")


def _count_answers(person: Person) -> int:
    named = _naming(person).exclude(pk__in=_theirs_alone(person).values("pk")).count()
    return _theirs_alone(person).count() + named + _plans(person).count()


# --- that they are told what has changed


def _told(person: Person) -> QuerySet[Told]:
    return Told.objects.filter(customer__in=person.records).order_by("pk")


def _told_left(person: Person) -> QuerySet[Told]:
    """Still to be told, or with a reason."""
    return _told(person).filter(SAYS_WHY | Q(at=None) & ~Q(how=Told.How.NOT))


def _untell(rows: QuerySet[Told]) -> None:
    rows.filter(SAYS_WHY).update(reason=GONE)
    rows.filter(at=None).update(how=Told.How.NOT, reason=GONE)


# --- what others keep of it


def held(person: Person) -> Mapping[type[Model], QuerySet[Any]]:
    """All of it, by kind: what the log, the admin and notices name these rows by."""
    calls = calls_of(person).order_by()
    return {
        Loop: loops_of(person).order_by(),
        Call: calls,
        FollowUp: _owed(person).order_by(),
        Attempt: _attempts(person).order_by(),
        Heard: Heard.objects.filter(attempt__call__in=calls),
        GroupRequest: _requests(person).order_by(),
        GroupAnswer: _theirs_alone(person).order_by(),
        Told: _told(person).order_by(),
    }


def pages(person: Person) -> list[str]:
    """Where a notice about one of them leads."""
    return [*map(news.place, calls_of(person)), *map(request_news.place, _requests(person))]


NOBODYS = {
    "surveys.hashtag": _("By which word a group is asked; nobody’s in particular."),
    "surveys.callrule": _("Who of us calls whom, by score, country, language and tier."),
    "surveys.caller": _("How many names one of us takes on, and of which countries."),
    "surveys.callinghours": _("When customers of a country may be called."),
    "surveys.calltext": _("What we say to all whom we call; nobody’s in particular."),
}


def register_all() -> None:
    """Erased from the last to the first: what hangs on a call before the call."""
    register(_calls(), _notes(), _asked(), _given(), _of_changes())
    spare(NOBODYS)


def _calls() -> Holder:
    return Holder(
        "calls", _("That they are called after they answered"), ("surveys.loop", "surveys.call", "surveys.followup"),
        _("What is still to be done is called off, and the reasons go."), _count_calls, _erase_calls,
        lambda person: rows_of(calls_of(person), *CALLED), columns(Call, *CALLED),
        keeps=_("That they were to be called, by whom and when, whether they were, and at which step it broke off."),
    )  # fmt: skip


def _notes() -> Holder:
    return Holder(
        "call_notes", _("What was noted when they were called"), ("surveys.attempt", "surveys.heard"),
        _("The words go."), lambda person: _attempts(person).exclude(note="").count(),
        lambda person: in_batches(_attempts(person).exclude(note=""), lambda rows: rows.update(note="")),
        _attempt_rows, columns(Attempt, *NOTED, heard=_("what was good, and what was not")), reads="note",
        keeps=_("Who called and when, whether they were reached, and which topics were good or bad."),
    )  # fmt: skip


def _asked() -> Holder:
    return Holder(
        "group_requests", _("What groups were asked after calls to them"), ("surveys.grouprequest",),
        _("The words go; what still waited is withdrawn."), lambda person: _requests_left(person).count(),
        lambda person: in_batches(_requests_left(person), _unask),
        lambda person: rows_of(_requests(person), *ASKED, group_name=F("group__name")),
        columns(GroupRequest, *ASKED, group_name=_("group")), reads="quote",
        keeps=_("Which group was asked by which hashtag, and when it answered."),
    )  # fmt: skip


def _given() -> Holder:
    return Holder(
        "group_answers", _("What groups answered them"), ("surveys.groupanswer",),
        _("What they alone were answered goes; where others were answered the same, their name does."),
        _count_answers, _erase_answers, lambda person: rows_of(_answers(person), *GIVEN),
        columns(GroupAnswer, *GIVEN), reads="text", keeps=_("That a group answered, and whether it changes something."),
    )  # fmt: skip


def _of_changes() -> Holder:
    return Holder(
        "told_changes", _("That they are told what changed because they asked"), ("surveys.told",),
        _("Who is still to be told is not told any more, and the reasons go."),
        lambda person: _told_left(person).count(), lambda person: in_batches(_told_left(person), _untell),
        lambda person: rows_of(_told(person), *TOLD, what=F("plan__title")),
        columns(Told, *TOLD, what=_("what changes")), keeps=_("That somebody who asked was told, or was not."),
    )  # fmt: skip
