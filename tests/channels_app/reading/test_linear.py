"""A model as a file: the same back, and refused where it is not what it should be."""

import io

import numpy as np
import pytest

from channels_app.reading import Reader
from channels_app.reading.fitting import Example, fit
from channels_app.reading.linear import BrokenModel, LinearModel, bundled, card, checksum
from channels_app.reading.reader import RULES
from channels_app.reading.words import Word, Words


@pytest.fixture(scope="module")
def model() -> LinearModel:
    examples = [Example("wobbly chair", "sentiment", "negative"), Example("wobbly chair", "topic", "product")]
    return fit(LinearModel("nothing"), examples, version="small")


def test_a_model_comes_back_from_its_file_as_it_was(model: LinearModel) -> None:
    body = model.dumps()
    again = LinearModel.loads(body, checksum(body))
    assert again.version == "small"
    assert again.dumps() == body
    texts = ["wobbly chair", "a square table", ""]
    assert Reader(again).read(texts) == Reader(model).read(texts)


def test_a_file_with_another_checksum_is_refused(model: LinearModel) -> None:
    body = model.dumps()
    with pytest.raises(BrokenModel, match="does not match its checksum"):
        LinearModel.loads(body + b" ", checksum(body))


@pytest.mark.parametrize("body", [b"", b"no model", b"PK\x03\x04"])
def test_what_is_no_model_is_refused(body: bytes) -> None:
    with pytest.raises(BrokenModel, match="not what this version reads"):
        LinearModel.loads(body, checksum(body))


def changed(model: LinearModel, **arrays: np.ndarray) -> bytes:
    with np.load(io.BytesIO(model.dumps())) as known:
        body = io.BytesIO()
        np.savez_compressed(body, **{**known, **arrays})
    return body.getvalue()


def test_a_model_of_another_shape_is_refused(model: LinearModel) -> None:
    for arrays in (
        {"sentiment_grams": np.zeros((10, 3), dtype=np.int16)},
        {"sentiment_dense": np.zeros((3, 3), dtype=np.int32)},
        {"sentiment_grams": np.zeros((1 << 18, 3), dtype=np.float64)},
    ):
        body = changed(model, **arrays)
        with pytest.raises(BrokenModel, match="not what this version reads"):
            LinearModel.loads(body, checksum(body))


def test_nothing_in_a_file_can_run(model: LinearModel) -> None:
    body = changed(model, sentiment_dense=np.array([[print]], dtype=object))
    with pytest.raises(BrokenModel):
        LinearModel.loads(body, checksum(body))


def test_a_model_for_other_features_is_refused(model: LinearModel) -> None:
    about = b'{"features": 0, "version": "old", "languages": [], "heads": {}}'
    body = changed(model, about=np.frombuffer(about, dtype=np.uint8))
    with pytest.raises(BrokenModel, match="another version of Hark"):
        LinearModel.loads(body, checksum(body))


def test_the_bundled_model_is_the_one_of_its_card_and_small() -> None:
    known, said = bundled(), card()
    assert known is not None
    assert known.version == said["version"]
    assert said["bytes"] <= 3 * 1024 * 1024
    assert said["held_back"]["macro_recall"] > 0.6
    assert known.languages == {"en"}


def test_the_version_of_a_reader_names_rules_model_and_added_words(model: LinearModel) -> None:
    words = Words.bundled().with_added([Word("en", "sentiment", "", "wobbly", -0.5)])
    assert Reader(model).version == f"{RULES}+small"
    assert Reader(model, words).version.startswith(f"{RULES}+small+")
    assert (
        Reader(model, words).version != Reader(model, words.with_added([Word("en", "topic", "price", "x", 1)])).version
    )
    assert len(Reader(LinearModel("v" * 50), words).version) <= 40
