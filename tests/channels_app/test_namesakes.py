"""Two mails with one Message-ID: each is a message, and neither changes the other."""

import pytest

from channels_app.models import Message, MessageVersion, RawEvent
from tests import factories
from tests.channels_app.posts import take_in
from tests.channels_app.test_email import mail

pytestmark = pytest.mark.django_db
RAW = RawEvent.State
FIRST = mail("The seat was broken.")
OTHERS = [
    mail("My bag is lost.", From="Ben Hall <ben@example.com>"),
    mail("The seat was broken.", From="Ben Hall <ben@example.com>"),
    mail("My bag is lost."),
]


@pytest.fixture
def mailbox(team):
    return factories.ChannelFactory(key="mail", name="Mail", platform="email", place="email", team=team)


def standing():
    found = Message.objects.order_by("id").select_related("identity")
    return [(message.identity.value, message.text) for message in found]


@pytest.mark.parametrize("other", OTHERS, ids=["another author", "their words by another", "other words"])
@pytest.mark.parametrize("batched", [False, True], ids=["later", "in the same batch"])
def test_another_mail_with_a_known_id_is_a_message_of_its_own(mailbox, other, batched):
    raws = take_in(mailbox, FIRST, other) if batched else [take_in(mailbox, row)[0] for row in (FIRST, other)]
    first, second = Message.objects.order_by("id")
    assert [raw.state for raw in raws] == [RAW.STORED, RAW.STORED]
    assert (first.external_id, first.text, first.edited_at) == ("<m1@example.com>", "The seat was broken.", None)
    assert standing()[0] != standing()[1]
    assert first.thread_id != second.thread_id
    assert not MessageVersion.objects.exists()


@pytest.mark.parametrize("batched", [False, True], ids=["later", "in the same batch"])
def test_both_are_duplicates_when_they_come_again(mailbox, batched):
    take_in(mailbox, FIRST, *OTHERS)
    again = take_in(mailbox, *OTHERS, FIRST) if batched else [take_in(mailbox, row)[0] for row in (*OTHERS, FIRST)]
    assert [raw.state for raw in again] == [RAW.DUPLICATE] * 4
    assert len(standing()) == 4


def test_the_same_mail_under_another_spelling_of_its_author_is_a_duplicate(mailbox):
    take_in(mailbox, FIRST)
    (raw,) = take_in(mailbox, mail("The seat was broken.", From="M. Kent <Maria@Example.com>"))
    assert (raw.state, len(standing())) == (RAW.DUPLICATE, 1)


def test_what_was_erased_does_not_come_back_by_its_id(mailbox):
    take_in(mailbox, FIRST)
    message = Message.objects.get()
    message.fall_silent()
    message.save()
    (raw,) = take_in(mailbox, FIRST)
    assert (raw.state, bytes(raw.body), Message.objects.get().text) == (RAW.DUPLICATE, b"", "")


def test_ids_that_are_too_long_to_be_kept_are_told_apart(mailbox):
    long = "x" * 300
    rows = [mail(text, Message_ID=f"<{long}{text}@example.com>") for text in ("one", "two")]
    take_in(mailbox, *rows)
    assert [text for _, text in standing()] == ["one", "two"]
    assert [raw.state for raw in take_in(mailbox, *rows)] == [RAW.DUPLICATE] * 2
