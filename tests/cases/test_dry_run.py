"""What a rule would have done, tried on the last cases before it is in force."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import dry_run
from cases.dry_run import Draft
from cases.models import Case, Rule, RuleRun
from crm.models import Activity, Customer, Notice
from tests import factories
from tests.rows import rows_of

pytestmark = pytest.mark.django_db

FORM = {"name": "Refunds", "position": "50", "event": "message", "words": "refund", "priority": "1", "try": "1"}


def draft(**facts):
    """An unsaved message rule that makes what it holds for urgent."""
    return Draft(Rule(**{"name": "Tried", "position": 50, "priority": 1, "stops": True, **facts}))


def said(channel, text, **facts):
    return factories.CaseFactory(channel=channel, message=text, **facts)


def everything():
    return rows_of(Activity, Case, Customer, Notice, Rule, RuleRun)


def test_it_counts_and_shows_what_would_have_changed(channel):
    hit = said(channel, "I want a refund")
    said(channel, "My train is late")
    report = dry_run.try_out(draft(words=["refund"]))
    assert (report.looked, report.concerned, report.held, report.acted, report.changed) == (2, 2, 1, 1, 1)
    [row] = report.rows
    assert (row.case, row.before.priority, row.after.priority) == (hit, 3, 1)
    assert row.before.team == row.after.team == channel.team_id


def test_team_points_and_skills_are_shown_too(channel, team):
    other = factories.TeamFactory(name="Bookings")
    said(channel, "I want a refund")
    rule = Rule(name="Tried", position=50, priority=None, team=other, points=40)
    [row] = dry_run.try_out(Draft(rule, skills=frozenset({"Refunds"}))).rows
    assert (row.before.team_name, row.after.team_name) == (team.name, "Bookings")
    assert (row.after.points, row.after.named_skills) == (40, "Refunds")


def test_nothing_is_written(channel, lead, as_user):
    said(channel, "I want a refund")
    client, before = as_user(lead), everything()
    page = client.post("/settings/rules/new/", FORM)
    assert page.context["report"].changed == 1
    assert everything() == before


def test_trying_a_changed_rule_leaves_the_saved_one_as_it_is(channel, lead, as_user):
    said(channel, "I want a refund")
    rule = factories.RuleFactory(name="Old", words=["voucher"], priority=2)
    client, before = as_user(lead), everything()
    page = client.post(f"/settings/rules/{rule.pk}/", FORM)
    assert page.context["report"].changed == 1
    assert "Old" in page.content.decode()
    assert everything() == before


def test_what_is_wrong_in_the_form_is_said_and_nothing_is_tried(lead, as_user):
    page = as_user(lead).post("/settings/rules/new/", FORM | {"event": "waited"})
    assert page.status_code == 422
    assert "Say for how long it has to have waited." in page.content.decode()


def test_an_earlier_rule_that_stops_decides_instead(channel):
    earlier = factories.RuleFactory(name="Earlier", position=10, priority=2)
    said(channel, "I want a refund")
    report = dry_run.try_out(draft(words=["refund"]))
    assert (report.held, report.acted, report.changed) == (1, 0, 0)
    assert report.stopped_by == {earlier: 1}


def test_a_later_rule_is_not_asked_any_more(channel):
    later = factories.RuleFactory(name="Later", position=90, priority=2)
    said(channel, "I want a refund")
    report = dry_run.try_out(draft(words=["refund"]))
    assert (report.acted, report.changed) == (1, 1)
    assert report.silences == {later: 1}


def test_the_page_says_which_rules_decide_instead_and_which_fall_silent(channel, lead, as_user):
    factories.RuleFactory(name="Earlier", position=10, words=["refund please"], priority=2)
    factories.RuleFactory(name="Later", position=90, priority=2)
    said(channel, "I want a refund please")
    said(channel, "I want a refund")
    page = as_user(lead).post("/settings/rules/new/", FORM | {"stops": "on"}).content.decode()
    assert "In 1 case the earlier rule “Earlier” decides instead." in page
    assert "In 1 case the later rule “Later” would not be asked any more." in page


def test_a_rule_is_tried_in_the_place_of_the_one_it_replaces(channel):
    saved = factories.RuleFactory(name="Saved", words=["refund"], priority=1)
    said(channel, "I want a refund")
    changed = Rule.objects.get(pk=saved.pk)
    changed.words = ["voucher"]
    [row] = dry_run.try_out(Draft(changed)).rows
    assert (row.before.priority, row.after.priority) == (1, 3)


@pytest.mark.parametrize(
    ("event", "facts"),
    [("reopened", {}), ("answered", {}), ("resolved", {}), ("at_risk", {}), ("waited", {"waited_minutes": 600})],
)
def test_only_cases_in_which_it_happened_are_concerned(channel, event, facts):
    said(channel, "I want a refund")
    report = dry_run.try_out(draft(event=event, **facts))
    assert (report.looked, report.concerned) == (1, 0)


def test_a_rule_about_waiting_is_tried_on_how_long_each_waited(channel):
    said(channel, "I want a refund")  # ten minutes ago
    report = dry_run.try_out(draft(event="waited", waited_minutes=5))
    assert (report.concerned, report.changed) == (1, 1)


def test_no_more_than_so_many_of_the_newest_are_looked_at(channel):
    for _ in range(3):
        said(channel, "I want a refund")
    assert dry_run.try_out(draft(), last=2).looked == 2


@pytest.mark.parametrize("size", [1, 20])
def test_it_costs_the_same_however_many_cases(channel, size):
    factories.RuleFactory(words=["refund"])
    for _ in range(size):
        said(channel, "I want a refund")
    with CaptureQueriesContext(connection) as asked:
        dry_run.try_out(draft(reach_at_least=None, sentiments=["negative"], position=1))
    assert len(asked) == 6
