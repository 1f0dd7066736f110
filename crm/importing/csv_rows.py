"""CSV as people export it: a row that is torn spoils itself, not the rows after it.

A quote that is never closed makes every following line part of one field. Here such a record is given up after its
first line, and reading goes on with the next.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST_FIELD = 8 * 1024 * 1024  # characters; beyond that a quote was not closed
csv.field_size_limit(LONGEST_FIELD)
TROUBLE = {  # how the csv module's messages begin → what that means for whoever looks at the row
    "unexpected end": "a quote is opened and never closed",
    "field larger": "a quote is opened and never closed",
    "',' expected": "something stands between a closing quote and the next comma",
    "';' expected": "something stands between a closing quote and the next semicolon",
    "'\t' expected": "something stands between a closing quote and the next tab",
    "'|' expected": "something stands between a closing quote and the next bar",
    "new-line character": "a line ends in the middle of a field that has no quotes",
}


@dataclass
class Record:
    """One row: its cells, each byte a Latin-1 character so that none is lost; or its first line and what is wrong.

    `end` is how many bytes of the lines were taken when it was complete: where the next record begins.
    """

    cells: list[str] = field(default_factory=list)
    line: bytes = b""
    trouble: str = ""
    end: int = 0


class _Lines:
    """Lines with the right to go back to where the current record began."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._ahead: deque[bytes] = deque()
        self.taken: list[bytes] = []
        self.bytes = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._ahead.popleft() if self._ahead else next(self._lines)
        self.taken.append(line)
        self.bytes += len(line)
        return line.decode("latin-1")

    def go_back_to_the_second(self) -> None:
        back = self.taken[1:]
        self._ahead.extendleft(reversed(back))
        self.bytes -= sum(map(len, back))


def _in_words(error: csv.Error) -> str:
    return next((words for start, words in TROUBLE.items() if str(error).startswith(start)), str(error))


def csv_records(lines: Iterator[bytes], delimiter: str = ",") -> Iterator[Record]:
    """Records in order, less the empty ones. `strict`: text after a closing quote means that a quote is missing."""
    source = _Lines(lines)
    reader = csv.reader(source, strict=True, delimiter=delimiter)
    while True:
        source.taken = []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            source.go_back_to_the_second()
            yield Record(line=source.taken[0].rstrip(b"\r\n"), trouble=_in_words(error), end=source.bytes)
        else:
            if cells:
                yield Record(cells, b"".join(source.taken).rstrip(b"\r\n"), end=source.bytes)
