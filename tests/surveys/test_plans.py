"""Action plans: made from comments, moved by leads and owners, with those who asked at either end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.models import Activity, Notice
from surveys import plans
from surveys.models import ActionPlan, Answer
from tests import factories

pytestmark = pytest.mark.django_db
NEXT_MONTH = date(2030, 1, 31)
State = ActionPlan.State


@pytest.fixture
def plan(agent):
    return factories.ActionPlanFactory(title="Faster refunds", owner=agent)


@pytest.fixture
def comments():
    wave = factories.WaveFactory()
    return factories.AnswerFactory.create_batch(3, response__invitation__wave=wave)


def start(by, **facts):
    return plans.start(**({"title": "Faster refunds", "owner": by, "due_on": NEXT_MONTH, "by": by} | facts))


def told(user):
    return list(Notice.objects.filter(user=user, kind="plan").values_list("text", flat=True).order_by("pk"))


# --- made


def test_a_plan_is_made_from_comments_and_its_owner_is_told(lead, agent, comments):
    plan = start(lead, owner=agent, answers=comments)
    assert (plan.state, plan.made_by, plan.owner) == (State.OPEN, lead, agent)
    assert set(Answer.objects.behind(plan.pk)) == set(comments)
    assert told(agent) == [f"A new action plan is yours: #{plan.pk}, due 2030-01-31."]


def test_who_makes_it_for_themselves_is_not_told(lead):
    start(lead)
    assert told(lead) == []


def test_a_notice_says_nothing_that_a_customer_or_a_plan_says(lead, agent):
    plan = start(lead, owner=agent, title="Call Ann Mercer back")
    plans.begin(plan=plan, by=lead)
    assert not [text for text in told(agent) if "Ann" in text]


def test_nobody_who_has_left_gets_a_plan(lead):
    gone = factories.UserFactory(first_name="Gone", last_name="Away", is_active=False)
    with pytest.raises(plans.OwnerIsGone, match="Gone Away no longer works here"):
        start(lead, owner=gone)
    assert not ActionPlan.objects.exists()


# --- changed


def change(plan, by, **facts):
    wanted = {name: getattr(plan, name) for name in ("title", "detail", "topic", "cause", "owner", "due_on")}
    return plans.change(plan=plan, by=by, **(wanted | facts))


def test_who_had_it_and_who_gets_it_are_told(lead, plan, agent, colleague):
    change(plan, lead, owner=colleague)
    assert told(agent) == [f"Action plan #{plan.pk} is now with somebody else."]
    assert told(colleague)[0].startswith(f"Action plan #{plan.pk} is yours now, due ")


def test_an_owner_hears_of_another_date_and_not_of_another_word(lead, plan, agent):
    change(plan, lead, detail="Daily, by hand")
    assert told(agent) == []
    change(plan, lead, due_on=NEXT_MONTH, detail="Daily, by hand")
    assert told(agent) == [f"Your action plan #{plan.pk} is now due 2030-01-31."]


def test_what_was_changed_stands_in_the_log_and_nothing_where_nothing_was(lead, plan):
    change(plan, lead)
    assert not Activity.objects.about(plan).exists()
    change(plan, lead, title="Refunds within a day", topic="support")
    assert Activity.objects.about(plan).get().detail == "title, topic"


def test_a_plan_stays_with_an_owner_who_left_until_somebody_else_gets_it(lead, plan, agent):
    agent.is_active = False
    agent.save()
    assert change(plan, lead, title="Refunds within a day").owner == agent
    with pytest.raises(plans.OwnerIsGone):
        change(plan, lead, owner=factories.UserFactory(is_active=False))


# --- moved


def test_a_plan_is_begun_and_done_with_what_changed(plan, agent):
    plans.begin(plan=plan, by=agent)
    assert plan.state == State.DOING
    plans.done(plan=plan, outcome="  Refunds take a day.  ", by=agent)
    assert (plan.state, plan.outcome) == (State.DONE, "Refunds take a day.")
    assert plan.ended_at is not None


@pytest.mark.parametrize("end", [plans.done, plans.drop])
@pytest.mark.parametrize("outcome", ["", "  \n"])
def test_no_plan_ends_without_words(plan, agent, end, outcome):
    with pytest.raises(plans.NoOutcome):
        end(plan=plan, outcome=outcome, by=agent)
    plan.refresh_from_db()
    assert plan.is_open


def test_the_database_holds_that_too(plan):
    with pytest.raises(IntegrityError, match="a_plan_that_ended_says_what_changed"), transaction.atomic():
        ActionPlan.objects.filter(pk=plan.pk).update(state=State.DONE, ended_at=timezone.now())
    with pytest.raises(IntegrityError, match="a_plan_that_ended_says_when"), transaction.atomic():
        ActionPlan.objects.filter(pk=plan.pk).update(state=State.DONE, outcome="So")


def test_a_plan_that_has_ended_does_not_move(plan, agent, lead):
    plans.drop(plan=plan, outcome="Too dear", by=agent)
    for move in (plans.begin, plans.pause):
        with pytest.raises(plans.HasEnded, match="“Faster refunds” has ended: Dropped"):
            move(plan=plan, by=lead)
    with pytest.raises(plans.HasEnded):
        plans.done(plan=plan, outcome="Done all the same", by=lead)


def test_it_is_taken_up_again_with_its_words(plan, agent, lead):
    with pytest.raises(plans.HasNotEnded):
        plans.reopen(plan=plan, by=lead)
    plans.done(plan=plan, outcome="Refunds take a day.", by=agent)
    plans.reopen(plan=plan, by=lead)
    assert (plan.state, plan.ended_at, plan.outcome) == (State.DOING, None, "Refunds take a day.")


def test_others_moving_it_is_told_to_its_owner(plan, agent, lead):
    plans.begin(plan=plan, by=agent)
    assert told(agent) == []
    plans.done(plan=plan, outcome="So", by=lead)
    assert told(agent) == [f"Action plan #{plan.pk}: Done."]


@pytest.mark.django_db(transaction=True)
def test_two_who_end_it_at_once_end_it_once(plan, agent, lead):
    def end(deed):
        try:
            return deed(plan=ActionPlan.objects.get(pk=plan.pk), outcome=deed.__name__, by=lead).outcome
        except plans.HasEnded:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as both:
        found = list(both.map(end, [plans.done, plans.drop]))
    plan.refresh_from_db()
    assert found.count(None) == 1
    assert plan.outcome in found


# --- who asked for it


def test_a_comment_stands_behind_a_plan_once(plan, comments, lead):
    assert len(plans.link(plan=plan, answers=comments[:2], by=lead)) == 2
    new = plans.link(plan=plan, answers=comments, by=lead)
    assert [each.answer_id for each in new] == [comments[2].pk]
    assert plan.asked_by.count() == 3


def test_linking_costs_the_same_number_of_queries_for_many(plan, lead):
    wave = factories.WaveFactory()

    def queries(n):
        comments = factories.AnswerFactory.create_batch(n, response__invitation__wave=wave)
        with CaptureQueriesContext(connection) as asked:
            plans.link(plan=plan, answers=comments, by=lead)
        return len(asked)

    assert queries(1) == queries(20)


def test_none_and_too_many_are_refused(plan, lead, comments, monkeypatch):
    with pytest.raises(plans.NoComments):
        plans.link(plan=plan, answers=[], by=lead)
    monkeypatch.setattr(plans, "MOST", 2)
    with pytest.raises(plans.TooMany, match="Choose 2 comments at most; these are 3"):
        plans.link(plan=plan, answers=comments, by=lead)
    assert plan.asked_by.count() == 0


def test_comments_are_taken_from_behind_it(plan, comments, lead):
    plans.link(plan=plan, answers=comments, by=lead)
    assert plans.unlink(plan=plan, answers=[comments[0], comments[1].pk], by=lead) == 2
    assert plans.unlink(plan=plan, answers=[comments[0]], by=lead) == 0
    assert list(Answer.objects.behind(plan.pk)) == [comments[2]]


def test_a_customer_leads_to_the_plans_they_asked_for_each_once(plan, lead):
    customer = factories.CustomerFactory()
    waves = factories.WaveFactory.create_batch(2)
    asked = [
        factories.InvitationFactory(customer=customer, wave=w, state="answered", ended_at=w.opens_at) for w in waves
    ]
    mine = [factories.AnswerFactory(response__invitation=invitation) for invitation in asked]
    plans.link(plan=plan, answers=mine, by=lead)
    factories.ActionPlanFactory()
    assert list(ActionPlan.objects.asked_by(customer.pk)) == [plan]
    assert ActionPlan.objects.with_counts().get(pk=plan.pk).asked == 1  # one customer, with two comments


# --- seen


def test_leads_see_all_plans_and_others_those_they_own(plan, lead, agent, colleague):
    executive = factories.UserFactory(role="executive")
    other = factories.ActionPlanFactory(owner=executive)
    assert set(ActionPlan.objects.visible_to(lead)) == {plan, other}
    assert list(ActionPlan.objects.visible_to(agent)) == [plan]
    assert list(ActionPlan.objects.visible_to(executive)) == [other]
    assert not ActionPlan.objects.visible_to(colleague).exists()


def test_overdue_is_what_is_open_after_its_day(plan, agent):
    today = timezone.localdate()
    late = factories.ActionPlanFactory(due_on=today - timedelta(days=1))
    ended = factories.ActionPlanFactory(due_on=today - timedelta(days=1))
    plans.drop(plan=ended, outcome="No", by=agent)
    factories.ActionPlanFactory(due_on=today)
    assert list(ActionPlan.objects.overdue(today)) == [late]
