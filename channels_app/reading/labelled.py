"""Texts with labels that people gave, from a CSV file."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TextIO

from channels_app.reading.teaching import VALUES

LONGEST_FIELD = 16 * 1024 * 1024
SAME_AS = {"lead": "purchase", "spam_abuse": "abuse", "spam": "abuse"}
"""Labels that files use for a value, and what Hark calls it."""


class UnmeasurableError(ValueError):
    """A file that cannot be measured; reads as the sentence that says why."""


class Labelled(NamedTuple):
    """A text, what it truly is, and the brand it is about where the file says so."""

    text: str
    truth: str
    brand: str = ""


class Columns(NamedTuple):
    """Which columns of a file hold what; `brand` may be empty."""

    text: str
    label: str
    brand: str = ""


def labelled(path: Path, columns: Columns, aspect: str, *, limit: int | None = None) -> tuple[list[Labelled], int]:
    """The rows whose label is a value of the aspect, and how many have another. `limit` counts rows of the file."""
    rows = list(islice(_rows(path, columns), limit))
    known = [each for each in rows if each.truth in VALUES[aspect]]
    if not known:
        values = '", "'.join(VALUES[aspect])
        raise UnmeasurableError(f'No row of {path} has one of "{values}" in the column "{columns.label}".')
    return known, len(rows) - len(known)


def _rows(path: Path, columns: Columns) -> Iterator[Labelled]:
    csv.field_size_limit(LONGEST_FIELD)
    try:
        with _opened(path) as file:
            rows = csv.DictReader(file)
            _refuse_missing(rows.fieldnames or [], columns)
            for row in rows:
                truth = (row[columns.label] or "").strip().lower()
                brand = (row[columns.brand] or "") if columns.brand else ""
                yield Labelled(row[columns.text] or "", SAME_AS.get(truth, truth), brand)
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise UnmeasurableError(f"{path} cannot be read: {error}.") from error


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def _refuse_missing(columns: Sequence[str], wanted: Columns) -> None:
    missing = [f'"{name}"' for name in wanted if name and name not in columns]
    if missing:
        there = ", ".join(columns) or "none"
        raise UnmeasurableError(f"The file has no column {' and no column '.join(missing)}. Its columns are: {there}.")
