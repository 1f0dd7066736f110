"""The demo's surveys: two years of them, in which every page has something to say, and nothing leaves by itself."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.core.management import call_command
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from cases.models import Case, HandOver
from config import demo, demo_surveys
from crm import handoff
from crm.models import User
from surveys import inviting, planning
from surveys.models import ActionPlan, Answer, Flag, Group, Invitation, Response, Survey, Theme, Version, Wave
from tests.conftest import IN_MEMORY


@pytest.fixture(scope="module")
def whole(django_db_setup, django_db_blocker):
    """Loaded once for all these tests, since it takes its time; afterwards the tables are emptied."""
    with (
        django_db_blocker.unblock(),
        override_settings(CHANNEL_LAYERS=IN_MEMORY),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(handoff, "_enqueue", lambda job, args, queue: None)
        for make in (demo._people, demo._causes, demo._channels, demo_surveys.load):
            make()
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def loaded(whole, db):
    """The same, and what a test does to it is undone."""


def waves():
    return list(Wave.objects.order_by("opens_at"))


def figures():
    """What of each wave: how many answered, and its score in whole points."""
    found = []
    for wave in waves():
        groups = list(Response.objects.scored().filter(invitation__wave=wave).values_list("group", flat=True))
        nps = 100 * (groups.count(Group.PROMOTER) - groups.count(Group.DETRACTOR)) / len(groups)
        found.append((len(groups), round(nps)))
    return found


def test_two_years_of_surveys_stand_there(loaded):
    found = figures()
    assert [wave.state for wave in waves()] == ["closed"] * 4 + ["running"]
    assert all(answered > 80 for answered, _ in found), found
    assert -20 < min(nps for _, nps in found) < max(nps for _, nps in found) < 60, found
    assert min(found, key=lambda each: each[1]) == found[2], found  # the hard winter shows
    assert 0.3 < Response.objects.filter(invitation__wave=waves()[-1]).count() / waves()[-1].invitations.count() < 0.7


def test_people_moved_between_waves_and_lived_through_something(loaded):
    third, fourth = waves()[2:4]
    both = Response.objects.scored().filter(invitation__wave=fourth).exclude(score=None)
    was = dict(Response.objects.filter(invitation__wave=third).values_list("invitation__customer", "group"))
    moves = {(was[r.invitation.customer_id], r.group) for r in both.select_related("invitation")
             if r.invitation.customer_id in was}  # fmt: skip
    assert len(moves) >= 7  # of the nine: who is drawn hangs on the numbers of the records
    assert (Group.PROMOTER, Group.PASSIVE) in moves
    assert Case.objects.filter(opened_at__range=(third.closes_at, fourth.opens_at), sentiment="negative").count() > 40
    assert HandOver.objects.filter(state="accepted").count() > 40


def test_comments_are_in_four_languages_and_nearly_all_are_themed(loaded):
    comments = Answer.objects.verbatims()
    assert set(comments.values_list("response__language", flat=True)) == {"en", "de", "es", "fr"}
    assert comments.without_themes().count() < comments.count() / 4
    kinds = set(Theme.objects.standing().exclude(topic="").values_list("topic", "tone"))
    assert {(topic, tone) for topic in ("product", "price", "relationship", "support")
            for tone in ("praise", "criticism")} <= kinds  # fmt: skip
    assert comments.quotable().exists()


def test_plans_are_in_every_state_and_stand_on_what_customers_said(loaded):
    plans = ActionPlan.objects.all()
    assert set(plans.values_list("state", flat=True)) == {"open", "doing", "done", "dropped"}
    assert all(plan.answers.count() >= 3 for plan in plans), [(p.title, p.answers.count()) for p in plans]
    assert plans.overdue(timezone.localdate()).exists()


def test_answers_are_flagged_and_somebody_has_decided(loaded):
    assert {"device", "late", "fast"} <= set(Flag.objects.values_list("kind", flat=True))
    assert Response.objects.filter(left_out_at__isnull=False).exists()
    assert Response.objects.filter(let_in_at__isnull=False).exists()


def test_a_version_is_in_the_making_and_one_asks_after_cases(loaded):
    assert Version.objects.drafts().filter(survey__kind="nps").exists()
    assert Survey.objects.in_use().filter(kind="case").exists()


def test_nothing_leaves_by_itself_and_nobody_is_planned_late(loaded, mailoutbox):
    now = timezone.now()
    assert planning.catch_up(now) == 0
    assert not inviting.is_due(now)
    inviting.send_due()
    assert mailoutbox == []
    assert not Invitation.objects.filter(state="planned").exists()


def test_nobody_was_asked_more_often_than_the_rest_or_went_a_year_without(loaded):
    asked = {}
    for customer, at in Invitation.objects.exclude(wave=None).order_by("sent_at").values_list("customer", "sent_at"):
        asked.setdefault(customer, []).append(at)
    gaps = [(later - earlier).days for times in asked.values() for earlier, later in pairwise(times)]
    assert min(gaps) >= 90
    assert max(gaps) <= 366


def test_no_day_is_still_to_come(loaded):
    now = timezone.now()
    assert not Response.objects.filter(started_at__gt=now).exists()
    assert not Invitation.objects.filter(sent_at__gt=now).exists()
    assert not Case.objects.filter(resolved_at__gt=now).exists()


def test_it_is_loaded_once_and_the_same_each_time(loaded):
    before = figures()
    demo_surveys.load()
    assert figures() == before


PAGES = ("results", "drivers", "movement", "comments", "responses", "plans", "waves")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_something_to_say_to_an_executive(loaded, client, name):
    client.force_login(User.objects.get(username="executive"))
    answer = client.get(reverse(f"surveys:{name}"))
    assert answer.status_code == 200
    assert "Too few" not in answer.content.decode()


def test_the_wave_that_runs_and_the_survey_open_for_a_lead(loaded, client):
    client.force_login(User.objects.get(username="lead"))
    survey = Survey.objects.get(kind="nps")
    pages = [waves()[-1].get_absolute_url(), *(version.get_absolute_url() for version in survey.versions.all())]
    assert [client.get(page).status_code for page in pages] == [200] * 4
