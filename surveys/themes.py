"""What comments are about: suggested in batches as they come in, and corrected by a person.

A theme stands in one of three ways: suggested, confirmed (a person said so, or added it), dropped. A dropped one stays
as a row, so that it is not suggested again. Each deed is one locked row, returns how it stood before, and can be taken
back exactly with that (`put_back`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import Cause
from channels_app.reading import read
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log
from surveys import lexicon
from surveys.lexicon import Suggestion
from surveys.models import Answer, Theme, Tone

BATCH = 500
NEW, SUGGESTED, CONFIRMED, DROPPED = "new", "suggested", "confirmed", "dropped"


class TopicOrCause(Refused):
    sentence = _("Choose a topic or a cause: a theme is one of them.")


class CauseRetired(Refused):
    sentence = _("“{cause}” is no longer used. Choose another cause.")


class TakenAway(Refused):
    sentence = _("{who} took “{theme}” away in the meantime. Add it again if it belongs here.")


@dataclass(frozen=True)
class Standing:
    """How a theme stood: NEW, SUGGESTED, CONFIRMED or DROPPED; and in what tone."""

    state: str
    tone: str

    @property
    def is_sound(self) -> bool:
        return self.state in (NEW, SUGGESTED, CONFIRMED, DROPPED) and self.tone in Tone.values


class Decided(NamedTuple):
    """A theme after a deed, and how it stood before."""

    theme: Theme
    was: Standing


def standing(theme: Theme) -> Standing:
    if theme.dropped_at:
        return Standing(DROPPED, theme.tone)
    return Standing(CONFIRMED if theme.decided_at else SUGGESTED, theme.tone)


# --- suggested


@transaction.atomic
def suggest(answers: Iterable[Answer]) -> list[Theme]:
    """Suggest themes for these comments: five queries, however many. What stands there already, or was dropped, stays.

    Returns those that are new. What other comments were given is left alone; a text without a topic of its own is about
    what its question asks.
    """
    answers = list(_claimed(answers))
    causes = {cause.pk: cause.name for cause in Cause.objects.in_use()} if answers else {}
    tongues = _languages(answers)
    suggested = lexicon.suggest([answer.text for answer in answers], causes, tongues)
    themes = [
        Theme(answer=answer, topic=each.topic, cause_id=each.cause, tone=each.tone, words=each.words, suggested=True)
        for answer, found, tongue in zip(answers, suggested, tongues, strict=True)
        for each in _with_its_question(answer, found, tongue)
    ]
    return _stored(answers, themes)


def _claimed(answers: Iterable[Answer]) -> Iterable[Answer]:
    """The comments among them, locked: two at once suggest one after the other."""
    pks = [answer.pk for answer in answers]
    said = Answer.objects.verbatims().filter(pk__in=pks).select_related("question", "response")
    return said.order_by("pk").select_for_update(of=("self",))


def _languages(answers: Sequence[Answer]) -> list[str]:
    """Of what they wrote where it tells, else that in which they were asked."""
    told = read([answer.text for answer in answers])
    return [mine.language or answer.response.language for mine, answer in zip(told, answers, strict=True)]


def _with_its_question(answer: Answer, found: Sequence[Suggestion], language: str) -> list[Suggestion]:
    asked = answer.question.topic
    if not asked or any(each.topic == asked for each in found):
        return list(found)
    return [Suggestion(asked, lexicon.tones_of([answer.text], [language])[0], ""), *found]


def _stored(answers: Sequence[Answer], themes: Sequence[Theme]) -> list[Theme]:
    there = set(Theme.objects.filter(answer__in=answers).values_list("answer_id", "topic", "cause_id"))
    new = [theme for theme in themes if (theme.answer_id, theme.topic, theme.cause_id) not in there]
    Answer.objects.filter(pk__in=[answer.pk for answer in answers]).update(themed_at=timezone.now())
    return Theme.objects.bulk_create(new)


def catch_up() -> int:
    """Suggest for the oldest comments for which nobody has yet. Returns how many there were."""
    answers = list(Answer.objects.to_theme()[:BATCH])
    suggest(answers)
    return len(answers)


# --- corrected


@transaction.atomic
def confirm(*, theme: Theme, by: User) -> Decided:
    found = _locked(theme)
    if found.dropped_at:
        raise TakenAway(who=found.decided_by, theme=found)
    was = standing(found)
    if not found.decided_at:
        _decided(found, by, "confirmed")
    return Decided(found, was)


@transaction.atomic
def drop(*, theme: Theme, by: User) -> Decided:
    """Take it away. It is not suggested again."""
    found = _locked(theme)
    was = standing(found)
    if not found.dropped_at:
        found.dropped_at = timezone.now()
        _decided(found, by, "taken away")
    return Decided(found, was)


@transaction.atomic
def add(*, answer: Answer, by: User, tone: str, topic: str = "", cause: Cause | None = None) -> Decided:
    """Say what a comment is about, and how. Where it is about that already, the tone changes and it is confirmed."""
    if bool(topic) == bool(cause):
        raise TopicOrCause
    if cause and cause.retired_at:
        raise CauseRetired(cause=cause)
    Answer.objects.select_for_update().get(pk=answer.pk)  # two at once add one after the other
    found = Theme.objects.filter(answer=answer, topic=topic, cause=cause).first()
    was = standing(found) if found else Standing(NEW, tone)
    theme = found or Theme(answer=answer, topic=topic, cause=cause)
    theme.tone, theme.dropped_at = tone, None
    return Decided(_decided(theme, by, "added"), was)


@transaction.atomic
def put_back(*, theme: Theme, was: Standing, by: User) -> None:
    """Undo: it stands as it did."""
    found = _locked(theme)
    if was.state == NEW:
        log("theme taken back", found.answer.response, by=by, detail=str(found))
        found.delete()
        return
    found.tone = was.tone
    found.dropped_at = timezone.now() if was.state == DROPPED else None
    if was.state == SUGGESTED and found.suggested:
        found.decided_by = found.decided_at = None
        found.save(update_fields=["tone", "dropped_at", "decided_by", "decided_at"])
        log("theme put back", found.answer.response, by=by, detail=str(found))
    else:
        _decided(found, by, "put back")


def _locked(theme: Theme) -> Theme:
    parts = Theme.objects.select_related("answer__response", "cause__parent", "decided_by")
    return parts.select_for_update(of=("self",)).get(pk=theme.pk)


def _decided(theme: Theme, by: User, verb: str) -> Theme:
    theme.decided_by, theme.decided_at = by, timezone.now()
    theme.save()
    log(f"theme {verb}", theme.answer.response, by=by, detail=str(theme))
    return theme
