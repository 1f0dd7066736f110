"""Somebody calls: the number, a time for it, and what came of it.

What is written down happened, so it is kept: outside calling hours, after the call was taken from them or ended, and
hours later from a device that was offline. What a device sends twice is kept once, by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import consent, notices, reachable
from crm.errors import Refused
from crm.models import Consent, Customer, Identity, Purpose, User
from crm.models.activity import log
from surveys.models import Attempt, Call, FollowUp, Heard, OutreachSettings
from surveys.models.calls import CALLER_OF
from surveys.outreach import follow_ups, hours, instead, news, requests, second

Outcome, State, Step = Attempt.Outcome, Call.State, FollowUp.Step
DOES = {Call.Kind.FIRST: (Step.THANK, Step.ENGAGE), Call.Kind.SECOND: (Step.SHARE,)}
FROM_A_CALL = "said in a call to be a wrong number"


class CallIsOver(Refused):
    sentence = gettext_lazy("This call is over: {state}.")


class NobodysYet(Refused):
    sentence = gettext_lazy("Nobody has taken this call yet. Take it first.")


class NotYours(Refused):
    sentence = gettext_lazy("This call is with {owner} now.")


class NotNow(Refused):
    sentence = gettext_lazy("They are not called at this hour. {why}")


class NotInTheirHours(Refused):
    sentence = gettext_lazy("They cannot be called then. {why}")


class HasPassed(Refused):
    sentence = gettext_lazy("This moment has passed. Choose one that is still to come.")


class NoNumber(Refused):
    sentence = gettext_lazy("We know no phone number of {name}. Add one, or hand the call back.")


class KeptElsewhere(Refused):
    sentence = gettext_lazy("This note was kept already, with another call.")


# --- before


@consent.sends(Purpose.CALL, gettext_lazy("The phone number, shown to who is about to call"))
def number(call: Call, by: User) -> str:
    """The number to dial, in international form. Asks at this moment whether they may be called, and at this hour.

    Raises MayNotContact, CallIsOver, NobodysYet, NotYours, NotNow and NoNumber.
    """
    found = Call.objects.select_related("customer", "owner").get(pk=call.pk)
    consent.must_contact(found.customer, Purpose.CALL)
    _must_be_to_do(found, by)
    _must_be_their_hours(found.customer.survivor)
    phone = phone_of(found.customer.survivor)
    if phone is None:
        raise NoNumber(name=found.customer.survivor)
    return phone.value


def phone_of(customer: Customer) -> Identity | None:
    """A number that is theirs for certain: one they proved to hold before others, of several the newest. One query."""
    theirs = Identity.objects.filter(
        kind=Identity.Kind.PHONE, links__customer=customer, links__state="confirmed", unreachable_at=None,
        erased_at=None,
    )  # fmt: skip
    return theirs.order_by(F("verified_at").desc(nulls_last=True), "-pk").first()


@transaction.atomic
def plan(*, call: Call, at: datetime, by: User) -> Call:
    """Call them then. When it is due stays as it is.

    Raises HasPassed, NotInTheirHours, and as `number` does of who they are and whose call it is.
    """
    held = _held(call)
    consent.must_contact(held.customer, Purpose.CALL)
    _must_be_to_do(held, by)
    if at <= timezone.now():
        raise HasPassed
    if not (there := hours.window(held.customer, at)).now:
        raise NotInTheirHours(why=there.why)
    _set(held, state=State.PLANNED, planned_for=at)
    log("planned", held, by=by)
    news.changed([held.pk], [held.owner_id])
    return _as_it_is(call)


def _must_be_to_do(call: Call, by: User) -> None:
    if not call.is_live:
        raise CallIsOver(state=call.get_state_display().lower())
    if call.owner is None:
        raise NobodysYet
    if call.owner != by and not by.leads:
        raise NotYours(owner=call.owner)


def _must_be_their_hours(customer: Customer) -> None:
    """Two queries."""
    if not (there := hours.window(customer, timezone.now())).now:
        raise NotNow(why=there.why)


# --- after


@dataclass(frozen=True)
class Said:
    """One outcome on its way into a call: when they want to be called again, where they said so."""

    call: Call
    attempt: Attempt
    by: User
    next_at: datetime | None
    now: datetime


@transaction.atomic
def record(
    *, call: Call, by: User, outcome: str, note: str = "", heard: Iterable[tuple[str, str]] = (),
    key: UUID | None = None, at: datetime | None = None, next_at: datetime | None = None,
) -> Attempt:  # fmt: skip
    """Keep that somebody called, and let the call go on or end by its outcome. With a key that is kept already: that.

    `heard`: (topic, tone). `at`: when they called, on their device's clock; what lies ahead of ours counts as now.
    `next_at` outside the customer's hours becomes the next moment within: a note is never lost over it. Known hashtags
    in the note ask their groups. A call that has ended stays ended; the note is kept all the same. Raises NotYours,
    KeptElsewhere, and NobodyLeft where the customer was erased: of them nothing is kept.
    """
    now, key, held = timezone.now(), key or uuid4(), _held(call)
    if kept := Attempt.objects.filter(key=key).first():
        return _same(kept, held, by)
    if held.customer.survivor.erased_at:
        raise consent.NobodyLeft
    _must_have_called(held, by, at or now)
    attempt = Attempt.objects.create(
        call=held, key=key, by=by, at=min(at or now, now), kept_at=now, outcome=Outcome(outcome),
        note=note.replace("\x00", "").strip(),
    )  # fmt: skip
    _keep_heard(attempt, heard)
    log("called", held, by=by, detail=str(attempt.get_outcome_display()))
    requests.ask(attempt)
    if held.is_live:
        _own(held, by, now)
        MOVES[Outcome(outcome)](Said(held, attempt, by, next_at, now))
    _tell(held, by)
    _as_it_is(call)
    return attempt


def _held(call: Call) -> Call:
    """Their record first, as everybody takes them: a call may end in what they want no more."""
    Customer.objects.filter(calls=call.pk).hold()
    rows = Call.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("customer", "owner", "loop").get(pk=call.pk)


def _same(kept: Attempt, call: Call, by: User) -> Attempt:
    if kept.call_id != call.pk or kept.by_id != by.pk:
        raise KeptElsewhere
    return kept


def _must_have_called(call: Call, by: User, at: datetime) -> None:
    """Its owner, a lead, and people like them while it was nobody's yet, or not yet its owner's."""
    if call.owner == by or by.leads:
        return
    was_free = call.owned_since is None or at < call.owned_since
    if not (was_free and CALLER_OF.get(by.role) == call.to):
        raise NotYours(owner=call.owner or _("nobody"))


def _keep_heard(attempt: Attempt, heard: Iterable[tuple[str, str]]) -> None:
    """Of two tones of one topic the last counts."""
    Heard.objects.bulk_create([Heard(attempt=attempt, topic=topic, tone=tone) for topic, tone in dict(heard).items()])


def _own(call: Call, by: User, now: datetime) -> None:
    if call.owner is None:
        call.owner, call.owned_since = by, now


def _reached(said: Said) -> None:
    if said.next_at:
        _again(said, State.REACHED, said.next_at)
        return
    _set(said.call, state=State.DONE, ended_at=said.attempt.at, planned_for=None, reason="")
    open_ones = said.call.follow_ups.filter(step__in=DOES[Call.Kind(said.call.kind)], done_at=None, cancelled_at=None)
    open_ones.update(done_at=said.attempt.at)
    second.close_loops(said.call)


def _later(said: Said) -> None:
    _again(said, State.PLANNED, said.next_at or hours.next_window(said.call.customer, said.now))


def _again(said: Said, state: str, at: datetime) -> None:
    """As they wish: so it is due then, and who was told that it was late is told anew where it is again."""
    at = hours.within(said.call.customer, max(at, said.now))
    _set(said.call, state=state, planned_for=at, due_at=at, escalated_at=None)


def _in_vain(said: Said) -> None:
    call = said.call
    at = said.next_at or hours.next_window(call.customer, said.now)
    due_at = hours.within(call.customer, max(at, said.now))
    _set(call, state=State.NOT_REACHED, tries=call.tries + 1, planned_for=None, due_at=due_at)
    if call.tries >= OutreachSettings.current().most_tries:
        instead.write(call=call)


def _wrong_number(said: Said) -> None:
    """Nobody calls it again. With another number it goes on; without, they are written to."""
    call, stands = said.call, said.call.customer.survivor
    if phone := phone_of(stands):
        reachable.close(identity=phone, why=_("Somebody else answered."), verb=FROM_A_CALL)
    _set(call, state=State.NOT_REACHED, planned_for=None)
    if phone_of(stands) is None:
        _set(call, tries=max(call.tries, OutreachSettings.current().most_tries))
        instead.write(call=call)


def _not_wanted(said: Said) -> None:
    how = _("Said so on the phone to {name}").format(name=said.by)
    _set(said.call)
    consent.record(
        customer=said.call.customer, purpose=Purpose.CALL, state=Consent.State.REFUSED, how=how, by=said.by
    )  # fmt: skip
    follow_ups.cancel(call=said.call, why=_("They want no calls: they said so in one."), by=said.by)


MOVES: dict[str, Callable[[Said], None]] = {
    Outcome.REACHED: _reached,
    Outcome.LATER: _later,
    Outcome.NO_ANSWER: _in_vain,
    Outcome.MAILBOX: _in_vain,
    Outcome.WRONG_NUMBER: _wrong_number,
    Outcome.NOT_WANTED: _not_wanted,
}


def _set(call: Call, **facts: object) -> None:
    """On the locked row; with whoever took it just now."""
    for name, value in facts.items():
        setattr(call, name, value)
    call.save(update_fields=[*facts, "owner", "owned_since"])


def _as_it_is(call: Call) -> Call:
    call.refresh_from_db()
    return call


def _tell(call: Call, by: User) -> None:
    """Whose call it is hears of it where somebody else called."""
    news.changed([call.pk], [call.owner_id, by.pk])
    if call.owner_id and call.owner_id != by.pk:
        text = _("{name} has called the customer of your call #{n}.").format(name=by, n=call.pk)
        notices.tell_each([news.word(call.owner_id, call, text)], by=by)
