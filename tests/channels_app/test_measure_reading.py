"""The command that measures how well texts are read."""

import gzip
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from channels_app.reading.measuring import score

POSTS = """id,post,mood
1,My parcel never arrived and nobody answers,Negative
2,Worst service ever,negative
3,What time do you open?,neutral
4,@acme,NEUTRAL
5,"Thank you so much, you are the best",positive
6,I hate this,positive
7,who knows,mixed
"""


@pytest.fixture
def posts(tmp_path: Path) -> Path:
    file = tmp_path / "posts.csv"
    file.write_text(POSTS, encoding="utf-8")
    return file


def measured(file: Path, *options: str) -> str:
    out = StringIO()
    call_command("measure_reading", str(file), *options, stdout=out)
    return out.getvalue()


def figures(file: Path, *options: str) -> dict:
    return json.loads(measured(file, *options, "--json").splitlines()[-1])


def test_people_get_tables_with_textblob_beside(posts: Path) -> None:
    said = measured(posts, "--text", "post", "--label", "mood")
    for words in ("macro F1", "TextBlob alone", "CPU ms per message", "counted as neutral", "Confusion", "precision"):
        assert words in said
    assert "{" not in said


def test_programs_get_one_object_on_the_last_line(posts: Path) -> None:
    found = figures(posts, "--text", "post", "--label", "mood")
    assert found["n"] == 6
    assert found["skipped"] == 1
    assert found["accuracy"] == round(5 / 6, 4)
    assert found["confusion"]["positive"] == {"negative": 1, "neutral": 0, "positive": 1}
    assert found["per_class"]["negative"] == {"precision": 0.6667, "recall": 1.0, "f1": 0.8, "count": 2}
    assert found["macro_recall"] == round((1 + 1 + 0.5) / 3, 4)
    assert found["unknown_share"] == round(1 / 6, 4)
    assert found["cpu_ms_per_message"] >= 0
    assert set(found["baseline_textblob"]) >= {"macro_f1", "macro_recall", "accuracy", "per_class", "confusion"}


def test_a_packed_file_is_read(tmp_path: Path) -> None:
    packed = tmp_path / "posts.csv.gz"
    packed.write_bytes(gzip.compress(POSTS.encode()))
    assert figures(packed, "--text", "post", "--label", "mood")["n"] == 6


def test_only_the_first_rows_are_measured_where_that_is_asked(posts: Path) -> None:
    assert figures(posts, "--text", "post", "--label", "mood", "--limit", "2")["n"] == 2


def test_a_text_of_a_megabyte_and_a_nul_are_measured_like_others(tmp_path: Path) -> None:
    file = tmp_path / "posts.csv"
    file.write_text(f"t,l\nawful {'x' * 1_000_000},negative\nawful\x00,negative\n", encoding="utf-8")
    assert figures(file, "--text", "t", "--label", "l")["accuracy"] == 1.0


def test_a_wrong_column_is_refused_with_those_that_there_are(posts: Path) -> None:
    with pytest.raises(
        CommandError, match=r'no column "text" and no column "label". Its columns are: id, post, mood\.'
    ):
        measured(posts, "--text", "text", "--label", "label")


def test_a_column_without_labels_is_refused(posts: Path) -> None:
    with pytest.raises(CommandError, match='"negative", "neutral" or "positive" in the column "id"'):
        measured(posts, "--text", "post", "--label", "id")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "posts.csv").write_text("")
    with pytest.raises(CommandError, match="Its columns are: none"):
        measured(tmp_path / "posts.csv", "--text", "post", "--label", "mood")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        measured(tmp_path / "none.csv", "--text", "post", "--label", "mood")


def test_a_file_that_only_claims_to_be_packed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "posts.csv.gz").write_text(POSTS)
    with pytest.raises(CommandError, match="cannot be read"):
        measured(tmp_path / "posts.csv.gz", "--text", "post", "--label", "mood")


def test_a_limit_of_nothing_is_refused(posts: Path) -> None:
    with pytest.raises(CommandError, match="--limit"):
        measured(posts, "--text", "post", "--label", "mood", "--limit", "0")


def test_scores_follow_their_definitions() -> None:
    truths = ["negative", "negative", "neutral", "positive"]
    found = score(truths, ["negative", "positive", "unknown", "positive"])
    assert found.accuracy == 0.75
    assert found.per_class["negative"].recall == 0.5
    assert found.per_class["neutral"].f1 == 1.0
    assert found.per_class["positive"].precision == 0.5
    assert found.macro_f1 == round((2 / 3 + 1 + 2 / 3) / 3, 4)


def test_a_class_that_never_occurs_scores_nothing() -> None:
    found = score(["neutral"], ["neutral"])
    assert found.per_class["negative"].f1 == 0.0
    assert found.macro_f1 == round(1 / 3, 4)
