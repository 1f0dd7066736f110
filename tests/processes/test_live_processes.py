"""What is committed in one web process is heard on the lines of another, and nothing is missed when Redis forgets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from cases.models import Case
from channels_app import live
from channels_app.models import Channel, LiveStream
from crm.models import User
from tests import factories
from tests.processes.stack import Stack

pytestmark = pytest.mark.processes

WEBS = ("web", "web-2")


@pytest.fixture(scope="module")
def stack(prepared, django_db_blocker) -> Iterator[Stack]:
    """Two web processes; nothing else that could carry news."""
    with django_db_blocker.unblock(), Stack(prepared) as stack:
        team = factories.TeamFactory(name="Travel care")
        factories.ChannelFactory(key="chirp", team=team)
        factories.UserFactory(username="ana", teams=[team])
        stack.start(*WEBS)
        yield stack


@pytest.fixture
def ana(stack: Stack) -> User:
    return User.objects.get(username="ana")


@pytest.fixture
def team(stack: Stack) -> str:
    """The stream of the team's queue."""
    return f"team:{Channel.objects.get().team_id}"


@pytest.fixture
def case(stack: Stack) -> Case:
    return factories.CaseFactory(channel=Channel.objects.get())


class Line:
    """A page's line to its server. It follows, and asks again when it is told to, as static/js/live.js does."""

    def __init__(self, stack: Stack, socket: ClientConnection, drawn_at: dict[str, int]) -> None:
        self.stack, self.socket = stack, socket
        self.drawn_at, self.followed = drawn_at, set()
        self.heard: dict[str, list[dict]] = {stream: [] for stream in drawn_at}
        self._follow(list(drawn_at))
        self.hear_until("it follows", lambda: self.followed == set(drawn_at))

    def numbers(self, stream: str) -> list[int]:
        return [event["number"] for event in self.heard[stream]]

    def kinds(self, stream: str) -> list[str]:
        return [event["kind"] for event in self.heard[stream]]

    def hear_until(self, what: str, condition: Callable[[], bool]) -> None:
        self.stack.wait_until(what, lambda: self._take_what_came() or condition())

    def hear_all(self, stream: str) -> None:
        """Up to the newest number in the database."""
        newest = LiveStream.objects.get(name=stream).newest
        self.hear_until(f"{stream} is heard up to {newest}", lambda: newest in self.numbers(stream))

    def _take_what_came(self) -> None:
        try:
            while True:
                self._take(json.loads(self.socket.recv(timeout=0)))
        except TimeoutError:
            pass

    def _take(self, told: dict) -> None:
        match told:
            case {"do": "event", "stream": stream, "number": number}:
                if number not in self.numbers(stream):
                    self.heard[stream].append(told)
            case {"do": "followed", "streams": streams}:
                self.followed |= set(streams)
            case {"do": "resync", "stream": stream}:
                self._follow([stream])

    def _follow(self, streams: list[str]) -> None:
        self.socket.send(
            json.dumps({"do": "follow", "streams": {stream: self._complete_to(stream) for stream in streams}})
        )

    def _complete_to(self, stream: str) -> int:
        """The number up to which nothing is missing."""
        number, heard = self.drawn_at[stream], set(self.numbers(stream))
        while number + 1 in heard:
            number += 1
        return number


@contextmanager
def line(stack: Stack, user: User, *streams: str, at: str, drawn_at: int | None = None) -> Iterator[Line]:
    """Of a page drawn just now, or when the streams stood at that number."""
    address = stack.address(at)
    cookie = {"Cookie": f"sessionid={stack.session(user)}"}
    url = f"{address.replace('http', 'ws', 1)}/ws/live/"
    # no limit to what waits unread: a paused line would not hear that it is closed
    with connect(url, origin=address, additional_headers=cookie, max_queue=None) as socket:
        yield Line(stack, socket, live.numbers(streams) if drawn_at is None else dict.fromkeys(streams, drawn_at))


def act(stack: Stack, user: User, case: Case, what: str, *, at: str = "web", **data: str) -> None:
    with stack.visitor(user, at=at) as visitor:
        _post(visitor, case, what, data)


def _post(visitor: httpx.Client, case: Case, what: str, data: dict[str, str]) -> None:
    response = visitor.post(f"/cases/{case.pk}/{what}/", data=data)
    assert response.status_code == 302, response.text


def test_what_one_web_process_commits_is_heard_on_a_line_of_the_other(stack: Stack, ana: User, team: str, case: Case):
    of_case = f"case:{case.pk}"
    with line(stack, ana, team, of_case, at="web-2") as page:
        act(stack, ana, case, "take", at="web")
        page.hear_until("the queue and the case have heard of it", lambda: page.heard[team] and page.heard[of_case])
        assert page.kinds(team) == ["case"]
        assert page.heard[team][0]["data"]["owner_id"] == ana.pk
        act(stack, ana, case, "note", at="web", text="Rang the station.")
        page.hear_until("the note is heard of", lambda: "message" in page.kinds(of_case))


def test_numbers_have_no_gaps_whichever_process_they_come_from(stack: Stack, ana: User, team: str):
    cases = factories.CaseFactory.create_batch(10, channel=Channel.objects.get())
    visitors = [stack.visitor(ana, at=at) for at in WEBS]
    visits = [(visitor, case, "note", {"text": "Called."}) for case in cases for visitor in visitors]
    with line(stack, ana, team, at="web") as one, line(stack, ana, team, at="web-2") as other:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda visit: _post(*visit), visits))
        for page in (one, other):
            page.hear_all(team)
            page.hear_until("every number came", lambda page=page: len(page.heard[team]) == len(visits))
            assert sorted(page.numbers(team)) == list(
                range(page.drawn_at[team] + 1, page.drawn_at[team] + len(visits) + 1)
            )


def test_after_flushall_pages_hear_what_they_missed_and_what_comes(stack: Stack, ana: User, team: str, case: Case):
    with line(stack, ana, team, at="web") as one, line(stack, ana, team, at="web-2") as other:
        stack.redis.flushall()
        act(stack, ana, case, "take")
        for page in (one, other):
            page.hear_all(team)
        act(stack, ana, case, "release")
        for page in (one, other):
            page.hear_all(team)
            assert page.numbers(team) == [page.drawn_at[team] + 1, page.drawn_at[team] + 2]


def test_while_valkey_is_down_pages_still_hear_and_afterwards_too(stack: Stack, ana: User, team: str, case: Case):
    with line(stack, ana, team, at="web") as one, line(stack, ana, team, at="web-2") as other:
        stack.kill9_valkey()
        act(stack, ana, case, "take")
        for page in (one, other):
            page.hear_all(team)
        stack.restart_valkey()
        act(stack, ana, case, "release")
        for page in (one, other):
            page.hear_all(team)
            assert page.numbers(team) == [page.drawn_at[team] + 1, page.drawn_at[team] + 2]


def test_a_line_that_breaks_with_its_web_process_catches_up_by_number(stack: Stack, ana: User, team: str, case: Case):
    with line(stack, ana, team, at="web-2") as page:
        seen = page.drawn_at[team]
    stack.kill9("web-2")
    act(stack, ana, case, "take")
    stack.restart("web-2")
    act(stack, ana, case, "release")
    with line(stack, ana, team, at="web-2", drawn_at=seen) as page:
        page.hear_until("it has all it missed", lambda: page.numbers(team) == [seen + 1, seen + 2])
