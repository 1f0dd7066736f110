"""What a case page shows, in order: messages, notes and what was done. A fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cases.models import Case
from channels_app.models import Delivery, Message, MessageVersion
from crm.models import Activity, IdentityLink

MOST = 200  # messages drawn at once; a longer thread shows its newest


@dataclass
class Entry:
    """One line of the conversation. `kind` is "message", "note" or "activity"; `item` is that record."""

    kind: str
    at: datetime
    item: Any
    delivery: Delivery | None = None
    by_other_customer: bool = False
    versions: list[MessageVersion] = field(default_factory=list)


@dataclass
class Conversation:
    entries: list[Entry]
    seen: int  # pk of the newest message shown
    cut: bool  # older messages are not shown


def of_case(case: Case) -> Conversation:
    """Everything said on the case's thread, by whomever, with the case's notes and log. Five queries."""
    newest = Message.objects.filter(thread=case.thread_id).select_related("identity", "sent_by", "delivery")
    messages = list(newest.order_by("-occurred_at", "-id")[: MOST + 1])
    cut, messages = len(messages) > MOST, messages[:MOST][::-1]
    versions = _versions(messages)
    theirs = set(
        IdentityLink.objects.filter(customer=case.customer_id, state="confirmed").values_list("identity_id", flat=True)
    )
    entries = [
        Entry(
            "message", m.occurred_at, m, delivery=getattr(m, "delivery", None), versions=versions[m.pk],
            by_other_customer=not m.is_ours and m.identity_id not in theirs,
        )
        for m in messages
    ]  # fmt: skip
    entries += [Entry("note", n.created_at, n) for n in case.notes.select_related("by")]
    entries += [Entry("activity", a.at, a) for a in Activity.objects.about(case).order_by("id")[:MOST]]
    return Conversation(sorted(entries, key=lambda e: e.at), max((m.pk for m in messages), default=0), cut)


def _versions(messages: list[Message]) -> dict[int, list[MessageVersion]]:
    found = defaultdict(list)
    for version in MessageVersion.objects.filter(message__in=[m for m in messages if m.edited_at]):
        found[version.message_id].append(version)
    return found
