"""Loops: each ends once, says where and why it broke off, and many are counted as one by one."""

from __future__ import annotations

from datetime import timedelta
from statistics import median

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import live
from config import cron
from surveys import jobs
from surveys.models import Call, GroupAnswer, Loop
from surveys.outreach import calling, loops
from surveys.outreach.loops import Reason, Step, ending
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


def test_it_is_the_clock_that_ends_it():
    call = called()
    assert "surveys.jobs.settle_loops" in cron.EVERY
    jobs.settle_loops()
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


def test_one_that_asked_something_more_in_its_second_call_goes_on():
    call = called()
    tells = factories.CallFactory(loop=call.loop, customer=call.customer, kind="second")
    factories.HashtagFactory(tag="billing", group__members=[factories.UserFactory(role="support")])
    calling.record(call=tells, by=tells.owner, outcome="reached", note="Now the next bill is wrong. #billing")
    assert again(call.loop).state == Loop.State.OPEN
    assert loops.settle(timezone.now() + 3 * DAY) == 0


def test_one_answered_after_they_were_told_and_not_to_be_called_any_more_breaks_off_at_telling():
    call = called(days_ago=9)
    tells = called(days_ago=5, loop=call.loop, customer=call.customer, kind="second")
    request = factories.GroupRequestFactory(attempt=factories.CallAttemptFactory(call=tells))
    answer = factories.GroupAnswerFactory(group=request.group, at=timezone.now() - 2 * DAY)
    type(request).objects.update(answer=answer)
    loops.settle()
    assert (again(call.loop).state, call.loop.died_at_step) == (Loop.State.DIED, Step.TOLD)


def test_open_pages_of_a_loop_hear_that_it_has_ended(django_capture_on_commit_callbacks):
    stream = f"loop:{called().loop_id}"
    before = live.numbers([stream])[stream]
    with django_capture_on_commit_callbacks(execute=True):
        loops.settle()
    assert live.numbers([stream])[stream] == before + 1


def test_one_in_which_somebody_is_called_meanwhile_is_left_alone():
    """Found idle, it is looked at again once its customer is held."""
    call = called()
    found = [call.loop_id]
    factories.CallFactory(loop=call.loop, customer=call.customer, kind="second")
    assert ending._settle(found, timezone.now()) == 0
    assert again(call.loop).state == Loop.State.OPEN


def test_settling_many_costs_as_many_queries_as_settling_one():
    def cost(n):
        for _ in range(n):
            called()
        with CaptureQueriesContext(connection) as asked:
            assert loops.settle() == n
        return len(asked)

    assert cost(1) == cost(20)


# --- many


def reached(call, at):
    Call.objects.filter(pk=call.pk).update(state="done", ended_at=at)
    return factories.CallAttemptFactory(call=call, outcome="reached", at=at)


def whole(days):
    """A loop that came to each step after so many days; `None`: it did not."""
    start = timezone.now() - 60 * DAY
    at = {step: None if after is None else start + after * DAY for step, after in days.items()}
    call = factories.CallFactory()
    Loop.objects.filter(pk=call.loop_id).update(opened_at=start)
    said = factories.ResponseFactory(invitation__customer=call.customer, finished_at=at[Step.ANSWERED])
    factories.FollowUpFactory(call=call, step="thank", response=said)
    if at[Step.CALLED]:
        attempt = reached(call, at[Step.CALLED])
        if at[Step.ASKED]:
            request = factories.GroupRequestFactory(attempt=attempt, asked_at=at[Step.ASKED])
            if at[Step.GIVEN]:
                answer = factories.GroupAnswerFactory(group=request.group, at=at[Step.GIVEN])
                type(request).objects.filter(pk=request.pk).update(answer=answer)
    if at[Step.TOLD]:
        second = factories.CallFactory(loop=call.loop, customer=call.customer, kind="second")
        reached(second, at[Step.TOLD])
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
    assert [stage.step for stage in board.stages] == list(Step)
    for stage, before in zip(board.stages[1:], list(Step)[:-1], strict=True):
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
    assert board.reasons == [Reason(Step.CALLED, "They asked not to be called.", 1)]
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
    assert len(asked) <= 6  # one of them for what was tried, one for what was written when it had come
    assert all(each.row for each in told)
    assert not any(each.url for each in told)


def test_who_reads_it_is_led_to_what_they_may_see(agent, lead):
    loop = whole(dict(zip(Step, (0, 2, 2, 12, 26), strict=True)))
    Call.objects.filter(loop=loop, kind="first").update(owner=agent)
    assert [bool(each.open) for each in loops.story(loop, reader=lead)] == [True] * 5
    theirs = [each.step for each in loops.story(loop, reader=agent) if each.open]
    assert theirs == [Step.CALLED]  # the answers of customers are for who reads results
    outsider = factories.UserFactory(role="support")
    assert not any(each.open for each in loops.story(loop, reader=outsider))


def test_what_was_tried_in_vain_cancelled_or_withdrawn_is_told_as_that():
    call = called(state="cancelled")
    attempt = factories.CallAttemptFactory(call=call, outcome="mailbox", at=call.ended_at - DAY)
    factories.GroupRequestFactory(attempt=attempt, asked_at=attempt.at, withdrawn_at=call.ended_at + DAY)
    told = [(each.name, each.what) for each in loops.story(call.loop)]
    assert [name for name, _what in told] == ["Tried to call", "A group was asked", "Call cancelled", "Withdrawn"]
    assert told[2][1] == "They asked not to be called."


def test_a_change_that_has_come_about_is_told_in_the_words_for_customers():
    loop = whole(dict(zip(Step, (0, 2, 2, 12, 26), strict=True)))
    done = factories.ActionPlanFactory(state="done", outcome="One bill a seat", ended_at=timezone.now())
    GroupAnswer.objects.update(kind="change", change_from=timezone.localdate(), plan=done)
    last = loops.story(loop)[-1]
    assert (last.name, last.words, last.row) == ("It has changed", "One bill a seat", done)


# --- told of in a call of another


def sharing():
    """Two loops of a customer: what was answered in the second is to be told in the second call of the first."""
    first, other = called(days_ago=30), called(days_ago=3)
    other.loop.customer, other.customer = first.customer, first.customer
    other.loop.save()
    other.save()
    said = factories.ResponseFactory(invitation__customer=first.customer)
    for step in ("thank", "engage"):
        factories.FollowUpFactory(call=other, response=said, step=step, done_at=other.ended_at)
    tells = factories.CallFactory(loop=first.loop, customer=first.customer, kind="second")
    factories.FollowUpFactory(call=tells, response=said, step="share")
    attempt = factories.CallAttemptFactory(call=other, at=other.ended_at)
    request = factories.GroupRequestFactory(attempt=attempt, asked_at=other.ended_at)
    answer = factories.GroupAnswerFactory(group=request.group, at=timezone.now() - DAY)
    type(request).objects.update(answer=answer)
    return first.loop, other.loop, tells


def test_a_loop_told_of_in_the_call_of_another_stays_open_until_that_call():
    first, other, tells = sharing()
    assert loops.settle() == 0
    assert loops.coming(other).step == Step.TOLD
    calling.record(call=tells, by=tells.owner, outcome="reached")
    assert [again(loop).state for loop in (first, other)] == ["closed", "closed"]


def test_the_call_of_another_stands_in_its_story_and_in_its_figures():
    _first, other, tells = sharing()
    calling.record(call=tells, by=tells.owner, outcome="reached")
    assert [each.row for each in loops.story(other) if each.step == Step.TOLD] == [tells]
    assert loops.times_of([other.pk])[other.pk][Step.TOLD]


def test_where_the_call_of_another_is_called_off_both_break_off_at_telling():
    first, other, tells = sharing()
    then = timezone.now() - 2 * DAY
    Call.objects.filter(pk=tells.pk).update(state="cancelled", ended_at=then, reason="They asked for it.")
    assert loops.settle() == 2
    assert {(again(loop).died_at_step, loop.why) for loop in (first, other)} == {(Step.TOLD, "They asked for it.")}


# --- what comes next


def test_what_comes_next_is_what_is_due_first_and_by_whom(agent):
    call = factories.CallFactory(owner=agent)
    found = loops.coming(call.loop)
    assert (found.step, found.whose, found.at, found.is_late) == (Step.CALLED, str(agent), call.due_at, False)
    request = factories.GroupRequestFactory(
        attempt=factories.CallAttemptFactory(call=call, outcome="reached"), due_at=timezone.now() - DAY
    )
    found = loops.coming(call.loop)
    assert (found.step, found.whose, found.is_late) == (Step.GIVEN, str(request.group), True)


def test_what_a_group_asked_back_comes_first_and_has_no_day():
    call = called()
    attempt = factories.CallAttemptFactory(call=call)
    factories.GroupRequestFactory(
        attempt=attempt, asked_back="Which bill?", asked_back_at=timezone.now(), asked_back_by=factories.UserFactory()
    )
    found = loops.coming(call.loop)
    assert (found.whose, found.at) == (str(attempt.by), None)


def test_where_nobody_has_anything_left_to_do_it_says_when_it_ends():
    call = called(days_ago=0)
    assert loops.coming(call.loop).at == call.ended_at + loops.GRACE


def test_of_one_that_is_over_nothing_comes():
    loop = called().loop
    loops.settle()
    assert loops.coming(again(loop)) is None


def test_who_is_called_again_when_it_has_changed_is_what_comes_next_in_one_that_is_closed():
    loop = whole(dict(zip(Step, (0, 2, 2, 12, 26), strict=True)))
    assert loops.coming(again(loop)) is None
    call = factories.CallFactory(loop=loop, customer=loop.customer, kind="second")
    assert (loop.state, loops.coming(loop).at) == (Loop.State.CLOSED, call.due_at)


def test_what_comes_next_in_many_costs_what_it_costs_in_one():
    def cost(n):
        some = [factories.CallFactory().loop for _ in range(n)]
        with CaptureQueriesContext(connection) as asked:
            assert len(loops.comings(some)) == n
        return len(asked)

    assert cost(1) == cost(20) == 3


# --- who sees them


def test_callers_and_groups_see_those_they_take_part_in_and_who_reads_results_all(agent, lead):
    call = factories.CallFactory(owner=agent)
    attempt = factories.CallAttemptFactory(call=factories.CallFactory(), by=agent)
    member, owner = factories.UserFactory(role="support"), factories.UserFactory(role="support")
    group = factories.SupportGroupFactory(members=[member], owner=owner)
    factories.GroupRequestFactory(attempt=attempt, hashtag__group=group)
    factories.CallFactory()

    def seen(user):
        return set(Loop.objects.visible_to(user))

    assert seen(agent) == {call.loop, attempt.call.loop}
    assert seen(member) == seen(owner) == {attempt.call.loop}
    assert seen(lead) == seen(factories.UserFactory(role="executive")) == set(Loop.objects.all())
    assert seen(factories.UserFactory(role="support")) == set()


def test_loops_are_found_by_what_they_wait_for_and_by_where_they_broke_off():
    waits = factories.CallFactory()
    tells = called()
    factories.CallFactory(loop=tells.loop, customer=tells.customer, kind="second")
    asks = called()
    factories.GroupRequestFactory(attempt=factories.CallAttemptFactory(call=asks))
    broke = called(state="cancelled")
    loops.settle()
    at = {step: set(Loop.objects.standing_at(step)) for step in ("called", "given", "told", "answered")}
    assert at == {"called": {waits.loop, broke.loop}, "given": {asks.loop}, "told": {tells.loop}, "answered": set()}
