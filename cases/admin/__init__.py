"""The admin's pages about cases: what happens in them, where they go and why, and what they are answered with."""

from cases.admin import (
    alike,
    cases,
    causes,
    leads,
    moving,
    people,
    private,
    promises,
    rights,
    rules,
    saved,
    story,
    words,
)

__all__ = [
    "alike",
    "cases",
    "causes",
    "leads",
    "moving",
    "people",
    "private",
    "promises",
    "rights",
    "rules",
    "saved",
    "story",
    "words",
]
