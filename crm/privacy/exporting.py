"""A copy of all we hold on a person: a ZIP with data.json for machines and index.html for people.

Written as a stream, so that a hundred thousand messages need no more memory than ten.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from io import TextIOWrapper
from tempfile import TemporaryFile
from typing import IO, Any
from uuid import uuid4
from zipfile import ZIP_DEFLATED, ZipFile

from django.core.files import File
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.models import PrivacyRequest
from crm.models.activity import log
from crm.privacy import holders, people
from crm.privacy.holders import Column, Holder, Row
from crm.privacy.people import Person

SCHEMA = "hark.person/1"
KEPT = timedelta(days=7)
EMPTY: tuple[Any, ...] = (None, "", [], {}, False)  # and 0
Told = Callable[[str], None]  # is told each step's name


def export(request: PrivacyRequest) -> None:
    """Make the file and keep it for a week. Begun anew where a worker died: only a whole file is ever kept."""
    person = people.person(request.customer)
    shown = [holder for holder in holders.all_holders() if holder.rows]
    request.begin(len(shown) * 2)
    steps = iter(range(len(shown) * 2))
    with TemporaryFile() as file:
        with ZipFile(file, "w", ZIP_DEFLATED) as archive:
            write(archive, person, shown, lambda name: request.go_to(name, next(steps)))
        _keep(request, File(file))


@transaction.atomic
def _keep(request: PrivacyRequest, file: File[bytes]) -> None:
    request.file.save(f"{uuid4().hex}.zip", file, save=False)
    request.file_until = timezone.now() + KEPT
    request.finish()
    log("copied", request.customer, by=request.by, detail=request.get_reason_display())


def write(archive: ZipFile, person: Person, shown: list[Holder], told: Told) -> None:
    with _entry(archive, "data.json") as out:
        counts = _write_json(out, person, shown, told)
    with _entry(archive, "index.html") as out:
        _write_page(out, person, [(holder, counts[holder.name]) for holder in shown], told)


@contextmanager
def _entry(archive: ZipFile, name: str) -> Iterator[IO[str]]:
    with archive.open(name, "w", force_zip64=True) as raw, TextIOWrapper(raw, "utf-8", "replace", newline="\n") as out:
        yield out


# --- for machines


def _write_json(out: IO[str], person: Person, shown: list[Holder], told: Told) -> dict[str, int]:
    """{"schema", "customer", "made_at", "kinds": {name: {"says", "columns", "rows": […]}}}. Returns rows by kind."""
    counts = {}
    head = {"schema": SCHEMA, "customer": person.customer.pk, "made_at": timezone.now()}
    out.write(_json(head)[:-1] + ', "kinds": {')
    for number, holder in enumerate(shown):
        told(holder.name)
        says = {"says": str(holder.label), "columns": {name: str(c.label) for name, c in holder.columns.items()}}
        out.write(f'{"," if number else ""}\n"{holder.name}": {_json(says)[:-1]}, "rows": [')
        count = 0
        for count, row in enumerate(_rows(holder, person), 1):
            out.write(("," if count > 1 else "") + "\n" + _json(row))
        counts[holder.name] = count
        out.write("]}")
    out.write("}}\n")
    return counts


def _rows(holder: Holder, person: Person) -> Iterator[Row]:
    return holder.rows(person) if holder.rows else iter(())


def _json(what: Any) -> str:
    return json.dumps(what, ensure_ascii=False, cls=DjangoJSONEncoder)


# --- for people


def _write_page(out: IO[str], person: Person, counted: list[tuple[Holder, int]], told: Told) -> None:
    """One page that needs nothing but itself: no script, no picture, nothing fetched."""
    full = [(holder, count) for holder, count in counted if count]
    context = {
        "customer": person.customer, "now": timezone.now(), "absorbed": person.absorbed, "full": full,
        "empty": [holder for holder, count in counted if not count],
    }  # fmt: skip
    head, foot = render_to_string("crm/privacy/copy.html", context).split("<!-- the kinds -->")
    out.write(head)
    for holder, count in counted:
        told(holder.name)
        if count:
            out.write(format_html('<section id="{}"><h2>{}</h2>\n', holder.name, holder.label))
            out.writelines(_article(holder, row) for row in _rows(holder, person))
            out.write("</section>\n")
    out.write(foot)


def _article(holder: Holder, row: Row) -> SafeString:
    """What somebody wrote first, then the facts about it; what is empty is left out."""
    words = row.get(holder.reads) if holder.reads else None
    facts = [
        (column.label, _shown(column, row.get(name)))
        for name, column in holder.columns.items()
        if name != holder.reads and row.get(name) not in EMPTY
    ]
    said = format_html('<p class="words" dir="auto">{}</p>', words) if words else ""
    pairs = format_html_join("", "<div><dt>{}</dt><dd><bdi>{}</bdi></dd></div>", facts)
    return format_html("<article>{}<dl>{}</dl></article>\n", said, pairs)


def _shown(column: Column, value: Any) -> str:
    """A value as a person reads it; times in UTC, which the page says."""
    if isinstance(value, str | int) and value in column.choices:
        return str(column.choices[value])
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value, timezone.get_default_timezone()), "j M Y, H:i")
    if isinstance(value, date):
        return date_format(value, "j M Y")
    return _json(value) if isinstance(value, list | dict) else str(value)
