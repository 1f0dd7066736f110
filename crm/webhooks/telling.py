"""Telling: `tell("customer.changed", customer)` in the transaction of the deed, wherever something happens."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable

import redis
from django.db import connection, transaction
from django.db.models import Model

from crm import handoff
from crm.models import IdentityLink, Webhook, WebhookEvent
from crm.webhooks import topics

SEND = "crm.webhooks.jobs.send"
LINK_STATES = {
    IdentityLink.State.PROPOSED: "link.proposed",
    IdentityLink.State.CONFIRMED: "link.confirmed",
    IdentityLink.State.WITHDRAWN: "link.withdrawn",
}
LINK_EVENTS = frozenset(LINK_STATES.values())
REMEMBERED_SECONDS = 60  # a note that was lost or is wrong costs no more than this


def tell(event: str, *records: Model) -> None:
    """One row for each record and each webhook that wants it. Where nobody listens, it asks no database."""
    if not records or not wanted(event):
        return
    webhooks = list(Webhook.objects.told_of(event))
    if not webhooks:
        return
    said = topics.said(event, records)
    WebhookEvent.objects.bulk_create(
        [
            WebhookEvent(webhook=webhook, type=event, about=about, data=data)
            for about, data in said
            for webhook in webhooks
        ]
    )
    for webhook in webhooks:
        handoff.nudge(SEND, webhook.pk, queue="default")


def wanted(event: str) -> bool:
    """Whether anybody listens: for who would have to look for the records first. It asks no database."""
    return event in _listened()


def tell_links(links: Iterable[IdentityLink]) -> None:
    """Of each what became of it: proposed, confirmed, withdrawn (or gone). That one was rejected is told to nobody.

    A query set is only asked where somebody listens.
    """
    if LINK_EVENTS.isdisjoint(_listened()):
        return
    was = list(links)
    now = dict(IdentityLink.objects.filter(pk__in=[link.pk for link in was]).values_list("pk", "state"))
    for state, event in LINK_STATES.items():
        tell(event, *(link for link in was if now.get(link.pk, IdentityLink.State.WITHDRAWN) == state))


def listeners_changed() -> None:
    """Whoever made, changed or switched a webhook calls this: after the commit, every process knows."""
    transaction.on_commit(lambda: remember(_wanted()))


def remember(events: set[str]) -> None:
    """Note in Redis what somebody listens to. What is noted may be lost at any time."""
    with contextlib.suppress(redis.RedisError):
        handoff.wire().set(_note(), json.dumps(sorted(events)), ex=REMEMBERED_SECONDS)


def _listened() -> set[str]:
    try:
        noted = handoff.wire().get(_note())
    except redis.RedisError:
        return _wanted()
    if noted is not None:
        return set(json.loads(noted))
    wanted = _wanted()
    with contextlib.suppress(redis.RedisError):  # not over a note that came meanwhile: it knows better
        handoff.wire().set(_note(), json.dumps(sorted(wanted)), ex=REMEMBERED_SECONDS, nx=True)
    return wanted


def _wanted() -> set[str]:
    return {event for events in Webhook.objects.listening().values_list("events", flat=True) for event in events}


def _note() -> str:
    """One a database: two of them may share a Redis."""
    return f"hark:webhooks:{connection.settings_dict['NAME']}"
