"""Cases that begin with nearly the same words stand in the queue behind the most urgent of them; each is counted."""

from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone

from cases import assignment, jobs, live, offers, resolution, routing, urgency
from cases.alike import grouping, heads, parting
from cases.models import Case, DeskSettings, Flood, FloodMember, Opening, Priority
from cases.offers.pulling import NothingWaits
from channels_app.live import follow
from channels_app.models import LiveEvent
from tests import factories
from tests.cases.conftest import converse

pytestmark = pytest.mark.django_db
FLIGHT = "Skylark left my suitcase behind in Lisbon and nobody answers the phone since Monday morning"


def shown(response):
    return [case.pk for case in response.context["page"].rows]


@pytest.fixture(autouse=True)
def _pace(monkeypatch):
    """Heads say at once how many stand behind them, unless a test is about how often they do."""
    monkeypatch.setattr(heads, "PACE", timedelta(0))


@pytest.fixture
def comes(channel, django_capture_on_commit_callbacks):
    """`comes("text", …)`: a minute apart, each from a customer of their own, routed as one batch; their cases."""
    minutes = count()

    def come(*texts, channel=channel, **customer):
        talks = [converse(channel, **customer) for _ in texts]
        for talk, text in zip(talks, texts, strict=True):
            talk.customer_says(text, next(minutes))
        with django_capture_on_commit_callbacks(execute=True):
            routing.route(channel)
        return [talk.case() for talk in talks]

    return come


@pytest.fixture
def done(django_capture_on_commit_callbacks):
    """`done(act)`: with all that follows the commit."""

    def do(act):
        with django_capture_on_commit_callbacks(execute=True):
            return act()

    return do


@pytest.fixture
def flood(comes):
    """Three that say the same: the first stands in front."""
    return comes(FLIGHT, f"RT @jo: {FLIGHT}", f"{FLIGHT} https://t.co/a 😡")


def stands():
    """Who stands in front of whom: {head: how many behind it}, and the pks of those behind."""
    return dict(Flood.objects.values_list("head", "behind")), set(
        Case.objects.filter(behind=True).values_list("pk", flat=True)
    )


# --- together


def test_copies_of_one_post_stand_behind_the_first(flood, agent, as_user):
    first, *others = flood
    assert stands() == ({first.pk: 2}, {case.pk for case in others})
    response = as_user(agent).get("/queue/")
    assert shown(response) == [first.pk]
    assert "and 2 alike" in response.content.decode()


def test_those_that_come_later_join_them(flood, comes):
    first, *others = flood
    late, other = comes(FLIGHT.replace("suitcase", "bag"), "Your app signs me out each time I open it on my phone")
    assert stands() == ({first.pk: 3}, {case.pk for case in (*others, late)})
    assert not other.behind


def test_every_count_counts_all_of_them(flood, lead, as_user):
    assert Case.objects.needing_us().count() == 3
    client = as_user(lead)
    lines = b"".join(client.get("/queue/export/").streaming_content).decode().strip().splitlines()
    assert len(lines) == 1 + 3


def test_a_filter_shows_each_of_them(flood, agent, as_user):
    client, pks = as_user(agent), [case.pk for case in flood]
    assert shown(client.get("/queue/?alike=each")) == pks
    assert shown(client.get("/queue/?q=suitcase")) == pks
    assert shown(client.get("/queue/?mood=neutral")) == pks
    assert shown(client.get("/queue/?state=unresolved")) == pks
    assert shown(client.get("/queue/?owner=nobody")) == pks[:1]


def test_thanks_and_a_few_words_are_never_put_together(comes):
    comes(*["Thank you so much for your quick reply"] * 2, *["Same here!"] * 2)
    assert stands() == ({}, set())


def test_another_team_or_brand_is_another_matter(flood, comes, team):
    bluejet = factories.ChannelFactory(team=team, brand="Bluejet")
    elsewhere = factories.ChannelFactory(team=factories.TeamFactory())
    (here,), (there,) = comes(FLIGHT, channel=bluejet), comes(FLIGHT, channel=elsewhere)
    assert not here.behind
    assert not there.behind


def test_two_channels_of_a_team_and_brand_share_a_flood(flood, comes, team):
    (other,) = comes(FLIGHT, channel=factories.ChannelFactory(team=team))
    assert other.behind


def test_what_was_said_too_long_ago_is_not_compared(flood, comes):
    Opening.objects.update(at=timezone.now() - timedelta(days=4))
    (late,) = comes(FLIGHT)
    assert not late.behind
    grouping.forget()
    assert Opening.objects.count() == 1


def test_a_lead_can_switch_it_off(comes):
    DeskSettings.objects.create(pk=1, alike_days=0)
    comes(FLIGHT, FLIGHT)
    assert stands() == ({}, set())
    assert not Opening.objects.exists()


def test_hundreds_cost_as_many_queries_as_two(channel, asked):
    def route(n):
        for _ in range(n):
            converse(channel).customer_says(FLIGHT)
        return asked(lambda: routing.route_batch(channel))

    route(2)
    assert route(2) == route(40)


# --- in front


def test_the_most_urgent_is_never_hidden_behind_a_calm_one(flood, comes):
    factories.RuleFactory(name="Key customers", tiers=["key"], priority=Priority.URGENT)
    first, *others = flood
    (key,) = comes(FLIGHT, tier="key")
    assert stands() == ({key.pk: 3}, {case.pk for case in (first, *others)})


def test_who_becomes_urgent_comes_to_the_front(flood, agent, done):
    first, second, third = flood
    done(lambda: urgency.set_priority_many(cases=[third.pk], priority=Priority.URGENT, by=agent))
    assert stands() == ({third.pk: 2}, {first.pk, second.pk})


def test_when_the_one_in_front_is_done_the_next_takes_its_place(flood, agent, cause, done, as_user):
    first, second, third = flood
    done(lambda: resolution.resolve(case=first, cause=cause, by=agent))
    assert stands() == ({second.pk: 1}, {third.pk})
    assert shown(as_user(agent).get("/queue/")) == [second.pk]


def test_while_somebody_works_on_the_one_in_front_the_others_stay_behind_it(flood, agent, done):
    first, second, third = flood
    done(lambda: assignment.take(case=first, by=agent))
    assert stands() == ({first.pk: 2}, {second.pk, third.pk})


def test_one_that_somebody_takes_stands_for_itself(flood, agent, as_user, done):
    first, second, third = flood
    done(lambda: assignment.take(case=second, by=agent))
    assert stands() == ({first.pk: 1}, {third.pk})
    assert set(shown(as_user(agent).get("/queue/"))) == {first.pk, second.pk}


def test_one_that_goes_to_another_team_stands_for_itself(flood, done):
    first, second, third = flood
    Case.objects.filter(pk=second.pk).update(team=factories.TeamFactory())
    done(lambda: live.cases_changed([second.pk]))
    assert stands() == ({first.pk: 1}, {third.pk})


def test_when_all_were_done_the_next_that_comes_stands_in_front_again(flood, agent, cause, comes, done):
    done(lambda: resolution.resolve_many(cases=[case.pk for case in flood], cause=cause, by=agent))
    late, later = comes(FLIGHT, FLIGHT)
    assert stands()[0] == {late.pk: 1}
    assert later.behind
    assert not late.behind


def test_next_case_gives_the_one_in_front_only(flood, agent):
    assert offers.take_next(by=agent).case == flood[0]
    with pytest.raises(NothingWaits):
        offers.take_next(by=agent)


def test_nobody_stays_hidden_behind_a_head_that_is_gone(flood, done):
    """A worker was killed between a change and what follows it: the sweep finds them within a minute."""
    first, second, third = flood
    Case.objects.filter(pk=first.pk).update(state="waiting")
    done(jobs.sweep_floods)
    assert stands() == ({second.pk: 1}, {third.pk})
    FloodMember.objects.filter(case=third).delete()
    done(jobs.sweep_floods)
    assert stands()[1] == set()


# --- who says more, and who is taken out


def test_who_says_more_stands_for_themselves(channel, comes, done):
    talks = [converse(channel) for _ in range(3)]
    for talk in talks:
        talk.customer_says(FLIGHT)
    done(lambda: routing.route(channel))
    talks[2].customer_says("And my insulin is in it, please call me now", minute=5)
    done(lambda: routing.route(channel))
    first, second, third = (talk.case() for talk in talks)
    assert stands() == ({first.pk: 1}, {second.pk})
    assert not third.behind


def test_one_that_is_not_alike_is_taken_out_and_stays_out(flood, agent, comes, done, as_user):
    first, second, third = flood
    client = as_user(agent)
    done(lambda: client.post(f"/cases/{second.pk}/alike/part/"))
    assert stands() == ({first.pk: 1}, {third.pk})
    comes(FLIGHT)
    jobs.sweep_floods()
    assert not Case.objects.get(pk=second.pk).behind
    done(lambda: client.post(f"/cases/{second.pk}/alike/put-back/"))
    assert second.pk in stands()[1]


def test_what_comes_in_the_words_of_one_that_was_taken_out_stands_alone(flood, agent, comes, done):
    (near,) = comes(FLIGHT.replace("suitcase", "bag"))
    assert near.behind
    done(lambda: parting.part(case=near, by=agent))
    (again,) = comes(FLIGHT.replace("suitcase", "bag"))
    assert not again.behind
    assert comes(FLIGHT)[0].behind


def test_a_flood_goes_on_where_the_first_of_it_is_taken_out(flood, agent, comes, done):
    first, second, third = flood
    done(lambda: parting.part(case=first, by=agent))
    assert stands() == ({second.pk: 1}, {third.pk})
    assert comes(FLIGHT)[0].behind
    with pytest.raises(parting.NotAmongAlike):
        parting.part(case=first, by=agent)


# --- live


@pytest.fixture
def told(team, django_capture_on_commit_callbacks):
    """`told(act)`: what the team's queue is told, as (kind, id, how many alike, behind)."""

    def listen(act):
        follow(f"team:{team.pk}", 0)
        LiveEvent.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            act()
        return [
            (event.kind, event.data.get("id"), event.data.get("behind"), event.data.get("arrived"))
            for event in LiveEvent.objects.filter(stream=f"team:{team.pk}").order_by("number")
        ]

    return listen


def test_who_joins_a_flood_changes_the_row_in_front_and_is_no_row_of_their_own(flood, channel, told):
    Flood.objects.update(told_at=timezone.now() - timedelta(seconds=5))
    converse(channel).customer_says(FLIGHT)
    assert told(lambda: routing.route(channel)) == [("case", flood[0].pk, False, False)]


def test_a_storm_is_told_once_in_a_while_and_in_the_end(flood, comes, told, monkeypatch):
    monkeypatch.setattr(heads, "PACE", timedelta(minutes=1))

    def storm():
        for _ in range(30):
            comes(FLIGHT)

    assert told(storm) == []
    assert Flood.objects.get().stale
    assert told(jobs.keep_floods) == []  # not yet
    Flood.objects.update(told_at=timezone.now() - timedelta(minutes=2))
    assert told(jobs.keep_floods) == [("case", flood[0].pk, False, False)]
    assert stands()[0] == {flood[0].pk: 32}
    Flood.objects.update(told_at=timezone.now() - timedelta(minutes=2))
    assert told(jobs.keep_floods) == []


def test_of_a_file_of_posts_the_number_is_told_and_a_moment_later_who_stands_in_front(comes, told, monkeypatch):
    monkeypatch.setattr(live, "MOST_ROWS", 3)
    storm = "The lights went out in all of our street and your map of outages says that nothing is wrong"
    assert set(told(lambda: comes(FLIGHT, FLIGHT, FLIGHT, storm, storm))) == {("cases", None, None, None)}
    assert Flood.objects.stale().count() == 2
    heads_now = list(Flood.objects.order_by("head").values_list("head", flat=True))
    assert told(jobs.keep_floods) == [("case", pk, False, False) for pk in heads_now]
    assert stands()[0] == dict(zip(heads_now, (2, 1), strict=True))


def test_however_many_floods_a_file_brings_each_row_is_told(comes, told, monkeypatch):
    said = ["My flight to Lisbon was cancelled", "The lights went out in our street", "Your app signs me out each time",
            "Nobody has answered the phone since Monday"]  # fmt: skip
    with monkeypatch.context() as few:
        few.setattr(live, "MOST_ROWS", 3)
        comes(*[f"{text} and I have had enough of it by now" for text in said for _ in range(2)])
        found = told(jobs.keep_floods)
    assert sorted(pk for _, pk, *_ in found) == sorted(Flood.objects.values_list("head", flat=True))
    assert len(found) == 4


def test_a_list_is_told_whom_to_leave_out_when_another_comes_to_the_front(flood, agent, told):
    def hurry():
        urgency.set_priority_many(cases=[flood[2].pk], priority=Priority.URGENT, by=agent)

    found = told(hurry)
    assert {(pk, behind) for _, pk, behind, _ in found} == {(flood[0].pk, True), (flood[2].pk, False)}


# --- pages


def test_the_pane_says_how_many_are_alike_and_of_one_behind_whom_it_stands(flood, agent, as_user):
    first, second, _ = flood
    client = as_user(agent)
    assert "2 more began with nearly the same words" in client.get(f"/cases/{first.pk}/").content.decode()
    assert "behind it in the queue" in client.get(f"/cases/{second.pk}/").content.decode()


def test_the_list_of_them_shows_each_and_costs_the_same_for_three_and_twenty(flood, comes, agent, as_user, asked):
    client = as_user(agent)
    first = flood[0]
    page = client.get(f"/cases/{first.pk}/alike/").content.decode()
    assert all(f"#{case.pk}" in page for case in flood)
    assert "Stands in front" in page
    few = asked(lambda: client.get(f"/cases/{first.pk}/alike/"))
    comes(*[FLIGHT] * 20)
    assert asked(lambda: client.get(f"/cases/{first.pk}/alike/")) == few


def test_a_case_that_is_like_no_other_says_so(channel, agent, as_user):
    case = factories.CaseFactory(channel=channel)
    assert "Nobody else began with these words" in as_user(agent).get(f"/cases/{case.pk}/alike/").content.decode()
