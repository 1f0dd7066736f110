"""What a search finds: whom, how closely, and why in words."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Closeness(IntEnum):
    """The best first. Between two of the same, the newer customer stands first."""

    KEY = 110  # exactly their handle, address, number or id: nobody else has it
    EXACT = 100  # exactly their name
    LEADS = 90  # the name or handle begins with it, whole words
    WORDS = 70  # all words of it stand in the name
    BEGINS = 60  # words of the name begin with it
    HANDLE = 50  # the handle, address or number begins with it
    WITHIN = 40  # it stands somewhere in the name or handle
    FORMER = 35  # a record that was merged into theirs had this name
    SLIP = 30  # the name is a slip of the keys away; minus one for each further slip
    WROTE = 10  # they wrote it


class Hit(NamedTuple):
    customer: int
    closeness: int
    why: str  # a few words for the row: "E-mail ann@mail.example"; "" where the name itself says why
