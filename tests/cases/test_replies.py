"""Answering where it was asked, and notes among us."""

import pytest

from cases import assignment, replies
from cases.models import Case, CaseMessage, Note
from channels_app import outbox
from channels_app.models import Delivery, Message
from crm.models import Activity
from tests import factories
from tests.cases.conftest import at

pytestmark = pytest.mark.django_db


def also_says(case, text, minute, **facts):
    facts = {"thread": case.thread, "identity": case.identity, **facts}
    message = factories.MessageFactory(text=text, occurred_at=at(minute), **facts)
    CaseMessage.objects.create(case=case, message=message)
    return message


@pytest.fixture
def case(channel):
    return factories.CaseFactory(channel=channel, opened_at=at(0))


def test_a_reply_answers_the_latest_question_in_its_thread(case, agent, nudges, django_capture_on_commit_callbacks):
    also_says(case, "Older, stored later", -5)
    latest = also_says(case, "Hello?", 5, external_id="post-latest", private=True)
    with django_capture_on_commit_callbacks(execute=True):
        delivery = replies.reply(case=case, text="  It comes at noon.\n", by=agent)
    sent = delivery.message
    assert (sent.parent_external_id, sent.thread, sent.identity) == ("post-latest", case.thread, latest.identity)
    assert (sent.text, sent.sent_by, sent.direction, sent.private) == ("It comes at noon.", agent, "out", True)
    assert sent.case_entry.case == case
    assert delivery.state == "queued"
    assert (outbox.JOB, delivery.pk) in nudges


def test_a_reply_goes_to_the_customer_not_to_who_else_wrote_in_the_thread(case, agent):
    factories.MessageFactory(thread=case.thread, occurred_at=at(20), external_id="somebody-else")
    question = case.entries.get().message
    assert replies.reply(case=case, text="Noon.", by=agent).message.parent_external_id == question.external_id


def test_who_answers_a_case_nobody_has_takes_it(case, agent):
    replies.reply(case=case, text="Noon.", by=agent)
    case.refresh_from_db()
    assert (case.owner, case.state) == (agent, "waiting")
    assert case.first_answered_at == case.waiting_since == case.last_message_at
    assert Activity.objects.about(case).get().detail == "by answering"


def test_who_helps_out_in_a_colleagues_case_leaves_it_theirs(case, agent, colleague):
    assignment.take(case=case, by=colleague)
    replies.reply(case=case, text="Noon.", by=agent)
    case.refresh_from_db()
    assert (case.owner, case.state) == (colleague, "waiting")


def test_the_first_answer_keeps_its_time(case, agent):
    Case.objects.update(first_answered_at=at(1))
    replies.reply(case=case, text="Noon.", by=agent)
    case.refresh_from_db()
    assert case.first_answered_at == at(1)


def test_a_word_after_the_end_leaves_the_case_resolved(case, agent):
    factories.resolved(case, agent)
    replies.reply(case=case, text="Have a good trip!", by=agent)
    case.refresh_from_db()
    assert (case.state, case.owner) == ("resolved", agent)


def test_a_case_in_which_the_customer_never_wrote_has_nothing_to_answer(case, agent):
    case.entries.all().delete()
    with pytest.raises(replies.NobodyToAnswer):
        replies.reply(case=case, text="Hello", by=agent)


@pytest.mark.parametrize("text", ["", "  \n ", "\x00"])
def test_an_empty_reply_is_refused(case, agent, text):
    with pytest.raises(outbox.NothingToSay):
        replies.reply(case=case, text=text, by=agent)
    assert not Delivery.objects.exists()


def test_a_reply_too_long_for_the_channel_is_refused_with_both_lengths(case, agent):
    with pytest.raises(outbox.TooLong, match=r"takes 500 characters; this reply has 501"):
        replies.reply(case=case, text="x" * 501, by=agent)


def test_a_channel_that_only_listens_says_that_it_cannot_send(archive, agent):
    with pytest.raises(outbox.CannotSendThere, match=r"^Archive cannot send replies: it only listens.$"):
        replies.reply(case=factories.CaseFactory(channel=archive), text="Hello", by=agent)


# --- two who answer


@pytest.mark.parametrize("state", ["queued", "sending", "in_doubt"])
def test_a_second_reply_is_stopped_while_a_colleagues_is_on_its_way(case, agent, colleague, state):
    lease = at(500) if state == "sending" else None
    delivery = factories.DeliveryFactory(case=case, by=colleague, state=state, lease_until=lease)
    Message.objects.filter(pk=delivery.message_id).update(text="On my way")
    with pytest.raises(replies.ReplyOnItsWay, match=r"Ben Okafor is answering this case: “On my way” is on its way"):
        replies.reply(case=case, text="Me too", by=agent)
    assert Delivery.objects.get() == delivery


@pytest.mark.parametrize("state", ["sent", "failed"])
def test_a_colleagues_reply_that_has_arrived_or_will_not_leave_stops_nobody(case, agent, colleague, state):
    factories.DeliveryFactory(case=case, by=colleague, state=state, sent_at=at(1) if state == "sent" else None)
    assert replies.reply(case=case, text="And one more thing", by=agent)


def test_my_own_reply_on_its_way_does_not_stop_me(case, agent):
    replies.reply(case=case, text="One", by=agent)
    assert replies.reply(case=case, text="Two", by=agent)


def test_what_a_colleague_answered_while_i_was_writing_is_shown_first(case, agent, colleague):
    seen = case.entries.get().message_id
    also_says(case, "It comes at noon.", 5, direction="out", sent_by=colleague)
    with pytest.raises(
        replies.AnsweredMeanwhile, match=r"Ben Okafor answered while you were writing: “It comes at noon.”"
    ):
        replies.reply(case=case, text="Noon!", by=agent, seen=seen)


def test_what_was_answered_in_the_networks_own_app_is_shown_first_too(case, agent):
    seen = case.entries.get().message_id
    also_says(case, "Noon.", 5, direction="out", sent_by=None)
    with pytest.raises(replies.AnsweredMeanwhile, match=r"^Somebody, in the network's own app, answered"):
        replies.reply(case=case, text="Noon!", by=agent, seen=seen)


def test_what_i_have_seen_or_wrote_myself_stops_me_not(case, agent, colleague):
    seen = also_says(case, "It comes at noon.", 5, direction="out", sent_by=colleague)
    also_says(case, "From platform 4.", 6, direction="out", sent_by=agent)
    assert replies.reply(case=case, text="Good trip!", by=agent, seen=seen.pk)


def test_a_new_question_meanwhile_is_answered_without_more_ado(case, agent):
    seen = case.entries.get().message_id
    also_says(case, "Hello?", 5)
    assert replies.reply(case=case, text="Noon!", by=agent, seen=seen)


# --- on the screen


def send(client, case, text="It comes at noon.", **more):
    headers = {"HX-Request": "true"} if more.pop("htmx", False) else {}
    return client.post(f"/cases/{case.pk}/reply/", {"text": text, **more}, headers=headers)


def test_a_reply_from_a_plain_form_leads_back_to_the_case(case, agent, as_user):
    response = send(as_user(agent), case)
    assert (response.status_code, response["Location"]) == (302, f"/cases/{case.pk}/")
    assert Delivery.objects.get().message.text == "It comes at noon."


def test_a_refused_reply_says_why_and_loses_nothing_that_was_typed(case, agent, colleague, as_user):
    factories.DeliveryFactory(case=case, by=colleague)
    for htmx in (False, True):
        response = send(as_user(agent), case, "Dear <b>Cleo</b>,\n  a long letter …", htmx=htmx)
        page = response.content.decode()
        assert response.status_code == 422
        assert "Ben Okafor is answering this case" in page
        assert "Dear &lt;b&gt;Cleo&lt;/b&gt;,\n  a long letter …</textarea>" in page


def test_the_pane_after_a_refusal_has_seen_what_stopped_it(case, agent, colleague, as_user):
    seen = case.entries.get().message_id
    also_says(case, "Noon.", 5, direction="out", sent_by=colleague)
    client = as_user(agent)
    refused = send(client, case, "Noon!", seen=seen, htmx=True)
    assert "answered while you were writing" in refused.content.decode()
    assert send(client, case, "Noon!", seen=refused.context["seen"], htmx=True).status_code == 200


@pytest.mark.parametrize("seen", ["", "abc", "-1", "9" * 40])
def test_what_was_seen_may_be_nonsense(case, agent, as_user, seen):
    assert send(as_user(agent), case, seen=seen).status_code == 302


def test_the_composer_of_a_channel_that_only_listens_says_so(archive, agent, as_user):
    page = as_user(agent).get(f"/cases/{factories.CaseFactory(channel=archive).pk}/").content.decode()
    assert "Archive cannot send replies: it only listens." in page
    assert 'id="reply-form"' not in page


# --- notes


def test_a_note_stands_in_the_case_and_moves_nothing(case, agent, colleague):
    assignment.take(case=case, by=colleague)
    before = Case.objects.values().get()
    replies.note(case=case, text=" Rang the station. ", by=agent)
    assert Note.objects.get().text == "Rang the station."
    assert Case.objects.values().get() == before
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("text", ["", "  ", "\x00\n"])
def test_an_empty_note_is_refused(case, agent, text):
    with pytest.raises(replies.EmptyNote):
        replies.note(case=case, text=text, by=agent)


def test_a_refused_note_opens_the_note_again(case, agent, as_user):
    response = as_user(agent).post(f"/cases/{case.pk}/note/", {"text": "   "}, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert response.context["writing_note"]


def test_a_note_with_markup_is_shown_as_written(case, agent, as_user):
    response = as_user(agent).post(
        f"/cases/{case.pk}/note/", {"text": "<script>alert(1)</script>"}, headers={"HX-Request": "true"}
    )
    assert "&lt;script&gt;alert(1)" in response.content.decode()
    assert "<script>alert(1)" not in response.content.decode()
