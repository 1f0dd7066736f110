"""What only one person and Skylark can read."""

from __future__ import annotations

import re

DIRECT = "dm-"  # how the network names such a conversation: by that person's key


def direct(key: str) -> str:
    """The name of the conversation that only this person and Skylark can read."""
    return DIRECT + key


def is_direct(thread: str) -> bool:
    return thread.startswith(DIRECT)


def points_elsewhere(text: str) -> bool:
    """Whether a public reply only says that there is a private one."""
    return re.search(r"\b(private(ly)?|direct message|dm)\b", text, re.IGNORECASE) is not None
