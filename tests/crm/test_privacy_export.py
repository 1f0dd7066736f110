"""The copy of all we hold: whole, readable by people and machines, nobody else's, and gone after a week."""

from __future__ import annotations

import json
import tracemalloc
from datetime import timedelta
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.conf import settings
from django.utils import timezone

from channels_app.models import Message, MessageVersion
from channels_app.privacy import messages
from crm import jobs, merging
from crm.errors import Refused
from crm.models import Activity, PrivacyRequest
from crm.privacy import ages, asking, exporting, holders, people, retention, working
from tests import factories
from tests.somebody import NOBODYS, Somebody

pytestmark = pytest.mark.django_db

NASTY = '<script>alert(1)</script> & "quoted" \u202eright-to-left'


def copy_of(customer, by):
    request = asking.ask_for_copy(customer=customer, reason="person", by=by)
    working.work(request.pk)
    request.refresh_from_db()
    assert request.state == "done", request.trouble
    return request


def opened(request):
    """(data.json as an object, index.html as text)."""
    with ZipFile(BytesIO(request.file.read())) as archive:
        assert sorted(archive.namelist()) == ["data.json", "index.html"]
        return json.loads(archive.read("data.json")), archive.read("index.html").decode()


class Page(HTMLParser):
    """What a browser would fetch or run, and the words between the tags."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.reaches, self.words = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.reaches += [value for name, value in attrs if name in ("src", "href", "action") and value[:1] != "#"]
        self.reaches += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.words.append(data)


# --- what is in it


def test_everything_a_holder_says_is_in_both(lead):
    whole = Somebody(lead)
    marks = whole.mark()
    data, page = opened(copy_of(whole.customer, lead))
    shown = {holder.name for holder in holders.all_holders() if holder.rows}
    assert set(data["kinds"]) == shown
    assert (data["schema"], data["customer"]) == ("hark.person/1", whole.customer.pk)
    told = json.dumps(data, ensure_ascii=False)
    wanted = {
        "crm.customer.name", "crm.customer.about", "crm.identity.value", "crm.identity.display_name",
        "crm.identitylink.evidence", "crm.consentchange.how", "crm.order.what", "crm.product.serial",
        "crm.stakeholder.title", "channels_app.message.text", "channels_app.messageversion.text", "cases.case.subject",
        "cases.note.text", "crm.activity.detail", "crm.identityrequest.claimed", "crm.merge.reason",
        "channels_app.rawevent.body", "crm.importchange.after",
    }  # fmt: skip
    for where in wanted:
        assert any(mark in told and mark in page for mark, place in marks.items() if place == where), where
    assert wanted.isdisjoint(NOBODYS - {"channels_app.rawevent.body"})


def test_each_row_has_the_columns_the_file_names(lead):
    data, _page = opened(copy_of(Somebody(lead).customer, lead))
    for name, kind in data["kinds"].items():
        assert kind["says"], name
        for row in kind["rows"]:
            assert set(row) == set(kind["columns"]), name
    full = [name for name, kind in data["kinds"].items() if kind["rows"]]
    assert len(full) > 15


def test_messages_stand_in_the_order_they_were_said(case, agent, lead):
    factories.DeliveryFactory(case=case, by=agent, state="sent", sent_at=timezone.now())
    data, _page = opened(copy_of(case.customer, lead))
    rows = data["kinds"]["messages"]["rows"]
    assert [(row["direction"], row["channel"]) for row in rows] == [
        ("in", case.channel.name), ("out", case.channel.name)
    ]  # fmt: skip
    assert rows == sorted(rows, key=lambda row: row["occurred_at"])


def test_a_message_tells_what_it_said_before(case, lead):
    message = case.entries.get().message
    Message.objects.filter(pk=message.pk).update(edited_at=timezone.now())
    for text in ("First", "Second"):
        MessageVersion.objects.create(message=message, text=text)
    data, _page = opened(copy_of(case.customer, lead))
    assert data["kinds"]["messages"]["rows"][0]["before"] == ["First", "Second"]


def test_a_link_that_was_taken_back_is_no_second_row_of_the_same_handle(lead):
    identity = factories.IdentityFactory(customer=(customer := factories.CustomerFactory()))
    factories.IdentityLinkFactory(identity=identity, state="withdrawn")
    data, _page = opened(copy_of(customer, lead))
    assert len(data["kinds"]["identities"]["rows"]) == 1


def test_merged_records_are_in_it(lead):
    whole, other = factories.CustomerFactory(), factories.CustomerFactory(name="Her maiden name")
    merging.merge(survivor=whole, absorbed=other, by=lead)
    data, page = opened(copy_of(whole, lead))
    assert [row["name"] for row in data["kinds"]["customer"]["rows"]] == [whole.name, "Her maiden name"]
    assert "It includes 1 other record that was merged into this one." in page


# --- what is not


def test_other_customers_are_another_customer(case, agent, lead):
    bob = factories.IdentityFactory(value="bob_builder", display_name="Bob B.", customer=factories.CustomerFactory())
    factories.MessageFactory(thread=case.thread, identity=bob, text="Bob's own business")
    factories.NoteFactory(case=case, by=agent, text="Same as @bob_builder, and Bob B. knows")
    answer = factories.DeliveryFactory(case=case, by=agent, state="sent", sent_at=timezone.now()).message
    Message.objects.filter(pk=answer.pk).update(text="@jane @bob_builder we are on it")
    data, page = opened(copy_of(case.customer, lead))
    told = json.dumps(data) + page
    assert "Bob's own business" not in told
    assert "bob_builder" not in told
    assert "Bob B." not in told
    assert data["kinds"]["messages"]["rows"][-1]["text"] == "@jane @another customer we are on it"
    assert data["kinds"]["notes"]["rows"][0]["text"] == "Same as @another customer, and @another customer knows"


def test_what_somebody_else_holds_is_not_in_it(lead):
    whole, other = Somebody(lead), Somebody(lead)
    whole.mark()
    theirs = other.mark()
    data, page = opened(copy_of(whole.customer, lead))
    assert [mark for mark in theirs if mark in page or mark in json.dumps(data)] == []


def test_nobody_of_us_is_named(case, agent, lead):
    factories.DeliveryFactory(case=case, by=agent, state="sent", sent_at=timezone.now())
    factories.NoteFactory(case=case, by=agent)
    told = "".join(opened(copy_of(case.customer, lead))[1])
    assert agent.last_name not in told
    assert lead.last_name not in told


# --- the page


def test_the_page_runs_nothing_and_fetches_nothing(case, lead):
    Message.objects.update(text=NASTY)
    case.customer.name = NASTY
    case.customer.save()
    page = Page(opened(copy_of(case.customer, lead))[1])
    assert {"script", "img", "iframe", "link", "form", "object"}.isdisjoint(page.tags)
    assert page.reaches == []
    assert NASTY in page.words


def test_the_page_shows_words_and_not_codes(case, lead):
    words = Page(opened(copy_of(case.customer, lead))[1]).words
    assert {"From a customer", "Negative", "Linked by hand"} <= set(words)
    assert {"in", "negative", "by_hand"}.isdisjoint(words)


def test_what_is_empty_is_named_once_at_the_end(case, lead):
    page = opened(copy_of(case.customer, lead))[1]
    assert "We hold nothing of these:" in page
    assert 'id="orders"' not in page
    assert page.count(">Orders") + page.count("Orders ·") == 1


# --- the file


def test_it_lies_where_no_page_leads_and_only_its_owner_reads_it(case, lead):
    path = Path(settings.MEDIA_ROOT) / copy_of(case.customer, lead).file.name
    assert path.stat().st_mode & 0o077 == 0
    assert str(case.customer.pk) not in path.stem
    assert len(path.stem) == 32


def test_it_is_fetched_by_who_may_and_each_time_is_in_the_log(case, as_user, lead):
    request = copy_of(case.customer, lead)
    answer = as_user(lead).get(f"/privacy/files/{request.pk}/")
    assert answer["Content-Disposition"] == f'attachment; filename="customer-{case.customer_id}.zip"'
    assert answer["Cache-Control"] == "no-store"
    assert b"".join(answer.streaming_content)[:2] == b"PK"
    assert Activity.objects.about(case.customer).filter(verb="copy fetched", by=lead).count() == 1


def test_after_a_week_it_is_gone(case, as_user, lead):
    request = copy_of(case.customer, lead)
    PrivacyRequest.objects.update(file_until=timezone.now() - timedelta(seconds=1))
    assert as_user(lead).get(f"/privacy/files/{request.pk}/").status_code == 404
    retention.due()
    request.refresh_from_db()
    assert not request.file
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.zip"))


def test_a_file_that_a_dead_worker_left_is_found(case, lead, monkeypatch):
    request = copy_of(case.customer, lead)
    PrivacyRequest.objects.filter(pk=request.pk).update(file="")
    assert ages.forget_copies() == 0  # it may be just being written
    monkeypatch.setattr(ages, "LEFT_BEHIND", -timedelta(seconds=60))
    assert ages.forget_copies() == 1
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.zip"))


# --- the job


def test_progress_is_seen_while_it_is_made(case, lead, monkeypatch):
    seen = []
    request = asking.ask_for_copy(customer=case.customer, reason="person", by=lead)
    real = PrivacyRequest.go_to
    monkeypatch.setattr(PrivacyRequest, "go_to", lambda self, *a: (real(self, *a), seen.append(progress(request)))[0])
    working.work(request.pk)
    shown = len([holder for holder in holders.all_holders() if holder.rows])
    assert [done for _, done, _ in seen] == list(range(2 * shown))
    assert {(state, steps) for state, _, steps in seen} == {("running", 2 * shown)}
    assert progress(request) == ("done", 2 * shown, 2 * shown)


def progress(request):
    return PrivacyRequest.objects.values_list("state", "steps_done", "steps").get(pk=request.pk)


def test_one_that_was_killed_is_begun_anew_and_leaves_no_half_file(case, lead, monkeypatch):
    request = asking.ask_for_copy(customer=case.customer, reason="person", by=lead)
    with monkeypatch.context() as killing:
        killing.setattr(exporting, "_write_page", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            working.work(request.pk)
    assert not list(Path(settings.MEDIA_ROOT).rglob("*.zip"))
    jobs.privacy(request.pk)
    request.refresh_from_db()
    assert (request.state, request.is_kept) == ("done", True)


def test_a_second_copy_at_the_same_time_is_refused(case, lead):
    asking.ask_for_copy(customer=case.customer, reason="person", by=lead)
    with pytest.raises(Refused, match="“Copy of all we hold” is under way for this customer already"):
        asking.ask_for_copy(customer=case.customer, reason="proxy", by=lead)


def test_many_messages_need_little_memory(case, lead, tmp_path, monkeypatch):
    """Ten times the messages in no more memory: the most that is held at once is a batch."""
    monkeypatch.setattr(messages, "BATCH", 50)
    peaks = [peak_with(case, more, tmp_path / "copy.zip") for more in (100, 10, 1_000)]
    assert peaks[2] < peaks[1] * 1.25, peaks


def peak_with(case, more, path):
    """The most memory a copy takes with so many messages more."""
    text, at = "My train is late again. " * 40, timezone.now()
    facts = {"channel": case.channel, "thread": case.thread, "identity": case.identity, "direction": "in", "text": text}
    Message.objects.bulk_create(
        [Message(**facts, external_id=f"{more}-{n}", occurred_at=at, read_at=at, routed_at=at) for n in range(more)]
    )
    shown, person = (
        [holder for holder in holders.all_holders() if holder.name == "messages"],
        people.person(case.customer),
    )
    tracemalloc.start()
    with ZipFile(path, "w") as archive:
        exporting.write(archive, person, shown, lambda name: None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


# --- the panel


def test_the_panel_asks_again_while_one_is_under_way_and_rests_when_it_is_done(case, as_user, lead):
    client, url = as_user(lead), f"/customers/{case.customer_id}/privacy/"
    client.post(url + "copy/", {"reason": "person"})
    page = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 2s"' in page
    working.work(PrivacyRequest.objects.get().pk)
    page = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" not in page
    assert "Download" in page


def test_a_refusal_stands_in_the_panel(case, as_user, lead):
    client, url = as_user(lead), f"/customers/{case.customer_id}/privacy/copy/"
    client.post(url, {"reason": "person"})
    answer = client.post(url, {"reason": "person"}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "is under way for this customer already" in answer.content.decode()
