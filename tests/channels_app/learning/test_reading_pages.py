"""The pages about reading: how well, what to put right next, by which words and model, and old messages anew."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app.learning import correcting
from channels_app.models import Correction, FittedModel, LexiconWord, Rereading, Training
from channels_app.reading.examples import examples
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def at(name, *of):
    return reverse(f"channels_app:{name}", args=of)


@pytest.fixture
def lea(client, lead):
    """A lead at her browser."""
    client.force_login(lead)
    return client


@pytest.fixture
def shown(lea):
    """`shown("reading_words", q="fee")`: the page, as text."""

    def get(name, *of, headers=None, **query):
        answer = lea.get(at(name, *of), query, headers=headers)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def said(text="My train is late again", **read):
    """A message, read as the facts say."""
    return factories.MessageFactory(text=text, **read)


def read_as(was, now, by, times=1, **facts):
    """So many messages whose wish was read as `was`, and that are `now`."""
    for number in range(times):
        message = said(f"{was} {number}", intent=was, intent_confidence=0.5, **facts)
        correcting.correct(message=message, aspect="intent", now=now, by=by)


# --- how well


def test_how_well_says_of_each_aspect_how_much_was_right_of_what_was_looked_at(shown, lead):
    read_as("complaint", "complaint", lead, times=3)
    read_as("complaint", "question", lead)
    page = shown("reading", aspect="intent")
    assert "3 of 4 right" in page
    assert "75 %" in page
    assert "nobody looked yet" in page


def test_each_mistake_leads_to_its_examples(shown, lead):
    read_as("complaint", "question", lead, times=2)
    read_as("idea", "idea", lead)
    link = f"{at('reading_corrections')}?aspect=intent&amp;was=complaint&amp;now=question"
    assert link in shown("reading", aspect="intent")
    examples = shown("reading_corrections", aspect="intent", was="complaint", now="question")
    assert "complaint 0" in examples
    assert "complaint 1" in examples
    assert "idea 0" not in examples
    assert "Read as Complaint, is Question." in examples


def test_a_figure_is_taken_away_as_csv_with_its_base_count(lea, lead):
    read_as("complaint", "complaint", lead, times=3)
    read_as("complaint", "question", lead)
    answer = lea.get(at("reading_csv", "classes"), {"aspect": "intent"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode().removeprefix("\ufeff"))))
    (complaint,) = [row for row in rows if row["Class"] == "Complaint"]
    assert (complaint["Read as it"], complaint["Of these right"], complaint["Right, %"]) == ("4", "3", "75.0")
    assert lea.get(at("reading_csv", "nothing")).status_code == 404


def test_where_nobody_has_looked_it_leads_to_what_is_to_be_put_right(shown):
    page = shown("reading", aspect="topic")
    assert "Nobody has said how this was read." in page
    assert f"{at('reading_next')}?aspect=topic" in page


def test_for_htmx_a_page_is_its_part(shown, lead):
    read_as("complaint", "question", lead)
    for name in ("reading", "reading_next", "reading_corrections", "reading_words", "reading_models", "rereading"):
        assert "<html" not in shown(name, headers=HTMX | {"HX-Target": "to-correct"}), name
        assert "<html" in shown(name), name


def test_agents_find_no_way_there(client, agent):
    client.force_login(agent)
    assert at("reading") not in client.get("/queue/").content.decode()
    assert client.get(at("reading")).status_code == 403


# --- what people put right


def test_corrections_are_shown_and_taken_away_under_their_filter(shown, lea, lead):
    read_as("complaint", "question", lead)
    read_as("idea", "idea", lead)
    assert "idea 0" not in shown("reading_corrections", only="mistakes")
    assert "complaint 0" not in shown("reading_corrections", only="confirmed")
    answer = lea.get(at("reading_corrections_export"), {"query": "only=mistakes"})
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode().removeprefix("\ufeff")))
    assert (row["was"], row["now"], row["text"], row["by"]) == ("complaint", "question", "complaint 0", str(lead))


def test_who_erased_their_words_stands_in_no_list(shown, lead):
    read_as("complaint", "question", lead)
    message = Correction.objects.get().message
    message.fall_silent()
    message.save()
    assert "Nothing was put right here." in shown("reading_corrections")


# --- correct next


def test_the_least_certain_stands_first(shown):
    said("Why not sell tea", intent="idea", intent_confidence=0.9)
    said("More tea then", intent="idea", intent_confidence=0.3)
    said("Mmh tea", intent="")
    page = shown("reading_next", aspect="intent")
    assert page.index("More tea then") < page.index("Why not sell tea")
    assert "Mmh tea" not in page


def test_one_press_puts_it_right_and_the_card_says_by_whom(lea, lead):
    message = said(intent="complaint", intent_confidence=0.3)
    answer = lea.post(at("reading_correct", message.pk), {"aspect": "intent", "value": "question"}, headers=HTMX)
    message.refresh_from_db()
    assert (message.intent, message.intent_confidence) == ("question", 1.0)
    assert f"Put right by {lead}" in answer.content.decode()
    assert "Hark had read: Complaint, 30 % sure." in answer.content.decode()


def test_what_is_no_answer_is_refused_beside_the_card(lea):
    message = said(intent="complaint")
    answer = lea.post(at("reading_correct", message.pk), {"aspect": "intent", "value": "anger"}, headers=HTMX)
    assert answer.status_code == 422
    assert "“anger” is not one of the answers." in answer.content.decode()
    assert not Correction.objects.exists()


def test_older_ones_follow_by_their_place(shown, lea):
    for number in range(25):
        said(f"number {number:02}.", intent="idea", intent_confidence=0.5 + number / 100)
    first = lea.get(at("reading_next"), {"aspect": "intent"})
    assert "number 19." in first.content.decode()
    assert "number 20." not in first.content.decode()
    rest = lea.get(f"{at('reading_next')}?{first.context['next_query']}", headers=HTMX | {"HX-Target": "more"})
    assert "number 20." in rest.content.decode()
    assert "number 19." not in rest.content.decode()


@pytest.mark.parametrize(
    "name", ["reading_next", "reading_corrections", "reading_words", "reading_models", "rereading"]
)
def test_a_list_takes_as_many_queries_with_one_row_as_with_twenty(lea, lead, name):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            assert lea.get(at(name), {"aspect": "intent"} if name == "reading_next" else {}).status_code == 200
        return len(queries)

    def lay_down(number):
        read_as("complaint", "question", lead)
        said(intent="idea", intent_confidence=0.4)
        factories.LexiconWordFactory(words=f"word {number}")
        model = factories.FittedModelFactory()
        factories.RereadingFactory(finished_at=timezone.now())
        factories.TrainingFactory(step="done", finished_at=timezone.now(), model=model)

    lay_down(0)
    asked()
    one = asked()
    for number in range(1, 20):
        lay_down(number)
    assert asked() == one <= 12


# --- words


def test_a_word_is_added_taken_out_and_put_back(lea, lead, shown):
    sent = {"words": "Rip-off*", "speaks_for": "topic:price", "strength": "0.5", "language": "en", "brand": ""}
    lea.post(at("reading_word_add"), sent)
    word = LexiconWord.objects.get()
    assert (word.words, word.aspect, word.value, word.weight, word.added_by) == (
        "rip-off*", "topic", "price", 0.5, lead,
    )  # fmt: skip
    assert "rip-off*" in shown("reading_words", q="rip")
    lea.post(at("reading_word_remove", word.pk))
    assert not LexiconWord.objects.in_use().exists()
    assert "rip-off*" in shown("reading_words", state="out")
    lea.post(at("reading_word_put_back", word.pk))
    assert LexiconWord.objects.in_use().get().words == "rip-off*"


def test_a_word_for_a_bad_mood_weighs_below_nothing(lea):
    sent = {"words": "shambles", "speaks_for": "sentiment:bad", "strength": "1", "language": "en", "brand": ""}
    lea.post(at("reading_word_add"), sent)
    word = LexiconWord.objects.get()
    assert (word.value, word.weight) == ("", -1)


def test_what_is_no_word_is_refused_beside_the_form(lea):
    sent = {"words": "***", "speaks_for": "topic:price", "strength": "1", "language": "en", "brand": ""}
    answer = lea.post(at("reading_word_add"), sent)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert not LexiconWord.objects.exists()


def test_words_hark_came_with_are_found_and_cannot_be_taken_out(shown):
    page = shown("reading_words", q="refund", language="en")
    assert "Came with Hark" in page
    assert "refund" in page.split('id="bundled-title"')[1]
    assert "Take out" not in page.split('id="bundled-title"')[1].split("</section>")[0]


def test_a_text_is_tried_and_nothing_of_it_is_kept(lea):
    answer = lea.post(
        at("reading_try"), {"text": "Worst airline ever, I want my money back!", "brand": ""}, headers=HTMX
    )
    page = answer.content.decode()
    assert "Negative" in page
    assert "English" in page
    assert lea.post(at("reading_try"), {"text": "", "brand": ""}, headers=HTMX).status_code == 422


def test_a_word_added_a_moment_ago_counts_in_what_is_tried(lea):
    sent = {"words": "flumox", "speaks_for": "urgency:high", "strength": "1", "language": "en", "brand": ""}
    tried = {"text": "What a flumox this was for all of us at the station today", "brand": ""}
    assert "Hours matter" not in lea.post(at("reading_try"), tried, headers=HTMX).content.decode()
    lea.post(at("reading_word_add"), sent)
    assert "Hours matter" in lea.post(at("reading_try"), tried, headers=HTMX).content.decode()


# --- models


def test_training_is_asked_for_once_and_shows_how_far_it_is(
    lea, lead, shown, nudges, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        lea.post(at("reading_train"), {"put_live": "1"})
    asked = Training.objects.get()
    assert (asked.asked_by, asked.put_live) == (lead, True)
    assert ("channels_app.jobs.train", asked.pk) in nudges
    assert "Waits for a worker" in shown("reading_models")
    again = lea.post(at("reading_train"), {}, follow=True)
    assert "A model is being fitted already." in again.content.decode()
    assert Training.objects.count() == 1


def test_a_model_is_put_in_use_and_taken_back(lea, shown):
    one, two = factories.FittedModelFactory(version="one"), factories.FittedModelFactory(version="two")
    for model in (one, two):
        lea.post(at("reading_put_live", model.pk))
    assert FittedModel.objects.live() == two
    lea.post(at("reading_roll_back"))
    assert FittedModel.objects.live() == one
    told = lea.post(at("reading_roll_back"), follow=True).content.decode()
    assert FittedModel.objects.live() is None
    assert "The model Hark came with reads from the next message on." in told


def test_a_broken_model_is_refused_with_a_sentence(lea):
    broken = factories.FittedModelFactory(version="broken", sha256="0" * 64)
    told = lea.post(at("reading_put_live", broken.pk), follow=True).content.decode()
    assert "The model broken cannot be put in use." in told
    assert FittedModel.objects.live() is None


SCORES = {"n": 40, "accuracy": 0.8, "macro_f1": 0.75, "per_class": {"price": {"count": 12, "f1": 0.7}}}


def test_the_report_shows_each_aspect_beside_the_one_in_use(shown):
    before = {**SCORES, "accuracy": 0.7, "per_class": {}}
    report = {
        "verdict": "better", "this": {"topic": SCORES}, "in_use": {"topic": before}, "in_use_version": "fit-1",
        "examples": 200, "fitted_on": 160, "held_back": 40, "seconds": 3.2,
    }  # fmt: skip
    page = shown("reading_model", factories.FittedModelFactory(report=report).pk)
    assert "Better than the one in use" in page
    assert "200: fitted on 160, weighed on 40 that were held back" in page
    assert "0.800" in page
    assert "0.100" in page
    assert "Price" in page


# --- old messages anew


def test_rereading_is_started_shown_and_stopped(lea, lead, shown):
    said(read_at=timezone.now() - timedelta(days=3))
    lea.post(at("rereading_start"))
    run = Rereading.objects.get()
    assert (run.started_by, run.total) == (lead, 1)
    assert "0 of 1 (0 %)" in shown("rereading")
    lea.post(at("rereading_stop", run.pk))
    assert "stopped" in shown("rereading")


def test_a_second_rereading_is_told_of_the_first(lea):
    factories.RereadingFactory(looked_at=40)
    told = lea.post(at("rereading_start"), follow=True).content.decode()
    assert "Messages are being read anew already: 40 of 100." in told


# --- examples


def test_examples_show_what_is_read_right_and_what_is_read_wrong(shown):
    page = shown("reading_examples")
    assert "Empty text" in page
    assert "(no text)" in page
    assert "readings are right." in page
    wrong = any(each.wrong for each in examples())
    assert ("it is: " in page) == wrong
