"""An import at work: a batch of rows a transaction, and in the same transaction how far it came.

So it can be killed anywhere and goes on where it stopped. A check does the same and takes each batch back: what it
counts is what a run would do. (A batch does not see what the batches before it would have made: an id that comes again
more than a batch further down is counted as new twice.)
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

import structlog
from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg.errors import DeadlockDetected, SerializationFailure

from crm import handoff
from crm.errors import Refused
from crm.importing import mapping, records, undoing
from crm.importing.bringing import sheet_of
from crm.importing.files import Line
from crm.importing.records import Row, Saved
from crm.importing.rules import CannotSave, read
from crm.importing.values import keepable
from crm.models import Import, PrivacyRequest, RefusedRow, User
from crm.models.activity import log

logger = structlog.get_logger(__name__)

BATCH = 500
SLICE = 5.0  # seconds a job works before it stands in line again, so that others come in between
TRIES = 5
LONGEST_CELL = 20_000  # characters of a cell that are kept with a refused row
WORK = "crm.jobs.importing"
State = Import.State
UNDER_WAY = (State.CHECKING, State.RUNNING, State.UNDOING)
COUNTED = ("made", "changed", "same", "refused", "parked")


class NotNow(Refused):
    sentence = gettext_lazy("This import is not at that point: it is “{state}”. Load the page again.")


class ErasureUnderWay(Refused):
    sentence = gettext_lazy(
        "A customer is being erased just now, and this file may bring them back. Import when it is done."
    )


class _Rehearsed(Exception):
    pass


# --- what a person does


@transaction.atomic
def check(*, run: Import, by: User) -> Import:
    """Go through the file and say what would come of it; nothing is written. Raises NotNow, NotNamed."""
    locked = _locked(run, State.UPLOADED, State.CHECKED)
    sheet_of(locked)
    mapping.must_fit(locked.what, locked.columns, locked.header)
    return _begin(locked, State.CHECKING)


@transaction.atomic
def start(*, run: Import, by: User) -> Import:
    """Import what was checked. Raises NotNow, ErasureUnderWay, FileGone."""
    locked = _locked(run, State.CHECKED)
    _brings_nobody_back()
    sheet_of(locked)
    locked.by, locked.started_at = by, timezone.now()
    log("started", locked, by=by, detail=locked.get_what_display())
    return _begin(locked, State.RUNNING)


@transaction.atomic
def go_on(*, run: Import, by: User) -> Import:
    """Go on with one that broke off, from where it stood. Raises NotNow, ErasureUnderWay, FileGone."""
    locked = _locked(run, State.BROKEN)
    _brings_nobody_back()
    sheet_of(locked)
    locked.state, locked.trouble = (State.RUNNING if locked.started_at else State.CHECKING), ""
    locked.save(update_fields=["state", "trouble"])
    handoff.nudge(WORK, locked.pk, queue="default")
    return locked


def _locked(run: Import, *states: str) -> Import:
    locked = Import.objects.select_for_update().get(pk=run.pk)
    if locked.state not in states:
        raise NotNow(state=locked.get_state_display())
    return locked


def _brings_nobody_back() -> None:
    """The other way round, an erasure waits for imports under way (crm.privacy.imported)."""
    if PrivacyRequest.objects.under_way().filter(kind=PrivacyRequest.Kind.ERASURE).exists():
        raise ErasureUnderWay


def _begin(run: Import, state: str) -> Import:
    run.errors.all().delete()
    run.state, run.trouble, run.finished_at = state, "", None
    run.done = run.bytes_done = run.made = run.changed = run.same = run.refused = run.parked = 0
    run.save()
    handoff.nudge(WORK, run.pk, queue="default")
    return run


# --- the job


def work(run_id: int) -> None:
    """Do a slice of what is under way, and stand in line again while there is more."""
    run = Import.objects.filter(pk=run_id, state__in=UNDER_WAY).first()
    if run is None:
        return
    try:
        if run.state == State.UNDOING:
            undoing.work(run)
        elif work_off(run, seconds=SLICE):
            transaction.on_commit(lambda: handoff.nudge(WORK, run_id, queue="default"))
    except Exception as error:
        _break_off(run, error)


def work_off(run: Import, *, seconds: float = float("inf")) -> bool:
    """Work off rows for so long; whether there are more. Stops where another process is at the same import."""
    until = time.monotonic() + seconds
    sheet, reader = sheet_of(run), mapping.Reader(run.columns, run.header)
    for lines in _batches(sheet.rows(run.bytes_done)):
        if not _take(run, reader, lines):
            return False
        if time.monotonic() > until:
            return True
    _finish(run)
    return False


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while batch := list(islice(lines, BATCH)):
        yield batch


def _take(run: Import, reader: mapping.Reader, lines: Sequence[Line]) -> bool:
    """One batch; `run` then knows how far it came. False where the import is elsewhere by now."""
    for attempt in range(TRIES):
        try:
            with transaction.atomic():
                return _take_locked(run, reader, lines)
        except OperationalError as error:
            # somebody else needs the same customers in another order; one of the two is sent back to try again
            if attempt + 1 == TRIES or not isinstance(error.__cause__, DeadlockDetected | SerializationFailure):
                raise
    return False


def _take_locked(run: Import, reader: mapping.Reader, lines: Sequence[Line]) -> bool:
    where = {"pk": run.pk, "state": run.state, "bytes_done": run.bytes_done, "done": run.done}
    locked = Import.objects.select_for_update(skip_locked=True).filter(**where).first()
    if locked is None:
        return False
    rows, refused = _read(locked, reader, lines)
    saved: dict[int, Saved | Refused] = {}
    with suppress(_Rehearsed), transaction.atomic():
        saved = records.save_rows(run=locked, rows=rows)
        if locked.state == State.CHECKING:
            raise _Rehearsed
    refused |= {number: str(what) for number, what in saved.items() if isinstance(what, Refused)}
    _account(locked, lines, refused, [what for what in saved.values() if isinstance(what, Saved)])
    for name in ("done", "bytes_done", *COUNTED):
        setattr(run, name, getattr(locked, name))
    return True


def _read(run: Import, reader: mapping.Reader, lines: Sequence[Line]) -> tuple[list[Row], dict[int, str]]:
    """The rows that can be read, and the sentences on those that cannot, by number."""
    rows, refused = [], {}
    for number, line in enumerate(lines, run.done + 1):
        if line.trouble:
            refused[number] = line.trouble
            continue
        try:
            rows.append(Row(number, read(run.what, reader.record(line.cells))))
        except CannotSave as error:
            refused[number] = str(error)
    return rows, refused


def _account(run: Import, lines: Sequence[Line], refused: dict[int, str], saved: Sequence[Saved]) -> None:
    """Keep what came of these rows, and that they are done."""
    first = run.done + 1
    RefusedRow.objects.bulk_create(
        [
            RefusedRow(run=run, number=n, cells=[_kept(cell) for cell in lines[n - first].cells], sentence=why[:500])
            for n, why in sorted(refused.items())
        ]
    )
    counts = Counter[str](each.outcome for each in saved)
    counts["refused"], counts["parked"] = len(refused), sum(len(each.parked) for each in saved)
    for name in COUNTED:
        setattr(run, name, getattr(run, name) + counts[name])
    run.done, run.bytes_done = run.done + len(lines), lines[-1].end
    run.save(update_fields=["done", "bytes_done", *COUNTED])


def _kept(cell: Any) -> Any:
    """A cell as it can be kept, and brought again once it is mended."""
    if not isinstance(cell, str):
        return cell
    text = cell if keepable(cell) else "".join(c if keepable(c) else "\ufffd" for c in cell)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"


def _finish(run: Import) -> None:
    """The end of the file. An imported file is not kept: what it says is in the records now, or in the refused rows."""
    after = State.CHECKED if run.state == State.CHECKING else State.DONE
    end = {"state": after, "rows": run.done, "finished_at": timezone.now()}
    with transaction.atomic():
        if not Import.objects.filter(pk=run.pk, state=run.state, done=run.done).update(**end):
            return
        run.refresh_from_db()
        if after == State.DONE:
            counts = f"{run.made} new, {run.changed} changed, {run.same} as they were, {run.refused} refused"
            log("imported", run, by=run.by, detail=f"{run.get_what_display()}: {counts}")
            transaction.on_commit(lambda: run.file.delete(save=True))


def _break_off(run: Import, error: Exception) -> None:
    """Say what is wrong; a person then goes on, or undoes it. What was worked off stands."""
    if not isinstance(error, Refused):
        logger.exception("import broke off", run=run.pk, row=run.done)
    why = str(error) if isinstance(error, Refused) else _("Something went wrong inside Hark ({kind}).")
    trouble = why.format(kind=type(error).__name__)[:300] if "{kind}" in why else why[:300]
    Import.objects.filter(pk=run.pk, state=run.state).update(state=State.BROKEN, trouble=trouble)


# --- the clock


def sweep() -> None:
    """Each minute: imports whose next step was lost, and files of imports that are done."""
    for pk in Import.objects.filter(state__in=UNDER_WAY).values_list("pk", flat=True):
        handoff.nudge(WORK, pk, queue="default")
    for run in Import.objects.filter(state__in=[State.DONE, State.UNDONE]).exclude(file=""):
        run.file.delete(save=True)
