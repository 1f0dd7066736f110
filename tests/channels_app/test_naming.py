"""What messages praise or blame: named as they are read, and again when the words change."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import inbox, jobs, naming
from channels_app.models import Message
from channels_app.privacy.messages import silence
from tests import factories
from tests.channels_app.posts import at_once, message, post, take_in

pytestmark = pytest.mark.django_db
GOOD, BAD, SO_SO = "I love the seats of this train!", "Awful. The fare is a disgrace.", "When does the train leave?"


@pytest.fixture(autouse=True)
def _as_before():
    """Whoever named messages before the test names them after it."""
    before = naming.namer()
    yield
    naming.named_by(*before)


@pytest.fixture
def said(archive):
    """A message that is stored as if it had been read elsewhere, or before anybody asked for topics."""
    return lambda text=BAD, **facts: factories.MessageFactory(text=text, thread__channel=archive, **facts)


def topics():
    return dict(Message.objects.values_list("text", "topics"))


def letters(version, *, at=0):
    """Other words: a text is about its letter at this place."""
    naming.named_by(version, lambda texts, languages: [{text[at].lower()} for text in texts])


# --- as they are read


def test_a_message_is_named_as_it_is_read_if_it_praises_or_blames(archive):
    take_in(archive, post(1, GOOD), post(2, BAD), post(3, SO_SO))
    inbox.read_batch(archive)
    assert topics() == {GOOD: "product", BAD: "price", SO_SO: ""}
    assert naming.waiting() == 0


def test_naming_costs_the_way_in_no_statement(archive):
    def statements(row):
        take_in(archive, row)
        with CaptureQueriesContext(connection) as asked:
            inbox.read_batch(archive)
        return len(asked)

    with_topics = statements(post(1, BAD))
    naming.named_by(*naming.NOBODY)
    assert statements(post(2, BAD)) == with_topics
    assert message(archive, 2).topics == ""


def test_an_edited_message_is_about_what_it_says_now(archive):
    take_in(archive, post(1, BAD))
    inbox.read_batch(archive)
    take_in(archive, post(1, GOOD, kind="edit"))
    inbox.read_batch(archive)
    assert topics() == {GOOD: "product"}
    take_in(archive, post(1, SO_SO, kind="edit"))
    inbox.read_batch(archive)
    assert topics() == {SO_SO: ""}


def test_an_erased_message_is_about_nothing(said):
    said()
    naming.catch_up()
    found = Message.objects.filter(topics="price")
    with pytest.raises(IntegrityError, match="an_erased_message_says_nothing"), transaction.atomic():
        found.update(text="", erased_at=timezone.now())
    assert silence(found) == 1
    assert topics() == {"": ""}
    assert naming.waiting() == 0


# --- caught up with


def test_what_was_stored_in_another_way_is_caught_up_with(said):
    said(), said(GOOD, sentiment="positive")
    assert naming.waiting() == 2
    assert naming.catch_up() is False
    assert topics() == {BAD: "price", GOOD: "product"}
    assert naming.waiting() == 0


def test_nobody_asks_what_we_said_or_what_neither_praises_nor_blames(said):
    said(SO_SO, sentiment="neutral"), said(sentiment="unknown"), said(direction="out", sent_by=factories.UserFactory())
    assert not naming.is_behind()
    naming.catch_up()
    assert set(Message.objects.values_list("named_by", flat=True)) == {""}


def test_catching_up_costs_the_same_number_of_statements_whatever_there_is(said):
    def statements(n):
        for _each in range(n):
            said()
        with CaptureQueriesContext(connection) as asked:
            naming.catch_up()
        return len(asked)

    assert statements(1) == statements(30) == 5  # three and a savepoint
    assert Message.objects.filter(topics="price").count() == 31


@pytest.mark.parametrize("later", ["a later version", "0"])
def test_when_the_words_change_all_messages_are_named_anew(said, later):
    said(), said(GOOD, sentiment="positive")
    letters("1")
    naming.catch_up()
    assert topics() == {BAD: "a", GOOD: "i"}
    letters(later, at=2)
    assert naming.waiting() == 2
    naming.catch_up()
    assert topics() == {BAD: "f", GOOD: "l"}
    assert set(Message.objects.values_list("named_by", flat=True)) == {later}


def test_a_run_that_was_killed_goes_on_where_it_was(said, monkeypatch):
    monkeypatch.setattr(naming, "BATCH", 3)
    for _each in range(8):
        said()
    assert naming.catch_up(batches=1) is True
    assert naming.waiting() == 5
    with transaction.atomic():
        naming.catch_up(batches=1)
        transaction.set_rollback(True)  # in the middle of the next: nothing of it stays
    assert naming.waiting() == 5
    assert naming.catch_up() is False
    assert naming.waiting() == 0
    assert Message.objects.filter(topics="price").count() == 8


@pytest.mark.django_db(transaction=True)
def test_several_at_once_share_the_work(said, monkeypatch):
    monkeypatch.setattr(naming, "BATCH", 2)
    for _each in range(24):
        said()
    at_once(*[lambda: naming.catch_up(batches=100)] * 4)
    naming.catch_up()
    assert Message.objects.filter(topics="price").count() == 24


def test_the_sweep_nudges_only_where_something_is_left(said, nudges, monkeypatch, django_capture_on_commit_callbacks):
    monkeypatch.setattr(naming, "BATCH", 2)
    monkeypatch.setattr(naming, "SLICE", 1)

    def told(job):
        nudges.clear()
        with django_capture_on_commit_callbacks(execute=True):
            job()
        return nudges

    assert told(jobs.find_unnamed) == []
    for _each in range(3):
        said()
    assert told(jobs.find_unnamed) == [(naming.JOB,)]
    assert told(jobs.name_messages) == [(naming.JOB,)]
    assert told(jobs.name_messages) == []
    assert told(jobs.find_unnamed) == []
