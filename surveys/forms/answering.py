"""What the pages of who is asked send back: an answer, how long it was looked at, and what they want of us."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from django import forms
from django.core.signing import BadSignature, Signer
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.consent import Held
from surveys.checking import NotAnAnswer
from surveys.models import Invitation, Question
from surveys.paths import Value

NUMBER = re.compile(r"-?[0-9]{1,4}")
SAID = {"yes": True, "no": False, "": None}

stamps = Signer(salt="surveys.shown", sep=".")


def given(question: Question, data: QueryDict) -> Value:
    """What a page sent as an answer to `question`, as a value. Whether it fits is for `surveys.checking` to say.

    Raises NotAnAnswer where it is not even of the right kind.
    """
    if "pass" in data:
        return None
    raw = data.get("answer", "")
    match question.kind:
        case Question.Kind.CHOICE:
            return [key for key in data.getlist("answer") if key]
        case Question.Kind.TEXT:
            return raw
        case Question.Kind.CONSENT:
            return _one_of(SAID, raw)
    return _number(raw.strip())


def _one_of(said: dict[str, bool | None], raw: str) -> bool | None:
    if raw not in said:
        raise NotAnAnswer
    return said[raw]


def _number(raw: str) -> int | None:
    if raw and not (NUMBER.fullmatch(raw) and raw.isascii()):
        raise NotAnAnswer
    return int(raw) if raw else None


# --- how long a question was looked at, by our clocks alone


def stamp(invitation: Invitation, question: Question, now: datetime) -> str:
    """When a question was shown, signed: it travels with the form, since a look at a page stores nothing."""
    return stamps.sign(f"{invitation.pk}.{question.pk}.{now.timestamp():.3f}")


def seconds(invitation: Invitation, question: Question, stamp: str, now: datetime) -> float | None:
    """Since then. None where the stamp is not ours, or of another question."""
    try:
        whose, asked, at = stamps.unsign(stamp).split(".", 2)
    except (BadSignature, ValueError):
        return None
    if (whose, asked) != (str(invitation.pk), str(question.pk)):
        return None
    return round(now.timestamp() - float(at), 3)


# --- what they want of us


class PreferencesForm(forms.Form):
    """Each purpose by itself, as it holds now."""

    survey = forms.BooleanField(label=_("Surveys, a few times a year at most"), required=False)
    call = forms.BooleanField(label=_("Calls, about what you told us"), required=False)
    care_reply = forms.BooleanField(label=_("Answers, when you write to us"), required=False)
    marketing = forms.BooleanField(label=_("News and offers"), required=False)

    def __init__(self, data: QueryDict | None, held: Sequence[Held]) -> None:
        super().__init__(data, initial={each.purpose: each.allowed for each in held})
