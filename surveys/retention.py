"""How long surveys keep what."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.privacy.retention import Kind, Passing, passes, register
from surveys.models import Answer, Attempt, GroupRequest, Response, Theme
from surveys.outreach import privacy

DEVICES_KEPT = timedelta(days=180)  # longer than a wave is open: within one, the same device is looked for
SAID = ~Q(text="") | ~Q(chosen=[])


def old_words(before: datetime) -> QuerySet[Response]:
    """Begun before then, and something they said is still there. By when they began: some never finish."""
    said = Exists(Answer.objects.filter(SAID, response=OuterRef("pk")))
    return Response.objects.filter(said, started_at__lt=before)


def take_words(responses: QuerySet[Response]) -> None:
    """The scores stay, with what they were about: what was counted once still adds up."""
    answers = Answer.objects.filter(response__in=responses)
    Theme.objects.filter(answer__in=answers).exclude(words="").update(words="")
    answers.filter(SAID).update(text="", chosen=[])


def old_notes(before: datetime) -> QuerySet[Attempt]:
    """Of calls before then, in loops that are over: while one is open, somebody has to read what it is about."""
    asked = Exists(GroupRequest.objects.filter(privacy.QUOTES, attempt=OuterRef("pk")))
    return Attempt.objects.filter(~Q(note="") | asked, at__lt=before, call__loop__ended_at__isnull=False)


def take_notes(attempts: QuerySet[Attempt]) -> None:
    """Who called, what came of it and what groups answered stay."""
    privacy.unquote(GroupRequest.objects.filter(attempt__in=attempts))
    attempts.exclude(note="").update(note="")


def forget_devices() -> int:
    old = Response.objects.filter(started_at__lt=timezone.now() - DEVICES_KEPT).exclude(device="")
    return old.update(device="")


def register_ages() -> None:
    register(
        Kind(
            "survey_words", _("What customers said in surveys"),
            _("Their own words and what they chose. Scores, themes and plans stay, and every figure with them."),
            1095, old_words, take_words, least=90,
        ),
        Kind(
            "call_notes", _("What was noted when customers were called"),
            _("Notes, and what groups were asked by them, once the loop is over. Who called, what came of it and what"
              " groups answered stay."),
            1095, old_notes, take_notes, least=90,
        ),
    )  # fmt: skip
    passes(Passing("devices", _("From which device a survey was answered"), DEVICES_KEPT, forget_devices))
