"""How often the cause a case was resolved with would have been suggested: learned from older cases, tried on newer.

A file with a text and a cause a row is halved by the texts themselves: each half is tried with what the other taught.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cases.likely import learning, signs, weighing
from cases.likely.learning import Known
from cases.likely.suggesting import topics_of_words
from cases.likely.weighing import SHOWN, Counts
from cases.models import Cause

TRIED = 0.3  # of the cases: the newest
Row = tuple[Known, set[str]]


@dataclass
class Measured:
    """Beside what naming the commonest causes each time would have found."""

    learned: int = 0
    tried: int = 0
    suggested: int = 0
    first: int = 0
    among: int = 0
    commonest_first: int = 0
    commonest_among: int = 0

    def share(self, n: int) -> float:
        return n / self.tried if self.tried else 0.0


def of_history(every: int | None = None) -> Measured:
    """Of what is resolved now: the newest after the older ones; `every` third, say, by all the others."""
    rows = list(learning.with_signs(list(learning.resolved())))  # the newest first
    tried = rows[::every] if every else rows[: round(TRIED * len(rows))]
    learned = [row for number, row in enumerate(rows) if number % every] if every else rows[len(tried) :]
    names = {cause.pk: str(cause) for cause in Cause.objects.select_related("parent")}
    return _try(Measured(), learned, tried, names)


def of_file(path: Path, text: str, cause: str) -> Measured:
    """Rows without a cause are left out. Raises KeyError where there is no such column, OSError where no file."""
    names: dict[str, int] = {}
    halves: tuple[list[Row], list[Row]] = ([], [])
    for number, (said, label) in enumerate(_rows(path, text, cause)):
        known = Known(number, number, names.setdefault(label, len(names)), "")
        half = hashlib.sha256(" ".join(said.casefold().split()).encode()).digest()[0] % 2
        halves[half].append((known, set(signs.of_case([said]))))
    found, labels = Measured(), {pk: name for name, pk in names.items()}
    for learned, tried in (halves, halves[::-1]):
        _try(found, learned, tried, labels)
    return found


def _rows(path: Path, text: str, cause: str) -> Iterator[tuple[str, str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as file:  # type: ignore[operator]
        for row in csv.DictReader(file):
            if row[cause]:
                yield row[text], row[cause]


def _try(found: Measured, learned: Sequence[Row], tried: Iterable[Row], labels: dict[int, str]) -> Measured:
    counts, names = _counts(learned), weighing.names(labels, topics_of_words())
    commonest = sorted(counts.causes, key=lambda cause: -counts.causes[cause])[:SHOWN]
    found.learned += len(learned)
    for case, written in tried:
        likely = weighing.weigh(dict(zip(written, written, strict=True)), counts, names)
        place = weighing.rank_of(case.cause, likely)
        found.tried += 1
        found.suggested += bool(likely)
        found.first += place == 1
        found.among += place > 0
        found.commonest_first += case.cause in commonest[:1]
        found.commonest_among += case.cause in commonest
    return found


def _counts(rows: Iterable[Row]) -> Counts:
    causes: Counter[int] = Counter()
    by_sign: dict[str, dict[int, int]] = {}
    for (sign, cause), n in learning.count(rows).items():
        if sign:
            by_sign.setdefault(sign, {})[cause] = n
        else:
            causes[cause] = n
    return Counts(causes, by_sign)
