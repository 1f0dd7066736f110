"""The stories people live through with Skylark, read from the TOML files beside this module.

To add one, copy a `[[story]]` block in `data/` and change the sentences. These may be used in them, and mean the same
thing through a whole thread: {flight} {train} {ref} {here} {there} {hours} {minutes} {money} {seat} {gate}, and of
clock times {earlier} (before the thread began) and {time} (some hours after).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

DATA = Path(__file__).parent / "data"
BRAND = "skylark"


class Kind(StrEnum):
    PROBLEM = "problem"
    QUESTION = "question"
    PURCHASE = "purchase"
    PRAISE = "praise"


@dataclass(frozen=True, slots=True)
class Story:
    """One story. `helped` answers `fixes` one by one where there are equally many."""

    key: str
    kind: Kind
    topic: str
    openings: tuple[str, ...]  # the first post; one is drawn
    details: tuple[str, ...]  # told when an agent asks
    helped: tuple[str, ...]  # thanks
    asks: tuple[str, ...] = ()  # how Skylark asks (history)
    fixes: tuple[str, ...] = ()  # how Skylark helps (history)
    ignored: tuple[str, ...] = ()  # when nobody answers, in this order, angrier each time; praise has none
    returns: tuple[str, ...] = ()  # the trouble comes back after the thanks
    language: str = "en"
    weight: int = 1  # how often it happens, compared with the others


@dataclass(frozen=True, slots=True)
class Phrases:
    """What people of one language say whatever their story is; see data/phrases.toml."""

    asked_again: tuple[str, ...]
    stock: tuple[str, ...]
    words: tuple[str, ...]
    thanks: tuple[str, ...]
    grudging: tuple[str, ...]
    ignored: tuple[str, ...]
    details: tuple[str, ...]
    cheers: tuple[str, ...]
    edits: tuple[str, ...]
    phrases: tuple[str, ...]


def _tuples(table: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in table.items()}


def _story(table: dict[str, Any]) -> Story:
    return Story(**_tuples({**table, "kind": Kind(table["kind"])}))


@cache
def stories() -> dict[str, Story]:
    """Every story by its key, always in the same order."""
    files = sorted(DATA.glob("*.toml"))
    tables = [table for file in files for table in tomllib.loads(file.read_text("utf-8")).get("story", [])]
    return {table["key"]: _story(table) for table in tables}


@cache
def phrases() -> dict[str, Phrases]:
    tables = tomllib.loads((DATA / "phrases.toml").read_text("utf-8"))
    return {language: Phrases(**_tuples(table)) for language, table in tables.items()}


def phrases_in(language: str) -> Phrases:
    return phrases().get(language) or phrases()["en"]


def story_of(key: str, language: str) -> Story:
    """The story, or for a post that belongs to none, one made of what anybody would say."""
    common = phrases_in(language)
    return stories().get(key) or Story(
        "", Kind.PROBLEM, "", ("",), common.details, common.thanks, ignored=common.ignored, language=language
    )


def in_language(language: str) -> list[Story]:
    return [story for story in stories().values() if story.language == language]


_CITIES = (
    "London", "Paris", "Brussels", "Amsterdam", "Cologne", "Hamburg", "Berlin", "Frankfurt", "Zurich", "Milan",
    "Lyon", "Vienna", "Munich", "Prague", "Copenhagen", "Geneva", "Barcelona", "Warsaw",
)  # fmt: skip
_TRAIN = {"en": "train {}", "es": "tren {}", "de": "Zug {}"}
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


def facts(rng: Random, language: str, began: datetime) -> dict[str, str]:
    """The particulars of one thread: which flight, how late, how much."""
    here, there = rng.sample(_CITIES, 2)
    return {
        "flight": f"SKL {rng.randint(101, 989)}",
        "train": _TRAIN.get(language, "{}").format(rng.randint(1001, 4899)),
        "ref": "".join(rng.choices(_LETTERS, k=6)),
        "here": here,
        "there": there,
        "hours": str(rng.randint(2, 6)),
        "minutes": str(rng.choice((35, 40, 45, 50, 55, 70, 80, 90))),
        "money": f"€{rng.randint(19, 480)}",
        "seat": f"{rng.randint(3, 32)}{rng.choice('ABCDEF')}",
        "earlier": _clock(began - timedelta(minutes=rng.randrange(40, 120, 5))),
        "time": _clock(began + timedelta(minutes=rng.randrange(120, 300, 5))),
        "gate": f"{rng.choice('ABCD')}{rng.randint(1, 38)}",
    }


def _clock(at: datetime) -> str:
    """To the nearest five minutes, as on a timetable."""
    return f"{at.hour:02d}:{at.minute // 5 * 5:02d}"


def fill(sentence: str, particulars: dict[str, str]) -> str:
    """The sentence with its particulars, beginning with a capital. Text that was typed by a person has no fields."""
    for name, value in particulars.items():
        sentence = sentence.replace(f"{{{name}}}", value)
    return sentence[:1].upper() + sentence[1:]
