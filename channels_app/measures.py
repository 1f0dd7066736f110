"""Malicious messages: who is muted, what is hidden, blocked or reported; here and on the network. And what else we do
with a post there: like one of theirs, delete one of ours, tell that we have read it.

A measure is a row before it is a request: the network is told by a job, which may run twice, and is told again until it
has answered. Muting is ours alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app import access, live
from channels_app.models import Channel, Measure, Message, Thread
from channels_app.platforms.base import Capabilities, Measures, Moderation
from channels_app.platforms.errors import PlatformError, Rejected
from crm import handoff
from crm.errors import Refused
from crm.models import User

log = structlog.get_logger(__name__)

JOB = "channels_app.jobs.tell_measure"
AT_ONCE = (Measure.Kind.MUTE, Measure.Kind.HIDE)
AGAINST = (*AT_ONCE, Measure.Kind.BLOCK, Measure.Kind.REPORT)
MARKED_AT_ONCE = 50  # conversations in one run
State = Measure.State


class OurOwnWords(Refused):
    sentence = _("This is ours: measures are for what others write.")


class TakenAlready(Refused):
    sentence = _("That was done about this message already.")


class NoReason(Refused):
    sentence = _("Say why: without a reason nothing is done about anybody.")


class SecondMustBeAnother(Refused):
    sentence = _("You proposed this yourself: a second person has to look at it.")


class NotTheirs(Refused):
    sentence = _("Only what somebody else wrote, and is still there, can be liked.")


class NotOurs(Refused):
    sentence = _("Only what we wrote ourselves, and has arrived, can be deleted on the network.")


class NotThere(Refused):
    sentence = _("{channel} has no way to do this.")


class DeletedForGood(Refused):
    sentence = _("What was deleted on the network does not come back.")


class NotWaiting(Refused):
    sentence = _("This is {state} by now; look again.")


def muted(channel: Channel, identities: Collection[int]) -> set[int]:
    """Those of `identities` whose words call nobody on this channel. One query."""
    found = Measure.objects.in_force().filter(kind=Measure.Kind.MUTE, channel=channel, identity__in=identities)
    return set(found.values_list("identity", flat=True))


@transaction.atomic
def take(*, message: Message, kind: str, reason: str, by: User, detail: str = "") -> Measure:
    """Mute and hide hold at once, block and report wait for a second person. Nothing is dropped by any of them."""
    if message.is_ours or message.identity_id is None:
        raise OurOwnWords
    if kind not in AGAINST or reason not in Measure.Reason.values:
        raise NoReason
    state = State.IN_FORCE if kind in AT_ONCE else State.PROPOSED
    try:
        with transaction.atomic():
            measure = Measure.objects.create(
                kind=kind, channel_id=message.channel_id, identity_id=message.identity_id, message=message, by=by,
                reason=reason, detail=detail.strip()[:300], state=state, at=timezone.now(),
            )  # fmt: skip
    except IntegrityError:
        raise TakenAlready from None
    _to_be_told(measure)
    return measure


@transaction.atomic
def second(*, measure: Measure, by: User) -> Measure:
    """Somebody else has looked and agrees: what waited holds from now on."""
    if measure.by_id == by.pk:
        raise SecondMustBeAnother
    open_ = Q(state=State.PROPOSED) | Q(state=State.IN_FORCE, kind__in=AT_ONCE, seconded_by=None)
    _move(measure, open_ & ~Q(by=by), state=State.IN_FORCE, seconded_by=by, seconded_at=timezone.now())
    _to_be_told(measure)
    return measure


@transaction.atomic
def refuse(*, measure: Measure, by: User, why: str = "") -> Measure:
    """Somebody else has looked and does not agree; it is not done."""
    if measure.by_id == by.pk:
        raise SecondMustBeAnother
    now, why = timezone.now(), why.strip()[:300]
    _move(measure, Q(state=State.PROPOSED), state=State.REFUSED, seconded_by=by, seconded_at=now, lifted_why=why)
    return measure


@transaction.atomic
def lift(*, measure: Measure, by: User, why: str) -> Measure:
    """It holds no longer, nor does it wait any more; the network is told where it was told before, or may have been."""
    why = why.strip()[:300]
    if not why and measure.is_against_somebody:
        raise NoReason
    if measure.kind == Measure.Kind.DELETE:
        raise DeletedForGood
    standing = Q(state__in=[State.PROPOSED, State.IN_FORCE])
    _move(measure, standing, state=State.LIFTED, lifted_by=by, lifted_at=timezone.now(), lifted_why=why)
    if measure.told_at or measure.to_tell_since:
        _tell_from_now(measure)
    return measure


def _move(measure: Measure, where: Q, **changes: object) -> None:
    """One conditional UPDATE: of two who decide at once one does, the other is told how it stands."""
    moved = Measure.objects.filter(where, pk=measure.pk).update(**changes)
    measure.refresh_from_db()
    if not moved:
        raise NotWaiting(state=measure.get_state_display().lower())


# --- what else we do with a post


@transaction.atomic
def like(*, message: Message, by: User) -> Measure:
    """Tell its author that we like it. Raises NotTheirs, NotThere, TakenAlready."""
    if message.is_ours or message.erased_at or message.deleted_at or not message.external_id:
        raise NotTheirs
    return _do(message, Measure.Kind.LIKE, by)


@transaction.atomic
def delete(*, message: Message, why: str, by: User) -> Measure:
    """Take a post of ours off the network; here it stays. Raises NoReason, NotOurs, NotThere, TakenAlready."""
    if not why.strip():
        raise NoReason
    if not message.is_ours or message.deleted_at or not message.external_id:
        raise NotOurs
    return _do(message, Measure.Kind.DELETE, by, why.strip()[:300])


def _do(message: Message, kind: str, by: User, detail: str = "") -> Measure:
    """One that the network refused before is asked for again."""
    if not can(message.channel.capabilities, kind):
        raise NotThere(channel=message.channel)
    refused = Measure.objects.in_force().filter(kind=kind, message=message, to_tell_since=None).exclude(trouble="")
    measure = refused.select_for_update().first() or Measure(
        kind=kind, channel_id=message.channel_id, identity_id=message.identity_id, message=message, state=State.IN_FORCE
    )
    measure.by, measure.detail, measure.at = by, detail, timezone.now()
    try:
        with transaction.atomic():
            measure.save()
    except IntegrityError:
        raise TakenAlready from None
    _tell_from_now(measure)
    return measure


# --- on the network


def can(capabilities: Capabilities, kind: str) -> bool:
    able = {
        Measures.HIDE: capabilities.can_hide, Measures.BLOCK: capabilities.can_block,
        Measures.REPORT: capabilities.can_report, Measures.LIKE: capabilities.can_like,
        Measures.DELETE: capabilities.can_delete, Measures.MARK_READ: capabilities.can_mark_read,
    }  # fmt: skip
    return able.get(kind, False)  # type: ignore[call-overload,no-any-return]


def _to_be_told(measure: Measure) -> None:
    """Where it holds, the network can do it, and has not done it yet."""
    if measure.state == State.IN_FORCE and not measure.told_at and can(measure.channel.capabilities, measure.kind):
        _tell_from_now(measure)


def _tell_from_now(measure: Measure) -> None:
    measure.to_tell_since, measure.trouble = timezone.now(), ""
    measure.save(update_fields=["to_tell_since", "trouble"])
    handoff.nudge(JOB, measure.pk)


def tell(pk: int) -> None:
    """Tell the network how one measure stands; twice is once. What it says is kept."""
    rows = Measure.objects.to_tell().select_related("channel", "identity", "message")
    measure = rows.filter(pk=pk).first()
    if measure is None:
        return
    undo, author = measure.state == State.LIFTED, measure.identity.value if measure.identity else ""
    act = Moderation(
        Measures(measure.kind), measure.message.external_id or "", author, measure.reason, undo
    )  # fmt: skip
    try:
        access.through(measure.channel, lambda platform: platform.moderate(act))
    except Rejected as refusal:
        _settle(measure, trouble=str(refusal)[:300], to_tell_since=None)
    except PlatformError as error:  # asked again by the sweep
        log.info("the network was not told of a measure yet", measure=pk, why=type(error).__name__)
        _settle(measure, trouble=str(error)[:300])
    else:
        _settle(measure, trouble="", to_tell_since=None, told_at=None if undo else timezone.now())
        if measure.kind == Measure.Kind.DELETE:
            Message.objects.filter(pk=measure.message_id, deleted_at=None).update(deleted_at=timezone.now())
    live.announce("message", measure.message_id)


def _settle(measure: Measure, **outcome: object) -> None:
    """Unless it was decided otherwise since: then the next run tells that."""
    current = Measure.objects.filter(pk=measure.pk, state=measure.state, to_tell_since=measure.to_tell_since)
    current.update(**outcome)


def sweep() -> None:
    """Measures of which a network is still to be told."""
    for pk in Measure.objects.to_tell().order_by(F("to_tell_since")).values_list("pk", flat=True)[:500]:
        handoff.nudge(JOB, pk)


# --- read


def seen(messages: Iterable[Message]) -> None:
    """One of us has these on screen: of the newest private one of each thread the network is to be told, once.

    They are of one channel, oldest first. No query where there is nothing private.
    """
    newest = {m.thread_id: m.pk for m in messages if m.private and not m.is_ours and m.external_id}
    for thread, pk in newest.items():
        unmarked = Q(to_mark=None) | Q(to_mark__lt=pk), Q(marked=None) | Q(marked__lt=pk)
        Thread.objects.filter(*unmarked, pk=thread).update(to_mark=pk)


def mark_read() -> None:
    """By the clock: tell networks what was read since."""
    open_ = Thread.objects.filter(to_mark__isnull=False, channel__paused_at=None, channel__broken_at=None)
    busy: set[int] = set()
    for thread in open_.select_related("channel").order_by("channel", "pk")[:MARKED_AT_ONCE]:
        if thread.channel_id not in busy and not _mark(thread):
            busy.add(thread.channel_id)


def _mark(thread: Thread) -> bool:
    """False where the network is to be asked again later. What it refuses is not asked again."""
    said = Message.objects.filter(pk=thread.to_mark or 0).select_related("identity").first()
    if said and can(thread.channel.capabilities, Measures.MARK_READ):
        author = said.identity.value if said.identity else ""
        act = Moderation(Measures.MARK_READ, said.external_id or "", author)
        try:
            access.through(thread.channel, lambda platform: platform.moderate(act))
        except Rejected as refusal:
            log.info("the network does not take what was read", thread=thread.pk, why=str(refusal))
        except PlatformError as error:
            log.info("the network was not told what was read yet", thread=thread.pk, why=type(error).__name__)
            return False
    Thread.objects.filter(pk=thread.pk, to_mark=thread.to_mark).update(to_mark=None, marked=thread.to_mark)
    return True
