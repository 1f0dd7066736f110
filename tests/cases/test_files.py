"""Files with notes, replies and what customers send: who may see them, and how they are handed out."""

import http.server
import threading
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from cases import conversation, replies
from cases.models import CaseMessage, Note, NoteFile
from cases.privacy.cases import cases_of
from channels_app import files as channel_files
from channels_app import outbox
from channels_app.models import Attachment, Delivery, Message
from channels_app.platforms.base import Enclosed, Event, EventKind, Idempotency
from channels_app.platforms.errors import AccessRevoked, ParentGone, TryLater
from channels_app.privacy import beside
from channels_app.privacy.messages import silence
from crm import files, private_links
from crm.models import IdentityRequest
from crm.privacy import holders, people
from tests import factories
from tests.channels_app.conftest import connect, fake  # noqa: F401 - fixtures
from tests.channels_app.fake_platform import FakePlatform
from tests.channels_app.simulated import simulated  # noqa: F401 - a fixture
from tests.crm.made_files import SVG, png, upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(channel):
    return factories.CaseFactory(channel=channel)


def attached(message, body=b"Seat 12A", name="ticket.txt"):
    return files.keep(Attachment, files.checked(upload(body, name)), by=None, message=message)


def first(case):
    return case.entries.earliest("pk").message


# --- handed out


def test_a_picture_is_shown_and_nothing_in_it_may_run(case, agent, as_user):
    picture = attached(first(case), png(), "suitcase.png")
    response = as_user(agent).get(reverse("cases:attachment", args=[picture.pk]))
    assert response.status_code == 200
    assert b"".join(response) == png()
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"] == 'inline; filename="suitcase.png"'
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"].startswith("private")


def test_everything_else_is_only_saved(case, agent, as_user):
    text = attached(first(case))
    response = as_user(agent).get(reverse("cases:attachment", args=[text.pk]))
    assert response["Content-Disposition"] == 'attachment; filename="ticket.txt"'
    assert response["Content-Type"].startswith("text/plain")
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("role", ["agent", "lead", "executive", "sales", "support", "admin"])
def test_who_may_not_see_the_case_finds_no_file(case, as_user, role):
    other = factories.UserFactory(role=role, teams=[factories.TeamFactory()])
    of_message, note = attached(first(case)), factories.NoteFactory(case=case)
    of_note = files.keep(NoteFile, files.checked(upload(b"x", "a.txt")), by=note.by, note=note)
    sees = {"agent": 404, "lead": 200, "admin": 200}.get(role, 403)
    assert as_user(other).get(reverse("cases:attachment", args=[of_message.pk])).status_code == sees
    assert as_user(other).get(reverse("cases:note_file", args=[of_note.pk])).status_code == sees


def test_a_file_of_a_message_in_no_case_is_nobodys_to_see(agent, as_user):
    stray = attached(factories.MessageFactory())
    assert as_user(agent).get(reverse("cases:attachment", args=[stray.pk])).status_code == 404


def test_one_that_is_not_there_is_not_found(case, agent, as_user):
    gone, coming = (
        attached(first(case)),
        factories.AttachmentFactory(message=first(case), file="", source_url="https://net.example/a"),
    )
    Path(gone.file.path).unlink()
    for file in (gone, coming):
        assert as_user(agent).get(reverse("cases:attachment", args=[file.pk])).status_code == 404


# --- written


def test_a_note_carries_files(case, agent, as_user):
    data = {"text": "The photo", "files": [upload(png(), "../../x.png"), upload(b"words", "a.txt")]}
    response = as_user(agent).post(reverse("cases:note", args=[case.pk]), data)
    assert response.status_code == 302
    assert [(f.name, f.content_type, f.by) for f in NoteFile.objects.all()] == [
        ("x.png", "image/png", agent),
        ("a.txt", "text/plain", agent),
    ]


def test_a_refused_file_loses_nothing_that_was_typed(case, agent, as_user):
    for name in ("note", "reply"):
        data = {"text": "Typed with care", "files": [upload(SVG, "drawing.png")]}
        response = as_user(agent).post(reverse(f"cases:{name}", args=[case.pk]), data)
        page = response.content.decode()
        assert response.status_code == 422
        assert "“drawing.png” cannot be attached" in page
        assert "Typed with care" in page
    assert not Note.objects.exists()
    assert not Delivery.objects.exists()


def test_a_reply_carries_files_to_the_network(simulated, agent):  # noqa: F811
    case = simulated.says("amelie_jourdan", "@skylark Where is my bag?")
    replies.reply(case=case, text="Here is the form.", by=agent, attached=[files.checked(upload(png(), "form.png"))])
    simulated.deliver()
    message = Message.objects.get(text="Here is the form.")
    assert simulated.store.files(message.external_id) == [{"name": "form.png", "type": "image/png", "body": png()}]


def test_what_the_network_does_not_carry_is_refused_before_anything_is_written(case, agent):
    small = files.checked(upload(b"x", "a.txt"))
    with pytest.raises(channel_files.TooManyThere, match="takes 4 files with a message; these are 5"):
        replies.reply(case=case, text="All of it.", by=agent, attached=[small] * 5)
    large = files.checked(upload(b"x" * 5_000_001, "b.txt"))
    with pytest.raises(channel_files.TooLargeThere, match=r"“b\.txt” is larger"):
        replies.reply(case=case, text="Long.", by=agent, attached=[large])
    assert not Message.objects.filter(direction="out").exists()


def test_a_channel_that_carries_none_says_so(agent, team):
    channel = factories.ChannelFactory(platform="by_hand", name="Phone", team=team)
    case = factories.CaseFactory(channel=channel)
    with pytest.raises(channel_files.CannotCarry, match="Phone cannot carry files"):
        outbox.write(answer_to=first(case), text="x", by=agent, attached=[files.checked(upload(b"x", "a.txt"))])


# --- what customers send


class Handler(http.server.BaseHTTPRequestHandler):
    answers: dict[str, tuple[int, bytes]] = {}

    def do_GET(self):
        status, body = self.answers.get(self.path, (404, b""))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "/photo")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def media(settings):
    """A network's media server on this machine; its address."""
    settings.ALLOW_LOOPBACK = True
    Handler.answers = {"/photo": (200, png()), "/page": (200, SVG), "/busy": (503, b""), "/moved": (302, b"")}
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def came(url, **facts):
    return factories.AttachmentFactory(file="", source_url=url, content_type="", size=0, sha256="", **facts)


def test_a_photo_comes_with_a_post_and_is_fetched_by_us(simulated, media, agent, as_user):  # noqa: F811
    enclosed = [{"url": f"{media}/photo", "name": "broken\u202e.exe", "type": "text/html"}]
    case = simulated.says("amelie_jourdan", "Look at it", private=True, files=enclosed)
    row = Attachment.objects.get()
    channel_files.fetch(row.pk)
    row.refresh_from_db()
    assert (row.name, row.content_type, row.read()) == ("broken.exe.png", "image/png", png())
    page = as_user(factories.UserFactory(role="lead")).get(reverse("cases:case", args=[case.pk])).content.decode()
    assert f'<img src="{reverse("cases:attachment", args=[row.pk])}"' in page
    assert media not in page


def test_one_is_fetched_once_however_often_it_is_asked_for(media):
    row = came(f"{media}/photo")
    channel_files.fetch(row.pk)
    kept = Attachment.objects.get().file.name
    channel_files.fetch(row.pk)
    assert Attachment.objects.get().file.name == kept


@pytest.mark.parametrize("path", ["/page", "/moved", "/nothing"])
def test_what_may_not_come_in_says_why_for_good(media, path, nudges):
    row = came(f"{media}{path}")
    channel_files.fetch(row.pk)
    row.refresh_from_db()
    assert row.trouble
    assert not row.file
    channel_files.sweep()
    assert nudges == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x", "https://10.0.0.1/x", "https://[::1]/x", "https://u:p@a.example/"]
)
def test_nothing_inside_the_house_is_fetched(settings, url):
    settings.ALLOW_LOOPBACK = False
    row = came(url)
    channel_files.fetch(row.pk)
    row.refresh_from_db()
    assert row.trouble


def test_an_endless_one_is_cut_and_refused(media, settings):
    settings.ATTACHMENT_BYTES = 10
    row = came(f"{media}/photo")
    channel_files.fetch(row.pk)
    row.refresh_from_db()
    assert "larger than 10" in row.trouble


def test_a_network_that_is_busy_is_asked_again_for_an_hour(media, nudges, django_capture_on_commit_callbacks):
    row = came(f"{media}/busy")
    channel_files.fetch(row.pk)
    with django_capture_on_commit_callbacks(execute=True):
        channel_files.sweep()
    assert (channel_files.JOB, row.pk) in nudges
    Attachment.objects.update(created_at=timezone.now() - timedelta(hours=2))
    channel_files.fetch(row.pk)
    row.refresh_from_db()
    assert "503" in row.trouble


def test_addresses_that_are_none_are_left_out(simulated):  # noqa: F811
    enclosed = [
        {"url": "javascript:alert(1)"},
        {"url": "file:///etc/passwd"},
        {"url": "https://x.example/" + "a" * 999},
    ]
    simulated.says("amelie_jourdan", "Look", private=True, files=enclosed)
    assert not Attachment.objects.exists()


def test_a_post_with_a_hundred_files_brings_five(simulated):  # noqa: F811
    enclosed = [{"url": f"https://net.example/{n}"} for n in range(100)]
    simulated.says("amelie_jourdan", "Look", private=True, files=enclosed)
    assert Attachment.objects.count() == 5


# --- shown, and gone


def draw(case, as_user, agent):
    return as_user(agent).get(reverse("cases:conversation", args=[case.pk]))


@pytest.mark.parametrize("size", [1, 20])
def test_a_conversation_with_files_costs_as_many_queries_as_one(case, size, django_assert_max_num_queries):
    for _ in range(size):
        message = factories.MessageFactory(thread=case.thread, identity=case.identity)
        CaseMessage.objects.create(case=case, message=message)
        attached(message)
        factories.MeasureFactory(message=message, kind="hide")
        note = factories.NoteFactory(case=case)
        files.keep(NoteFile, files.checked(upload(b"x", "a.txt")), by=note.by, note=note)
    with django_assert_max_num_queries(13):
        entries = conversation.of_case(case).entries
        assert sum(len(entry.files) for entry in entries) == 2 * size
        assert sum(1 for entry in entries if entry.hidden) == size
        assert all(str(entry.measures[0].by) for entry in entries if entry.measures)


def test_an_erased_customer_leaves_no_file(case, agent):
    message_file, note = attached(first(case)), factories.NoteFactory(case=case)
    note_file = files.keep(NoteFile, files.checked(upload(b"x", "a.txt")), by=agent, note=note)
    paths = [Path(message_file.file.path), Path(note_file.file.path)]
    person = people.person(case.customer)
    for name in ("attachments", "note_files"):
        assert holders.named(name).count(person) == 1
        assert sum(holders.named(name).erase(person)) == 1
    assert not any(path.exists() for path in paths)
    assert not beside.attached(person).exists()
    assert cases_of(person).exists()


def test_a_message_that_falls_silent_with_age_takes_its_files_along(case):
    kept = attached(first(case))
    silence(Message.objects.filter(pk=kept.message_id))
    assert not Path(kept.file.path).exists()
    assert not Attachment.objects.exists()


# --- what the network says of a file, and where only the account is let in


class HandsOut(FakePlatform):
    """Files are had from the account alone."""

    def __init__(self):
        super().__init__(Idempotency.NONE)
        self.files = {("m1", "mail-part:3"): png()}

    def enclosed(self, external_id, url):
        found = self.files[external_id, url]
        if isinstance(found, Exception):
            raise found
        return found


def test_what_a_picture_shows_comes_with_it_and_is_read_to_who_cannot_see_it(simulated, media, as_user):  # noqa: F811
    enclosed = Enclosed(f"{media}/photo", "broken.png", alt="A suitcase\n without  wheels", expires_at=timezone.now())
    case = factories.CaseFactory(channel=simulated.channel)
    message = first(case)
    event = Event(EventKind.MESSAGE, message.external_id, message.occurred_at, attachments=[enclosed])
    channel_files.came([message], {message.external_id: event})
    row = Attachment.objects.get()
    assert (row.alt, row.expires_at) == ("A suitcase without wheels", enclosed.expires_at)
    channel_files.fetch(row.pk)
    page = as_user(factories.UserFactory(role="lead")).get(reverse("cases:case", args=[case.pk])).content.decode()
    assert 'alt="A suitcase without wheels"' in page


def test_what_the_network_hands_out_no_more_says_so(media):
    row = came(f"{media}/nothing", expires_at=timezone.now() - timedelta(minutes=1))
    channel_files.fetch(row.pk)
    row.refresh_from_db()
    assert row.trouble == "The network hands it out no more."


def test_what_is_still_there_after_its_time_is_taken(media):
    row = came(f"{media}/photo", expires_at=timezone.now() - timedelta(minutes=1))
    channel_files.fetch(row.pk)
    assert Attachment.objects.get().file


def test_a_file_that_only_the_account_is_handed_comes_through_it(fake, connect):  # noqa: F811
    network = connect(HandsOut())
    message = factories.MessageFactory(thread__channel=fake, external_id="m1")
    event = Event(EventKind.MESSAGE, "m1", message.occurred_at, attachments=[Enclosed("mail-part:3", "bag.png")])
    channel_files.came([message], {"m1": event})
    row = Attachment.objects.get()
    network.files["m1", "mail-part:3"] = AccessRevoked("Connect it again.")
    channel_files.fetch(row.pk)
    Attachment.objects.update(created_at=timezone.now() - timedelta(days=3))
    channel_files.fetch(row.pk)
    assert Attachment.objects.to_fetch().exists()  # it waits for as long as the channel is shut
    network.files["m1", "mail-part:3"] = png()
    channel_files.fetch(row.pk)
    assert Attachment.objects.get().read() == png()


@pytest.mark.parametrize("trouble", [ParentGone("The mail is not in the mailbox any more."), TryLater("Busy.")])
def test_what_the_account_is_not_handed_says_why(fake, connect, trouble):  # noqa: F811
    connect(HandsOut()).files["m1", "mail-part:3"] = trouble
    row = came("mail-part:3", message=factories.MessageFactory(thread__channel=fake, external_id="m1"))
    Attachment.objects.update(created_at=timezone.now() - timedelta(hours=2))
    channel_files.fetch(row.pk)
    row.refresh_from_db()
    assert row.trouble == str(trouble)


def test_elsewhere_only_the_web_is_an_address(fake, connect):  # noqa: F811
    connect(FakePlatform(Idempotency.NONE))
    message = factories.MessageFactory(thread__channel=fake, external_id="m1")
    event = Event(EventKind.MESSAGE, "m1", message.occurred_at, attachments=[Enclosed("mail-part:3"), Enclosed("x:y")])
    channel_files.came([message], {"m1": event})
    assert not Attachment.objects.exists()


def test_words_for_who_cannot_see_are_for_all_to_read(fake, connect, agent):  # noqa: F811
    connect(FakePlatform(Idempotency.NONE, attachments=1, attachment_bytes=10_000))
    asked = IdentityRequest(number=uuid.uuid4())
    message = factories.MessageFactory(thread__channel=fake, external_id="m1")
    with pytest.raises(channel_files.PrivateLinkInWords):
        outbox.write(
            answer_to=message, text="Look", by=agent, attached=[files.checked(upload(png(), "a.png"))],
            alts=[f"See {private_links.link(asked)}"],
        )  # fmt: skip
