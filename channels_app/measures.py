"""Malicious messages: who is muted, what is hidden, blocked or reported; here and on the network.

A measure is a row before it is a request: the network is told by a job, which may run twice, and is told again until it
has answered. Muting is ours alone.
"""

from __future__ import annotations

from collections.abc import Collection

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.models import Channel, Measure, Message
from channels_app.platforms.base import Capabilities, Measures, Moderation, PlatformError, Rejected
from crm import handoff
from crm.errors import Refused
from crm.models import User

log = structlog.get_logger(__name__)

JOB = "channels_app.jobs.tell_measure"
AT_ONCE = (Measure.Kind.MUTE, Measure.Kind.HIDE)
State = Measure.State


class OurOwnWords(Refused):
    sentence = _("This is ours: measures are for what others write.")


class TakenAlready(Refused):
    sentence = _("That was done about this message already.")


class NoReason(Refused):
    sentence = _("Say why: without a reason nothing is done about anybody.")


class SecondMustBeAnother(Refused):
    sentence = _("You proposed this yourself: a second person has to look at it.")


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
    if kind not in Measure.Kind.values or reason not in Measure.Reason.values:
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
    if not why:
        raise NoReason
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


# --- on the network


def can(capabilities: Capabilities, kind: str) -> bool:
    able = {Measures.HIDE: capabilities.can_hide, Measures.BLOCK: capabilities.can_block}
    return (able | {Measures.REPORT: capabilities.can_report}).get(kind, False)  # type: ignore[call-overload,no-any-return]


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
    undo = measure.state == State.LIFTED
    act = Moderation(
        Measures(measure.kind), measure.message.external_id or "", measure.identity.value, measure.reason, undo
    )  # fmt: skip
    try:
        measure.channel.connect().moderate(act)
    except Rejected as refusal:
        _settle(measure, trouble=str(refusal)[:300], to_tell_since=None)
    except PlatformError as error:  # asked again by the sweep
        log.info("the network was not told of a measure yet", measure=pk, why=type(error).__name__)
        _settle(measure, trouble=str(error)[:300])
    else:
        _settle(measure, trouble="", to_tell_since=None, told_at=None if undo else timezone.now())


def _settle(measure: Measure, **outcome: object) -> None:
    """Unless it was decided otherwise since: then the next run tells that."""
    current = Measure.objects.filter(pk=measure.pk, state=measure.state, to_tell_since=measure.to_tell_since)
    current.update(**outcome)


def sweep() -> None:
    """Measures of which a network is still to be told."""
    for pk in Measure.objects.to_tell().order_by(F("to_tell_since")).values_list("pk", flat=True)[:500]:
        handoff.nudge(JOB, pk)
