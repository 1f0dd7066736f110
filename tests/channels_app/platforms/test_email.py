"""A mailbox of each channel: what is read of it and where its conversations hang together; how our mails leave."""

from __future__ import annotations

import json
import smtplib
import socket
import uuid
from contextlib import contextmanager
from datetime import date
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from hypothesis import given
from hypothesis import strategies as st

from channels_app.platforms import mail_text
from channels_app.platforms.abilities import Access, Checked
from channels_app.platforms.base import Carried, EventKind, Outgoing
from channels_app.platforms.email import EmailPlatform, Security, conversation, imap, mailbox, why_not_sent
from channels_app.platforms.email.smtp import NoSuchAddress
from channels_app.platforms.errors import (
    AccessRevoked,
    ParentGone,
    PlatformError,
    Rejected,
    TryLater,
    UnknownOutcome,
    Unreadable,
)
from tests.channels_app.platforms import imap_server
from tests.channels_app.test_email import dsn, failed, mail

KEY, OTHER = "0b8f4a52-6d0c-4c53-9a51-0d6a3f1c2b7e", "7d4f8f8e-1111-4222-8333-944444444444"
CARE = {"address": "care@skylark.example", "plus_addresses": "yes"}
SECRETS = {"password": imap_server.PASSWORD, "signing_keys": "new old"}
TODAY = date(2026, 11, 22)


def platform(**more: str) -> EmailPlatform:
    return EmailPlatform(Access(CARE | more, SECRETS))


BOX = mailbox.of(Access(CARE, SECRETS))
OURS, THEIRS = f"<{KEY}@skylark.example>", "<theirs@example.com>"


def only(body: bytes, **more: str):
    (event,) = platform(**more).parse(body)
    return event


def standing(body: bytes) -> tuple[str, str]:
    event = only(body)
    return event.parent_id, event.thread_id


# --- which conversation


def test_a_chain_is_named_by_the_mail_it_began_with():
    assert standing(mail(References=f"<root@x>\r\n {OURS}", In_Reply_To=OURS)) == (OURS, "<root@x>")


def test_a_chain_that_was_cut_to_our_own_mail_is_found_by_that():
    assert standing(mail(References=OURS, In_Reply_To=OURS)) == (OURS, "")


def test_a_mail_that_names_only_what_it_answers_is_found_by_that():
    assert standing(mail(In_Reply_To=THEIRS)) == (THEIRS, "")


def test_our_mail_further_up_is_what_leads_there_when_what_was_answered_never_reached_us():
    chain = f"{OURS} <colleague@example.com>"
    assert standing(mail(References=chain, In_Reply_To="<colleague@example.com>")) == (OURS, "")


def test_what_continues_a_mail_of_their_own_stands_on_its_thread():
    assert standing(mail(References=THEIRS, In_Reply_To=THEIRS)) == (THEIRS, THEIRS)


def test_where_a_server_on_the_way_gave_our_mail_another_id_the_signed_address_leads_to_it():
    back = conversation.return_to(KEY, BOX)
    assert standing(mail(To=back, In_Reply_To="<changed@relay.example>", References="<changed@relay.example>")) == (
        OURS,
        "",
    )
    assert standing(mail(To=f"Skylark <{back.upper()}>")) == (OURS, "")


def test_a_subject_leads_nowhere():
    assert standing(mail(Subject=f"Re: [#{KEY}] your case")) == ("", "")


def test_ids_are_read_however_the_line_is_folded_and_whatever_stands_between():
    assert conversation.ids_in("Your message of Friday <a@b>,\r\n\t<c@d> <a@b>") == ["<a@b>", "<c@d>"]
    assert conversation.ids_in("a@b c@d") == ["a@b", "c@d"]
    assert conversation.ids_in("") == conversation.ids_in("Friday") == []


# --- the signed address


def test_a_signed_address_says_which_reply_it_was():
    back = conversation.return_to(KEY, BOX)
    assert back.startswith("care+")
    assert back.endswith("@skylark.example")
    assert back == back.lower()
    assert len(back.partition("@")[0]) <= 64
    assert conversation.key_of(["x@y.z", back], BOX) == KEY


@pytest.mark.parametrize("at", range(len("care+"), len("care+") + 26 + 16))
def test_one_letter_changed_and_it_says_nothing(at):
    back = conversation.return_to(KEY, BOX)
    changed = back[:at] + ("a" if back[at] != "a" else "b") + back[at + 1 :]
    assert conversation.key_of([changed], BOX) == ""


def test_an_old_key_still_opens_and_a_foreign_one_never_does():
    def signed_by(*keys: str) -> str:
        return conversation.return_to(KEY, mailbox.of(Access(CARE, {"signing_keys": " ".join(keys)})))

    assert conversation.key_of([signed_by("old")], BOX) == KEY
    assert conversation.key_of([signed_by("foreign")], BOX) == ""


def test_the_address_of_one_mailbox_means_nothing_in_another():
    other = mailbox.of(Access(CARE | {"address": "rail@skylark.example"}, SECRETS))
    moved = conversation.return_to(KEY, BOX).replace("care+", "rail+")
    assert conversation.key_of([moved, conversation.return_to(KEY, BOX)], other) == ""


@pytest.mark.parametrize(
    ("address", "plus", "key"),
    [("care@skylark.example", "no", KEY), ("c" * 40 + "@skylark.example", "yes", KEY), (CARE["address"], "yes", "k1")],
)
def test_where_it_cannot_be_signed_answers_go_to_the_mailbox_itself(address, plus, key):
    box = mailbox.of(Access({"address": address, "plus_addresses": plus}, SECRETS))
    assert conversation.return_to(key, box) == address


@given(st.text(max_size=80))
def test_no_address_breaks_the_reading_of_it(text):
    assert conversation.key_of([text, f"care+{text}@skylark.example"], BOX) == ""


@given(st.uuids())
def test_every_key_comes_back(key):
    assert conversation.key_of([conversation.return_to(str(key), BOX)], BOX) == str(key)
    assert conversation.key_in(conversation.message_id(str(key), BOX), BOX) == str(key)


@pytest.mark.parametrize(
    "text", ["<x@skylark.example>", f"<{KEY}@example.com>", f"<{KEY.replace('-', '')}@x>", "", "<@>"]
)
def test_a_message_id_that_is_not_ours(text):
    assert conversation.key_in(text, BOX) == ""


# --- loops, machines


@pytest.mark.parametrize(
    "headers",
    [
        {"From": "care@skylark.example"}, {"From": f"Skylark <care+{'a' * 42}@skylark.example>"},
        {"Message_ID": OURS}, {"Precedence": "list"}, {"Precedence": "auto_reply"}, {"List_Id": "<news.example>"},
        {"Auto_Submitted": "auto-notified"}, {"X_Loop": "anything"},
    ],
)  # fmt: skip
def test_what_comes_round_in_a_circle_is_no_message(headers):
    assert platform().parse(mail("Thank you.", **headers)) == []


def test_a_mailbox_behind_a_list_of_its_own_name_reads_what_came_through_it():
    through = {"Precedence": "list", "List_Id": "Care <care.skylark.example>"}
    assert only(mail("The seat.", **through)).text == "The seat."


def test_a_receipt_that_it_was_read_is_no_message():
    body = "--B\r\nContent-Type: text/plain\r\n\r\nIt was read.\r\n--B--\r\n"
    kind = 'multipart/report; report-type=disposition-notification; boundary="B"'
    assert platform().parse(mail(body, kind)) == []


# --- what came back


@pytest.mark.parametrize("known_by", ["address", "number"])
def test_what_came_back_says_which_reply_of_ours_it_was(known_by):
    original = f"Message-ID: {OURS}\r\n" if known_by == "number" else "Message-ID: <changed@relay.example>\r\n"
    to = conversation.return_to(KEY, BOX) if known_by == "address" else CARE["address"]
    event = only(dsn(failed(), original=original).replace(b"surveys+code@skylark.example", to.encode()))
    assert (event.kind, event.extra["key"], event.extra["status"]) == (EventKind.RETURNED, KEY, "5.1.1")


def test_what_was_no_reply_of_ours_came_back_without_a_key():
    assert only(dsn(failed())).extra["key"] == ""


def test_a_report_a_customer_passes_on_is_what_they_wrote():
    inner = dsn(failed()).decode()
    event = only(mixed("Content-Type: text/plain\r\n\r\nWhat is this?", f"Content-Type: message/rfc822\r\n\r\n{inner}"))
    assert (event.kind, event.text) == (EventKind.MESSAGE, "What is this?")
    assert [file.type for file in event.attachments] == ["message/rfc822"]


# --- text and files


def mixed(*parts: str, kind: str = "mixed") -> bytes:
    body = "".join(f"--P\r\n{part}\r\n" for part in parts) + "--P--\r\n"
    return mail(body, f'multipart/{kind}; boundary="P"')


TEXT = "Content-Type: text/plain\r\n\r\nThe bag is torn."
PHOTO = (
    "Content-Type: image/jpeg; name=bag.jpg\r\nContent-Disposition: attachment; filename=bag.jpg\r\n"
    "Content-Description: A torn bag\r\nContent-Transfer-Encoding: base64\r\n\r\naGFyaw=="
)
LOGO = "Content-Type: image/png; name=logo.png\r\nContent-ID: <1>\r\nContent-Disposition: inline\r\n\r\nx"


def test_files_are_told_with_their_name_and_what_they_show_and_logos_last():
    photo, logo = only(mixed(TEXT, LOGO, PHOTO)).attachments
    assert (photo.url, photo.name, photo.type, photo.alt) == ("mail-part:2", "bag.jpg", "image/jpeg", "A torn bag")
    assert logo.name == "logo.png"


def test_a_signature_of_a_program_is_no_file():
    signature = "Content-Type: application/pgp-signature; name=signature.asc\r\n\r\n-----BEGIN"
    assert only(mixed(TEXT, signature, kind="signed")).attachments == ()


def test_words_around_a_picture_are_all_read():
    assert (
        only(mixed(TEXT, LOGO, "Content-Type: text/plain\r\n\r\nPlease help.")).text
        == "The bag is torn.\n\nPlease help."
    )


@pytest.mark.parametrize(
    "named", ["filename*=utf-8''t%C3%A4sche.jpg", '"=?utf-8?q?t=C3=A4sche=2Ejpg?="', '"täsche.jpg"']
)
def test_the_name_of_a_file_is_read_however_it_is_written(named):
    said = named if "*" in named else f"filename={named}"
    part = f"Content-Type: image/jpeg\r\nContent-Disposition: attachment; {said}\r\n\r\nx"
    (file,) = only(mixed(TEXT, part)).attachments
    assert file.name == "täsche.jpg"


def test_a_subject_and_a_name_that_were_sent_as_they_are_can_be_read():
    event = only(mail("", Subject="Verspätung", From="Jörg <j@example.com>"))
    assert (event.text, event.author.name) == ("Verspätung", "Jörg")


def test_a_name_with_a_comma_in_it_is_one_name():
    assert only(mail(From="=?utf-8?q?Kent=2C_Maria?= <m@example.com>")).author.name == "Kent, Maria"


def test_a_text_sent_as_a_file_is_a_file():
    note = "Content-Type: text/plain\r\nContent-Disposition: attachment; filename=note.txt\r\n\r\nA note."
    event = only(mixed(TEXT, note))
    assert (event.text, [file.name for file in event.attachments]) == ("The bag is torn.", ["note.txt"])


def test_html_is_read_as_text_with_its_links_and_without_its_pictures_and_scripts():
    html = (
        '<p>Look <a href="https://pics.example/bag">here</a></p><img src="https://spy.example/pixel.gif">'
        "<script>alert(1)</script><svg onload=alert(1)></svg>"
    )
    event = only(
        mixed("Content-Type: text/plain\r\n\r\n \r\n", f"Content-Type: text/html\r\n\r\n{html}", kind="alternative")
    )
    assert "https://pics.example/bag" in event.text
    assert not [word for word in ("spy.example", "alert", "<") if word in event.text]


def test_html_that_is_nothing_but_a_quotation_is_read():
    assert mail_text.plain("<blockquote>I was told to write again.</blockquote>") == "I was told to write again."


def nested(depth: int) -> bytes:
    body = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(depth))
    return b"From: maria@example.com\r\nMessage-ID: <n@x>\r\n" + body.encode()


def test_parts_within_parts_are_read():
    assert len(platform().parse(nested(10))) == 1


def test_parts_within_parts_without_end_are_refused_with_a_sentence():
    with pytest.raises(Unreadable, match="without end"):
        platform().parse(nested(5_000))


def test_ten_thousand_addressees_are_read_as_far_as_the_line_is():
    many = ", ".join(f"a{n}@example.com" for n in range(10_000))
    addressed = only(mail(To=f"care@skylark.example, {many}")).extra["to"].split()
    assert addressed[:2] == ["care@skylark.example", "a0@example.com"]
    assert len(addressed) < 1_000


@pytest.mark.parametrize(
    "kind", ["text/plain; " + "a*0*=b; " * 100_000, 'multipart/mixed; boundary="P"'], ids=["parameters", "parts"]
)
def test_a_mail_made_to_be_slow_is_read(kind):
    """Python's own reader of headers takes hours over the first."""
    assert only(mail("--P\r\nContent-Type: image/png\r\n\r\nx\r\n" * 1_000, kind)).external_id == "<m1@example.com>"


@pytest.mark.parametrize("charset", ["punycode", "hex", "klingon", "utf-16", "\\x00"])
def test_odd_charsets_are_read_as_far_as_they_can_be(charset):
    assert isinstance(only(mail("The seat. " * 5_000, f"text/plain; charset={charset}")).text, str)


def test_half_open_markup_is_read_in_one_go():
    assert isinstance(mail_text.plain("<div <br " * 40_000 + "end"), str)


# --- the mailbox of a channel


def test_a_channel_has_a_mailbox_of_its_own_and_its_secrets_are_never_shown():
    access = Access(
        {"address": "care@x.example", "imap_host": "in.example", "smtp_host": "out.example", "smtp_port": "2587",
         "smtp_security": "starttls", "imap_user": "care", "folder": "Support"},
        {"password": "hidden", "smtp_password": "other"},
    )  # fmt: skip
    box = mailbox.of(access)
    assert (box.reads.host, box.reads.port, box.reads.security, box.reads.user) == ("in.example", 993, "tls", "care")
    assert (box.hands_in.port, box.hands_in.security, box.hands_in.user) == (2587, Security.STARTTLS, "care@x.example")
    assert (box.reads.password, box.hands_in.password, box.folder) == ("hidden", "other", "Support")
    assert not {"hidden", "other"} & set(repr(box).replace("'", " ").split())
    assert "hidden" not in repr(access)


def test_without_one_it_is_the_mailbox_the_settings_name(settings):
    settings.MAILBOX_URL, settings.MAIL_RETURN_TO = "imaps://us%40x:p%2Fw@in.example/Replies", "surveys@skylark.example"
    box = EmailPlatform().box
    assert (box.address, box.reads.host, box.reads.port, box.folder) == (
        "surveys@skylark.example",
        "in.example",
        993,
        "Replies",
    )
    assert (box.reads.user, box.reads.password, box.hands_in) == ("us@x", "p/w", None)
    assert box.plus_addresses


def test_where_the_settings_name_none_nothing_is_read(settings):
    settings.MAILBOX_URL = ""
    page = EmailPlatform().fetch_since({"uid": 3}, limit=10)
    assert (page.payloads, page.cursor, page.more) == ([], {"uid": 3}, False)


# --- reading it


@pytest.fixture
def inbox():
    with imap_server.serving(imap_server.Mailbox()) as box:
        yield box


def reads(inbox, **more: str) -> EmailPlatform:
    where = {"imap_host": "127.0.0.1", "imap_port": str(inbox.port), "imap_security": "none"}
    return platform(**where | more)


def letter(n: int, **headers) -> bytes:
    return mail(f"Mail {n}", Message_ID=f"<m{n}@example.com>", **headers)


def look(inbox, cursor, limit=10, today=TODAY, **more):
    """One look, with the place it left off as the database keeps it."""
    page = imap.fetch_since(reads(inbox, **more).box, json.loads(json.dumps(cursor)), limit=limit, today=today)
    return [payload.origin for payload in page.payloads], page


def test_mails_come_in_their_order_and_each_once(inbox):
    for n in (3, 1, 2):
        inbox.put(n, letter(n))
    first, page = look(inbox, {}, limit=2)
    assert (first, page.more) == (["mail 1", "mail 2"], True)
    assert page.payloads[0].body == letter(1)
    second, page = look(inbox, page.cursor, limit=2)
    assert (second, page.more) == (["mail 3"], False)
    assert look(inbox, page.cursor)[0] == []
    inbox.put(4, letter(4))
    assert look(inbox, page.cursor)[0] == ["mail 4"]


def test_a_mailbox_that_is_connected_brings_what_is_new_and_not_ten_years(inbox):
    inbox.put(1, letter(1), date(2016, 1, 1))
    none, page = look(inbox, {})
    assert none == []
    inbox.put(2, letter(2), date(2026, 11, 10))
    found, page = look(inbox, page.cursor)
    assert found == ["mail 2"]
    assert look(inbox, page.cursor)[0] == []


def test_a_folder_that_was_numbered_anew_is_read_again_from_the_day_we_last_looked(inbox):
    inbox.put(8, letter(8))
    _, page = look(inbox, {}, today=date(2026, 11, 20))
    inbox.validity, inbox.mails = 9, []
    inbox.put(1, letter(7), date(2026, 11, 12))
    inbox.put(2, letter(8), date(2026, 11, 20))
    inbox.put(3, letter(9), date(2026, 11, 22))
    found, page = look(inbox, page.cursor)
    assert (found, page.cursor["validity"]) == (["mail 2", "mail 3"], 9)


@pytest.mark.parametrize("moved", ["host", "user", "folder"])
def test_another_place_with_the_same_validity_is_read_from_the_day_we_last_looked(inbox, moved):
    inbox.put(50_000, letter(8))
    _, page = look(inbox, {}, today=date(2026, 11, 20))
    inbox.mails = []
    inbox.put(1, letter(7), date(2026, 11, 12))
    inbox.put(2, letter(9), date(2026, 11, 22))
    elsewhere = {"host": {"imap_host": "localhost"}, "user": {"imap_user": "care2"}, "folder": {"folder": "Support"}}
    more = elsewhere[moved]
    inbox.user, inbox.folder = more.get("imap_user", inbox.user), more.get("folder", inbox.folder)
    found, page = look(inbox, page.cursor, **more)
    assert found == ["mail 2"]
    assert look(inbox, page.cursor, **more)[0] == []


def test_a_place_kept_before_it_said_of_which_folder_goes_on_as_it_is(inbox):
    inbox.put(1, letter(1))
    inbox.put(2, letter(2))
    before = {"validity": inbox.validity, "uid": 1, "since": "2026-11-01", "on": "2026-11-20"}
    found, page = look(inbox, before)
    assert found == ["mail 2"]
    assert look(inbox, page.cursor)[0] == []


def test_nothing_in_it_is_changed(inbox):
    inbox.put(1, letter(1))
    look(inbox, {})
    assert any(asked.startswith("EXAMINE") for asked in inbox.asked)
    assert all("PEEK" in asked for asked in inbox.asked if "FETCH" in asked)
    assert not [asked for asked in inbox.asked if "STORE" in asked or "EXPUNGE" in asked]


def test_of_a_huge_mail_what_stands_first_is_read(inbox):
    inbox.put(1, letter(1) + b"x" * (imap.LARGEST + 10))
    _, page = look(inbox, {})
    assert len(page.payloads[0].body) == imap.LARGEST


def test_a_folder_may_be_called_anything(inbox):
    inbox.folder, inbox.mails = "Anfragen &- R&APw-ckfragen", [(1, TODAY, letter(1))]
    page = reads(inbox, folder="Anfragen & Rückfragen").fetch_since({}, limit=5)
    assert len(page.payloads) == 1


def test_a_password_may_hold_any_letter(inbox):
    inbox.password = "pässwörd"
    access = Access(reads(inbox).access.settings, {"password": "pässwörd"})
    assert EmailPlatform(access).check().scopes == ("read", "send")


@pytest.mark.parametrize(
    ("trouble", "means", "says"),
    [
        ({"password": "changed"}, AccessRevoked, "does not accept our name and password"),
        ({"refuses": "[INUSE] too many"}, TryLater, "busy"),
        ({"folder": "Other"}, TryLater, "no such folder"),
        ({"breaks_at": "LOGIN"}, TryLater, "broke"),
        ({"breaks_at": "UID"}, TryLater, "broke"),
        ({"denies": "SEARCH"}, TryLater, "does not do what it is asked"),
        ({"denies": "FETCH"}, TryLater, "does not do what it is asked"),
        ({"validity": "odd"}, TryLater, "cannot be read"),
        ({"search": lambda words: ["none"]}, TryLater, "cannot be read"),
    ],
)
def test_what_is_wrong_with_a_mailbox_is_a_sentence(inbox, trouble, means, says):
    for name, value in trouble.items():
        setattr(inbox, name, value)
    inbox.put(1, letter(1))
    with pytest.raises(TryLater, match=says) as caught:
        reads(inbox).fetch_since({}, limit=5)
    assert type(caught.value) is means
    assert imap_server.PASSWORD not in str(caught.value)


def test_a_mailbox_nobody_answers_at_is_tried_later():
    box = imap_server.Mailbox(port=free_port())
    with pytest.raises(TryLater, match="cannot be reached"):
        reads(box).fetch_since({}, limit=5)


def test_a_mail_that_was_deleted_between_two_questions_says_so(inbox):
    inbox.put(1, letter(1))
    inbox.part = lambda words: b""
    _, page = look(inbox, {})
    assert page.payloads[0].trouble == "The mail was gone before it was read."


def test_what_was_read_before_the_server_refused_is_kept_and_the_rest_comes_in_the_next_look(inbox):
    for n in (1, 2, 3):
        inbox.put(n, letter(n))
    inbox.denies = "FETCH 2"
    first, page = look(inbox, {})
    assert (first, page.more, page.cursor["uid"]) == (["mail 1"], True, 1)
    inbox.denies = ""
    assert look(inbox, page.cursor)[0] == ["mail 2", "mail 3"]


def test_a_file_is_not_gone_because_the_server_is_busy(inbox):
    inbox.put(5, mixed(TEXT, PHOTO))
    inbox.denies = "FETCH"
    with pytest.raises(TryLater):
        reads(inbox).enclosed("<m1@example.com>", "mail-part:1")


def test_a_file_is_read_from_the_mailbox_when_it_is_wanted(inbox):
    inbox.put(5, mixed(TEXT, PHOTO))
    event = only(mixed(TEXT, PHOTO))
    assert reads(inbox).enclosed(event.external_id, event.attachments[0].url) == b"hark"


@pytest.mark.parametrize(
    "asked", [("<m1@example.com>", "mail-part:9"), ("<gone@x>", "mail-part:1"), ('<"@x>', "mail-part:1")]
)
def test_a_file_that_is_not_there_is_gone(inbox, asked):
    inbox.put(5, mixed(TEXT, PHOTO))
    with pytest.raises(ParentGone):
        reads(inbox).enclosed(*asked)


def test_an_id_cannot_become_a_command():
    assert imap.quoted('x"\r\nA1 DELETE "INBOX') == '"x\\"A1 DELETE \\"INBOX"'
    assert not conversation.is_id("<a@b>\r\n<c@d>")


# --- sending


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Post:
    """Keeps each mail; says `answer` to one, or nothing and hangs up."""

    def __init__(self) -> None:
        self.came, self.answer = [], "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if address.startswith("dead@"):
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.came.append(
            (envelope.mail_from, envelope.rcpt_tos, message_from_bytes(envelope.content, policy=policy.default))
        )
        if not self.answer:
            server.transport.abort()
        return self.answer


@contextmanager
def post_office(handler: Post, **options):
    controller = Controller(handler, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield {"smtp_host": "127.0.0.1", "smtp_port": str(controller.port), "smtp_security": "none", "smtp_user": ""}
    finally:
        controller.stop()


@pytest.fixture
def post():
    handler = Post()
    with post_office(handler) as where:
        handler.where = where
        yield handler


def out(**more) -> Outgoing:
    facts = {"key": KEY, "text": "We look into it.", "parent_id": "<m1@example.com>", "thread_id": "<m1@example.com>",
             "recipient": "maria@example.com", "private": True}  # fmt: skip
    return Outgoing(**facts | more)


def test_a_reply_leaves_by_the_server_of_its_channel(post):
    sent = platform(name="Skylark Care", **post.where).send(out())
    ((envelope, to, letter),) = post.came
    assert (to, letter["To"], letter.get_content().strip()) == (
        ["maria@example.com"],
        "maria@example.com",
        "We look into it.",
    )
    assert letter["From"] == "Skylark Care <care@skylark.example>"
    assert envelope == letter["Reply-To"] == conversation.return_to(KEY, BOX)
    assert sent.external_id == letter["Message-ID"] == OURS
    assert letter["In-Reply-To"] == letter["References"] == "<m1@example.com>"


def test_it_stands_under_their_subject_and_in_their_chain(post, inbox):
    inbox.put(1, mail(Subject="AW: Re: =?utf-8?q?Versp=C3=A4tung?=", References="<a@x>\r\n <b@x>"))
    where = {"imap_host": "127.0.0.1", "imap_port": str(inbox.port), "imap_security": "none"}
    platform(**where, **post.where).send(out(thread_id="<a@x>"))
    ((_, _, letter),) = post.came
    assert letter["Subject"] == "Re: Verspätung"
    assert letter["References"].split() == ["<a@x>", "<b@x>", "<m1@example.com>"]


def test_the_name_of_the_thread_stands_first_even_where_their_mail_answered_another(post, inbox):
    inbox.put(1, mail(In_Reply_To="<newsletter@x>"))
    where = {"imap_host": "127.0.0.1", "imap_port": str(inbox.port), "imap_security": "none"}
    platform(**where, **post.where).send(out())
    references = post.came[0][2]["References"].split()
    assert references == ["<m1@example.com>", "<newsletter@x>"]
    assert standing(mail(References=" ".join([*references, OURS]), In_Reply_To=OURS)) == (OURS, "<m1@example.com>")


def test_their_answer_stands_in_the_same_thread_as_their_question(post):
    platform(**post.where).send(out())
    ((_, _, ours),) = post.came
    chain = f"{ours['References']} {ours['Message-ID']}"
    assert standing(mail(References=chain, In_Reply_To=ours["Message-ID"])) == (OURS, "<m1@example.com>")


@pytest.mark.parametrize("trouble", [{"refuses": "no"}, {"breaks_at": "UID"}, {"denies": "SEARCH"}])
def test_a_mailbox_that_does_not_answer_holds_up_no_reply(post, inbox, trouble):
    for name, value in trouble.items():
        setattr(inbox, name, value)
    where = {"imap_host": "127.0.0.1", "imap_port": str(inbox.port), "imap_security": "none"}
    platform(**where, **post.where).send(out())
    assert post.came[0][2]["Subject"] == "Re: Your message to us"


def test_a_mail_without_an_id_is_answered_without_naming_one(post):
    platform(**post.where).send(out(parent_id="<abc@no-id>", thread_id="<abc@no-id>"))
    letter = post.came[0][2]
    assert (letter["In-Reply-To"], letter["References"]) == (None, None)


def test_files_leave_with_it(post):
    photo = Carried("bäg.jpg", "image/jpeg", lambda: b"\xff\xd8hark")
    platform(**post.where).send(out(files=[photo]))
    (file,) = post.came[0][2].iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == (
        "bäg.jpg",
        "image/jpeg",
        b"\xff\xd8hark",
    )


def test_a_file_that_cannot_be_read_sends_nothing(post):
    def gone() -> bytes:
        raise FileNotFoundError

    with pytest.raises(TryLater):
        platform(**post.where).send(out(files=[Carried("a", "image/png", gone)]))
    assert post.came == []


def test_an_address_with_a_line_break_is_refused_and_nothing_leaves(post):
    with pytest.raises(Rejected):
        platform(**post.where).send(out(recipient="a@b.example\nBcc: all@b.example"))
    assert post.came == []


@pytest.mark.parametrize("address", ["maria@example.com.", "maria@", "maria@exa mple.com", ""])
def test_an_address_no_mail_can_be_sent_to_is_refused_with_a_sentence_and_nothing_leaves(post, address):
    with pytest.raises(Rejected, match=r"[Aa]ddress.*\.$"):
        platform(**post.where).send(out(recipient=address))
    assert post.came == []


@pytest.mark.parametrize(
    ("answer", "means"), [("554 5.7.1 spam", Rejected), ("451 later", TryLater), ("", UnknownOutcome)]
)
def test_what_the_server_says_at_the_end_is_obeyed_and_it_is_handed_in_once(post, answer, means):
    post.answer = answer
    with pytest.raises(PlatformError) as caught:
        platform(**post.where).send(out())
    assert type(caught.value) is means
    assert len(post.came) == 1


def test_nobody_is_there(post):
    with pytest.raises(NoSuchAddress, match=r"5\.1\.1 No such user here"):
        platform(**post.where).send(out(recipient="dead@example.com"))


def test_a_mail_that_is_too_large_for_the_server_is_not_tried_again():
    handler = Post()
    with post_office(handler, data_size_limit=1_000) as where, pytest.raises(Rejected):
        platform(**where).send(out(text="x " * 1_000))
    assert handler.came == []
    assert type(why_not_sent(smtplib.SMTPSenderRefused(552, b"5.2.2 our own box is full", "us"))) is TryLater


def test_a_server_that_does_not_encrypt_is_given_no_password(post):
    with pytest.raises(TryLater, match="security"):
        platform(**post.where | {"smtp_security": "starttls", "smtp_user": "care"}).send(out())
    assert post.came == []


def test_a_server_that_cannot_be_reached_has_nothing():
    where = {"smtp_host": "127.0.0.1", "smtp_port": str(free_port()), "smtp_security": "none"}
    with pytest.raises(TryLater, match="cannot be reached"):
        platform(**where).send(out())


@pytest.mark.parametrize(
    ("user", "password", "means"),
    [("care", "right", None), ("care", "wrong", AccessRevoked), ("care", "fälsch", AccessRevoked)],
)
def test_a_login_is_taken_or_a_person_has_to_look(user, password, means):
    from aiosmtpd.smtp import AuthResult

    def opens(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password == b"right", handled=False)

    with post_office(Post(), authenticator=opens, auth_require_tls=False) as where:
        account = EmailPlatform(Access(CARE | where | {"smtp_user": user}, {"password": password}))
        if means is None:
            assert account.check().missing == ("read",)
            return
        with pytest.raises(TryLater) as caught:
            account.check()
    assert type(caught.value) is means


# --- what it says of itself


def test_a_mailbox_says_whether_it_reads_and_sends(inbox, post):
    account = reads(inbox, **post.where)
    assert isinstance(account, Checked)
    health = account.check()
    assert (health.handle, health.scopes, health.missing) == ("care@skylark.example", ("read", "send"), ())
    inbox.password = "changed"
    with pytest.raises(AccessRevoked):
        account.check()


def test_a_key_of_the_outbox_is_what_ours_are_called_by():
    """The ids of our mails are made of `Delivery.key`, written as Python writes it."""
    assert conversation.key_in(conversation.message_id(str(uuid.UUID(OTHER)), BOX), BOX) == OTHER
