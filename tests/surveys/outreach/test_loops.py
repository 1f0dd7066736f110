"""Loops: each ends once, says where and why it broke off, and many are counted as one by one."""

from __future__ import annotations

from datetime import timedelta
from statistics import median

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from surveys.models import FollowUp, Loop
from surveys.outreach import loops
from surveys.outreach.loops import Step
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def called(*, days_ago=3, state="done", **facts):
    """A loop whose first call ended then."""
    call = factories.CallFactory(state="open", **facts)
    ended = timezone.now() - days_ago * DAY
    reason = "They asked not to be called." if state == "cancelled" else ""
    type(call).objects.filter(pk=call.pk).update(state=state, ended_at=ended, reason=reason)
    call.refresh_from_db()
    return call


def again(loop):
    loop.refresh_from_db()
    return loop


def test_a_loop_in_which_nothing_was_asked_is_closed_a_day_after_the_call():
    call = called(days_ago=0)
    assert loops.settle() == 0
    assert loops.settle(timezone.now() + 2 * DAY) == 1
    assert again(call.loop).state == Loop.State.CLOSED


def test_what_was_to_be_told_is_called_off_with_it():
    call = called()
    share = factories.FollowUpFactory(call=call, step="share")
    loops.settle()
    share.refresh_from_db()
    assert share.cancelled_at
    assert share.reason.startswith("Nothing was asked")


def test_one_that_waits_for_a_group_stays_open():
    call = called()
    attempt = factories.CallAttemptFactory(call=call, outcome="reached")
    factories.GroupRequestFactory(attempt=attempt)
    assert loops.settle() == 0


def test_one_with_a_call_to_make_stays_open():
    call = called()
    factories.CallFactory(loop=call.loop, customer=call.customer, kind="second")
    assert loops.settle() == 0


@pytest.mark.parametrize(
    ("state", "why"),
    [("cancelled", "They asked not to be called."), ("written", "Nobody reached them: they were written to.")],
)
def test_one_whose_call_did_not_come_about_breaks_off_at_it(state, why):
    loop = called(state=state).loop
    loops.settle()
    assert (again(loop).state, loop.died_at_step, loop.why) == (Loop.State.DIED, Step.CALLED, why)


def test_one_whose_second_call_was_called_off_breaks_off_at_telling():
    call = called()
    called(state="cancelled", loop=call.loop, customer=call.customer, kind="second")
    loops.settle()
    assert (again(call.loop).state, call.loop.died_at_step) == (Loop.State.DIED, Step.TOLD)


def test_a_loop_ends_once():
    loop = called().loop
    assert loops.close(loop)
    assert not loops.close(loop)
    assert loops.die([loop], step=Step.TOLD, why="Too late") == 0
    assert again(loop).state == Loop.State.CLOSED


def test_settling_many_costs_as_many_queries_as_settling_one():
    def cost(n):
        for _ in range(n):
            called()
        with CaptureQueriesContext(connection) as asked:
            assert loops.settle() == n
        return len(asked)

    assert cost(1) == cost(20)


# --- many


def whole(days):
    """A loop that came to each step after so many days; `None`: it did not."""
    start = timezone.now() - 60 * DAY
    at = {step: None if after is None else start + after * DAY for step, after in days.items()}
    call = factories.CallFactory()
    Loop.objects.filter(pk=call.loop_id).update(opened_at=start)
    factories.FollowUpFactory(call=call, step="thank", response__finished_at=at[Step.ANSWERED])
    if at[Step.CALLED]:
        attempt = factories.CallAttemptFactory(call=call, outcome="reached", at=at[Step.CALLED])
        if at[Step.ASKED]:
            request = factories.GroupRequestFactory(attempt=attempt, asked_at=at[Step.ASKED])
            if at[Step.GIVEN]:
                answer = factories.GroupAnswerFactory(group=request.group, at=at[Step.GIVEN])
                type(request).objects.filter(pk=request.pk).update(answer=answer)
    if at[Step.TOLD]:
        second = factories.CallFactory(loop=call.loop, customer=call.customer, kind="second")
        factories.CallAttemptFactory(call=second, outcome="reached", at=at[Step.TOLD])
        loops.close(call.loop)
    return call.loop


def test_the_board_says_how_many_came_to_each_step_and_how_long_it_took():
    days = [
        dict(zip(Step, (0, 2, 2, 12, 26), strict=True)), dict(zip(Step, (0, 4, 4, 8, 22), strict=True)),
        dict(zip(Step, (0, 9, 10, None, None), strict=True)), dict(zip(Step, (0, None, None, None, None), strict=True)),
    ]  # fmt: skip
    for each in days:
        whole(each)
    now = timezone.now()
    board = loops.board(since=now - 90 * DAY, until=now)
    assert (board.opened, board.open, board.closed, board.died, board.closed_share) == (4, 2, 2, 0, 100.0)
    for stage, before in zip(board.stages[1:], Step, strict=False):
        took = [each[stage.step] - each[before] for each in days if each[stage.step] is not None]
        assert stage.came == len(took)
        assert stage.days == median(took)
    assert board.stages[0].came == 4
    assert board.stages[0].days is None


def test_the_board_says_where_loops_break_off_and_why():
    called(state="cancelled")
    loops.settle()
    now = timezone.now()
    board = loops.board(since=now - DAY, until=now + DAY)
    assert {stage.step: stage.died for stage in board.stages if stage.died} == {Step.CALLED: 1}
    assert board.reasons == [("They asked not to be called.", 1)]
    assert board.closed_share == 0.0


def test_the_board_of_a_time_without_loops_says_nothing():
    now = timezone.now()
    board = loops.board(since=now, until=now + DAY)
    assert (board.opened, board.closed_share, board.reasons) == (0, None, [])


def test_the_story_of_a_loop_is_told_in_order():
    loop = whole(dict(zip(Step, (0, 2, 2, 12, 26), strict=True)))
    with CaptureQueriesContext(connection) as asked:
        told = loops.story(loop)
    assert [each.step for each in told] == list(Step)
    assert len(asked) <= 5
    assert FollowUp.objects.filter(call__loop=loop).exists()
