"""Channels of the example as they look once connected: none of them asks a real network."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from cases import hits
from channels_app import connecting, inbox, listening
from channels_app.connecting import apps
from channels_app.connecting.kinds import KINDS
from channels_app.models import App, Channel, Message, Search
from channels_app.platforms.abilities import Access, Health
from channels_app.platforms.base import RawPayload
from channels_app.simulation.store import Store
from channels_app.simulation.world import World
from crm.models import Team, User

TRAINS = (
    ("olu_a", "Skylark train has stood outside Leeds for an hour. No heating, no word from anybody. Never again."),
    ("mia_travels", "Honestly, the night train of Skylark is the best sleep I get all month."),
    ("t_brandt", "Paid twice at the ticket check because the Skylark app froze. The train left with me fuming."),
    ("railfan77", "Photographed the old Skylark train of 1988 at the museum today."),
)  # fmt: skip
BAGS = (
    ("jonas_w", "My bag is in Porto, I am in Turin. Thank you for nothing, Skylark."),
    ("nadia_k", "Does anybody know how long Skylark keeps a lost bag before they sell it?"),
)
SCOPES = "read:accounts read:notifications read:statuses write:statuses write:media"


@transaction.atomic
def load() -> None:
    """The chat of Skylark's own app, which calls us; Mastodon, paused; and Bluesky, which was disconnected."""
    admin, lead = User.objects.get(username="admin"), User.objects.get(username="lead")
    given = {"team": Team.objects.get(name="Travel care"), "owner": lead, "brand": "Skylark", "by": admin}
    _chat(given)
    connecting.pause(channel=_mastodon(given), by=admin)
    connecting.disconnect(channel=_bluesky(given), by=admin)


def listen() -> None:
    """What people say of Skylark among themselves on Chirp: found, taken into the queue, or not for us."""
    channel, lead = Channel.objects.get(key="skylark"), User.objects.get(username="lead")
    with transaction.atomic():
        trains = listening.keep(search=Search(channel=channel, name="Trains, unnamed", words="skylark train"), by=lead)
        bags = listening.keep(search=Search(channel=channel, name="Lost bags", words="skylark bag"), by=lead)
        _overheard(channel, {trains: TRAINS, bags: BAGS})
    inbox.work_off(channel)
    agent, found = User.objects.get(username="agent"), Message.objects.filter(found_by__isnull=False)
    hits.take(message=found.get(text=BAGS[0][1]), by=agent)
    hits.dismiss(message=found.get(text=TRAINS[-1][1]), by=agent)


def _overheard(channel: Channel, said: dict[Search, tuple[tuple[str, str], ...]]) -> None:
    """They stand in the simulated network too, so that whoever is answered answers."""
    store, now = Store(Path(settings.HARK_STATE_DIR) / "simulator.sqlite3"), timezone.now()
    hours = iter(range(2, 100, 5))
    for search, posts in said.items():
        events = [World(0, store, lambda: now - timedelta(hours=next(hours))).mutter(*post) for post in posts]
        payloads = [RawPayload(json.dumps(event, ensure_ascii=False).encode(), "the demo's past") for event in events]
        inbox.keep(channel=channel, payloads=payloads, overheard=True, found_by=search)
        Search.objects.filter(pk=search.pk).update(cursor={"after": store.newest_seq()}, asked_at=now)
    store.close()


def _chat(given: dict[str, Any]) -> None:
    found = connecting.Found(KINDS["own_channel"], Access(), Health("Skylark app"))
    channel, _secret = apps.connect_own(found=found, name="Chat in the Skylark app", **given)
    since = timezone.now() - timedelta(minutes=3)
    App.objects.filter(credentials__channel=channel).update(called_at=since)


def _mastodon(given: dict[str, Any]) -> Channel:
    settings = {
        "server": "https://social.example", "account_id": "1", "handle": "skylark@social.example", "scopes": SCOPES,
        "missing": "write:favourites",
    }  # fmt: skip
    access = Access(settings, {"access_token": "of the example: opens nothing"})
    health = Health("skylark@social.example", "skylark@social.example", SCOPES.split(), ["write:favourites"])
    found = connecting.Found(KINDS["mastodon"], access, health)
    return connecting.connect(found=found, name="Skylark on Mastodon", **given)


def _bluesky(given: dict[str, Any]) -> Channel:
    access = Access({"server": "https://pds.example", "handle": "skylark.example"}, {"app_password": "opens nothing"})
    found = connecting.Found(KINDS["bluesky"], access, Health("skylark.example", "did:plc:skylark"))
    return connecting.connect(found=found, name="Skylark on Bluesky", **given)
