"""A model learns from examples, from what it knew before."""

import random

import pytest

from channels_app.reading import Reader
from channels_app.reading.fitting import Example, evaluate, fit, held_back
from channels_app.reading.linear import LinearModel

NOTHING = LinearModel("nothing")
THINGS = "phone order parcel train meal lamp ticket chair".split()


def moods(**said: str) -> list[Example]:
    """Each mood with its word, of several things."""
    return [Example(f"the {thing} is {word}", "sentiment", mood) for mood, word in said.items() for thing in THINGS]


TAUGHT = moods(negative="wobbly", neutral="square", positive="zingy")


def mood(model: LinearModel, text: str) -> str:
    return Reader(model).read([text])[0].sentiment.value


def test_words_that_nobody_knew_are_learned() -> None:
    model = fit(NOTHING, TAUGHT * 6, version="taught")
    assert [mood(model, f"my sofa is {word}") for word in ("wobbly", "square", "zingy")] == [
        "negative", "neutral", "positive",
    ]  # fmt: skip


def test_the_base_is_not_changed() -> None:
    base = fit(NOTHING, TAUGHT, version="base")
    before = base.dumps()
    fit(base, moods(positive="wobbly"), version="other")
    assert base.dumps() == before


def test_the_same_examples_in_any_order_give_the_same_model() -> None:
    mixed = TAUGHT * 2
    random.Random(3).shuffle(mixed)
    assert fit(NOTHING, mixed, version="a").dumps() == fit(NOTHING, TAUGHT * 2, version="a").dumps()


def test_a_few_examples_move_little_and_many_move_much() -> None:
    base = fit(NOTHING, TAUGHT * 10, version="base")
    against = moods(positive="wobbly")
    once, often = fit(base, against[:1], version="once"), fit(base, against * 30, version="often")
    assert mood(once, "the hat is wobbly") == "negative"
    assert mood(often, "the hat is wobbly") == "positive"


def test_what_is_not_said_in_the_examples_stays_as_it_was() -> None:
    base = fit(NOTHING, TAUGHT * 10, version="base")
    taught = fit(base, [Example("they close at noon on Mondays", "sentiment", "neutral")] * 20, version="more")
    assert mood(taught, "the hat is wobbly") == mood(base, "the hat is wobbly") == "negative"


@pytest.mark.parametrize(
    ("aspect", "value", "before"),
    [("intent", "idea", "other"), ("topic", "account", "none"), ("urgency", "high", "low")],
)
def test_corrections_of_wishes_teach_too(aspect: str, value: str, before: str) -> None:
    taught = [Example(f"zorblat {thing}", aspect, value) for thing in THINGS * 10]
    others = [Example(f"{thing} quandle", aspect, before) for thing in THINGS * 10]
    model = fit(NOTHING, taught + others, version="taught")
    said = getattr(Reader(model).read(["the zorblat is with the vase"])[0], aspect)
    assert getattr(Reader(NOTHING).read(["the zorblat is with the vase"])[0], aspect).value != value
    assert said.value == value
    assert any("zorblat" in reason for reason in said.reasons)


def test_an_aspect_without_examples_is_read_by_its_words_as_before() -> None:
    model = fit(NOTHING, TAUGHT * 6, version="taught")
    text = ["how much is the blue one?"]
    assert Reader(model).read(text)[0].topic == Reader(NOTHING).read(text)[0].topic


def test_before_anything_is_learned_of_a_wish_the_words_decide() -> None:
    """One example far away leaves another text as the words told it."""
    texts = ["how much is the blue one?", "you charged me twice, I want my money back", "my parcel never arrived"]
    model = fit(NOTHING, [Example("quandle", "topic", "none")], version="taught")
    told = [[reading.topic.value for reading in Reader(each).read(texts)] for each in (NOTHING, model)]
    assert told[0] == told[1]


def test_what_hark_does_not_know_is_left_out() -> None:
    strange = [Example("the hat is wobbly", "sentiment", "furious"), Example("the hat", "weather", "rain")]
    assert fit(NOTHING, strange, version="a").heads == {}


def test_another_language_is_read_by_its_words_until_there_are_enough_examples() -> None:
    german = [
        Example(f"{thing} ist {word}", "sentiment", said, "de")
        for thing in THINGS
        for word, said in (("klapprig", "negative"), ("viereckig", "neutral"), ("fetzig", "positive"))
    ]
    few, many = fit(NOTHING, german, version="few"), fit(NOTHING, german * 5, version="many")
    assert "de" not in few.languages
    assert "de" in many.languages
    assert Reader(many).read(["das Sofa ist klapprig"], ["de"])[0].sentiment.value == "negative"


def test_the_same_words_are_held_back_together_whatever_stands_around_them() -> None:
    kept, back = held_back([Example(f"number {at}", "sentiment", "neutral") for at in range(200)])
    assert 20 <= len(back) <= 65
    assert len(kept) + len(back) == 200
    for each in back[:10]:
        again = Example(f"@acme {each.text.upper()} https://t.example/x", "topic", "none")
        assert held_back([again])[1] == [again]


def test_figures_say_how_many_and_how_well() -> None:
    model = fit(NOTHING, TAUGHT * 6, version="taught")
    figures = evaluate(model, [*TAUGHT, Example("the hat is wobbly", "sentiment", "positive")])["sentiment"]
    assert figures["n"] == len(TAUGHT) + 1
    assert figures["accuracy"] == round(len(TAUGHT) / (len(TAUGHT) + 1), 4)
    assert figures["per_class"]["positive"]["count"] == len(THINGS) + 1
    assert figures["per_class"]["negative"]["recall"] == 1.0
    assert 0 <= figures["calibration_error"] <= 1
    assert 0 <= figures["sure_share"] <= 1


def test_how_sure_it_is_is_learned_from_texts_it_was_not_fitted_on() -> None:
    """Where the labels contradict each other, no reading may be sure."""
    torn = [Example(each.text, "sentiment", said) for each in TAUGHT for said in ("negative", "neutral", "positive")]
    unsure, clear = fit(NOTHING, torn * 3, version="torn"), fit(NOTHING, TAUGHT * 9, version="clear")
    text = ["the hat is wobbly"]
    assert Reader(unsure).read(text)[0].confidence < 0.6 < Reader(clear).read(text)[0].confidence
