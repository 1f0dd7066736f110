"""The simulated network behind a channel, for tests of the whole way there and back. Its people move when told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cases.models import Case
from channels_app import inbox, jobs, outbox
from channels_app.models import Channel, Delivery
from channels_app.platforms import registry
from channels_app.platforms.simulator import SimulatorPlatform
from channels_app.simulation.server import Simulator
from channels_app.simulation.store import Store
from channels_app.simulation.world import World


@dataclass
class Simulated:
    channel: Channel
    world: World
    store: Store
    simulator: Simulator

    def says(self, handle: str, text: str, **facts):
        """Somebody posts, and it comes all the way to its case. The case, as it is now."""
        return self.bring(self.world.post(handle, text, **facts))

    def bring(self, event):
        self.fetch()
        return Case.objects.filter(entries__message__external_id=event["id"]).get()

    def fetch(self) -> None:
        self.channel.refresh_from_db()
        jobs.poll(self.channel.pk)
        inbox.work_off(self.channel)

    def deliver(self) -> None:
        """Send what waits, as if every hold were over; then hear what came of it."""
        queued = Delivery.objects.filter(state=Delivery.State.QUEUED, message__channel=self.channel)
        for pk in queued.order_by("pk").values_list("pk", flat=True):
            Delivery.objects.filter(pk=pk).update(not_before="2020-01-01T00:00:00Z")
            outbox.deliver(pk)
        self.fetch()


@pytest.fixture
def simulated(channel, tmp_path, monkeypatch) -> Iterator[Simulated]:
    store = Store(tmp_path / "network.sqlite3")
    world = World(7, store)
    simulator = Simulator(world, tmp_path / "s.sock", every=3600)
    simulator.start()
    platform, found = SimulatorPlatform(str(tmp_path / "s.sock")), registry.connect
    monkeypatch.setattr(
        registry, "connect", lambda kind, access=None: platform if kind == "simulator" else found(kind, access)
    )
    yield Simulated(channel, world, store, simulator)
    simulator.stop()
    store.close()
