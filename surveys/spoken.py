"""The languages our own sentences to customers stand in: English, and those that have a catalog beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils import translation

CATALOGS = Path(__file__).parent / "locale"


@cache
def languages() -> frozenset[str]:
    return frozenset({settings.LANGUAGE_CODE, *(path.parts[-3] for path in CATALOGS.glob("*/LC_MESSAGES/django.mo"))})


def frame_in(language: str) -> translation.override:
    """Within it we speak this language, or the one it comes from ("de" for "de-CH"); English where we speak neither."""
    wanted = (language.lower(), language.lower().partition("-")[0])
    return translation.override(next((each for each in wanted if each in languages()), settings.LANGUAGE_CODE))
