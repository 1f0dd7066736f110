import pytest
import pytest_asyncio

from channels_app.platforms import registry
from channels_app.platforms.base import Idempotency
from tests import factories
from tests.channels_app import called
from tests.channels_app.fake_platform import FakePlatform


@pytest.fixture
def connect(monkeypatch):
    """`connect(network)` makes a FakePlatform what channels of platform "fake" speak to."""

    def to(network: FakePlatform) -> FakePlatform:
        found = registry.connect
        monkeypatch.setitem(registry.PLATFORMS, "fake", network)

        def connected(kind, access=None):
            return network if kind == "fake" else found(kind, access)

        monkeypatch.setattr(registry, "connect", connected)
        return network

    return to


@pytest.fixture
def network(connect):
    """A network that can be asked whether something arrived."""
    return connect(FakePlatform(Idempotency.RECONCILE))


@pytest.fixture
def fake(team):
    """Our account on the fake network."""
    return factories.ChannelFactory(key="fake", name="@brand on Fake", platform="fake", place="fake", team=team)


@pytest_asyncio.fixture
async def server():
    """Takes webhooks, with a connection of its own."""
    server = called.Server()
    yield server
    server.hooks.desk.close()
