"""Kill -9 and FLUSHALL in the middle of a load: afterwards every row is there exactly once, and in its case."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Self

import httpx
import pytest
from django.db import connection
from django.db.models import Q

from cases.models import Case, CaseMessage
from channels_app.models import Channel, FileLoad, Message, RawEvent
from tests import factories
from tests.processes import posts
from tests.processes.posts import Posts, PostsFile
from tests.processes.stack import Stack

pytestmark = pytest.mark.processes


@pytest.fixture
def file(tmp_path):
    return posts.write(tmp_path / "october.csv", 2000, dump=20_000)


def load(file: PostsFile) -> tuple:
    rejects = file.path.with_suffix(".rejects.csv")
    mapped = ("--channel", "archive", "--map", posts.MAP, "--ours", posts.OURS)
    return ("load_posts", file.path, *mapped, "--rejects", rejects)


def rows_kept() -> int:
    return sum(FileLoad.objects.values_list("rows", flat=True))


def messages_stored() -> int:
    return Message.objects.count()


def messages_read() -> int:
    return Message.objects.exclude(read_at=None).count()


def messages_routed() -> int:
    return Message.objects.exclude(routed_at=None).count()


def in_the_middle(stack: Stack, done: Callable[[], int], of: int, act: Callable[[], object]) -> None:
    """Act when a fifth is done; proves that the rest was not."""
    stack.wait_until(f"a fifth of {done.__name__} is done", lambda: done() >= of / 5)
    act()
    assert of / 5 <= done() <= of * 4 / 5


def every_message_is_in_its_case(said: Posts) -> None:
    assert sorted(Message.objects.values_list("external_id", flat=True)) == said.ids
    assert not Message.objects.filter(Q(read_at=None) | Q(routed_at=None)).exists()
    found = defaultdict(set)
    for case, post in CaseMessage.objects.values_list("case", "message__external_id"):
        found[case].add(post)
    assert {frozenset(ids) for ids in found.values()} == said.conversations
    assert Case.objects.exclude(state=Case.State.MERGED).count() == len(said.conversations)


def every_row_of_the_file_is_there_once(file: PostsFile) -> None:
    states = Counter(RawEvent.objects.values_list("state", flat=True))
    assert states == {"stored": len(file.events), "duplicate": file.repeated, "rejected": file.unreadable}
    origins = sorted(RawEvent.objects.values_list("origin", flat=True))
    assert origins == sorted(f"{file.path.name}, row {number}" for number in range(1, file.rows + 1))
    every_message_is_in_its_case(file)


def the_file_was_read_to_its_end_once(file: PostsFile) -> None:
    load = FileLoad.objects.get()
    assert load.rows == file.rows
    assert load.finished_at is not None


def is_working(name: str) -> bool:
    """It has a transaction open, and does not just wait for somebody else's lock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s"
            " AND xact_start IS NOT NULL AND wait_event_type IS DISTINCT FROM 'Lock'",
            [name],
        )
        return cursor.fetchone() is not None


def test_a_loader_killed_at_each_step_goes_on_where_it_stopped(stack: Stack, file: PostsFile):
    for step in (rows_kept, messages_stored, messages_read, messages_routed):
        stack.begin("loader", *load(file))
        in_the_middle(stack, step, file.rows, lambda: stack.kill9("loader"))
    stack.manage(*load(file))
    every_row_of_the_file_is_there_once(file)
    the_file_was_read_to_its_end_once(file)
    again = json.loads(stack.manage(*load(file), "--json").splitlines()[-1])
    assert (again["received"], again["stored"], again["cases"]) == (file.rows, 0, 0)


def test_a_worker_killed_in_the_middle_of_a_load_loses_nothing(stack: Stack, file: PostsFile):
    stack.start("worker", "cron")
    stack.begin("loader", *load(file))

    def kill_it_at_work() -> None:
        stack.wait_until("the worker is in the middle of a batch", lambda: is_working("worker"))
        stack.kill9("worker")

    in_the_middle(stack, messages_stored, file.rows, kill_it_at_work)
    stack.restart("worker")
    stack.finish("loader")
    stack.wait_until("all is routed", lambda: messages_routed() == len(file.events))
    every_row_of_the_file_is_there_once(file)
    the_file_was_read_to_its_end_once(file)


def test_workers_left_alone_by_a_killed_loader_bring_what_it_kept_to_its_cases(stack: Stack, file: PostsFile):
    """And a second run brings the rest."""
    stack.start("worker", "worker-2", "cron")
    stack.begin("loader", *load(file))
    in_the_middle(stack, rows_kept, file.rows, lambda: stack.kill9("loader"))
    stack.wait_until(
        "nothing waits", lambda: not RawEvent.objects.pending().exists() and messages_routed() == messages_stored()
    )
    assert messages_stored() < len(file.events)
    stack.manage(*load(file))
    stack.wait_until("all is routed", lambda: messages_routed() == len(file.events))
    every_row_of_the_file_is_there_once(file)
    the_file_was_read_to_its_end_once(file)


@pytest.fixture
def network(stack: Stack) -> Posts:
    """Posts that wait on the simulated network for whoever asks it."""
    posted = posts.said(1500, seed=2)
    factories.ChannelFactory(key="chirp")
    stack.start("simulator")
    stack.network("remember", events=posted.events)
    return posted


def the_network_was_read_to_its_end(network: Posts) -> None:
    assert Channel.objects.get(key="chirp").cursor == {"after": len(network.events)}
    assert RawEvent.objects.filter(channel__key="chirp").count() == len(network.events)


def test_workers_killed_one_after_the_other_while_they_read_a_network_lose_and_double_nothing(
    stack: Stack, network: Posts
):
    stack.start("cron", "worker", "worker-2")
    in_the_middle(stack, messages_stored, len(network.events), lambda: stack.kill9("worker"))
    in_the_middle(stack, messages_routed, len(network.events), lambda: stack.kill9("worker-2"))
    stack.restart("worker", "worker-2")
    stack.wait_until("all is routed", lambda: messages_routed() == len(network.events))
    every_message_is_in_its_case(network)
    the_network_was_read_to_its_end(network)


def test_flushall_in_the_middle_costs_no_message(stack: Stack, network: Posts, file: PostsFile):
    """Of a file and of a network that are read at the same time."""
    everything = Posts([*network.events, *file.events])
    stack.start("cron", "worker", "worker-2")
    stack.begin("loader", *load(file))
    in_the_middle(stack, rows_kept, file.rows, stack.redis.flushall)
    for step in (messages_stored, messages_routed):
        in_the_middle(stack, step, len(everything.events), stack.redis.flushall)
    stack.finish("loader")
    stack.wait_until("all is routed", lambda: messages_routed() == len(everything.events))
    every_message_is_in_its_case(everything)
    the_network_was_read_to_its_end(network)
    the_file_was_read_to_its_end_once(file)


class Readers:
    """People who fetch one page after the other, over as many lines as they have pages."""

    def __init__(self, stack: Stack, pages: list[str]) -> None:
        lead = factories.UserFactory(role="lead")
        self.served, self.broken, self.refused = Counter(), Counter(), Counter()
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=(stack.visitor(lead), page)) for page in pages]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _read(self, visitor: httpx.Client, page: str) -> None:
        with visitor:
            while not self._done.is_set():
                try:
                    (self.served if visitor.get(page).status_code == 200 else self.refused)[page] += 1
                except httpx.TransportError:
                    self.broken[page] += 1


def test_the_web_process_killed_while_pages_are_fetched_breaks_those_and_nothing_else(stack: Stack, file: PostsFile):
    stack.start("web", "worker", "cron")
    with Readers(stack, ["/queue/", "/customers/", "/queue/?state=all"]) as readers:
        stack.begin("loader", *load(file))
        in_the_middle(stack, messages_stored, file.rows, lambda: stack.kill9("web"))
        stack.wait_until("a page broke off", readers.broken.total)
        before = readers.served.copy()
        stack.restart("web")
        stack.wait_until("every page comes again", lambda: all(readers.served[page] > before[page] for page in before))
        stack.finish("loader")
    assert not readers.refused
    stack.wait_until("all is routed", lambda: messages_routed() == len(file.events))
    every_row_of_the_file_is_there_once(file)
