"""What every test may count on: no manifest of static files, no worker, no socket but the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import override_settings

from crm import handoff
from crm.webhooks import telling
from tests import factories

IN_MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
PLAIN_STATIC = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


TEST_ONLY = {
    "STORAGES": PLAIN_STATIC,
    "CHANNEL_LAYERS": IN_MEMORY,
    "UNDO_SECONDS": 0,  # a reply is due at once
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
}


@pytest.fixture(scope="session")
def _folders(tmp_path_factory):
    """Places for files, none given twice; each is made by the first file. A `tmp_path` in each test costs far more."""
    top = tmp_path_factory.mktemp("files")
    return (top / str(number) for number in count(1))


@pytest.fixture(autouse=True)
def _plain(settings, _folders):
    settings.MEDIA_ROOT = next(_folders)
    for name, value in TEST_ONLY.items():
        setattr(settings, name, value)
    cache.clear()


@pytest.fixture(scope="module")
def kept(django_db_setup, django_db_blocker, _folders):
    """`with kept() as folder:` lays down rows that each test of the module finds, and files in that folder.

    They are made once, in a transaction around that of each test, and undone after the last: not for a module with
    tests that commit. Each test gets copies of the objects, or asks the database; what it does is undone after it.
    """
    around = transaction.atomic()
    with django_db_blocker.unblock():
        around.__enter__()

    @contextmanager
    def laying_down() -> Iterator[Path]:
        folder = next(_folders)
        with (
            django_db_blocker.unblock(),
            override_settings(MEDIA_ROOT=folder, **TEST_ONLY),
            pytest.MonkeyPatch.context() as patch,
        ):
            patch.setattr(handoff, "_enqueue", lambda job, args, queue: None)
            telling.remember(set())
            yield folder

    yield laying_down
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


@pytest.fixture(autouse=True)
def nudges(monkeypatch):
    """The jobs nudged in a test, instead of queued: a list of (dotted path, *arguments)."""
    asked: list[tuple] = []
    monkeypatch.setattr(handoff, "_enqueue", lambda job, args, queue: asked.append((job, *args)))
    return asked


@pytest.fixture(autouse=True)
def _nobody_listens():
    """No webhook is told of anything, until a test makes one."""
    telling.remember(set())


@pytest.fixture
def team(db):
    return factories.TeamFactory(name="Travel care")


@pytest.fixture
def agent(team):
    return factories.UserFactory(username="ana", first_name="Ana", last_name="Ruiz", teams=[team])


@pytest.fixture
def colleague(team):
    return factories.UserFactory(username="ben", first_name="Ben", last_name="Okafor", teams=[team])


@pytest.fixture
def lead(team):
    return factories.UserFactory(username="lea", first_name="Lea", last_name="Brandt", role="lead", teams=[team])


@pytest.fixture
def stranger(db):
    """An agent of another team."""
    return factories.UserFactory(username="stu", first_name="Stu", last_name="Else", teams=[factories.TeamFactory()])


@pytest.fixture
def channel(team):
    return factories.ChannelFactory(key="skylark", name="@skylark on Chirp", team=team)


@pytest.fixture
def archive(team):
    return factories.ChannelFactory(key="archive", name="Archive", platform="archive", place="twitter", team=team)


@pytest.fixture
def cause(db):
    return factories.CauseFactory(name="Delay")


@pytest.fixture
def case(channel):
    return factories.CaseFactory(channel=channel)


@pytest.fixture
def as_user(client):
    """`as_user(agent)` is a client signed in as that person."""

    def sign_in(user):
        client.force_login(user)
        return client

    return sign_in
