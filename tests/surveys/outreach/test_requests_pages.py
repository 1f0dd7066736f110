"""Requests to groups on screen: the inbox by due date, the page of one, and what groups and callers do there."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app import live
from channels_app.models import LiveEvent
from surveys.models import ActionPlan, Call, GroupRequest
from surveys.outreach import requests
from surveys.views.outreach import request_page
from tests import factories

pytestmark = pytest.mark.django_db
MAY = date(2030, 5, 1)


@pytest.fixture
def esther():
    return factories.UserFactory(username="esther", first_name="Esther", last_name="Price", role="executive")


@pytest.fixture
def sam():
    """Of the billing group, and in no other."""
    return factories.UserFactory(username="sam", first_name="Sam", last_name="Lee", role="support")


@pytest.fixture
def billing(sam):
    group = factories.SupportGroupFactory(name="Billing", members=[sam])
    return factories.HashtagFactory(tag="billing", group=group)


@pytest.fixture
def ask(esther, billing):
    """`ask("Charged twice.", due=3)` asks billing after a call of Esther's that is over; due in so many days."""

    def ask(quote="They were charged twice.", due=9, **facts):
        facts = {"hashtag": billing, "attempt__call__owner": esther} | facts
        call = {"attempt__call__state": "done", "attempt__call__ended_at": timezone.now()}
        return factories.GroupRequestFactory(
            quote=quote, due_at=timezone.now() + timedelta(days=due), **call, **facts
        )  # fmt: skip

    return ask


@pytest.fixture
def show(as_user):
    def show(by, query=""):
        return as_user(by).get(f"{reverse('surveys:requests')}?{query}")

    return show


@pytest.fixture
def look(as_user):
    def look(by, request, query="", **headers):
        return as_user(by).get(f"{request.get_absolute_url()}?{query}", headers=headers)

    return look


@pytest.fixture
def do(as_user):
    """`do(sam, "answer", request, kind="no", text="…")` presses it and follows to the next page."""

    def do(by, deed, request, **data):
        headers = data.pop("headers", {})
        where = reverse(f"surveys:request_{deed}", args=[request.pk])
        return as_user(by).post(where, data, follow=True, headers=headers)

    return do


def quotes(answer):
    return [request.quote for request in answer.context["page"].rows]


def text_of(answer):
    return " ".join(answer.content.decode().split())


def said(answer):
    return [str(message) for message in answer.context["messages"]]


NO = {"kind": "no", "text": "The law asks for it."}


# --- the list


def test_what_is_due_first_stands_first_and_its_clock_is_said_in_words(show, ask, sam):
    ask("Later.", due=9)
    ask("Sooner.", due=2)
    shown = show(sam)
    assert quotes(shown) == ["Sooner.", "Later."]
    assert "9 days left, until" in text_of(shown)


def test_what_is_overdue_is_marked_and_counted(show, ask, sam):
    ask("Late.", due=-3)
    ask("In time.")
    shown = show(sam)
    assert "asked-clock--late" in text_of(shown)
    assert "3 days overdue, was due" in text_of(shown)
    counts = {chip["label"]: chip["count"] for chip in shown.context["chips"] if chip["count"] is not None}
    assert counts == {"Waiting": 2, "Overdue": 1, "Stand still": 0}
    assert quotes(show(sam, "state=overdue")) == ["Late."]


def test_a_clock_that_stands_still_is_not_overdue(show, ask, sam):
    now = timezone.now()
    ask("Stands.", due=-3, asked_back="Which seat?", asked_back_at=now, asked_back_by=sam)
    shown = show(sam)
    assert "Stands still: you asked Esther" in text_of(shown)
    assert "asked-clock--late" not in text_of(shown)
    assert quotes(show(sam, "state=overdue")) == []
    assert quotes(show(sam, "state=asked_back")) == ["Stands."]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Waits."]), ("state=answered", ["Answered."]), ("state=withdrawn", ["Withdrawn."]),
        ("state=all", ["Withdrawn.", "Answered.", "Waits."]), ("state=nonsense", ["Waits."]),
    ],
)  # fmt: skip
def test_each_state_is_a_list_of_its_own(show, ask, sam, query, found):
    now = timezone.now()
    ask("Waits.", asked_at=now - timedelta(hours=3))
    ask("Answered.", asked_at=now - timedelta(hours=2), answer=factories.GroupAnswerFactory())
    ask("Withdrawn.", asked_at=now - timedelta(hours=1), withdrawn_at=now)
    assert quotes(show(sam, query)) == found


def test_the_list_is_narrowed_by_group_and_by_hashtag(show, ask, lead, billing):
    seats = factories.HashtagFactory(tag="seats", group__name="Cabin")
    ask("Twice.")
    ask("Cold.", hashtag=seats)
    ask("Hard.", hashtag=factories.HashtagFactory(tag="beds", group=seats.group))
    assert quotes(show(lead, f"group={seats.group.pk}")) == ["Cold.", "Hard."]
    assert quotes(show(lead, f"tag={seats.pk}")) == ["Cold."]
    assert len(quotes(show(lead))) == 3


def test_groups_see_theirs_callers_what_they_asked_leads_all(show, ask, sam, esther, lead, agent):
    ask("Ours.")
    ask("Of others.", hashtag=factories.HashtagFactory())
    ask("By others.", attempt__call__owner=agent)
    assert quotes(show(sam)) == ["Ours.", "By others."]
    assert quotes(show(esther)) == ["Ours.", "Of others."]
    assert len(quotes(show(lead))) == 3
    assert quotes(show(factories.UserFactory(role="support"))) == []


def test_whoever_has_the_customers_next_call_sees_what_was_asked_for_them(show, ask, agent):
    request = ask()
    factories.CallFactory(loop=request.loop, kind="second", owner=agent)
    assert quotes(show(agent)) == ["They were charged twice."]
    assert quotes(show(agent, "whose=mine")) == ["They were charged twice."]
    assert quotes(show(agent, "whose=groups")) == []


def test_an_empty_list_says_what_to_do(show, sam, billing, esther, lead):
    nobody = factories.UserFactory(role="support")
    sentences = {
        sam: "you get a notice, and it stands here", esther: "such as #billing", lead: "asks the group that owns it",
        nobody: "A team lead adds you to a support group",
    }  # fmt: skip
    for person, sentence in sentences.items():
        assert sentence in text_of(show(person))
    assert "No request fits this filter." in text_of(show(sam, "state=answered"))


def test_support_finds_both_kinds_of_questions_behind_two_tabs(show, as_user, sam):
    for page in (show(sam), as_user(sam).get(reverse("cases:group_questions"))):
        assert "From cases" in text_of(page)
        assert "From calls" in text_of(page)


def test_only_who_answers_for_a_group_is_offered_to_choose(show, ask, sam, lead, billing):
    ask()
    ask(answer=factories.GroupAnswerFactory())
    assert text_of(show(sam, "state=all")).count('name="requests"') == 1
    assert 'name="requests"' not in text_of(show(lead))
    billing.group.owner = lead
    billing.group.save()
    assert 'name="requests"' in text_of(show(lead))


def test_the_list_follows_the_streams_of_the_groups_one_is_of(show, ask, sam, billing, esther):
    ask()
    assert f'data-stream="group:{billing.group_id}"' in text_of(show(sam))
    assert "group:" not in text_of(show(esther))


def test_a_list_of_20_costs_the_same_number_of_queries_as_one_of_1(as_user, ask, sam, lead):
    def queries(by, n):
        for _ in range(n):
            ask(asked_back="?", asked_back_at=timezone.now(), asked_back_by=sam)
            ask(answer=factories.GroupAnswerFactory())
        client = as_user(by)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(f"{reverse('surveys:requests')}?state=all").status_code == 200
        return len(asked)

    assert queries(sam, 1) == queries(sam, 9)
    assert queries(lead, 0) <= queries(sam, 0) <= 9


def test_a_long_list_goes_on_where_it_ended(show, ask, sam):
    for n in range(32):
        ask(f"Number {n}.", due=n + 1)
    first = show(sam)
    assert len(quotes(first)) == 30
    assert quotes(show(sam, first.context["page"].next_query)) == ["Number 30.", "Number 31."]


def test_leads_take_the_list_away_as_it_is_filtered(as_user, ask, lead):
    ask("=Twice.", answer=factories.GroupAnswerFactory(text="The law.", by__username="ben"))
    ask("Waits.")
    answer = as_user(lead).get(reverse("surveys:requests_export"), {"query": "state=answered"})
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode().removeprefix("\ufeff")))
    assert (row["hashtag"], row["state"], row["answer"], row["answered by"]) == ("billing", "answered", "no", "ben")
    assert row["what they said"] == "'=Twice."


# --- one


def test_the_page_says_what_was_said_by_whom_and_what_led_to_it(look, ask, sam, esther):
    request = ask(customer__name="Ann Mercer", attempt__call__loop__customer__name="Ann Mercer")
    answered = factories.ResponseFactory(invitation__customer=request.customer, score=3)
    factories.FollowUpFactory(call=request.attempt.call, response=answered)
    shown = text_of(look(sam, request))
    for words in (
        "Detractor, ",
        "They were charged twice.",
        "Ann Mercer",
        "Esther Price",
        "#billing",
        "9 days left, until",
    ):
        assert words in shown


def test_a_group_reads_its_sentences_and_not_the_rest_of_the_note(look, as_user, ask, sam, esther):
    request = ask("Charged twice.")
    request.attempt.note = "Charged twice. #billing Their wife is ill. #cabin"
    request.attempt.save()
    ask("The crew was rude.", attempt=request.attempt, hashtag=factories.HashtagFactory(tag="cabin"))
    theirs, ours = text_of(look(sam, request)), text_of(look(esther, request))
    theirs += text_of(as_user(sam).get(request.loop.get_absolute_url()))
    assert "Their wife is ill." not in theirs
    assert "The crew was rude." not in theirs
    assert "Their wife is ill." in ours


def test_who_does_not_work_with_customers_is_not_led_to_their_record(look, ask, sam, esther):
    request = ask()
    address = request.customer.get_absolute_url()
    assert address not in text_of(look(sam, request))
    assert address in text_of(look(esther, request))


def test_only_members_are_offered_to_answer_and_only_callers_to_withdraw(look, ask, sam, esther, lead):
    request = ask()
    answers, withdraws = "/answer/", "/withdraw/"
    for person, may in ((sam, (True, False)), (esther, (False, True)), (lead, (False, True))):
        shown = text_of(look(person, request))
        assert (answers in shown, withdraws in shown) == may


@pytest.mark.parametrize("part", ["request", "request-deeds", "request-steps"])
def test_each_part_comes_again_alone(look, ask, sam, part):
    answer = look(sam, ask(), **{"HX-Request": "true", "HX-Target": part})
    shown = answer.content.decode().strip()
    assert f'id="{part}"' in shown
    assert "<html" not in shown
    assert shown.count("data-request-part") == 1


def test_a_page_with_20_alike_costs_the_same_number_of_queries_as_one_with_1(as_user, ask, sam):
    request = ask()

    def queries(n):
        for _ in range(n):
            ask()
        client = as_user(sam)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(request.get_absolute_url()).status_code == 200
        return len(asked)

    assert queries(1) == queries(19) <= 26


# --- answered


def test_an_answer_is_given_and_the_caller_is_told(do, ask, sam):
    request = ask()
    answered = do(sam, "answer", request, **NO)
    request.refresh_from_db()
    assert (request.answer.kind, request.answer.text, request.answer.by) == ("no", "The law asks for it.", sam)
    assert said(answered) == ["Answered. Esther Price is told."]
    assert "Answered by you" in text_of(answered)
    assert Call.objects.get(kind="second").loop == request.loop


def test_the_callers_list_of_calls_the_inbox_and_the_page_hear_of_the_answer(
    do, ask, sam, esther, billing, django_capture_on_commit_callbacks
):
    request = ask()
    streams = [f"user:{esther.pk}", f"group:{billing.group_id}", f"request:{request.pk}"]
    live.numbers(streams)
    with django_capture_on_commit_callbacks(execute=True):
        do(sam, "answer", request, **NO)
    heard = LiveEvent.objects.filter(kind__in=["calls", "requests", "request"]).values_list("stream", "kind")
    assert set(zip(streams, ["calls", "requests", "request"], strict=True)) <= set(heard)


def test_a_change_says_from_when_and_makes_an_improvement(do, ask, sam):
    request = ask()
    do(sam, "answer", request, kind="change", text="One invoice for each seat.", change_from="2030-05-01")
    request.refresh_from_db()
    assert request.answer.change_from == MAY
    assert request.answer.plan.title == "One invoice for each seat."


def test_a_change_joins_an_open_improvement_of_the_group_and_of_no_other(do, look, ask, sam, billing):
    ours = factories.ActionPlanFactory(title="Clear invoices", group=billing.group)
    factories.ActionPlanFactory(title="Warm seats", group=factories.SupportGroupFactory())
    request = ask()
    shown = text_of(look(sam, request))
    assert "Clear invoices" in shown
    assert "Warm seats" not in shown
    do(sam, "answer", request, kind="change", text="Soon.", change_from="2030-05-01", plan=ours.pk)
    assert GroupRequest.objects.get().answer.plan == ours
    assert ActionPlan.objects.filter(group=billing.group).count() == 1


def test_a_day_that_was_left_behind_in_another_answer_is_not_sent_with_it(do, ask, sam):
    request = ask()
    do(sam, "answer", request, change_from="2030-05-01", **NO)
    request.refresh_from_db()
    assert request.answer.change_from is None


def test_those_that_ask_for_the_same_are_answered_with_it(do, look, ask, sam, agent):
    first, same, other = ask(), ask(attempt__call__owner=agent), ask()
    assert set(look(sam, first).context["answer_form"].alike) == {same, other}
    answered = do(sam, "answer", first, requests=[same.pk], **NO)
    assert said(answered) == ["2 requests are answered, and who asked is told."]
    assert set(GroupRequest.objects.answered()) == {first, same}


def test_of_many_that_ask_for_the_same_the_likest_are_shown_and_the_others_counted(look, ask, sam, monkeypatch):
    monkeypatch.setattr(request_page, "MOST_ALIKE", 1)
    request = ask("Charged twice for one seat.")
    ask("The invoice names somebody else.", due=1)
    likest = ask("Charged twice for a seat.")
    shown = look(sam, request)
    assert shown.context["answer_form"].alike == [likest]
    assert "2 more ask about the same" in text_of(shown)
    assert "The likest stand here." in text_of(shown)


def test_chosen_requests_are_answered_together_on_the_page_of_the_first(as_user, ask, sam, billing):
    later, first = ask(due=9), ask(due=2, hashtag=factories.HashtagFactory(group=billing.group))
    answer = as_user(sam).get(reverse("surveys:requests_together"), {"requests": [later.pk, first.pk]}, follow=True)
    assert answer.context["asked"] == first
    assert answer.context["answer_form"].ticked == [str(later.pk)]
    assert f'value="{later.pk}" id="alike-{later.pk}" checked' in text_of(answer)


def test_where_a_colleague_was_first_with_one_of_several_none_is_answered(do, ask, sam, billing, agent):
    first, other = ask(), ask()
    billing.group.members.add(agent)
    requests.answer(requests=[other], by=agent, **NO)
    answered = do(sam, "answer", first, requests=[other.pk], **NO)
    assert answered.context["answer_form"].errors == {"text": ["Ana Ruiz has answered this already."]}
    assert "Answered by Ana Ruiz" in text_of(answered)
    assert set(GroupRequest.objects.waiting()) == {first}


def test_requests_of_two_groups_are_not_answered_together(as_user, ask, lead):
    chosen = [ask().pk, ask(hashtag=factories.HashtagFactory()).pk]
    answer = as_user(lead).get(reverse("surveys:requests_together"), {"requests": chosen}, follow=True)
    assert said(answer) == ["These requests are with several groups. Answer those of one group together."]


def test_nothing_is_answered_together_that_one_may_not_see(as_user, ask, sam):
    hidden = ask(hashtag=factories.HashtagFactory())
    answer = as_user(sam).get(reverse("surveys:requests_together"), {"requests": [hidden.pk, "x"]}, follow=True)
    assert said(answer) == ["Choose what you answer."]


@pytest.mark.parametrize("htmx", [True, False])
def test_of_two_who_answer_the_second_is_told_whose_it_is_and_loses_no_word(do, ask, sam, billing, agent, htmx):
    request = ask()
    billing.group.members.add(agent)
    requests.answer(requests=[request], by=agent, **NO)
    headers = {"HX-Request": "true", "HX-Target": "request-page"} if htmx else {}
    answered = do(sam, "answer", request, kind="keep", text="They like it.", headers=headers)
    assert answered.status_code == 422
    assert "Ana Ruiz has answered this already." in text_of(answered)
    assert "They like it.</textarea>" in text_of(answered)
    assert "The law asks for it." in text_of(answered)
    assert ("<html" in text_of(answered)) is not htmx


@pytest.mark.parametrize(
    ("sent", "field", "sentence"),
    [
        ({"text": "So."}, "kind", "This field is required."),
        ({"kind": "no", "text": " "}, "text", "This field is required."),
        ({"kind": "change", "text": "So."}, "change_from", "Say from when it is changed: customers ask that first."),
    ],
)
def test_what_is_missing_stands_beside_its_field(do, ask, sam, sent, field, sentence):
    answered = do(sam, "answer", ask(), **sent)
    assert answered.status_code == 422
    assert answered.context["answer_form"].errors == {field: [sentence]}


def test_who_is_not_of_the_group_does_not_answer(do, ask, lead):
    answered = do(lead, "answer", ask(), **NO)
    assert answered.status_code == 422
    assert "Only members of Billing answer what it is asked." in text_of(answered)
    assert not GroupRequest.objects.answered().exists()


# --- asked back, told, withdrawn


def test_a_question_back_stops_the_clock_until_the_caller_answers(do, look, ask, sam, esther):
    request = ask()
    assert "Stands still: you asked Esther" in text_of(do(sam, "ask_back", request, text="Which seat?"))
    shown = text_of(look(esther, request))
    assert "Sam Lee asked you" in shown
    assert "Which seat?" in shown
    told = do(esther, "tell_back", request, text="12 A.")
    assert said(told) == ["Billing is told, and its clock goes on."]
    request.refresh_from_db()
    assert (request.asked_back_at, request.told_back) == (None, "12 A.")
    assert "12 A." in text_of(look(sam, request))


def test_what_a_group_asked_back_is_answered_on_the_page_of_the_call_too(do, as_user, ask, sam, esther):
    request = ask()
    requests.ask_back(request=request, text="Which seat?", by=sam)
    call = request.attempt.call.get_absolute_url()
    shown = text_of(as_user(esther).get(call))
    assert reverse("surveys:request_tell_back", args=[request.pk]) in shown
    assert f'name="next" value="{call}"' in shown
    told = do(esther, "tell_back", request, text="12 A.", next=call)
    assert told.redirect_chain == [(call, 302)]
    assert reverse("surveys:request_tell_back", args=[request.pk]) not in text_of(told)


def test_a_second_question_waits_for_the_answer_to_the_first_and_is_kept(do, ask, sam, agent, billing):
    request = ask()
    billing.group.members.add(agent)
    requests.ask_back(request=request, text="Which seat?", by=agent)
    answered = do(sam, "ask_back", request, text="Which train?")
    assert answered.status_code == 422
    assert "Ana Ruiz has asked something already, and waits for an answer." in text_of(answered)
    assert "Which train?</textarea>" in text_of(answered)


def test_an_answer_nobody_waits_for_is_kept_in_its_field(do, ask, esther):
    answered = do(esther, "tell_back", ask(), text="12 A.")
    assert answered.status_code == 422
    assert "Billing waits for nothing" in text_of(answered)
    assert "12 A.</textarea>" in text_of(answered)


def test_who_asked_withdraws(do, ask, esther, show, sam):
    request = ask()
    assert said(do(esther, "withdraw", request)) == ["Withdrawn. Billing need not answer any more."]
    assert quotes(show(sam)) == []
    assert "Withdrawn: nobody waits" in text_of(do(esther, "withdraw", request))


def test_a_group_does_not_withdraw_what_it_is_asked(do, ask, sam):
    request = ask()
    answered = do(sam, "withdraw", request)
    assert answered.status_code == 422
    assert "Only Esther Price, who asked" in text_of(answered)
    request.refresh_from_db()
    assert request.waits


# --- who is here


def test_who_looks_or_writes_hears_who_else_is_there(as_user, ask, sam, billing, agent):
    request = ask()
    billing.group.members.add(agent)
    address = reverse("surveys:request_typing", args=[request.pk])
    assert as_user(agent).post(address, {"doing": "typing"}).json() == {"people": []}
    [other] = as_user(sam).post(address, {"doing": "viewing"}).json()["people"]
    assert (other["name"], other["doing"]) == ("Ana Ruiz", "typing")
    as_user(agent).post(address, {"doing": "gone"})
    assert as_user(sam).post(address, {}).json() == {"people": []}
    assert as_user(sam).post(address, {"doing": "nonsense"}).status_code == 400


def test_support_stands_in_asked_of_us_wherever_that_led_them(as_user, ask, sam, billing):
    request = ask()
    billing.group.owner = sam
    billing.group.save()
    improvement = factories.ActionPlanFactory(group=billing.group)
    elsewhere = factories.ActionPlanFactory(owner=sam)
    here = 'href="/asked/" data-go="a" aria-current="page"'
    for page in (request.get_absolute_url(), request.loop.get_absolute_url(), improvement.get_absolute_url(),
                 reverse("surveys:hashtags"), reverse("surveys:hashtag_new")):  # fmt: skip
        assert here in text_of(as_user(sam).get(page)), page
    assert here not in text_of(as_user(sam).get(elsewhere.get_absolute_url()))
    refused = as_user(sam).post(reverse("surveys:improvement_ship", args=[improvement.pk]), {"outcome": ""})
    assert refused.status_code == 422
    assert here in text_of(refused)
