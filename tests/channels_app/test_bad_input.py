"""What people and exports do to posts: each has its sentence, and none costs its neighbours anything."""

import csv
import gzip
import io
import json
from hashlib import sha256

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse

from cases.models import Case
from channels_app import inbox
from channels_app.models import Channel, Message, RawEvent
from crm.models import Customer
from tests.channels_app.posts import keep, message, post, take_in, threads_of

pytestmark = pytest.mark.django_db
HEADER = b"id,author,text,at,answers\n"
GOOD = b"1,ann,Where is my train?,2026-11-20T12:00:00Z,\n"
LAST = b"9,cem,Mine is late too.,2026-11-20T12:09:00Z,\n"
FIELDS = "The row has {} fields, the first line 5: look at its quotes and commas."
OPEN = "The row is not readable as CSV: a quote is opened and never closed."
QUOTED = "The row is not readable as CSV: something stands between a closing quote and the next comma."


@pytest.fixture
def load(tmp_path):
    """`load(b"...")` loads a file of these bytes between a header and two good rows."""

    def load(
        *lines: bytes, name="posts.csv", header=HEADER, mapping="id=id,author=author,text=text,at=at,reply_to=answers"
    ):
        path = tmp_path / name
        path.write_bytes(header + GOOD + b"".join(lines) + LAST)
        call_command(
            "load_posts", path, channel="twitter", map=mapping, rejects=tmp_path / "rejects.csv", stdout=io.StringIO()
        )
        return Channel.objects.get(key="twitter")

    return load


def neighbours_are_stored(channel):
    cases = Case.objects.filter(channel=channel, identity__value__in=["ann", "cem"])
    return cases.count() == 2 and {"1", "9"} <= set(Message.objects.values_list("external_id", flat=True))


def reasons():
    return list(RawEvent.objects.dead_letters().order_by("id").values_list("reason", flat=True))


# --- rows nobody can read


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"2,bob,Hello,,\n", "The row has no time."),
        (b"2,bob,Hello,2026-02-30T12:00:00Z,\n", "“2026-02-30T12:00:00Z” is not a time."),
        (b"2,bob,Hello,yesterday,\n", "“yesterday” is not a time."),
        (b"2,bob,Hello,0001-01-01T00:00:00+14:00,\n", "“0001-01-01T00:00:00+14:00” is not a time a post can have."),
        (b"2,bob,Hello,9999-12-31T23:59:59-14:00,\n", "“9999-12-31T23:59:59-14:00” is not a time a post can have."),
        (b"2,bob,Hello,0,\n", "“0” is not a time."),
        (b"2,,Hello,2026-11-20T12:00:00Z,\n", "The row has no author."),
        (b"2,@,Hello,2026-11-20T12:00:00Z,\n", "The row has no author."),
        (b",bob,Hello,2026-11-20T12:00:00Z,\n", "The row has no id."),
        (b"2,bob,caf\xe9,2026-11-20T12:00:00Z,\n", "The row is not valid UTF-8."),
        (b"2,bob,Hello\n", FIELDS.format(3)),
        (b"2,bob,one, two,2026-11-20T12:00:00Z,\n", FIELDS.format(6)),
        (b'2,bob,"He said "no" to me",2026-11-20T12:00:00Z,\n', QUOTED),
        (b'2,bob,"Hello,2026-11-20T12:00:00Z,\n', OPEN),
    ],
)  # fmt: skip
def test_a_row_nobody_can_read_says_why_and_its_neighbours_become_cases(load, row, reason):
    channel = load(row)
    assert reasons() == [reason]
    assert neighbours_are_stored(channel)
    raw = RawEvent.objects.dead_letters().get()
    assert raw.origin == "posts.csv, row 2"


def test_the_row_as_it_was_stands_in_the_dead_letters_and_in_the_rejects_file(load, tmp_path):
    load(b"2,bob,caf\xe9,2026-11-20T12:00:00Z,\n")
    raw = RawEvent.objects.dead_letters().get()
    assert bytes(raw.body) == b"2,bob,caf\xe9,2026-11-20T12:00:00Z,"
    with (tmp_path / "rejects.csv").open(newline="", encoding="utf-8") as file:
        header, row = csv.reader(file)
    assert header == ["row", "reason", "as_received"]
    assert row == ["posts.csv, row 2", "The row is not valid UTF-8.", "2,bob,caf\\xe9,2026-11-20T12:00:00Z,"]


def test_a_quote_that_is_never_closed_spoils_its_row_only(load):
    rows = [b"%d,bob,Number %d,2026-11-20T12:00:00Z,\n" % (n, n) for n in range(2, 8)]
    rows[2] = rows[2].replace(b"Number", b'"Number')
    channel = load(*rows)
    assert reasons() == [OPEN]
    assert Message.objects.count() == 7
    assert neighbours_are_stored(channel)


def test_a_quote_that_is_closed_in_the_next_row_spoils_its_row_only(load):
    channel = load(
        b'2,bob,"Open,2026-11-20T12:00:00Z,\n',
        b'3,bob,"Fine, thanks",2026-11-20T12:00:00Z,\n',
        b'4,bob,"In two\nlines",2026-11-20T12:00:00Z,\n',
    )
    assert len(reasons()) == 1
    assert {message(channel, n).text for n in (3, 4)} == {"Fine, thanks", "In two\nlines"}
    assert neighbours_are_stored(channel)


def test_lone_line_ends_inside_a_row_spoil_it_only(load):
    channel = load(b"2,bob,one\rtwo,2026-11-20T12:00:00Z,\n")
    assert reasons() == ["The row is not readable as CSV: a line ends in the middle of a field that has no quotes."]
    assert neighbours_are_stored(channel)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{broken\n", "The row is not valid JSON: Expecting property name enclosed in double quotes"),
        (b'["a", "list"]\n', "The row is not an object with named fields."),
        (b"[" * 100_000 + b"\n", "The row is JSON in too many brackets."),
        (b'{"id": "2", "text": "caf\xe9"}\n', "The row is not valid UTF-8 (byte 24)."),
        (json.dumps(post(2) | {"kind": "party"}).encode() + b"\n", "“party” is not a kind of event Hark knows."),
    ],
    ids=["broken", "a list", "deep", "latin-1", "kind"],
)
def test_a_line_of_json_nobody_can_read_says_why(tmp_path, line, reason):
    path = tmp_path / "posts.jsonl"
    good = [json.dumps(post(n, author=who)).encode() + b"\n" for n, who in ((1, "ann"), (9, "cem"))]
    path.write_bytes(good[0] + line + b"\n" + good[1])
    mapping = "id=id,author=author,text=text,at=at,kind=kind"
    call_command(
        "load_posts", path, channel="twitter", map=mapping, rejects=tmp_path / "rejects.csv", stdout=io.StringIO()
    )
    (found,) = reasons()
    assert found.startswith(reason)
    assert neighbours_are_stored(Channel.objects.get(key="twitter"))


# --- files nobody can read


def test_a_column_that_is_not_there_is_named_beside_those_that_are(load):
    with pytest.raises(CommandError) as refusal:
        load(mapping="id=tweet_id,author=author,text=body,at=at")
    assert str(refusal.value) == "The file has no column 'tweet_id', 'body'. It has: id, author, text, at, answers."
    assert not RawEvent.objects.exists()


def test_a_file_in_another_encoding_says_so(load):
    with pytest.raises(CommandError, match=r"first line is not valid UTF-8\. Save the file as CSV in UTF-8"):
        load(header="id,author,text,at,größe\n".encode("latin-1"))


def test_an_empty_file_says_that_it_has_nothing(tmp_path):
    path = tmp_path / "empty.csv"
    path.touch()
    with pytest.raises(CommandError, match=r"no column 'id', 'text', 'at'\. It has: nothing\."):
        call_command("load_posts", path, channel="twitter", map="id=id,text=text,at=at")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda content: content[:-9], "Compressed file ended before the end-of-stream marker was reached"),
        (lambda content: content[:2000] + b"\xff" * 400 + content[2400:], "Error -3 while decompressing data"),
        (lambda content: b"id,author\n1,ann\n", "Not a gzipped file"),
    ],
    ids=["truncated", "damaged", "not a .gz"],
)
def test_a_file_that_breaks_off_says_so_and_what_stood_before_is_stored(tmp_path, spoil, reason):
    path = tmp_path / "posts.csv.gz"
    rows = [
        b"%d,ann,Number %d %s,2026-11-20T12:00:00Z\n" % (n, n, sha256(b"%d" % n).hexdigest().encode())
        for n in range(2000)
    ]
    path.write_bytes(spoil(gzip.compress(b"id,author,text,at\n" + b"".join(rows))))
    with pytest.raises(CommandError) as refusal:
        call_command("load_posts", path, channel="twitter", map="id=id,author=author,text=text,at=at")
    kept = RawEvent.objects.count()
    assert str(refusal.value).startswith(f"posts.csv.gz cannot be read to its end: {reason}")
    assert str(refusal.value).endswith(f" The {kept:,} rows before that are stored; mend the file and load it again.")
    assert (kept > 1000) is (reason.startswith("Compressed"))


# --- odd, but said


def test_a_megabyte_of_text_is_shown_in_part_and_kept_whole(load):
    text = b"No answer from you. " * 55_000
    channel = load(b'2,bob,"%s",2026-11-20T12:00:00Z,\n' % text)
    assert len(text) > 1024 * 1024
    found = message(channel, 2)
    assert found.text == text.decode()[:100_000] + "…"
    assert json.loads(bytes(RawEvent.objects.get(origin="posts.csv, row 2").body))["text"] == text.decode()
    assert neighbours_are_stored(channel)


def test_nul_bytes_are_left_out_and_the_rest_is_kept(load):
    channel = load(b"2\x00,b\x00ob,He\x00llo,2026-11-20T12:00:00Z,\x001\n")
    found = message(channel, 2)
    assert (found.text, found.identity.value, found.parent_external_id) == ("Hello", "bob", "1")
    assert neighbours_are_stored(channel)


@pytest.mark.parametrize("field", ["text", "name", "language", "url", "thread", "quotes", "to", "reply_to", "author"])
@pytest.mark.parametrize("value", ["a\x00b", "\ud83d", 5, ["a", "list"], {"an": "object"}, "x" * 5_000, True, 1e400])
def test_nothing_a_field_may_hold_costs_the_neighbours_anything(archive, field, value):
    odd = json.dumps(post(2) | {field: value}).encode()
    before, between, after = take_in(archive, post(1), odd, post(3))
    assert (before.state, between.state, after.state) == ("stored", "stored", "stored")


def test_half_an_emoji_is_replaced_and_the_rest_is_kept(archive):
    take_in(archive, b'{"id": "1", "author": "ann", "text": "so happy \\ud83d", "at": "2026-11-20T12:00:00Z"}')
    assert message(archive, 1).text == "so happy ?"


def test_an_author_without_a_name_goes_by_the_handle(archive):
    take_in(archive, post(1, author="@Ann_R", name=""))
    assert Customer.objects.get().name == "Ann_R"


def test_an_author_without_a_name_is_called_by_the_handle_on_the_case_page(archive, agent, as_user):
    keep(archive, post(1, author="Ann_R"))
    inbox.work_off(archive)
    page = as_user(agent).get(reverse("cases:case", args=[Case.objects.get().pk])).content.decode()
    assert "@Ann_R" in page


def test_a_reply_to_an_unknown_post_is_stored_and_waits_for_it(archive):
    (raw,) = take_in(archive, post(2, reply_to="lost"))
    assert raw.state == RawEvent.State.STORED
    take_in(archive, post("lost", author="bob"))
    assert len(threads_of(archive, [2, "lost"])) == 1


def test_the_same_id_with_another_text_says_that_it_is_kept_as_an_edit(load):
    channel = load(GOOD.replace(b"Where is my train?", b"Where is my bus?"))
    raw = RawEvent.objects.get(origin="posts.csv, row 2")
    assert (raw.state, raw.reason) == ("duplicate", "Known already, with another text: kept as an edit.")
    assert message(channel, 1).text == "Where is my bus?"
    assert list(message(channel, 1).versions.values_list("text", flat=True)) == ["Where is my train?"]
    assert neighbours_are_stored(channel)


# --- HTML and script

SCRIPT = """<script>alert('x')</script><img src=x onerror="alert(1)"> & https://evil.example/"onmouseover="alert(2)"""


@pytest.fixture
def scripted(archive):
    """A case whose customer, by every name and word, tries to be HTML."""
    keep(archive, post(1, SCRIPT, author=SCRIPT[:60], name=SCRIPT), post(1, f"{SCRIPT} edited", kind="edit"))
    inbox.work_off(archive)
    return Case.objects.get()


@pytest.mark.parametrize("view", ["cases:case", "cases:pane", "cases:conversation"])
def test_html_in_a_post_is_shown_as_it_was_written_and_does_nothing(scripted, agent, as_user, view):
    shown = as_user(agent).get(reverse(view, args=[scripted.pk])).content.decode()
    assert "&lt;script&gt;alert(" in shown
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown
    assert '"onmouseover=' not in shown


def test_html_in_a_name_does_nothing_in_the_queue_and_on_the_customer_page(scripted, agent, as_user):
    for url in (reverse("cases:queue"), scripted.customer.get_absolute_url(), reverse("crm:customers")):
        shown = as_user(agent).get(url).content.decode()
        assert "&lt;script&gt;alert(" in shown
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown


def test_html_in_a_post_is_stored_as_it_was_written(scripted, archive):
    assert message(archive, 1).text == f"{SCRIPT} edited"
    assert message(archive, 1).versions.get().text == SCRIPT


def test_an_export_that_escapes_its_text_is_read_as_it_was_meant_and_still_shown_safely(archive, agent, as_user):
    keep(archive, post(1, "Bed &amp; breakfast &lt;script&gt;alert(1)&lt;/script&gt;"))
    inbox.work_off(archive)
    assert message(archive, 1).text == "Bed & breakfast <script>alert(1)</script>"
    shown = as_user(agent).get(reverse("cases:case", args=[Case.objects.get().pk])).content.decode()
    assert "Bed &amp; breakfast &lt;script&gt;" in shown
    assert "<script>alert" not in shown


def test_an_address_that_is_no_web_address_is_never_a_link(archive, agent, as_user):
    keep(archive, post(1, "javascript:alert(1) data:text/html,x", url="javascript:alert(1)"))
    inbox.work_off(archive)
    shown = as_user(agent).get(reverse("cases:case", args=[Case.objects.get().pk])).content.decode()
    assert 'href="javascript:' not in shown
    assert 'href="data:' not in shown
