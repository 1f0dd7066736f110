"""`bin/manage load_posts`: a file becomes cases, each row accounted for, however often and by however many."""

import csv
import gzip
import io
import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from cases.models import Case
from channels_app import loading
from channels_app.loading import Columns, PostFile, finish, load
from channels_app.models import Channel, FileLoad, Message, RawEvent
from crm.models import Customer, Team
from tests import factories
from tests.channels_app.posts import at_once, message

pytestmark = pytest.mark.django_db
MAP = "id=tweet_id,author=who,text=body,at=when,reply_to=answers"
HEADER = ["tweet_id", "who", "body", "when", "answers", "inbound"]


def row(n, **more):
    known = {"tweet_id": n, "who": f"person{n % 5}", "body": f"Number {n}, “quoted” and, with commas"}
    return known | {"when": f"2026-11-20 12:{n % 60:02}:00 +0000", "answers": "", "inbound": "True"} | more


def as_csv(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_json_lines(rows):
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@pytest.fixture
def file(tmp_path):
    """`file(rows)` is a CSV of them; `file(rows, "x.jsonl.gz")` what its name says."""

    def write(rows, name="posts.csv"):
        content = as_json_lines(rows) if ".jsonl" in name else as_csv(rows)
        path = tmp_path / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


def run(path, *more, channel="twitter", mapping=MAP):
    """The figures of one run, as its last line says them."""
    out = io.StringIO()
    rejects = path.with_suffix(".rejects")
    call_command(
        "load_posts",
        str(path),
        "--channel",
        channel,
        "--map",
        mapping,
        "--rejects",
        str(rejects),
        "--json",
        *more,
        stdout=out,
    )
    return json.loads(out.getvalue().splitlines()[-1])


def accounted_for(figures):
    return (
        figures["received"] == figures["stored"] + figures["duplicate"] + figures["rejected"] and not figures["waiting"]
    )


# --- files


@pytest.mark.parametrize("name", ["posts.csv", "posts.csv.gz", "posts.jsonl", "posts.jsonl.gz"])
def test_a_file_of_any_kind_becomes_cases_of_customers(file, name):
    figures = run(file([row(n) for n in range(12)], name))
    assert (figures["received"], figures["stored"], figures["customers"], figures["cases"]) == (12, 12, 5, 12)
    assert accounted_for(figures)
    found = message(Channel.objects.get(key="twitter"), 3)
    assert found.text == "Number 3, “quoted” and, with commas"
    assert found.occurred_at.isoformat() == "2026-11-20T12:03:00+00:00"
    assert not Message.objects.filter(case_entry=None).exists()


def test_a_byte_order_mark_and_spaces_around_names_do_not_hide_a_column(tmp_path):
    path = tmp_path / "posts.csv"
    path.write_bytes("\ufefftweet_id, who ,body,when,answers\n1,ann,Hello,2026-11-20T12:00:00Z,\n".encode())
    assert run(path)["stored"] == 1


def test_fields_may_span_lines_and_hold_quotes(file):
    run(file([row(1, body='Line one\nline "two"\n\nline four')]))
    assert message(Channel.objects.get(key="twitter"), 1).text == 'Line one\nline "two"\n\nline four'


def test_empty_lines_are_no_rows(tmp_path, file):
    path = file([row(n) for n in range(3)])
    path.write_bytes(path.read_bytes().replace(b"\r\n", b"\r\n\r\n\r\n"))
    figures = run(path)
    assert figures["received"] == figures["stored"] == 3


def test_ids_that_a_table_has_turned_into_decimals_still_meet(file):
    run(file([row(1, tweet_id="1.0"), row(2, answers="1.0")]))
    channel = Channel.objects.get(key="twitter")
    assert message(channel, 1).thread_id == message(channel, 2).thread_id


def test_ours_are_the_rows_with_that_value_in_that_column(file):
    rows = [row(1), row(2, who="SkylarkAir", inbound="False", answers="1", body="@person1 we are sorry.")]
    figures = run(file(rows), "--ours", "inbound=false")
    channel = Channel.objects.get(key="twitter")
    assert [message(channel, n).direction for n in (1, 2)] == ["in", "out"]
    assert message(channel, 2).identity == message(channel, 1).identity
    assert (figures["customers"], figures["cases"]) == (1, 1)
    assert Case.objects.get().state == Case.State.WAITING


# --- accounted for


def test_received_is_what_was_stored_known_already_and_rejected(file):
    rows = [row(n) for n in range(10)] + [row(3), row(4, body="Edited")] + [row(20, when="never"), row(21, who="")]
    figures = run(file(rows))
    assert [figures[name] for name in ("received", "stored", "duplicate", "rejected")] == [14, 10, 2, 2]
    assert accounted_for(figures)


@pytest.mark.parametrize("name", ["posts.csv", "posts.jsonl.gz"])
def test_loading_again_stores_nothing(file, name):
    path = file([row(n) for n in range(10)] + [row(99, when="never")], name)
    run(path)
    again = run(path)
    assert [again[name] for name in ("received", "stored", "duplicate", "rejected")] == [11, 0, 10, 1]
    assert (again["customers"], again["cases"]) == (0, 0)
    assert Message.objects.count() == Case.objects.count() == 10


def test_a_longer_file_stores_only_what_is_new(file):
    run(file([row(n) for n in range(10)]))
    figures = run(file([row(n) for n in range(15)]))
    assert [figures[name] for name in ("received", "stored", "duplicate")] == [15, 5, 10]


def test_figures_are_of_this_load_alone(file):
    run(file([row(1)], "first.csv"))
    figures = run(file([row(2)], "second.csv"))
    assert (figures["received"], figures["stored"], figures["customers"], figures["cases"]) == (1, 1, 1, 1)


def test_the_table_for_people_names_every_figure(file, capsys):
    out = io.StringIO()
    call_command("load_posts", file([row(1)]), channel="twitter", map=MAP, stdout=out)
    for figure in ("received", "stored", "duplicate", "rejected", "customers", "cases", "seconds", "posts per second"):
        assert figure in out.getvalue()
    assert "{" not in out.getvalue()


def test_rejected_rows_are_written_to_a_file_with_their_reasons(file):
    path = file([row(1), row(2, when="never"), row(3, who="")])
    run(path)
    with path.with_suffix(".rejects").open(newline="", encoding="utf-8") as rejects:
        written = list(csv.DictReader(rejects))
    assert [(line["row"], line["reason"]) for line in written] == [
        ("posts.csv, row 2", "“never” is not a time."),
        ("posts.csv, row 3", "The row has no author."),
    ]


def test_where_nothing_was_rejected_there_is_no_rejects_file(file):
    path = file([row(1)])
    run(path)
    assert not path.with_suffix(".rejects").exists()


# --- interrupted


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(loading, "ROWS", 10)


def columns():
    return Columns(dict(pair.split("=") for pair in MAP.split(",")))


class Killed(BaseException):
    """Nothing may catch it, like a signal."""


def interrupted_after(batches, path, channel):
    with pytest.raises(Killed):
        read_some(batches, PostFile(path, columns()), channel)


def read_some(batches, file, channel):
    for number, _ in enumerate(load(file=file, channel=channel), 1):
        if number == batches:
            raise Killed


def test_a_load_that_was_cut_off_goes_on_where_it_stopped(file, archive, small_batches):
    path = file([row(n) for n in range(45)])
    interrupted_after(2, path, archive)
    assert (RawEvent.objects.count(), FileLoad.objects.get().rows) == (20, 20)
    figures = run(path, channel="archive")
    assert figures["received"] == figures["stored"] == 45
    assert FileLoad.objects.get().finished_at is not None
    assert RawEvent.objects.count() == 45


def test_a_load_that_fails_while_storing_a_batch_keeps_the_batches_before(file, archive, small_batches, monkeypatch):
    kept = loading.inbox.keep

    def fails_at_the_third(**more):
        if RawEvent.objects.count() >= 20:
            raise Killed
        return kept(**more)

    path = file([row(n) for n in range(45)])
    with monkeypatch.context() as failing:
        failing.setattr(loading.inbox, "keep", fails_at_the_third)
        with pytest.raises(Killed):
            run(path, channel="archive")
    assert FileLoad.objects.get().rows == RawEvent.objects.count() == 20
    assert accounted_for(run(path, channel="archive"))
    assert Message.objects.count() == 45


def test_a_file_that_changed_is_another_file(file, archive, small_batches):
    interrupted_after(2, file([row(n) for n in range(45)]), archive)
    figures = run(file([row(n) for n in range(50)]), channel="archive")
    assert (figures["received"], figures["stored"], figures["duplicate"]) == (50, 30, 20)


def test_the_same_file_read_with_another_map_is_another_load(file):
    path = file([row(1)])
    run(path)
    run(path, mapping=MAP + ",name=who")
    assert FileLoad.objects.values("fingerprint").distinct().count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_loaders_of_one_file_keep_each_row_once(file, archive, small_batches):
    path = file([row(n) for n in range(95)])

    def loader():
        for state in load(file=PostFile(path, columns()), channel=Channel.objects.get(pk=archive.pk)):
            done = state
        finish(done)

    at_once(loader, loader, loader)
    (load_,) = FileLoad.objects.all()
    assert load_.rows == RawEvent.objects.count() == 95
    assert RawEvent.objects.values("origin").distinct().count() == 95


def test_a_pass_is_finished_only_when_its_rows_are_worked_off(file, archive):
    path = PostFile(file([row(1)]), columns())
    (state,) = load(file=path, channel=archive)
    assert FileLoad.objects.get().finished_at is None
    finish(state)
    assert FileLoad.objects.get().finished_at <= timezone.now()


# --- what it is told


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        ("id=tweet_id,text=body", "--map must say which column holds at."),
        ("id=tweet_id,text=,at=when", "--map must say which column holds text."),
        ("", "--map must say which column holds at, id, text."),
        (MAP + ",colour=x", "colour: not a field of a post. The fields are id, author, name, text, at,"),
    ],
)
def test_a_map_that_cannot_work_says_what_is_missing(file, mapping, sentence):
    with pytest.raises(CommandError) as refusal:
        run(file([row(1)]), mapping=mapping)
    assert str(refusal.value).startswith(sentence)


def test_ours_without_a_value_says_how_it_is_written(file):
    with pytest.raises(CommandError, match="--ours takes column=value, such as inbound=False"):
        run(file([row(1)]), "--ours", "inbound")


def test_a_column_of_ours_that_is_not_there_is_named(file):
    with pytest.raises(CommandError, match="The file has no column 'outbound'"):
        run(file([row(1)]), "--ours", "outbound=1")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(CommandError, match=r"There is no file .*nowhere\.csv"):
        run(tmp_path / "nowhere.csv")


def test_a_channel_of_a_network_takes_no_file(file, channel):
    with pytest.raises(CommandError) as refusal:
        run(file([row(1)]), channel=channel.key)
    assert (
        str(refusal.value) == "@skylark on Chirp is not an archive channel: what it has to say comes from its network."
    )


def test_a_key_that_cannot_be_one_says_what_can(file):
    with pytest.raises(CommandError, match=r"“no good!” cannot be a channel's key: use letters, digits, - and _"):
        run(file([row(1)]), channel="no good!")
    assert not Channel.objects.exists()


def test_a_channel_is_made_where_there_is_none_for_the_first_team(file):
    team = factories.TeamFactory(name="Travel care")
    run(file([row(1)]), channel="old-tweets")
    channel = Channel.objects.get()
    assert (channel.name, channel.platform, channel.place, channel.team) == (
        "Old tweets",
        "archive",
        "old-tweets",
        team,
    )


def test_a_channel_is_made_even_where_there_is_no_team_yet(file):
    run(file([row(1)]))
    assert Channel.objects.get().team == Team.objects.get(name="Care")
    assert Customer.objects.count() == 1
