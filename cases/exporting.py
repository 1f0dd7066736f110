"""The queue as a file: what its rows say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cases import fairness
from cases.models import Case

COLUMNS = (
    "case", "subject", "state", "priority", "mood", "wants", "about", "urgency", "language", "customer", "customer id",
    "tier", "handle", "channel", "team", "owner", "opened", "waiting since", "last message", "first answered",
    "resolved", "cause", "reopenings", *fairness.COLUMNS,
)  # fmt: skip


def rows(cases: Iterable[Case]) -> Iterator[list[object]]:
    """Of cases that came `with_head()` and `fairness.with_facts`."""
    for case in cases:
        yield [
            case.pk, case.subject, case.state, case.get_priority_display(), case.sentiment, case.intent, case.topic,
            case.urgency, case.language, case.customer.name, case.customer_id, case.customer.tier, case.identity.label,
            case.channel.name, case.team.name, str(case.owner or ""), case.opened_at, case.waiting_since,
            case.last_message_at, case.first_answered_at, case.resolved_at, str(case.cause or ""), case.reopenings,
            *fairness.row(case),
        ]  # fmt: skip
