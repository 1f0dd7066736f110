"""Posts from a file: streamed, resumable, each row accounted for.

The rows go to the inbox as raw payloads. How far the file has been read is a row of its own, moved in the transaction
that stores them, so that a loader killed anywhere goes on where it stopped.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction
from django.utils import timezone

from channels_app import inbox
from channels_app.models import Channel, FileLoad
from channels_app.platforms.base import RawPayload
from crm.importing.csv_rows import Record, csv_records

ROWS = 500
FIELDS = (
    "id", "author", "name", "text", "at", "reply_to", "quotes", "thread", "language", "url", "private", "ours",
    "followers", "location", "to", "kind",
)  # fmt: skip


class CannotLoad(Exception):
    """A finished sentence about a file or its columns."""


@dataclass(frozen=True)
class Row:
    """One row of a file as it becomes a payload. `number` counts from 1, without the header."""

    number: int
    body: bytes
    trouble: str = ""


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
    broken: str = field(default="")

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
        """Every row, also one that cannot be read: its bytes then go to the dead letters as they are.

        Where the file itself breaks off, the rows end there and `broken` says how.
        """
        try:
            with self.path.open("rb") as raw:
                for number, (body, trouble) in enumerate(self._bodies(self._lines(raw)), 1):
                    yield Row(number, body, trouble)
        except (OSError, EOFError, zlib.error) as error:
            self.broken = str(error)

    def _lines(self, raw: BinaryIO) -> Iterator[bytes]:
        for line in gzip.GzipFile(fileobj=raw) if self.path.suffix == ".gz" else raw:
            self.bytes_read = raw.tell()
            yield line

    def _bodies(self, lines: Iterator[bytes]) -> Iterator[tuple[bytes, str]]:
        return self._json_bodies(lines) if ".jsonl" in self.path.name else self._csv_bodies(lines)

    def _json_bodies(self, lines: Iterator[bytes]) -> Iterator[tuple[bytes, str]]:
        for line in lines:
            if not line.strip():
                continue
            try:
                yield _as_json(self.mapping.payload(json.loads(line.decode("utf-8")))), ""
            except (ValueError, AttributeError, RecursionError):
                yield line.rstrip(b"\r\n"), ""  # the platform says what is wrong with it

    def _csv_bodies(self, lines: Iterator[bytes]) -> Iterator[tuple[bytes, str]]:
        records = csv_records(lines)
        try:
            header = [_utf8(cell).lstrip("\ufeff").strip() for cell in next(records, Record()).cells]
        except UnicodeDecodeError as error:
            raise CannotLoad(
                "The first line is not valid UTF-8. Save the file as CSV in UTF-8 and load it again."
            ) from error
        self.check(header)
        for record in records:
            yield self._csv_body(header, record)

    def _csv_body(self, header: list[str], record: Record) -> tuple[bytes, str]:
        if record.trouble:
            return record.line, f"The row is not readable as CSV: {record.trouble}."
        if len(record.cells) != len(header):
            found, wanted = len(record.cells), len(header)
            return record.line, f"The row has {found} fields, the first line {wanted}: look at its quotes and commas."
        try:
            values = [_utf8(cell) for cell in record.cells]
        except UnicodeDecodeError:
            return record.line, "The row is not valid UTF-8."
        return _as_json(self.mapping.payload(dict(zip(header, values, strict=True)))), ""

    def check(self, header: list[str]) -> None:
        missing = [c for c in (*self.mapping.columns.values(), *(self.mapping.ours or ())[:1]) if c not in header]
        if missing:
            names = ", ".join(repr(name) for name in missing)
            raise CannotLoad(f"The file has no column {names}. It has: {', '.join(header) or 'nothing'}.")


def _utf8(cell: str) -> str:
    return cell.encode("latin-1").decode("utf-8")


def _as_json(payload: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(payload, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half an emoji, which JSON can escape and UTF-8 cannot hold
        return json.dumps(payload).encode()


def load(*, file: PostFile, channel: Channel) -> Iterator[FileLoad]:
    """Keep the file's rows, a batch a transaction, from where an unfinished pass stopped. Yields the pass after each.

    The pass stays open until `finish`, so that one killed later, while its rows were worked off, is not read again.
    Raises CannotLoad for a file without the columns, and for one that breaks off, after what could be read was kept.
    """
    name = file.path.name.encode("utf-8", "replace").decode()[:200]  # a file's name need not be text
    state, _ = FileLoad.objects.get_or_create(
        channel=channel, fingerprint=file.fingerprint(), finished_at=None, defaults={"name": name}
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
    if file.broken:
        raise CannotLoad(
            f"{file.path.name} cannot be read to its end: {file.broken}."
            f" The {state.rows:,} rows before that are stored; mend the file and load it again."
        )
    yield state


def finish(state: FileLoad) -> None:
    """All its rows are worked off: the same file loaded again is a new pass."""
    FileLoad.objects.filter(pk=state.pk, finished_at=None).update(finished_at=timezone.now())


@transaction.atomic
def _keep(state: FileLoad, batch: list[Row]) -> FileLoad:
    """Two loaders of one file: the second finds the place moved, and keeps only what the first has not."""
    locked = FileLoad.objects.select_for_update().get(pk=state.pk)
    fresh = [row for row in batch if row.number > locked.rows]
    payloads = [RawPayload(r.body, f"{state.name}, row {r.number}", r.trouble) for r in fresh]
    inbox.keep(channel=state.channel, payloads=payloads, load=state)
    if fresh:
        locked.rows = fresh[-1].number
        locked.save(update_fields=["rows"])
    state.rows = locked.rows
    return state
