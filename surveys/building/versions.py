"""Surveys and their versions: begun, named, copied, retired."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.models import User
from crm.models.activity import log
from surveys.models import Condition, Question, Survey, Version

DEFAULTS = Path(__file__).parent.parent / "defaults.toml"
MOST_LANGUAGES = 8
OWN = ("title", "intro", "thanks")  # what a version says besides its questions

# what each kind begins with: name in defaults.toml, kind, and what else is said of the question
BEGINS: dict[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    Survey.Kind.NPS: (
        ("nps", Question.Kind.NPS, {"required": True}),
        ("why", Question.Kind.TEXT, {}),
        ("call", Question.Kind.CONSENT, {"permission": Question.Permission.CALL}),
    ),
    Survey.Kind.CASE: (
        ("satisfied", Question.Kind.SCALE, {"required": True, "topic": "support"}),
        ("better", Question.Kind.TEXT, {"topic": "support"}),
    ),
    Survey.Kind.PULSE: (("feeling", Question.Kind.SCALE, {"required": True}), ("why", Question.Kind.TEXT, {})),
}  # fmt: skip


class NameTaken(Refused):
    sentence = _("There is a survey called “{name}” already. Call this one otherwise.")


class OneAfterCases(Refused):
    sentence = _("“{survey}” asks after cases already. Retire it first: a case is asked about once.")


class NoLanguage(Refused):
    sentence = _("A survey speaks at least one language, and at most {most}.")


class WasSent(Refused):
    sentence = _("Version {number} was sent, so it never changes. Make a new version, and change that.")


@transaction.atomic
def start(*, name: str, kind: str, brand: str = "", languages: Sequence[str] = ("en",), by: User) -> Version:
    """A survey with its first version: what its kind begins with, worded in those languages we have words for."""
    survey = _made(name, kind, brand, by)
    spoken = _spoken(languages)
    wording = {code: {part: _filled(code, part, brand) for part in OWN} for code in spoken if code in defaults()}
    version = Version.objects.create(survey=survey, languages=spoken, wording=wording, made_by=by)
    Question.objects.bulk_create(_first_questions(version, brand))
    if kind == Survey.Kind.CASE:
        _ask_the_unsatisfied(version)
    log("made", survey, by=by)
    return version


@cache
def defaults() -> dict[str, Any]:
    return tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))


def _filled(code: str, part: str, brand: str) -> Any:
    words = defaults()[code][part]
    who = brand or defaults()[code]["us"]
    return (
        words.replace("{brand}", who)
        if isinstance(words, str)
        else {k: v.replace("{brand}", who) for k, v in words.items()}
    )


def _first_questions(version: Version, brand: str) -> list[Question]:
    spoken = [code for code in version.languages if code in defaults()]
    return [
        Question(
            version=version, position=n, key=key, kind=kind, **rest,
            wording={code: _filled(code, key, brand) for code in spoken},
        )
        for n, (key, kind, rest) in enumerate(BEGINS[version.survey.kind], start=1)
    ]  # fmt: skip


def _ask_the_unsatisfied(version: Version) -> None:
    """After a case, only who was not served well is asked what was amiss."""
    satisfied, better = version.questions.order_by("position")
    Condition.objects.create(question=better, about=satisfied, test=Condition.Test.AT_MOST, values=[3])


def _made(name: str, kind: str, brand: str, by: User) -> Survey:
    _refuse_a_name_twice(name)
    _refuse_a_second_after_cases(kind)
    return Survey.objects.create(name=name, kind=kind, brand=brand, made_by=by)


def _refuse_a_name_twice(name: str, besides: int = 0) -> None:
    if Survey.objects.filter(name__iexact=name).exclude(pk=besides).exists():
        raise NameTaken(name=name)


def _refuse_a_second_after_cases(kind: str, besides: int = 0) -> None:
    asking = Survey.objects.in_use().filter(kind=Survey.Kind.CASE).exclude(pk=besides).first()
    if kind == Survey.Kind.CASE and asking:
        raise OneAfterCases(survey=asking)


def _spoken(languages: Sequence[str]) -> list[str]:
    spoken = list(dict.fromkeys(languages))
    if not 1 <= len(spoken) <= MOST_LANGUAGES:
        raise NoLanguage(most=MOST_LANGUAGES)
    return spoken


def draft_of(version: Version) -> Version:
    """This version, locked, to be changed."""
    locked = Version.objects.select_for_update().get(pk=version.pk)
    if not locked.is_draft:
        raise WasSent(number=locked.number)
    return locked


@transaction.atomic
def rename(*, survey: Survey, name: str, brand: str, by: User) -> Survey:
    """Name and brand are no part of a version: answers stay what they were asked for."""
    _refuse_a_name_twice(name, survey.pk)
    survey.name, survey.brand = name, brand
    survey.save(update_fields=["name", "brand"])
    log("changed", survey, by=by, detail=name)
    return survey


@transaction.atomic
def change_words(
    *, version: Version, languages: Sequence[str], wording: Mapping[str, Mapping[str, str]], by: User
) -> Version:
    """Its languages, the first of which is asked where a customer has none of them, and what it says of its own.

    Words of a language taken out stay where they are, so that it can come back.
    """
    version = draft_of(version)
    version.languages = _spoken(languages)
    version.wording = {**version.wording, **{code: dict(words) for code, words in wording.items()}}
    version.save(update_fields=["languages", "wording"])
    log("changed", version.survey, by=by, detail=str(_("its words")))
    return version


@transaction.atomic
def new_version(*, survey: Survey, by: User) -> Version:
    """The next version, as a copy of the newest; the one in the making, where there is one already."""
    Survey.objects.select_for_update().get(pk=survey.pk)
    newest = survey.versions.order_by("-number").with_questions()[0]
    if newest.is_draft:
        return newest
    version = _copied(newest, survey, newest.number + 1, by)
    log("given a new version", survey, by=by, detail=str(version.number))
    return version


@transaction.atomic
def copy(*, survey: Survey, name: str, kind: str | None = None, by: User) -> Version:
    """Another survey that begins with what this one asks now."""
    newest = survey.versions.order_by("-number").with_questions()[0]
    made = _copied(newest, _made(name, kind or survey.kind, survey.brand, by), 1, by)
    log("made", made.survey, by=by, detail=survey.name)
    return made


def _copied(version: Version, survey: Survey, number: int, by: User) -> Version:
    """With questions and conditions, in six queries."""
    made = Version.objects.create(
        survey=survey, number=number, languages=version.languages, wording=deepcopy(version.wording), made_by=by
    )
    old = list(version.questions.all())
    new = Question.objects.bulk_create([_like(question, version=made) for question in old])
    twin = dict(zip((question.pk for question in old), new, strict=True))
    conditions = [
        _like(condition, question=twin[question.pk], about=twin.get(condition.about_id or 0))
        for question in old
        for condition in question.conditions.all()
    ]
    Condition.objects.bulk_create(conditions)
    return made


def _like(row: Any, **changes: Any) -> Any:
    """A row like it that is not saved yet."""
    fields = [field for field in row._meta.concrete_fields if not field.primary_key and field.name not in changes]
    return type(row)(**{field.attname: deepcopy(getattr(row, field.attname)) for field in fields}, **changes)


@transaction.atomic
def retire(*, survey: Survey, retired: bool, by: User) -> Survey:
    """Out of use, or back: nothing new is sent, what was asked stands, and what was sent can still be answered."""
    if not retired:
        _refuse_a_second_after_cases(survey.kind, survey.pk)
    survey.retired_at = (survey.retired_at or timezone.now()) if retired else None
    survey.save(update_fields=["retired_at"])
    log("retired" if retired else "brought back", survey, by=by)
    return survey
