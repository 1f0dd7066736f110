"""`bin/manage train` and `bin/manage reread`, as somebody at a terminal sees them."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from channels_app.learning import in_use, rereading
from channels_app.models import FittedModel, Message, Rereading, Training
from tests import factories
from tests.channels_app.learning.conftest import CALM

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(capsys):
    def run(*words, **options):
        call_command(*words, **options)
        return " ".join(capsys.readouterr().out.split())

    return run


@pytest.fixture
def taught(archive, agent):
    for k in range(120):
        message = factories.MessageFactory(thread__channel=archive, text=f"{('frungy', 'glimmy')[k % 2]} blimpet {k}")
        now = ("account", "support")[k % 2]
        factories.CorrectionFactory(message=message, aspect="topic", was="none", now=now, by=agent)


def test_train_says_how_both_did_and_what_came_of_it(run, taught):
    said = run("train")
    model = FittedModel.objects.get()
    assert f"On {model.report['held_back']} examples held back of 120" in said
    assert "topic" in said
    assert said.endswith(f"{model.version}: better than the one in use (lists). It is in use now.") or model.is_live
    assert model.is_live


def test_train_can_be_tried_and_can_leave_the_choice_to_somebody(run, taught):
    assert run("train", "--dry-run").endswith("Nothing was kept.")
    assert not Training.objects.exists()
    assert run("train", "--keep-the-one-in-use").endswith("The one in use stays; this one is kept.")
    assert not FittedModel.objects.get().is_live


def test_train_refuses_in_a_sentence(run):
    with pytest.raises(CommandError, match="So far 0 readings were put right or confirmed"):
        run("train")


def test_reread_here_and_now(run, said, reads):
    said(), said(intent="question")
    reads(CALM, "fake-2")
    told = run("reread", "--wait")
    assert told.startswith("Reads 2 messages, with fake-2.")
    assert told.endswith("2 messages looked at, 2 read otherwise than before.")
    assert not Rereading.objects.open().exists()


def test_reread_leaves_it_to_the_workers_and_goes_on_with_what_is_open(run, said, reads, monkeypatch):
    monkeypatch.setattr(rereading, "BATCH", 1)
    said(), said()
    reads(CALM, "fake-2")
    assert run("reread") == (
        "Reads 2 messages, with fake-2. The workers do it, behind other work. --wait does it here."
    )
    rereading.advance(Rereading.objects.get().pk, batches=1)
    assert run("reread", "--wait").startswith("Goes on with 1 messages, with fake-2.")
    assert set(Message.objects.values_list("reader", flat=True)) == {"fake-2"}


def test_reread_reads_with_the_reader_of_each_channel(run, said, channel):
    ours = said("Awful. The fare is a disgrace.")
    theirs = factories.MessageFactory(text="The fare is a disgrace.", thread__channel=channel)
    run("reread", "--wait")
    for message in (ours, theirs):
        message.refresh_from_db()
        assert message.reader == in_use.reader_of(message.channel).version
        assert message.topic == "price"
