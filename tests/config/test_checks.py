"""bin/test itself: its own servers, Chromium or a sentence, and no green line above a failed check."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from config import testing
from config.places import ROOT, CannotRun
from tests.rigs.registry import NoSuchRig, told


@pytest.fixture
def no_chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARK_CHROMIUM", "/nowhere/chromium")


@pytest.mark.usefixtures("no_chromium")
def test_without_chromium_a_plain_run_says_so_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert testing.chromium() is None
    assert "no Chromium at /nowhere/chromium" in capsys.readouterr().out


@pytest.mark.usefixtures("no_chromium")
def test_without_chromium_ci_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(CannotRun, match="CI must run the browser tests"):
        testing.chromium()


def test_the_servers_of_this_shell_are_never_the_tests(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARK_STATE_DIR", "/srv/hark")
    monkeypatch.setenv("DATABASE_URL", "postgres://live/hark")
    monkeypatch.setenv("REDIS_URL", "redis://live")
    monkeypatch.setenv("HARK_TEST_REDIS_URL", "redis://for-tests")
    testing._use_own_servers(tmp_path)
    assert os.environ["HARK_STATE_DIR"] == str(tmp_path)
    assert "DATABASE_URL" not in os.environ
    assert os.environ["REDIS_URL"] == "redis://for-tests"


@pytest.mark.parametrize(
    ("asked", "arguments", "rigs"),
    [
        (["--rigs"], ["tests/rigs"], "snac,mail,postfix,wordpress,bluesky"),
        (["--rigs", "mail,snac"], ["tests/rigs"], "snac,mail"),
        (["--rigs", "mail", "-k", "lost"], ["tests/rigs", "-k", "lost"], "mail"),
        (["--rigs", "-x"], ["tests/rigs", "-x"], "snac,mail,postfix,wordpress,bluesky"),
    ],
)
def test_rigs_run_alone_all_or_those_named(
    asked: list[str], arguments: list[str], rigs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (testing.ASKED, testing.LEFT_OUT):
        monkeypatch.setenv(name, "")
    assert testing.with_rigs(asked) == arguments
    assert (os.environ[testing.ASKED], os.environ[testing.LEFT_OUT]) == (rigs, "")


def test_a_whole_run_says_which_rigs_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(testing.LEFT_OUT, "")
    monkeypatch.setenv(testing.ASKED, "snac,mail,postfix")
    assert testing.with_rigs([]) == []
    assert os.environ[testing.LEFT_OUT] == "wordpress, bluesky"
    assert testing.with_rigs(["tests/crm"]) == ["tests/crm"]
    assert os.environ[testing.LEFT_OUT] == ""


def test_a_rig_that_does_not_exist_is_named_with_those_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(testing.ASKED, "")
    with pytest.raises(NoSuchRig, match=r"There is no rig snack\. There are: snac, mail"):
        testing.with_rigs(["--rigs", "snack"])


def test_the_run_says_which_platforms_were_tested_live_by_what_passed() -> None:
    passed = [SimpleNamespace(user_properties=[("rig", name)]) for name in ("postfix", "mail", "snac", "mail")]
    assert told(testing._live([*passed, SimpleNamespace()])) == (
        "2 (mastodon on snac2; e-mail on aiosmtpd+pymap, postfix+dovecot)"
    )


def test_a_check_that_fails_is_shown_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = testing.Check("good", [sys.executable, "-c", ""])
    bad = testing.Check("bad", [sys.executable, "-c", "raise SystemExit('what is wrong')"])
    monkeypatch.setattr(testing, "CHECKS", [good, bad])
    assert testing.run_checks() == ["bad"]
    assert "what is wrong" in capsys.readouterr().out


def test_the_closing_line_is_pytests_and_a_failed_check_stands_above_it(tmp_path: Path) -> None:
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:django", "-p", "config.testing", "-c", "/dev/null"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), testing.FAILED: "mypy"}
    done = subprocess.run(
        [*command, "--rootdir", tmp_path, tmp_path], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    *_, above, last = done.stdout.strip().splitlines()
    assert above == "FAILED before the tests, see above: mypy"
    assert last.startswith("1 passed in ")
