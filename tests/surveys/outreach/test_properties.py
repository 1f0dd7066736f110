"""Who calls whom, whatever happens in whatever order: an account of it that is as plain as can be says what must hold.

People answer, say no and yes again, are merged and put apart; callers take, give, hand back, call, plan, go away, leave
and come back; nudges are lost or not; days pass. At any time nobody has more names than they take on, and nothing is
planned outside of somebody's hours. Once the sweeps have run: everything owed to who may be called has exactly one live
owner or stands in the pool that those it is for see, nobody else is to be called, and thanks are called off for nobody
who said no to nothing and was reached.
"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crm import consent, merging
from crm.errors import Refused
from crm.models import Absence, Consent, Customer, Merge, User
from surveys import jobs
from surveys.models import Call, Caller, FollowUp, GroupRequest, Response
from surveys.models.calls import CALLER_OF
from surveys.outreach import assigning, calling, follow_ups, hours, loops, merged, requests
from surveys.outreach.assigning import fair
from tests import factories
from tests.surveys.outreach.days import stop_clock

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
# country, the zone they named, the zone that holds: of a country with several it is the calendar's
PLACES = [("GB", "", "Europe/London"), ("IN", "", "Asia/Kolkata"), ("US", "", "Europe/Madrid"),
          ("US", "America/Denver", "America/Denver"), ("", "", "Europe/Madrid")]  # fmt: skip
HOLIDAY = datetime(2026, 3, 19).date()
numbers = st.integers(0, 7)


# --- the plain account


def in_their_hours(zone, at):
    """Nine to six on weekdays, but for one holiday."""
    local = at.astimezone(ZoneInfo(zone))
    return local.weekday() < 5 and 9 <= local.hour < 18 and local.date() != HOLIDAY


def stands_for(customer):
    while customer.merged_into_id:
        customer = Customer.objects.get(pk=customer.merged_into_id)
    return customer


def may_be_called(customer):
    stands = stands_for(customer)
    refused = Consent.objects.filter(customer=stands, purpose="call", state="refused").exists()
    return not (refused or stands.do_not_contact_at or stands.erased_at)


def takes_on(user, now):
    caller = Caller.objects.filter(user=user).first()
    if caller is None:
        return 10
    return caller.per_week + (caller.more if caller.more_until and caller.more_until > now else 0)


def names_this_week(user, now):
    house = now.astimezone(timezone.get_default_timezone())
    monday = (house - timedelta(days=house.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
    return Call.objects.filter(owner=user, kind="first", owned_since__gte=monday).count()


class Outreach(RuleBasedStateMachine):
    @initialize(
        places=st.lists(st.integers(0, len(PLACES) - 1), min_size=3, max_size=4),
        caps=st.lists(st.integers(0, 3), min_size=2, max_size=3),
        abroad=st.booleans(),
    )
    def open(self, places, caps, abroad):
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.now, self.patch = MONDAY, pytest.MonkeyPatch()
        stop_clock(self.patch, lambda: self.now)
        self._make_house()
        self.customers = [self._customer(n, PLACES[place]) for n, place in enumerate(places)]
        self.people = [self._person(n, cap, abroad and n == 0) for n, cap in enumerate(caps)]
        self.lookers = {"executive": self._looker("executive"), "care": self._looker("agent")}
        self.turned_away = set()

    def _make_house(self):
        calendar = factories.CalendarFactory(time_zone="Europe/Madrid")
        factories.HolidayFactory(calendar=calendar, on=HOLIDAY)
        factories.CallingHoursFactory(calendar=calendar)
        factories.CallRuleFactory(groups=["promoter"], to="executive")
        self.lead, self.clerk = factories.UserFactory(role="lead"), factories.UserFactory(role="support")
        group = factories.SupportGroupFactory(members=[self.clerk], calendar=calendar)
        factories.HashtagFactory(tag="billing", group=group)

    def _customer(self, n, place):
        country, named, zone = place
        made = factories.CustomerFactory(name=f"Name {n}", country=country, time_zone=named)
        made.zone = zone
        factories.IdentityFactory(kind="phone", place="", value=f"+4420794600{n:02}", customer=made)
        if n % 2:
            factories.IdentityFactory(kind="email", place="", value=f"name{n}@example.com", customer=made)
        return made.pk

    def _person(self, n, cap, abroad):
        made = factories.UserFactory(role="executive" if n % 2 else "agent")
        factories.CallerFactory(user=made, per_week=cap, countries=["IN"] if abroad else [])
        return made.pk

    def _looker(self, role):
        """Looks into the pool, and calls nobody."""
        return factories.UserFactory(role=role, is_active=False)

    def teardown(self):
        if not hasattr(self, "transaction"):
            return
        try:
            self.sweep()
        finally:
            self.close()

    def close(self):
        self.patch.undo()
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)

    # --- who and what is there

    def customer(self, n):
        return Customer.objects.get(pk=self.customers[n % len(self.customers)])

    def person(self, n):
        return User.objects.get(pk=self.people[n % len(self.people)])

    def live(self, n, **of):
        found = list(Call.objects.live().filter(**of).order_by("pk"))
        return found[n % len(found)] if found else None

    def zone_of(self, customer):
        country, named = customer.country, customer.time_zone
        return next(zone for *place, zone in PLACES if place == [country, named])

    def tell(self, lost, *customers):
        if not lost:
            jobs.customers_changed(*(customer.pk for customer in customers))

    def turn_away(self, *customers):
        """They said no, or were not reached: what they are owed may be called off, under whatever record they stand."""
        stand = {stands_for(customer) for customer in customers}
        self.turned_away |= {pk for pk in self.customers if stands_for(Customer.objects.get(pk=pk)) in stand}

    def was_turned_away(self, stands):
        return any(stands_for(Customer.objects.get(pk=pk)) == stands for pk in self.turned_away)

    # --- customers

    @rule(n=numbers, score=st.sampled_from([2, 8, 10]), lost=st.booleans())
    def answer(self, n, score, lost):
        said = factories.ResponseFactory(
            invitation__customer=stands_for(self.customer(n)), score=score, finished_at=self.now
        )
        if not lost:
            follow_ups.owe([said])

    @rule(n=numbers, state=st.sampled_from(["refused", "given", None]), lost=st.booleans())
    def say_of_calls(self, n, state, lost):
        consent.record(customer=self.customer(n), purpose="call", state=state, how="Said so", by=None)
        if state == "refused":
            self.turn_away(self.customer(n))
        self.tell(lost, self.customer(n))

    @rule(n=numbers, forbid=st.booleans(), lost=st.booleans())
    def say_of_everything(self, n, forbid, lost):
        act = consent.forbid if forbid else consent.lift
        act(customer=self.customer(n), how="Said so", by=None)
        if forbid:
            self.turn_away(self.customer(n))
        self.tell(lost, self.customer(n))

    @rule(a=numbers, b=numbers, lost=st.booleans())
    def merge(self, a, b, lost):
        survivor, absorbed = stands_for(self.customer(a)), stands_for(self.customer(b))
        if survivor != absorbed:
            no = self.was_turned_away(survivor) or self.was_turned_away(absorbed)
            merging.merge(survivor=survivor, absorbed=absorbed, by=self.lead)
            if no:
                self.turn_away(survivor)
            self.tell(lost, survivor, absorbed)

    @precondition(lambda self: Merge.objects.in_force().exists())
    @rule(n=numbers, lost=st.booleans())
    def put_apart(self, n, lost):
        merges = list(Merge.objects.in_force().order_by("pk"))
        entry = merges[n % len(merges)]
        with suppress(Refused):
            merging.undo(merge=entry, by=self.lead)
            self.tell(lost, entry.survivor, entry.absorbed)

    # --- callers

    @rule(n=numbers, m=numbers)
    def take(self, n, m):
        if call := self.live(n, owner=None):
            with suppress(Refused):
                assigning.take(call=call, by=self.person(m))

    @rule(n=numbers, m=numbers)
    def give(self, n, m):
        if call := self.live(n):
            with suppress(Refused):
                assigning.give(call=call, to=self.person(m), by=self.lead)

    @rule(n=numbers)
    def hand_back(self, n):
        if call := self.live(n, owner__isnull=False):
            assigning.hand_back(call=call, why="We were at school together", by=call.owner)

    @rule(m=numbers)
    def ask_for_more(self, m):
        assigning.ask_for_more(by=self.person(m))

    @rule(m=numbers, here=st.booleans())
    def leave_or_come_back(self, m, here):
        User.objects.filter(pk=self.person(m).pk).update(is_active=here)

    @rule(m=numbers, days=st.integers(1, 20))
    def be_away(self, m, days):
        user = self.person(m)
        if not Absence.objects.filter(user=user, ends_at__gt=self.now).exists():
            until = self.now + timedelta(days=days)
            factories.AbsenceFactory(user=user, starts_at=self.now - timedelta(seconds=1), ends_at=until)

    @rule(n=numbers, hour=st.integers(1, 400))
    def plan(self, n, hour):
        call, at = self.live(n, owner__isnull=False), self.now + timedelta(hours=hour)
        if call is None:
            return
        theirs = in_their_hours(self.zone_of(call.customer), at)
        try:
            calling.plan(call=call, at=at, by=call.owner)
        except calling.NotInTheirHours:
            assert not theirs
        except Refused:
            assert not may_be_called(call.customer)
        else:
            assert theirs
            assert may_be_called(call.customer)

    @rule(n=numbers, outcome=st.sampled_from(["reached", "no_answer", "later", "not_wanted"]), asks=st.booleans(),
          again=st.sampled_from([None, 5, 100]))  # fmt: skip
    def call(self, n, outcome, asks, again):
        call = self.live(n, owner__isnull=False)
        if call is None:
            return
        theirs = in_their_hours(self.zone_of(stands_for(call.customer)), self.now)
        try:
            calling.number(call, call.owner)
        except calling.NotNow:
            assert not theirs  # and what somebody notes all the same is kept
        except Refused:
            assert not may_be_called(call.customer)
            return
        else:
            assert theirs
        assert may_be_called(call.customer)
        next_at = self.now + timedelta(hours=again) if again else None
        note = "Charged twice. #billing" if asks else ""
        if outcome in ("no_answer", "not_wanted"):
            self.turn_away(call.customer)
        calling.record(call=call, by=call.owner, outcome=outcome, note=note, next_at=next_at)
        if call.is_live and call.state != "handed_back":
            assert in_their_hours(self.zone_of(call.customer), call.due_at)

    @rule(n=numbers)
    def answer_for_the_group(self, n):
        waiting = list(GroupRequest.objects.waiting().order_by("pk"))
        if not waiting:
            return
        before = set(Call.objects.values_list("pk", flat=True))
        requests.answer(requests=[waiting[n % len(waiting)]], kind="no", text="The law says so.", by=self.clerk)
        for made in Call.objects.exclude(pk__in=before):
            assert in_their_hours(self.zone_of(made.customer), made.due_at)

    # --- time

    @rule(passed=st.integers(1, 150))
    def wait(self, passed):
        self.now += timedelta(hours=passed)
        self.sweep()

    @rule()
    def sweep(self):
        merging.bring_along()
        jobs.sweep_follow_ups()
        jobs.keep_calls()
        jobs.sweep_follow_ups()
        jobs.write_instead()
        jobs.watch_requests()
        loops.settle()
        self.look()

    # --- what must hold

    @invariant()
    def nobody_has_more_names_than_they_take_on(self):
        for user in User.objects.filter(pk__in=getattr(self, "people", ())):
            assert names_this_week(user, self.now) <= takes_on(user, self.now)

    def look(self):
        """After the sweeps."""
        for response in Response.objects.select_related("invitation__customer"):
            self._look_at(response, stands_for(response.invitation.customer))
        called = [(stands_for(call.customer).pk, call.kind) for call in Call.objects.live()]
        assert len(called) == len(set(called))
        for call in Call.objects.live().select_related("owner", "customer"):
            assert may_be_called(call.customer)
            assert call.owner is None or call.owner.is_active
            assert call.owner_id or call in Call.objects.visible_to(self.lookers[call.to])
            assert stands_for(call.loop.customer) == stands_for(call.customer)
        for request in GroupRequest.objects.waiting():
            assert may_be_called(request.customer)
            assert stands_for(request.loop.customer) == stands_for(request.customer)

    def _look_at(self, response, by):
        owed = list(FollowUp.objects.filter(response=response).select_related("call__loop", "call__customer"))
        if may_be_called(by) and response.finished_at > self.now - timedelta(days=30):
            assert sorted(each.step for each in owed) == ["engage", "share", "thank"]
        for each in owed:
            if each.cancelled_at and each.step == "thank":
                assert each.reason
                assert self.was_turned_away(by), "Who can be called is thanked"
            if each.done_at or each.cancelled_at:
                continue
            waits_in_a_loop = each.step == "share" and each.call.loop.ended_at is None
            assert each.call.is_live or waits_in_a_loop
            assert stands_for(each.call.customer) == by


def run(**wishes):
    wishes = {"max_examples": 25, "stateful_step_count": 25, **wishes}
    quiet = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
    run_state_machine_as_test(Outreach, settings=settings(**wishes, **quiet))


def test_everything_owed_is_somebodys_or_in_the_pool_and_nobody_is_called_against_their_will():
    run()


def everybody_has_room(monkeypatch):
    monkeypatch.setattr(fair.Person, "has_room", property(lambda person: True))


def three_answer(desk):
    for n in range(3):
        desk.answer(n, 2, False)
        desk.nobody_has_more_names_than_they_take_on()


def nobody_hears_a_no(monkeypatch):
    monkeypatch.setattr(follow_ups, "cancel_forbidden", lambda customers: [])


def one_answers_and_says_no(desk):
    desk.answer(0, 2, False)
    desk.say_of_calls(0, "refused", True)
    desk.sweep()


def any_hour_will_do(monkeypatch):
    monkeypatch.setattr(hours, "within", lambda customer, at: at)


def one_is_to_be_called_at_night(desk):
    desk.answer(0, 2, False)
    desk.now += timedelta(hours=8)
    desk.call(0, "later", False, 5)


def nobody_asks_what_their_clock_says(monkeypatch):
    monkeypatch.setattr(calling, "_must_be_their_hours", lambda customer: None)


def one_is_called_at_night(desk):
    desk.answer(0, 2, False)
    desk.now += timedelta(hours=14)
    desk.call(0, "reached", False, None)


def a_call_is_dropped_for_no_cause(monkeypatch):
    def drop(customers):
        for call in Call.objects.live():
            follow_ups.cancel(call=call, why="No time", by=None)
        return []

    monkeypatch.setattr(follow_ups, "cancel_forbidden", drop)


def one_answers_and_another_says_no(desk):
    desk.answer(0, 2, False)
    desk.say_of_calls(1, "refused", False)
    desk.sweep()


def calls_stay_for_people_who_are_not_there(monkeypatch):
    monkeypatch.setitem(CALLER_OF, "agent", "nobody")


def one_answers_whom_nobody_may_take(desk):
    desk.people = desk.people[:0]
    User.objects.filter(role="agent", is_active=True).update(is_active=False)
    desk.answer(0, 2, False)
    desk.look()


def a_merge_changes_nothing_here(monkeypatch):
    monkeypatch.setattr(merged, "put_right", lambda customers: [])


def two_are_made_one(desk):
    desk.answer(0, 2, False)
    desk.answer(1, 2, False)
    desk.merge(0, 1, False)
    desk.sweep()


@pytest.mark.parametrize(
    ("fault", "deeds"),
    [
        (everybody_has_room, three_answer),
        (nobody_hears_a_no, one_answers_and_says_no),
        (any_hour_will_do, one_is_to_be_called_at_night),
        (nobody_asks_what_their_clock_says, one_is_called_at_night),
        (a_call_is_dropped_for_no_cause, one_answers_and_another_says_no),
        (calls_stay_for_people_who_are_not_there, one_answers_whom_nobody_may_take),
        (a_merge_changes_nothing_here, two_are_made_one),
    ],
)
@pytest.mark.parametrize("is_broken", [True, False])
def test_a_fault_would_be_noticed(monkeypatch, fault, deeds, is_broken):
    """The test above can fail: a fault put in on purpose is found, and without it there is nothing to find."""
    if is_broken:
        fault(monkeypatch)
    desk = Outreach()
    desk.open(places=[0, 0, 0], caps=[1, 0], abroad=False)
    try:
        with pytest.raises(AssertionError) if is_broken else nullcontext():
            deeds(desk)
    finally:
        desk.close()
