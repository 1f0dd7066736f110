"""The second call: once all that was asked is answered, by the same person, two weeks later, within their hours."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone

from crm import consent
from crm.models import Notice
from surveys.models import Call, FollowUp, GroupRequest, Loop
from surveys.outreach import hours, second
from tests import factories
from tests.surveys.outreach.test_calling import call_to

pytestmark = pytest.mark.django_db
TWO_WEEKS = timedelta(days=14)


@pytest.fixture
def customer(db):
    return factories.CustomerFactory(name="Sara", country="GB")


@pytest.fixture
def call(customer, agent):
    return call_to(customer, agent, state="done", ended_at=timezone.now())


def asked(call, answered=False, **answer):
    attempt = call.attempts.first() or factories.CallAttemptFactory(call=call)
    given = factories.GroupAnswerFactory(**answer) if answered else None
    return factories.GroupRequestFactory(attempt=attempt, answer=given, **({"group": given.group} if given else {}))


def shares(call):
    return set(FollowUp.objects.filter(call=call, step="share"))


# --- when, and whose


def test_once_all_is_answered_they_are_called_again_by_the_same_person_two_weeks_later(call, agent, customer):
    wednesday = datetime(2026, 3, 4, 10, tzinfo=UTC)
    asked(call, answered=True, at=wednesday)
    made = second.schedule(call.loop, wednesday)
    assert (made.kind, made.owner, made.to, made.loop) == ("second", agent, call.to, call.loop)
    assert made.due_at == wednesday + TWO_WEEKS
    assert made.state == "open"


def test_what_falls_outside_their_hours_is_due_when_these_begin(call, customer):
    saturday = datetime(2026, 3, 7, 10, tzinfo=UTC)
    asked(call, answered=True, at=saturday)
    assert second.schedule(call.loop, saturday).due_at == datetime(2026, 3, 23, 9, tzinfo=UTC)


def test_the_days_between_are_what_the_settings_say(call):
    factories.OutreachSettingsFactory(second_days=3)
    monday = datetime(2026, 3, 2, 10, tzinfo=UTC)
    asked(call, answered=True, at=monday)
    assert second.schedule(call.loop, monday).due_at == monday + timedelta(days=3)


def test_what_is_to_be_shared_moves_to_it(call):
    (share,) = shares(call)
    asked(call, answered=True)
    made = second.schedule(call.loop, timezone.now())
    assert shares(made) == {share}
    assert call.follow_ups.count() == 2


def test_who_called_is_told_that_it_is_answered(call, agent):
    asked(call, answered=True)
    made = second.schedule(call.loop, timezone.now())
    assert f"call #{made.pk}" in Notice.objects.get(user=agent, kind="call").text


def test_where_who_called_has_left_it_stands_in_the_pool(call, agent):
    agent.is_active = False
    agent.save()
    asked(call, answered=True)
    made = second.schedule(call.loop, timezone.now())
    assert (made.owner, made.owned_since, made in Call.objects.in_pool()) == (None, None, True)


# --- when not


def test_while_one_group_has_not_answered_nobody_is_called(call):
    asked(call, answered=True)
    asked(call)
    assert second.schedule(call.loop, timezone.now()) is None
    assert shares(call)


def test_what_was_withdrawn_is_not_waited_for(call):
    asked(call, answered=True)
    GroupRequest.objects.filter(pk=asked(call).pk).update(withdrawn_at=timezone.now())
    assert second.schedule(call.loop, timezone.now())


def test_where_nothing_was_answered_there_is_nothing_to_tell(call):
    assert second.schedule(call.loop, timezone.now()) is None


def test_nobody_is_called_again_against_their_will(call, customer):
    asked(call, answered=True)
    consent.record(customer=customer, purpose="call", state="refused", how="Said so", by=None)
    assert second.schedule(call.loop, timezone.now()) is None


def test_a_loop_that_is_over_has_no_second_call(call):
    asked(call, answered=True)
    Loop.objects.update(state="closed", ended_at=timezone.now())
    assert second.schedule(Loop.objects.get(), timezone.now()) is None


def test_they_are_called_once_however_often_it_is_scheduled(call):
    asked(call, answered=True)
    assert second.schedule(call.loop, timezone.now()) == second.schedule(call.loop, timezone.now())
    assert Call.objects.filter(kind="second").count() == 1


def test_what_they_have_been_told_does_not_call_them_again(call):
    asked(call, answered=True, at=timezone.now() - timedelta(days=20))
    factories.CallFactory(loop=call.loop, kind="second", state="done", ended_at=timezone.now())
    assert second.schedule(call.loop, timezone.now()) is None


def test_what_was_answered_after_they_were_told_calls_them_once_more(call):
    told_at = timezone.now() - timedelta(days=1)
    factories.CallFactory(loop=call.loop, kind="second", state="done", ended_at=told_at)
    asked(call, answered=True)
    assert second.schedule(call.loop, timezone.now())


def test_two_loops_of_one_customer_are_told_in_one_call(call, customer, agent):
    asked(call, answered=True, text="We mend the lift.")
    one = second.schedule(call.loop, timezone.now())
    later = call_to(customer, agent, state="done", ended_at=timezone.now())
    asked(later, answered=True, text="We open at seven.")
    assert second.schedule(later.loop, timezone.now()) == one
    assert {answer.text for answer in second.answers_for(one)} == {"We mend the lift.", "We open at seven."}
    assert second.loops_of(one) == [call.loop, later.loop]


# --- what to tell


def test_one_answer_to_two_requests_is_told_once(call):
    first = asked(call, answered=True)
    GroupRequest.objects.filter(pk=asked(call).pk).update(answer=first.answer)
    assert second.answers_for(second.schedule(call.loop, timezone.now())) == [first.answer]


@pytest.mark.parametrize("n", [1, 10])
def test_what_to_tell_in_many_calls_takes_two_queries(n, agent, django_assert_num_queries):
    calls = []
    for _ in range(n):
        call = call_to(factories.CustomerFactory(), agent, state="done", ended_at=timezone.now())
        asked(call, answered=True)
        calls.append(second.schedule(call.loop, timezone.now()))
    with django_assert_num_queries(2):
        told = second.answers_of(calls)
    assert [len(told[call.pk]) for call in calls] == [1] * n


# --- two at once


@pytest.mark.django_db(transaction=True)
def test_of_two_groups_that_give_the_last_answers_at_once_the_second_sees_the_first(call):
    requests = [asked(call), asked(call)]
    answers = [factories.GroupAnswerFactory(group=request.group) for request in requests]
    written = Barrier(2, timeout=60)

    def answer(pair):
        request, given = pair
        try:
            with transaction.atomic():
                GroupRequest.objects.filter(pk=request.pk).update(answer=given)
                written.wait()
                return second.schedule(call.loop, timezone.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(answer, zip(requests, answers, strict=True)))
    assert made.count(None) == 1
    assert Call.objects.get(kind="second") in made


def test_every_second_call_is_due_within_their_hours(agent):
    for n in range(24):
        call = call_to(factories.CustomerFactory(country="JP"), agent, state="done", ended_at=timezone.now())
        asked(call, answered=True, at=timezone.now() - timedelta(hours=n))
        made = second.schedule(call.loop, timezone.now())
        assert hours.window(made.customer, made.due_at).now
