"""Somebody puts right how a message was read."""

from __future__ import annotations

import pytest

from channels_app import live, naming
from channels_app.learning import aspects, correcting
from channels_app.learning.correcting import correct
from channels_app.models import Aspect, Correction, Message
from channels_app.privacy.messages import silence
from tests import factories
from tests.channels_app.posts import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(monkeypatch):
    """The messages of which the apps further right were told."""
    heard: list[int] = []
    monkeypatch.setattr(correcting, "_listeners", [heard.extend])
    return heard


def again(message):
    return Message.objects.get(pk=message.pk)


def test_a_correction_is_kept_and_true_at_once(said, agent, told):
    message = said()
    made = correct(message=message, aspect="intent", now="question", by=agent)
    assert (made.was, made.was_confidence, made.reader, made.now, made.by) == (
        "complaint", 0.7, "old-1", "question", agent,
    )  # fmt: skip
    now = again(message)
    assert (now.intent, now.intent_confidence, now.intent_reasons, now.corrected) == ("question", 1, "", "intent")
    assert told == [message.pk]


def test_the_same_again_confirms_and_keeps_the_words_that_decided(said, agent):
    message = said()
    made = correct(message=message, aspect="intent", now="complaint", by=agent)
    assert made.confirms
    now = again(message)
    assert (now.intent_confidence, now.intent_reasons, now.corrected) == (1, "late", "intent")


@pytest.mark.parametrize(("mood", "score"), [("positive", 0.5), ("neutral", 0), ("negative", -0.8)])
def test_a_mood_that_was_put_right_has_a_score_that_fits_it(said, agent, mood, score):
    message = said()
    correct(message=message, aspect="sentiment", now=mood, by=agent)
    assert (again(message).sentiment, again(message).score) == (mood, score)


def test_what_a_message_praises_or_blames_follows_its_mood(said, agent):
    message = said("Awful. The fare is a disgrace.")
    naming.catch_up()
    assert again(message).topics == "price"
    correct(message=message, aspect="sentiment", now="neutral", by=agent)
    assert again(message).topics == ""
    correct(message=message, aspect="sentiment", now="negative", by=agent)
    assert again(message).topics == "price"


def test_whoever_speaks_second_speaks_of_what_hark_had_read(said, agent, colleague):
    message = said()
    correct(message=message, aspect="intent", now="question", by=agent)
    second = correct(message=message, aspect="intent", now="complaint", by=colleague)
    assert (second.was, second.was_confidence, second.confirms) == ("complaint", 0.7, True)
    assert Correction.objects.in_force().get() == second


def test_the_same_said_twice_by_the_same_is_kept_once(said, agent, told):
    message = said()
    first = correct(message=message, aspect="intent", now="question", by=agent)
    assert correct(message=message, aspect="intent", now="question", by=agent) == first
    assert told == [message.pk]


def test_aspects_are_put_right_one_by_one(said, agent):
    message = said()
    for aspect, value in {"urgency": "high", "topic": "price", "language": "de", "sentiment": "neutral"}.items():
        correct(message=message, aspect=aspect, now=value, by=agent)
    now = again(message)
    assert (now.urgency, now.topic, now.language, now.sentiment) == ("high", "price", "de", "neutral")
    assert now.corrected == "language sentiment topic urgency"
    assert now.intent_confidence == 0.7


def test_a_language_named_with_a_country_is_that_language(said, agent):
    message = said()
    assert correct(message=message, aspect="language", now="pt-br", by=agent).now == "pt"
    assert again(message).language == "pt"


def test_all_that_can_be_put_right_fits_its_column():
    assert len(" ".join(Aspect.values)) <= Message._meta.get_field("corrected").max_length
    for aspect, values in aspects.VALUES.items():
        assert max(map(len, values)) <= Message._meta.get_field(aspects.COLUMNS[aspect].value).max_length
        assert max(map(len, values)) <= Correction._meta.get_field("now").max_length


@pytest.mark.parametrize(
    ("aspect", "value", "refusal"),
    [
        ("weather", "fine", aspects.NoSuchAspect),
        ("sentiment", "unknown", aspects.NoSuchValue),
        ("intent", "", aspects.NoSuchValue),
        ("topic", "weather", aspects.NoSuchValue),
        ("language", "German", aspects.NoSuchLanguage),
        ("language", "", aspects.NoSuchLanguage),
    ],
)
def test_what_nobody_can_mean_is_refused_in_a_sentence(said, agent, aspect, value, refusal):
    with pytest.raises(refusal) as refused:
        correct(message=said(), aspect=aspect, now=value, by=agent)
    assert str(refused.value).endswith(".")
    assert not Correction.objects.exists()


def test_what_we_wrote_is_not_read(said, agent):
    ours = said(direction="out", sent_by=agent)
    with pytest.raises(correcting.OursIsNotRead):
        correct(message=ours, aspect="intent", now="other", by=agent)


def test_an_erased_message_cannot_be_put_right_and_teaches_nothing_any_more(said, agent):
    message = said()
    correct(message=message, aspect="intent", now="question", by=agent)
    silence(Message.objects.filter(pk=message.pk))
    assert not Correction.objects.in_force().exists()
    assert again(message).corrected == "intent"
    with pytest.raises(correcting.NothingToRead):
        correct(message=message, aspect="intent", now="idea", by=agent)


def test_what_was_said_of_a_message_before_it_was_edited_teaches_nothing(said, agent):
    message = said()
    made = correct(message=message, aspect="intent", now="question", by=agent)
    Message.objects.filter(pk=message.pk).update(edited_at=made.at.replace(year=made.at.year + 1))
    assert not Correction.objects.in_force().exists()


def test_open_pages_are_told(said, agent, monkeypatch):
    announced = []
    monkeypatch.setattr(live, "announce", lambda what, *pks: announced.append((what, *pks)))
    message = said()
    correct(message=message, aspect="intent", now="question", by=agent)
    assert announced == [("message", message.pk)]


@pytest.mark.django_db(transaction=True)
def test_two_who_speak_at_once_are_both_kept_and_the_later_word_holds(said, team):
    message = said()
    people = [factories.UserFactory(teams=[team]) for _each in range(4)]
    values = ["question", "idea", "other", "abuse"]
    at_once(*[
        lambda one=one, value=value: correct(message=message, aspect="intent", now=value, by=one)
        for one, value in zip(people, values, strict=True)
    ])  # fmt: skip
    assert Correction.objects.count() == 4
    assert set(Correction.objects.values_list("was", flat=True)) == {"complaint"}
    assert again(message).intent == Correction.objects.in_force().get().now
