"""What becomes of an event: a message, an edit, a deletion, or our own post back from the network."""

import pytest

from cases.models import Case
from channels_app import inbox, live
from channels_app.models import Delivery, Message, RawEvent
from channels_app.outbox import write
from tests import factories
from tests.channels_app.posts import NOON, keep, message, post, take_in

pytestmark = pytest.mark.django_db
RAW = RawEvent.State


def versions(channel, id):
    return list(message(channel, id).versions.values_list("text", flat=True))


# --- edits


@pytest.mark.parametrize("batched", [False, True], ids=["later", "in the same batch"])
def test_an_edit_replaces_the_text_and_keeps_what_it_said_before(archive, batched):
    rows = [post(1, "The train is late."), post(1, "The train is very late.", kind="edit")]
    raws = take_in(archive, *rows) if batched else [raw for row in rows for raw in take_in(archive, row)]
    assert [raw.state for raw in raws] == [RAW.STORED, RAW.STORED]
    assert message(archive, 1).text == "The train is very late."
    assert message(archive, 1).edited_at is not None
    assert versions(archive, 1) == ["The train is late."]


def test_every_edit_is_kept_in_its_order(archive):
    take_in(archive, post(1, "one"), post(1, "two", kind="edit"))
    take_in(archive, post(1, "three", kind="edit"), post(1, "four", kind="edit"))
    assert message(archive, 1).text == "four"
    assert versions(archive, 1) == ["one", "two", "three"]


def test_an_edited_message_is_read_again_but_stays_in_its_case(archive):
    keep(archive, post(1, "Thank you, lovely crew!"))
    inbox.work_off(archive)
    case = Case.objects.get()
    keep(archive, post(1, "Terrible. Worst airline ever, my bag is lost again.", kind="edit"))
    inbox.work_off(archive)
    found = message(archive, 1)
    assert (found.sentiment, found.case_entry.case) == ("negative", case)


def test_an_edit_of_a_post_we_never_got_is_its_first_text(archive):
    (raw,) = take_in(archive, post(1, "Second thoughts.", kind="edit"))
    assert (raw.state, message(archive, 1).text, versions(archive, 1)) == (RAW.STORED, "Second thoughts.", [])


def test_the_same_id_with_another_text_is_a_duplicate_kept_as_an_edit_and_says_so(archive):
    take_in(archive, post(1, "My bag is lost."))
    (raw,) = take_in(archive, post(1, "My bags are lost."))
    assert (raw.state, raw.reason) == (RAW.DUPLICATE, "Known already, with another text: kept as an edit.")
    assert message(archive, 1).text == "My bags are lost."
    assert versions(archive, 1) == ["My bag is lost."]


def test_the_same_id_with_the_same_text_changes_nothing(archive):
    take_in(archive, post(1))
    (raw,) = take_in(archive, post(1))
    assert (raw.state, raw.reason, message(archive, 1).edited_at) == (RAW.DUPLICATE, "", None)


def test_an_edit_of_our_own_post_is_not_read_for_its_mood(archive):
    take_in(archive, post(1, "We are sorry.", ours=True), post(1, "We are very sorry.", ours=True, kind="edit"))
    assert message(archive, 1).read_at is not None
    assert message(archive, 1).sentiment == "unknown"


# --- deletions


@pytest.mark.parametrize("batched", [False, True], ids=["later", "in the same batch"])
def test_a_deletion_marks_the_message_and_keeps_its_words(archive, batched):
    rows = [post(1, "I hate it here."), post(1, kind="delete", minute=5)]
    raws = take_in(archive, *rows) if batched else [raw for row in rows for raw in take_in(archive, row)]
    assert [raw.state for raw in raws] == [RAW.STORED, RAW.STORED]
    found = message(archive, 1)
    assert (found.text, found.deleted_at) == ("I hate it here.", NOON.replace(minute=5))


def test_a_deletion_told_twice_keeps_its_first_time(archive):
    take_in(archive, post(1), post(1, kind="delete", minute=5), post(1, kind="delete", minute=9))
    assert message(archive, 1).deleted_at == NOON.replace(minute=5)


def test_a_deletion_of_a_post_we_never_got_says_so(archive):
    (raw,) = take_in(archive, post(1, kind="delete"))
    assert (raw.state, raw.reason) == (RAW.DUPLICATE, "Deleted before Hark saw it.")
    assert not Message.objects.exists()


def test_an_edit_and_a_deletion_in_one_batch_are_both_kept(archive):
    take_in(archive, post(1, "one"), post(1, "two", kind="edit"), post(1, kind="delete"))
    found = message(archive, 1)
    assert (found.text, versions(archive, 1), found.deleted_at is not None) == ("two", ["one"], True)


# --- our own posts


def test_our_own_posts_come_back_as_ours_and_belong_to_whom_they_answer(archive):
    take_in(archive, post(1, author="ann"), post(2, "We are sorry.", ours=True, reply_to="1"))
    reply = message(archive, 2)
    assert (reply.direction, reply.identity) == ("out", message(archive, 1).identity)


def test_the_author_of_the_parent_counts_more_than_the_handle_it_begins_with(archive):
    take_in(archive, post(1, author="ann"))
    take_in(archive, post(2, "@bob @ann We are sorry.", ours=True, reply_to="1"))
    assert message(archive, 2).identity.value == "ann"


@pytest.mark.parametrize("naming", [{"to": "Ann"}, {"to": "@Ann"}, {"text": "@Ann: we are sorry."}])
def test_an_answer_to_a_post_we_do_not_have_goes_to_whom_it_names(archive, naming):
    take_in(archive, post(2, ours=True, reply_to="lost", **naming))
    take_in(archive, post(3, author="ann"))
    assert message(archive, 2).identity == message(archive, 3).identity


def test_an_answer_that_names_nobody_finds_its_addressee_when_the_question_comes(archive):
    keep(archive, post(2, "We are sorry.", ours=True, reply_to="1", minute=5))
    inbox.work_off(archive)
    assert message(archive, 2).identity is None
    keep(archive, post(1, author="ann"))
    inbox.work_off(archive)
    assert message(archive, 2).identity == message(archive, 1).identity
    case = Case.objects.get()
    assert (case.entries.count(), case.state) == (2, Case.State.WAITING)


def test_where_we_go_on_after_a_post_of_our_own_it_speaks_to_the_same_person(archive):
    take_in(
        archive, post(1), post(2, "First …", ours=True, reply_to="1"), post(3, "… second.", ours=True, reply_to="2")
    )
    take_in(archive, post(4, "… third.", ours=True, reply_to="3"))
    assert {message(archive, n).identity.value for n in (2, 3, 4)} == {"ann"}


def test_a_post_of_ours_to_nobody_is_nobodys_and_opens_no_case(archive):
    keep(archive, post(1, "New routes from May!", ours=True))
    inbox.work_off(archive)
    assert message(archive, 1).identity is None
    assert message(archive, 1).routed_at is not None
    assert not Case.objects.exists()


def test_our_own_posts_are_not_read_for_their_mood(archive):
    keep(archive, post(1, "What a wonderful day!", ours=True))
    inbox.drain(archive)
    assert message(archive, 1).sentiment == "unknown"


def test_answers_and_quotes_are_kept(archive):
    take_in(archive, post(1, reply_to="lost", quotes="also lost"))
    found = message(archive, 1)
    assert (found.parent_external_id, found.quoted_external_id) == ("lost", "also lost")


# --- a reply of ours that the network echoes


@pytest.fixture
def on_its_way(fake, network, agent):
    take_in(fake, post(1))
    delivery = write(answer_to=message(fake, 1), text="We are looking.", by=agent)
    Delivery.objects.filter(pk=delivery.pk).update(state="in_doubt")
    return delivery


def echo(delivery, id="reply-1", **more):
    return post(id, "We are looking.", ours=True, reply_to="1", minute=3, **{"key": str(delivery.key)} | more)


def test_the_echo_of_a_reply_confirms_it_and_is_no_second_message(fake, on_its_way):
    (raw,) = take_in(fake, echo(on_its_way))
    on_its_way.refresh_from_db()
    assert (raw.state, raw.reason) == (RAW.DUPLICATE, "Our own reply, back from the network.")
    assert (on_its_way.state, on_its_way.sent_at) == ("sent", NOON.replace(minute=3))
    assert on_its_way.message.external_id == "reply-1"
    assert Message.objects.filter(direction="out").count() == 1


def test_an_echo_without_our_key_is_known_by_its_text_and_what_it_answers(fake, on_its_way):
    take_in(fake, echo(on_its_way, key=None))
    on_its_way.refresh_from_db()
    assert on_its_way.state == "sent"


@pytest.mark.parametrize("other", [{"text": "Something else."}, {"reply_to": "2"}, {"key": "of another reply"}])
def test_what_only_resembles_the_reply_is_a_message_of_its_own(fake, on_its_way, other):
    take_in(fake, echo(on_its_way) | {"key": None} | other)
    on_its_way.refresh_from_db()
    assert on_its_way.state == "in_doubt"
    assert Message.objects.filter(direction="out").count() == 2


def test_an_echo_told_twice_edited_and_deleted_in_one_batch_holds_up_nobody(fake, on_its_way):
    edited = echo(on_its_way) | {"text": "We are looking!", "kind": "edit"}
    raws = take_in(fake, echo(on_its_way), echo(on_its_way), edited, echo(on_its_way) | {"kind": "delete"}, post(2))
    assert [raw.state for raw in raws] == [RAW.DUPLICATE, RAW.DUPLICATE, RAW.STORED, RAW.STORED, RAW.STORED]
    reply = message(fake, "reply-1")
    assert (reply.text, versions(fake, "reply-1"), reply.deleted_at is not None) == (
        "We are looking!",
        ["We are looking."],
        True,
    )


def test_an_answer_to_our_reply_in_the_same_batch_as_its_echo_stands_in_the_same_thread(fake, on_its_way):
    take_in(fake, echo(on_its_way), post(2, "Thanks, how long?", reply_to="reply-1"))
    assert message(fake, 2).thread_id == message(fake, 1).thread_id


def test_two_replies_with_the_same_words_are_confirmed_one_each(fake, on_its_way, agent):
    second = write(answer_to=message(fake, 1), text="We are looking.", by=agent)
    take_in(fake, echo(on_its_way, "reply-1", key=None), echo(on_its_way, "reply-2", key=None))
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    second.message.refresh_from_db()
    on_its_way.message.refresh_from_db()
    assert {second.message.external_id, on_its_way.message.external_id} == {"reply-1", "reply-2"}


def test_an_echo_is_told_to_whoever_has_the_case_open(fake, on_its_way, monkeypatch):
    told = []
    monkeypatch.setitem(live._listeners, "delivery", [told.extend])
    take_in(fake, echo(on_its_way))
    assert told == [on_its_way.pk]


def test_an_echo_on_another_channel_confirms_nothing(fake, on_its_way, team):
    other = factories.ChannelFactory(platform="fake", place="elsewhere", team=team)
    take_in(other, echo(on_its_way))
    on_its_way.refresh_from_db()
    assert on_its_way.state == "in_doubt"
