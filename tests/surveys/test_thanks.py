"""Who calls whom and by when, and what changed: promised only where it will be kept."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import consent
from surveys import links, thanks
from surveys.models import PlanAnswer, Response, SurveySettings
from tests import factories
from tests.surveys.asking import say, send, survey

pytestmark = pytest.mark.django_db


def answered(score, *, call=True, customer=None):
    facts = {"customer": customer} if customer else {}
    invitation = send(survey(), **facts)
    say(invitation, "nps", score)
    if say(invitation, "text2", "As I said").current:  # it is asked once in a life, not once a survey
        say(invitation, "consent3", call)
    return Response.objects.get(invitation=invitation)


@pytest.fixture
def sales(db):
    return factories.UserFactory(role="sales", first_name="Nora", last_name="Falk")


@pytest.fixture
def buyer(sales):
    """Somebody who decides in an account of Nora's."""
    customer = factories.CustomerFactory()
    factories.StakeholderFactory(customer=customer, influence="decides", account__owner=sales)
    factories.StakeholderFactory(customer=customer, influence="some", account__owner=factories.UserFactory())
    return customer


@pytest.mark.parametrize("score", [0, 6, 7, 8])
def test_detractors_and_passives_hear_from_their_accounts_sales_person(buyer, sales, score):
    call = thanks.call(answered(score, customer=buyer))
    assert (call.user, call.who) == (sales, "Nora Falk, who looks after you")


def test_promoters_hear_from_an_executive(buyer):
    factories.UserFactory(role="executive")
    assert thanks.call(answered(9, customer=buyer)).who == "one of our executives"


def test_where_there_is_no_executive_the_sales_person_calls_a_promoter(buyer, sales):
    factories.UserFactory(role="executive", is_active=False)
    assert thanks.call(answered(9, customer=buyer)).user == sales


@pytest.mark.parametrize("score", [None, 3, 10])
def test_who_has_no_account_hears_from_care(db, score):
    assert thanks.call(answered(score)).who == "our customer care"


@pytest.mark.parametrize("gone", ["left_on", "closed_at", "is_active"])
def test_nobody_is_named_who_will_not_call(buyer, sales, gone):
    today = timezone.now()
    stakes = buyer.stakes.filter(influence="decides")
    if gone == "left_on":
        stakes.update(left_on=today.date())
    elif gone == "closed_at":
        account = stakes.get().account
        account.close()
        account.save()
    else:
        sales.is_active = False
        sales.save()
    assert thanks.call(answered(3, customer=buyer)).user != sales


def test_the_call_comes_within_the_days_that_are_set(db):
    SurveySettings.objects.create(pk=1, call_days=3)
    response = answered(9)
    assert thanks.call(response).by == timezone.localdate(response.finished_at) + timedelta(days=3)


@pytest.mark.parametrize("call", [False, None])
def test_no_call_is_promised_to_who_has_not_said_yes(db, call):
    assert thanks.call(answered(9, call=call)) is None


def test_nor_to_who_has_asked_for_no_contact_since(db):
    response = answered(9)
    consent.forbid(customer=response.invitation.customer, how="By letter", by=None)
    assert thanks.call(Response.objects.get(pk=response.pk)) is None


def test_an_earlier_yes_still_holds(db):
    customer = factories.CustomerFactory()
    consent.record(customer=customer, purpose="call", state="given", how="On the telephone", by=None)
    invitation = send(survey(), customer=customer)
    say(invitation, "nps", 9)
    assert thanks.call(say(invitation, "text2", "").response)


# --- what changed


def plan(response, **facts):
    made = factories.ActionPlanFactory(**facts)
    PlanAnswer.objects.create(plan=made, answer=response.answers.get(question__kind="text"))
    return made


def done(response, n):
    ended = timezone.now() - timedelta(days=n)
    return plan(response, state="done", outcome=f"We did {n}", ended_at=ended)


def test_what_was_done_because_of_what_they_said_is_told_the_newest_first(db):
    earlier = answered(3)
    made = [done(earlier, n) for n in range(5)]
    plan(earlier, state="dropped", outcome="Too dear", ended_at=timezone.now())
    plan(earlier)
    done(answered(3), 0)
    now = answered(9, customer=earlier.invitation.customer)
    assert thanks.changes(now) == made[:3]


def test_a_plan_behind_several_of_their_comments_is_told_once(db):
    first = answered(3)
    second = answered(3, customer=first.invitation.customer)
    made = done(first, 1)
    PlanAnswer.objects.create(plan=made, answer=second.answers.get(question__kind="text"))
    assert thanks.changes(second) == [made]


def test_the_page_says_who_calls_by_when_and_what_changed(buyer):
    earlier = answered(3, customer=buyer)
    done(earlier, 1)
    response = answered(4, customer=buyer)
    page = Client().get(reverse("surveys:asked_thanks", args=[links.token(response.invitation)])).content.decode()
    by = thanks.call(response).by
    assert f"You will get a call from Nora Falk, who looks after you, by {by.day} {by:%B}." in page
    assert "What changed because of you" in page
    assert "We did 1" in page
    assert "Thanks en" in page
