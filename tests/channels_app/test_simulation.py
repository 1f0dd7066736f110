"""The simulated network: its people, its interface, and the platform that talks to it."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels_app.platforms.base import Carried, Enclosed, Event, EventKind, Measures, Moderation, Outgoing, Sent
from channels_app.platforms.errors import Rejected, TryLater, UnknownOutcome, Unreadable
from channels_app.platforms.simulator import SimulatorPlatform
from channels_app.simulation.chance import chance
from channels_app.simulation.history import history
from channels_app.simulation.judging import Verdict, judge
from channels_app.simulation.people import cast
from channels_app.simulation.server import Simulator, SocketTakenError
from channels_app.simulation.store import Store
from channels_app.simulation.stories import Kind, facts, fill, phrases, stories
from channels_app.simulation.world import TEXT_LIMIT, RefusalError, World

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HELP = "I've rebooked you on the 18:40, the new ticket is in your inbox."
QUESTION = "I'm sorry about that. Could you send me your booking reference?"
PHRASE = "We apologise for any inconvenience. Please contact our customer relations team."
Json = dict[str, Any]


class Clock:
    """A clock that only moves when told."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "network.sqlite3")
    yield store
    store.close()


@pytest.fixture
def world(store: Store, clock: Clock) -> World:
    return World(7, store, clock)


@pytest.fixture
def simulator(world: World, tmp_path: Path) -> Iterator[Simulator]:
    """A network whose people only move when the test says so."""
    simulator = Simulator(world, tmp_path / "s.sock", every=3600)
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def platform(simulator: Simulator, tmp_path: Path) -> SimulatorPlatform:
    return SimulatorPlatform(str(tmp_path / "s.sock"))


def let_pass(world: World, clock: Clock, minutes: int) -> list[Json]:
    """What people post meanwhile, one tick every 10 seconds."""
    events = []
    for _ in range(minutes * 6):
        clock.now += timedelta(seconds=10)
        events += world.tick()
    return events


def in_thread(events: list[Json], first: Json) -> list[str]:
    return [event["act"] for event in events if event["thread"] == first["thread"]]


def ask(path: str, **body: Any) -> httpx.Response:
    with httpx.Client(transport=httpx.HTTPTransport(uds=path), base_url="http://simulator") as client:
        return client.post("/control", json=body)


def reply_to(post: Json, text: str = HELP, key: str = "reply-1") -> Outgoing:
    return Outgoing(key=key, text=text, parent_id=post["id"], thread_id=post["thread"], recipient="")


def read_all(platform: SimulatorPlatform, cursor: Json | None = None, limit: int = 100) -> tuple[list[Event], Json]:
    cursor, events, more = cursor or {}, [], True
    while more:
        page = platform.fetch_since(cursor, limit=limit)
        events += [event for payload in page.payloads for event in platform.parse(payload.body)]
        cursor, more = json.loads(json.dumps(page.cursor)), page.more
    return events, cursor


# --- the people and their stories


def test_the_cast_is_large_varied_and_has_no_double() -> None:
    people = cast()
    assert len(people) >= 60
    assert len({person.key for person in people}) == len({person.handle for person in people}) == len(people)
    assert {person.language for person in people} == {"en", "es", "de", "ar", "he"}
    assert {person.style for person in people} == {"plain", "emoji", "lower", "loud", "tags"}
    assert max(len(person.name) for person in people) > 40
    assert any(person.name == "" for person in people)


def test_every_story_can_be_told_from_opening_to_thanks() -> None:
    particulars = facts(chance(1), "en", NOON)
    for story in stories().values():
        assert story.ignored or story.kind is Kind.PRAISE, story.key
        assert story.language in phrases(), story.key
        for sentence in (*story.openings, *story.details, *story.helped, *story.ignored, *story.returns):
            told = fill(sentence, particulars)
            assert "{" not in told, sentence
            assert 0 < len(told) <= TEXT_LIMIT - 50, sentence


def test_skylarks_own_replies_are_judged_as_what_they_are() -> None:
    for story in stories().values():
        particulars = facts(chance(1), story.language, NOON)
        for question in story.asks:
            assert judge(fill(question, particulars)) is Verdict.ASKS, question
        for help_ in story.fixes if story.kind is not Kind.PRAISE else ():
            assert judge(fill(help_, particulars)) is Verdict.HELPS, help_
    for common in phrases().values():
        for phrase in common.phrases:
            assert judge(phrase) is Verdict.STOCK, phrase


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (HELP, Verdict.HELPS),
        ("I’ve booked you on the 18:40. Does that work for you?", Verdict.HELPS),
        ("Your refund has been processed.", Verdict.HELPS),
        ("Can I move you to the 9:40?", Verdict.ASKS),
        ("Sorry for the inconvenience. Which flight is it?", Verdict.ASKS),
        (PHRASE, Verdict.STOCK),
        ("Thank you for reaching out, your feedback matters to us.", Verdict.STOCK),
        ("Oh no, let me look into it.", Verdict.WORDS),
        ("", Verdict.WORDS),
    ],
)
def test_a_reply_is_judged_by_what_it_does(text: str, verdict: Verdict) -> None:
    assert judge(text) is verdict


# --- the world


def test_the_same_seed_makes_the_same_world(tmp_path: Path) -> None:
    def an_hour(seed: int, name: str) -> list[Json]:
        clock = Clock()
        world = World(seed, Store(tmp_path / name), clock)
        first = let_pass(world, clock, 10)
        world.receive_reply("k", first[0]["id"], QUESTION)
        return first + let_pass(world, clock, 50)

    assert an_hour(7, "one") == an_hour(7, "two")
    assert an_hour(7, "one-more") != an_hour(8, "other")


def test_a_restart_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    def half_an_hour(name: str, restart: bool) -> list[Json]:
        clock, store = Clock(), Store(tmp_path / name)
        world = World(7, store, clock)
        events = let_pass(world, clock, 15)
        if restart:
            store.close()
            world = World(7, Store(tmp_path / name), clock)
        return events + let_pass(world, clock, 15)

    assert half_an_hour("steady", restart=False) == half_an_hour("restarted", restart=True)


def test_who_is_ignored_insists_and_gets_angrier_until_they_give_up(world: World, clock: Clock) -> None:
    first = world.post("ruth_abernethy", "", story="bag-lost")
    meanwhile = [event for event in let_pass(world, clock, 60) if event["thread"] == first["thread"]]
    insisting = [event for event in meanwhile if event["act"] == "insists"]
    assert len(insisting) == 3
    assert "any news on my bag" in insisting[0]["text"]
    assert "manager" in insisting[-1]["text"]
    assert insisting[0]["parent"] == first["id"]
    assert insisting[1]["parent"] == insisting[0]["id"]


def test_help_is_thanked(world: World, clock: Clock) -> None:
    first = world.post("theo.okafor", "", story="bag-lost")
    world.receive_reply("k", first["id"], HELP)
    assert in_thread(let_pass(world, clock, 2), first) == ["thanks"]


def test_a_question_is_answered_and_then_help_is_thanked(world: World, clock: Clock) -> None:
    first = world.post("theo.okafor", "", story="bag-lost")
    reply = world.receive_reply("k1", first["id"], QUESTION)
    answer = next(event for event in let_pass(world, clock, 2) if event["thread"] == first["thread"])
    assert answer["act"] == "explains"
    assert answer["parent"] == reply["id"]
    assert "report number" in answer["text"]
    world.receive_reply("k2", answer["id"], HELP)
    assert in_thread(let_pass(world, clock, 2), first) == ["thanks"]


def test_a_stock_phrase_is_not_thanked_but_makes_people_angrier(world: World, clock: Clock) -> None:
    first = world.post("ruth_abernethy", "", story="bag-lost")
    world.receive_reply("k", first["id"], PHRASE)
    acts = in_thread(let_pass(world, clock, 30), first)
    assert acts[:2] == ["protests", "insists"]
    assert "thanks" not in acts


def test_who_had_to_insist_too_often_thanks_grudgingly(world: World, clock: Clock) -> None:
    first = world.post("ruth_abernethy", "", story="bag-lost")
    let_pass(world, clock, 60)
    world.receive_reply("k", first["id"], HELP)
    thanks = next(event for event in let_pass(world, clock, 2) if event["act"] == "thanks")
    assert thanks["text"] in phrases()["en"].grudging


def test_praise_wants_nothing_and_never_insists(world: World, clock: Clock) -> None:
    first = world.post("theo.okafor", "", story="kind-crew")
    assert in_thread(let_pass(world, clock, 60), first) == []


def test_people_answer_in_their_own_language(world: World, clock: Clock) -> None:
    first = world.post("salma_k", "", story="ar-haqiba")
    world.receive_reply("k", first["id"], QUESTION)
    answer = next(event for event in let_pass(world, clock, 2) if event["thread"] == first["thread"])
    assert answer["language"] == "ar"
    assert "رقم البلاغ" in answer["text"]


def test_where_nobody_listens_people_write_less(world: World, clock: Clock) -> None:
    early = [event for event in let_pass(world, clock, 20) if event["act"] == "opens"]
    let_pass(world, clock, 80)
    late = [event for event in let_pass(world, clock, 20) if event["act"] == "opens"]
    assert len(late) < len(early) / 2


def test_speed_brings_everything_forward(world: World, clock: Clock) -> None:
    first = world.post("ruth_abernethy", "", story="bag-lost")
    world.speed = 100
    clock.now += timedelta(seconds=5)
    assert "insists" in in_thread(world.tick(), first)


def test_an_answer_to_a_post_that_is_gone_is_refused(world: World) -> None:
    first = world.post("theo.okafor", "Where is my train?")
    world.delete(first["id"])
    for missing in (first["id"], "never-there"):
        with pytest.raises(RefusalError, match="gone"):
            world.receive_reply("k", missing, HELP)


def test_the_network_stores_a_reply_that_comes_twice_twice(world: World) -> None:
    first = world.post("theo.okafor", "Where is my train?")
    one, two = (world.receive_reply("same", first["id"], HELP) for _ in range(2))
    assert one["id"] != two["id"]
    assert world.store.received() == {"same": 2}


# --- the past


def still_waiting(past: list[Json]) -> list[Json]:
    """The newest posts of threads in which a customer has the last word and it is not thanks."""
    newest = {event["thread"]: event for event in past}.values()
    return [event for event in newest if event["act"] in ("opens", "insists", "explains", "protests")]


def test_the_past_repeats_has_its_size_and_ends_in_time() -> None:
    past = history(7, NOON, days=14, posts=400)
    assert past == history(7, NOON, days=14, posts=400)
    assert len(past) == 400
    assert past != history(8, NOON, days=14, posts=400)
    times = [event["at"] for event in past]
    assert times == sorted(times)
    assert NOON - timedelta(days=14) <= datetime.fromisoformat(times[0])
    assert datetime.fromisoformat(times[-1]) <= NOON


def test_the_past_holds_answers_thanks_and_people_who_were_left_waiting() -> None:
    past = history(7, NOON, days=14, posts=600)
    ids = {event["id"] for event in past}
    assert len(ids) == 600
    assert all(event["parent"] in ids for event in past if event["parent"])
    assert {event["act"] for event in past} >= {"opens", "insists", "explains", "protests", "thanks", "reply"}
    assert len(still_waiting(past)) > 15
    today = [event for event in still_waiting(past) if NOON - datetime.fromisoformat(event["at"]) < timedelta(hours=12)]
    assert len(today) > len(still_waiting(past)) / 2


def test_the_past_reads_like_any_event() -> None:
    platform = SimulatorPlatform("")
    read = [platform.parse(json.dumps(event).encode())[0] for event in history(7, NOON, days=3, posts=60)]
    assert all(event.is_ours == (event.author is None) for event in read)
    assert any(event.is_ours and event.addressed_to for event in read)


def test_people_of_the_past_can_be_answered(world: World, clock: Clock) -> None:
    past = history(7, NOON, days=2, posts=80)
    assert world.remember(past) == 80
    assert world.remember(past) == 0
    waiting = still_waiting(past)[-1]
    world.receive_reply("k", waiting["id"], HELP)
    assert "thanks" in in_thread(let_pass(world, clock, 2), waiting)


# --- the interface and the platform


def test_pages_come_oldest_first_and_the_cursor_survives_json(world: World, platform: SimulatorPlatform) -> None:
    posts = [world.post("theo.okafor", f"Question {number}") for number in range(25)]
    events, cursor = read_all(platform, limit=10)
    assert [event.external_id for event in events] == [post["id"] for post in posts]
    assert read_all(platform, cursor) == ([], cursor)
    later = world.post("theo.okafor", "One more thing")
    assert [event.external_id for event in read_all(platform, cursor)[0]] == [later["id"]]


def test_an_event_says_who_wrote_what_where(world: World, platform: SimulatorPlatform) -> None:
    post = world.post("lena_unterwegs", "Wo ist mein Zug?")
    event = read_all(platform)[0][0]
    assert (event.kind, event.text, event.language) == (EventKind.MESSAGE, "Wo ist mein Zug?", "de")
    assert event.author is not None
    assert (event.author.handle, event.author.name, event.author.reach) == ("lena_unterwegs", "Lena Brückner", 530)
    assert event.author.location
    assert (event.external_id, event.thread_id, event.parent_id) == (post["id"], post["id"], "")
    assert event.occurred_at == NOON


def test_edits_and_deletions_are_events_of_their_own(world: World, platform: SimulatorPlatform) -> None:
    post = world.post("theo.okafor", "Wher is my train?")
    world.edit(post["id"], "Where is my train?")
    world.delete(post["id"])
    events, _ = read_all(platform)
    assert [event.kind for event in events] == [EventKind.MESSAGE, EventKind.EDIT, EventKind.DELETE]
    assert {event.external_id for event in events} == {post["id"]}


def test_a_reply_lands_once_in_its_thread_and_comes_back_as_ours(world: World, platform: SimulatorPlatform) -> None:
    post = world.post("theo.okafor", "Where is my train?")
    sent = platform.send(reply_to(post))
    echo = read_all(platform)[0][-1]
    assert (echo.external_id, echo.is_ours, echo.author) == (sent.external_id, True, None)
    assert (echo.parent_id, echo.thread_id, echo.text) == (post["id"], post["thread"], HELP)
    assert echo.extra == {"key": "reply-1"}
    assert echo.addressed_to == next(person.key for person in cast() if person.handle == "theo.okafor")
    assert platform.find_sent(reply_to(post)) == sent
    assert platform.find_sent(reply_to(post, key="another")) is None
    assert world.store.received() == {"reply-1": 1}


def test_a_reply_without_an_answer_has_an_unknown_outcome_and_can_be_found(
    world: World, simulator: Simulator, platform: SimulatorPlatform
) -> None:
    post = world.post("theo.okafor", "Where is my train?")
    ask(platform.socket_path, action="fault", fault="swallow")
    with pytest.raises(UnknownOutcome):
        platform.send(reply_to(post))
    assert isinstance(platform.find_sent(reply_to(post)), Sent)


def test_a_reply_that_is_lost_has_an_unknown_outcome_and_is_not_found(
    world: World, platform: SimulatorPlatform
) -> None:
    post = world.post("theo.okafor", "Where is my train?")
    ask(platform.socket_path, action="fault", fault="lose")
    with pytest.raises(UnknownOutcome):
        platform.send(reply_to(post))
    assert platform.find_sent(reply_to(post)) is None


def test_an_answer_that_comes_too_late_is_an_unknown_outcome(world: World, platform: SimulatorPlatform) -> None:
    post = world.post("theo.okafor", "Where is my train?")
    ask(platform.socket_path, action="fault", fault="delay", seconds=0.3)
    with pytest.raises(UnknownOutcome):
        SimulatorPlatform(platform.socket_path, timeout=0.05).send(reply_to(post))
    assert platform.find_sent(reply_to(post)) is not None


def test_a_busy_network_is_tried_later_and_took_nothing(world: World, platform: SimulatorPlatform) -> None:
    post = world.post("theo.okafor", "Where is my train?")
    ask(platform.socket_path, action="fault", fault="busy", seconds=4)
    ask(platform.socket_path, action="fault", fault="busy", status=429, seconds=9)
    for after in (4, 9):
        with pytest.raises(TryLater) as told:
            platform.send(reply_to(post))
        assert told.value.after == after
    assert platform.find_sent(reply_to(post)) is None
    platform.send(reply_to(post))
    assert world.store.received() == {"reply-1": 1}


def test_a_busy_network_can_be_asked_for_events_later(platform: SimulatorPlatform) -> None:
    ask(platform.socket_path, action="fault", fault="busy", on="events", seconds=2)
    with pytest.raises(TryLater) as told:
        platform.fetch_since({}, limit=10)
    assert told.value.after == 2


def test_what_the_network_refuses_is_rejected_with_its_reason(world: World, platform: SimulatorPlatform) -> None:
    post = world.post("theo.okafor", "Where is my train?")
    with pytest.raises(Rejected, match="612 characters of 500"):
        platform.send(reply_to(post, "x" * 612))
    with pytest.raises(Rejected, match="gone"):
        platform.send(Outgoing("k", HELP, parent_id="never-there", thread_id="", recipient=""))
    ask(platform.socket_path, action="fault", fault="refuse")
    with pytest.raises(Rejected, match="may not answer"):
        platform.send(reply_to(post))
    assert world.store.received() == {}


def test_a_network_that_is_down_is_tried_later(world: World, simulator: Simulator, platform: SimulatorPlatform) -> None:
    post = world.post("theo.okafor", "Where is my train?")
    simulator.stop()
    calls: list[Callable[[], object]] = [
        lambda: platform.send(reply_to(post)),
        lambda: platform.find_sent(reply_to(post)),
        lambda: platform.fetch_since({}, limit=10),
    ]
    for call in calls:
        with pytest.raises(TryLater):
            call()


def test_the_figures_name_what_came_twice(world: World, platform: SimulatorPlatform) -> None:
    post = world.post("theo.okafor", "Where is my train?")
    for key in ("once", "twice", "twice"):
        platform.send(reply_to(post, key=key))
    with httpx.Client(transport=httpx.HTTPTransport(uds=platform.socket_path), base_url="http://simulator") as client:
        stats = client.get("/stats").json()
    assert stats["received"] == {"once": 1, "twice": 2}
    assert stats["twice"] == ["twice"]
    assert (stats["posts"], stats["replies"]) == (1, 3)


def test_a_test_can_direct_the_people(platform: SimulatorPlatform) -> None:
    path = platform.socket_path
    post = ask(path, action="post", handle="mira_on_rails", text="Is anybody there?").json()["result"]
    assert post["author"]["name"] == "Mira Castellan"
    assert ask(path, action="tick", times=3).json()["result"]
    assert ask(path, action="speed", factor=20).status_code == 201
    assert ask(path, action="pause").status_code == 201
    assert "Known are" in ask(path, action="dance").json()["error"]
    assert ask(path, action="speed", factor=-1).status_code == 400
    assert ask(path, action="post", handle="mira_on_rails").status_code == 400


def test_what_is_not_json_or_not_there_gets_a_sentence(platform: SimulatorPlatform) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(uds=platform.socket_path), base_url="http://simulator") as client:
        assert client.post("/replies", content=b"\xff not json").status_code == 400
        assert client.post("/replies", json={"text": "no parent"}).status_code == 400
        assert client.get("/events", params={"after": "yesterday"}).status_code == 400
        assert client.get("/elsewhere").status_code == 404


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"\xff\x00", "not JSON"),
        (b"[1, 2]", "not an event"),
        (b'{"id": "p1"}', "no at"),
        (b'{"id": "", "at": "2026-11-21T12:00:00+00:00", "author": {"key": "u1"}}', "no id"),
        (b'{"id": "p1", "at": "2026-11-21T12:00:00", "author": {"key": "u1"}}', "without its zone"),
        (b'{"id": "p1", "at": "2026-02-31T12:00:00+00:00", "author": {"key": "u1"}}', "cannot be read"),
        (b'{"id": "p1", "at": "2026-11-21T12:00:00+00:00"}', "no author"),
        (b'{"id": "p1", "at": "2026-11-21T12:00:00+00:00", "author": "me"}', "cannot be read"),
        (b'{"id": "p1", "at": "2026-11-21T12:00:00+00:00", "author": {"key": "u1"}, "kind": "wink"}', "cannot be read"),
    ],
)
def test_what_is_not_an_event_is_unreadable_with_a_sentence(body: bytes, sentence: str) -> None:
    with pytest.raises(Unreadable, match=sentence):
        SimulatorPlatform("").parse(body)


def test_a_second_simulator_does_not_take_the_socket_of_a_living_one(simulator: Simulator, world: World) -> None:
    with pytest.raises(SocketTakenError, match="already running"):
        Simulator(world, simulator._server.path)


def test_a_socket_path_the_system_cannot_hold_is_a_sentence(world: World, tmp_path: Path) -> None:
    with pytest.raises(SocketTakenError, match="too long"):
        Simulator(world, tmp_path / ("x" * 120))


_RUN = """
import sys
from channels_app.simulation.server import Simulator
from channels_app.simulation.store import Store
from channels_app.simulation.world import World
simulator = Simulator(World(7, Store(sys.argv[1])), sys.argv[2], every=3600)
simulator.start()
print("up", flush=True)
simulator.wait()
"""


@pytest.mark.processes
def test_a_network_that_is_killed_comes_back_with_everything(tmp_path: Path) -> None:
    path = str(tmp_path / "k.sock")
    platform = SimulatorPlatform(path)

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", _RUN, str(tmp_path / "k.sqlite3"), path]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        return process

    def kill(process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

    process = start()
    try:
        post = ask(path, action="post", handle="theo.okafor", text="Where is my train?").json()["result"]
        sent = platform.send(reply_to(post))
        before, _ = read_all(platform)
        kill(process)
        with pytest.raises(TryLater):
            platform.fetch_since({}, limit=10)
        process = start()
        assert read_all(platform)[0] == before
        assert platform.find_sent(reply_to(post)) == sent
        new = ask(path, action="post", handle="theo.okafor", text="Still there?").json()["result"]
        assert new["id"] not in {event.external_id for event in before}
    finally:
        kill(process)


def test_a_private_message_is_for_one_person_who_goes_on_there(world, store):
    asked = world.post("amelie_jourdan", "@skylark Where is my bag?")
    whispered = world.receive_reply("k1", asked["id"], "Who are you? https://hark.example/who/x", private=True)
    assert (whispered["private"], whispered["to"]) == (True, asked["author"]["key"])
    aside = f"dm-{asked['author']['key']}"
    assert whispered["thread"] == aside
    talk = store.talk_in(aside)
    assert (talk.thread, talk.place, talk.next_act, talk.last_id) == (
        asked["thread"],
        aside,
        "explains",
        whispered["id"],
    )
    assert not world.receive_reply("k2", asked["id"], "We sent you a private message.")["private"]
    assert store.talk_in(aside).last_id == whispered["id"]  # it only points there
    world.receive_reply("k3", asked["id"], HELP)
    assert store.talk(asked["thread"]).place == ""  # and back


def test_what_they_say_there_only_skylark_reads(world, store, clock):
    asked = world.post("amelie_jourdan", "@skylark Where is my bag?")
    world.receive_reply("k1", asked["id"], QUESTION, private=True)
    clock.now += timedelta(minutes=5)
    (answer,) = [event for event in world.tick() if event["author"]["handle"] == "amelie_jourdan"]
    assert (answer["private"], answer["thread"]) == (True, f"dm-{asked['author']['key']}")
    said = world.post("amelie_jourdan", "And it was blue", private=True)
    assert (said["private"], said["parent"]) == (True, answer["id"])


def test_files_come_with_posts_and_leave_with_replies(platform, world, store):
    enclosed = [{"url": "https://pics.example/1", "name": "bag.png", "type": "image/png"}]
    asked = world.post("amelie_jourdan", "Look", private=True, files=enclosed)
    (payload,) = platform.fetch_since({}, limit=10).payloads
    (event,) = platform.parse(payload.body)
    assert event.attachments == (Enclosed("https://pics.example/1", "bag.png", "image/png"),)
    form = Carried("form.pdf", "application/pdf", lambda: b"%PDF-")
    sent = platform.send(Outgoing("k1", "Here", asked["id"], asked["thread"], "", private=True, files=[form]))
    assert store.files(sent.external_id) == [{"name": "form.pdf", "type": "application/pdf", "body": b"%PDF-"}]


def test_who_is_blocked_falls_silent_until_they_are_not(platform, world, clock):
    asked = world.post("amelie_jourdan", "@skylark Where is my bag?")
    block = Moderation(Measures.BLOCK, asked["id"], asked["author"]["key"])
    platform.moderate(block)
    platform.moderate(block)
    with pytest.raises(RefusalError, match="has blocked"):
        world.post("amelie_jourdan", "Hello?")
    platform.moderate(replace(block, undo=True))
    assert world.post("amelie_jourdan", "Hello?")
    with pytest.raises(Rejected, match="no such post"):
        platform.moderate(Moderation(Measures.HIDE, "gone", "x"))


def test_a_network_remembered_from_an_earlier_version_goes_on(tmp_path):
    path = tmp_path / "old.sqlite3"
    Store(path).close()
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE events DROP COLUMN files")
        db.execute("ALTER TABLE conversations DROP COLUMN place")
    store = Store(path)
    assert World(7, store).post("amelie_jourdan", "Still here")["files"] == []
    store.close()


def test_what_is_sent_in_private_comes_back_as_private(platform, world):
    asked = world.post("amelie_jourdan", "@skylark Where is my bag?")
    for key, private in (("k1", True), ("k2", False)):
        platform.send(Outgoing(key, "Hello", asked["id"], asked["thread"], asked["author"]["key"], private=private))
    payloads = platform.fetch_since({}, limit=10).payloads
    events = [event for payload in payloads for event in platform.parse(payload.body)]
    assert [event.private for event in events] == [False, True, False]
