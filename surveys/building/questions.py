"""The questions of a version in the making, in line, and on what each depends."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from cases import deeds
from cases.models import Deed
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log
from surveys.building.versions import draft_of
from surveys.facts import FACTS
from surveys.models import Condition, Question, Version

ACTION = "question taken out"
NUMBERS = (Question.Kind.NPS, Question.Kind.SCALE)
KEPT = ("about_id", "fact", "test", "values")  # of a condition, beside whose it is


class KeyTaken(Refused):
    sentence = _("Another question of this version is named “{key}” already.")


class OneRecommendation(Refused):
    sentence = _("This version asks for the recommendation already: a score has one question.")


class Loops(Refused):
    sentence = _("“{question}” waits for the answer to “{about}”, so it is asked after it.")


class TextDecidesNothing(Refused):
    sentence = _("“{about}” is answered in own words: nothing can depend on them.")


class NoSuchAnswer(Refused):
    sentence = _("“{value}” is no answer to “{about}”.")


@transaction.atomic
def add_question(*, version: Version, kind: str, values: Mapping[str, Any], by: User) -> Question:
    """At the end. `values` are fields of Question; without a `key` it gets one from its words."""
    version = draft_of(version)
    others = list(version.questions.all())
    if kind == Question.Kind.NPS and any(other.kind == kind for other in others):
        raise OneRecommendation
    question = Question(version=version, kind=kind, position=len(others) + 1)
    _fill(question, values, {other.key for other in others})
    question.save()
    log("given a question", version.survey, by=by, detail=str(question))
    return question


@transaction.atomic
def change_question(*, question: Question, values: Mapping[str, Any], by: User) -> Question:
    version = draft_of(question.version)
    question = version.questions.select_for_update().get(pk=question.pk)
    _fill(question, values, set(version.questions.exclude(pk=question.pk).values_list("key", flat=True)))
    question.save()
    log("changed", version.survey, by=by, detail=str(question))
    return question


def _fill(question: Question, values: Mapping[str, Any], taken: set[str]) -> None:
    for name, value in values.items():
        setattr(question, name, value)
    if not question.key:
        question.key = _named(question, taken)
    if question.key in taken:
        raise KeyTaken(key=question.key)


def _named(question: Question, taken: set[str]) -> str:
    """A name for what is asked: the kind or the permission where that says all, else the first words."""
    if question.kind == Question.Kind.NPS:
        return "nps"
    name = question.permission or key_of(question.text()) or question.kind
    return next(each for each in (name, *(f"{name[:36]}_{n}" for n in range(2, 1000))) if each not in taken)


def key_of(words: str) -> str:
    """Small letters, digits and _, at most 40; empty where nothing of it can be kept."""
    plain = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    kept = "_".join(re.findall(r"[a-z0-9]+", plain)[:6])[:40].strip("_")
    return kept if kept[:1].isalpha() else ""


@transaction.atomic
def move(*, question: Question, to: int, by: User) -> Question:
    """To the place `to`, from 1 on; the others close up. Never before a question it waits for."""
    version = draft_of(question.version)
    line = list(version.questions.prefetch_related("conditions__about"))
    moved = next(each for each in line if each.pk == question.pk)
    line.remove(moved)
    line.insert(max(0, min(to - 1, len(line))), moved)
    for place, each in enumerate(line, start=1):
        each.position = place
    _refuse_loops(line)
    Question.objects.bulk_update(line, ["position"])
    log("changed", version.survey, by=by, detail=str(_("the order of its questions")))
    return moved


def _refuse_loops(line: Sequence[Question]) -> None:
    place = {question.pk: question.position for question in line}
    for question in line:
        for condition in question.conditions.all():
            if condition.about_id and place[condition.about_id] >= question.position:
                raise Loops(question=question, about=condition.about)


@transaction.atomic
def remove(*, question: Question, by: User) -> Deed:
    """Take it out, and with it the conditions that look at its answer. The deed puts everything back (`put_back`)."""
    version = draft_of(question.version)
    found = version.questions.get(pk=question.pk)
    conditions = Condition.objects.filter(question=found) | Condition.objects.filter(about=found)
    row = {field.attname: getattr(found, field.attname) for field in found._meta.concrete_fields}
    bound = [{"question_id": c.question_id} | {name: getattr(c, name) for name in KEPT} for c in conditions]
    found.delete()
    version.questions.filter(position__gt=row["position"]).update(position=F("position") - 1)
    log("lost a question", version.survey, by=by, detail=str(found))
    return Deed.objects.create(action=ACTION, before=[{"row": row, "conditions": bound}], by=by)


@transaction.atomic
def put_back(*, deed: Deed, by: User) -> Question:
    """Only for who took it out, within a day."""
    deeds.undo(deed=deed, by=by)
    return Question.objects.select_related("version__survey").get(pk=deed.before[0]["row"]["id"])


@deeds.undoes(ACTION)
def _put_back(deed: Deed, by: User) -> int:
    """The words in this deed are ours: what customers are asked, nothing that one of them said."""
    row, conditions = deed.before[0]["row"], deed.before[0]["conditions"]
    version = draft_of(Version.objects.get(pk=row["version_id"]))
    if version.questions.filter(key=row["key"]).exists():
        raise KeyTaken(key=row["key"])
    row["position"] = min(row["position"], version.questions.count() + 1)
    version.questions.filter(position__gte=row["position"]).update(position=F("position") + 1)
    back = Question.objects.create(**row)
    there = set(version.questions.values_list("pk", flat=True))
    kept = [c for c in conditions if {c["question_id"], c["about_id"] or back.pk} <= there]
    Condition.objects.bulk_create([Condition(**condition) for condition in kept])
    log("got a question back", version.survey, by=by, detail=str(back))
    return 1


@transaction.atomic
def add_condition(
    *, question: Question, about: Question | None = None, fact: str = "", test: str, values: Sequence[Any], by: User
) -> Condition:
    """Ask it only when this holds, too: of `about`, an earlier question with countable answers, or of a `fact`."""
    version = draft_of(question.version)
    line = {each.pk: each for each in version.questions.all()}
    if about is not None:
        _refuse_what_cannot_decide(line[question.pk], line[about.pk], test, values)
    elif fact not in FACTS or not values:
        raise NoSuchAnswer(value=", ".join(map(str, values)), about=fact)
    condition = Condition.objects.create(question=question, about=about, fact=fact, test=test, values=list(values))
    log("changed", version.survey, by=by, detail=str(question))
    return condition


def _refuse_what_cannot_decide(question: Question, about: Question, test: str, values: Sequence[Any]) -> None:
    if about.kind == Question.Kind.TEXT:
        raise TextDecidesNothing(about=about)
    if about.position >= question.position:
        raise Loops(question=question, about=about)
    compared = test in (Condition.Test.AT_LEAST, Condition.Test.AT_MOST)
    possible = answers_to(about) if not compared or about.kind in NUMBERS else []
    wrong = [value for value in values if value not in possible]
    if wrong or not values or (compared and len(values) != 1):
        raise NoSuchAnswer(value=", ".join(map(str, wrong or values)), about=about)


def answers_to(question: Question) -> list[Any]:
    """What can be said to it, where that can be counted."""
    match question.kind:
        case Question.Kind.NPS | Question.Kind.SCALE:
            low, high = question.ends
            return list(range(low, high + 1))
        case Question.Kind.CHOICE:
            return list(question.choices)
        case Question.Kind.CONSENT:
            return [True, False]
    return []


@transaction.atomic
def remove_condition(*, condition: Condition, by: User) -> Question:
    version = draft_of(condition.question.version)
    condition.delete()
    log("changed", version.survey, by=by, detail=str(condition.question))
    return condition.question
