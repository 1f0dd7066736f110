"""Loops on screen: the board and its list, the page of one, and what a customer and an account asked and were told."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app import live
from crm.models import Activity
from surveys.models import Call, GroupRequest, Loop
from surveys.outreach import loops
from surveys.outreach.loops import Step
from surveys.views.outreach import loops as views
from tests import factories
from tests.surveys.outreach.test_loops import called, whole

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ALL = dict(zip(Step, (0, 2, 2, 12, 26), strict=True))
WAITS = dict(zip(Step, (0, 9, 9, None, None), strict=True))
ONLY_CALLED = dict(zip(Step, (0, 9, None, None, None), strict=True))


@pytest.fixture
def show(as_user):
    """`show(lead, "loops", state="open")`; `htmx` names the part that is asked for."""

    def show(by, name, *args, htmx="", **query):
        headers = {"HX-Request": "true", "HX-Target": htmx} if htmx else {}
        return as_user(by).get(reverse(f"surveys:{name}", args=args), query, headers=headers)

    return show


def listed(answer):
    return [row["loop"] for row in answer.context["rows"]]


def lines(answer):
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
    return list(csv.reader(io.StringIO(text)))


def broken_off():
    loop = called(state="cancelled").loop
    loops.settle()
    loop.refresh_from_db()
    return loop


# --- the board


def test_the_board_shows_how_many_how_far_and_why(show, lead):
    whole(ALL)
    whole(WAITS)
    broken_off()
    page = show(lead, "loops")
    text = page.content.decode()
    board = page.context["board"]
    assert (board.opened, board.open, board.closed, board.died) == (3, 1, 1, 1)
    assert "3 loops were opened" in text
    assert "They asked not to be called." in text
    assert [bar.of.step for bar in page.context["bars"]] == list(Step)
    assert max(bar.came + bar.died for bar in page.context["bars"]) == 400  # the longest fills the picture
    assert "1 broke off before" in text


def test_a_time_without_loops_says_how_they_begin(show, lead):
    page = show(lead, "loops").content.decode()
    assert "No loop was opened in this time." in page
    assert "0 loops were opened" in page


def test_the_board_counts_those_opened_in_the_period_that_is_chosen(show, lead):
    whole(ALL)  # sixty days ago
    factories.CallFactory()
    assert show(lead, "loops", days="30").context["board"].opened == 1
    assert show(lead, "loops", days="90").context["board"].opened == 2
    assert show(lead, "loops", days="all of them").context["board"].opened == 2


@pytest.mark.parametrize(
    ("table", "first"), [("steps", "Answered the survey"), ("reasons", "They asked not to be called.")]
)
def test_a_figure_comes_as_a_file_as_its_table_shows_it(show, lead, table, first):
    whole(ALL)
    broken_off()
    shown = show(lead, "loops").context["tables"][table]
    head, *rows = lines(show(lead, "loops_figures", table))
    assert head == shown.columns
    assert [row[0] for row in rows] == [row[0] for row in shown.rows]
    assert rows[0][0] == first


def test_a_figure_nobody_knows_is_not_found(show, lead):
    assert show(lead, "loops_figures", "others").status_code == 404


# --- the list


def test_the_newest_stands_first_with_what_comes_next(show, lead):
    older, newer = whole(ONLY_CALLED), factories.CallFactory(due_at=timezone.now() - DAY).loop
    page = show(lead, "loops")
    assert listed(page) == [newer, older]
    text = page.content.decode()
    assert f"{newer.calls.get().owner} calls them" in text
    assert "Overdue" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"state": "open"}, {"open", "asks"}), ({"state": "died"}, {"died"}), ({"step": "called"}, {"open", "died"}),
        ({"step": "given"}, {"asks"}), ({"q": "mercer"}, {"open"}), ({"q": "mercer", "state": "died"}, set()),
        ({"state": "no such", "step": "none"}, {"open", "asks", "died"}),
    ],
)  # fmt: skip
def test_the_list_is_narrowed(show, lead, query, found):
    there = {"died": broken_off(), "open": factories.CallFactory(loop__customer__name="Ann Mercer").loop}
    asks = called()
    factories.GroupRequestFactory(attempt=factories.CallAttemptFactory(call=asks))
    there["asks"] = asks.loop
    page = show(lead, "loops", **query)
    assert set(listed(page)) == {there[name] for name in found}
    assert page.context["board"].opened == 3  # the figures are of all


def test_a_filter_that_finds_nothing_can_be_taken_away(show, lead):
    factories.CallFactory()
    page = show(lead, "loops", state="closed", days="90")
    assert "No loop fits this filter." in page.content.decode()
    (tag,) = page.context["form"].in_force
    assert (tag["value"], tag["without"]) == ("Closed", "days=90")


def test_callers_see_theirs_and_no_figures(show, agent):
    mine = factories.CallFactory(owner=agent).loop
    factories.CallFactory()
    page = show(agent, "loops")
    assert listed(page) == [mine]
    assert "board" not in page.context


def test_the_list_is_cut_into_pages_without_a_gap(show, lead, monkeypatch):
    monkeypatch.setattr(views, "PAGE", 2)
    made = [factories.CallFactory().loop for _ in range(5)]
    page = show(lead, "loops", htmx="found")
    found = listed(page)
    while following := page.context["page"].next_query:
        page = show(lead, "loops", htmx="more", **QueryDict(following).dict())
        found += listed(page)
    assert found == made[::-1]
    assert "board" not in page.context


@pytest.mark.parametrize("by", ["lead", "agent"])
def test_the_board_costs_the_same_with_one_loop_and_with_twenty(show, by, request):
    person = request.getfixturevalue(by)

    def cost(n):
        for _ in range(n):
            loop = whole(ALL)
            Call.objects.filter(loop=loop).update(owner=person)
        with CaptureQueriesContext(connection) as asked:
            assert show(person, "loops").status_code == 200
        return len(asked)

    cost(1)
    assert cost(1) == cost(20)


def test_leads_take_the_list_away_as_it_is_filtered(show, lead):
    closed, died = whole(ALL), broken_off()
    answer = show(lead, "loops_export", query="state=closed")
    head, *rows = lines(answer)
    assert head == list(views.COLUMNS)
    (row,) = rows
    assert row[:4] == [str(closed.pk), str(closed.customer_id), str(closed.customer), "closed"]
    assert all(row[6:11])
    (row,) = lines(show(lead, "loops_export", query="state=died"))[1:]
    assert row[0] == str(died.pk)
    assert row[-2:] == ["called", "They asked not to be called."]
    assert Activity.objects.filter(verb="exported", by=lead).count() == 2


def test_an_export_of_many_costs_what_one_of_few_costs(show, lead):
    def cost(n):
        for _ in range(n):
            whole(ALL)
        with CaptureQueriesContext(connection) as asked:
            assert len(lines(show(lead, "loops_export"))) > n
        return len(asked)

    cost(1)
    assert cost(1) == cost(20)


# --- one


def test_the_page_of_one_dates_and_links_every_step(show, lead):
    loop = whole(ALL)
    page = show(lead, "loop", loop.pk)
    text, story = page.content.decode(), page.context["story"]
    assert [each.step for each in story] == list(Step)
    for each in story:
        assert each.name in text
        assert each.url.startswith("/")
        assert f'href="{each.url}"' in text
    assert str(GroupRequest.objects.get().quote) in text
    assert "Closed" in text
    assert page.context["coming"] is None


def test_it_says_what_comes_next_by_when_and_who_takes_part(show, lead):
    call = factories.CallFactory()
    page = show(lead, "loop", call.loop_id)
    text = page.content.decode()
    assert f"{call.owner} calls them" in text
    request = factories.GroupRequestFactory(attempt=factories.CallAttemptFactory(call=call))
    people = show(lead, "loop", call.loop_id).context["people"]
    assert people == [(str(call.owner), "calls"), (str(request.group), "answers")]


def test_it_says_where_and_why_it_broke_off(show, lead):
    assert "They asked not to be called." in show(lead, "loop", broken_off().pk).content.decode()


def test_a_group_sees_the_loop_it_is_asked_in_and_nobody_elses(show):
    member = factories.UserFactory(role="support")
    request = factories.GroupRequestFactory(hashtag__group=factories.SupportGroupFactory(members=[member]))
    page = show(member, "loop", request.loop_id)
    assert page.status_code == 200
    assert page.context["people"]
    assert reverse("crm:customer", args=[request.customer_id]) not in page.content.decode()
    assert show(member, "loop", factories.CallFactory().loop_id).status_code == 404


def test_an_open_page_follows_all_of_it_that_its_reader_sees_and_fetches_the_part_alone(show, lead, agent):
    loop = whole(ALL)
    Call.objects.filter(loop=loop, kind="first").update(owner=agent)
    theirs = dict(show(lead, "loop", loop.pk).context["streams"])
    calls, request = loop.calls.order_by("pk"), GroupRequest.objects.get()
    assert list(theirs) == [f"loop:{loop.pk}", *(f"call:{call.pk}" for call in calls), f"request:{request.pk}"]
    mine = dict(show(agent, "loop", loop.pk).context["streams"])
    first = loop.calls.get(kind="first")
    assert f"call:{first.pk}" in mine
    assert set(mine) < set(theirs)
    assert all(live.may_follow(agent, name) for name in mine)
    assert not any(live.may_follow(agent, name) for name in set(theirs) - set(mine))
    part = show(lead, "loop", loop.pk, htmx="loop").content.decode()
    assert part.lstrip().startswith("<div")
    assert 'id="loop"' in part


def test_the_page_of_one_costs_the_same_with_one_request_and_with_twenty(show, lead):
    def cost(n):
        call = factories.CallFactory()
        for _ in range(n):
            attempt = factories.CallAttemptFactory(call=call)
            request = factories.GroupRequestFactory(attempt=attempt)
            answer = factories.GroupAnswerFactory(group=request.group)
            GroupRequest.objects.filter(pk=request.pk).update(answer=answer)
        with CaptureQueriesContext(connection) as asked:
            assert show(lead, "loop", call.loop_id).status_code == 200
        return len(asked)

    cost(1)
    assert cost(1) == cost(20)


# --- you asked, we did


def answered(customer, **facts):
    call = called(loop__customer=customer)
    request = factories.GroupRequestFactory(attempt=factories.CallAttemptFactory(call=call))
    answer = factories.GroupAnswerFactory(group=request.group, **facts)
    GroupRequest.objects.filter(pk=request.pk).update(answer=answer)
    return call.loop


@pytest.fixture
def seat(db):
    """Ann, who is something to an account."""
    return factories.StakeholderFactory(customer__name="Ann Mercer")


def test_a_customers_page_says_what_they_asked_and_what_they_were_answered(show, agent, seat):
    answered(seat.customer, text="The law asks for it.")
    text = show(agent, "loops_of_customer", seat.customer_id, htmx="part").content.decode()
    assert "You asked, we did" in text
    assert "They were charged twice for one seat." in text
    assert "The law asks for it." in text
    assert "<html" not in text


def test_what_has_changed_stands_in_the_words_in_which_it_is_told(show, agent, seat):
    done = factories.ActionPlanFactory(state="done", outcome="One bill a seat", ended_at=timezone.now())
    answered(seat.customer, kind="change", change_from=timezone.localdate(), plan=done, text="We look into it")
    text = show(agent, "loops_of_customer", seat.customer_id, htmx="part").content.decode()
    assert "One bill a seat" in text
    assert "We look into it" not in text


def test_an_accounts_page_says_it_of_all_its_people(show, agent, seat):
    mine, other = answered(seat.customer), answered(factories.CustomerFactory())
    page = show(agent, "of_account", seat.account_id, htmx="part")
    assert listed(page) == [mine]
    assert "Ann Mercer" in page.content.decode()
    seat.left_on = timezone.localdate()
    seat.save()
    assert listed(show(agent, "of_account", seat.account_id)) == []
    assert other not in listed(page)


def test_a_link_to_the_loop_is_for_who_may_open_it(show, agent, lead, seat):
    loop = answered(seat.customer)
    assert loop.get_absolute_url() not in show(agent, "loops_of_customer", seat.customer_id).content.decode()
    assert loop.get_absolute_url() in show(lead, "loops_of_customer", seat.customer_id).content.decode()


def test_where_nothing_was_asked_the_part_is_empty_and_the_page_of_its_own_says_so(show, agent, seat):
    assert show(agent, "loops_of_customer", seat.customer_id, htmx="part").content.decode().strip() == ""
    assert "not called after a survey yet" in show(agent, "loops_of_customer", seat.customer_id).content.decode()


@pytest.mark.parametrize("name", ["loops_of_customer", "of_account"])
def test_a_part_costs_the_same_with_one_loop_and_with_twenty(show, agent, seat, name):
    def cost(n):
        for _ in range(n):
            answered(seat.customer)
        pk = seat.customer_id if name == "loops_of_customer" else seat.account_id
        with CaptureQueriesContext(connection) as asked:
            assert listed(show(agent, name, pk))
        return len(asked)

    cost(1)
    assert cost(1) == cost(20)


def test_the_pages_of_customers_and_accounts_ask_for_it(as_user, agent, seat):
    customer = as_user(agent).get(seat.customer.get_absolute_url()).content.decode()
    account = as_user(agent).get(seat.account.get_absolute_url()).content.decode()
    assert reverse("surveys:loops_of_customer", args=[seat.customer_id]) in customer
    assert reverse("surveys:of_account", args=[seat.account_id]) in account


def test_many_loops_of_one_customer_show_the_latest(show, agent, seat):
    made = [answered(seat.customer) for _ in range(views.LATEST + 2)]
    assert listed(show(agent, "loops_of_customer", seat.customer_id)) == made[::-1][: views.LATEST]
    assert Loop.objects.count() == views.LATEST + 2
