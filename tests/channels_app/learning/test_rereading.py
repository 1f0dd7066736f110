"""Old messages are brought up to the reader in use, in the background, and nothing of it is lost or done twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from channels_app import jobs
from channels_app.learning import correcting, rereading
from channels_app.learning.correcting import correct
from channels_app.models import Message, Rereading
from channels_app.privacy.messages import silence
from tests import factories
from tests.channels_app.learning.conftest import ANGRY, CALM
from tests.channels_app.posts import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(rereading, "BATCH", 3)


@pytest.fixture
def told(monkeypatch):
    heard: list[int] = []
    monkeypatch.setattr(correcting, "_listeners", [heard.extend])
    return heard


def readers():
    return list(Message.objects.order_by("pk").values_list("reader", flat=True))


def test_all_that_customers_wrote_is_read_anew(said, agent, lead, reads):
    for _each in range(7):
        said()
    said(direction="out", sent_by=agent, reader="")
    reads(CALM, "fake-2")
    run = rereading.start(by=lead)
    assert (run.version, run.total, run.share, run.is_open) == ("fake-2", 7, 0, True)
    assert rereading.advance(run.pk) is False
    run.refresh_from_db()
    assert (run.looked_at, run.changed, run.share, run.is_open) == (7, 7, 1, False)
    assert readers() == ["fake-2"] * 7 + [""]
    assert set(Message.objects.filter(direction="in").values_list("intent", flat=True)) == {"question"}


def test_what_people_put_right_stays(said, agent, reads):
    message = said()
    correct(message=message, aspect="intent", now="idea", by=agent)
    correct(message=message, aspect="sentiment", now="negative", by=agent)
    reads(CALM, "fake-2")
    rereading.advance(rereading.begin(by=None).pk)
    message.refresh_from_db()
    assert (message.intent, message.intent_confidence) == ("idea", 1)
    assert (message.sentiment, message.score) == ("negative", -0.8)
    assert (message.topic, message.urgency, message.reader) == ("", "", "fake-2")


def test_the_apps_further_right_are_told_of_what_changed_and_of_nothing_else(said, reads, told):
    same, other = said(), said(intent="question")
    reads(ANGRY, "fake-2")
    run = rereading.begin(by=None)
    rereading.advance(run.pk)
    run.refresh_from_db()
    assert (told, run.looked_at, run.changed) == ([other.pk], 2, 1)
    same.refresh_from_db()
    assert same.reader == "fake-2"


def test_what_this_reader_has_read_is_not_read_again(said, reads):
    said(reader="fake-2"), said()
    reader = reads(CALM, "fake-2")
    rereading.advance(rereading.begin(by=None).pk)
    assert reader.asked == 1


def test_an_erased_message_stays_silent(said, reads):
    message = said()
    silence(Message.objects.all())
    reads(ANGRY, "fake-2")
    rereading.advance(rereading.begin(by=None).pk)
    message.refresh_from_db()
    assert (message.reader, message.reasons) == ("old-1", "")


def test_what_was_read_before_hark_kept_how_sure_it_was_of_a_language_keeps_it(said, reads):
    message = said(language="de", language_confidence=0)
    reads(ANGRY, "fake-2")
    rereading.advance(rereading.begin(by=None).pk)
    message.refresh_from_db()
    assert (message.language, message.language_confidence) == ("de", 0)


def test_a_language_that_was_stored_with_its_country_is_that_language_from_then_on(said, reads):
    message = said(language="en-GB", language_confidence=1)
    reader = reads(ANGRY, "fake-2")
    rereading.advance(rereading.begin(by=None).pk)
    message.refresh_from_db()
    assert (message.language, message.language_confidence, reader.told) == ("en", 1, ["en"])


def test_killed_in_the_middle_it_goes_on_where_it_was(said, reads):
    for _each in range(7):
        said()
    reads(CALM, "fake-2")
    run = rereading.begin(by=None)
    assert rereading.advance(run.pk, batches=1) is True
    with transaction.atomic():
        rereading.advance(run.pk, batches=1)
        transaction.set_rollback(True)  # in the middle of the next: nothing of it stays
    run.refresh_from_db()
    assert run.looked_at == 3
    assert readers() == ["old-1"] * 4 + ["fake-2"] * 3
    rereading.advance(run.pk)
    run.refresh_from_db()
    assert (run.looked_at, run.changed, run.finished_at is not None) == (7, 7, True)


@pytest.mark.django_db(transaction=True)
def test_several_workers_share_it_and_count_each_message_once(said, reads):
    for _each in range(20):
        said()
    reads(CALM, "fake-2")
    run = rereading.begin(by=None)
    at_once(*[lambda: rereading.advance(run.pk, batches=50)] * 3)
    while rereading.advance(run.pk):
        pass
    run.refresh_from_db()
    assert (run.looked_at, run.changed) == (20, 20)


def test_a_batch_asks_as_little_of_one_as_of_twenty(said, reads, monkeypatch):
    monkeypatch.setattr(rereading, "BATCH", 500)
    reads(CALM, "fake-2")

    def statements(n):
        Message.objects.all().delete()
        for _each in range(n):
            said()
        run = rereading.begin(by=None)
        with CaptureQueriesContext(connection) as asked:
            rereading.advance(run.pk, batches=1)
        return len(asked)

    assert statements(1) == statements(20)


def test_one_at_a_time_and_the_second_is_told_so(said, lead, reads):
    for _each in range(4):
        said()
    reads(CALM, "fake-2")
    run = rereading.start(by=lead)
    rereading.advance(run.pk, batches=1)
    with pytest.raises(rereading.AlreadyRereading, match="3 of 4"):
        rereading.start(by=lead)
    assert Rereading.objects.count() == 1


def test_stopped_it_leaves_the_rest_and_can_be_begun_again(said, lead, reads):
    for _each in range(4):
        said()
    reads(CALM, "fake-2")
    run = rereading.start(by=lead)
    rereading.advance(run.pk, batches=1)
    run = rereading.stop(rereading=run, by=lead)
    assert rereading.advance(run.pk) is False
    assert readers().count("old-1") == 1
    with pytest.raises(rereading.NotRunning):
        rereading.stop(rereading=run, by=lead)
    rereading.advance(rereading.start(by=lead).pk)
    assert set(readers()) == {"fake-2"}


def test_with_nothing_to_read_it_is_done_at_once(reads):
    reads(CALM, "fake-2")
    run = rereading.begin(by=None)
    rereading.advance(run.pk)
    run.refresh_from_db()
    assert (run.total, run.share, run.is_open) == (0, 1, False)


def test_a_job_is_a_slice_and_the_sweep_finds_what_a_worker_left(
    said, lead, reads, nudges, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(rereading, "SLICE", 1)
    for _each in range(4):
        said()
    reads(CALM, "fake-2")

    def heard(job, *args):
        nudges.clear()
        with django_capture_on_commit_callbacks(execute=True):
            job(*args)
        return nudges

    with django_capture_on_commit_callbacks(execute=True):
        run = rereading.start(by=lead)
    assert nudges == [(rereading.JOB, run.pk)]
    assert heard(jobs.reread, run.pk) == [(rereading.JOB, run.pk)]
    assert heard(jobs.sweep_learning) == []
    Rereading.objects.update(
        started_at=timezone.now() - timedelta(hours=1), moved_at=timezone.now() - timedelta(minutes=2)
    )
    assert heard(jobs.sweep_learning) == [(rereading.JOB, run.pk)]
    assert heard(jobs.reread, run.pk) == []
    assert heard(jobs.sweep_learning) == []


def test_a_rereading_that_never_moved_is_found_too(lead, nudges, django_capture_on_commit_callbacks):
    run = factories.RereadingFactory(started_at=timezone.now() - timedelta(minutes=2))
    with django_capture_on_commit_callbacks(execute=True):
        jobs.sweep_learning()
    assert nudges == [(rereading.JOB, run.pk)]
