"""What came of one's calls stands on their list: the loop of theirs that went furthest."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from surveys.models import Loop
from surveys.outreach.loops import came_of
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def closed(caller, *, days_ago=2, state="done", outcome="The money is back the next morning.", kind="change"):
    """A loop of theirs that was closed so many days ago, 26 days after the answer; of a change, with its plan."""
    end = timezone.now() - days_ago * DAY
    loop = factories.LoopFactory(opened_at=end - 26 * DAY, state="closed", ended_at=end)
    first = factories.CallFactory(loop=loop, owner=caller, state="done", ended_at=end - 25 * DAY)
    response = factories.ResponseFactory(invitation__customer=loop.customer, finished_at=end - 26 * DAY)
    factories.FollowUpFactory(call=first, response=response)
    attempt = factories.CallAttemptFactory(call=first, by=caller, at=end - 25 * DAY)
    request = factories.GroupRequestFactory(attempt=attempt, asked_at=end - 25 * DAY)
    plan = factories.ActionPlanFactory(
        state=state, outcome=outcome, ended_at=end, shipped_on=end.date(), group=request.group
    )
    said = {"plan": plan, "change_from": end.date()} if kind == "change" else {}
    answer = factories.GroupAnswerFactory(
        group=request.group, kind=kind, at=end - 14 * DAY, text="We look at it.", **said
    )
    type(request).objects.filter(pk=request.pk).update(answer=answer)
    second = factories.CallFactory(
        loop=loop, customer=loop.customer, kind="second", owner=caller, state="done", ended_at=end
    )
    factories.CallAttemptFactory(call=second, by=caller, at=end)
    return loop


@pytest.fixture
def esther():
    return factories.UserFactory(role="executive")


def test_the_loop_is_told_from_the_answer_to_being_told_with_what_changed(esther):
    loop = closed(esther)
    found = came_of.of(esther)
    assert found.loop == loop
    assert [each.step.value for each in found.steps] == ["answered", "called", "asked", "given", "told"]
    assert (found.days, found.said, found.has_shipped) == (26, "The money is back the next morning.", True)


def test_one_whose_change_has_come_stands_before_a_newer_one(esther):
    changed = closed(esther, days_ago=30)
    closed(esther, days_ago=1, kind="no")
    assert came_of.of(esther).loop == changed


def test_an_answer_that_changes_nothing_is_told_in_its_own_words(esther):
    closed(esther, kind="no")
    found = came_of.of(esther)
    assert (found.said, found.has_shipped) == ("We look at it.", False)


def test_loops_of_others_and_open_ones_are_nobodys_success(esther):
    closed(factories.UserFactory(role="executive"))
    mine = closed(esther)
    Loop.objects.filter(pk=mine.pk).update(state="open", ended_at=None)
    assert came_of.of(esther) is None


def test_it_stands_on_their_list_of_calls(esther, client):
    loop = closed(esther)
    client.force_login(esther)
    page = client.get(reverse("surveys:calls")).content.decode()
    assert "The money is back the next morning." in page
    assert loop.get_absolute_url() in page
    assert "The money is back" not in client.get(reverse("surveys:calls") + "?show=pool").content.decode()


def test_what_had_changed_before_they_asked_is_no_success_of_the_call(esther):
    since = closed(esther, days_ago=30)
    before = closed(esther, days_ago=1)
    plan = before.requests.get().answer.plan
    type(plan).objects.filter(pk=plan.pk).update(shipped_on=before.opened_at.date() - 5 * DAY)
    assert came_of.of(esther).loop == since
