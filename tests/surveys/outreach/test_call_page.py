"""The page of one call: what it shows, the number at the moment it is asked for, and what is written down in it."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app import live
from channels_app.models import LiveEvent
from crm import consent
from surveys.models import Attempt, Call, GroupRequest
from surveys.outreach import requests
from tests import factories
from tests.surveys.outreach.days import stop_clock

pytestmark = pytest.mark.django_db
NUMBER = "+34600100200"
SATURDAY = datetime(2026, 3, 7, 12, tzinfo=UTC)


@pytest.fixture
def customer(db):
    customer = factories.CustomerFactory(name="Sara Lund", country="GB")
    factories.IdentityFactory(kind="phone", place="", value=NUMBER, customer=customer)
    return customer


@pytest.fixture
def call(customer, agent):
    """Ana's, for a ten with words."""
    call = factories.CallFactory(loop__customer=customer, owner=agent)
    response = factories.ResponseFactory(invitation__customer=customer, score=10, finished_at=timezone.now())
    factories.AnswerFactory(response=response, question__kind="text", text="The crew was kind.")
    for step in ("thank", "engage", "share"):
        factories.FollowUpFactory(call=call, response=response, step=step)
    return call


@pytest.fixture
def any_hour(db):
    """They may be called around the clock, so that a test is about something else."""
    factories.CallingHoursFactory(calendar__around_the_clock=True)


@pytest.fixture
def show(as_user):
    def show(by, call, **headers):
        return as_user(by).get(call.get_absolute_url(), headers=headers)

    return show


@pytest.fixture
def note(as_user):
    """`note(agent, call, outcome="reached")` writes it down, with a key of its own unless one is named."""

    def note(by, call, *, part="", **data):
        headers = {"HX-Request": "true", "HX-Target": part} if part else {}
        data = {"key": uuid4(), **data}
        return as_user(by).post(reverse("surveys:call_record", args=[call.pk]), data, headers=headers)

    return note


@pytest.fixture
def number(as_user):
    def number(by, call, **headers):
        return as_user(by).post(reverse("surveys:call_number", args=[call.pk]), headers=headers)

    return number


def words(answer):
    return " ".join(answer.content.decode().split())


# --- what it shows


def test_it_shows_who_what_they_said_and_how_one_may_begin(show, call, agent):
    page = words(show(agent, call))
    for shown in ("Sara Lund", "The crew was kind.", "you gave us 10 of 10", "What should we never change?"):
        assert shown in page


def test_it_says_whether_they_may_be_called_now(show, call, agent):
    answer = show(agent, call)
    assert answer.context["facts"].window.why in words(answer)


def test_the_number_stands_nowhere_on_the_page(show, call, agent):
    assert NUMBER not in words(show(agent, call))


def test_what_is_not_theirs_is_not_there(show, call, colleague, lead):
    assert [show(who, call).status_code for who in (colleague, lead)] == [404, 200]


def test_a_call_of_the_pool_is_there_for_people_like_them_and_can_be_taken(show, call, colleague, any_hour):
    Call.objects.filter(pk=call.pk).update(owner=None, owned_since=None)
    page = words(show(colleague, call))
    assert reverse("surveys:call_take", args=[call.pk]) in page
    assert "Show the number" not in page


def test_news_bring_what_is_to_be_known_and_leave_what_is_being_typed(show, call, agent):
    part = words(show(agent, call, **{"HX-Request": "true", "HX-Target": "call-facts"}))
    assert part.startswith('<div id="call-facts"')
    assert "<textarea" not in part


def test_the_page_costs_the_same_for_twenty_earlier_calls_as_for_one(show, call, agent):
    def cost():
        with CaptureQueriesContext(connection) as found:
            assert show(agent, call).status_code == 200
        return len(found)

    factories.GroupRequestFactory(attempt__call=call, attempt__note="#one")
    cost()  # what is asked once in the life of a process
    one = cost()
    for _ in range(19):
        factories.GroupRequestFactory(attempt__call=call, attempt__note="#one")
    assert cost() == one


def test_what_a_group_asks_back_is_answered_on_the_page_of_the_call(show, call, agent, as_user):
    request = factories.GroupRequestFactory(attempt__call=call)
    requests.ask_back(request=request, text="Which flight?", by=member_of(request.group))
    page = words(show(agent, call))
    where = reverse("surveys:request_tell_back", args=[request.pk])
    assert "Which flight?" in page
    assert f'action="{where}"' in page
    as_user(agent).post(where, {"text": "The one to Oslo"})
    request.refresh_from_db()
    assert request.told_back == "The one to Oslo"


def member_of(group):
    member = factories.UserFactory(role="support")
    group.members.add(member)
    return member


def test_their_clock_is_compared_with_the_readers_where_it_says_something_else(show, call, agent, customer):
    type(customer).objects.filter(pk=customer.pk).update(time_zone="Asia/Tokyo")
    facts = show(agent, call).context["facts"]
    assert facts.is_elsewhere
    with timezone.override("Asia/Tokyo"):
        assert not facts.is_elsewhere


# --- the number


def test_the_number_comes_when_it_is_asked_for_as_a_link_to_dial(number, call, agent, any_hour):
    answer = number(agent, call, **{"HX-Request": "true", "HX-Target": "call-number"})
    assert f'href="tel:{NUMBER}"' in words(answer)
    assert words(answer).startswith('<div id="call-number"')


def test_without_a_script_the_number_comes_with_the_whole_page(number, call, agent, any_hour):
    page = words(number(agent, call))
    assert f'href="tel:{NUMBER}"' in page
    assert "The crew was kind." in page


def test_the_number_is_refused_at_the_moment_it_is_asked_for(number, call, agent, customer):
    consent.record(customer=customer, purpose="call", state="refused", how="Said so", by=None)
    answer = number(agent, call, **{"HX-Request": "true", "HX-Target": "call-number"})
    assert answer.status_code == 422
    assert "Sara Lund does not want this: Calls." in words(answer)
    assert NUMBER not in words(answer)


def test_outside_their_hours_the_page_says_when_they_begin_and_has_no_button(show, number, call, agent, monkeypatch):
    stop_clock(monkeypatch, lambda: SATURDAY)
    page = words(show(agent, call))
    assert "It is 12:00 there: call from Monday 9 March, 09:00 on." in page
    assert "Show the number" not in page
    refused = number(agent, call, **{"HX-Request": "true", "HX-Target": "call-number"})
    assert refused.status_code == 422
    assert "They are not called at this hour. It is 12:00 there" in words(refused)
    assert NUMBER not in words(refused)


def test_once_their_hours_begin_the_button_comes_with_the_facts(show, call, agent, monkeypatch):
    stop_clock(monkeypatch, lambda: SATURDAY + timedelta(days=2))
    part = words(show(agent, call, **{"HX-Request": "true", "HX-Target": "call-facts"}))
    assert "Show the number" in part


# --- what came of it


def test_two_taps_are_enough(note, call, agent):
    answer = note(agent, call, outcome="reached")
    call.refresh_from_db()
    assert (answer.status_code, answer["Location"], call.state) == (302, call.get_absolute_url(), "done")


def test_a_note_asks_groups_by_its_hashtags_and_says_which_asked_nobody(note, show, call, agent):
    factories.HashtagFactory(tag="billing", group__name="Billing")
    note(agent, call, outcome="reached", note="Charged twice. #billing #whoever", heard_price="criticism")
    page = words(show(agent, call))
    assert GroupRequest.objects.get().hashtag.tag == "billing"
    assert "#whoever</strong> asked nobody" in page
    assert Attempt.objects.get().heard.get().topic == "price"


def test_what_is_sent_twice_is_kept_once(note, call, agent):
    key = uuid4()
    for _ in range(2):
        assert note(agent, call, key=key, outcome="no_answer", note="Rang").status_code == 302
    assert Attempt.objects.get().note == "Rang"


def test_what_was_written_offline_keeps_the_time_of_the_device(note, call, agent):
    Call.objects.filter(pk=call.pk).update(made_at=timezone.now() - timedelta(days=2))
    at = timezone.now() - timedelta(hours=3)
    note(agent, call, outcome="reached", at=at.isoformat())
    attempt = Attempt.objects.get()
    assert attempt.at == at < attempt.kept_at


@pytest.mark.parametrize("at", ["yesterday", "1970-01-01T00:00:00Z"])
def test_a_device_whose_clock_is_wrong_loses_nothing(note, call, agent, at):
    assert note(agent, call, outcome="reached", at=at).status_code == 302
    assert Attempt.objects.get().at >= call.made_at


def test_without_an_outcome_the_note_stays_and_it_says_what_is_missing(note, call, agent):
    answer = note(agent, call, note="Half a note")
    assert answer.status_code == 422
    assert "Choose what came of it." in words(answer)
    assert "Half a note" in words(answer)
    assert not Attempt.objects.exists()


def test_a_call_again_is_one_of_the_times_that_are_offered_or_another(note, call, agent, show):
    offered = show(agent, call).context["facts"].card.picks
    note(agent, call, outcome="later", pick=offered[0].isoformat())
    call.refresh_from_db()
    assert (call.state, call.planned_for) == ("planned", offered[0])


def test_a_time_that_has_passed_is_refused_beside_its_field(note, call, agent):
    answer = note(agent, call, outcome="later", next_at="2020-01-01T10:00", note="Later")
    assert answer.status_code == 422
    assert "This moment has passed." in words(answer)


def test_what_arrives_late_is_not_refused_for_a_time_that_was_still_to_come(note, call, agent):
    Call.objects.filter(pk=call.pk).update(made_at=timezone.now() - timedelta(days=2))
    at = timezone.now() - timedelta(days=1)
    again = timezone.localtime(at + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M")
    assert note(agent, call, outcome="later", at=at.isoformat(), next_at=again).status_code == 302


def test_a_script_gets_the_part_anew(note, call, agent):
    answer = note(agent, call, part="call", outcome="reached")
    assert (answer.status_code, words(answer).startswith('<div id="call"')) == (200, True)
    assert "This call is over" in words(answer)


def test_a_note_from_before_somebody_else_had_it_is_kept_and_shows_nothing(note, call, agent, colleague):
    then = timezone.now() - timedelta(hours=1)
    Call.objects.filter(pk=call.pk).update(owner=colleague, owned_since=timezone.now(), made_at=then)
    answer = note(agent, call, part="call", outcome="reached", at=then.isoformat())
    assert (answer.status_code, answer.content) == (204, b"")
    assert Attempt.objects.get().by == agent
    refused = note(agent, call, part="call", at=then.isoformat())
    assert refused.status_code == 422
    assert "Sara" not in words(refused)


def test_nobody_writes_down_the_call_of_another(note, call, colleague):
    assert note(colleague, call, outcome="reached").status_code == 404


def test_of_who_was_erased_nothing_is_kept_and_it_says_so(note, call, agent, customer):
    type(customer).objects.filter(pk=customer.pk).update(erased_at=timezone.now())
    answer = note(agent, call, part="call", outcome="reached", note="Hello")
    assert answer.status_code == 422
    assert "data-refusal" in words(answer)
    assert not Attempt.objects.exists()


# --- live


def test_the_answer_of_a_group_is_told_to_the_open_page_of_the_call(
    call, agent, django_capture_on_commit_callbacks
):  # fmt: skip
    live.numbers([f"call:{call.pk}"])
    request = factories.GroupRequestFactory(attempt__call=call, hashtag__group__members=[agent])
    with django_capture_on_commit_callbacks(execute=True):
        requests.answer(requests=[request], kind="no", text="The law asks for it.", by=agent)
    assert LiveEvent.objects.filter(stream=f"call:{call.pk}").exists()


# --- hashtags


def test_hashtags_are_offered_with_whom_they_ask(as_user, agent):
    group = factories.SupportGroupFactory(name="Billing")
    for tag in ("bills", "billing"):
        factories.HashtagFactory(tag=tag, group=group)
    factories.HashtagFactory(tag="old", retired_at=timezone.now())
    factories.HashtagFactory(tag="closed", group__closed_at=timezone.now())
    offered = as_user(agent).get(reverse("surveys:call_tags")).json()["tags"]
    assert offered == [{"tag": tag, "group": "Billing", "about": ""} for tag in ("billing", "bills")]
