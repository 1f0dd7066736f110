"""Who is who in the demo: handles on a second network, what the matching proposes for them, a merge and a conflict.

Everything by the mechanisms themselves: posts through the inbox, proposals by `crm.matching`, the merge by
`crm.merging`, the claim by `crm.decisions`.
"""

from __future__ import annotations

import json
import tomllib
from datetime import timedelta
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from cases import resolution
from cases.models import Case, Cause
from channels_app import inbox
from channels_app.models import Channel, Message
from channels_app.platforms.base import RawPayload
from config.demo_customers import DATA, whom
from crm import addresses, decisions, merging
from crm.matching import proposals
from crm.models import Customer, Identity, IdentityLink, Team, User

WARBLE = "warble"
Row = dict[str, Any]


def load() -> None:
    told = tomllib.loads(DATA.read_text("utf-8"))
    people, by = whom(), User.objects.get(username="agent")
    _posts(told["elsewhere"], by)
    _first_seen()
    for row in told["merge"]:
        _merge(row, people, by)
    for row in told["conflict"]:
        _conflict(row, people, by)
    while proposals.propose_for_new():
        pass


def _posts(rows: list[Row], by: User) -> None:
    """A file of posts from a network on which Skylark only listens; all but one of them were looked into."""
    channel = Channel.objects.create(
        key=WARBLE, name="Warble, loaded from a file", platform="archive", place=WARBLE, brand="Skylark",
        team=Team.objects.get(name="Travel care"),
    )  # fmt: skip
    payloads = [RawPayload(_body(number, row), "the demo's file") for number, row in enumerate(rows, 1)]
    inbox.keep(channel=channel, payloads=payloads)
    inbox.work_off(channel)
    done = [row["author"].casefold() for row in rows if not row.get("open")]
    for case in Case.objects.filter(channel=channel, identity__value__in=done):
        resolution.resolve(case=case, cause=Cause.objects.get(name="Question answered"), by=by)
        Case.objects.filter(pk=case.pk).update(resolved_at=case.opened_at + timedelta(hours=2))


def _body(number: int, row: Row) -> bytes:
    at = timezone.now() - timedelta(days=row["days"], hours=3)
    said = {"id": f"w{number}", "at": at.isoformat(), "language": "en"} | {
        k: v for k, v in row.items() if k not in ("days", "open")
    }
    return json.dumps(said, ensure_ascii=False).encode()


def _first_seen() -> None:
    """Handles and what links them are as old as the first thing said under them."""
    said = Message.objects.filter(identity=OuterRef("pk")).order_by("occurred_at").values("occurred_at")[:1]
    heard = Identity.objects.annotate(heard=Subquery(said)).filter(heard__isnull=False)
    heard.update(first_seen_at=F("heard"))
    links = IdentityLink.objects.filter(method=IdentityLink.Method.FIRST_CONTACT)
    since = Identity.objects.filter(pk=OuterRef("identity")).values("first_seen_at")[:1]
    links.update(created_at=Subquery(since))
    provisional = Customer.objects.filter(links__identity__place=WARBLE)
    provisional.update(created_at=Subquery(links.filter(customer=OuterRef("pk")).values("created_at")[:1]))


def _merge(row: Row, people: dict[str, Customer], by: User) -> None:
    theirs = IdentityLink.objects.confirmed().get(identity__place=WARBLE, identity__value=row["elsewhere"])
    merging.merge(survivor=people[row["who"]], absorbed=theirs.customer, by=by, reason=row["reason"])


def _conflict(row: Row, people: dict[str, Customer], by: User) -> None:
    """An address whose owner we know, claimed by somebody else we know: it waits for a person."""
    identity = addresses.identity(Identity.Kind.EMAIL, "", row["email"])
    decisions.claim(
        identity=identity, customer=people[row["claims"]], method=IdentityLink.Method.BY_HAND,
        evidence=row["evidence"], by=by,
    )  # fmt: skip
