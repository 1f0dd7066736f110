"""What a case is about, in a line."""

from __future__ import annotations

import re

HANDLE = r"@\w+(?:[.-]+\w+)*(?:@\w+(?:[.-]+\w+)*(?::\d+)?)?"  # @care, @care.bsky.social, @care@mastodon.social
HANDLES_AHEAD = re.compile(rf"^(?:\s*[.]?{HANDLE}[:,]?)+\s*")


def subject_of(text: str) -> str:
    """The first words, less the handles a public reply begins with."""
    words = " ".join(HANDLES_AHEAD.sub("", text).split()) or " ".join(text.split()) or "(no words)"
    return words if len(words) <= 200 else words[:199] + "…"
