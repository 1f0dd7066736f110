"""What every test may count on: no manifest of static files, no worker, no socket but the test's own."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from crm import handoff
from crm.webhooks import telling
from tests import factories

IN_MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
PLAIN_STATIC = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}


@pytest.fixture(autouse=True)
def _plain(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.STORAGES = PLAIN_STATIC
    settings.CHANNEL_LAYERS = IN_MEMORY
    settings.UNDO_SECONDS = 0  # a reply is due at once
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


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
