"""Fixtures for tests with real processes; other folders import them from here, the hook too."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from tests.processes import ground
from tests.processes.stack import Stack


@pytest.fixture(scope="session")
def prepared() -> Iterator[ground.Prepared]:
    with ground.preparing() as prepared:
        yield prepared


@pytest.fixture
def stack(prepared: ground.Prepared, django_db_blocker) -> Iterator[Stack]:
    """A stack of the test's own, with nothing started yet."""
    with django_db_blocker.unblock(), Stack(prepared) as stack:
        yield stack


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the processes said stands with the failure."""
    report = yield
    if report.failed:
        report.sections += [("processes", stack.last_words()) for stack in Stack.standing]
    return report
