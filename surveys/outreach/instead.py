"""Not reached by phone: they are written to, where they write to us in private, else by mail.

A private message goes to the outbox in the transaction that ends the call. A mail leaves outside of any: the call is
claimed as written and that is committed, then it is sent. Where its sender dies between the two nobody knows whether
it left: the call says so, and nothing is sent twice. Both ask whether they may be called, since this is what becomes of
a call, and whether they may be written to.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import consent, handoff
from crm.errors import Refused
from crm.models import Customer, Identity, Purpose
from crm.models.activity import log
from surveys import addressing
from surveys.models import Call, FollowUp, OutreachSettings
from surveys.outreach import follow_ups, letters, news, second
from surveys.wire import End, Wire, one_by_one

JOB = "surveys.jobs.write_instead"
State, Step = Call.State, FollowUp.Step
BATCH = 500


class NoWayToThem(Refused):
    sentence = gettext_lazy(
        "They were not reached by phone, no address of theirs takes mail, and they have not written where we can"
        " answer in private."
    )


class NotThere(Refused):
    sentence = gettext_lazy("They were not reached by phone, and may not be written to where they wrote to us last.")


@consent.sends(Purpose.CALL, gettext_lazy("A private message to somebody who was not reached by phone"))
@transaction.atomic
def write(*, call: Call) -> Call:
    """Write to them instead of calling again: at once where it can be private, else by mail in a moment (`mail`).

    Who may not be called, or not be written to, and whom nothing reaches: the call is cancelled with the sentence why.
    An ended call stays as it is.
    """
    held = _held(call.pk)
    if held is not None and held.is_live:
        try:
            _by_a_way(held)
        except Refused as refusal:
            follow_ups.cancel(call=held, why=str(refusal), by=None)
    call.refresh_from_db()
    return call


def _held(pk: int) -> Call | None:
    """Their record first, as everybody takes them."""
    Customer.objects.filter(calls=pk).hold()
    rows = Call.objects.select_for_update(of=("self",), no_key=True).select_related("customer", "owner", "loop")
    return rows.filter(pk=pk).first()


def _by_a_way(call: Call) -> None:
    """Raises MayNotContact, NotThere and NoWayToThem."""
    stands = _must_allow(call)
    if _went_aside(call, stands):
        _end(call, timezone.now(), "")
        second.close_loops(call)
    elif addressing.mailbox(stands):
        most = OutreachSettings.current().most_tries  # by which `to_mail` finds it
        Call.objects.filter(pk=call.pk).update(
            state=State.NOT_REACHED, planned_for=None, tries=max(call.tries, most)
        )  # fmt: skip
        handoff.nudge(JOB, call.pk)
    else:
        raise NoWayToThem


def _must_allow(call: Call) -> Customer:
    """Raises MayNotContact, in words that name nobody, since calls keep them. The record that stands for them."""
    stands = call.customer.survivor
    for purpose in (Purpose.CALL, Purpose.CARE_REPLY):
        if why := consent.against([stands.pk], purpose):
            raise consent.MayNotContact(why=why[stands.pk])
    return stands


def _went_aside(call: Call, customer: Customer) -> bool:
    by = letters.writer(call)
    try:
        return by is not None and addressing.write_aside(customer, letters.words(call), by)
    except consent.MayNotContact as refusal:
        _must_allow(call)
        raise NotThere from refusal  # in words that name nobody


# --- by mail


def to_mail() -> list[int]:
    """Those that wait for a mail: tried often enough, and neither reached nor written to."""
    most = OutreachSettings.current().most_tries
    waiting = Call.objects.filter(state=State.NOT_REACHED, tries__gte=most).order_by("due_at", "pk")
    return list(waiting.values_list("pk", flat=True)[:BATCH])


def mail_all(pks: Iterable[int]) -> None:
    one_by_one(pks, mail)


@consent.sends(Purpose.CALL, gettext_lazy("A mail to somebody who was not reached by phone"))
def mail(pk: int, wire: Wire | None = None) -> None:
    """Send it, if it waits and nobody else has it. Not within a transaction. Call again where it did not leave."""
    now = timezone.now()
    claimed = _claim(pk, now)
    if claimed is None:
        return
    call, box = claimed
    match (wire or Wire()).carry_to(box, letters.letter(call, box.value)):
        case End.LEFT:
            _sent(call)
        case End.STAYED:
            _take_back(call, now)
        case End.NOBODY_THERE:
            _take_back(call, now)
            write(call=call)  # another address, or nothing reaches them
        # of an unknown end the call says so already


@transaction.atomic
def _claim(pk: int, now: datetime) -> tuple[Call, Identity] | None:
    call = _held(pk)
    if call is None or call.state != State.NOT_REACHED or call.tries < OutreachSettings.current().most_tries:
        return None
    try:
        box = addressing.mailbox(_must_allow(call))
        if box is None:
            raise NoWayToThem
    except Refused as refusal:
        follow_ups.cancel(call=call, why=str(refusal), by=None)
        return None
    _end(call, now, _("Nobody knows whether the mail has left: look into the mailbox it is sent from."))
    return call, box


def _end(call: Call, now: datetime, reason: str) -> None:
    """Thanked, or told, in writing; what was to be asked on the phone is not asked."""
    call.state, call.ended_at, call.planned_for, call.reason = State.WRITTEN, now, None, reason
    call.save(update_fields=["state", "ended_at", "planned_for", "reason"])
    done = Step.THANK if call.kind == Call.Kind.FIRST else Step.SHARE
    open_ones = call.follow_ups.filter(done_at=None, cancelled_at=None)
    open_ones.filter(step=done).update(done_at=now)
    open_ones.filter(step=Step.ENGAGE).update(cancelled_at=now, reason=_("Not reached by phone, and written to."))
    log("written to", call, by=None)
    news.changed([call.pk], [call.owner_id])


@transaction.atomic
def _take_back(call: Call, now: datetime) -> None:
    """It did not leave. Where they answered again meanwhile, they are called for that, and not for this any more."""
    _held(call.pk)
    written = Call.objects.filter(pk=call.pk, state=State.WRITTEN, ended_at=now)
    if Call.objects.live().filter(customer=call.customer_id, kind=call.kind).exists():
        why = _("The mail did not leave, and they are called in another call.")
        written.update(state=State.CANCELLED, reason=why)
        call.follow_ups.filter(done_at=now).update(done_at=None, cancelled_at=now, reason=why)
    else:
        written.update(state=State.NOT_REACHED, ended_at=None, reason="")
        call.follow_ups.filter(done_at=now).update(done_at=None)
        call.follow_ups.filter(cancelled_at=now).update(cancelled_at=None, reason="")
    log("not written to", call, by=None, detail=_("The mail did not leave."))
    news.changed([call.pk], [call.owner_id])


@transaction.atomic
def _sent(call: Call) -> None:
    Call.objects.filter(pk=call.pk).update(reason="")
    second.close_loops(call)
