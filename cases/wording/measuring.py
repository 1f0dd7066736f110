"""How well the guard tells copied replies from others: on replies made up, of which we know what was copied.

A copy is a reply in which so many words were replaced by others; what is not copied is another reply out of the same
sentences' words. Nothing here asks the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from cases.wording import likeness

WORDS = (
    "we are sorry that your train was late and you waited at the station for so long our colleague has "
    "found the bag in leeds please keep what you had to buy the money is on its way to your account by "
    "friday i have asked the depot who will write tomorrow with the ticket number so that nobody has to "
    "tell it twice thank you for your patience seat refund flight delay platform driver storm engine "
    "signal crew bus hotel voucher meal connection gate luggage"
).split()


@dataclass(frozen=True)
class Found:
    """Of `n` replies of `words` words with so many replaced: their likeness, how many were candidates, and stopped."""

    replaced: int
    n: int
    likeness: float
    candidates: int
    stopped: int


def measure(*, n: int, words: int, threshold: float, seed: int = 7) -> Iterator[Found]:
    """For copies with 0, 1, 2 … words replaced, and at last for replies that are not copied at all."""
    random = Random(seed)
    for replaced in (0, 1, 2, 3, 4, 6, 8, words):
        yield _measured(random, n, words, replaced, threshold)


def _measured(random: Random, n: int, words: int, replaced: int, threshold: float) -> Found:
    alike, candidates, stopped = 0.0, 0, 0
    for _ in range(n):
        first = [random.choice(WORDS) for _ in range(words)]
        one, two = (likeness.shingles(text) for text in (first, _changed(random, first, replaced)))
        same = likeness.likeness(one, two)
        candidate = bool(set(likeness.bands(one)) & set(likeness.bands(two)))
        alike, candidates = alike + same, candidates + candidate
        stopped += candidate and same >= threshold
    return Found(replaced, n, alike / n, candidates, stopped)


def _changed(random: Random, words: list[str], replaced: int) -> list[str]:
    changed = list(words)
    for at in random.sample(range(len(words)), replaced):
        changed[at] = random.choice(WORDS)
    return changed
