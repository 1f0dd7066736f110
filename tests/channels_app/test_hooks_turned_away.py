"""Calls that are not taken, and how little one that is asks of the database."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from channels.db import database_sync_to_async as sync_to_async
from django.db import connections

from channels_app.hooks import line, reading
from channels_app.models import App, Credential, RawEvent
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


# --- what is not taken


async def test_a_body_that_is_too_large_is_turned_away_before_it_is_read(server, app, page):
    headers = meta_signature(b"") | {"Content-Length": str(reading.MOST + 1)}
    answer = await server.ask("POST", f"/hooks/{app.hook}/", headers=headers, pieces=[])
    assert (answer.status, answer.headers["connection"]) == (413, "close")


async def test_a_body_that_turns_out_too_large_is_turned_away(server, app, page):
    body = b" " * reading.MOST + b"{}"
    pieces = [body[at : at + 500_000] for at in range(0, len(body), 500_000)]
    answer = await server.ask("POST", f"/hooks/{app.hook}/", headers=meta_signature(body), pieces=pieces)
    assert answer.status == 413
    assert server.hooks.reader._held == 0


async def test_a_body_may_come_in_pieces(server, app, page):
    body = envelope(private(PAGE, "m_1"))
    pieces = [body[:10], b"", body[10:]]
    answer = await server.ask("POST", f"/hooks/{app.hook}/", headers=meta_signature(body), pieces=pieces)
    assert answer.status == 200
    assert len(await rows()) == 1


async def test_a_large_body_is_taken(server, app, page):
    body = envelope(private(PAGE, "m_1", text="ä" * 100_000), private(PAGE, "m_2"))
    assert (await from_meta(server, app, body)).status == 200
    await read_all(page)
    assert sorted(await texts(page)) == ["m_1", "m_2"]


async def test_who_hangs_up_in_the_middle_is_not_answered_and_leaves_nothing(server, app, page):
    body = envelope(private(PAGE, "m_1"))
    answer = await server.ask(
        "POST", f"/hooks/{app.hook}/", headers=meta_signature(body), pieces=[body[:10], None, b"more"]
    )
    assert answer is None
    assert await rows() == []
    assert server.hooks.reader._held == 0


async def test_a_slow_body_holds_up_nobody_and_is_given_up(server, app, page, monkeypatch):
    monkeypatch.setattr(reading, "SECONDS", 0.5)
    never = asyncio.create_task(server.ask("POST", f"/hooks/{app.hook}/", pieces=[]))
    assert (await from_meta(server, app, envelope(private(PAGE, "m_1")))).status == 200
    assert not never.done()
    assert (await never).status == 408


async def test_too_much_at_once_is_sent_away(server, app, page, monkeypatch):
    monkeypatch.setattr(reading, "FULL", 10)
    assert (await from_meta(server, app, envelope(private(PAGE, "m_1")))).status == 503


async def test_a_line_that_is_full_takes_no_more(server, app, page, monkeypatch):
    monkeypatch.setattr(line, "FULL_BYTES", 10)
    assert (await from_meta(server, app, envelope(private(PAGE, "m_1")))).status == 503
    assert await rows() == []


async def test_a_packed_body_is_not_guessed_at(server, app, page):
    body = envelope(private(PAGE, "m_1"))
    answer = await server.post(app, body, meta_signature(body) | {"Content-Encoding": "gzip"})
    assert answer.status == 415


async def test_neither_its_type_nor_strange_headers_matter(server, app, page):
    body = envelope(private(PAGE, "m_1"))
    strange = {"Content-Type": "text/html", "X-Said": "caf\xe9 \xff", "Content-Length": "nonsense", "Cookie": "\xa0"}
    assert (await server.post(app, body, meta_signature(body) | strange)).status == 200


async def test_secrets_nobody_can_open_are_a_matter_of_ours(server, app, page, settings):
    await change(App, sealed="nonsense")
    answer = await from_meta(server, app, envelope(private(PAGE, "m_1")))
    assert (answer.status, await rows()) == (503, [])


# --- the database is away


class Away:
    """The server of a database that does not answer, for the connections that are made from now on."""

    def __init__(self, monkeypatch):
        self.place, self.patch = connections.settings["default"], monkeypatch

    def begin(self, server):
        self.patch.setitem(self.place, "HOST", "/nowhere")

        def cut():
            connections["default"].settings_dict["HOST"] = "/nowhere"
            connections["default"].close()

        return server.hooks.desk.do(cut)

    def end(self, server):
        self.patch.undo()
        host = self.place["HOST"]

        def mend():
            connections["default"].settings_dict["HOST"] = host

        return server.hooks.desk.do(mend)


async def test_without_a_database_networks_are_asked_to_come_again(server, app, page, monkeypatch):
    away, body = Away(monkeypatch), envelope(private(PAGE, "m_1"))
    await away.begin(server)
    assert (await from_meta(server, app, body)).status == 503  # whose it is cannot be told
    await away.end(server)
    assert (await from_meta(server, app, body)).status == 200
    await away.begin(server)
    assert (await from_meta(server, app, body)).status == 503
    assert (await server.post(app, body)).status == 401
    assert (await server.ask("GET", f"/hooks/{uuid.uuid4()}/")).status == 503  # it may be new
    await away.end(server)
    assert (await from_meta(server, app, body)).status == 200
    assert len(await rows()) == 2


async def test_a_connection_that_was_cut_meanwhile_is_replaced_at_once(server, app, page):
    await from_meta(server, app, envelope(private(PAGE, "m_1")))
    await server.hooks.desk.do(lambda: connections["default"].connection.close())
    assert (await from_meta(server, app, envelope(private(PAGE, "m_2")))).status == 200
    assert len(await rows()) == 2


async def test_a_channel_that_is_gone_does_not_take_its_neighbours_with_it(server, app, page):
    gone = await sync_to_async(called.account)(app, "facebook", OTHER)
    await from_meta(server, app, envelope(private(PAGE, "m_1")))
    await sync_to_async(lambda: (Credential.objects.filter(channel=gone).delete(), gone.delete()))()
    bodies = [envelope(private(PAGE, "m_2")), envelope(private(OTHER, "m_3")), envelope(private(PAGE, "m_4"))]
    first, lost, last = await asyncio.gather(*(from_meta(server, app, body) for body in bodies))
    assert (first.status, lost.status, last.status) == (200, 503, 200)
    assert (await from_meta(server, app, bodies[1])).status == 200
    states = [(channel, state) for channel, state, _ in await rows()]
    assert states == [(page.pk, RAW.NEW)] * 3 + [(page.pk, RAW.REJECTED)]


async def test_what_nudges_the_work_may_be_away(server, app, page, monkeypatch):
    def broken(*_):
        raise RuntimeError("no wire")

    monkeypatch.setattr("crm.handoff._enqueue", broken)
    assert (await from_meta(server, app, envelope(private(PAGE, "m_1")))).status == 200
    assert len(await rows()) == 1


# --- how often the database is asked


async def test_who_calls_is_remembered_and_notes_are_taken_seldom(server, app, page):
    await from_meta(server, app, envelope(private(PAGE, "m_1")))
    await server.hooks.desk.do(lambda: None)  # it notes after it has answered
    await change(App, called_at=None)
    asked = []

    def count(execute, sql, *rest):
        asked.append(sql)
        return execute(sql, *rest)

    await server.hooks.desk.do(lambda: connections["default"].execute_wrappers.append(count))
    await from_meta(server, app, envelope(private(PAGE, "m_2")))
    assert [sql.split()[0] for sql in asked if "SAVEPOINT" not in sql] == ["INSERT", "UPDATE"]
    assert (await noted())[1] is None


async def test_bad_signatures_ask_the_database_once_a_second(server, app, page):
    body = envelope(private(PAGE, "m_1"))
    await server.post(app, body)
    await change(App, refused_at=None)
    asked = []

    def count(execute, sql, *rest):
        asked.append(sql)
        return execute(sql, *rest)

    await server.hooks.desk.do(lambda: connections["default"].execute_wrappers.append(count))
    for _ in range(20):
        assert (await server.post(app, body)).status == 401
    assert (asked, (await noted())[2]) == ([], None)
