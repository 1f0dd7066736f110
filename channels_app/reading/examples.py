"""Texts of every kind with what they truly are: what Hark gets right and, marked as such, what it gets wrong."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from channels_app.reading.model import Reading

ASPECTS = ("sentiment", "intent", "topic", "urgency", "language")


class Shown(NamedTuple):
    """A text, what it shows, what is true of it (only the aspects that matter), and which of that is read wrong."""

    about: str
    text: str
    truth: Mapping[str, str]
    wrong: frozenset[str]

    @property
    def is_right(self) -> bool:
        return not self.wrong


@cache
def examples() -> tuple[Shown, ...]:
    """The table, in the order of its file."""
    written = tomllib.loads(files("channels_app.reading").joinpath("examples.toml").read_text(encoding="utf-8"))
    return tuple(
        Shown(
            about=each["about"],
            text=each["text"] * each.get("times", 1),
            truth={aspect: each[aspect] for aspect in ASPECTS if aspect in each},
            wrong=frozenset(each.get("wrong", ())),
        )
        for each in written["example"]
    )


def said(reading: Reading) -> dict[str, str]:
    """What was read of each aspect; "" where it was not."""
    wishes = {"intent": reading.intent, "topic": reading.topic, "urgency": reading.urgency}
    told = {aspect: str(wish.value) for aspect, wish in wishes.items()}
    return {"sentiment": reading.sentiment.value, "language": reading.language, **told}
