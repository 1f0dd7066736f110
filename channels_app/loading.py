"""Posts from a file: streamed, resumable, each row accounted for.

The rows go to the inbox as raw payloads. How far the file has been read is a row of its own, moved in the transaction
that stores them, so that a loader killed anywhere goes on where it stopped.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from channels_app import inbox
from channels_app.models import Channel, FileLoad
from channels_app.platforms.base import RawPayload

ROWS = 500
FIELDS = (
    "id", "author", "name", "text", "at", "reply_to", "quotes", "thread", "language", "url", "private", "ours",
    "followers", "to", "kind",
)  # fmt: skip
csv.field_size_limit(32 * 1024 * 1024)


class CannotLoad(Exception):
    """A finished sentence about a file or its columns."""


@dataclass(frozen=True)
class Row:
    """One row of a file as it becomes a payload. `number` counts from 1, without the header."""

    number: int
    body: bytes


@dataclass
class Columns:
    """Which column is which field, and which values mean "ours"."""

    columns: Mapping[str, str]
    ours: tuple[str, str] | None = None  # column, value

    def payload(self, row: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: row.get(column) for name, column in self.columns.items()}
        if self.ours:
            found["ours"] = str(row.get(self.ours[0], "")).strip().lower() == self.ours[1].lower()
        return {name: value for name, value in found.items() if value not in (None, "")}


@dataclass
class PostFile:
    """A CSV or JSON Lines file, plain or gzipped, read as a stream."""

    path: Path
    mapping: Columns
    bytes_read: int = field(default=0)

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def fingerprint(self) -> str:
        """Names this file and this reading of it, wherever it lies."""
        digest = sha256(json.dumps([dict(self.mapping.columns), self.mapping.ours]).encode())
        with self.path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    def rows(self) -> Iterator[Row]:
        """Every row, also one that cannot be read: its bytes then go to the dead letters as they are."""
        with self.path.open("rb") as raw:
            unzipped = gzip.open(raw) if self.path.suffix == ".gz" else raw
            lines = self._counted(unzipped, raw)
            yield from self._json_rows(lines) if ".jsonl" in self.path.name else self._csv_rows(lines)

    def _counted(self, file: Any, raw: Any) -> Iterator[bytes]:
        for line in file:
            self.bytes_read = raw.tell()
            yield line

    def _json_rows(self, lines: Iterator[bytes]) -> Iterator[Row]:
        for number, line in enumerate((line for line in lines if line.strip()), 1):
            try:
                found = json.loads(line.decode("utf-8"))
                body = json.dumps(self.mapping.payload(found), ensure_ascii=False).encode("utf-8", "surrogatepass")
            except (ValueError, AttributeError):
                body = line.rstrip(b"\r\n")
            yield Row(number, body)

    def _csv_rows(self, lines: Iterator[bytes]) -> Iterator[Row]:
        # latin-1 loses no byte; each field goes back to bytes, and the parser says which row is not UTF-8
        reader = csv.reader(line.decode("latin-1") for line in lines)
        header = [_utf8(cell).lstrip("\ufeff").strip() for cell in next(reader, [])]
        self.check(header)
        number = 0
        while True:
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(number, f"not readable as CSV: {error}".encode())
                continue
            if cells:
                yield Row(number, self._csv_body(header, cells))

    def _csv_body(self, header: list[str], cells: list[str]) -> bytes:
        if len(cells) != len(header):
            return ",".join(cells).encode("latin-1")  # broken quoting: not JSON, so a dead letter with the row as it was
        try:
            values = [_utf8(cell) for cell in cells]
        except UnicodeDecodeError:
            return ",".join(cells).encode("latin-1")
        return json.dumps(self.mapping.payload(dict(zip(header, values, strict=True))), ensure_ascii=False).encode()

    def check(self, header: list[str]) -> None:
        missing = [c for c in (*self.mapping.columns.values(), *(self.mapping.ours or ())[:1]) if c not in header]
        if missing:
            raise CannotLoad(
                f"The file has no column {', '.join(repr(m) for m in missing)}. It has: {', '.join(header) or 'nothing'}."
            )


def _utf8(cell: str) -> str:
    return cell.encode("latin-1").decode("utf-8")


def load(*, file: PostFile, channel: Channel) -> Iterator[FileLoad]:
    """Keep the file's rows, a batch a transaction, from where an unfinished pass stopped. Yields the pass after each batch."""
    state, _ = FileLoad.objects.get_or_create(
        channel=channel, fingerprint=file.fingerprint(), finished_at=None, defaults={"name": file.path.name[:200]}
    )
    batch: list[Row] = []
    for row in file.rows():
        if row.number <= state.rows:
            continue
        batch.append(row)
        if len(batch) == ROWS:
            yield _keep(state, batch)
            batch = []
    _keep(state, batch)
    FileLoad.objects.filter(pk=state.pk).update(finished_at=timezone.now())
    yield state


@transaction.atomic
def _keep(state: FileLoad, batch: list[Row]) -> FileLoad:
    """Two loaders of one file: the second finds the place moved, and keeps only what the first has not."""
    locked = FileLoad.objects.select_for_update().get(pk=state.pk)
    fresh = [row for row in batch if row.number > locked.rows]
    payloads = [RawPayload(r.body, f"{state.name}, row {r.number}") for r in fresh]
    inbox.keep(channel=state.channel, payloads=payloads, load=state)
    if fresh:
        locked.rows = fresh[-1].number
        locked.save(update_fields=["rows"])
    state.rows = locked.rows
    return state
