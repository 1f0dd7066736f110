"""Each rig is started once, by the first test that needs it; a test that takes `rig` runs on each of them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from tests import factories
from tests.rigs.customers import Posts
from tests.rigs.desk import Desk
from tests.rigs.registry import checked, load
from tests.rigs.rig import Rig

ASKED = checked(os.environ.get("HARK_RIGS", "").split(","))
collect_ignore_glob = [] if ASKED else ["test_*.py"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module that has `ONLY = ["mail", "postfix"]` runs on those alone."""
    if "rig" in metafunc.fixturenames:
        names = [name for name in ASKED if name in getattr(metafunc.module, "ONLY", ASKED)]
        metafunc.parametrize("rig", names, indirect=True, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without the modules whose rigs were not asked for: that is no skipped test."""
    items[:] = [item for item in items if _runs(getattr(getattr(item, "module", None), "ONLY", None))]


def _runs(only: list[str] | None) -> bool:
    return only is None or bool(set(only) & set(ASKED))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """So that the run can say what it was tested on (config/testing.py)."""
    if callspec := getattr(item, "callspec", None):
        item.user_properties += [("rig", name) for key, name in callspec.params.items() if key == "rig"]


@pytest.fixture(autouse=True)
def _loopback(settings: Any) -> None:
    settings.ALLOW_LOOPBACK = True


@pytest.fixture(scope="session")
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    folder = Path(tempfile.mkdtemp(prefix="hark-rig-"))  # short: sockets lie in it
    folder.chmod(0o711)
    try:
        with ExitStack() as running:
            with override_settings(ALLOW_LOOPBACK=True):  # no longer: other tests of this process come in between
                rig = running.enter_context(load(request.param)(folder))
            print(f"{rig.server} started in {rig.started_in:.1f} s")
            yield rig
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def posts(rig: Rig) -> Posts:
    """What the customer says at the beginning, all at once: some servers take their time to pass a post on."""
    return Posts(rig)


@pytest.fixture
def desk(rig: Rig, db: None) -> Desk:
    """Hark, with a channel connected to our account there, as its credential keeps it."""
    return Desk.opened(rig, factories.UserFactory(username="ana"))
