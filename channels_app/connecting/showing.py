"""All that a channel's page says of how it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from channels_app import checking, health
from channels_app.connecting import apps, oauth
from channels_app.connecting.kinds import KINDS, abilities
from channels_app.models import App, Channel, Credential, Delivery, RawEvent
from channels_app.platforms import registry
from crm.models import Activity

LINES = 8  # of the log


@dataclass(frozen=True, slots=True)
class Line:
    """What waits: how many, and the oldest of them."""

    count: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """Of what a network lets us ask."""

    limit: int
    left: int
    resets_at: datetime | None


def of(pk: int) -> dict[str, Any] | None:
    """The context of the page, in six queries; None where there is no such channel."""
    channel = Channel.objects.with_health().select_related("team", "owner").filter(pk=pk).first()
    if channel is None:
        return None
    held = Credential.objects.select_related("app", "connected_by").filter(channel=channel).first()
    kind = KINDS.get(channel.platform)
    return {
        "channel": channel, "held": held, "kind": kind, "coming": _coming(channel), "going": _going(channel),
        "left": _left(channel.budget), "abilities": abilities(channel.capabilities),
        "can_be_checked": checking.can_be(channel), "log": Activity.objects.about(channel).order_by("-pk")[:LINES],
        **(_opened(channel, held) if held else {}),
    }  # fmt: skip


def of_app(app: App) -> dict[str, Any]:
    """The context of an app's page."""
    held = app.credentials.select_related("channel").order_by("channel__name")
    return {"app": app, "address": apps.address(app), "back": oauth.back(), "channels": [one.channel for one in held]}


def _opened(channel: Channel, held: Credential) -> dict[str, Any]:
    renews = hasattr(registry.PLATFORMS[channel.platform], "renew")
    soon = held.expires_at and held.expires_at < timezone.now() + health.RUNS_OUT
    return {
        "is_open": bool(held.sealed), "renews": renews, "runs_out_soon": bool(soon) and not renews,
        "granted": (held.settings.get("scopes") or held.settings.get("granted", "")).split(),
        "missing": held.settings.get("missing", "").split(),
        "address": apps.address(held.app) if held.app else "",
        "is_quiet": _is_quiet(held),
    }  # fmt: skip


def _is_quiet(held: Credential) -> bool:
    """It should call us, and has not since it was connected."""
    if held.app is None or held.app.called_at:
        return False
    return held.connected_at < timezone.now() - timedelta(hours=1)


def _coming(channel: Channel) -> Line:
    oldest = RawEvent.objects.pending().filter(channel=channel).order_by("pk").values_list("received_at", flat=True)
    waiting = list(oldest[:100])
    return Line(len(waiting), waiting[0] if waiting else None)


def _going(channel: Channel) -> Line:
    found = Delivery.objects.on_their_way().filter(message__channel=channel)
    counted = found.aggregate(n=Count("pk"), since=Min("created_at"))
    return Line(counted["n"], counted["since"])


def _left(budget: dict[str, Any]) -> Left | None:
    limit, left = budget.get("limit"), budget.get("left")
    if not limit or left is None:
        return None
    resets_at = parse_datetime(budget.get("resets_at") or "")
    return Left(limit, min(left, limit), resets_at if resets_at and resets_at > timezone.now() else None)
