"""Where what the rigs need is kept: outside the checkout, so that it outlives it."""

from __future__ import annotations

import os
from pathlib import Path


def cache(name: str) -> Path:
    """A folder for one rig: below HARK_RIGS_DIR, else below the user's cache."""
    top = os.environ.get("HARK_RIGS_DIR") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "hark-rigs"
    folder = Path(top).expanduser().resolve() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
