"""bin/test: the checks, then the tests, against servers of their own in the state folder's test/.

With arguments only pytest runs, with those arguments. Pytest's closing line is the last line either way.

`--rigs` runs the tests against real servers (tests/rigs) instead, on all or on those named: `--rigs snac,mail`.
HARK_RIGS=snac,mail takes them into a whole run. Without either they are left out, and the run says so.
"""

import os
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config import embedded
from config.places import ROOT, CannotRun, state_folder
from tests.rigs.registry import RIGS, NoSuchRig, checked, told

FAILED = "HARK_FAILED_CHECKS"
LONGEST_LOCK = "300s"  # who waits longer for a row waits for somebody who never lets go
ASKED, LEFT_OUT = "HARK_RIGS", "HARK_RIGS_LEFT_OUT"
MANAGE = [sys.executable, str(ROOT / "manage.py")]
# How Hark would run behind a name of its own: what `check --deploy` is to judge.
DEPLOYED = {"HARK_URL": "https://hark.example.com", "SECRET_KEY": secrets.token_urlsafe(50), "DEBUG": ""}


@dataclass(frozen=True)
class Check:
    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


CHECKS = [
    Check("ruff check", [sys.executable, "-m", "ruff", "check", "."]),
    Check("ruff format", [sys.executable, "-m", "ruff", "format", "--check", "."]),
    Check("mypy", [sys.executable, "-m", "mypy", "."]),
    Check("makemigrations --check", [*MANAGE, "makemigrations", "--check", "--dry-run"]),
    Check("check --deploy", [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], DEPLOYED),
]


def main(arguments: list[str]) -> int:
    state = state_folder() / "test"
    _use_own_servers(state)
    _compile_once(state)
    try:
        arguments = with_rigs(arguments)
        browser = chromium()
        with embedded.using(state, durable=False):
            failed = [] if arguments else run_checks()
            return _pytest(arguments, browser, failed)
    except (CannotRun, NoSuchRig) as sentence:
        print(f"\n{sentence}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def with_rigs(arguments: list[str]) -> list[str]:
    """What pytest is asked; which rigs run with it, and which are left out of a whole run, stand in the environment."""
    if "--rigs" in arguments:
        at = arguments.index("--rigs") + 1
        named = at < len(arguments) and not arguments[at].startswith("-") and not (ROOT / arguments[at]).exists()
        os.environ[ASKED] = arguments[at] if named else ",".join(RIGS)
        arguments = [*arguments[: at - 1], "tests/rigs", *arguments[at + named :]]
    asked = checked(os.environ.get(ASKED, "").split(","))
    left_out = [] if arguments else [name for name in RIGS if name not in asked]
    os.environ.update({ASKED: ",".join(asked), LEFT_OUT: ", ".join(left_out)})
    return arguments


def chromium() -> Path | None:
    """HARK_CHROMIUM, or where Debian has it. In CI the browser tests must run, so there it must be found."""
    path = Path(os.environ.get("HARK_CHROMIUM") or "/usr/bin/chromium")
    if os.access(path, os.X_OK):
        return path
    missing = f"There is no Chromium at {path} (HARK_CHROMIUM names another place)"
    if os.environ.get("CI") == "true":
        raise CannotRun(f"{missing}, and CI must run the browser tests.")
    print(f"{missing}: the browser tests are left out.", flush=True)
    return None


def run_checks() -> list[str]:
    """All of them, two at a time; the names of those that failed."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        return [check.name for check, passed in zip(CHECKS, pool.map(_run, CHECKS), strict=True) if not passed]


def _run(check: Check) -> bool:
    begun = time.monotonic()
    done = subprocess.run(  # noqa: S603 - the commands above
        check.command, cwd=ROOT, env={**os.environ, **check.environment}, capture_output=True, text=True
    )
    passed = done.returncode == 0
    output = "" if passed else f"\n{(done.stdout + done.stderr).strip()}\n"
    print(f"{check.name:<24} {'ok' if passed else 'FAILED'}  {time.monotonic() - begun:.1f} s{output}", flush=True)
    return passed


# what starts servers, browsers or the demo, or goes through every view and endpoint
LONG = ("tests/rigs/", "tests/test_", "tests/processes/", "tests/browser/", "tests/config/")


def _pytest(arguments: list[str], browser: Path | None, failed: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "-p", "config.testing", "-p", "config.testing_watch"]
    command += [] if browser else ["-m", "not browser"]
    # loadfile: what a module starts (a browser, real processes, the demo) is started once, by one of the two
    command += arguments or ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    environment = {**os.environ, FAILED: ", ".join(failed)}
    code = subprocess.run(command, cwd=ROOT, env=environment).returncode  # noqa: S603
    return code or int(bool(failed))


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """As a pytest plugin: long modules first, so that at the end no process waits for one of them."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """As a pytest plugin: which rigs ran; and the closing line must not look green above a check that failed."""
    if live := _live(terminalreporter.stats.get("passed", [])):
        terminalreporter.line(f"Platforms tested live: {told(live)}")
    if os.environ.get(LEFT_OUT):
        terminalreporter.line(
            f"Rigs left out: {os.environ[LEFT_OUT]} (bin/rigs puts them there, bin/test --rigs runs them)"
        )
    if os.environ.get(FAILED):
        terminalreporter.section("checks", red=True)
        terminalreporter.line(f"FAILED before the tests, see above: {os.environ[FAILED]}", red=True)


def _live(passed: list[Any]) -> list[str]:
    """The rigs that tests passed on. A test that uses one notes it in its properties (tests/rigs/conftest.py)."""
    used = {value for report in passed for name, value in getattr(report, "user_properties", ()) if name == "rig"}
    return [name for name in RIGS if name in used]


def _compile_once(state: Path) -> None:
    """The tests start Python a hundred times: whatever this shell says, bytecode is kept, beside their servers."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(state / "bytecode")


def _use_own_servers(state: Path) -> None:
    """Never the demo's, nor whatever DATABASE_URL means in this shell: the tests empty what they use."""
    os.environ["HARK_STATE_DIR"] = str(state)
    for name in ("DATABASE_URL", "REDIS_URL"):
        other = os.environ.pop(f"HARK_TEST_{name}", None)
        os.environ.pop(name, None)
        os.environ.update({name: other} if other else {})
    os.environ.setdefault("PGOPTIONS", f"-c lock_timeout={LONGEST_LOCK}")
    if "DATABASE_URL" in os.environ:  # with one that is not ours Hark wants a key (config/checks.py)
        os.environ.setdefault("HARK_SEALING_KEY", secrets.token_urlsafe(50))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
