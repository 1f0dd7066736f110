"""The command that measures how well texts are read."""

import gzip
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from channels_app.reading.linear import LinearModel
from channels_app.reading.measuring import confusion

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
    for words in (
        "macro F1",
        "TextBlob alone",
        "CPU ms",
        "counted as neutral",
        "Confusion",
        "precision",
        "calibration",
    ):
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
    with pytest.raises(CommandError, match='one of "negative", "neutral", "positive" in the column "id"'):
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


WISHES = """text,wish,about,hurry,brand
My order never arrived,complaint,product,medium,Acme
Is my parcel late?,question,product,low,Acme
How much is the new plan?,lead,price,low,Acme
Click here to win a free phone,spam_abuse,none,low,Bolt
thanks for the great help,compliment,support,low,Bolt
My lawyer will write to you about the refund,complaint,price,high,Bolt
"""


@pytest.fixture
def wishes(tmp_path: Path) -> Path:
    file = tmp_path / "wishes.csv"
    file.write_text(WISHES, encoding="utf-8")
    return file


def test_wishes_are_measured_with_the_four_a_desk_is_run_by(wishes: Path) -> None:
    found = figures(wishes, "--what", "intent", "--label", "wish")
    assert found["n"] == 6  # a lead wants to buy, and spam is abuse
    assert found["four_class_f1"] == 1.0
    assert found["confusion"]["purchase"]["purchase"] == 1
    assert {"four_class_f1", "accuracy"} <= found["baseline_textblob"].keys()
    assert found["cpu_ms_without_wishes"] <= found["cpu_ms_per_message"]
    assert found["peak_memory_mb"] > 0


@pytest.mark.parametrize(("what", "label"), [("topic", "about"), ("urgency", "hurry")])
def test_topic_and_urgency_are_measured_beside_the_commonest(wishes: Path, what: str, label: str) -> None:
    found = figures(wishes, "--what", what, "--label", label)
    assert found["accuracy"] > found["baseline_commonest"]["accuracy"]
    assert 0 <= found["sure_share"] <= 1
    assert found["calibration_error"] >= 0


def test_people_see_wishes_in_tables(wishes: Path) -> None:
    said = measured(wishes, "--what", "topic", "--label", "about")
    for words in ("Topic of 6 texts", "always the commonest", "accuracy there", "peak memory"):
        assert words in said


def test_the_net_mood_of_each_brand_is_measured(tmp_path: Path) -> None:
    file = tmp_path / "brands.csv"
    lines = ["text,mood,brand", "You are awful and rude,negative,Acme", "You are amazing thank you,positive,Bolt"]
    file.write_text("\n".join(lines), encoding="utf-8")
    found = figures(file, "--label", "mood", "--brand", "brand")["brands"]
    assert found["net_sentiment_error"] == 0.0
    assert found["each"]["Acme"] == {"n": 1, "true": -1.0, "said": -1.0}
    assert "Net mood of each brand" in measured(file, "--label", "mood", "--brand", "brand")


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """More than enough to teach with: "sprocket" is always about the account."""
    file = tmp_path / "many.csv"
    rows = [f"sprocket number {n} again,account" if n % 2 else f"widget number {n} again,support" for n in range(200)]
    file.write_text("\n".join(["text,about", *rows]), encoding="utf-8")
    return file


def test_a_part_teaches_and_the_rest_is_measured(many: Path) -> None:
    untaught = figures(many, "--what", "topic", "--label", "about")
    taught = figures(many, "--what", "topic", "--label", "about", "--train-share", "0.5")
    assert taught["n"] + taught["taught_with"] == 200
    assert 60 < taught["n"] < 140
    assert taught["accuracy"] > untaught["accuracy"]


def test_each_part_is_read_as_the_others_teach(many: Path) -> None:
    found = figures(many, "--what", "topic", "--label", "about", "--folds", "4")
    assert found["n"] == 200
    assert found["accuracy"] > 0.9


def test_a_model_from_a_file_is_measured(many: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.npz"
    model.write_bytes(LinearModel("from-a-file").dumps())
    assert "from-a-file" in figures(many, "--what", "topic", "--label", "about", "--model", str(model))["reader"]


def test_a_broken_model_is_refused(many: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.npz"
    model.write_bytes(b"no model")
    with pytest.raises(CommandError, match="is not used"):
        measured(many, "--what", "topic", "--label", "about", "--model", str(model))
    with pytest.raises(CommandError, match="cannot be read"):
        measured(many, "--what", "topic", "--label", "about", "--model", str(tmp_path / "none.npz"))


@pytest.mark.parametrize("options", [["--train-share", "1"], ["--folds", "1"], ["--what", "weather"]])
def test_what_makes_no_sense_is_refused(wishes: Path, options: list[str]) -> None:
    with pytest.raises(CommandError):
        measured(wishes, "--label", "wish", *options)


def test_too_few_texts_to_teach_with_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("text,mood\nawful,negative\n", encoding="utf-8")
    with pytest.raises(CommandError, match="too few texts"):
        measured(file, "--label", "mood", "--folds", "2")


def test_what_was_not_read_stands_in_a_column_of_its_own() -> None:
    found = confusion([("price", "price", 0.9), ("none", "", 0.0)], "topic")
    assert found["none"][""] == 1
    assert found["price"] == {"product": 0, "price": 1, "account": 0, "support": 0, "none": 0, "": 0}
