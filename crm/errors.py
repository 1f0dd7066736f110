"""Refusals: what Hark will not do, said as a finished sentence a person can act on."""

from __future__ import annotations

from django.utils.functional import Promise


class Refused(Exception):
    """Base of every refusal. `str(refusal)` is the sentence; pages show it with status 422, or as a message.

    A subclass stands beside the function that raises it and sets `sentence`, with {placeholders} for keywords.
    """

    sentence: str | Promise = ""

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(str(self.sentence).format(**facts))
