"""Improvements on screen: the board, the page of one, everybody who asked for it, and that it has come."""

import csv
import io
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app import live
from surveys import jobs
from surveys.models import ActionPlan, Call, Told
from surveys.outreach import shipping
from tests import factories
from tests.surveys.outreach.test_shipping import WORDS, asked_by_phone, asked_in_a_comment, shipped

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(colleague):
    return factories.SupportGroupFactory(name="Billing", members=[colleague])


@pytest.fixture
def plan(group, agent):
    """Of an agent; the colleague is a member of its group."""
    return factories.ActionPlanFactory(title="Faster refunds", group=group, owner=agent)


@pytest.fixture
def show(as_user):
    def show(by, query="", **headers):
        return as_user(by).get(f"{reverse('surveys:improvements')}?{query}", headers=headers)

    return show


@pytest.fixture
def page(as_user):
    def page(by, plan):
        return as_user(by).get(plan.get_absolute_url())

    return page


@pytest.fixture
def do(as_user):
    def do(by, deed, plan, **data):
        return as_user(by).post(reverse(f"surveys:improvement_{deed}", args=[plan.pk]), data, follow=True)

    return do


def came(group, **facts):
    return factories.ActionPlanFactory(
        group=group, state="done", outcome=WORDS, ended_at=timezone.now(), shipped_on=timezone.localdate(), **facts
    )  # fmt: skip


def columns(answer):
    return {column["state"]: [plan.title for plan in column["plans"]] for column in answer.context["columns"]}


def rows_of(answer):
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode().removeprefix("\ufeff"))))


# --- the board


def test_each_state_has_its_column(show, plan, group, lead):
    came(group, title="Come")
    factories.ActionPlanFactory(title="Begun", group=group, state="doing")
    factories.ActionPlanFactory(title="Gone", group=group, state="dropped", outcome="No", ended_at=timezone.now())
    factories.ActionPlanFactory(title="A plan of nobody's group")
    expected = {"open": ["Faster refunds"], "doing": ["Begun"], "done": ["Come"], "dropped": ["Gone"]}
    assert columns(show(lead)) == expected


def test_each_says_whose_it_is_and_how_many_asked(show, plan, agent, lead):
    asked_in_a_comment(plan, asked_by_phone(plan, agent))
    asked_in_a_comment(plan)
    html = show(lead).content.decode()
    assert "Billing" in html
    assert "2 asked" in html


def test_one_that_has_come_says_how_many_were_told(show, plan, agent, lead):
    asked_in_a_comment(plan)
    asked_in_a_comment(plan, factories.CustomerFactory())
    shipped(plan, agent)
    html = show(lead).content.decode()
    assert "2 asked" in html
    assert "1 told" in html


def test_who_sees_them(show, plan, agent, colleague, stranger):
    executive = factories.UserFactory(role="executive")
    for person in (agent, colleague, executive):
        assert columns(show(person))["open"] == ["Faster refunds"], person
    assert columns(show(stranger))["open"] == []


def test_a_state_shows_all_of_it_page_by_page(show, plan, group, lead, monkeypatch):
    monkeypatch.setattr("surveys.views.outreach.improvements.PAGE", 1)
    factories.ActionPlanFactory(title="Later", group=group, due_on=timezone.localdate() + timedelta(days=90))
    first = show(lead, "state=open")
    assert [row.title for row in first.context["page"].rows] == ["Faster refunds"]
    second = show(lead, first.context["page"].next_query, HX_Request="true", HX_Target="more")
    assert [row.title for row in second.context["page"].rows] == ["Later"]
    assert "<html" not in second.content.decode()


def test_the_filter_by_group_and_owner(show, plan, lead):
    other = factories.ActionPlanFactory(title="Other", owner=lead, group=factories.SupportGroupFactory())
    assert columns(show(lead, f"group={plan.group_id}"))["open"] == ["Faster refunds"]
    assert columns(show(lead, "mine=yes"))["open"] == [other.title]
    assert "No improvement fits this filter." in show(lead, "state=done").content.decode()
    assert columns(show(lead, "group=nonsense&state=x"))["open"] == ["Faster refunds", "Other"]


def test_the_export_holds_those_under_the_filter(as_user, lead, plan, agent):
    asked_by_phone(plan, agent)
    factories.ActionPlanFactory(title="Other", group=factories.SupportGroupFactory())
    answer = as_user(lead).get(reverse("surveys:improvements_export"), {"query": f"group={plan.group_id}"})
    (row,) = rows_of(answer)
    assert (row["title"], row["group"], row["customers who asked"]) == ("Faster refunds", "Billing", "1")


# --- one


def test_its_page_names_who_asked_with_their_call(page, plan, agent, lead):
    customer = asked_by_phone(plan, agent)
    html = page(lead, plan).content.decode()
    assert customer.name in html
    assert "They were charged twice for one seat." in html
    assert "Call by Ana Ruiz" in html
    assert plan.group.requests.get().get_absolute_url() in html


def test_who_may_not_open_the_requests_gets_no_link_to_them(page, plan, agent):
    asked_by_phone(plan, agent, customer=factories.CustomerFactory())
    html = page(factories.UserFactory(role="executive"), plan).content.decode()
    assert "Call by Ana Ruiz" in html
    assert plan.group.requests.get().get_absolute_url() not in html


def test_members_of_the_group_look_and_do_not_move_it(page, do, plan, colleague):
    html = page(colleague, plan).content.decode()
    assert "It has come" not in html
    assert reverse("surveys:plan_begin", args=[plan.pk]) not in html
    assert do(colleague, "ship", plan, outcome=WORDS, shipped_on=timezone.localdate()).status_code == 404


def test_shipped_it_says_what_changed_and_can_be_undone(do, plan, agent, as_user):
    asked_in_a_comment(plan)
    answer = do(agent, "ship", plan, outcome=WORDS, shipped_on=timezone.localdate())
    plan.refresh_from_db()
    assert (plan.state, plan.outcome) == ("done", WORDS)
    undo = next(tag for tag in list(answer.context["messages"])[-1].extra_tags.split() if tag.startswith("undo:"))
    as_user(agent).post(undo.removeprefix("undo:"))
    jobs.tell_improvements()
    plan.refresh_from_db()
    assert (plan.state, mail.outbox) == ("open", [])


@pytest.mark.parametrize(
    ("days", "words", "said"),
    [(1, WORDS, "still to come"), (0, " ", "Say what changed"), (0, "x" * 2001, "2000")],
)
def test_what_is_refused_stands_beside_its_field_and_nothing_is_lost(do, plan, agent, days, words, said):
    day = timezone.localdate() + timedelta(days=days)
    answer = do(agent, "ship", plan, outcome=words, shipped_on=day)
    html = answer.content.decode()
    assert (answer.status_code, said in html, words.strip() in html) == (422, True, True)
    plan.refresh_from_db()
    assert plan.state == "open"


def test_dropped_without_words_it_says_so_beside_the_same_field(as_user, plan, agent):
    answer = as_user(agent).post(reverse("surveys:plan_drop", args=[plan.pk]), {"outcome": ""})
    assert answer.status_code == 422
    assert "Say what" in answer.content.decode()


def test_who_drops_what_has_come_meanwhile_is_told_so_and_loses_no_word(as_user, plan, agent):
    shipping.ship(plan=plan, outcome=WORDS, by=agent)
    answer = as_user(agent).post(reverse("surveys:plan_drop", args=[plan.pk]), {"outcome": "Too dear for now"})
    html = answer.content.decode()
    assert (answer.status_code, "has ended: Done" in html, "Too dear for now" in html) == (422, True, True)


def test_it_says_how_far_it_is_with_telling_them(page, plan, agent, lead):
    asked_by_phone(plan, agent)
    asked_in_a_comment(plan)
    asked_in_a_comment(plan, factories.CustomerFactory())
    shipped(plan, agent)
    progress = page(lead, plan).context["progress"]
    assert progress == shipping.Progress(asked=3, in_writing=1, to_call=1, not_told=1)
    html = page(lead, plan).content.decode()
    assert "Will hear it in a call" in html
    assert "Tell them now" in html


def test_beside_each_comment_stands_how_its_customer_was_told(page, plan, agent, lead):
    asked_in_a_comment(plan)
    assert "Told in writing</span>" not in page(lead, plan).content.decode()
    shipped(plan, agent)
    assert "Told in writing</span>" in page(lead, plan).content.decode()


def test_told_at_once_when_somebody_asks_for_it(do, plan, agent, nudges, django_capture_on_commit_callbacks):
    asked_in_a_comment(plan)
    shipping.ship(plan=plan, outcome=WORDS, by=agent)
    with django_capture_on_commit_callbacks(execute=True):
        do(agent, "tell", plan)
    assert (shipping.JOB, plan.pk) in nudges


def test_what_has_not_come_cannot_be_told(do, plan, agent):
    answer = do(agent, "tell", plan)
    assert "has not come yet" in answer.content.decode()
    assert not Told.objects.exists()


def test_the_part_that_says_who_was_told_moves_by_itself(as_user, plan, agent, page):
    html = page(agent, plan).content.decode()
    assert f'data-stream="plan:{plan.pk}"' in html
    url = reverse("surveys:improvement_telling", args=[plan.pk])
    part = as_user(agent).get(url, headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith("<section")
    assert as_user(agent).get(url).status_code == 302


def test_open_pages_hear_that_somebody_was_told(plan, agent, django_capture_on_commit_callbacks):
    asked_in_a_comment(plan)
    shipping.ship(plan=plan, outcome=WORDS, by=agent)
    before = live.numbers([f"plan:{plan.pk}"])[f"plan:{plan.pk}"]
    with django_capture_on_commit_callbacks(execute=True):
        shipping.carry_on(plan.pk)
    assert live.numbers([f"plan:{plan.pk}"])[f"plan:{plan.pk}"] > before


def test_only_who_sees_it_may_follow_it(plan, colleague, stranger, lead):
    assert [shipping.may_follow(person, plan.pk) for person in (colleague, stranger, lead)] == [True, False, True]


def test_everybody_who_asked_stands_on_a_page_of_its_own(as_user, plan, agent, lead, monkeypatch):
    monkeypatch.setattr("surveys.views.outreach.improvement_parts.CALLS", 1)
    customers = {asked_by_phone(plan, agent).name for _n in range(3)}
    url = reverse("surveys:improvement_asked", args=[plan.pk])
    assert url in as_user(lead).get(plan.get_absolute_url()).content.decode()
    html = as_user(lead).get(url).content.decode()
    assert all(name in html for name in customers)


def test_the_export_of_who_asked_says_how_each_was_told(as_user, plan, agent, lead):
    customer = asked_by_phone(plan, agent)
    shipped(plan, agent)
    (row,) = rows_of(as_user(lead).get(reverse("surveys:improvement_asked_export", args=[plan.pk])))
    assert (row["customer"], row["by"], row["how"], row["told"]) == (customer.name, "ana", "call", "")


# --- what the caller has to tell


@pytest.mark.parametrize("where", ["list", "call"])
def test_who_calls_reads_that_it_has_come(as_user, plan, agent, where):
    asked_by_phone(plan, agent)
    shipped(plan, agent)
    call = Call.objects.live().get()
    url = call.get_absolute_url() if where == "call" else reverse("surveys:calls")
    html = as_user(agent).get(url).content.decode()
    assert "It has come" in html
    assert WORDS in html


# --- whether it helped


def test_its_page_shows_the_mentions_of_its_cause_and_says_where_it_cannot_tell(page, plan, lead):
    assert "How often it comes up" not in page(lead, plan).content.decode()
    plan.cause = factories.CauseFactory(name="Refund late")
    plan.save()
    html = page(lead, plan).content.decode()
    assert "How often it comes up: " in html
    assert "It has not come yet" in html


def test_the_weeks_can_be_taken_away(as_user, plan, lead):
    plan.cause = factories.CauseFactory()
    plan.save()
    rows = rows_of(as_user(lead).get(reverse("surveys:improvement_mentions", args=[plan.pk])))
    assert [row["when"] for row in rows] == ["before"] * 8


# --- how much the database is asked


def queries(ask):
    with CaptureQueriesContext(connection) as run:
        ask()
    return len(run)


def test_the_board_asks_as_much_for_twenty_as_for_one(show, plan, group, agent, lead):
    asked_by_phone(plan, agent)
    show(lead)
    one = queries(lambda: show(lead))
    for _n in range(19):
        asked_by_phone(came(group, owner=agent, cause=factories.CauseFactory()), agent)
        factories.ActionPlanFactory(group=group)
    assert queries(lambda: show(lead)) == one
    assert queries(lambda: show(lead, "state=done")) < one


def test_its_page_asks_as_much_for_twenty_as_for_one(page, plan, agent, lead):
    plan.cause = factories.CauseFactory()
    plan.save()

    def ask():
        asked_by_phone(plan, agent)
        asked_in_a_comment(plan)

    ask()
    page(lead, plan)
    one = queries(lambda: page(lead, plan))
    for _n in range(19):
        ask()
    assert queries(lambda: page(lead, plan)) == one


def test_who_asked_takes_as_many_queries_for_twenty_as_for_one(as_user, plan, agent, lead):
    url = reverse("surveys:improvement_asked", args=[plan.pk])
    asked_by_phone(plan, agent)
    as_user(lead).get(url)
    one = queries(lambda: as_user(lead).get(url))
    for _n in range(19):
        asked_by_phone(plan, agent)
    assert queries(lambda: as_user(lead).get(url)) == one


def test_the_count_of_who_asked_is_that_of_who_is_told(plan, agent):
    asked_in_a_comment(plan, asked_by_phone(plan, agent))
    asked_in_a_comment(plan)
    asked_by_phone(plan, agent)
    assert ActionPlan.objects.with_counts().get(pk=plan.pk).asked == 3 == shipping.askers(plan).count()
