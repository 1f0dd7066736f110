"""How well alike posts are found: copies in a file of posts, and floods made of it by changing some words of each."""

from __future__ import annotations

import csv
import gzip
import random
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from channels_app.reading import alike

SEEDS, COPIES = 40, 25  # floods made, and posts of each
BATCH = 500
PREFIXES = ("", "RT @somebody: ", "So true! RT @somebody: ", "@brand ")
SUFFIXES = ("", " https://t.co/x1y2z3", " 😡😡", " via @somebody", "!!!")
Pairs = set[tuple[int, int]]


class UnmeasurableError(Exception):
    """A sentence that says what is wrong with the file or the column."""


@dataclass(frozen=True)
class Found:
    """Of pairs of posts: `together` were put together, `truly` belong together, `both` are both."""

    together: int
    truly: int
    both: int

    @property
    def precision(self) -> float:
        return self.both / self.together if self.together else 1.0

    @property
    def recall(self) -> float:
        return self.both / self.truly if self.truly else 1.0

    def figures(self) -> dict[str, float]:
        return {"pairs": self.truly, "found": self.together, "precision": round(self.precision, 4),
                "recall": round(self.recall, 4)}  # fmt: skip


def texts_of(path: Path, column: str) -> list[str]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            rows = csv.DictReader(file)
            columns = rows.fieldnames or ()
            if column not in columns:
                raise UnmeasurableError(f"{path.name} has no column “{column}”; it has {', '.join(columns)}.")
            return [row[column] or "" for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnmeasurableError(f"{path.name} cannot be read: {error}.") from error


def groups(texts: Sequence[str]) -> list[int]:
    """For each text the first it was put with, as routing does it: each is compared with those that began a group."""
    same: dict[int, int] = {}
    bands: dict[int, list[int]] = defaultdict(list)
    heads, found = [], [sign for at in range(0, len(texts), BATCH) for sign in _signed(texts[at : at + BATCH])]
    for number, signature in enumerate(found):
        head = number
        if signature and (known := same.get(signature.same)) is not None:
            head = known
        elif signature:
            near = {other for band in signature.bands for other in bands[band]}
            alike_ones = [other for other in near if alike.are_alike(_words(found, other), signature.words)]
            likest = ((alike.likeness(_words(found, other), signature.words), other) for other in alike_ones)
            head = max(likest, default=(0.0, number))[1]
            if head == number:
                same[signature.same] = number
                for band in signature.bands:
                    bands[band].append(number)
        heads.append(head)
    return heads


def _signed(texts: Sequence[str]) -> list[alike.Signature | None]:
    return alike.signatures(texts, [""] * len(texts))


def _words(found: Sequence[alike.Signature | None], number: int) -> alike.Words:
    signature = found[number]
    return signature.words if signature else ()


def copies(texts: Sequence[str]) -> Found:
    """Against plain copies: the same text once handles, links, "RT", case and all but letters and digits are gone."""
    return compared(groups(texts), [_plain(text) or str(n) for n, text in enumerate(texts)])


def _plain(text: str) -> str:
    bare = re.sub(r"https?:\S+|@\w+|\bRT\b", " ", text)
    words = re.findall(r"\w+", bare.lower())
    return " ".join(words) if len(words) >= alike.FEWEST_WORDS else ""


def floods(texts: Sequence[str], percent: int, *, seed: int = 8) -> Found:
    """SEEDS long posts, COPIES of each with `percent` of the words changed, among all the others."""
    dice = random.Random(seed)
    long = [text for text in dict.fromkeys(texts) if len(alike.words_of(text)) >= 2 * alike.FEWEST_SHINGLED]
    chosen = dice.sample(long, min(SEEDS, len(long)))
    words = [word for text in texts[:2000] for word in text.split()]
    made = [(_changed(text, percent, words, dice), n) for n, text in enumerate(chosen) for _ in range(COPIES)]
    others = [(text, -1 - n) for n, text in enumerate(texts) if text not in set(chosen)]
    mixed = made + others
    dice.shuffle(mixed)
    heads = groups([text for text, _ in mixed])
    ours = [at for at, (_, flood) in enumerate(mixed) if flood >= 0]
    return compared([heads[at] for at in ours], [str(mixed[at][1]) for at in ours])


def _changed(text: str, percent: int, words: Sequence[str], dice: random.Random) -> str:
    said = [dice.choice(words) if dice.random() < percent / 100 else word for word in text.split()]
    return f"{dice.choice(PREFIXES)}{' '.join(said)}{dice.choice(SUFFIXES)}"


def compared(heads: Sequence[int], truth: Sequence[str]) -> Found:
    together, truly = _pairs(heads), _pairs(truth)
    return Found(len(together), len(truly), len(together & truly))


def _pairs(labels: Sequence[object]) -> Pairs:
    of: dict[object, list[int]] = defaultdict(list)
    for number, label in enumerate(labels):
        of[label].append(number)
    return {pair for numbers in of.values() for pair in combinations(numbers, 2)}


def microseconds(texts: Sequence[str]) -> float:
    """CPU of one post, in batches as they are routed."""
    begin = time.process_time()
    for at in range(0, len(texts), BATCH):
        _signed(texts[at : at + BATCH])
    return 1e6 * (time.process_time() - begin) / max(len(texts), 1)
