"""An account becomes a channel, is connected anew, is let go: each in one transaction, each in the log."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import access as opening
from channels_app import health, inbox
from channels_app.connecting.found import Found
from channels_app.connecting.kinds import KINDS, Kind, Way
from channels_app.models import App, Channel, Credential
from channels_app.models.credentials import opened
from channels_app.platforms import registry
from channels_app.platforms.abilities import Access
from channels_app.platforms.errors import PlatformError
from crm import handoff
from crm.errors import Refused
from crm.models import Team, User
from crm.models.activity import log

events = structlog.get_logger(__name__)

LONGEST_KEY = 40


class AlreadyConnected(Refused):
    """`facts["channel"]` is where it is."""

    sentence = gettext_lazy("This account is connected already, as “{channel}”.")


class AnotherAccount(Refused):
    sentence = gettext_lazy(
        "This is another account than the one of “{channel}”, whose conversations belong to that one. "
        "Connect this one as a channel of its own."
    )


class NothingToConnect(Refused):
    sentence = gettext_lazy("“{channel}” is no account on a network: there is nothing to connect.")


def connect(*, found: Found, name: str, team: Team, owner: User | None, brand: str, by: User) -> Channel:
    """A channel for an account that opened. Raises AlreadyConnected."""
    _must_be_new(found)
    try:
        return _made(found, name=name, team=team, owner=owner, brand=brand, by=by)
    except IntegrityError:  # somebody connected it in the same moment
        _must_be_new(found)
        raise


@transaction.atomic
def _made(found: Found, *, name: str, team: Team, owner: User | None, brand: str, by: User) -> Channel:
    key = free_key(name)
    channel = Channel.objects.create(
        key=key, name=name, platform=found.kind.name, place=found.kind.place or key, brand=brand, team=team,
        owner=owner, our_handle=found.health.handle[:120], text_limit=found.access.text_limit,
    )  # fmt: skip
    held = Credential(channel=channel, app_id=found.app, account=found.account, connected_by=by)
    held.put(found.access)
    held.save()
    log("connected", channel, by=by, detail=f"{found.kind.title} {found.health.handle}".strip())
    _ask_soon(channel)
    return channel


def _must_be_new(found: Found) -> None:
    taken = Credential.objects.of_account(found.kind.name, found.account).first() if found.account else None
    if taken:
        raise AlreadyConnected(channel=taken.channel)


def free_key(name: str) -> str:
    """A short name for commands that nobody has yet."""
    stem = slugify(name)[: LONGEST_KEY - 4].strip("-") or "channel"
    taken = set(Channel.objects.filter(key__startswith=stem).values_list("key", flat=True))
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(key for key in numbered if key not in taken)


def reconnect(*, channel: Channel, found: Found, by: User) -> Channel:
    """The same account with other keys. Raises AnotherAccount; for a feed, which may have moved, AlreadyConnected."""
    with transaction.atomic():
        current = Channel.objects.select_for_update(of=("self",)).get(pk=channel.pk)
        held = Credential.objects.select_for_update(of=("self",)).filter(channel=current).first()
        _must_be_the_same(current, held, found)
        held = held or Credential(channel=current, connected_by=by)
        came_back = not held.sealed
        held.app_id, held.account, held.connected_by = found.app, found.account, by
        held.connected_at, held.told_at = timezone.now(), None
        held.put(found.access)
        held.save()
        current.our_handle = found.health.handle[:120] or current.our_handle
        current.paused_at, current.text_limit = None if came_back else current.paused_at, found.access.text_limit
        current.save(update_fields=["our_handle", "paused_at", "text_limit"])
        log("connected again", current, by=by, detail=found.health.handle)
        health.opened(current)
        if came_back:
            handoff.nudge(inbox.PUT_BACK_JOB, current.pk)
    return current


def _must_be_the_same(channel: Channel, held: Credential | None, found: Found) -> None:
    other = Credential.objects.of_account(found.kind.name, found.account).exclude(channel=channel).first()
    if found.kind.name != channel.platform:
        raise AnotherAccount(channel=channel)
    if held and held.account not in ("", found.account) and found.kind.name != "feed":
        raise AnotherAccount(channel=channel)
    if other and found.account:
        raise AlreadyConnected(channel=other.channel)


def subscribe(channel: Channel) -> str:
    """Have the network call us for this account, where it wants to be told so. What is wrong, as a sentence, or ""."""
    if not hasattr(registry.PLATFORMS[channel.platform], "subscribe"):
        return ""
    try:
        opening.through(channel, lambda platform: _subscribed(platform))
    except PlatformError as error:
        Channel.objects.filter(pk=channel.pk).update(trouble=str(error)[:300])
        return str(error)
    return ""


def _subscribed(platform: Any) -> None:
    platform.subscribe()


@transaction.atomic
def change(*, channel: Channel, name: str, brand: str, team: Team, owner: User | None, by: User) -> Channel:
    """What we call it, and who looks after it."""
    current = Channel.objects.select_for_update(of=("self",)).get(pk=channel.pk)
    wanted = {"name": name, "brand": brand, "team": team, "owner": owner}
    changed = [field for field, value in wanted.items() if getattr(current, field) != value]
    for field in changed:
        setattr(current, field, wanted[field])
    if changed:
        current.save(update_fields=changed)
        log("changed", current, by=by, detail=", ".join(changed))
    return current


# --- letting go


def disconnect(*, channel: Channel, by: User) -> Channel:
    """Its keys are deleted here, and given back where the network takes them. What was said stays."""
    held = Credential.objects.select_related("app").filter(channel=channel).exclude(sealed="").first()
    if held is None:
        raise NothingToConnect(channel=channel)
    _give_back(KINDS[channel.platform], held)
    with transaction.atomic():
        Channel.objects.select_for_update(of=("self",)).get(pk=channel.pk)  # first, as whoever connects it anew does
        Credential.objects.filter(pk=held.pk).update(sealed="", expires_at=None, told_at=None)
        App.objects.filter(credentials=held, network=App.Network.OWN).update(sealed="")
        now = timezone.now()
        Channel.objects.filter(pk=channel.pk).update(
            paused_at=now, broken_at=now, failing_since=None, alerted_at=None, budget={},
            trouble=_("It was disconnected. Nothing comes in, and answers wait."),
        )  # fmt: skip
        log("disconnected", channel, by=by)
    return Channel.objects.get(pk=channel.pk)


def _give_back(kind: Kind, held: Credential) -> None:
    """Where the network cannot be asked, it is done without: nobody has the key any more."""
    if kind.way is not Way.OAUTH or not hasattr(kind.platform, "revoke"):
        return
    try:
        kind.platform.revoke(held.access())
    except (PlatformError, Refused) as error:
        events.info("a key could not be given back", channel=held.channel_id, error=type(error).__name__)


@transaction.atomic
def pause(*, channel: Channel, by: User) -> bool:
    """Nothing is fetched; what the network keeps or brings meanwhile comes in afterwards. False: it was so already."""
    done = Channel.objects.filter(pk=channel.pk, paused_at=None).update(paused_at=timezone.now())
    if done:
        log("paused", channel, by=by)
    return bool(done)


@transaction.atomic
def resume(*, channel: Channel, by: User) -> bool:
    """What came meanwhile is read now. False: it listens already."""
    done = Channel.objects.filter(pk=channel.pk).exclude(paused_at=None).update(
        paused_at=None, next_poll_at=timezone.now()
    )  # fmt: skip
    if done:
        log("resumed", channel, by=by)
        _ask_soon(channel)
        handoff.nudge(inbox.PUT_BACK_JOB, channel.pk)
    return bool(done)


def _ask_soon(channel: Channel) -> None:
    if channel.capabilities.poll:
        handoff.nudge(health.POLL, channel.pk)


def held_access(channel: Channel) -> Access | None:
    """What is its own, less what its app holds: for a form that changes a part of it. Without secrets where nothing
    opens them."""
    held = Credential.objects.filter(channel=channel).first()
    if held is None:
        return None
    try:
        return Access(held.settings, opened(held.sealed))
    except Refused:
        return Access(held.settings)
