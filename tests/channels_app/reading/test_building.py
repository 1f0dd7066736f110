"""The command that builds the model Hark comes with."""

import tomllib
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from channels_app.reading import Reader
from channels_app.reading.linear import LinearModel

THINGS = "phone order parcel train meal lamp ticket chair hat door".split()
MOODS = {"negative": "wobbly", "neutral": "square", "positive": "zingy"}
ROWS = [
    f"my {thing} number {at} is {word},{mood}" for mood, word in MOODS.items() for thing in THINGS for at in range(5)
]


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    file = tmp_path / "posts.csv"
    file.write_text("\n".join(["text,label", *ROWS]), encoding="utf-8")
    return file


def built(posts: Path, name: str = "model", *options: str) -> Path:
    folder = posts.parent / name
    folder.mkdir()
    call_command("build_reading_model", str(posts), "--into", str(folder), *options, stdout=StringIO())
    return folder


def test_a_model_and_its_card_are_written(posts: Path) -> None:
    folder = built(posts, "model", "--model-version", "ours-1", "--on", "2026-01-02", "--licence", "ours")
    card = tomllib.loads(folder.joinpath("base.toml").read_text(encoding="utf-8"))
    assert (card["version"], card["built_on"], card["licence"]) == ("ours-1", "2026-01-02", "ours")
    assert card["texts"] == dict.fromkeys(MOODS, 50)
    assert card["held_back"]["n"] > 10
    model = LinearModel.loads(folder.joinpath("base.npz").read_bytes(), card["sha256"])
    said = [
        reading.sentiment.value for reading in Reader(model).read([f"the sofa is {word}" for word in MOODS.values()])
    ]
    assert said == list(MOODS)


def test_the_same_file_gives_the_same_model(posts: Path) -> None:
    one, other = built(posts, "one"), built(posts, "other")
    assert one.joinpath("base.npz").read_bytes() == other.joinpath("base.npz").read_bytes()


def test_no_text_stands_in_the_model_or_its_card(posts: Path) -> None:
    folder = built(posts)
    assert all(b"wobbly" not in file.read_bytes() for file in folder.iterdir())


def test_a_file_without_the_column_is_refused(posts: Path) -> None:
    with pytest.raises(CommandError, match='no column "mood"'):
        built(posts, "model", "--label", "mood")


def test_a_version_that_a_message_cannot_name_is_refused(posts: Path) -> None:
    with pytest.raises(CommandError, match="30 characters at most"):
        built(posts, "model", "--model-version", "v" * 31)
