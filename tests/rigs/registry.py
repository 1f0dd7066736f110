"""Which rigs there are. Each is loaded only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.rigs.rig import Rig

RIGS = {
    "snac": "tests.rigs.snac:Snac",
    "mail": "tests.rigs.mail:Mail",
    "postfix": "tests.rigs.postfix:Postfix",
    "wordpress": "tests.rigs.wordpress:WordPress",
    "bluesky": "tests.rigs.bluesky:Bluesky",
}


class NoSuchRig(Exception):
    """A finished sentence."""


def load(name: str) -> type[Rig]:
    module, _, found = RIGS[name].partition(":")
    return getattr(import_module(module), found)


def checked(names: Iterable[str]) -> list[str]:
    """Those of these names, in their order; raises NoSuchRig for any other."""
    asked = [name.strip() for name in names if name.strip()]
    if unknown := [name for name in asked if name not in RIGS]:
        raise NoSuchRig(f"There is no rig {', '.join(unknown)}. There are: {', '.join(RIGS)}.")
    return [name for name in RIGS if name in asked]


def told(names: Iterable[str]) -> str:
    """ "2 (mastodon on snac2; e-mail on aiosmtpd+pymap, postfix+dovecot)" """
    servers: dict[str, list[str]] = {}
    for rig in map(load, names):
        servers.setdefault(rig.network, []).append(rig.server)
    each = "; ".join(f"{network} on {', '.join(found)}" for network, found in servers.items())
    return f"{len(servers)} ({each})"
