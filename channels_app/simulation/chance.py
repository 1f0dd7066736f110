"""Chances that come out the same each time: one generator per occasion, named by what it decides."""

from __future__ import annotations

from random import Random


def chance(seed: int, *occasion: object) -> Random:
    """A generator for one occasion. It does not depend on what was drawn before, so a restart changes nothing."""
    return Random(":".join(map(str, (seed, *occasion))))
