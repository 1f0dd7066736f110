"""The endpoint networks call: what it takes, for which channel, and that nothing it took is lost."""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from contextlib import contextmanager

import pytest
from channels.db import database_sync_to_async as sync_to_async
from django.urls import Resolver404, resolve
from django.utils import timezone

from channels_app import hooks, inbox, jobs
from channels_app.connecting import connecting
from channels_app.hooks import known
from channels_app.models import App, Channel, Credential, Message, RawEvent
from tests import factories
from tests.channels_app import called
from tests.channels_app.called import change, envelope, from_meta, meta_signature, noted, private, read_all, rows, texts

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, OTHER, PHONE, PHONE_2 = "1234567890", "9876543210", "106540352242922", "106540352242923"
RAW = RawEvent.State


@pytest.fixture
def app(db):
    return factories.AppFactory(secrets=called.META)


@pytest.fixture
def page(app):
    return called.account(app, "facebook", PAGE, name="Skylark on Facebook")


# --- what is not for a webhook


async def test_pages_are_djangos(server, app):
    for path in ("/", "/queue/", "/hooks", "/hooked/", "/api/v1/hooks/"):
        assert (await server.ask("GET", path)).status == 299
    assert server.pages == ["/", "/queue/", "/hooks", "/hooked/", "/api/v1/hooks/"]


def test_no_page_of_django_lies_below_the_address():
    """`tests/test_access.py` walks Django's pages with every role; this one is public and asks for a signature."""
    with pytest.raises(Resolver404):
        resolve(f"/hooks/{uuid.uuid4()}/")


async def test_an_address_of_nobody_is_not_found(server, page):
    for path in (f"/hooks/{uuid.uuid4()}/", "/hooks/", "/hooks/nonsense/", "/hooks/%00/", "/hooks/١٢٣/"):
        for method in ("GET", "POST"):
            assert (await server.ask(method, path)).status == 404
    assert await rows() == []
    assert server.pages == []


async def test_it_takes_get_and_post_alone(server, app):
    for method in ("HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = await server.ask(method, f"/hooks/{app.hook}/")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, POST")


def test_the_address_is_that_under_which_the_world_knows_us(settings):
    settings.HARK_URL = "https://hark.example/care"
    app = App(hook=uuid.UUID("0b7c1a52-0000-4000-8000-000000000001"))
    assert hooks.address(app) == "https://hark.example/care/hooks/0b7c1a52-0000-4000-8000-000000000001/"


async def test_it_is_found_without_its_last_stroke_in_capitals_and_below_a_prefix(server, app, page):
    body = envelope(private(PAGE, "m_1"))
    for path, prefix in (
        (f"/hooks/{app.hook}", ""), (f"/hooks/{str(app.hook).upper()}/", ""), (f"/care/hooks/{app.hook}/", "/care"),
    ):  # fmt: skip
        answer = await server.ask("POST", path, headers=meta_signature(body), pieces=[body], root_path=prefix)
        assert answer.status == 200
    assert len(await rows()) == 3


# --- the network asks


async def test_metas_question_is_answered_once_it_holds_our_token(server, app):
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "who is this"}
    answer = await server.get(app, **asked)
    assert (answer.status, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    asked_at, called_at, refused_at = await noted()
    assert asked_at
    assert (called_at, refused_at) == (None, None)


async def test_a_question_with_another_token_is_refused_and_noted(server, app):
    answer = await server.get(app, **{"hub.mode": "subscribe", "hub.challenge": "1", "hub.verify_token": "guess"})
    assert (answer.status, "1" in answer.text) == (401, False)
    asked_at, _, refused_at = await noted()
    assert refused_at
    assert asked_at is None


async def test_a_token_that_was_entered_just_now_is_known(server, app):
    asked = {"hub.mode": "subscribe", "hub.challenge": "7", "hub.verify_token": "another"}
    assert (await server.get(app, **asked)).status == 401
    app.seal({"verify_token": "another"})
    await app.asave()
    server.hooks.directory._read_at -= known.DOUBT_SECONDS
    assert (await server.get(app, **asked)).text == "7"


async def test_xs_question_is_answered_in_its_form(server):
    app = await sync_to_async(factories.AppFactory)(network="x", secrets=called.X)
    answer = await server.get(app, crc_token="foo")
    assert answer.headers["content-type"].startswith("application/json")
    signed = called.x_signature(b"foo")["X-Twitter-Webhooks-Signature-OAuth2"]
    assert json.loads(answer.text) == {"response_token": signed}


async def test_what_could_be_an_event_is_not_signed_for_anybody(server):
    app = await sync_to_async(factories.AppFactory)(network="x", secrets=called.X)
    answer = await server.get(app, crc_token='{"for_user_id": "1"}')
    assert (answer.status, "sha256" in answer.text) == (401, False)


async def test_a_person_who_opens_the_address_is_told_what_it_is(server, app):
    answer = await server.get(app)
    assert (answer.status, answer.text.startswith("This address takes signed webhooks")) == (400, True)


async def test_too_many_questions_are_none(server, app):
    answer = await server.ask("GET", f"/hooks/{app.hook}/", query="a=1&" * 60)
    assert answer.status == 400


# --- stored before it is answered


async def test_what_was_answered_is_stored_as_it_came_and_its_work_is_nudged(server, app, page, nudges):
    before = timezone.now()
    assert (await from_meta(server, app, envelope(private(PAGE, "m_1", "m_2")))).status == 200
    assert await rows() == [(page.pk, RAW.NEW, "")] * 2
    await server.hooks.desk.do(lambda: None)  # who calls is answered before the work is nudged
    assert ("channels_app.jobs.drain", page.pk) in nudges
    await page.arefresh_from_db()
    assert page.last_in_at >= before
    assert (await noted())[1] >= before


async def test_calls_that_come_together_are_one_transaction_in_their_order(server, app, page, nudges, monkeypatch):
    monkeypatch.setattr(known, "SECONDS", float("inf"))  # no call waits for the desk to know whose its address is
    for number in range(3):  # addresses are known from here on, and it was noted that the app was called
        await from_meta(server, app, envelope(private(PAGE, f"m_{number}")))
    await server.hooks.desk.do(lambda: None)  # who is answered is answered before the work is nudged
    nudges.clear()
    with storing_held(monkeypatch) as (begun, lots):
        first = asyncio.create_task(from_meta(server, app, envelope(private(PAGE, "m_10"))))
        await begun.wait()
        bodies = [envelope(private(PAGE, f"m_{number}")) for number in range(11, 61)]
        calls = [asyncio.create_task(from_meta(server, app, body)) for body in bodies]
        while len(server.hooks.line._waiting) < len(calls):
            assert not any(call.done() for call in calls)
            await asyncio.sleep(0)
    assert {answer.status for answer in await asyncio.gather(first, *calls)} == {200}
    assert [len(lot) for lot in lots] == [1, 50]
    await server.hooks.desk.do(lambda: None)
    assert nudges == [("channels_app.jobs.drain", page.pk)] * 2
    await read_all(page)
    assert await texts(page) == [f"m_{number}" for number in (0, 1, 2, *range(10, 61))]


@contextmanager
def storing_held(monkeypatch):
    """Inside, what is to be stored is not. An event that says when the first of it began, and what came as one."""
    begun, loop, let_go = asyncio.Event(), asyncio.get_running_loop(), threading.Event()
    lots, keep = [], inbox.keep_many

    def held(arrived):
        lots.append(list(arrived))
        loop.call_soon_threadsafe(begun.set)
        let_go.wait()
        keep(lots[-1])

    monkeypatch.setattr(inbox, "keep_many", held)
    try:
        yield begun, lots
    finally:
        let_go.set()


async def test_two_entries_of_two_changes_of_two_messages_arrive_at_their_two_channels(server, app):
    ours = [await sync_to_async(called.account)(app, "whatsapp", phone) for phone in (PHONE, PHONE_2)]
    assert (await from_meta(server, app, called.whatsapp(PHONE, PHONE_2))).status == 200
    assert await rows() == [(ours[0].pk, RAW.NEW, "")] * 4 + [(ours[1].pk, RAW.NEW, "")] * 4
    await read_all(*ours)
    assert await texts(ours[0]) == ["wamid.1", "wamid.2", "wamid.3", "wamid.4"]
    assert await texts(ours[1]) == ["wamid.5", "wamid.6", "wamid.7", "wamid.8"]


async def test_the_same_calls_again_change_nothing(server, app, page):
    bodies = [envelope(private(PAGE, f"m_{number}", f"n_{number}")) for number in range(5)]
    for body in bodies:
        await from_meta(server, app, body)
    await read_all(page)
    before = await sync_to_async(lambda: list(Message.objects.order_by("id").values()))()
    await asyncio.gather(*(from_meta(server, app, body) for body in reversed(bodies)))
    await read_all(page)
    assert await sync_to_async(lambda: list(Message.objects.order_by("id").values()))() == before
    assert [state for _, state, _ in await rows()] == [RAW.STORED] * 10 + [RAW.DUPLICATE] * 10


async def test_a_shut_channel_takes_in_what_is_brought(server, app, page):
    await change(Channel, broken_at=timezone.now(), trouble="The key does not open it.")
    await from_meta(server, app, envelope(private(PAGE, "m_1")))
    assert await rows() == [(page.pk, RAW.NEW, "")]


async def test_who_hung_up_while_it_was_stored_is_stored(server, app, page):
    body = envelope(private(PAGE, "m_1"))
    task = asyncio.create_task(from_meta(server, app, body))
    while not server.hooks.line._waiting:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert (await from_meta(server, app, envelope(private(PAGE, "m_2")))).status == 200
    assert len(await rows()) == 2


async def test_our_own_private_links_are_not_kept(server, app, page):
    link = "https://hark.example/who/" + "a" * 22 + "." + "b" * 43 + "/"
    await from_meta(server, app, envelope(private(PAGE, "m_1", text=f"You sent me {link}")))
    raw = await RawEvent.objects.aget()
    assert b"[private link]" in bytes(raw.body)
    assert b"b" * 43 not in bytes(raw.body)


# --- what is for nobody


async def test_an_account_nobody_connected_is_a_dead_letter_that_says_so(server, app, page):
    assert (await from_meta(server, app, envelope(private(OTHER, "m_1"), private(PAGE, "m_2")))).status == 200
    lost, ours = sorted(await rows(), key=lambda row: row[1] == RAW.NEW)
    assert ours == (page.pk, RAW.NEW, "")
    assert lost == (page.pk, RAW.REJECTED, f"It is for the account “{OTHER}” (facebook), to which no channel is"
                    " connected. Connect it and read it again.")  # fmt: skip


async def test_once_the_account_is_connected_its_dead_letters_are_read_in_its_channel(server, app, page):
    await from_meta(server, app, envelope(private(OTHER, "m_1")))
    late = await sync_to_async(called.account)(app, "facebook", OTHER)
    await sync_to_async(lambda: inbox.replay(rows=RawEvent.objects.dead_letters()))()
    await read_all(page, late)
    assert (await texts(page), await texts(late)) == ([], ["m_1"])


async def test_another_apps_account_is_not_ours(server, app, page):
    other = await sync_to_async(factories.AppFactory)(name="Another", secrets={"app_secret": "shh"})
    theirs = await sync_to_async(called.account)(other, "facebook", OTHER)
    await from_meta(server, app, envelope(private(OTHER, "m_1")))
    await sync_to_async(lambda: inbox.replay(rows=RawEvent.objects.dead_letters()))()
    assert {channel for channel, *_ in await rows()} == {page.pk}
    assert await texts(theirs) == []


async def test_a_channel_that_was_connected_just_now_is_known(server, app, page):
    await from_meta(server, app, envelope(private(PAGE, "m_1")))
    late = await sync_to_async(called.account)(app, "facebook", OTHER)
    server.hooks.directory._read_at -= known.DOUBT_SECONDS
    await from_meta(server, app, envelope(private(OTHER, "m_2")))
    assert await rows() == [(page.pk, RAW.NEW, ""), (late.pk, RAW.NEW, "")]


async def test_what_comes_for_a_paused_channel_waits_among_its_dead_letters(server, app, page):
    await change(Channel, paused_at=timezone.now())
    await from_meta(server, app, envelope(private(PAGE, "m_1")))
    ((channel, state, reason),) = await rows()
    assert (channel, state) == (page.pk, RAW.REJECTED)
    assert reason.startswith("This channel is paused")


async def test_it_is_read_in_its_order_once_the_channel_goes_on(server, app, page, nudges, monkeypatch):
    monkeypatch.setattr(inbox, "BATCH", 2)
    by = await sync_to_async(factories.UserFactory)(role="admin")
    await change(Channel, paused_at=timezone.now())
    for n in range(5):
        await from_meta(server, app, envelope(private(PAGE, f"m_{n}")))
    await from_meta(server, app, envelope(private(OTHER, "m_9")))
    await sync_to_async(lambda: connecting.resume(channel=page, by=by))()
    assert (inbox.PUT_BACK_JOB, page.pk) in nudges
    await sync_to_async(jobs.put_back)(page.pk)
    await read_all(page)
    assert await texts(page) == [f"m_{n}" for n in range(5)]
    assert [state for _, state, _ in await rows()] == [RAW.STORED] * 5 + [RAW.REJECTED]


async def test_what_the_nudge_did_not_find_is_found_by_the_sweep(server, app, page, nudges):
    await change(Channel, paused_at=timezone.now())
    await from_meta(server, app, envelope(private(PAGE, "m_1")))
    await sync_to_async(jobs.sweep)()
    assert (inbox.PUT_BACK_JOB, page.pk) not in nudges
    await change(Channel, paused_at=None)
    await sync_to_async(jobs.sweep)()
    assert (inbox.PUT_BACK_JOB, page.pk) in nudges


async def test_what_comes_for_a_disconnected_channel_waits_until_it_is_connected_again(server, app, page):
    held = await Credential.objects.aget()
    await change(Credential, sealed="")
    await from_meta(server, app, envelope(private(PAGE, "m_1")))
    assert [(channel, state) for channel, state, _ in await rows()] == [(page.pk, RAW.REJECTED)]
    await sync_to_async(lambda: inbox.replay(rows=RawEvent.objects.dead_letters()))()
    await read_all(page)  # too early: it goes on waiting
    assert await rows() == [(page.pk, RAW.NEW, "")]
    await change(Credential, sealed=held.sealed)
    await read_all(page)
    assert await texts(page) == ["m_1"]


async def test_an_app_without_any_channel_has_nowhere_to_keep_it(server, app):
    assert (await from_meta(server, app, envelope(private(PAGE, "m_1")))).status == 200
    assert await rows() == []


async def test_what_is_signed_and_cannot_be_taken_apart_is_kept_whole(server, app, page):
    for body in (b"nonsense", b"{}", b'{"object": "page", "entry": ' + b"[" * 50_000, b"\xff\x00"):
        assert (await from_meta(server, app, body)).status == 200
    assert [(state, bool(reason)) for _, state, reason in await rows()] == [(RAW.REJECTED, True)] * 4
    assert bytes((await RawEvent.objects.alast()).body) == b"\xff\x00"


async def test_a_bug_of_ours_loses_nothing(server, page, app, monkeypatch):
    def broken(*_):
        raise TypeError("Maria Silva")

    monkeypatch.setattr("channels_app.platforms.meta.webhook.split", broken)
    assert (await from_meta(server, app, envelope(private(PAGE, "m_1")))).status == 200
    assert await rows() == [(page.pk, RAW.REJECTED, "Hark could not take it apart: TypeError.")]


async def test_ids_no_column_takes_do_not_hold_up_the_neighbours(server, app, page):
    odd = json.dumps({"object": "page", "entry": [{"id": "a\ud800\x00b", "messaging": [{}]}]}).encode()
    answers = await asyncio.gather(
        from_meta(server, app, odd), from_meta(server, app, envelope(private(PAGE, "m_1")))
    )  # fmt: skip
    assert {answer.status for answer in answers} == {200}
    assert {state for _, state, _ in await rows()} == {RAW.NEW, RAW.REJECTED}
