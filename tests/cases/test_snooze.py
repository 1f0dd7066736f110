"""Cases that are put aside until a moment, and how they come back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import assignment, deeds, promises, replies, resolution, snooze
from cases.models import Case, Clock, Deed
from crm.models import Activity, Notice
from tests import factories
from tests.cases.conftest import at

pytestmark = pytest.mark.django_db


def fresh(case):
    return Case.objects.get(pk=case.pk)


def soon(**delta):
    return timezone.now() + timedelta(**delta or {"days": 1})


def waiting(channel, owner):
    """We answered five minutes ago, which was five after they wrote."""
    case = factories.CaseFactory(channel=channel, owner=owner, state="waiting", waiting_since=soon(minutes=-5))
    ours = factories.MessageFactory(
        thread=case.thread, identity=case.identity, direction="out", occurred_at=case.waiting_since
    )
    case.entries.create(message=ours)
    return case


# --- when


@pytest.fixture
def madrid():
    with timezone.override(ZoneInfo("Europe/Madrid")):
        yield ZoneInfo("Europe/Madrid")


def offered(now, *, waiting=False):
    return {c.key: c.until.astimezone(ZoneInfo("Europe/Madrid")) for c in snooze.choices(waiting=waiting, now=now)}


def test_the_choices_are_of_the_readers_own_day(madrid):
    now = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)  # a Wednesday, 10:30 in Madrid
    assert {key: until.strftime("%a %d %H:%M") for key, until in offered(now).items()} == {
        "hour": "Wed 18 11:30", "afternoon": "Wed 18 16:00", "tomorrow": "Thu 19 09:00", "monday": "Mon 23 09:00",
        "week": "Wed 25 10:30",
    }  # fmt: skip


def test_on_a_monday_the_next_one_is_meant(madrid):
    assert offered(datetime(2026, 11, 16, 5, tzinfo=UTC))["monday"].day == 23


@pytest.mark.parametrize(("hour", "is_offered"), [(13, True), (14, False), (15, False), (20, False)])
def test_this_afternoon_is_offered_while_it_is_more_than_an_hour_away(madrid, hour, is_offered):
    assert ("afternoon" in offered(datetime(2026, 11, 18, hour, 30, tzinfo=UTC))) is is_offered


def test_nine_is_nine_on_the_day_the_clocks_change(madrid):
    saturday = datetime(2026, 10, 24, 10, tzinfo=UTC)  # summer time ends in the night
    found = offered(saturday)
    assert found["tomorrow"].strftime("%H:%M") == "09:00"
    assert found["tomorrow"].astimezone(UTC).hour == 8
    assert found["week"].strftime("%H:%M") == "12:00"


def test_if_they_do_not_answer_is_offered_where_we_wait_for_them(madrid):
    now = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
    assert "silent" not in offered(now)
    assert offered(now, waiting=True)["silent"].day == 21


# --- asleep


def test_a_snoozed_case_leaves_the_queue_and_stays_whose_it_is(case, agent):
    assignment.take(case=case, by=agent)
    until = soon()
    snooze.snooze(case=case, until=until, by=agent)
    asleep = fresh(case)
    assert (asleep.state, asleep.owner, asleep.snoozed_until) == ("snoozed", agent, until)
    assert not Case.objects.needing_us().exists()
    assert Case.objects.unresolved().exists()


def test_who_snoozes_a_free_case_takes_it(case, agent):
    snooze.snooze(case=case, until=soon(), by=agent)
    assert fresh(case).owner == agent


@pytest.mark.parametrize(
    ("delta", "refusal"),
    [({"minutes": -1}, snooze.InThePast), ({"days": 367}, snooze.TooFar)],
)
def test_only_a_moment_of_the_next_year_will_do(case, agent, delta, refusal):
    with pytest.raises(refusal):
        snooze.snooze(case=case, until=soon(**delta), by=agent)
    assert fresh(case).state == "new"


def test_what_is_over_or_set_aside_cannot_be_snoozed(case, agent):
    factories.resolved(case, agent)
    with pytest.raises(snooze.CannotSnooze, match="This case is resolved"):
        snooze.snooze(case=case, until=soon(), by=agent)


def test_a_colleagues_case_is_not_snoozed_but_by_a_lead(case, agent, colleague, lead):
    assignment.take(case=case, by=colleague)
    with pytest.raises(snooze.SomebodyElses, match="Only Ben Okafor"):
        snooze.snooze(case=case, until=soon(), by=agent)
    snooze.snooze(case=case, until=soon(), by=lead)
    assert fresh(case).owner == colleague


# --- awake


def test_when_its_time_has_come_it_is_back_and_its_owner_hears_of_it(case, agent):
    snooze.snooze(case=case, until=soon(hours=1), by=agent)
    assert snooze.wake_due() == 0
    assert snooze.wake_due(soon(hours=2)) == 1
    assert (fresh(case).state, fresh(case).snoozed_until) == ("open", None)
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.url) == (agent, "wake", case.get_absolute_url())
    assert f"#{case.pk}" in notice.text
    assert Activity.objects.about(case).filter(verb="woken", by=None).exists()


def test_waking_leaves_since_when_the_customer_waits(case, agent):
    since = fresh(case).waiting_since
    snooze.snooze(case=case, until=soon(), by=agent)
    snooze.wake([case.pk], "A promise is at risk.")
    assert (fresh(case).state, fresh(case).waiting_since) == ("open", since)
    assert "A promise is at risk." in Notice.objects.get().text


def test_waking_what_is_awake_does_nothing(case, agent):
    assignment.take(case=case, by=agent)
    assert snooze.wake([case.pk], "Why ever.") == 0
    assert not Notice.objects.exists()


def test_a_promise_at_risk_wakes_it(case, agent):
    promises.settle([case.pk])
    snooze.snooze(case=case, until=soon(), by=agent)
    promises.watch()
    assert fresh(case).state == "snoozed"
    Clock.objects.running().update(risk_at=soon(minutes=-1), due_at=soon(hours=1))
    promises.watch()
    assert fresh(case).state == "open"
    assert Notice.objects.filter(user=agent, kind="wake", text__contains="A promise in it is at risk.").exists()


def test_by_hand_it_waits_again_where_we_spoke_last(channel, agent):
    case = waiting(channel, agent)
    snooze.snooze(case=case, until=soon(), by=agent)
    assert snooze.wake_now(case=case, by=agent).state == "waiting"


def test_by_hand_it_is_worked_on_again_where_the_customer_spoke_last(case, agent):
    snooze.snooze(case=case, until=soon(), by=agent)
    assert snooze.wake_now(case=case, by=agent).state == "open"
    with pytest.raises(snooze.NotSnoozed):
        snooze.wake_now(case=case, by=agent)


def test_nobody_else_wakes_it_by_hand(case, agent, colleague):
    snooze.snooze(case=case, until=soon(), by=agent)
    with pytest.raises(assignment.NotYours):
        snooze.wake_now(case=case, by=colleague)


def test_the_customer_wakes_it(talk, agent):
    talk.customer_says(minute=0)
    case = talk.route()
    snooze.snooze(case=case, until=soon(), by=agent)
    talk.customer_says("Hello?", minute=5)
    woken = talk.route()
    assert (woken.state, woken.owner, woken.snoozed_until) == ("open", agent, None)
    assert woken.waiting_since == at(0)  # nothing was answered meanwhile
    assert Notice.objects.get(kind="wake").user == agent


def test_a_customer_who_answers_us_waits_from_then_on(talk, agent):
    talk.customer_says(minute=0)
    talk.we_say(minute=1)
    case = talk.route()
    snooze.snooze(case=case, until=soon(), by=agent)
    talk.customer_says("Still broken.", minute=5)
    talk.customer_says("Hello?", minute=6)
    woken = talk.route()
    assert (woken.state, woken.waiting_since) == ("open", at(5))


def test_our_own_post_from_the_networks_app_ends_the_sleep(talk, agent):
    talk.customer_says(minute=0)
    case = talk.route()
    snooze.snooze(case=case, until=soon(), by=agent)
    talk.we_say(minute=5)
    assert (talk.route().state, fresh(case).snoozed_until) == ("waiting", None)


def test_a_reply_ends_the_sleep(case, agent):
    snooze.snooze(case=case, until=soon(), by=agent)
    replies.reply(case=case, text="Your bag is at the station in Leeds.", by=agent)
    assert (fresh(case).state, fresh(case).snoozed_until) == ("waiting", None)


def test_a_snoozed_case_can_be_resolved(case, agent, cause):
    snooze.snooze(case=case, until=soon(), by=agent)
    resolution.resolve(case=case, cause=cause, by=agent)
    assert (fresh(case).state, fresh(case).snoozed_until) == ("resolved", None)


def test_a_snoozed_case_that_is_given_back_is_for_anyone_to_take(case, agent):
    snooze.snooze(case=case, until=soon(), by=agent)
    assignment.release(case=fresh(case), by=agent)
    assert (fresh(case).state, fresh(case).owner, fresh(case).snoozed_until) == ("new", None, None)


# --- back


def test_undoing_it_returns_exactly_what_was(channel, case, agent):
    asleep = waiting(channel, agent)
    promises.settle([asleep.pk, case.pk])
    for each in (asleep, case):
        before = Case.objects.filter(pk=each.pk).values().get()
        snooze.snooze(case=each, until=soon(), by=agent)
        assert deeds.undo(deed=deeds.last_of(agent, each.pk), by=agent) == 1
        assert Case.objects.filter(pk=each.pk).values().get() == before


def test_what_the_customer_woke_is_not_put_back(talk, agent):
    talk.customer_says(minute=0)
    case = talk.route()
    snooze.snooze(case=case, until=soon(), by=agent)
    talk.customer_says("Hello?", minute=5)
    talk.route()
    assert deeds.undo(deed=Deed.objects.get(), by=agent) == 0
    assert fresh(case).state == "open"


# --- pages


def test_snoozing_on_the_page_offers_to_undo_it(case, agent, as_user):
    client = as_user(agent)
    response = client.post(f"/cases/{case.pk}/snooze/", {"when": "tomorrow"}, headers={"HX-Request": "true"})
    assert fresh(case).state == "snoozed"
    assert f"/cases/{case.pk}/undo/" in response.content.decode()
    assert "Snoozed until" in response.content.decode()
    client.post(f"/cases/{case.pk}/undo/")
    assert (fresh(case).state, fresh(case).owner) == ("new", None)


def test_ones_own_moment_is_meant_in_ones_own_zone(case, agent, as_user):
    agent.time_zone = "Asia/Tokyo"
    agent.save()
    day = (timezone.now() + timedelta(days=3)).date()
    as_user(agent).post(f"/cases/{case.pk}/snooze/", {"when": "own", "own": f"{day}T09:00"})
    assert fresh(case).snoozed_until == datetime.combine(day, datetime.min.time(), UTC)


@pytest.mark.parametrize("data", [{}, {"when": "own"}, {"when": "own", "own": "soon"}, {"when": "never"}])
def test_a_moment_that_is_none_is_asked_for_again(case, agent, as_user, data):
    response = as_user(agent).post(f"/cases/{case.pk}/snooze/", data)
    assert response.status_code == 422
    assert fresh(case).state == "new"


def test_the_past_is_refused_beside_the_case(case, agent, as_user):
    response = as_user(agent).post(f"/cases/{case.pk}/snooze/", {"when": "own", "own": "2020-01-01T09:00"})
    assert response.status_code == 422
    assert "still to come" in response.content.decode()


def test_snoozed_cases_stand_in_a_view_of_their_own(case, agent, as_user):
    snooze.snooze(case=case, until=soon(), by=agent)
    page = as_user(agent).get("/queue/?state=snoozed").content.decode()
    assert f'id="case-{case.pk}"' in page
    assert 'data-view="Snoozed"' in page


# --- how many queries, and who is first


@pytest.mark.parametrize("job", ["wake", "snooze"])
def test_many_cost_what_one_costs(channel, agent, job):
    def cost(n):
        cases = [factories.CaseFactory(channel=channel).pk for _ in range(n)]
        with CaptureQueriesContext(connection) as captured:
            snooze.snooze_many(cases=cases, until=soon(), by=agent)
        asleep = len(captured)
        with CaptureQueriesContext(connection) as captured:
            assert snooze.wake(cases, "It is time.") == n
        return {"snooze": asleep, "wake": len(captured)}[job]

    cost(1)  # asks once for the teams of who does it
    assert cost(1) == cost(20)


@pytest.mark.django_db(transaction=True)
def test_of_waking_by_time_and_by_hand_at_once_one_does_it(channel, agent):
    cases = [factories.CaseFactory(channel=channel) for _ in range(5)]
    for case in cases:
        snooze.snooze(case=case, until=soon(), by=agent)
    barrier = Barrier(2, timeout=60)

    def by_hand():
        barrier.wait()
        done = 0
        for case in cases:
            try:
                snooze.wake_now(case=case, by=agent)
                done += 1
            except snooze.NotSnoozed:
                pass
        connection.close()
        return done

    def by_time():
        barrier.wait()
        try:
            return sum(snooze.wake([case.pk], "It is time.") for case in reversed(cases))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        tries = [pool.submit(by_hand), pool.submit(by_time)]
        done = [each.result() for each in tries]
    assert set(Case.objects.values_list("state", "snoozed_until")) == {("open", None)}
    assert sum(done) == 5
    assert Activity.objects.filter(verb="woken").count() == 5
