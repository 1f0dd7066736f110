"""Customers who were asked and have answered, made one and put apart again: their invitations go and come back.

tests/crm/test_merge_any_order.py does it at random, with all else that happens; here stands what must come of it.
"""

from __future__ import annotations

from itertools import permutations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from crm import merging
from crm.merging import undoing
from surveys.models import Answer, Invitation, Response
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def waves(db):
    return factories.WaveFactory.create_batch(3, version=factories.sent_version())


@pytest.fixture
def people(db):
    return factories.CustomerFactory.create_batch(3)


def ask(customer, wave, state="answered", **facts):
    ended = None if state in Invitation.OPEN else timezone.now()
    return factories.InvitationFactory(customer=customer, wave=wave, state=state, ended_at=ended, **facts)


def answered(customer, wave, score):
    response = factories.ResponseFactory(invitation=ask(customer, wave), score=score)
    factories.AnswerFactory(response=response, text=f"Why {score}")
    return response


def whose():
    """Invitation → customer, with everything that hangs on it."""
    kept = Invitation.objects.order_by("pk").values_list("pk", "customer", "wave", "state", "response__score")
    return list(kept), list(Answer.objects.order_by("pk").values_list("response", "text"))


def merge(survivor, absorbed, by):
    return merging.merge(survivor=survivor, absorbed=absorbed, by=by, reason="Same person")


def put_apart(merges, by):
    """In this order, as far as it goes; what waits for another is undone after that one."""
    left = list(merges)
    while left:
        before = len(left)
        for one in list(left):
            try:
                merging.undo(merge=one, by=by)
            except (undoing.UndoThatFirst, undoing.CameSince):
                continue
            left.remove(one)
        assert len(left) < before


def test_answers_come_along_and_go_back(people, waves, lead):
    one, other, _ = people
    answered(one, waves[0], 9), answered(other, waves[1], 3)
    before = whose()
    entry = merge(one, other, lead)
    scores = Response.objects.filter(invitation__customer=one).order_by("score").values_list("score", flat=True)
    assert list(scores) == [3, 9]
    merging.undo(merge=entry, by=lead)
    assert whose() == before


def test_of_two_who_were_asked_in_one_wave_each_keeps_their_own_answer(people, waves, lead):
    one, other, _ = people
    mine, theirs = answered(one, waves[0], 9), answered(other, waves[0], 3)
    before = whose()
    entry = merge(one, other, lead)
    assert mine.invitation.customer == one
    theirs.invitation.refresh_from_db()
    assert theirs.invitation.customer == other  # it leads on to who stands for them
    assert theirs.invitation.customer.survivor == one
    merging.undo(merge=entry, by=lead)
    assert whose() == before


def test_an_open_survey_waits_until_the_other_is_over(people, waves, lead):
    one, other, _ = people
    mine, theirs = ask(one, waves[0], "sent"), ask(other, waves[1], "planned")
    merge(one, other, lead)
    theirs.refresh_from_db()
    assert theirs.customer == other
    merging.bring_along()
    theirs.refresh_from_db()
    assert theirs.customer == other
    Invitation.objects.filter(pk=mine.pk).update(state="expired", ended_at=timezone.now())
    merging.bring_along()
    theirs.refresh_from_db()
    assert theirs.customer == one


def test_nobody_is_asked_twice_at_a_time_however_they_were_merged(people, waves, lead):
    one, other, _ = people
    ask(other, waves[0], "sent")
    merge(one, other, lead)
    with pytest.raises(IntegrityError, match="a_customer_is_asked_one_survey_at_a_time"), transaction.atomic():
        ask(one, waves[1], "planned")


def test_an_answer_given_in_between_stays_with_the_question_it_answers(people, waves, lead):
    one, other, _ = people
    theirs = ask(other, waves[0], "sent")
    entry = merge(one, other, lead)
    Invitation.objects.filter(pk=theirs.pk).update(state="answered", ended_at=timezone.now())
    factories.ResponseFactory(invitation=theirs, score=7)
    merging.undo(merge=entry, by=lead)
    assert Response.objects.get(score=7).invitation.customer == other


@pytest.mark.parametrize("joined", list(permutations(range(3))), ids=str)
@pytest.mark.parametrize("apart", [(0, 1), (1, 0)], ids=str)
def test_three_records_merged_and_put_apart_in_any_order_leave_no_trace(people, waves, lead, joined, apart):
    for number, customer in enumerate(people):
        answered(customer, waves[0], number)  # the same wave: two of three stay behind
        answered(customer, waves[1 + number % 2], 5 + number)
        ask(customer, factories.WaveFactory(version=waves[0].version), "sent")  # one open each: two stay behind
    before = whose()
    first, second, third = (people[number] for number in joined)
    merges = [merge(second, first, lead), merge(third, second, lead)]
    merging.bring_along()
    put_apart([merges[number] for number in apart], lead)
    merging.bring_along()
    assert whose() == before
