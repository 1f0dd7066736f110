"""The card of a call on a list: every field of it, for who calls and for who looks after accounts."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.accounts import Condition
from surveys.models import ActionPlan, Call
from surveys.outreach import hours, listing
from surveys.outreach.listing import Card
from tests import factories
from tests.surveys.outreach.days import stop_clock

pytestmark = pytest.mark.django_db
WEDNESDAY = datetime(2026, 3, 4, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def sue(db):
    return factories.UserFactory(role="sales", first_name="Sue", last_name="Lind")


@pytest.fixture
def now(monkeypatch):
    """A working morning in London."""
    stop_clock(monkeypatch, lambda: WEDNESDAY)
    return WEDNESDAY


def second_call(owner, now):
    """With all that a card can say."""
    customer = factories.CustomerFactory(name="Mira Holm", country="GB")
    call = factories.CallFactory(
        loop__customer=customer, owner=owner, to=owner.role, kind="second", due_at=now - 2 * DAY
    )  # fmt: skip
    response = factories.ResponseFactory(invitation__customer=customer, score=3, finished_at=now - 20 * DAY)
    factories.FollowUpFactory(call=call, response=response, step="share")
    answer = factories.AnswerFactory(response=response, text="The crew was lovely. The fare was not.")
    factories.ThemeFactory(answer=answer, topic="support", tone="praise")
    factories.ThemeFactory(answer=answer, topic="price", tone="criticism")
    return call


def accounts_of(customer):
    """Two, of which the second has their weightier word and waits for an answer."""
    factories.StakeholderFactory(customer=customer, account__name="Small", influence="some")
    decides = factories.StakeholderFactory(customer=customer, account__name="Brightwater", influence="decides")
    return decides.account


def promised(customer, now):
    """Two things in an open case, the earlier one second; what was kept, and what was resolved, counts no more."""
    case = factories.CaseFactory(customer=customer, waiting_since=now - 5 * DAY, opened_at=now - 5 * DAY)
    later = factories.CommitmentFactory(case=case, text="A new seat", until=now + 2 * DAY)
    sooner = factories.CommitmentFactory(case=case, text="A call on Monday", until=now - DAY)
    factories.CommitmentFactory(case=case, text="Kept", kept_at=now, ended_by=later.by)
    over = factories.resolved(factories.CaseFactory(customer=customer), later.by)
    factories.CommitmentFactory(case=over, text="Long over")
    return [sooner, later]


def card_of(call, by, now):
    (card,) = listing.cards(Call.objects.with_people().filter(pk=call.pk), now, by)
    return card


def test_every_field_of_a_card(sue, now):
    call = second_call(sue, now)
    account, promises = accounts_of(call.customer), promised(call.customer, now)
    request = factories.GroupRequestFactory(attempt__call=call, attempt__by=sue)
    request.answer = factories.GroupAnswerFactory(group=request.group)
    request.save()
    plan = factories.ActionPlanFactory(state=ActionPlan.State.DONE, outcome="It has come.", ended_at=now)
    factories.ToldFactory(plan=plan, customer=call.customer, how="call")
    card = card_of(call, sue, now)
    window = hours.window(call.customer, now)
    expected = {
        "call": call, "window": window, "theirs": hours.book().of(call.customer), "when": "now", "opens_at": now,
        "is_late": True, "account": account, "promises": promises, "tell": [request.answer], "open_cases": 1,
        "come": [plan], "picks": [now + 2 * HOUR, now + DAY], "forms": {},
    }  # fmt: skip
    assert {field.name for field in fields(Card)} == {*expected, "said", "health"}
    assert {name: getattr(card, name) for name in expected} == expected
    assert (card.said.response.score, card.said.words) == (3, ["The crew was lovely. The fare was not."])
    assert (card.said.praised, card.said.criticised) == (["Support"], ["Price"])
    assert card.health.condition == Condition.AT_RISK
    assert card.clock == "Europe/London"


def test_how_an_account_is_concerns_who_looks_after_it_and_leads(sue, lead, now):
    call = second_call(sue, now)
    accounts_of(call.customer)
    executive = factories.UserFactory(role="executive")
    assert [card_of(call, who, now).health is not None for who in (sue, lead, executive)] == [True, True, False]


def test_the_list_of_sales_shows_promises_and_how_the_account_is(sue, now, as_user):
    call = second_call(sue, now)
    accounts_of(call.customer)
    promised(call.customer, now)
    page = " ".join(as_user(sue).get("/calls/").content.decode().split())
    for said in ("Brightwater", "At risk", "Promised: A call on Monday", "Promised: A new seat", "Overdue"):
        assert said in page
    assert "Long over" not in page


def test_of_many_promises_the_next_are_shown_and_the_others_counted(sue, now, as_user):
    case = factories.CaseFactory(customer=second_call(sue, now).customer)
    for n in range(5):
        factories.CommitmentFactory(case=case, text=f"Number {n}", until=now + (n + 1) * DAY)
    page = " ".join(as_user(sue).get("/calls/").content.decode().split())
    assert [f"Promised: Number {n}" in page for n in range(5)] == [True, True, False, False, False]
    assert "and 3 more promises" in page


def test_cards_of_twenty_ask_as_often_as_one(sue):
    now = timezone.now()

    def fill(number):
        for _ in range(number):
            call = second_call(sue, now)
            accounts_of(call.customer)
            promised(call.customer, now)

    def asked():
        with CaptureQueriesContext(connection) as found:
            listing.cards(Call.objects.with_people(), now, sue)
        return len(found)

    fill(1)
    one = asked()
    fill(19)
    assert asked() == one <= 17  # with the calls themselves
