"""Which channel a payload is for. What is for none of ours is kept as a dead letter: nothing that was signed is lost.

It can be read again once the account is connected (`move_home`). What came for a paused channel is read by itself once
that takes messages again (`inbox.put_back`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import structlog

from channels_app.hooks.known import Caller, Home
from channels_app.models import App, Credential, RawEvent
from channels_app.platforms.base import RawPayload

log = structlog.get_logger(__name__)

HELD_UP = "This channel is paused or disconnected."  # by this beginning it is found again, whichever release wrote it
PAUSED = f"{HELD_UP} It is read once it takes messages again."
NOBODYS = "It is for the account “{account}” ({kind}), to which no channel is connected. Connect it and read it again."
FOR_NOBODY = "It does not say for which account it is."


def placed(caller: Caller, payloads: Iterable[RawPayload]) -> list[tuple[int, RawPayload]]:
    """Each with the pk of a channel. An app without any channel has nowhere to keep what comes."""
    found = [_placed(caller, payload) for payload in payloads]
    return [each for each in found if each]


def is_known(caller: Caller, payload: RawPayload) -> bool:
    return _home(caller, payload) is not None


def _placed(caller: Caller, payload: RawPayload) -> tuple[int, RawPayload] | None:
    if home := _home(caller, payload):
        trouble = payload.trouble or ("" if home.takes else PAUSED)
    elif home := next(iter(caller.homes.values()), None):
        trouble = payload.trouble or _nobodys(payload)
    else:
        log.warning("a webhook brought something and its app has no channel", app=caller.app.pk)
        return None
    return home.channel_id, replace(payload, trouble=trouble) if trouble else payload


def _home(caller: Caller, payload: RawPayload) -> Home | None:
    """A channel of one's own has an app for itself."""
    if caller.app.network == App.Network.OWN:
        return next(iter(caller.homes.values()), None)
    return caller.homes.get((payload.kind, payload.account)) if payload.account else None


def _nobodys(payload: RawPayload) -> str:
    if not payload.account:
        return FOR_NOBODY
    return NOBODYS.format(account=payload.account[:100], kind=payload.kind[:40])


def move_home(rows: Sequence[RawEvent]) -> None:
    """To the channels that were connected since, of the same app. Two queries, and one for each such channel."""
    apps = dict(Credential.objects.filter(channel__in={row.channel_id for row in rows}, app__isnull=False)
                .exclude(app__network=App.Network.OWN).values_list("channel", "app"))  # fmt: skip
    if not apps:
        return
    held = Credential.objects.in_use().filter(app__in=set(apps.values())).exclude(account="")
    homes = {
        (app, f"{kind} {account}"): channel
        for app, kind, account, channel in held.values_list("app", "channel__platform", "account", "channel")
    }
    moved: dict[int, list[RawEvent]] = {}
    for row in rows:
        home = homes.get((apps.get(row.channel_id, 0), row.origin))
        if home and home != row.channel_id:
            moved.setdefault(home, []).append(row)
    for channel, theirs in moved.items():
        RawEvent.objects.dead_letters().filter(pk__in=[row.pk for row in theirs]).update(channel=channel)
        for row in theirs:
            row.channel_id = channel
