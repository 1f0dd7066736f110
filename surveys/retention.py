"""How long surveys keep what."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.privacy.retention import Kind, Passing, passes, register
from surveys.models import Answer, Response, Theme

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


def forget_devices() -> int:
    old = Response.objects.filter(started_at__lt=timezone.now() - DEVICES_KEPT).exclude(device="")
    return old.update(device="")


def register_ages() -> None:
    register(
        Kind(
            "survey_words", _("What customers said in surveys"),
            _("Their own words and what they chose. Scores, themes and plans stay, and every figure with them."),
            1095, old_words, take_words, least=90,
        )
    )  # fmt: skip
    passes(Passing("devices", _("From which device a survey was answered"), DEVICES_KEPT, forget_devices))
