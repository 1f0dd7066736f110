"""One answer to many: to each as a reply of its own, or none and resolved; never twice, and never what may not be."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases import jobs, replies, resolution, routing
from cases.alike import answering, parting, shown
from cases.models import Case, DeskSettings, FloodAnswer
from channels_app.models import Delivery, Message
from crm.models import Customer
from tests import factories
from tests.cases.conftest import converse

pytestmark = pytest.mark.django_db
FLIGHT = "Skylark left my suitcase behind in Lisbon and nobody answers the phone since Monday morning"
ANSWER = "Your suitcases are on the flight at noon. We are sorry."


@pytest.fixture
def flood(channel, django_capture_on_commit_callbacks):
    """Four that say the same: the first stands in front."""
    talks = [converse(channel) for _ in range(4)]
    for minute, talk in enumerate(talks):
        talk.customer_says(FLIGHT, minute, sentiment="negative")
    with django_capture_on_commit_callbacks(execute=True):
        routing.route(channel)
    return [talk.case() for talk in talks]


@pytest.fixture
def work(django_capture_on_commit_callbacks):
    """`work(answer)`: as a worker does."""

    def do(answer):
        with django_capture_on_commit_callbacks(execute=True):
            jobs.answer_flood(answer.pk)
        answer.refresh_from_db()

    return do


def sent():
    """How many replies each case got."""
    found = Delivery.objects.values_list("message__case_entry__case", flat=True)
    return {case: list(found).count(case) for case in found}


def states(cases):
    return [Case.objects.get(pk=case.pk).state for case in cases]


def refused(answer):
    return {reply.case_id: reply.refusal for reply in answer.replies.refused()}


# --- to each


def test_each_gets_a_reply_of_its_own_where_they_asked(flood, agent, work):
    answer = answering.begin(case=flood[0], text=ANSWER, by=agent)
    work(answer)
    assert answer.state == "done"
    assert sent() == {case.pk: 1 for case in flood}
    assert states(flood) == ["waiting"] * 4
    written = Message.objects.filter(direction="out")
    assert {message.text for message in written} == {ANSWER}
    assert {message.thread_id for message in written} == {case.thread_id for case in flood}


def test_with_a_cause_they_are_resolved_as_well(flood, agent, cause, work):
    work(answering.begin(case=flood[1], text=ANSWER, cause=cause, by=agent))
    assert states(flood) == ["resolved"] * 4
    assert {case.cause_id for case in Case.objects.all()} == {cause.pk}


def test_a_worker_that_was_killed_goes_on_and_nobody_gets_it_twice(flood, agent, work):
    answer = answering.begin(case=flood[0], text=ANSWER, by=agent)
    assert answering._one(answer.pk)
    assert answering._one(answer.pk)
    answer.refresh_from_db()
    assert (answer.state, shown.progress(answer.flood).done) == ("running", 2)
    work(answer)
    work(answer)
    assert sent() == {case.pk: 1 for case in flood}


def test_one_that_may_not_be_written_to_says_why_and_stays_open(flood, agent, work):
    Customer.objects.filter(pk=flood[2].customer_id).update(do_not_contact_at=timezone.now())
    answer = answering.begin(case=flood[0], text=ANSWER, by=agent)
    work(answer)
    assert list(refused(answer)) == [flood[2].pk]
    assert "contact" in refused(answer)[flood[2].pk]
    assert states(flood) == ["waiting", "waiting", "new", "waiting"]


def test_who_lacks_a_certificate_sends_nothing(flood, channel, agent, work):
    factories.ModuleFactory(place=channel.place)
    answer = answering.begin(case=flood[0], text=ANSWER, by=agent)
    work(answer)
    assert len(refused(answer)) == 4
    assert not sent()


def test_what_changed_meanwhile_is_left_alone(flood, agent, colleague, cause, work):
    answer = answering.begin(case=flood[0], text=ANSWER, by=agent)
    replies.reply(case=flood[1], text="We found yours.", by=colleague)
    Case.objects.filter(pk=flood[2].pk).update(owner=colleague, state="open")
    parting.part(case=flood[3], by=colleague)
    work(answer)
    assert sent() == {flood[0].pk: 1, flood[1].pk: 1}
    assert set(refused(answer)) == {flood[1].pk, flood[2].pk, flood[3].pk}
    assert "Ben Okafor" in refused(answer)[flood[2].pk]


def test_cases_that_colleagues_have_are_left_to_them(flood, agent, colleague, work):
    Case.objects.filter(pk=flood[1].pk).update(owner=colleague, state="open", behind=False)
    answer = answering.begin(case=flood[0], text=ANSWER, by=agent)
    work(answer)
    assert flood[1].pk not in sent()


def test_the_guard_against_stock_replies_lets_it_through(flood, agent, work):
    """They all said the same, so they may hear the same."""
    DeskSettings.objects.create(pk=1, guard_people=1, undo_seconds=0)
    answer = answering.begin(case=flood[0], text=ANSWER, by=agent)
    work(answer)
    assert len(sent()) == 4


# --- none


def test_those_that_need_no_answer_are_resolved_like_the_one_that_got_it(flood, agent, cause, work):
    replies.reply(case=flood[0], text=ANSWER, by=agent)
    answer = answering.begin(case=flood[0], cause=cause, outcome="nothing", by=agent)
    work(answer)
    assert sent() == {flood[0].pk: 1}
    assert states(flood) == ["waiting", "resolved", "resolved", "resolved"]
    assert answer.like == flood[0]


# --- before and in between


def test_until_the_undo_seconds_are_over_nothing_was_written(flood, agent, work):
    DeskSettings.objects.create(pk=1, undo_seconds=20)
    answer = answering.begin(case=flood[0], text=ANSWER, by=agent)
    work(answer)
    assert not sent()
    answering.undo(answer=answer, by=agent)
    FloodAnswer.objects.update(starts_at=timezone.now() - timedelta(seconds=1))
    work(answer)
    assert answer.state == "undone"
    assert not sent()
    assert states(flood) == ["new"] * 4


def test_once_it_has_begun_it_can_be_stopped_but_not_undone(flood, agent, work):
    answer = answering.begin(case=flood[0], text=ANSWER, by=agent)
    answering._one(answer.pk)
    answer.refresh_from_db()
    with pytest.raises(answering.HasBegun):
        answering.undo(answer=answer, by=agent)
    answering.stop(answer=answer, by=agent)
    work(answer)
    assert sent() == {flood[0].pk: 1}
    with pytest.raises(answering.OverAlready):
        answering.stop(answer=answer, by=agent)


def test_two_who_answer_at_once_the_second_is_told_who_is_at_it(flood, agent, colleague):
    answering.begin(case=flood[0], text=ANSWER, by=agent)
    with pytest.raises(answering.OneAtATime, match="Ana Ruiz is answering"):
        answering.begin(case=flood[1], text="Sorry.", by=colleague)


def test_only_its_author_or_a_lead_stops_it(flood, agent, colleague, lead):
    answer = answering.begin(case=flood[0], text=ANSWER, by=agent)
    with pytest.raises(answering.NotYours, match="Ana Ruiz"):
        answering.stop(answer=answer, by=colleague)
    assert answering.stop(answer=answer, by=lead).state == "stopped"


def test_of_somebody_who_has_left_nothing_more_is_sent(flood, agent, work):
    answer = answering.begin(case=flood[0], text=ANSWER, by=agent)
    type(agent).objects.filter(pk=agent.pk).update(is_active=False)
    work(answer)
    assert answer.state == "stopped"
    assert not sent()


@pytest.mark.parametrize("text", ["", "  ", "\x00"])
def test_it_has_to_say_something_or_to_resolve(flood, agent, text):
    with pytest.raises(answering.SayOrResolve):
        answering.begin(case=flood[0], text=text, by=agent)


def test_where_nobody_waits_there_is_nothing_to_answer(flood, agent, cause):
    resolution.resolve_many(cases=[case.pk for case in flood], cause=cause, by=agent)
    with pytest.raises(answering.NobodyWaits):
        answering.begin(case=flood[0], text=ANSWER, by=agent)


# --- on the page


def test_an_agent_answers_them_all_from_the_page_and_sees_how_far_it_is(flood, agent, as_user, work):
    client, address = as_user(agent), f"/cases/{flood[0].pk}/alike/"
    assert "Answer 4 cases together" in client.get(address).content.decode()
    response = client.post(f"{address}answer/", {"how": "each", "text": ANSWER})
    assert response.status_code == 302
    work(FloodAnswer.objects.get())
    page = client.get(address).content.decode()
    assert "4 of 4" in page
    part = client.get(address, headers={"HX-Request": "true", "HX-Target": "alike-progress"})
    assert "4 of 4" in part.content.decode()
    assert "<h1" not in part.content.decode()


def test_what_was_undone_stands_in_the_form_again(flood, agent, as_user):
    DeskSettings.objects.create(pk=1, undo_seconds=20)
    client, address = as_user(agent), f"/cases/{flood[0].pk}/alike/"
    client.post(f"{address}answer/", {"how": "each", "text": ANSWER})
    client.post(f"{address}undo/")
    page = client.get(address).content.decode()
    assert ANSWER in page
    assert "Answer 4 cases together" in page


def test_a_refusal_stands_on_the_page_with_what_was_written(flood, agent, as_user):
    response = as_user(agent).post(f"/cases/{flood[0].pk}/alike/answer/", {"how": "none", "text": ANSWER})
    assert response.status_code == 422
    page = response.content.decode()
    assert "Write what to answer" in page
    assert ANSWER in page
