"""Connecting an account of ours on a network: who it is there, under which name it stands here, and what opens it."""

from channels_app.connecting.connecting import (
    AlreadyConnected,
    AnotherAccount,
    change,
    connect,
    disconnect,
    pause,
    reconnect,
    resume,
    subscribe,
)
from channels_app.connecting.found import Found, found
from channels_app.connecting.kinds import KINDS, Kind, Way

__all__ = [
    "KINDS", "AlreadyConnected", "AnotherAccount", "Found", "Kind", "Way", "change", "connect", "disconnect", "found",
    "pause", "reconnect", "resume", "subscribe",
]  # fmt: skip
