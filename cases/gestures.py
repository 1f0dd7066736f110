"""What we do with a post on its network besides answering: like one of theirs, delete one of ours; and that we read."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from cases import live, told
from cases.conversation import Entry
from cases.malicious import NotInThisCase
from cases.models import Case
from channels_app import measures
from channels_app.models import Measure, Message
from crm.models import User
from crm.models.activity import log


@transaction.atomic
def like(*, case: Case, message: Message, by: User) -> Measure:
    """Raises NotInThisCase, and what `measures.like` does."""
    _must_stand_in(case, message)
    measure = measures.like(message=message, by=by)
    log("message liked", case, by=by)
    _show(case, by)
    return measure


@transaction.atomic
def unlike(*, case: Case, message: Message, by: User) -> None:
    """No longer. Where it was not liked, nothing happens."""
    _must_stand_in(case, message)
    liked = Measure.objects.standing().filter(kind=Measure.Kind.LIKE, message=message).first()
    if liked:
        measures.lift(measure=liked, by=by, why="")
        log("like taken back", case, by=by)
        _show(case, by)


@transaction.atomic
def delete(*, case: Case, message: Message, why: str, by: User) -> Measure:
    """A post of ours goes from the network; what it said stays here, and so does why. Raises what `measures` does."""
    _must_stand_in(case, message)
    measure = measures.delete(message=message, why=why, by=by)
    log("message deleted on the network", case, by=by, detail=measure.detail)
    _show(case, by)
    return measure


def _must_stand_in(case: Case, message: Message) -> None:
    if not case.entries.filter(message=message).exists():
        raise NotInThisCase


def _show(case: Case, by: User) -> None:
    told.changed([case.pk])
    live.cases_changed([case.pk], spoken=[case.pk], by=by)


def opened(case: Case, entries: Iterable[Entry]) -> None:
    """Somebody has the conversation on screen: the network is told, where it wants to know. No query elsewhere."""
    if case.channel.capabilities.can_mark_read:
        shown = (entry.item for entry in entries if entry.kind == "message")
        measures.seen(message for message in shown if message.channel_id == case.channel_id)
