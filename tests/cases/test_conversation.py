"""What a case page shows, in order."""

import pytest

from cases import conversation, replies
from cases.models import CaseMessage
from channels_app.models import Message, MessageVersion
from crm.models.activity import log
from tests import factories
from tests.cases.conftest import at

pytestmark = pytest.mark.django_db

QUERIES = 13


@pytest.fixture
def case(channel):
    return factories.CaseFactory(channel=channel, opened_at=at(0))


def said(case, minute, **facts):
    facts = {"thread": case.thread, "identity": case.identity, **facts}
    message = factories.MessageFactory(occurred_at=at(minute), **facts)
    if facts["identity"] == case.identity:
        CaseMessage.objects.create(case=case, message=message)
    return message


def kinds(case):
    return [entry.kind for entry in conversation.of_case(case).entries]


def test_messages_notes_and_deeds_stand_in_the_order_they_happened(case, agent):
    factories.NoteFactory(case=case, by=agent, created_at=at(2))
    said(case, 3)
    taken = log("taken", case, by=agent)
    taken.at = at(1)
    taken.save()
    assert kinds(case) == ["message", "activity", "note", "message"]


def test_what_others_said_in_the_thread_is_there_and_marked(case):
    said(case, 1, identity=factories.IdentityFactory(customer=factories.CustomerFactory()))
    said(case, 2, direction="out")
    assert [entry.by_other_customer for entry in conversation.of_case(case).entries] == [False, True, False]


def test_what_the_customer_said_under_another_handle_is_not_marked(case):
    said(case, 1, identity=factories.IdentityFactory(customer=case.customer))
    assert not any(entry.by_other_customer for entry in conversation.of_case(case).entries)


def test_other_threads_other_cases_notes_and_deeds_stay_where_they_are(case, agent):
    other = factories.CaseFactory(channel=case.channel, customer=case.customer)
    factories.NoteFactory(case=other)
    log("taken", other, by=agent)
    assert kinds(case) == ["message"]


def test_a_reply_shows_how_far_it_is(case, agent):
    delivery = replies.reply(case=case, text="Noon.", by=agent)
    entry = next(e for e in conversation.of_case(case).entries if e.kind == "message" and e.item.is_ours)
    assert entry.delivery == delivery


def test_an_edited_message_has_what_it_said_before(case):
    message = said(case, 1, edited_at=at(3))
    version = MessageVersion.objects.create(message=message, text="At first")
    entries = conversation.of_case(case).entries
    assert [entry.versions for entry in entries] == [[], [version]]


def test_the_newest_message_shown_is_known_by_its_number(case):
    late = said(case, -30)
    assert conversation.of_case(case).seen == late.pk  # by when it was stored, not by when it was said


def test_a_case_without_messages_is_an_empty_conversation(case):
    case.entries.all().delete()
    Message.objects.all().delete()
    empty = conversation.of_case(case)
    assert (empty.entries, empty.seen, empty.cut) == ([], 0, False)


def test_of_an_endless_thread_the_newest_are_shown(case, monkeypatch):
    monkeypatch.setattr(conversation, "MOST", 3)
    for minute in range(1, 6):
        said(case, minute, text=str(minute))
    shown = conversation.of_case(case)
    assert ([entry.item.text for entry in shown.entries], shown.cut) == (["3", "4", "5"], True)


@pytest.mark.parametrize("size", [1, 20])
def test_a_conversation_costs_a_fixed_number_of_queries(case, agent, size, django_assert_num_queries):
    for minute in range(size):
        MessageVersion.objects.create(message=said(case, minute, edited_at=at(minute)), text="At first")
        factories.NoteFactory(case=case, by=factories.UserFactory())
        factories.DeliveryFactory(case=case, by=factories.UserFactory())
        log("taken", case, by=factories.UserFactory())
    with django_assert_num_queries(QUERIES):
        for entry in conversation.of_case(case).entries:
            if entry.kind == "message":
                assert entry.item.identity.label
                assert str(entry.item.sent_by)
                assert entry.delivery is None or entry.delivery.message.pk
            else:
                assert str(entry.item.by)
