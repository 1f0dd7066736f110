"""Who has a call: split fairly and within caps, or in the pool for all to see; and from hand to hand, one at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from channels_app import live
from channels_app.models import LiveEvent
from crm.errors import Refused
from crm.models import Activity, Notice, User
from surveys.models import Call, Caller, OutreachSettings
from surveys.outreach import assigning
from surveys.outreach.assigning import roster
from surveys.outreach.assigning.fair import Need, Person, split
from tests import factories

DAY = timedelta(days=1)


def caller(per_week=10, countries=(), role="agent", **facts):
    user = factories.UserFactory(role=role, **facts)
    factories.CallerFactory(user=user, per_week=per_week, countries=list(countries))
    return user


def pooled(country="", language="", **facts):
    customer = factories.CustomerFactory(country=country, language=language)
    return factories.CallFactory(loop__customer=customer, **{"owner": None, **facts})


def owner_of(call):
    return Call.objects.get(pk=call.pk).owner


# --- the split, on values


PEOPLE = st.lists(
    st.builds(
        Person, user=st.integers(1, 6), to=st.sampled_from(["executive", "sales", "care"]), cap=st.integers(0, 4),
        given=st.integers(0, 5), countries=st.frozensets(st.sampled_from(["DE", "FR"])),
        languages=st.frozensets(st.sampled_from(["de", "fr"])),
    ),
    max_size=6, unique_by=lambda person: person.user,
)  # fmt: skip
NEEDS = st.lists(
    st.builds(
        Need, call=st.integers(1, 50), to=st.sampled_from(["executive", "sales", "care"]),
        country=st.sampled_from(["", "DE", "FR"]), language=st.sampled_from(["", "de", "fr"]),
        owner=st.one_of(st.none(), st.integers(1, 6)),
    ),
    max_size=30, unique_by=lambda need: need.call,
)  # fmt: skip


@given(NEEDS, PEOPLE)
def test_nobody_comes_above_their_cap_and_nobody_has_what_is_not_for_them(needs, people):
    before = {person.user: person.given for person in people}
    found = split(needs, people)
    by_user = {person.user: person for person in people}
    for need in needs:
        if need.call in found:
            person = by_user[found[need.call]]
            assert person.user == need.owner if need.to == "sales" else person.can(need)
    for person in people:
        assert person.given <= max(person.cap, before[person.user])
        assert person.given - before[person.user] == list(found.values()).count(person.user)


@given(NEEDS, PEOPLE)
def test_what_stands_in_the_pool_fits_nobody_who_has_room(needs, people):
    found = split(needs, people)
    for need in needs:
        if need.call not in found and need.to != "sales":
            assert not [person for person in people if person.has_room and person.can(need)]


@given(st.integers(0, 40), st.integers(1, 5))
def test_equals_get_equally_many(number, persons):
    people = [Person(user=n, to="care", cap=50) for n in range(persons)]
    split([Need(call=n, to="care") for n in range(number)], people)
    given_to = [person.given for person in people]
    assert max(given_to) - min(given_to) <= 1


def test_who_takes_on_twice_as_many_gets_twice_as_many():
    people = [Person(user=1, to="care", cap=10), Person(user=2, to="care", cap=5)]
    split([Need(call=n, to="care") for n in range(9)], people)
    assert [person.given for person in people] == [6, 3]


def test_among_equals_who_has_waited_longest_is_next():
    now = timezone.now()
    people = [Person(1, "care", 10, last=now), Person(2, "care", 10, last=now - DAY)]
    assert split([Need(call=7, to="care")], people) == {7: 2}


# --- the split, of people


@pytest.mark.django_db
class TestAssigning:
    def test_calls_go_round_and_each_is_told(self):
        users = [caller(), caller()]
        calls = [pooled() for _ in range(4)]
        assert assigning.assign(calls) == 4
        assert [user.calls.count() for user in users] == [2, 2]
        assert Notice.objects.filter(user=users[0], kind="call").count() == 2
        assert {call.owner_id for call in calls} == {user.pk for user in users}

    def test_ten_names_a_week_unless_they_say_otherwise_and_the_rest_stands_in_the_pool(self):
        user = factories.UserFactory()
        calls = [pooled() for _ in range(12)]
        assert assigning.assign(calls) == 10
        assert Call.objects.in_pool().visible_to(user).count() == 2

    def test_a_new_week_has_room_again(self):
        user = caller(per_week=1)
        factories.CallFactory(owner=user, owned_since=roster.week_began(timezone.now()) - timedelta(minutes=1))
        assert assigning.assign([pooled()]) == 1
        assert assigning.assign([pooled()]) == 0

    def test_a_second_call_takes_nobodys_place(self):
        user = caller(per_week=1)
        factories.CallFactory(owner=user, kind="second")
        assert assigning.assign([pooled()]) == 1

    @pytest.mark.parametrize(
        ("facts", "countries", "country", "language", "is_given"),
        [
            ({}, (), "DE", "", True),
            ({}, ("DE",), "DE", "", True),
            ({}, ("FR",), "DE", "", False),
            ({}, ("FR",), "", "", False),
            ({"languages": ["de"]}, (), "", "de-AT", True),
            ({"languages": ["fr"]}, (), "", "de", False),
            ({}, (), "", "en", True),
            ({"is_active": False}, (), "", "", False),
            ({"role": "executive"}, (), "", "", False),
        ],
    )
    def test_country_language_and_role_must_fit(self, facts, countries, country, language, is_given):
        caller(countries=countries, **facts)
        assert assigning.assign([pooled(country, language)]) == is_given

    def test_who_is_away_gets_none(self):
        factories.AbsenceFactory(user=caller(), starts_at=timezone.now() - DAY, ends_at=timezone.now() + DAY)
        assert assigning.assign([pooled()]) == 0

    def test_what_somebody_has_is_left_to_them(self):
        user = caller()
        call = pooled()
        mine = factories.UserFactory()
        Call.objects.filter(pk=call.pk).update(owner=mine, owned_since=timezone.now())
        assert assigning.assign([call]) == 0
        assert (owner_of(call), user.calls.count()) == (mine, 0)

    def test_the_pool_is_given_out_when_somebody_can_take_it_but_not_what_was_handed_back(self):
        waits, back = pooled(), pooled(state="handed_back", reason="Too far.")
        assert assigning.assign_pool() == 0
        user = caller()
        assert assigning.assign_pool() == 1
        assert (owner_of(waits), owner_of(back)) == (user, None)

    def test_as_many_queries_for_forty_as_for_two(self):
        seller = caller(per_week=100, role="sales")
        caller(per_week=100)

        def some(number):
            calls = [pooled() for _ in range(number)] + [pooled(to="sales") for _ in range(number)]
            for call in calls:
                factories.StakeholderFactory(customer=call.customer, account__owner=seller)
            return calls

        def counted(calls):
            with CaptureQueriesContext(connection) as asked:
                assert assigning.assign(calls) == len(calls)
            return len(asked)

        assert counted(some(1)) == counted(some(20))


@pytest.mark.django_db
class TestSales:
    def of_account(self, owner, influence="unknown", call=None):
        call = call or pooled(to="sales")
        factories.StakeholderFactory(customer=call.customer, account__owner=owner, influence=influence)
        return call

    def test_the_accounts_own_sales_person_calls_in_whatever_language(self):
        caller(role="sales")
        seller = caller(role="sales", languages=["fr"])
        call = self.of_account(seller, call=pooled(language="de", to="sales"))
        assigning.assign([call])
        assert owner_of(call) == seller

    def test_of_several_accounts_the_one_where_their_word_weighs_most(self):
        one, other = caller(role="sales"), caller(role="sales")
        call = self.of_account(one, "some")
        self.of_account(other, "decides", call)
        assigning.assign([call])
        assert owner_of(call) == other

    def test_above_their_cap_away_or_nobody_it_stands_in_the_pool_of_sales(self):
        full, away, colleague = caller(0, role="sales"), caller(role="sales"), caller(role="sales")
        factories.AbsenceFactory(user=away, starts_at=timezone.now() - DAY, ends_at=timezone.now() + DAY)
        calls = [self.of_account(full), self.of_account(away), self.of_account(None), pooled(to="sales")]
        assert assigning.assign(calls) == 0
        assert Call.objects.in_pool().visible_to(colleague).count() == 4


# --- from hand to hand


@pytest.mark.django_db
class TestMoving:
    def test_whoever_takes_it_has_it_and_the_next_hears_who(self):
        call, one, other = pooled(), caller(), caller()
        assert assigning.take(call=call, by=one).owner == one
        with pytest.raises(assigning.RefusedTaken, match=f"{one} has this call already."):
            assigning.take(call=call, by=other)
        assert assigning.take(call=call, by=one).owner == one
        assert Activity.objects.about(call).filter(verb="taken").count() == 1

    def test_open_pages_of_the_call_and_the_list_of_its_owner_hear_of_it(self, django_capture_on_commit_callbacks):
        call, user = pooled(), caller()
        live.numbers([f"call:{call.pk}", f"user:{user.pk}"])  # somebody looks
        with django_capture_on_commit_callbacks(execute=True):
            assigning.take(call=call, by=user)
        told = set(LiveEvent.objects.values_list("stream", "kind"))
        assert {(f"call:{call.pk}", "call"), (f"user:{user.pk}", "calls")} <= told
        assert live.may_follow(user, f"call:{call.pk}")
        assert not live.may_follow(caller(role="sales"), f"call:{call.pk}")

    def test_a_call_is_taken_by_those_it_is_for_or_a_lead(self, lead):
        call = pooled(to="executive")
        with pytest.raises(assigning.NotForYou, match="An executive"):
            assigning.take(call=call, by=caller())
        assert assigning.take(call=call, by=lead).owner == lead

    def test_nobody_takes_above_their_cap_until_they_ask_for_more(self, nudges, django_capture_on_commit_callbacks):
        user = caller(per_week=1)
        assigning.take(call=pooled(), by=user)
        call = pooled()
        with pytest.raises(assigning.NoRoom, match=f"{user} has 1 names this week, and takes on 1."):
            assigning.take(call=call, by=user)
        with django_capture_on_commit_callbacks(execute=True):
            asked = assigning.ask_for_more(by=user)
        assert (asked.more, asked.more_until) == (5, roster.week_ends(timezone.now()))
        assert ("surveys.jobs.assign_pool",) in nudges
        assert assigning.take(call=call, by=user).owner == user

    def test_more_is_over_with_the_week(self):
        user = caller(per_week=0)
        assigning.ask_for_more(by=user)
        assigning.ask_for_more(by=user)
        assert Caller.objects.get(user=user).more == 10
        Caller.objects.update(more_until=timezone.now())
        assert assigning.assign([pooled()]) == 0

    def test_handed_back_it_stands_in_the_pool_with_the_reason(self):
        user, other = caller(), caller()
        call = assigning.take(call=pooled(), by=user)
        assigning.hand_back(call=call, why="I know them privately.", by=user)
        assert (call.state, call.owner, call.reason) == ("handed_back", None, "I know them privately.")
        assert call in Call.objects.in_pool().visible_to(other)
        assert (assigning.take(call=call, by=other).state, call.reason) == ("open", "")

    def test_handing_back_asks_for_a_reason_and_is_for_who_has_it(self):
        call = factories.CallFactory()
        with pytest.raises(assigning.SayWhy):
            assigning.hand_back(call=call, why=" ", by=call.owner)
        with pytest.raises(assigning.CannotMove, match=f"Only {call.owner}, who has this call"):
            assigning.hand_back(call=call, why="Mine.", by=caller())
        with pytest.raises(assigning.NobodyHasIt):
            assigning.hand_back(call=pooled(), why="Nobody's.", by=caller())

    def test_a_lead_gives_it_to_a_colleague_who_is_told(self, lead):
        call, to = factories.CallFactory(), caller()
        assert assigning.give(call=call, to=to, by=lead).owner == to
        assert Notice.objects.get(user=to).text == f"Call {call.pk} is yours."

    def test_it_is_not_given_to_who_is_full_away_or_calls_nobody(self, lead):
        call, away = pooled(), caller()
        factories.AbsenceFactory(user=away, starts_at=timezone.now() - DAY, ends_at=timezone.now() + DAY)
        for to, refusal in (
            (caller(0), assigning.NoRoom), (away, assigning.IsAway), (caller(role="support"), assigning.CannotCall),
        ):  # fmt: skip
            with pytest.raises(refusal):
                assigning.give(call=call, to=to, by=lead)
        assert owner_of(call) is None

    def test_only_who_has_it_or_a_lead_gives_it(self):
        call = factories.CallFactory()
        with pytest.raises(assigning.CannotMove):
            assigning.give(call=call, to=caller(), by=caller())
        assert assigning.give(call=call, to=caller(), by=call.owner).is_live

    def test_what_is_over_stays_over(self, lead):
        call = pooled(state="done", ended_at=timezone.now())
        for act in (lambda: assigning.take(call=call, by=lead), lambda: assigning.give(call=call, to=lead, by=lead)):
            with pytest.raises(assigning.IsOver, match="it is “done”"):
                act()


@pytest.mark.django_db
class TestStandingStill:
    def test_calls_of_who_left_go_to_somebody_else(self):
        gone = factories.UserFactory(is_active=False)
        call = factories.CallFactory(owner=gone)
        user = caller()
        assert assigning.release_absent(timezone.now()) == 1
        assert owner_of(call) == user

    def test_or_to_the_pool_where_there_is_nobody(self):
        call = factories.CallFactory(owner__is_active=False)
        assert assigning.release_absent(timezone.now()) == 1
        assert assigning.release_absent(timezone.now()) == 0
        assert list(Call.objects.in_pool()) == [call]

    @pytest.mark.parametrize(("back_in", "is_freed"), [(2, False), (9, True)])
    def test_who_is_back_before_it_is_due_keeps_it(self, back_in, is_freed):
        now = timezone.now()
        call = factories.CallFactory(due_at=now + 5 * DAY)
        factories.AbsenceFactory(user=call.owner, starts_at=now - DAY, ends_at=now + back_in * DAY)
        assert assigning.release_absent(now) == is_freed

    def test_an_agreed_time_stays_agreed_upon(self):
        at = timezone.now() + DAY
        call = factories.CallFactory(owner__is_active=False, state="planned", planned_for=at)
        assigning.release_absent(timezone.now())
        call.refresh_from_db()
        assert (call.state, call.planned_for, call.owner) == ("planned", at, None)

    def test_an_overdue_call_is_told_to_its_owner_then_to_the_head_and_each_once(self, lead):
        head = factories.UserFactory(role="executive")
        OutreachSettings.objects.create(pk=1, escalate_to=head)
        call = factories.CallFactory()
        told = []
        for hours in (-1, 1, 2, 25, 26, 400):
            assigning.escalate(call.due_at + timedelta(hours=hours))
            told.append((call.owner.notices.count(), head.notices.count()))
        assert told == [(0, 0), (1, 0), (1, 0), (1, 1), (1, 1), (1, 1)]
        assert head.notices.get().text == f"Call {call.pk} of {call.owner} is overdue."

    def test_without_a_head_the_leads_hear_of_it_also_of_what_nobody_has(self, lead):
        call = pooled()
        assigning.escalate(call.due_at + 2 * DAY)
        assert lead.notices.get().text == f"Call {call.pk} is overdue, and nobody has it."

    def test_many_are_escalated_in_as_many_queries_as_few(self, lead):
        def counted(number):
            calls = [factories.CallFactory() for _ in range(number)]
            with CaptureQueriesContext(connection) as asked:
                assigning.escalate(calls[-1].due_at + 2 * DAY)
            return len(asked)

        assert counted(2) == counted(20)


# --- many hands at once


def at_once(act, things):
    start = Barrier(len(things), timeout=60)

    def run(thing):
        start.wait()
        try:
            return act(thing)
        except Refused as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(things)) as pool:
        return list(pool.map(run, things))


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_of_ten_who_take_it_at_once_one_has_it(self):
        call, users = pooled(), [caller() for _ in range(10)]
        answers = at_once(lambda user: assigning.take(call=Call.objects.get(pk=call.pk), by=user), users)
        owner = owner_of(call)
        assert [str(answer) for answer in answers if isinstance(answer, Refused)] == [
            f"{owner} has this call already."
        ] * 9

    def test_who_takes_and_is_given_at_the_same_moment_stays_within_their_cap(self):
        user = caller(per_week=3)
        taken, given = [pooled() for _ in range(5)], [pooled() for _ in range(5)]

        def act(call):
            if call in given:
                return assigning.assign([Call.objects.get(pk=call.pk)])
            return assigning.take(call=Call.objects.get(pk=call.pk), by=User.objects.get(pk=user.pk))

        at_once(act, taken + given)
        assert user.calls.count() == 3

    def test_a_call_handed_back_and_given_at_once_is_one_of_both(self, lead):
        for _ in range(5):
            call, to = factories.CallFactory(owner=caller()), caller()
            before = call.owner

            def act(what, call=call, to=to, before=before):
                mine = Call.objects.get(pk=call.pk)
                if what == "give":
                    return assigning.give(call=mine, to=to, by=lead)
                return assigning.hand_back(call=mine, why="Too much.", by=before)

            at_once(act, ["give", "hand back"])
            call.refresh_from_db()
            assert (call.owner, call.state) in ((to, "open"), (None, "handed_back"))
