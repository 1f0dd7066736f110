"""A model is fitted on what people put right, weighed against the one in use, and put live if it is better.

It always starts from the model Hark came with and learns from all corrections in force, less the share that is held
back: by its text, so the same messages are held back from every model, and none is weighed on what it has seen.

One at a time. What was asked for is a row; a worker killed half way leaves it, and the sweep has it begun again.
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels_app import locks
from channels_app.learning import trials
from channels_app.models import FittedModel, Training
from channels_app.reading.linear import BrokenModel, checksum
from crm import handoff
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log

logger = structlog.get_logger(__name__)

JOB = "channels_app.jobs.train"
SILENT = timedelta(seconds=30)  # after this the sweep nudges it again
Step = Training.Step


class AlreadyTraining(Refused):
    sentence = _("A model is being fitted already. Wait for it, then look at what came of it.")


class CannotUse(Refused):
    sentence = _("The model {version} cannot be put in use. {why} The one in use stays.")


class IsLive(Refused):
    sentence = _("The model {version} is in use already.")


class NothingBefore(Refused):
    sentence = _("The model that Hark came with is in use: there is none before it.")


# --- fitting


def ask(*, by: User | None, put_live: bool = True) -> Training:
    """Have a model fitted in the background. Raises AlreadyTraining."""
    try:
        with transaction.atomic():
            asked = Training.objects.create(asked_by=by, put_live=put_live)
    except IntegrityError as clash:
        raise AlreadyTraining from clash
    handoff.nudge(JOB, asked.pk, queue="default")
    return asked


def train(*, by: User | None = None, put_live: bool = True) -> FittedModel:
    """Here and now. Raises AlreadyTraining, and trials.TooFew where there is nothing to learn from.

    What somebody asked for and no worker has in hand is done with it.
    """
    with locks.fitting() as alone:
        if not alone:
            raise AlreadyTraining
        asked, _made = Training.objects.get_or_create(finished_at=None, defaults={"asked_by": by, "put_live": put_live})
        return _carry_out(asked)


def carry_on(pk: int) -> None:
    """The job: what was asked for, unless another has it in hand. What came of it stands in the row."""
    with locks.fitting() as alone:
        asked = Training.objects.open().filter(pk=pk).first() if alone else None
        if asked:
            try:
                _carry_out(asked)
            except Refused as refusal:
                logger.info("no model was fitted", training=pk, why=str(refusal))


def sweep() -> None:
    """Nudge what was asked for and nobody works on."""
    for asked in Training.objects.open().filter(moved_at__lt=timezone.now() - SILENT):
        handoff.nudge(JOB, asked.pk, queue="default")


def _carry_out(asked: Training) -> FittedModel:
    try:
        trial = trials.fit(_next_version(), told=lambda step: _move(asked, step))
    except Refused as refusal:
        _finish(asked, refusal=str(refusal))
        raise
    except Exception as error:  # begun again, it would fail again: a person has to look at it
        logger.exception("fitting a model failed", training=asked.pk)
        _finish(asked, refusal=gettext("It failed: {error}. The log says more.").format(error=type(error).__name__))
        raise
    return _keep(asked, trial)


def _next_version() -> str:
    newest = FittedModel.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return f"fit-{newest + 1}"


def _move(asked: Training, step: str) -> None:
    Training.objects.filter(pk=asked.pk).update(step=step, moved_at=timezone.now())


def _finish(asked: Training, *, model: FittedModel | None = None, refusal: str = "") -> None:
    now = timezone.now()
    Training.objects.filter(pk=asked.pk, finished_at=None).update(
        step=Step.DONE, moved_at=now, finished_at=now, model=model, refusal=refusal[:300]
    )


@transaction.atomic
def _keep(asked: Training, trial: trials.Trial) -> FittedModel:
    body = trial.model.dumps()
    made = FittedModel.objects.create(
        version=trial.model.version, base=trial.base, fitted_by=asked.asked_by, body=body, sha256=checksum(body),
        report=trial.report,
    )  # fmt: skip
    log("fitted", made, by=asked.asked_by, detail=f"{made.version}: {made.report['verdict']}")
    if trial.is_better and asked.put_live:
        made = put_live(model=made, by=asked.asked_by)
    _finish(asked, model=made)
    return made


# --- in use and out of it


@transaction.atomic
def put_live(*, model: FittedModel, by: User | None) -> FittedModel:
    """Read with this one from the next batch on. Raises CannotUse where its file is broken."""
    locks.choosing()
    model.refresh_from_db()
    if model.is_live:
        raise IsLive(version=model.version)
    try:
        model.load()
    except BrokenModel as broken:
        raise CannotUse(version=model.version, why=str(broken)) from broken
    _take_out()
    FittedModel.objects.filter(pk=model.pk).update(is_live=True, live_since=timezone.now(), live_until=None)
    log("put in use", model, by=by, detail=model.version)
    model.refresh_from_db()
    return model


@transaction.atomic
def roll_back(*, by: User | None) -> FittedModel | None:
    """Back to the one before that is whole: the newest of those fitted earlier that were once in use.

    Returns it; None where that is the one Hark came with. Raises NothingBefore where that one is in use already.
    """
    locks.choosing()
    live = FittedModel.objects.without_body().live()
    if live is None:
        raise NothingBefore
    before = FittedModel.objects.before(live)
    while before is not None:
        try:
            return put_live(model=before, by=by)
        except CannotUse:
            before = FittedModel.objects.before(before)
    _take_out()
    log("taken out of use", live, by=by, detail=live.version)
    return None


def _take_out() -> None:
    FittedModel.objects.filter(is_live=True).update(is_live=False, live_until=timezone.now())
