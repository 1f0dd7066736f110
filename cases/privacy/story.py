"""What the story of a case may hold on a person: what we told each other, promised them and asked colleagues."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Case as When_
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Commitment, GroupQuestion, HandOver
from cases.privacy.cases import cases_of
from crm.privacy.holders import Holder, Row, columns, in_batches, register, rows_of, spare
from crm.privacy.people import Person

GONE = "–"  # what stands where the database wants a word and there is none left
TOLD = ("case", "at", "story", "promised", "promised_until", "next_step", "why")
PROMISED = ("case", "at", "text", "until", "kept_at", "dropped_at", "why")
ASKED = ("case", "at", "text", "answer", "answered_at")
STORY_LEFT = ~Q(story=GONE) | ~Q(next_step=GONE) | ~Q(promised="") | ~Q(why__in=["", GONE])
PROMISE_LEFT = ~Q(text=GONE) | ~Q(why__in=["", GONE])
QUESTION_LEFT = ~Q(text="") | ~Q(answer="")


def _of(person: Person) -> QuerySet[Case]:
    return cases_of(person).order_by()


# --- hand-overs


def told(cases: QuerySet[Case]) -> QuerySet[HandOver]:
    """Those that still have words."""
    return HandOver.objects.filter(STORY_LEFT, case__in=cases).order_by("pk")


def untell(given: QuerySet[HandOver]) -> None:
    given.update(story=GONE, next_step=GONE, promised="", why=_gone_where_there_was_one("why"))


# --- commitments


def promised(cases: QuerySet[Case]) -> QuerySet[Commitment]:
    return Commitment.objects.filter(PROMISE_LEFT, case__in=cases).order_by("pk")


def unpromise(made: QuerySet[Commitment]) -> None:
    """What stands is dropped: nobody is left to keep it to, and nothing says any more what it was."""
    made.filter(kept_at=None, dropped_at=None).update(dropped_at=Now(), why=GONE)
    made.update(text=GONE, why=_gone_where_there_was_one("why"))


def _gone_where_there_was_one(column: str) -> When_:
    return When_(When(**{column: ""}, then=Value("")), default=Value(GONE))


# --- questions to groups


def asked(cases: QuerySet[Case]) -> QuerySet[GroupQuestion]:
    return GroupQuestion.objects.filter(QUESTION_LEFT, case__in=cases).order_by("pk")


def unask(questions: QuerySet[GroupQuestion]) -> None:
    """What waits is withdrawn: a group cannot answer a question it cannot read."""
    questions.filter(answered_at=None, withdrawn_at=None).update(withdrawn_at=Now())
    questions.update(text="", answer="")


def _asked_rows(person: Person) -> Iterator[Row]:
    return rows_of(asked(_of(person)), *ASKED, group_name=F("group__name"))


def words_left() -> Exists:
    """For a query of cases: whether its story still has words."""
    left = ((HandOver, STORY_LEFT), (Commitment, PROMISE_LEFT), (GroupQuestion, QUESTION_LEFT))
    first, *rest = (Exists(model.objects.filter(words, case=OuterRef("pk"))) for model, words in left)
    return reduce(or_, rest, first)


def take_words(cases: QuerySet[Case]) -> None:
    """Of cases that are kept no longer."""
    untell(HandOver.objects.filter(pk__in=_now(told(cases))))
    unpromise(Commitment.objects.filter(pk__in=_now(promised(cases))))
    unask(GroupQuestion.objects.filter(pk__in=_now(asked(cases))))


def _now(rows: QuerySet[Any]) -> list[int]:
    """Their pks: what is changed in two steps must not be sought again between them."""
    return list(rows.values_list("pk", flat=True))


def register_all() -> None:
    register(
        Holder(
            "stories", _("What we told each other when their cases changed hands"), ("cases.handover",),
            _("The words go."), lambda person: told(_of(person)).count(),
            lambda person: in_batches(told(_of(person)), untell),
            lambda person: rows_of(told(_of(person)), *TOLD), columns(HandOver, *TOLD), reads="story",
            keeps=_("Who handed a case to whom, and when."),
        ),
        Holder(
            "commitments", _("What we promised them"), ("cases.commitment",),
            _("The words go; what still stood is dropped."), lambda person: promised(_of(person)).count(),
            lambda person: in_batches(promised(_of(person)), unpromise),
            lambda person: rows_of(promised(_of(person)), *PROMISED), columns(Commitment, *PROMISED), reads="text",
            keeps=_("That something was promised, by whom, and whether it was kept."),
        ),
        Holder(
            "questions", _("What colleagues were asked in their cases, and answered"), ("cases.groupquestion",),
            _("The words go; what still waited is withdrawn."), lambda person: asked(_of(person)).count(),
            lambda person: in_batches(asked(_of(person)), unask), _asked_rows,
            columns(GroupQuestion, *ASKED, group_name=_("group")), reads="text",
            keeps=_("Which group was asked, by whom, and when it answered."),
        ),
    )  # fmt: skip
    spare({"crm.supportgroup": _("Colleagues who are asked; nobody’s in particular.")})
