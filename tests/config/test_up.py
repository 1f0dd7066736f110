"""bin/up before and around its programs: ports, locks, room, and what --fresh throws away."""

import os
import shutil
import socket
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import up
from config.places import CannotRun


@pytest.fixture
def busy() -> Iterator[int]:
    """A port somebody else has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def chosen(*arguments: str) -> Namespace:
    return up.options(arguments)


def test_a_port_in_use_that_was_asked_for_is_a_sentence_with_a_free_one(busy: int) -> None:
    with (
        pytest.raises(CannotRun, match=rf"Port {busy} is in use by another program. Try: bin/up --port \d+"),
        up.listening(chosen("--port", str(busy))),
    ):
        pass


def test_the_default_port_in_use_gives_way_to_the_next(
    busy: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(up, "DEFAULT_PORT", busy)
    with up.listening(chosen()) as web:
        assert web
        assert web.getsockname()[1] > busy
    assert f"Port {busy} is in use" in capsys.readouterr().out


def test_an_address_that_is_not_ours_is_a_sentence() -> None:
    with pytest.raises(CannotRun, match=r"cannot listen on 192\.0\.2\.1"), up.listening(chosen("--host", "192.0.2.1")):
        pass


def test_a_second_hark_in_one_state_folder_is_a_sentence(tmp_path: Path) -> None:
    with up.only_one(tmp_path, chosen()):
        with pytest.raises(CannotRun, match=r"running from .* already"), up.only_one(tmp_path, chosen()):
            pass
        with up.only_one(tmp_path, chosen("--only", "worker")):
            pass
    with up.only_one(tmp_path, chosen()):
        pass


def test_the_lock_file_of_a_killed_one_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "up.lock").write_text("4711")
    with up.only_one(tmp_path, chosen()):
        pass


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**9, 10**9, 7 * 10**6))
    with pytest.raises(CannotRun, match="Only 7 MB are free"):
        up.check_room(tmp_path)


def test_fresh_says_and_throws_away_the_state_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    state = tmp_path / "state"
    for folder in (elsewhere, state / "valkey", state / "run", state / "test", state / "holiday photos"):
        folder.mkdir(parents=True)
    (state / "pg").symlink_to(elsewhere)
    (state / "simulator.sqlite3").write_text("posts")
    stopped: list[Path] = []
    up.throw_away(state, stop=stopped.append)
    assert sorted(path.name for path in state.iterdir()) == ["holiday photos", "test"]
    assert stopped == [state]
    assert "pg, run, simulator.sqlite3, valkey" in capsys.readouterr().out


def test_a_whole_hark_is_web_two_workers_the_clock_and_the_simulator(busy: int) -> None:
    with socket.socket() as web:
        assert [program.name for program in up.programs(chosen(), web)] == [
            "web", "worker-1", "worker-2", "cron", "simulator",
        ]  # fmt: skip
        without = up.programs(chosen("--no-demo", "--workers", "1"), web)
        assert [program.name for program in without] == ["web", "worker-1", "cron"]


@pytest.mark.parametrize(("only", "names"), [("worker", ["worker-1", "worker-2"]), ("cron", ["cron"])])
def test_one_kind_of_process_needs_no_port(only: str, names: list[str]) -> None:
    with up.listening(chosen("--only", only)) as web:
        assert web is None
        assert [program.name for program in up.programs(chosen("--only", only), web)] == names


def test_fresh_does_not_go_with_one_kind(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        chosen("--only", "web", "--fresh")
    assert "--fresh goes with a whole Hark" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:")]
)
def test_the_address_shown_is_one_a_browser_here_can_open(host: str, shown: str) -> None:
    try:
        web = socket.create_server((host, 0), family=up._family(host))
    except OSError:
        pytest.skip(f"no {host} on this machine")
    with web:
        assert up.address(web).startswith(shown)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setitem(os.environ, "HARK_STATE_DIR", str(tmp_path / "file" / "state"))
    assert up.main([]) == 1
