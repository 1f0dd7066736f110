"""What is read of messages is written down whole, at once, and never over what people put right."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from channels_app import inbox
from channels_app.learning import noting
from channels_app.learning.correcting import correct
from channels_app.models import Message
from tests.channels_app.learning.conftest import ANGRY, CALM
from tests.channels_app.posts import message, post, take_in

pytestmark = pytest.mark.django_db


def read(archive, *rows):
    take_in(archive, *rows)
    while inbox.read_batch(archive):
        pass


def test_all_that_was_read_is_written_down_with_the_version_of_the_reader(archive, reads):
    reads(ANGRY, "fake-1")
    read(archive, post(1))
    found = message(archive, 1)
    assert (found.sentiment, found.score, found.confidence) == ("negative", -0.8, 0.9)
    assert (found.intent, found.intent_confidence, found.intent_reasons) == ("complaint", 0.7, "late")
    assert (found.topic, found.topic_confidence, found.topic_reasons) == ("product", 0.6, "train")
    assert (found.urgency, found.urgency_confidence, found.urgency_reasons) == ("medium", 0.5, "late")
    assert (found.language, found.language_confidence, found.reader) == ("en", 0.97, "fake-1")
    assert found.reasons == "late -0.5, again -0.3"


def test_each_column_that_is_written_together_is_in_the_statement():
    for name in noting.WRITTEN:
        assert f"{name} = n.{name}" in noting.UPDATE
    assert noting.UPDATE.count("[]") == len(noting.WRITTEN) + 3


def test_what_could_not_be_read_is_empty_and_not_guessed(archive, reads):
    reads(CALM)
    read(archive, post(1))
    found = message(archive, 1)
    assert (found.topic, found.topic_confidence, found.urgency, found.urgency_confidence) == ("", 0, "", 0)


def test_the_language_the_network_told_stays_and_is_certain(archive, reads):
    reads(ANGRY)
    read(archive, post(1, "Danke", language="de"), post(2, "Danke"))
    told, guessed = message(archive, 1), message(archive, 2)
    assert (told.language, told.language_confidence) == ("de", 1)
    assert (guessed.language, guessed.language_confidence) == ("en", 0.97)


@pytest.mark.parametrize(("told", "kept"), [("en-US", "en"), ("pt_BR", "pt"), ("DE", "de"), ("-", "en")])
def test_a_language_told_with_a_country_is_that_language(archive, reads, told, kept):
    reader = reads(ANGRY)
    read(archive, post(1, "Late again", language=told))
    assert (message(archive, 1).language, reader.told) == (kept, ["" if told == "-" else kept])


def test_what_is_told_to_be_english_of_a_country_is_read(archive):
    read(archive, post(1, "Terrible service, my train is late again.", language="en-US"))
    found = message(archive, 1)
    assert (found.language, found.sentiment, found.intent) == ("en", "negative", "complaint")


def test_no_reader_is_as_sure_of_a_language_as_a_network(archive, reads):
    reads(CALM.__class__(**{**{f: getattr(CALM, f) for f in CALM.__slots__}, "language_confidence": 1.0}))
    read(archive, post(1))
    assert message(archive, 1).language_confidence == 0.99


def test_reading_a_batch_asks_as_little_of_one_as_of_twenty(archive):
    def statements(first, n):
        take_in(archive, *(post(first + k, "The train is late.") for k in range(n)))
        with CaptureQueriesContext(connection) as asked:
            inbox.read_batch(archive)
        return len(asked)

    statements(50, 1)  # a process that has just begun asks for its words and its model once
    assert statements(1, 1) == statements(100, 20) == 5  # a savepoint, the rows, what is in use, and one UPDATE


def test_an_edit_is_read_anew_and_what_was_put_right_of_the_old_words_no_longer_holds(archive, agent, reads):
    reads(ANGRY)
    read(archive, post(1, "It is late."))
    correct(message=message(archive, 1), aspect="intent", now="idea", by=agent)
    assert (message(archive, 1).intent, message(archive, 1).corrected) == ("idea", "intent")
    read(archive, post(1, "It is late, and I want my money back.", kind="edit"))
    assert (message(archive, 1).intent, message(archive, 1).corrected) == ("complaint", "")


def test_what_is_put_right_while_an_edit_waits_to_be_read_stays(archive, agent, reads):
    reads(ANGRY)
    read(archive, post(1, "It is late."))
    take_in(archive, post(1, "It is great.", kind="edit"))
    correct(message=message(archive, 1), aspect="sentiment", now="positive", by=agent)
    inbox.read_batch(archive)
    found = message(archive, 1)
    assert (found.sentiment, found.score, found.confidence, found.intent) == ("positive", 0.5, 1, "complaint")


def test_an_emoji_a_page_and_nothing_at_all_are_read(archive):
    read(archive, post(1, "🙃"), post(2, "late " * 5_000), post(3, "\u202eמאחר"), post(4, " "))
    assert Message.objects.filter(read_at=None).count() == 0
