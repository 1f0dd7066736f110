"""A file on its way to being an import: brought, looked at, and its columns named."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.importing import mapping, sniffing
from crm.importing.files import ENCODINGS, Sheet
from crm.importing.rules import CannotSave, Values, read
from crm.models import Import, User
from crm.models.activity import log

MOST_BYTES = 200 * 1024 * 1024
SHOWN = 5  # rows of a preview
State = Import.State
OPEN = (State.UPLOADED, State.CHECKED)  # what may still be changed about an import


class TooLarge(Refused):
    sentence = _("The file has {size} MB; {most} MB is the most Hark takes at once. Cut it into parts.")


class NoLongerOpen(Refused):
    sentence = _("This import has begun by now; nothing about it can be changed.")


class FileGone(Refused):
    sentence = _("The file is no longer here. Bring it again.")


class UnknownEncoding(Refused):
    sentence = _("Hark does not read this encoding: {encoding}.")


def bring(*, what: str, source: str, file: File[bytes], by: User) -> Import:
    """Keep an uploaded file, and look at what it is. Raises a Refused for what cannot be read, and keeps nothing."""
    if file.size > MOST_BYTES:
        raise TooLarge(size=round(file.size / 1024 / 1024), most=MOST_BYTES // 1024 // 1024)
    name = Path(file.name or "").name[:200] or "file"
    run = Import(what=what, source=source, name=name, size=file.size, by=by)
    run.file.save("import", file, save=False)
    try:
        found = sniffing.look_at(Path(run.file.path))
        run.encoding, run.delimiter = found.encoding, found.delimiter
        sheet = sheet_of(run)
        sheet.check()
        run.header, run.columns = sheet.header, mapping.guess(what, sheet.header)
        with transaction.atomic():
            run.save()
            log("brought", run, by=by, detail=f"{run.get_what_display()} from {source}")
    except Exception:
        run.file.delete(save=False)
        raise
    return run


def sheet_of(run: Import) -> Sheet:
    """Raises FileGone."""
    if not run.file or not Path(run.file.path).is_file():
        raise FileGone
    return Sheet(Path(run.file.path), run.encoding, run.delimiter)


@transaction.atomic
def name_columns(*, run: Import, columns: Mapping[str, Sequence[str]], by: User) -> Import:
    """What each column means. What was checked before is to be checked again. Raises what `mapping.must_fit` raises."""
    locked = _open(run)
    mapping.must_fit(run.what, columns, locked.header)
    locked.columns = {name: list(theirs) for name, theirs in columns.items()}
    return _afresh(locked)


@transaction.atomic
def read_as(*, run: Import, encoding: str, by: User) -> Import:
    """Read the file in another encoding, and guess its columns anew. Raises UnknownEncoding, NoHeader."""
    if encoding not in ENCODINGS:
        raise UnknownEncoding(encoding=encoding)
    locked = _open(run)
    locked.encoding = encoding
    locked.header = sheet_of(locked).header
    locked.columns = mapping.guess(run.what, locked.header)
    return _afresh(locked)


@transaction.atomic
def let_go(*, run: Import) -> None:
    """Forget an import that was only looked at, and its file. Raises NoLongerOpen."""
    locked = _open(run)
    transaction.on_commit(functools.partial(run.file.delete, save=False))
    locked.delete()


def _open(run: Import) -> Import:
    locked = Import.objects.select_for_update().get(pk=run.pk)
    if locked.state not in OPEN:
        raise NoLongerOpen
    return locked


def _afresh(run: Import) -> Import:
    run.errors.all().delete()
    run.state, run.rows, run.finished_at = State.UPLOADED, None, None
    run.done = run.bytes_done = run.made = run.changed = run.same = run.refused = run.parked = 0
    run.save()
    return run


@dataclass(frozen=True)
class Sample:
    """A row of the file as it stands there and as it would become, or the sentence on what is wrong with it."""

    cells: list[str]
    values: Values
    trouble: str


def samples(run: Import, columns: Mapping[str, Sequence[str]]) -> list[Sample]:
    """The first rows, read by this mapping."""
    reader = mapping.Reader(columns, run.header)
    return [_sample(run.what, reader, line.cells, line.trouble) for line in islice(sheet_of(run).rows(), SHOWN)]


def _sample(what: str, reader: mapping.Reader, cells: list[object], trouble: str) -> Sample:
    shown = ["" if cell is None else str(cell) for cell in cells]
    if trouble:
        return Sample(shown, {}, trouble)
    try:
        return Sample(shown, read(what, reader.record(cells)), "")
    except CannotSave as error:
        return Sample(shown, {}, str(error))
