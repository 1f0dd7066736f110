"""Words that leads add, and the reader that reads by them."""

from __future__ import annotations

import pytest

from channels_app.learning import aspects, in_use, lexicon
from channels_app.models import Channel, LexiconWord
from crm.models import Activity
from tests import factories
from tests.channels_app.posts import at_once

pytestmark = pytest.mark.django_db
FEE = {"language": "en", "brand": "", "aspect": "topic", "value": "price", "words": "resort fee", "weight": 1.0}


def add(by=None, **facts):
    return lexicon.add(**{**FEE, **facts}, by=by)


def words(brand=""):
    return {(word.words, word.weight) for word in in_use.words_of(brand).added}


def test_a_word_is_added_as_it_is_looked_for_and_stands_in_the_log(lead):
    word = add(words="  Resort   FEE ", by=lead)
    assert (word.words, word.added_by) == ("resort fee", lead)
    assert Activity.objects.about(word).get().verb == "added"
    assert words() == {("resort fee", 1.0)}


def test_a_word_of_a_brand_is_read_for_that_brand_alone_and_beats_the_same_word_for_all(channel):
    Channel.objects.update(brand="Skylark")
    add(weight=0.5), add(brand="Skylark", weight=-1.0), add(words="perk")
    assert words() == {("resort fee", 0.5), ("perk", 1.0)}
    assert words("Skylark") == {("resort fee", -1.0), ("perk", 1.0)}


def test_another_weight_replaces_the_word_and_keeps_what_it_was(lead):
    first = add()
    second = add(weight=0.25, by=lead)
    first.refresh_from_db()
    assert (first.removed_by, words()) == (lead, {("resort fee", 0.25)})
    assert list(LexiconWord.objects.in_use()) == [second]


def test_a_word_is_taken_out_once_and_can_be_put_back(lead):
    word = lexicon.remove(word=add(), by=lead)
    assert word.removed_by == lead
    assert words() == set()
    with pytest.raises(lexicon.AlreadyOut):
        lexicon.remove(word=word, by=lead)
    lexicon.put_back(word=word, by=lead)
    assert words() == {("resort fee", 1.0)}


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({"words": " "}, lexicon.NoWord),
        ({"words": "!!"}, lexicon.NoWord),
        ({"words": "x" * 81}, lexicon.TooLong),
        ({"words": "*"}, lexicon.EndingTooShort),
        ({"words": "d*"}, lexicon.EndingTooShort),
        ({"words": "de*lay"}, lexicon.EndingTooShort),
        ({"weight": 1.5}, lexicon.NoSuchWeight),
        ({"weight": float("nan")}, lexicon.NoSuchWeight),
        ({"brand": "Nobody"}, lexicon.NoSuchBrand),
        ({"language": "English"}, aspects.NoSuchLanguage),
        ({"aspect": "language", "value": "en"}, aspects.NoSuchAspect),
        ({"aspect": "weather"}, aspects.NoSuchAspect),
        ({"value": "weather"}, aspects.NoSuchValue),
        ({"value": ""}, aspects.NoSuchValue),
        ({"aspect": "sentiment"}, aspects.NoSuchValue),
    ],
)
def test_what_cannot_be_read_by_is_refused_in_a_sentence(facts, refusal):
    with pytest.raises(refusal) as refused:
        add(**facts)
    assert str(refused.value).endswith(".")
    assert not LexiconWord.objects.exists()


def test_the_same_word_twice_is_refused():
    add()
    with pytest.raises(lexicon.StandsAlready, match="“resort fee” stands there already"):
        add()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_add_the_same_word_at_once_one_does():
    def adds():
        try:
            return add()
        except lexicon.StandsAlready:
            return None

    assert len([made for made in at_once(adds, adds, adds) if made]) == 1


def test_a_word_counts_from_the_next_batch_on(channel, django_assert_num_queries):
    before = in_use.reader_of(channel)
    with django_assert_num_queries(1):
        assert in_use.reader_of(channel) is before
    word = add()
    after = in_use.reader_of(channel)
    assert after.version != before.version
    lexicon.remove(word=word, by=None)
    assert in_use.reader_of(channel).version == before.version


def test_a_word_that_is_committed_after_a_later_one_counts_too(channel):
    late, newest = add(), add(words="late fee")
    LexiconWord.objects.filter(pk=late.pk).delete()
    before = in_use.reader_of(channel)
    late.save(force_insert=True)
    assert in_use.reader_of(channel) is not before
    lexicon.remove(word=newest, by=None)
    before = in_use.reader_of(channel)
    LexiconWord.objects.filter(pk=late.pk).update(removed_at=newest.added_at)  # it began before, and ended after
    assert in_use.reader_of(channel) is not before


def test_an_added_word_is_what_a_message_is_about(channel):
    before, *_rest = in_use.reader_of(channel).read(["The thingamabob at the desk was a surprise."])
    add(words="thingamabob*")
    after, *_rest = in_use.reader_of(channel).read(["The thingamabobs at the desk were a surprise."])
    assert (before.topic.value == "price", after.topic.value) == (False, "price")


def test_a_reader_chooses_among_the_languages_of_those_who_answer(team, channel):
    assert in_use.reader_of(channel).languages == frozenset()
    factories.UserFactory(teams=[team])
    assert in_use.reader_of(channel).languages == frozenset()  # one language is no choice
    factories.UserFactory(languages=["de", "fr-ch"])
    factories.UserFactory(role="sales", languages=["it"])
    factories.UserFactory(teams=[team], languages=["es"], is_active=False)
    assert in_use.reader_of(channel).languages == {"en", "de", "fr"}
