"""Action plans on screen: the list, one with everybody who asked for it, and what leads and owners do with it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from surveys.models import ActionPlan, PlanAnswer
from surveys.views import plans as views
from tests import factories

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
State = ActionPlan.State


@pytest.fixture
def plan(agent):
    """Of an agent, with one comment behind it."""
    made = factories.ActionPlanFactory(title="Faster refunds", owner=agent, topic="support", detail="Daily")
    comment = factories.AnswerFactory(
        text="Still no refund", response__score=2, response__invitation__customer__name="Ann Mercer"
    )
    PlanAnswer.objects.create(plan=made, answer=comment)
    return made


@pytest.fixture
def show(as_user):
    def show(by, query=""):
        return as_user(by).get(f"{reverse('surveys:plans')}?{query}")

    return show


@pytest.fixture
def do(as_user):
    """`do(agent, "done", plan, outcome="…")` presses it and follows to the next page."""

    def do(by, deed, plan, query="", **data):
        return as_user(by).post(f"{reverse(f'surveys:plan_{deed}', args=[plan.pk])}{query}", data, follow=True)

    return do


def titles(answer):
    return [plan.title for plan in answer.context["page"].rows]


def undo_of(answer):
    tags = list(answer.context["messages"])[-1].extra_tags.split()
    return next((tag.removeprefix("undo:") for tag in tags if tag.startswith("undo:")), "")


# --- the list


def test_leads_see_all_plans_what_is_due_first_stands_first(show, plan, lead):
    factories.ActionPlanFactory(title="Sooner", due_on=timezone.localdate())
    assert titles(show(lead)) == ["Sooner", "Faster refunds"]


def test_others_see_their_own(show, plan, agent, colleague):
    factories.ActionPlanFactory(title="Of somebody else")
    assert titles(show(agent)) == ["Faster refunds"]
    page = show(colleague)
    assert titles(page) == []
    assert "No action plan is yours." in page.content.decode()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Late", "New", "Begun"]),
        ("state=doing", ["Begun"]),
        ("state=overdue", ["Late"]),
        ("state=done", ["Over"]),
        ("state=all", ["Late", "New", "Begun", "Over"]),
        ("topic=price", ["New"]),
        ("mine=yes", ["Begun"]),
        ("state=nonsense", ["Late", "New", "Begun"]),
    ],
)
def test_the_filter_of_plans(show, lead, query, expected):
    today = timezone.localdate()
    days = {"Late": -1, "New": 1, "Begun": 2, "Over": 3}
    facts = {
        "New": {"topic": "price"}, "Begun": {"state": "doing", "owner": lead},
        "Over": {"state": "done", "outcome": "So", "ended_at": NOON},
    }  # fmt: skip
    for title, n in days.items():
        factories.ActionPlanFactory(title=title, due_on=today + timedelta(days=n), **facts.get(title, {}))
    assert titles(show(lead, query)) == expected


def test_an_overdue_plan_says_so_in_words(show, plan, lead):
    assert "Overdue</span>" not in show(lead).content.decode()
    plan.due_on = timezone.localdate() - timedelta(days=1)
    plan.save()
    assert "Overdue</span>" in show(lead).content.decode()


def test_an_empty_list_says_where_plans_come_from(show, lead):
    assert "Choose comments that ask for the same" in show(lead).content.decode()


def test_the_export_holds_the_plans_under_the_filter(as_user, lead, plan):
    factories.ActionPlanFactory(title="Over", state="done", outcome="So", ended_at=NOON)
    answer = as_user(lead).get(reverse("surveys:plans_export"), {"query": ""})
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode().removeprefix("\ufeff")))
    assert (row["title"], row["owner"], row["state"], row["customers"]) == ("Faster refunds", "ana", "open", "1")


def test_a_list_of_20_costs_the_same_number_of_queries_as_one_of_1(as_user, lead):
    client = as_user(lead)

    def queries(n):
        for _ in range(n):
            made = factories.ActionPlanFactory(cause=factories.CauseFactory(), topic="price")
            PlanAnswer.objects.create(plan=made, answer=factories.AnswerFactory())
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("surveys:plans"))
        return len(asked)

    assert queries(1) == queries(19) <= 6


# --- one


def test_a_plan_shows_who_asked_for_it_in_their_words_and_leads_to_them(as_user, lead, plan):
    page = as_user(lead).get(plan.get_absolute_url()).content.decode()
    customer = plan.answers.get().response.invitation.customer
    for words in ("Faster refunds", "Daily", "Ana Ruiz", "Support", "Still no refund", "Ann Mercer", "Detractor"):
        assert words in page, words
    assert customer.get_absolute_url() in page


def test_an_owner_who_may_not_see_customers_reads_the_words_alone(as_user, plan):
    plan.owner = factories.UserFactory(role="support")
    plan.save()
    page = as_user(plan.owner).get(plan.get_absolute_url()).content.decode()
    assert "Still no refund" in page
    assert "Ann Mercer" not in page


def test_a_plan_that_is_not_ones_own_is_not_found(as_user, plan, colleague):
    assert as_user(colleague).get(plan.get_absolute_url()).status_code == 404
    for deed in ("begin", "pause", "done", "drop", "reopen"):
        answer = as_user(colleague).post(reverse(f"surveys:plan_{deed}", args=[plan.pk]), {"outcome": "x"})
        assert answer.status_code == 404
    plan.refresh_from_db()
    assert plan.state == State.OPEN


def test_an_owner_moves_their_plan_and_changes_nothing_else(as_user, do, plan, agent):
    page = do(agent, "begin", plan).content.decode()
    assert "It is under way." in page
    assert reverse("surveys:plan_edit", args=[plan.pk]) not in page
    assert reverse("surveys:plan_unlink", args=[plan.pk]) not in page
    for name in ("plan_edit", "plan_unlink", "plan_link"):
        assert as_user(agent).post(reverse(f"surveys:{name}", args=[plan.pk])).status_code == 403


def test_beginning_can_be_taken_back(as_user, do, plan, agent):
    as_user(agent).post(undo_of(do(agent, "begin", plan)))
    plan.refresh_from_db()
    assert plan.state == State.OPEN


@pytest.mark.parametrize(("deed", "state"), [("done", "done"), ("drop", "dropped")])
@pytest.mark.parametrize("before", [State.OPEN, State.DOING])
def test_ending_it_says_what_changed_and_can_be_taken_back(as_user, do, plan, agent, deed, state, before):
    plan.state = before
    plan.save()
    page = do(agent, deed, plan, outcome="Refunds take a day.")
    assert "Refunds take a day." in page.content.decode()
    plan.refresh_from_db()
    assert plan.state == state
    as_user(agent).post(undo_of(page))
    plan.refresh_from_db()
    assert (plan.state, plan.ended_at) == (before, None)


@pytest.mark.parametrize(("deed", "outcome"), [("done", ""), ("drop", "   "), ("done", "x" * 2001)])
def test_what_is_wrong_with_the_words_stands_beside_them_and_they_are_kept(do, plan, agent, deed, outcome):
    page = do(agent, deed, plan, outcome=outcome)
    assert page.status_code == 422
    assert "field__error" in page.content.decode()
    assert outcome.strip() in page.content.decode()
    plan.refresh_from_db()
    assert plan.is_open


def test_ending_what_somebody_else_has_ended_is_refused_and_loses_nothing(do, plan, agent, lead):
    do(lead, "drop", plan, outcome="Too dear")
    page = do(agent, "done", plan, outcome="It was me")
    assert page.status_code == 422
    said = page.content.decode()
    assert "“Faster refunds” has ended: Dropped. Take it up again first." in said
    assert "It was me" in said
    plan.refresh_from_db()
    assert plan.outcome == "Too dear"


def test_it_is_taken_up_again(do, plan, agent):
    do(agent, "done", plan, outcome="So")
    assert "It is taken up again." in do(agent, "reopen", plan).content.decode()
    plan.refresh_from_db()
    assert plan.state == State.DOING


def test_a_comment_is_taken_from_behind_it_and_put_back(as_user, do, plan, lead):
    comment = plan.answers.get()
    page = do(lead, "unlink", plan, query=f"?answers={comment.pk}")
    assert "1 comment is no longer behind it." in page.content.decode()
    assert "No comment stands behind it yet." in page.content.decode()
    as_user(lead).post(undo_of(page))
    assert plan.answers.get() == comment


def test_who_asked_comes_a_page_at_a_time(as_user, plan, lead, monkeypatch):
    monkeypatch.setattr(views, "ASKED", 1)
    PlanAnswer.objects.create(plan=plan, answer=factories.AnswerFactory(text="Mine too", answered_at=NOON))
    client = as_user(lead)
    first = client.get(plan.get_absolute_url())
    following = client.get(
        f"{plan.get_absolute_url()}?{first.context['page'].next_query}",
        headers={"HX-Request": "true", "HX-Target": "more"},
    )
    assert "Still no refund" in first.content.decode()
    assert "Mine too" in following.content.decode()
    assert "<html" not in following.content.decode()


def test_a_plan_with_20_comments_costs_the_same_number_of_queries_as_one_with_1(as_user, lead):
    client = as_user(lead)
    wave = factories.WaveFactory()
    made = factories.ActionPlanFactory()

    def queries(n):
        for comment in factories.AnswerFactory.create_batch(n, response__invitation__wave=wave):
            PlanAnswer.objects.create(plan=made, answer=comment)
        with CaptureQueriesContext(connection) as asked:
            client.get(made.get_absolute_url())
        return len(asked)

    assert queries(1) == queries(19) <= 7


# --- made and changed


def fields(owner, **facts):
    return {"title": "Faster refunds", "owner": owner.pk, "due_on": "2030-01-31"} | facts


def test_a_plan_made_from_comments_begins_with_what_they_are_about(as_user, lead, cause):
    comments = factories.AnswerFactory.create_batch(3)
    for comment in comments[:2]:
        factories.ThemeFactory(answer=comment, topic="price")
        factories.ThemeFactory(answer=comment, topic="", cause=cause)
    factories.ThemeFactory(answer=comments[2], topic="support")
    url = f"{reverse('surveys:plan_new')}?answers={','.join(str(comment.pk) for comment in comments)}"
    page = as_user(lead).get(url)
    form = page.context["form"]
    assert (form["topic"].value(), form["cause"].value(), form["owner"].value()) == ("price", cause.pk, lead.pk)
    assert "Asked for in 3 comments" in page.content.decode()


def test_it_is_made_with_them(as_user, lead, agent):
    comments = factories.AnswerFactory.create_batch(2)
    data = fields(agent, answers=f"{comments[0].pk},{comments[1].pk},999999")
    page = as_user(lead).post(reverse("surveys:plan_new"), data, follow=True)
    made = ActionPlan.objects.get()
    assert (made.owner, made.made_by, set(made.answers.all())) == (agent, lead, set(comments))
    assert page.redirect_chain[-1][0] == made.get_absolute_url()


@pytest.mark.parametrize("wrong", [{"title": ""}, {"due_on": "soon"}, {"owner": "0"}, {"topic": "weather"}])
def test_what_is_wrong_stands_beside_its_field_and_the_comments_stay(as_user, lead, wrong):
    comment = factories.AnswerFactory(text="Still no refund")
    page = as_user(lead).post(reverse("surveys:plan_new"), fields(lead, answers=comment.pk) | wrong)
    assert page.status_code == 422
    assert set(page.context["form"].errors) == set(wrong)
    assert "Still no refund" in page.content.decode()
    assert not ActionPlan.objects.exists()


def test_who_has_left_is_not_offered(as_user, lead):
    gone = factories.UserFactory(is_active=False)
    page = as_user(lead).post(reverse("surveys:plan_new"), fields(gone))
    assert set(page.context["form"].errors) == {"owner"}


def test_a_lead_changes_a_plan(as_user, lead, plan, colleague):
    url = reverse("surveys:plan_edit", args=[plan.pk])
    assert 'value="Faster refunds"' in as_user(lead).get(url).content.decode()
    as_user(lead).post(url, fields(colleague, title="Refunds within a day"))
    plan.refresh_from_db()
    assert (plan.title, plan.owner) == ("Refunds within a day", colleague)


def test_a_plan_stays_with_who_has_left_while_other_things_change(as_user, lead, plan, agent):
    agent.is_active = False
    agent.save()
    as_user(lead).post(reverse("surveys:plan_edit", args=[plan.pk]), fields(agent, title="Refunds within a day"))
    plan.refresh_from_db()
    assert (plan.title, plan.owner) == ("Refunds within a day", agent)


def test_a_cause_out_of_use_stays_where_it_stands(as_user, lead, plan):
    plan.cause = factories.CauseFactory(retired_at=NOON)
    plan.save()
    as_user(lead).post(reverse("surveys:plan_edit", args=[plan.pk]), fields(plan.owner, cause=plan.cause.pk))
    plan.refresh_from_db()
    assert plan.cause is not None
