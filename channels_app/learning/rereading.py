"""Old messages are brought up to the reader in use: the newest first, a batch a transaction, behind other work.

How far it is stands in its row and moves with the batch: killed anywhere, it goes on where it was. What people put
right stays (see `noting`), and what hangs on a message's reading is told as it is of a correction.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.learning import correcting, in_use, noting
from channels_app.models import Channel, Message, Rereading
from crm import handoff
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log

BATCH = 500
SLICE = 10  # batches of a job: some seconds, then others come in between
JOB = "channels_app.jobs.reread"
SILENT = timedelta(seconds=30)  # after this the sweep nudges it again


class AlreadyRereading(Refused):
    sentence = _("Messages are being read anew already: {done} of {total}.")


class NotRunning(Refused):
    sentence = _("It is not running any more.")


def start(*, by: User | None) -> Rereading:
    """Begin, in the background. Raises AlreadyRereading."""
    run = begin(by=by)
    handoff.nudge(JOB, run.pk, queue="default")
    return run


@transaction.atomic
def begin(*, by: User | None) -> Rereading:
    """Its row, for who does the work at once."""
    newest = Message.objects.aggregate(newest=Max("pk"))["newest"] or 0
    try:
        with transaction.atomic():
            run = Rereading.objects.create(
                version=in_use.reader().version, started_by=by, up_to=newest, reached=newest + 1,
                total=_read_before().filter(pk__lte=newest).count(),
            )  # fmt: skip
    except IntegrityError as clash:
        other = Rereading.objects.open().first()
        if other is None:
            raise
        raise AlreadyRereading(done=other.looked_at, total=other.total) from clash
    log("started", run, by=by, detail=run.version)
    return run


def _read_before() -> QuerySet[Message]:
    return Message.objects.filter(direction=Message.Direction.IN, erased_at=None, read_at__isnull=False)


def advance(pk: int, batches: int = SLICE) -> bool:
    """So many batches at most. Whether there is more for this process to do."""
    return all(_batch(pk) for _each in range(batches))


@transaction.atomic
def _batch(pk: int) -> bool:
    """One batch, by one process at a time. Whether it was ours and was not the last."""
    run = Rereading.objects.open().select_for_update(skip_locked=True).filter(pk=pk).first()
    if run is None:
        return False
    found = list(
        _read_before().filter(pk__lt=run.reached).order_by("-pk").select_for_update(no_key=True)
        .values(*noting.NEEDED)[:BATCH]
    )  # fmt: skip
    changed = noting.note(_by_channel(found), but_for_current=True)
    correcting.tell(changed)
    _move(run, found, len(changed))
    return len(found) == BATCH


def _by_channel(found: list[noting.Row]) -> dict[Channel, list[noting.Row]]:
    channels = Channel.objects.in_bulk({row["channel_id"] for row in found})
    grouped: dict[Channel, list[noting.Row]] = {}
    for row in found:
        grouped.setdefault(channels[row["channel_id"]], []).append(row)
    return grouped


def _move(run: Rereading, found: list[noting.Row], changed: int) -> None:
    now = timezone.now()
    Rereading.objects.filter(pk=run.pk).update(
        reached=found[-1]["id"] if found else 0, looked_at=F("looked_at") + len(found), changed=F("changed") + changed,
        moved_at=now, finished_at=None if len(found) == BATCH else now,
    )  # fmt: skip


@transaction.atomic
def stop(*, rereading: Rereading, by: User | None) -> Rereading:
    """What is read anew stays; the rest waits for the next one."""
    if not Rereading.objects.open().filter(pk=rereading.pk).update(stopped_at=timezone.now()):
        raise NotRunning
    log("stopped", rereading, by=by)
    rereading.refresh_from_db()
    return rereading


def sweep() -> None:
    """Nudge one that nobody works on."""
    silent = timezone.now() - SILENT
    for run in Rereading.objects.open().filter(started_at__lt=silent).exclude(moved_at__gte=silent):
        handoff.nudge(JOB, run.pk, queue="default")
