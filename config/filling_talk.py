"""What is said in the cases of the bulk: an exchange of turns about one story, ending as the case's state asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle
from random import Random

from channels_app.simulation.stories import Story, facts, fill, phrases_in

# who speaks last in a case of each state; in a new one nobody of us has spoken
ENDS_WITH_US = {"new": False, "open": False, "waiting": True}
LONGEST = 40  # messages


@dataclass(frozen=True)
class Said:
    ours: bool
    text: str
    at: datetime


def exchange(chance: Random, story: Story, state: str, *, mean: float, began: datetime, now: datetime) -> list[Said]:
    """About `mean` messages, the first by the customer at `began`, none after `now`."""
    turns = list(_turns(chance, state, _length(chance, mean)))
    particulars, theirs, ours = facts(chance, "en", began), _theirs(chance, story), _ours(chance, story)
    step = min(timedelta(hours=3), (now - began) / (len(turns) + 1))
    said, at = [], began
    for turn in turns:
        said.append(Said(turn, fill(next(ours if turn else theirs), particulars), at))
        at += step * (0.2 + 0.8 * chance.random())
    return said


def _length(chance: Random, mean: float) -> int:
    """Mostly short, some long: a geometric distribution that is cut off."""
    length = 1
    while chance.random() > 1 / mean and length < LONGEST:
        length += 1
    return length


def _turns(chance: Random, state: str, length: int) -> Iterator[bool]:
    """Whether each message is ours."""
    if state == "new":
        yield from [False] * min(length, 3)
        return
    last = ENDS_WITH_US.get(state, chance.random() < 0.6)
    length = max(length, 2 if last else 1 if state == "open" else 3)
    length += (length % 2 == 0) != last  # they begin and turns alternate: an even number ends with us
    yield from (n % 2 == 1 for n in range(length))


def _theirs(chance: Random, story: Story) -> Iterator[str]:
    common = phrases_in("en")
    yield chance.choice(story.openings)
    rest = [*story.details, *story.helped, *story.returns, *common.details, *common.thanks]
    chance.shuffle(rest)
    yield from cycle(rest)


def _ours(chance: Random, story: Story) -> Iterator[str]:
    rest = [*story.asks, *story.fixes] or ["Thank you for telling us. We are looking into it."]
    chance.shuffle(rest)
    yield from cycle(rest)
