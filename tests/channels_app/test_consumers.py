"""The socket to the browser: who may hear what, in its order, also after a broken line, and whatever a page sends."""

import asyncio
import json

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from cases import assignment
from channels_app import consumers, hub, live
from channels_app.consumers import SIGNED_OUT, LiveConsumer
from channels_app.live import News
from channels_app.models import LiveStream
from config.asgi import application
from tests import factories
from tests.channels_app.own_wire import own_wire

pytestmark = pytest.mark.django_db(transaction=True)
ROLES = ["agent", "lead", "executive", "sales", "support", "admin"]


class Page(WebsocketCommunicator):
    """One open page of `user`."""

    def __init__(self, user):
        super().__init__(LiveConsumer.as_asgi(), "/ws/live/")
        self.scope["user"] = user

    async def open(self):
        connected, _ = await self.connect()
        assert connected
        return self

    async def say(self, **message):
        await self.send_json_to(message)

    async def hear(self):
        return await self.receive_json_from(timeout=10)

    async def follow(self, since=0, *streams):
        """Follow, and return what is told up to the confirmation, which comes last."""
        await self.say(do="follow", streams=dict.fromkeys(streams, since))
        heard = []
        while len([told for told in heard if told["do"] in ("followed", "refused")]) < len(streams):
            heard.append(await self.hear())
        return heard

    async def hears_nothing_more(self):
        """The next thing it hears is the answer to what it asks now. What others have heard is in its queue by then."""
        await self.say(do="follow", streams={"nothing:0": 0})
        assert await self.hear() == {"do": "refused", "stream": "nothing:0"}


@pytest_asyncio.fixture
async def open_page():
    pages = []

    async def open_page(user):
        pages.append(await Page(user).open())
        return pages[-1]

    yield open_page
    for page in pages:
        await page.disconnect()


@pytest.fixture(autouse=True)
def _nobody_is_anywhere_yet():
    with own_wire():
        yield


@database_sync_to_async
def tell(stream, kind="case", **data):
    live.tell([News(stream, kind, data)])


def streams_of(case):
    return f"team:{case.team_id}", f"case:{case.pk}"


# --- who may hear it


@pytest.mark.parametrize("who", ["nobody", "somebody who left"])
async def test_who_is_not_signed_in_is_sent_away_with_a_reason(who):
    user = AnonymousUser() if who == "nobody" else factories.UserFactory.build(is_active=False)
    page = await Page(user).open()
    assert await page.receive_output(timeout=10) == {"type": "websocket.close", "code": SIGNED_OUT}


@pytest.mark.parametrize("role", ROLES)
async def test_another_teams_case_and_queue_are_told_only_to_roles_that_see_all(role, case, lead, open_page):
    page = await open_page(await somebody(role=role, teams=[await a_team()]))
    heard = await page.follow(0, *streams_of(case))
    witness = await open_page(lead)
    await witness.follow(0, *streams_of(case))
    for stream in streams_of(case):
        await tell(stream)
        assert (await witness.hear())["stream"] == stream
    if role in ("lead", "admin"):
        assert [(await page.hear())["stream"] for _ in range(2)] == list(streams_of(case))
    else:
        assert heard == [{"do": "refused", "stream": stream} for stream in streams_of(case)]
        await page.hears_nothing_more()


@database_sync_to_async
def somebody(**more):
    return factories.UserFactory(**more)


@database_sync_to_async
def a_team():
    return factories.TeamFactory()


@pytest.mark.parametrize("role", ["executive", "sales", "support"])
async def test_roles_that_do_not_answer_hear_not_even_their_own_team(role, team, case, open_page):
    page = await open_page(await somebody(role=role, teams=[team]))
    assert {told["do"] for told in await page.follow(0, *streams_of(case))} == {"refused"}


async def test_what_is_refused_leaves_no_stream_behind(stranger, case, open_page):
    page = await open_page(stranger)
    await page.follow(0, *streams_of(case))
    assert not await database_sync_to_async(LiveStream.objects.exists)()


async def test_a_stream_there_is_not_is_refused(lead, open_page):
    page = await open_page(lead)
    for stream in ("nothing:1", "team:x", "team:²", "team:", "", "a" * 500, "team:1\x00"):
        assert await page.follow(0, stream) == [{"do": "refused", "stream": stream}]


async def test_the_whole_application_knows_a_visitor_by_the_session_and_the_origin(agent, team):
    client = Client()
    await database_sync_to_async(client.force_login)(agent)
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}".encode()

    def page(origin):
        headers = [(b"cookie", cookie), (b"origin", origin), (b"host", b"testserver")]
        return WebsocketCommunicator(application, "/ws/live/", headers=headers)

    ours, foreign = page(b"http://localhost"), page(b"https://evil.example")
    assert (await ours.connect())[0]
    await ours.send_json_to({"do": "follow", "streams": {f"team:{team.pk}": 0}})
    assert await ours.receive_json_from(timeout=10) == {"do": "followed", "streams": {f"team:{team.pk}": 0}}
    await ours.disconnect()
    assert not (await foreign.connect())[0]


# --- what is told


async def test_an_event_reaches_every_page_that_follows_its_stream_and_no_other(
    agent, colleague, team, case, open_page
):
    one, two, other = [await open_page(user) for user in (agent, colleague, agent)]
    for page in (one, two):
        await page.follow(0, f"team:{team.pk}")
    await other.follow(0, f"case:{case.pk}")
    await tell(f"team:{team.pk}", html="<li>")
    event = {"do": "event", "stream": f"team:{team.pk}", "number": 1, "kind": "case", "data": {"html": "<li>"}}
    assert [await page.hear() for page in (one, two)] == [event, event]
    await other.hears_nothing_more()


async def test_a_case_that_is_taken_is_told_to_its_team_and_to_who_has_it_open(agent, colleague, case, open_page):
    page = await open_page(colleague)
    await page.follow(0, *streams_of(case))
    await database_sync_to_async(assignment.take)(case=case, by=agent)
    row, pane = await page.hear(), await page.hear()
    assert (row["stream"], row["kind"], row["data"]["owner_id"]) == (f"team:{case.team_id}", "case", agent.pk)
    assert "Ana Ruiz" in row["data"]["html"]
    assert (pane["stream"], pane["kind"], pane["data"]["by_name"]) == (f"case:{case.pk}", "pane", "Ana Ruiz")


async def test_events_come_in_their_order(agent, team, open_page):
    page = await open_page(agent)
    await page.follow(0, f"team:{team.pk}")
    for _ in range(20):
        await tell(f"team:{team.pk}")
    assert [(await page.hear())["number"] for _ in range(20)] == list(range(1, 21))


async def test_a_page_that_left_a_stream_hears_no_more_of_it(agent, colleague, team, open_page):
    page, witness = await open_page(agent), await open_page(colleague)
    for one in (page, witness):
        await one.follow(0, f"team:{team.pk}")
    await page.say(do="leave", streams=[f"team:{team.pk}", "case:1"])
    await page.hears_nothing_more()
    await tell(f"team:{team.pk}")
    assert (await witness.hear())["number"] == 1
    await page.hears_nothing_more()


# --- after a broken line


async def test_what_was_missed_while_the_line_was_broken_is_told_on_return(agent, team, open_page):
    first = await open_page(agent)
    await first.follow(0, f"team:{team.pk}")
    await tell(f"team:{team.pk}", n=1)
    assert (await first.hear())["number"] == 1
    await first.disconnect()
    for n in range(2, 12):
        await tell(f"team:{team.pk}", n=n)
    second = await open_page(agent)
    *missed, last = await second.follow(1, f"team:{team.pk}")
    assert [(told["number"], told["data"]["n"]) for told in missed] == [(n, n) for n in range(2, 12)]
    assert last == {"do": "followed", "streams": {f"team:{team.pk}": 11}}
    await tell(f"team:{team.pk}")
    assert (await second.hear())["number"] == 12


async def test_who_missed_too_much_is_told_to_ask_for_the_whole(agent, team, open_page, monkeypatch):
    monkeypatch.setattr(live, "MOST_MISSED", 3)
    page = await open_page(agent)
    await page.follow(0, f"team:{team.pk}")
    for _ in range(5):
        await tell(f"team:{team.pk}")
    again = await open_page(agent)
    assert await again.follow(0, f"team:{team.pk}") == [
        {"do": "resync", "stream": f"team:{team.pk}", "number": 5},
        {"do": "followed", "streams": {f"team:{team.pk}": 5}},
    ]


async def test_a_place_that_is_no_number_is_told_to_ask_for_the_whole(agent, team, open_page):
    page = await open_page(agent)
    for since in ("yesterday", None, 1.5, [], 10**30):
        assert [told["do"] for told in await page.follow(since, f"team:{team.pk}")] == ["resync", "followed"]


async def test_a_page_too_slow_to_read_is_told_to_ask_again_and_holds_up_nobody(
    agent, colleague, team, case, open_page, monkeypatch
):
    monkeypatch.setattr(hub, "QUEUE", 5)
    released = asyncio.Event()
    sends = LiveConsumer.send

    async def slowly(self, text_data=None, **kwargs):
        if self.user.pk == agent.pk and json.loads(text_data)["do"] == "event":
            await released.wait()
        await sends(self, text_data, **kwargs)

    monkeypatch.setattr(LiveConsumer, "send", slowly)
    slow, quick = await open_page(agent), await open_page(colleague)
    for page in (slow, quick):
        await page.follow(0, *streams_of(case))
    for n in range(1, 13):
        await tell(f"team:{team.pk}")
        assert (await quick.hear())["number"] == n
    released.set()
    heard = [await slow.hear()]
    while heard[-1]["do"] != "resync":
        heard.append(await slow.hear())
    heard.append(await slow.hear())
    assert {told["stream"] for told in heard[-2:]} == set(streams_of(case))
    assert {told["do"] for told in heard[-2:]} == {"resync"}
    assert len(heard) < 12


# --- who is here


async def test_others_see_who_looks_and_who_writes_and_that_they_left(agent, colleague, case, open_page):
    mine, theirs = await open_page(agent), await open_page(colleague)
    for page in (mine, theirs):
        await page.follow(0, *streams_of(case))
    for doing in ("viewing", "typing"):
        await mine.say(do="here", case=case.pk, doing=doing)
        assert await theirs.hear() == {
            "do": "presence",
            "case": case.pk,
            "people": [{"id": agent.pk, "name": "Ana Ruiz", "initials": "AR", "doing": doing}],
        }
    await mine.say(do="here", case=case.pk, doing="gone")
    assert (await theirs.hear())["people"] == []


async def test_who_is_here_is_seen_in_the_queue_too(agent, colleague, case, open_page):
    mine, theirs = await open_page(agent), await open_page(colleague)
    await mine.follow(0, *streams_of(case))
    await theirs.follow(0, f"team:{case.team_id}")
    await mine.say(do="here", case=case.pk, doing="typing")
    assert (await theirs.hear())["people"][0]["doing"] == "typing"
    await mine.disconnect()
    assert (await theirs.hear())["people"] == []


async def test_a_broken_line_ends_a_presence(agent, colleague, case, open_page):
    mine, theirs = await open_page(agent), await open_page(colleague)
    for page in (mine, theirs):
        await page.follow(0, f"case:{case.pk}")
    await mine.say(do="here", case=case.pk, doing="typing")
    assert (await theirs.hear())["people"] != []
    await mine.disconnect()
    assert await theirs.hear() == {"do": "presence", "case": case.pk, "people": []}


async def test_two_people_are_both_seen(agent, colleague, lead, case, open_page):
    pages = [await open_page(user) for user in (agent, colleague, lead)]
    for page in pages:
        await page.follow(0, f"case:{case.pk}")
    await pages[0].say(do="here", case=case.pk, doing="viewing")
    await pages[2].hear()
    await pages[1].say(do="here", case=case.pk, doing="typing")
    assert [p["name"] for p in (await pages[2].hear())["people"]] == ["Ana Ruiz", "Ben Okafor"]


async def test_who_turns_to_another_case_has_left_the_first(agent, colleague, case, channel, open_page):
    other = await database_sync_to_async(factories.CaseFactory)(channel=channel)
    mine, theirs = await open_page(agent), await open_page(colleague)
    await mine.follow(0, f"case:{case.pk}", f"case:{other.pk}")
    await theirs.follow(0, f"case:{case.pk}")
    await mine.say(do="here", case=case.pk, doing="viewing")
    assert (await theirs.hear())["people"] != []
    await mine.say(do="here", case=other.pk, doing="viewing")
    assert (await theirs.hear())["people"] == []


async def test_nobody_is_seen_at_a_case_they_may_not_follow(stranger, agent, case, open_page):
    theirs, mine = await open_page(stranger), await open_page(agent)
    await theirs.follow(0, f"case:{case.pk}")
    await mine.follow(0, f"case:{case.pk}")
    await theirs.say(do="here", case=case.pk, doing="typing")
    await theirs.hears_nothing_more()
    await mine.say(do="here", case=case.pk, doing="viewing")
    assert [person["name"] for person in (await mine.hear())["people"]] == ["Ana Ruiz"]


async def test_a_wire_that_is_down_costs_presence_and_not_the_line(agent, case, open_page, monkeypatch):
    def down(*args):
        raise ConnectionError

    page = await open_page(agent)
    await page.follow(0, f"case:{case.pk}")
    with monkeypatch.context() as broken:
        broken.setattr(consumers.presence, "note", down)
        await page.say(do="here", case=case.pk, doing="viewing")
        await page.hears_nothing_more()
    await page.say(do="here", case=case.pk, doing="viewing")
    assert (await page.hear())["do"] == "presence"


# --- whatever a page sends


TOO_MANY = json.dumps({"do": "follow", "streams": {f"case:{n}": 0 for n in range(61)}})
NONSENSE = [
    " ", "{", "null", "[]", "17", '"follow"', "{}", '{"do": 7}', '{"do": "shutdown"}', "[" * 100_000, TOO_MANY,
    '{"do": "follow"}', '{"do": "follow", "streams": []}', '{"do": "follow", "streams": 3}',
    '{"do": "leave", "streams": {}}', '{"do": "here", "case": "x", "doing": "viewing"}',
    '{"do": "here", "case": 1, "doing": "dancing"}', b"\x00\xff\xfe", b'{"do": "follow", "streams": {"team:1": 0}}',
]  # fmt: skip


async def test_what_cannot_be_understood_is_said_and_the_line_goes_on(agent, team, open_page):
    page = await open_page(agent)
    for said in NONSENSE:
        await page.send_to(**{"bytes_data" if isinstance(said, bytes) else "text_data": said})
        assert await page.hear() == {"do": "unknown"}, said[:60]
    assert (await page.follow(0, f"team:{team.pk}"))[-1]["do"] == "followed"


async def test_one_page_follows_only_so_many_streams(lead, open_page, monkeypatch):
    monkeypatch.setattr(consumers, "MOST_STREAMS", 3)
    teams = [await a_team() for _ in range(4)]
    page = await open_page(lead)
    first = await page.follow(0, *[f"team:{team.pk}" for team in teams[:2]])
    then = await page.follow(0, *[f"team:{team.pk}" for team in teams[1:]])
    assert [told["do"] for told in first + then] == ["followed"] * 4 + ["refused"]


async def test_the_hub_forgets_a_page_that_is_gone(agent, team, open_page):
    page = await open_page(agent)
    await page.follow(0, f"team:{team.pk}")
    assert hub.hub()._sockets
    await page.disconnect()
    assert not hub.hub()._sockets
    await tell(f"team:{team.pk}")


async def test_the_hub_forgets_a_page_whose_line_broke_while_it_was_told_something(
    agent, colleague, team, open_page, monkeypatch
):
    sends = LiveConsumer.send_json

    async def breaks(self, content, close=False):
        if self.user.pk == agent.pk and content["do"] == "event":
            raise RuntimeError("The line is broken.")
        await sends(self, content, close)

    monkeypatch.setattr(LiveConsumer, "send_json", breaks)
    broken, other = await open_page(agent), await open_page(colleague)
    for page in (broken, other):
        await page.follow(0, f"team:{team.pk}")
    await tell(f"team:{team.pk}")
    assert (await other.hear())["number"] == 1
    await broken.disconnect()
    assert len(hub.hub()._sockets[f"team:{team.pk}"]) == 1
