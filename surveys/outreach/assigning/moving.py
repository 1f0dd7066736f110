"""One call from hand to hand. Each move is one conditional UPDATE; whoever is too late hears whose it is."""

from __future__ import annotations

from datetime import datetime

from django.db import models, transaction
from django.db.models import F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import handoff, notices
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log
from surveys.models import Call, Caller
from surveys.models.calls import CALLER_OF
from surveys.outreach import news
from surveys.outreach.assigning import roster
from surveys.outreach.assigning.fair import Person
from surveys.outreach.assigning.giving import told

ASSIGN_POOL = "surveys.jobs.assign_pool"
MORE = 5  # so many names more at a time

State = Call.State
# who takes what was handed back begins anew; a time that was agreed upon stays agreed upon
ON_BEING_TAKEN = models.Case(When(state=State.HANDED_BACK, then=Value(State.OPEN)), default=F("state"))


class RefusedTaken(Refused):
    sentence = _("{owner} has this call already.")


class IsOver(Refused):
    sentence = _("This call is over: it is “{state}”.")


class NotForYou(Refused):
    sentence = _("This call is for others: {to}. A lead can give it to you.")


class CannotMove(Refused):
    sentence = _("Only {owner}, who has this call, or a lead can do this.")


class NobodyHasIt(Refused):
    sentence = _("Nobody has this call: it stands in the pool.")


class CannotCall(Refused):
    sentence = _("{person} does not call customers, so cannot have this call.")


class IsAway(Refused):
    sentence = _("{person} is away just now. Give the call to somebody who is here.")


class NoRoom(Refused):
    sentence = _("{person} has {given} names this week, and takes on {cap}. They can ask for more under “My calls”.")


class SayWhy(Refused):
    sentence = _("Say why you hand it back: whoever calls next will want to know.")


@transaction.atomic
def take(*, call: Call, by: User) -> Call:
    """From the pool. Raises NotForYou, RefusedTaken, IsOver, NoRoom."""
    if not (by.leads or CALLER_OF.get(by.role) == call.to):
        raise NotForYou(to=call.get_to_display())
    return _have(call, by, by=by, verb="taken")


@transaction.atomic
def give(*, call: Call, to: User, by: User) -> Call:
    """To a colleague, from the pool or from whoever has it: by who has it, or a lead.

    Raises CannotMove, CannotCall, IsAway, NoRoom, RefusedTaken, IsOver.
    """
    if not by.leads and call.owner_id != by.pk:
        raise CannotMove(owner=call.owner or _("nobody"))
    if not (to.is_active and to.role in roster.MAY_CALL):
        raise CannotCall(person=to)
    before = call.owner_id
    _have(call, to, by=by, verb="given", held_by=before)
    notices.tell_each([told(call)], by=by)
    news.changed([call.pk], [before])
    return call


def _have(call: Call, to: User, *, by: User, verb: str, held_by: int | None = None) -> Call:
    """`to` has it, if it is still with `held_by`. Their row is locked first, so that their week is counted once."""
    now = timezone.now()
    room = roster.persons(Q(pk=to.pk), now)
    call.refresh_from_db()
    if call.owner_id == to.pk and call.is_live:
        return call
    if call.owner_id == held_by and call.is_live:
        _must_have_room(call, to, room)
    held = Call.objects.live().filter(pk=call.pk, owner=held_by)
    won = held.update(owner=to, owned_since=now, state=ON_BEING_TAKEN, reason="")
    call.refresh_from_db()
    if not won:
        raise _why_not(call)
    log(verb, call, by=by, detail="" if to == by else str(to))
    news.changed([call.pk], [to.pk])
    return call


def _must_have_room(call: Call, to: User, room: list[Person]) -> None:
    if not room:
        raise IsAway(person=to)
    if call.kind == Call.Kind.FIRST and not room[0].has_room:
        raise NoRoom(person=to, given=room[0].given, cap=room[0].cap)


def _why_not(call: Call) -> Refused:
    if not call.is_live:
        return IsOver(state=call.get_state_display().lower())
    return RefusedTaken(owner=call.owner) if call.owner else NobodyHasIt()


@transaction.atomic
def hand_back(*, call: Call, why: str, by: User) -> Call:
    """To the pool, with the reason; it leaves their week. Raises SayWhy, CannotMove, NobodyHasIt, IsOver."""
    why = why.replace("\x00", "").strip()[:300]
    if not why:
        raise SayWhy
    if not by.leads and call.owner_id not in (None, by.pk):
        raise CannotMove(owner=call.owner)
    before = call.owner_id
    held = Call.objects.live().filter(pk=call.pk, owner=before or 0)
    given_back = held.update(owner=None, owned_since=None, state=State.HANDED_BACK, reason=why, planned_for=None)
    call.refresh_from_db()
    if not given_back:
        raise _why_not(call)
    log("handed back", call, by=by, detail=why)
    news.changed([call.pk], [before])
    return call


@transaction.atomic
def ask_for_more(*, by: User) -> Caller:
    """Five names more, until the week ends. What waits in the pool comes within seconds. Raises CannotCall."""
    if by.role not in CALLER_OF:
        raise CannotCall(person=by)
    now = timezone.now()
    roster.persons(Q(pk=by.pk), now)  # two taps are one after the other
    caller, _made = Caller.objects.get_or_create(user=by)
    caller.more = _asked(caller, now) + MORE
    caller.more_until = roster.week_ends(now)
    caller.save(update_fields=["more", "more_until"])
    log("asked for more", caller, by=by, detail=str(caller.more))
    handoff.nudge(ASSIGN_POOL)
    return caller


def _asked(caller: Caller, now: datetime) -> int:
    return caller.more if caller.more_until and caller.more_until > now else 0
