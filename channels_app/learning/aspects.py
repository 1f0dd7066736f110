"""Which columns of a message hold what was read of it, and what each may say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from channels_app.models import About, Aspect, Intent, Sentiment, Urgency
from crm.errors import Refused

LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,4})?")


class Columns(NamedTuple):
    """Of one aspect: its value, how sure that is, and the words that decided; "" where none are kept."""

    value: str
    confidence: str
    reasons: str


COLUMNS: Mapping[str, Columns] = {
    Aspect.SENTIMENT: Columns("sentiment", "confidence", "reasons"),
    Aspect.INTENT: Columns("intent", "intent_confidence", "intent_reasons"),
    Aspect.TOPIC: Columns("topic", "topic_confidence", "topic_reasons"),
    Aspect.URGENCY: Columns("urgency", "urgency_confidence", "urgency_reasons"),
    Aspect.LANGUAGE: Columns("language", "language_confidence", ""),
}
VALUES: Mapping[str, tuple[str, ...]] = {
    Aspect.SENTIMENT: (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE),
    Aspect.INTENT: tuple(Intent.values),
    Aspect.TOPIC: tuple(About.values),
    Aspect.URGENCY: tuple(Urgency.values),
}
"""What people may say; of a language they may say any code."""
NOT_READ = ("", Sentiment.UNKNOWN.value)


class NoSuchAspect(Refused):
    sentence = _("Hark does not read that of a message. Load the page again.")


class NoSuchValue(Refused):
    sentence = _("“{value}” is not one of the answers. Load the page again and choose one.")


class NoSuchLanguage(Refused):
    sentence = _("“{value}” is no code of a language. Write two letters, such as “en”.")


def spoken(named: str) -> str:
    """The language of a code, whatever its country: "en" for "en-US" and "EN_gb"."""
    return named.replace("_", "-").partition("-")[0].strip().lower()


def refuse_unknown(aspect: str, value: str) -> None:
    """Raises unless `value` can be said of `aspect`."""
    if aspect not in COLUMNS:
        raise NoSuchAspect
    if aspect == Aspect.LANGUAGE:
        if len(value) > 8 or not LANGUAGE.fullmatch(value):
            raise NoSuchLanguage(value=value)
    elif value not in VALUES[aspect]:
        raise NoSuchValue(value=value)
