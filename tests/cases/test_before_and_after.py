"""The mood of the customer at the start and at the end of a case, what came of it, and what it cost them."""

from __future__ import annotations

import csv
import io

import pytest

from cases import fairness, replies, resolution, urgency
from cases.assignment import NotYours
from cases.models import Case
from tests import factories

pytestmark = pytest.mark.django_db


def moods(case):
    case.refresh_from_db()
    return case.mood_at_start, case.mood_at_end


def test_the_first_known_mood_is_the_start_and_the_last_one_the_end(talk, agent, cause):
    talk.customer_says("?", minute=0, sentiment="unknown")
    talk.customer_says("This is a disgrace", minute=1, sentiment="negative")
    talk.customer_says("Thank you, all is well", minute=9, sentiment="positive")
    case = talk.route()
    assert moods(case) == ("negative", "unknown")
    resolution.resolve(case=case, cause=cause, by=agent)
    assert moods(case) == ("negative", "positive")


def test_what_was_said_first_and_came_late_is_the_start(talk):
    talk.customer_says("All is well now", minute=10, sentiment="positive")
    talk.route()
    talk.customer_says("This is a disgrace", minute=0, sentiment="negative")
    assert moods(talk.route())[0] == "negative"


def test_what_came_after_the_end_but_was_said_before_it_is_the_end(talk, agent, cause):
    talk.customer_says("This is a disgrace", minute=0, sentiment="negative")
    talk.customer_says("?", minute=10, sentiment="unknown")
    case = talk.route()
    resolution.resolve(case=case, cause=cause, by=agent)
    talk.customer_says("Better now", minute=5, sentiment="positive")
    talk.route()
    assert moods(case) == ("negative", "positive")


def test_a_case_that_comes_back_has_no_end_any_more(talk, agent, cause):
    talk.customer_says("Well done", minute=0, sentiment="positive")
    resolution.resolve(case=talk.route(), cause=cause, outcome="partly", by=agent)
    talk.customer_says("It broke again!", minute=5, sentiment="negative")
    case = talk.route()
    assert (*moods(case), case.outcome) == ("positive", "unknown", "")


def test_our_own_post_has_no_mood_of_the_customers(talk):
    talk.we_say("Lovely weather", minute=0, sentiment="positive")
    assert moods(talk.route())[0] == "unknown"
    talk.customer_says("Not here", minute=1, sentiment="negative")
    assert moods(talk.route())[0] == "negative"


def test_the_outcome_is_asked_and_solved_where_nobody_says_otherwise(channel, agent, cause, as_user):
    client = as_user(agent)
    for outcome, kept in (("partly", "partly"), ("", "solved")):
        case = factories.CaseFactory(channel=channel)
        client.post(f"/cases/{case.pk}/resolve/", {"cause": cause.pk, "outcome": outcome})
        assert Case.objects.get(pk=case.pk).outcome == kept
    client.post(
        "/queue/bulk/",
        {
            "action": "resolve",
            "cause": cause.pk,
            "outcome": "nothing",
            "ids": [factories.CaseFactory(channel=channel).pk],
        },
    )
    assert Case.objects.latest("pk").outcome == "nothing"


def test_those_that_turned_are_a_view_of_the_queue_and_say_so(channel, agent, cause, as_user):
    ends = {"positive": 1, "neutral": 1, "negative": 0, "unknown": 0}
    for end in ends:
        case = factories.resolved(factories.CaseFactory(channel=channel), agent, cause)
        Case.objects.filter(pk=case.pk).update(mood_at_start="negative", mood_at_end=end)
    client = as_user(agent)
    rows = client.get("/queue/?state=resolved&turned=yes").context["page"].rows
    assert {row.mood_at_end for row in rows} == {end for end, shown in ends.items() if shown}
    assert "turned" in client.get(f"/cases/{rows[0].pk}/").content.decode()


# --- priority by hand


def test_the_priority_is_set_by_hand_with_who_did_it(case, agent, as_user):
    as_user(agent).post(f"/cases/{case.pk}/priority/", {"priority": "1"})
    case.refresh_from_db()
    assert (case.priority, case.rank) == (1, 700)
    assert [reason["why"] for reason in case.reasons] == ["Set to urgent by Ana Ruiz"]


def test_an_agent_does_not_set_it_for_a_colleagues_case_but_a_lead_does(case, agent, colleague, lead):
    Case.objects.update(owner=colleague, state="open")
    with pytest.raises(NotYours):
        urgency.set_priority(case=case, priority=1, by=agent)
    assert urgency.set_priority(case=case, priority=1, by=lead).priority == 1


def test_every_reason_and_its_points_stand_in_the_head(case, agent, as_user):
    reasons = [{"rule": 1, "points": 50, "why": "Key customer"}, {"rule": 2, "points": -20, "why": "Praise"}]
    Case.objects.update(reasons=reasons, extra_points=30)
    page = as_user(agent).get(f"/cases/{case.pk}/").content.decode()
    for words in ("Key customer", "+50", "Praise", "−20", "130 points"):
        assert words in page


# --- what it cost them


def test_times_are_counted_from_when_the_customer_wrote(case, agent, cause):
    replies.reply(case=case, text="We look into it.", by=agent, acknowledges=True)
    replies.reply(case=case, text="It leaves at noon.", by=agent)
    resolution.resolve(case=case, cause=cause, by=agent)
    [found] = fairness.with_facts(Case.objects.all())
    assert 600 <= found.to_acknowledge.total_seconds() <= found.to_answer.total_seconds()
    assert found.to_answer <= found.to_resolve


def test_what_has_not_happened_has_no_time(case):
    [found] = fairness.with_facts(Case.objects.all())
    assert (found.to_acknowledge, found.to_answer, found.to_resolve, found.kept, found.broken) == (
        None,
        None,
        None,
        0,
        0,
    )


def test_a_lead_takes_the_figures_away_as_a_file(channel, agent, lead, cause, as_user):
    resolution.resolve(case=factories.CaseFactory(channel=channel), cause=cause, outcome="partly", by=agent)
    response = as_user(lead).get("/queue/export/?query=state%3Dresolved")
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["outcome"], row["mood at end"], row["seconds to answer"]) == ("partly", "negative", "")
    assert int(row["seconds to resolve"]) >= 600
