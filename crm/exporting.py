"""Lists as files: CSV for spreadsheets, JSON Lines for programs, sent while they are read.

An export holds what its list holds for this person and this filter, in the same order. Who takes one away is written
down. What was exported comes in again by the same columns (docs/importing.md).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import QuerySet
from django.http import QueryDict, StreamingHttpResponse
from django.utils import timezone

from crm.cells import safe
from crm.models.activity import log
from crm.web import Request, keyset_page, without

CHUNK = 1_000  # rows asked for at once
LINES = 200  # rows sent at once
BOM = "\ufeff"  # tells Excel that it is UTF-8
JSON_LINES = "jsonl"

Row = Sequence[object]


class Streamed(StreamingHttpResponse):
    """Sent as it is made. Under ASGI Django would first read all of an ordinary iterator into memory."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        blocks = cast(Iterator[bytes], self.streaming_content)
        following = sync_to_async(lambda: next(blocks, None))
        while (block := await following()) is not None:
            yield block


def response(request: Request, name: str, columns: Sequence[str], rows: Iterable[Row], *, query: QueryDict) -> Streamed:
    """The list `name` as it was asked for by `as`, and a line in the log of who took it away under which filter."""
    as_json = request.GET.get("as") == JSON_LINES
    said = without(query, "after", "as", "query")
    kind = "JSON Lines" if as_json else "CSV"
    log("exported", request.user, by=request.user, detail=f"{name} ({kind}){f': {said}' if said else ''}")
    return (jsonl_response if as_json else csv_response)(name, columns, rows)


def csv_response(name: str, columns: Sequence[str], rows: Iterable[Row]) -> Streamed:
    """`rows` hold values in the order of `columns`; no cell of theirs is a formula to any spreadsheet."""
    return _download(f"{name}.csv", "text/csv; charset=utf-8", csv_blocks(columns, rows))


def jsonl_response(name: str, columns: Sequence[str], rows: Iterable[Row]) -> Streamed:
    return _download(f"{name}.jsonl", "application/jsonl; charset=utf-8", _json_blocks(columns, rows))


def csv_blocks(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    yield BOM
    for block in _in_blocks(_chained([columns], rows)):
        out = io.StringIO()
        csv.writer(out).writerows([safe(as_text(value)) for value in row] for row in block)
        yield out.getvalue()


def _json_blocks(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    for block in _in_blocks(rows):
        objects = ({name: _plain(value) for name, value in zip(columns, row, strict=True)} for row in block)
        yield "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in objects)


def as_text(value: object) -> str:
    """A value as a cell: several are set apart by ";", a moment is in UTC."""
    value = _plain(value)
    if isinstance(value, list | tuple):
        return "; ".join(map(as_text, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else str(value)


def _plain(value: object) -> Any:
    """A value as JSON holds it."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, str | int | float | list | tuple | dict | None):
        return value
    return str(value)


def _chained(first: Sequence[Row], rows: Iterable[Row]) -> Iterator[Row]:
    yield from first
    yield from rows


def _in_blocks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    block: list[Row] = []
    for row in rows:
        block.append(row)
        if len(block) == LINES:
            yield block
            block = []
    yield block


def every(rows: QuerySet[Any], *, key: Iterable[str], newest_first: bool = False) -> Iterator[Any]:
    """All rows of a list in its order, some at a time; between two the connection is free for other requests."""
    names, query = list(key), QueryDict()
    while True:
        page = keyset_page(rows, query, key=names, size=CHUNK, newest_first=newest_first)
        yield from page.rows
        following = QueryDict(page.next_query)
        if following.get("after") in (None, query.get("after")):  # the end; or a key that cannot be gone on from
            return
        query = following
        if not connection.in_atomic_block:
            connection.close()


def _download(name: str, kind: str, blocks: Iterator[str]) -> Streamed:
    stem, _dot, suffix = name.rpartition(".")
    called = f"{stem}-{timezone.localdate():%Y-%m-%d}.{suffix}"
    headers = {
        "Content-Disposition": f'attachment; filename="{called}"',
        "Cache-Control": "no-store",
        "X-Accel-Buffering": "no",
    }
    return Streamed(blocks, content_type=kind, headers=headers)
