"""What people put before or after their name in a handle, learnt from how often they do.

Nothing is listed here. A piece that begins many handles, more than names explain, and goes before many different names
says what somebody does or wants to be called, and nothing about who they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from crm.matching.names import name_key

SHORTEST, LONGEST = 2, 14
NAME = 3  # letters that make a word after the piece a name: shorter ones stand in everything
LEAST_HANDLES, LEAST_SHARE = 4, 0.005  # of handles with the piece: fewer are one person's habit
LIFT = 4.0  # times as often as names explain
DIFFERENT_NAMES = 4  # that follow the piece: "kevincramer" goes after many titles, but it names one person
WHOLE = 0.75
MOST_LEARNT_FROM = 50_000  # handles: shares no longer change beyond


@dataclass(frozen=True)
class Affixes:
    """Share of handles that begin (`before`) or end (`after`) with each piece."""

    before: Mapping[str, float] = field(default_factory=dict)
    after: Mapping[str, float] = field(default_factory=dict)


def learn(handles: Iterable[str], names: Mapping[str, int], customers: int) -> Affixes:
    """The affixes of these handles, given how many of `customers` have each word in their name."""
    keys = sorted({key for key in map(name_key, handles) if key and not key.isdecimal()})
    backwards = {word[::-1]: count for word, count in names.items()}
    after = _beginnings([key[::-1] for key in keys], backwards, customers)
    return Affixes(_beginnings(keys, names, customers), {piece[::-1]: share for piece, share in after.items()})


def _beginnings(keys: list[str], names: Mapping[str, int], customers: int) -> dict[str, float]:
    begins = Counter(key[:length] for key in keys for length in range(1, min(LONGEST, len(key)) + 1))
    starts = _starts(names, customers)
    least = max(LEAST_HANDLES, LEAST_SHARE * len(keys))
    often = {piece for piece, count in begins.items() if count >= least and _may_say_nothing(piece)}
    unlikely = {piece for piece in often if begins[piece] >= LIFT * (_expected(piece, begins, starts, len(keys)) + 0.5)}
    followed = _names_after(unlikely, keys, names)
    found = {piece for piece in unlikely if len(followed[piece]) >= DIFFERENT_NAMES}
    return {piece: begins[piece] / len(keys) for piece in found if not _is_part(piece, found, begins)}


def _may_say_nothing(piece: str) -> bool:
    """Figures are read as such wherever they stand (`handles.NUMBER`)."""
    return len(piece) >= SHORTEST and not piece.isdecimal()


def _is_part(piece: str, found: set[str], begins: Mapping[str, int]) -> bool:
    """Whether it is but the beginning of a longer one: "rea" where nearly all go on to "real"."""
    longer = (other for other in found if other != piece and other.startswith(piece))
    return any(begins[other] >= WHOLE * begins[piece] for other in longer)


def _starts(names: Mapping[str, int], customers: int) -> Counter[str]:
    """Share of customers with a name that starts like this: above 1 where several of their names do."""
    shares: Counter[str] = Counter()
    for word, count in names.items():
        for length in range(1, min(LONGEST, len(word)) + 1):
            shares[word[:length]] += count / max(customers, 1)  # type: ignore[assignment]
    return shares


def _expected(piece: str, begins: Mapping[str, int], starts: Mapping[str, float], handles: int) -> float:
    """Handles that would begin with the piece by names alone, or by a shorter piece and the start of a name."""
    splits = (begins[piece[:cut]] * starts.get(piece[cut:], 0.0) for cut in range(1, len(piece)))
    return max(handles * starts.get(piece, 0.0), *splits)


def _names_after(found: set[str], keys: list[str], names: Mapping[str, int]) -> dict[str, set[str]]:
    """The longest name that directly follows each piece, over all handles."""
    after: dict[str, set[str]] = {piece: set() for piece in found}
    for key in keys:
        for cut in range(SHORTEST, min(LONGEST, len(key) - NAME) + 1):
            if key[:cut] in found:
                follows = (key[cut:end] for end in range(len(key), cut + NAME - 1, -1))
                after[key[:cut]] |= {next((word for word in follows if word in names), "")} - {""}
    return after
