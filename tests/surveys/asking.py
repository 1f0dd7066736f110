"""Somebody who was sent a survey, and how they go through it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from surveys import answering
from surveys.models import Invitation, Question, Version
from surveys.standing import Standing
from tests import factories


def survey(*kinds: str, languages: list[str] | None = None, **facts: Any) -> Version:
    """A version in the making: the recommendation, why, and whether we may call, unless other kinds are named."""
    languages = languages or ["en"]
    wording = {
        code: {"title": f"Title {code}", "intro": f"Intro {code}", "thanks": f"Thanks {code}"} for code in languages
    }
    version = factories.VersionFactory(languages=languages, wording=wording, **facts)
    for kind in kinds or ("nps", "text", "consent"):
        asked(version, kind)
    return version


def asked(version: Version, kind: str, **facts: Any) -> Question:
    """One more question, worded in each of the languages."""
    made = factories.QuestionFactory(version=version, kind=kind, **facts)
    words = made.wording["en"]
    made.wording = {
        code: words if code == "en" else {**words, "text": f"{made.key} {code}"} for code in version.languages
    }
    made.save()
    return made


def send(version: Version, **facts: Any) -> Invitation:
    """Freeze it, and invite somebody by a running wave."""
    Version.objects.filter(pk=version.pk, sent_at=None).update(sent_at=timezone.now())
    return factories.InvitationFactory(**{"wave": factories.WaveFactory(version=version), "version": version, **facts})


def say(invitation: Invitation, key: str, value: Any, *, at: datetime | None = None, **facts: Any) -> Standing:
    question = invitation.version.questions.get(key=key)
    return answering.answer(invitation=invitation, question=question, value=value, at=at or timezone.now(), **facts)
