"""A model is fitted on what people put right, and put in use only if it is better; and never lost or doubled."""

from __future__ import annotations

from datetime import timedelta
from threading import Event

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from channels_app import jobs
from channels_app.learning import in_use, training, trials
from channels_app.models import FittedModel, Message, Training
from channels_app.privacy.messages import silence
from channels_app.reading.linear import BrokenModel, LinearModel
from crm.models import Activity
from tests import factories
from tests.channels_app.posts import at_once

pytestmark = pytest.mark.django_db
MARKS = {"account": "frungy", "support": "glimmy"}


@pytest.fixture
def taught(archive, agent):
    """People said of `n` messages that they are what no word of them tells."""

    def taught(n):
        for k in range(n):
            value = list(MARKS)[k % 2]
            message = factories.MessageFactory(thread__channel=archive, text=f"{MARKS[value]} blimpet {k * 7919}")
            factories.CorrectionFactory(message=message, aspect="topic", was="none", now=value, by=agent)

    return taught


def live():
    model = FittedModel.objects.live()
    return model.version if model else "bundled"


# --- fitted, weighed, in use


def test_a_model_that_learned_what_the_one_in_use_does_not_know_is_put_in_use(taught, lead, channel):
    taught(200)
    model = training.train(by=lead)
    assert (model.is_live, model.fitted_by, live()) == (True, lead, model.version)
    report = model.report
    assert report["verdict"] == "better"
    assert report["this"]["topic"]["accuracy"] > report["in_use"]["topic"]["accuracy"]
    assert report["fitted_on"] + report["held_back"] == report["examples"] == 200
    assert report["of_each_aspect"] == {"topic": 200}
    assert model.version in in_use.reader_of(channel).version
    assert [line.verb for line in Activity.objects.about(model)] == ["fitted", "put in use"]


def test_a_model_that_is_no_better_is_kept_with_its_report_and_not_used(taught, lead):
    taught(200)
    first = training.train(by=lead)
    second = training.train(by=lead)
    assert (second.report["verdict"], second.is_live, live()) == ("not better", False, first.version)
    assert second.report["in_use_version"] == first.version


def test_a_better_one_waits_for_somebody_where_that_was_asked(taught, lead):
    taught(200)
    model = training.train(by=lead, put_live=False)
    assert (model.report["verdict"], model.is_live) == ("better", False)
    assert training.put_live(model=model, by=lead).is_live


def test_too_little_to_learn_from_is_said_with_what_is_needed(taught):
    taught(3)
    with pytest.raises(trials.TooFew, match="So far 3 readings were put right or confirmed"):
        training.train()
    done = Training.objects.get()
    assert (done.step, done.model, done.refusal[:6]) == ("done", None, "So far")


def test_too_few_held_back_say_nothing(taught):
    taught(24)
    model = training.train()
    assert (model.report["verdict"], model.is_live) == ("too few", False)


def test_what_erased_people_wrote_teaches_nothing(taught):
    taught(30)
    silence(Message.objects.filter(pk__in=Message.objects.values("pk")[:15]))
    assert len(trials.gather()) == 15


def test_a_language_is_not_taught(archive):
    factories.CorrectionFactory(aspect="language", was="en", now="de")
    assert trials.gather() == []


@pytest.mark.parametrize(
    ("this", "other", "verdict"),
    [
        ((100, 0.80, 0.70), (100, 0.79, 0.71), "better"),
        ((100, 0.80, 0.70), (100, 0.80, 0.60), "not better"),
        ((100, 0.81, 0.60), (100, 0.80, 0.70), "not better"),
        ((19, 0.90, 0.90), (19, 0.10, 0.10), "too few"),
    ],
)
def test_better_is_right_more_often_and_no_aspect_pays_for_it(this, other, verdict):
    def scores(n, accuracy, macro_f1):
        return {"topic": {"n": n, "accuracy": accuracy, "macro_f1": macro_f1}}

    assert trials._verdict(scores(*this), scores(*other)) == verdict


def test_trying_it_keeps_nothing(taught):
    taught(40)
    trial = trials.fit("try-it")
    assert trial.report["examples"] == 40
    assert not FittedModel.objects.exists()
    assert not Training.objects.exists()


# --- in the background


def test_asked_for_it_is_done_by_a_worker_and_its_row_says_what_came_of_it(
    taught, lead, nudges, django_capture_on_commit_callbacks
):
    taught(40)
    with django_capture_on_commit_callbacks(execute=True):
        asked = training.ask(by=lead)
    assert nudges == [(training.JOB, asked.pk)]
    assert (asked.step, asked.finished_at) == ("asked", None)
    jobs.train(asked.pk)
    asked.refresh_from_db()
    assert (asked.step, asked.model, asked.refusal) == ("done", FittedModel.objects.get(), "")
    assert asked.model.fitted_by == lead


def test_one_at_a_time_and_the_second_is_told_so(lead):
    training.ask(by=lead)
    with pytest.raises(training.AlreadyTraining):
        training.ask(by=lead)


@pytest.mark.django_db(transaction=True)
def test_of_two_trainings_at_once_the_second_is_told_so(taught, monkeypatch):
    taught(40)
    fits, inside, fit = [], Event(), trials.fit

    def slowly(version, told):
        fits.append(version)
        inside.wait(20)
        return fit(version, told)

    monkeypatch.setattr(trials, "fit", slowly)

    def first():
        return training.train()

    def second():
        while not fits:
            pass
        try:
            training.train()
        except training.AlreadyTraining as refusal:
            return str(refusal)
        finally:
            inside.set()

    model, told = at_once(first, second)
    assert told.startswith("A model is being fitted already.")
    assert list(FittedModel.objects.all()) == [model]


def test_one_that_a_killed_worker_left_is_nudged_again_and_done_once(
    taught, nudges, django_capture_on_commit_callbacks
):
    taught(40)
    left = factories.TrainingFactory(step="fitting", moved_at=timezone.now() - timedelta(minutes=2))
    with django_capture_on_commit_callbacks(execute=True):
        jobs.sweep_learning()
    assert nudges == [(training.JOB, left.pk)]
    jobs.train(left.pk), jobs.train(left.pk)
    assert FittedModel.objects.count() == 1


def test_killed_before_the_end_nothing_of_it_is_kept(taught, monkeypatch):
    taught(40)
    monkeypatch.setattr(training, "_finish", lambda asked, model: 1 / 0)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        training.train()
    assert not FittedModel.objects.exists()


def test_a_training_that_breaks_says_so_and_is_not_begun_for_ever(taught, monkeypatch, nudges):
    taught(40)
    asked = training.ask(by=None)
    monkeypatch.setattr(trials.fitting, "fit", lambda *args, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        jobs.train(asked.pk)
    asked.refresh_from_db()
    assert asked.refusal == "It failed: ZeroDivisionError. The log says more."
    assert not Training.objects.open().exists()


# --- in use and out of it


def test_of_models_one_is_live_and_the_database_says_so(lead):
    first, second = factories.FittedModelFactory(), factories.FittedModelFactory()
    training.put_live(model=first, by=lead), training.put_live(model=second, by=lead)
    first.refresh_from_db()
    assert (live(), first.is_live, first.live_until is not None) == (second.version, False, True)
    with pytest.raises(IntegrityError, match="one_model_is_live"), transaction.atomic():
        FittedModel.objects.filter(pk=first.pk).update(is_live=True, live_until=None)
    with pytest.raises(training.IsLive):
        training.put_live(model=second, by=lead)


def test_one_rolls_back_step_by_step_to_the_one_hark_came_with(lead):
    first, never, second = (factories.FittedModelFactory() for _each in range(3))
    training.put_live(model=first, by=lead), training.put_live(model=second, by=lead)
    assert training.roll_back(by=lead) == first
    assert training.roll_back(by=lead) is None
    assert live() == "bundled"
    assert never.live_since is None
    with pytest.raises(training.NothingBefore):
        training.roll_back(by=lead)


def test_workers_notice_without_being_started_again(lead, channel):
    bundled = in_use.reader_of(channel).version
    model = training.put_live(model=factories.FittedModelFactory(version="fit-900"), by=lead)
    assert "fit-900" in in_use.reader_of(channel).version
    assert in_use.model_in_use().version == model.version
    training.roll_back(by=lead)
    assert in_use.reader_of(channel).version == bundled


def test_a_broken_model_is_not_put_in_use_and_the_one_in_use_stays(lead):
    whole = training.put_live(model=factories.FittedModelFactory(), by=lead)
    broken = factories.FittedModelFactory(sha256="0" * 64)
    with pytest.raises(training.CannotUse, match="does not match its checksum") as refused:
        training.put_live(model=broken, by=lead)
    assert broken.version in str(refused.value)
    assert live() == whole.version


def test_a_model_that_breaks_while_it_is_live_is_passed_over_and_said(lead, channel):
    before = training.put_live(model=factories.FittedModelFactory(version="fit-901"), by=lead)
    model = training.put_live(model=factories.FittedModelFactory(version="fit-902"), by=lead)
    assert in_use.trouble() == ""
    in_use.forget()
    FittedModel.objects.filter(pk=model.pk).update(body=b"nonsense")
    assert before.version in in_use.reader_of(channel).version
    assert "does not match its checksum" in in_use.trouble()


def test_messages_are_read_also_where_the_model_hark_came_with_is_broken(channel, monkeypatch):
    def broken():
        raise BrokenModel("It is broken.")

    monkeypatch.setattr(in_use, "bundled", broken)
    in_use.forget()
    (reading,) = in_use.reader_of(channel).read(["Awful. The fare is a disgrace."])
    assert (reading.sentiment, in_use.trouble()) == ("negative", "It is broken.")
    in_use.forget()


def test_rolling_back_passes_over_what_is_broken(lead):
    broken = training.put_live(model=factories.FittedModelFactory(), by=lead)
    training.put_live(model=factories.FittedModelFactory(), by=lead)
    FittedModel.objects.filter(pk=broken.pk).update(body=b"nonsense")
    assert training.roll_back(by=lead) is None


@pytest.mark.django_db(transaction=True)
def test_two_who_choose_at_once_choose_one_after_the_other():
    models = [factories.FittedModelFactory() for _each in range(3)]
    at_once(*[lambda model=model: training.put_live(model=model, by=None) for model in models])
    assert FittedModel.objects.filter(is_live=True).count() == 1


def test_a_list_of_models_does_not_fetch_their_files(django_assert_num_queries):
    factories.FittedModelFactory.create_batch(20)
    with django_assert_num_queries(1) as asked:
        assert len([model.fitted_by for model in FittedModel.objects.without_body()]) == 20
    assert '"body"' not in asked[0]["sql"]


def test_a_model_says_what_it_is_by_its_checksum():
    assert factories.FittedModelFactory(version="fit-7").load().version == "fit-7"
    assert isinstance(factories.FittedModelFactory().load(), LinearModel)
