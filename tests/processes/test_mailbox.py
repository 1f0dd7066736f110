"""The mailbox of a channel on servers that others wrote: aiosmtpd takes the mail, pymap keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage

import pytest

from channels_app.platforms.abilities import Access
from channels_app.platforms.base import Carried, Outgoing
from channels_app.platforms.email import EmailPlatform
from channels_app.platforms.errors import AccessRevoked, TryLater
from tests.processes.mail_server import PASSWORD, READER, Servers

pytestmark = pytest.mark.processes
OURS = f"{READER}@skylark.example"
KEY = "0b8f4a52-6d0c-4c53-9a51-0d6a3f1c2b7e"


@pytest.fixture(scope="module")
def servers(tmp_path_factory) -> Iterator[Servers]:
    with Servers(tmp_path_factory.mktemp("mail")).running() as servers:
        yield servers


def account(servers: Servers, password: str = PASSWORD, **more: str) -> EmailPlatform:
    where = {
        "address": OURS, "name": "Skylark", "plus_addresses": "yes",
        "imap_host": "127.0.0.1", "imap_port": str(servers.imap), "imap_security": "none", "imap_user": READER,
        "smtp_host": "127.0.0.1", "smtp_port": str(servers.post), "smtp_security": "none", "smtp_user": "",
    }  # fmt: skip
    return EmailPlatform(Access(where | more, {"password": password, "signing_keys": "k"}))


def write(servers: Servers, number: str, subject: str = "My bag", to: str = OURS, **headers: str) -> None:
    """A customer writes, with a photo."""
    letter = EmailMessage()
    said = {"From": "Maria <maria@example.com>", "To": to, "Subject": subject, "Message-ID": number}
    for name, value in (said | {name.replace("_", "-"): value for name, value in headers.items()}).items():
        letter[name] = value
    letter.set_content("My bag is torn.")
    letter.add_attachment(b"\xff\xd8" + b"hark" * 100_000, maintype="image", subtype="jpeg", filename="bag.jpg")
    servers.deliver(letter.as_bytes(policy=policy.SMTP), to)


def read(platform: EmailPlatform, cursor: dict, limit: int = 50):
    """The next messages, and the place after them as the database keeps it."""
    page = platform.fetch_since(cursor, limit=limit)
    events = [event for payload in page.payloads for event in platform.parse(bytes(payload.body))]
    return events, json.loads(json.dumps(page.cursor))


def test_a_mail_is_read_answered_in_its_thread_and_what_they_write_then_stands_there_too(servers: Servers):
    platform = account(servers)
    write(servers, "<bag@example.com>", "Re: Bäg")
    (event,), place = read(platform, {})
    assert (event.text, event.author.key) == ("My bag is torn.", "maria@example.com")
    out = Outgoing(
        key=KEY, text="We pay for it.", parent_id=event.external_id, thread_id=event.external_id,
        recipient="maria@example.com", private=True, files=[Carried("form.pdf", "application/pdf", lambda: b"%PDF")],
    )  # fmt: skip
    sent = platform.send(out)
    (letter,) = servers.arrived("maria@example.com")
    assert (letter["Subject"], letter["In-Reply-To"], letter["Message-ID"]) == (
        "Re: Bäg",
        event.external_id,
        sent.external_id,
    )
    assert [file.get_content() for file in letter.iter_attachments()] == [b"%PDF"]
    write(servers, "<thanks@example.com>", to=str(letter["Reply-To"]))
    (answer,), place = read(platform, place)
    assert answer.parent_id == sent.external_id
    assert read(platform, place)[0] == []


def test_a_photo_is_read_whole_from_the_mailbox(servers: Servers):
    platform = account(servers)
    write(servers, "<photo@example.com>")
    events, _ = read(platform, {})
    event = next(one for one in events if one.external_id == "<photo@example.com>")
    (photo,) = event.attachments
    assert platform.enclosed(event.external_id, photo.url) == b"\xff\xd8" + b"hark" * 100_000


def test_a_long_line_of_mails_is_read_in_pages(servers: Servers):
    platform, place, found = account(servers), {}, []
    for n in range(5):
        write(servers, f"<line{n}@example.com>")
    while events := (answer := read(platform, place, limit=2))[0]:
        found += [event.external_id for event in events]
        place = answer[1]
    assert {f"<line{n}@example.com>" for n in range(5)} <= set(found)  # pymap numbers what came together as it likes
    assert len(found) == len(set(found))


def test_it_says_who_it_is_and_what_is_wrong(servers: Servers):
    assert account(servers).check().handle == OURS
    with pytest.raises(AccessRevoked):
        account(servers, password="wrong").check()
    with pytest.raises(TryLater, match="no such folder"):
        account(servers, folder="Nothing here").check()
