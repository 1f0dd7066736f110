"""The head of care's screen: each figure, where it leads, and what it costs."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import care
from channels_app import presence
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def waiting(channel, *, since=0, due=None, risk=None, **facts):
    """A case that needs us since so many minutes, its promise at risk and due in so many."""
    promise = {}
    if due is not None:
        at = NOW + timedelta(minutes=due)
        promise = {"due_at": at, "due_kind": "answer", "risk_at": NOW + timedelta(minutes=risk or due)}
    begun = NOW - timedelta(minutes=since)
    return factories.CaseFactory(channel=channel, opened_at=begun, **promise, **facts)


def figures(line):
    return line.waiting, line.untaken, line.at_risk, line.broken


def test_what_waits_is_counted_in_all_and_by_channel_and_team(channel, agent):
    other = factories.ChannelFactory(name="Letters", team=factories.TeamFactory(name="Post"))
    waiting(channel, since=30, due=10, risk=-5)
    waiting(channel, since=90, due=-10, risk=-60, owner=agent, state="open")
    waiting(other, since=5, due=100, risk=90)
    waiting(other, state="waiting")
    standing = care.standing(NOW)
    assert figures(standing.total) == (3, 2, 1, 1)
    assert standing.total.oldest == NOW - timedelta(minutes=90)
    assert {line.name: figures(line) for line in standing.channels} == {
        "@skylark on Chirp": (2, 1, 1, 1), "Letters": (1, 1, 0, 0),
    }  # fmt: skip
    assert [line.name for line in standing.teams] == ["Travel care", "Post"]


def test_each_figure_leads_to_the_cases_it_counts(channel, lead, as_user):
    waiting(channel, due=600, risk=-5)  # pages ask the clock, and NOW may be half an hour ago
    broken = waiting(channel, due=-10, risk=-60)
    client = as_user(lead)
    page = client.get("/care/")
    [line] = page.context["standing"].channels
    assert line.broken_url in page.content.decode().replace("&amp;", "&")
    assert [case.pk for case in client.get(line.broken_url).context["page"].rows] == [broken.pk]
    assert len(client.get(line.waiting_url).context["page"].rows) == 2


def test_the_desk_at_rest_says_so(channel, lead, as_user):
    page = as_user(lead).get("/care/").content.decode()
    assert "Everything is answered." in page


def test_who_is_on_and_on_what(case, agent, colleague):
    factories.CaseFactory(channel=case.channel, owner=colleague, state="open")
    presence.wire().delete(presence.ON)
    presence.note(case.pk, agent, "typing")
    found = care.people(timezone.now())
    assert [(p.user, p.doing, p.case, p.open) for p in found[:1]] == [(agent, "typing", case.pk, 0)]
    assert [(p.user, p.doing, p.open) for p in found if p.user == colleague] == [(colleague, "", 1)]
    presence.note(case.pk, agent, "gone")
    assert care.people(timezone.now())[0].case == 0


def test_somebody_with_hark_open_and_no_case_is_on(agent):
    presence.wire().delete(presence.ON)
    presence.on(agent)
    assert presence.who_is_on() == {agent.pk: {"case": 0, "doing": "here"}}


def test_arrivals_and_answers_are_counted_by_the_hour(channel, agent):
    case = factories.CaseFactory(channel=channel, message=False)
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    for minutes, direction in ((-30, "in"), (-20, "in"), (-10, "out"), (-25 * 60, "in")):
        factories.MessageFactory(
            thread=case.thread,
            identity=case.identity,
            direction=direction,
            occurred_at=hour + timedelta(minutes=minutes),
        )
    found = care.hours(timezone.now())
    assert len(found) == 24
    assert [(h.at, h.arrived, h.answered) for h in found[-2:]] == [(hour - timedelta(hours=1), 2, 1), (hour, 0, 0)]
    assert sum(h.arrived for h in found) == 2


def test_hours_stand_in_the_readers_zone_also_where_it_is_half_an_hour_off(channel):
    case = factories.CaseFactory(channel=channel, message=False)
    at = timezone.now().replace(minute=10, second=0, microsecond=0) - timedelta(hours=2)
    factories.MessageFactory(thread=case.thread, identity=case.identity, occurred_at=at)
    with timezone.override("Asia/Kolkata"):
        [hour] = [h for h in care.hours(timezone.now()) if h.arrived]
    assert hour.at <= at < hour.at + timedelta(hours=1)
    assert hour.at.minute == 0


def test_arrivals_can_be_taken_away_as_a_file(lead, as_user):
    rows = b"".join(as_user(lead).get("/care/hours.csv").streaming_content).decode().splitlines()
    assert len(rows) == 25
    assert "customers wrote" in rows[0]


def test_the_screen_costs_the_same_whatever_waits(channel, lead, as_user):
    def cost():
        client = as_user(lead)
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/care/").status_code == 200
        return len(queries)

    waiting(channel)
    cost()  # the first page ever begins the streams
    few = cost()
    for n in range(20):
        user = factories.UserFactory(teams=[channel.team])
        waiting(factories.ChannelFactory(team=channel.team), owner=user, state="open", since=n)
    assert cost() == few
