"""E-mail as a network: what somebody wrote, what a machine answered, what came back. Mails as programs really send."""

from __future__ import annotations

import smtplib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.platforms import mail_text
from channels_app.platforms.abilities import Access
from channels_app.platforms.base import EventKind, Outgoing
from channels_app.platforms.email import EmailPlatform, NoSuchAddress, is_for_good, why_not_sent
from channels_app.platforms.errors import PlatformError, Rejected, TryLater, UnknownOutcome

PLATFORM = EmailPlatform(Access({"address": "surveys@skylark.example"}))


def mail(text: str = "The seat was broken.", kind: str = "text/plain; charset=utf-8", **headers: str) -> bytes:
    """`None` leaves a header out; in_reply_to is In-Reply-To."""
    said = {
        "From": "Maria Kent <maria@example.com>", "To": "surveys@skylark.example", "Subject": "Re: How are we doing?",
        "Message-ID": "<m1@example.com>", "Date": "Fri, 20 Nov 2026 10:00:00 +0000", "Content-Type": kind,
        "MIME-Version": "1.0", "Content-Transfer-Encoding": "8bit",
    } | {name.replace("_", "-"): value for name, value in headers.items()}  # fmt: skip
    lines = [f"{name}: {value}" for name, value in said.items() if value is not None]
    return ("\r\n".join(lines) + "\r\n\r\n" + text).encode()


def dsn(*blocks: str, original: str = "Message-ID: <abc@skylark.example>\r\nSubject: x\r\n") -> bytes:
    report = "\r\n\r\n".join(["Reporting-MTA: dns; mx.example.com", *blocks])
    parts = [
        "Content-Type: text/plain\r\n\r\nYour mail could not be delivered.",
        f"Content-Type: message/delivery-status\r\n\r\n{report}\r\n",
        f"Content-Type: text/rfc822-headers\r\n\r\n{original}",
    ]
    body = "".join(f"--B\r\n{part}\r\n" for part in parts) + "--B--\r\n"
    kind = 'multipart/report; report-type=delivery-status; boundary="B"'
    return mail(body, kind, From="MAILER-DAEMON@mx.example.com", To="surveys+code@skylark.example")


def failed(address="maria@example.com", status="5.1.1", action="failed", said="smtp; 550 no such user") -> str:
    return f"Final-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: {said}"


def only(body: bytes):
    (event,) = PLATFORM.parse(body)
    return event


# --- what somebody wrote


def test_a_mail_is_a_private_message_of_its_sender():
    event = only(mail(In_Reply_To="<i1@skylark.example>", References="<root@x>\r\n <i1@skylark.example>"))
    assert event.kind is EventKind.MESSAGE
    assert (event.author.key, event.author.name, event.author.kind) == ("maria@example.com", "Maria Kent", "email")
    assert (event.external_id, event.parent_id, event.thread_id) == (
        "<m1@example.com>",
        "<i1@skylark.example>",
        "<root@x>",
    )
    assert event.text == "The seat was broken."
    assert event.private
    assert event.occurred_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "quotes",
    [
        "On Fri, 20 Nov 2026 at 09:00, Skylark <surveys@skylark.example> wrote:\n> How likely\n> are you",
        "On Fri, 20 Nov 2026 at 09:00, Skylark\n<surveys@skylark.example> wrote:\n\n> How likely",
        "Am 20.11.2026 um 09:00 schrieb Skylark:\n> Wie wahrscheinlich",
        "Le ven. 20 nov. 2026 à 09:00, Skylark a écrit :\n> Quelle est",
        "-----Original Message-----\nFrom: Skylark\nSent: today\nHow likely",
        "________________________________\nFrom: Skylark <s@skylark.example>\nSent: Friday\nTo: Maria\nHow likely",
        "Von: Skylark\nGesendet: Freitag\nWie wahrscheinlich",
        "From: Skylark <s@skylark.example>\nTo: Maria\nHow likely",
        "Le ven. 20 nov. 2026 à 09:00, Skylark\n<s@skylark.example> a écrit :\n> Quelle est",
        "-- \nMaria Kent\nSales",
    ],
)
def test_what_it_quotes_and_its_signature_are_cut(quotes):
    assert only(mail(f"Too loud.\nAnd late.\n\n{quotes}".replace("\n", "\r\n"))).text == "Too loud.\nAnd late."


@pytest.mark.parametrize(
    "words",
    [
        "Bonjour,\nLe colis 4711 n'est jamais arrivé.\nJe vous ai écrit deux fois.",
        "Hello,\nOn Monday I called your hotline.\nNobody wrote back, refund me.",
        "Ciao,\nIl volo è stato cancellato.\nVi ho scritto ieri, ecco la mia richiesta:\nrimborso.",
        "My trip:\nFrom: London\nTo: Rome\nThe seat was broken.",
    ],
)
def test_words_that_only_look_like_the_line_above_a_quotation_are_kept(words):
    assert only(mail(words.replace("\n", "\r\n"))).text == words


def test_who_answers_between_the_lines_is_read():
    assert mail_text.said("> How was it?\nLoud.\n> And the crew?\nKind.") == "Loud.\nKind."


def test_a_mail_that_begins_with_its_quotation_keeps_what_comes_below():
    assert mail_text.said("On Friday, Skylark <a@b.example> wrote:\n> How was it?\n\nLoud.").endswith("Loud.")


def test_markup_is_dropped_and_what_it_quotes():
    html = (
        "<html><head><title>x</title><style>p{}</style></head><body><p>Too <b>loud</b> &amp; late.</p><div>Bye</div>"
        '<div class="gmail_quote">On Friday wrote<blockquote>How likely</blockquote></div></body></html>'
    )
    assert only(mail(html, "text/html; charset=utf-8")).text == "Too loud & late.\n\nBye"


@pytest.mark.parametrize(
    "quotation",
    [
        "<blockquote>How <blockquote>likely</blockquote> are you</blockquote>",
        "<BLOCKQUOTE type=cite>How likely</BLOCKQUOTE>",
        '<div dir="ltr" class="gmail_quote gmail_quote_container">How <div>likely</div> are <p>you</div>',
    ],
)
def test_an_answer_below_its_quotation_is_read_and_the_quotation_is_not(quotation):
    html = f"<div><p>Dear team,</p>{quotation}<p>Too loud.</p></div>"
    assert only(mail(html, "text/html; charset=utf-8")).text == "Dear team,\n\nToo loud."


def test_a_quotation_without_an_end_goes_to_the_end():
    assert mail_text.plain("<p>Too loud.</p><blockquote>How <blockquote>likely</blockquote>") == "Too loud."


@pytest.mark.parametrize(
    "piece", ["<blockquote>", "</blockquote>", "<div class=gmail_quote", "<div ", "<blockquote <div>"]
)
def test_markup_made_to_be_slow_is_read(piece):
    """Where each piece were looked for in all that follows, this would take hours."""
    assert mail_text.plain("Too loud." + piece * 100_000).startswith("Too loud.")


def test_a_mail_without_words_says_its_subject():
    assert only(mail("\r\n", Subject="Call me")).text == "Call me"


def test_a_charset_nobody_knows_is_read_as_far_as_it_can_be():
    assert "seat" in only(mail("The seat.", "text/plain; charset=klingon")).text


def test_a_subject_in_another_encoding_is_read():
    assert only(mail("", Subject="=?utf-8?q?Zu_sp=C3=A4t?=")).text == "Zu spät"


def test_a_mail_without_an_id_gets_the_same_one_each_time():
    body = mail(Message_ID=None)
    assert only(body).external_id == only(body).external_id != only(mail("Other", Message_ID=None)).external_id


def test_a_clock_that_is_ahead_is_not_believed():
    ahead = format_datetime(datetime.now(UTC) + timedelta(days=400))
    assert only(mail(Date=ahead)).occurred_at <= datetime.now(UTC)


def test_our_own_servers_stamp_counts_for_more_than_the_senders_clock():
    stamp = "from a by b; Fri, 20 Nov 2026 11:30:00 +0000"
    assert only(mail(Received=stamp, Date="Mon, 1 Jan 2001 00:00:00 +0000")).occurred_at.hour == 11


def test_a_mail_nobody_wrote_is_refused_with_a_sentence():
    with pytest.raises(PlatformError, match="does not say who wrote it"):
        PLATFORM.parse(mail(From="undisclosed"))


def test_a_megabyte_of_text_is_cut():
    assert len(only(mail("x" * 1_000_000)).text) <= 100_001


# --- what a machine answered


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"}, {"Auto_Submitted": "auto-generated; owner=x"}, {"Precedence": "bulk"},
        {"X_Autoreply": "yes"}, {"List_Id": "<news.example>"}, {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@example.com"}, {"From": "Skylark <Surveys@skylark.example>"},
    ],
)  # fmt: skip
def test_what_no_person_wrote_is_no_message(headers):
    assert PLATFORM.parse(mail("I am away until Monday.", **headers)) == []


def test_auto_submitted_no_is_a_person():
    assert only(mail(Auto_Submitted="no")).text


# --- what came back


def test_a_report_names_each_address_that_failed():
    first, second = PLATFORM.parse(dsn(failed(), failed("ann@example.com", "4.4.7")))
    assert {first.kind, second.kind} == {EventKind.RETURNED}
    assert (first.author.key, first.extra["status"], first.extra["said"]) == (
        "maria@example.com",
        "5.1.1",
        "550 no such user",
    )
    assert second.extra["address"] == "ann@example.com"
    assert first.extra["to"] == "surveys+code@skylark.example"
    assert first.extra["message_id"] == "<abc@skylark.example>"
    assert first.external_id != second.external_id


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_what_is_only_late_or_arrived_did_not_come_back(action):
    assert PLATFORM.parse(dsn(failed(action=action))) == []


def test_the_whole_mail_that_came_back_is_read_for_its_number():
    body = dsn(failed()).replace(b"text/rfc822-headers", b"message/rfc822")
    assert only(body).extra["message_id"] == "<abc@skylark.example>"


@pytest.mark.parametrize(
    ("status", "good"),
    [("5.1.1", True), ("5.0.0", True), ("5.2.1", True), ("5.2.2", False), ("5.3.4", False), ("5.7.1", False),
     ("5.4.4", False), ("4.2.2", False), ("", False), ("2.0.0", False)],
)  # fmt: skip
def test_what_is_for_good(status, good):
    assert is_for_good(status) is good


# --- what a server says of a mail we hand it


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"5.1.1 No such user")}), NoSuchAddress),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"No such user")}), NoSuchAddress),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (554, b"5.7.1 Relay access denied")}), Rejected),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (450, b"4.2.1 Greylisted")}), TryLater),
        (smtplib.SMTPSenderRefused(550, b"5.7.1 not you", "us@x.y"), TryLater),
        (smtplib.SMTPAuthenticationError(535, b"5.7.8 wrong"), TryLater),
        (smtplib.SMTPDataError(554, b"5.6.0 spam"), Rejected),
        (smtplib.SMTPDataError(451, b"later"), TryLater),
        (smtplib.SMTPServerDisconnected("gone"), UnknownOutcome),
    ],
)
def test_what_a_mail_servers_refusal_means(error, means):
    assert type(why_not_sent(error)) is means


def test_an_answer_of_ours_stands_in_its_thread(mailoutbox, settings):
    out = Outgoing(
        key="k1", text="We look into it.", parent_id="<m1@example.com>", thread_id="<root@x>", recipient="m@x.y"
    )
    sent = PLATFORM.send(out)
    (letter,) = mailoutbox
    assert (letter.to, letter.body, letter.from_email) == (["m@x.y"], "We look into it.", "surveys@skylark.example")
    assert letter.extra_headers["In-Reply-To"] == "<m1@example.com>"
    assert letter.extra_headers["References"] == "<root@x> <m1@example.com>"
    assert sent.external_id == "<k1@skylark.example>"


# --- whatever comes


def refusal_of(body: bytes) -> str:
    try:
        PLATFORM.parse(body)
    except PlatformError as refusal:
        return str(refusal)
    return ""


@given(st.binary(max_size=2000))
def test_no_bytes_break_the_reader_but_by_a_sentence(body):
    assert refusal_of(body)[-1:] in ("", ".")


@given(st.text(max_size=300), st.text(alphabet='abc@<>,;:"=? \t', max_size=60))
def test_odd_headers_and_texts_are_read(text, sender):
    assert refusal_of(mail(text, From=f"{sender} maria@example.com"))[-1:] in ("", ".")
