"""Answering where it was asked: the thread, in public or in private; and saying only that we have seen it."""

import pytest

from cases import answering, replies
from cases.models import Case, CaseMessage
from channels_app.models import Delivery
from tests import factories
from tests.cases.conftest import at

pytestmark = pytest.mark.django_db


def says(case, text, minute, **facts):
    message = factories.MessageFactory(
        text=text, occurred_at=at(minute), identity=case.identity, **{"thread": case.thread, **facts}
    )
    CaseMessage.objects.create(case=case, message=message)
    return message


@pytest.fixture
def case(channel):
    return factories.CaseFactory(channel=channel, opened_at=at(0))


def offered(case):
    return [(place.message.text, place.private, place.value) for place in answering.places(case)]


def test_the_latest_on_each_thread_and_in_private_can_be_answered(case):
    elsewhere = factories.ThreadFactory(channel=case.channel)
    says(case, "In public, later", 5)
    aside = says(case, "In private", 3, private=True)
    there = says(case, "Elsewhere", 7, thread=elsewhere)
    public = case.entries.get(message__text="In public, later").message
    assert offered(case) == [
        ("Elsewhere", False, ""), ("In public, later", False, f"{public.pk}"), ("In private", True, f"{aside.pk}"),
        ("Elsewhere", True, f"{there.pk}:private"), ("In public, later", True, f"{public.pk}:private"),
    ]  # fmt: skip


def test_where_a_channel_cannot_write_to_one_person_nothing_private_is_offered(archive):
    case = factories.CaseFactory(channel=archive)
    assert [place.private for place in answering.places(case)] == [False]


def answer(client, case, **more):
    return client.post(f"/cases/{case.pk}/reply/", {"text": "It comes at noon.", **more})


def test_an_agent_chooses_what_is_answered(case, agent, as_user):
    first = case.entries.get().message
    says(case, "Something else", 5)
    answer(as_user(agent), case, answer_to=str(first.pk))
    assert Delivery.objects.get().message.parent_external_id == first.external_id


def test_and_whether_others_may_read_it(case, agent, as_user):
    question = case.entries.get().message
    answer(as_user(agent), case, answer_to=f"{question.pk}:private")
    sent = Delivery.objects.get().message
    assert (sent.private, sent.parent_external_id) == (True, question.external_id)


def test_unless_somebody_chooses_it_answers_what_was_said_last_when_it_is_sent(case, agent, as_user):
    later = says(case, "Hello?", 5)
    answer(as_user(agent), case, answer_to="")
    assert Delivery.objects.get().message.parent_external_id == later.external_id


@pytest.mark.parametrize("what", ["0", "x", "9" * 40, "-1", "1:secret", "theirs", "ours"])
def test_what_does_not_stand_in_the_case_cannot_be_answered(case, agent, as_user, what):
    strange = factories.CaseFactory(channel=case.channel).entries.get().message
    ours = says(case, "We said", 9, direction="out", sent_by=agent)
    to = {"theirs": str(strange.pk), "ours": str(ours.pk)}.get(what, what)
    refused = answer(as_user(agent), case, answer_to=to)
    assert refused.status_code == 422
    assert "does not stand in this case any more" in refused.content.decode()
    assert not Delivery.objects.exists()


def test_a_refusal_keeps_what_was_chosen(case, agent, as_user):
    question = case.entries.get().message
    page = as_user(agent).post(
        f"/cases/{case.pk}/reply/",
        {"text": "[[gap]]", "answer_to": f"{question.pk}:private", "acknowledges": "on"},
    ).content.decode()  # fmt: skip
    assert f'<option value="{question.pk}:private" selected>' in page
    assert "checked" in page[page.index('name="acknowledges"') :][:120]


def test_the_composer_says_where_it_goes(case, agent, as_user):
    page = as_user(agent).get(f"/cases/{case.pk}/").content.decode()
    assert f"{case.identity.label} in public on @skylark on Chirp" in page
    assert f"{case.identity.label} in private on @skylark on Chirp" in page


# --- only seen


def test_an_acknowledgement_leaves_the_case_with_us_and_the_customer_waiting(case, agent, as_user):
    asked = Case.objects.get().waiting_since
    answer(as_user(agent), case, acknowledges="on")
    case.refresh_from_db()
    assert (case.state, case.owner, case.waiting_since, case.first_answered_at) == ("open", agent, asked, None)
    assert CaseMessage.objects.get(message__direction="out").acknowledges
    assert case.last_message_at > asked


def test_the_answer_after_it_is_the_first_answer(case, agent):
    replies.reply(case=case, text="We have seen it.", by=agent, acknowledges=True)
    replies.reply(case=case, text="It comes at noon.", by=agent)
    case.refresh_from_db()
    assert case.state == "waiting"
    assert case.first_answered_at


def test_an_acknowledgement_in_a_resolved_case_leaves_it_resolved(case, agent):
    factories.resolved(case, agent)
    replies.reply(case=case, text="We have seen it.", by=agent, acknowledges=True)
    case.refresh_from_db()
    assert case.state == "resolved"
