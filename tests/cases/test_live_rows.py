"""What open pages are told: each change once, to the team's queue and to whoever has the case open."""

import pytest
from django.utils import timezone

from cases import assignment, replies, resolution, routing
from cases import live as case_live
from cases.models import Case
from cases.templatetags.queue_rows import draw
from channels_app import live
from channels_app.models import LiveEvent
from tests import factories
from tests.cases.conftest import at, converse

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(case, django_capture_on_commit_callbacks):
    """`told(lambda: …)`: what its team's queue and the case's own pages were told about it, as (stream, kind, data)."""

    def listen(change, *more):
        for stream in (f"team:{case.team_id}", f"case:{case.pk}", *more):
            live.follow(stream, 0)
        LiveEvent.objects.all().delete()
        with django_capture_on_commit_callbacks(execute=True):
            change()
        return list(LiveEvent.objects.order_by("stream", "number").values_list("stream", "kind", "data"))

    return listen


def kinds(events):
    return [(stream.split(":")[0], kind) for stream, kind, _ in events]


def row_of(events):
    return next(data for _, kind, data in events if kind == "case")


def test_taking_tells_the_queue_its_new_row_and_the_open_case_who_did_it(told, case, agent):
    events = told(lambda: assignment.take(case=case, by=agent))
    assert kinds(events) == [("case", "pane"), ("team", "case")]
    assert events[0][2] == {"case": case.pk, "by": agent.pk, "by_name": "Ana Ruiz"}
    row = row_of(events)
    assert (row["id"], row["owner_id"], row["needs_us"]) == (case.pk, agent.pk, True)
    assert "Ana Ruiz" in row["html"]
    assert f'id="case-{case.pk}"' in row["html"]


@pytest.mark.parametrize("move", ["release", "assign"])
def test_giving_back_and_giving_to_somebody_tell_the_same(told, case, agent, colleague, move):
    if move == "release":
        assignment.take(case=case, by=agent)
    act = {
        "release": lambda: assignment.release(case=case, by=agent),
        "assign": lambda: assignment.assign(case=case, to=colleague, by=agent),
    }[move]
    events = told(act)
    assert kinds(events) == [("case", "pane"), ("team", "case")]
    assert row_of(events)["owner_id"] == (None if move == "release" else colleague.pk)


def test_an_owner_of_another_team_is_told_on_a_stream_of_their_own(told, case, stranger, lead):
    own = f"user:{stranger.pk}"
    events = told(lambda: assignment.assign(case=case, to=stranger, by=lead), own)
    assert [(kind, data["arrived"]) for stream, kind, data in events if stream == own] == [("case", True)]
    events = told(lambda: replies.reply(case=case, text="Noon.", by=lead), own)
    assert [(kind, data["arrived"]) for stream, kind, data in events if stream == own] == [("case", False)]


def test_only_what_comes_back_to_us_counts_as_arrived(told, case, agent):
    assert row_of(told(lambda: assignment.take(case=case, by=agent)))["arrived"] is False
    assert row_of(told(lambda: assignment.release(case=case, by=agent)))["arrived"] is True
    assert row_of(told(lambda: replies.reply(case=case, text="Noon.", by=agent)))["arrived"] is False


def test_a_reply_and_a_note_make_the_open_conversation_fetch_itself(told, case, agent):
    assert ("case", "message") in kinds(told(lambda: replies.note(case=case, text="Rang them.", by=agent)))
    events = told(lambda: replies.reply(case=case, text="Noon.", by=agent))
    assert ("case", "message") in kinds(events)
    assert row_of(events)["needs_us"] is False


def test_resolving_and_reopening_tell_whether_it_needs_us(told, case, agent, cause):
    assert row_of(told(lambda: resolution.resolve(case=case, cause=cause, by=agent)))["needs_us"] is False
    assert row_of(told(lambda: resolution.reopen(case=case, by=agent)))["needs_us"] is True


def test_a_new_post_is_a_row_for_the_team_and_news_for_the_open_case(told, case):
    factories.MessageFactory(thread=case.thread, identity=case.identity, routed_at=None, text="Hello?")
    events = told(lambda: routing.route(case.channel))
    assert sorted(kinds(events)) == [("case", "message"), ("case", "pane"), ("team", "case")]
    assert events[0][2].get("by") is None


def test_a_reply_that_moves_on_in_the_outbox_is_news_for_the_open_case(told, case, agent):
    delivery = factories.DeliveryFactory(case=case, by=agent, state="failed")
    assert kinds(told(lambda: live.announce("delivery", delivery.pk))) == [("case", "message")]


def test_a_message_that_stands_in_no_case_is_news_for_nobody(told, case):
    delivery = factories.DeliveryFactory(case=case)
    delivery.message.case_entry.delete()
    assert told(lambda: live.announce("delivery", delivery.pk)) == []


def test_what_was_rolled_back_is_never_told(told, case, agent, colleague):
    assignment.take(case=case, by=colleague)

    def refused():
        with pytest.raises(assignment.AlreadyTaken):
            assignment.take(case=case, by=agent)

    assert told(refused) == []


def test_only_the_cases_own_team_is_told(told, case, agent, stranger):
    elsewhere = f"team:{stranger.teams.get().pk}"
    events = told(lambda: assignment.take(case=case, by=agent), elsewhere)
    assert {stream for stream, _, _ in events} == {f"team:{case.team_id}", f"case:{case.pk}"}


def test_many_at_once_are_told_one_by_one_while_they_are_few(told, case, channel, agent):
    cases = [case.pk, factories.CaseFactory(channel=channel).pk]
    events = told(lambda: assignment.take_many(cases=cases, by=agent))
    assert [data["id"] for _, kind, data in events if kind == "case"] == cases


def test_a_big_batch_is_told_as_a_number_to_each_team(told, case, channel, monkeypatch):
    monkeypatch.setattr(case_live, "MOST_ROWS", 3)
    for _ in range(4):
        converse(channel).customer_says()
    events = told(lambda: routing.route(channel))
    assert events == [(f"team:{channel.team_id}", "cases", {"count": 4})]


def test_cases_that_became_one_are_both_told(told, case, channel):
    younger = factories.CaseFactory(channel=channel, customer=case.customer, identity=case.identity)
    younger.thread.joined_to = case.thread
    younger.thread.save()
    factories.MessageFactory(thread=case.thread, identity=case.identity, routed_at=None)
    events = told(lambda: routing.route(channel))
    rows = {data["id"]: data["needs_us"] for _, kind, data in events if kind == "case"}
    assert rows == {case.pk: True, younger.pk: False}


def test_the_numbers_of_a_stream_have_no_gaps(told, case, agent):
    told(lambda: assignment.take(case=case, by=agent))
    told(lambda: assignment.release(case=case, by=agent))
    assert live.numbers([f"team:{case.team_id}"]) == {f"team:{case.team_id}": 2}
    assert LiveEvent.objects.get(stream=f"team:{case.team_id}").number == 2


# --- the row


def test_a_row_is_drawn_once_however_many_read_it(told, case, channel, agent, monkeypatch):
    drawn = []
    monkeypatch.setattr(case_live, "draw", lambda cases: drawn.append([case.pk for case in cases]) or draw(cases))
    told(lambda: assignment.take(case=case, by=agent), "team:999", "case:999")
    assert drawn == [[case.pk]]


def test_a_row_does_not_depend_on_who_changed_it_or_in_which_zone_they_live(told, case, agent, colleague):
    Case.objects.update(waiting_since=at(0))
    with timezone.override("Asia/Tokyo"):
        here = row_of(told(lambda: replies.note(case=case, text="One", by=agent)))["html"]
    with timezone.override("America/Lima"):
        there = row_of(told(lambda: replies.note(case=case, text="Two", by=colleague)))["html"]
    assert here == there
    assert "Ana" not in here
    assert "csrf" not in here


def test_the_row_that_is_told_is_the_row_of_the_list(told, case, agent, as_user):
    row = row_of(told(lambda: assignment.take(case=case, by=agent)))["html"]
    listed = as_user(agent).get("/queue/", headers={"HX-Request": "true", "HX-Target": "rows"}).content.decode()
    assert row.strip() in listed
