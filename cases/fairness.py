"""What a case cost its customer, as figures: by them channels are compared. Each has its one definition here."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, DurationField, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from cases.models import Case, CaseMessage, Clock
from channels_app.models import Message

# the columns of a file: what a case holds itself, and what is asked for it here
COLUMNS = (
    "outcome", "mood at start", "mood at end", "times handed over", "times it had to be repeated",
    "seconds to acknowledge", "seconds to answer", "seconds to resolve", "promises kept", "promises broken", "points",
)  # fmt: skip


def with_facts(cases: QuerySet[Case]) -> Any:
    """With `to_acknowledge`, `to_answer`, `to_resolve` and `kept`, `broken` on each.

    Times are durations by the clock, day and night, from when the case was opened (when the customer first wrote) to
    our first word of any kind, to our first that was an answer, and to when it was resolved; None until then. Kept and
    broken count the promises of the case by how they ended, within the hours of its channel.
    """
    ours = CaseMessage.objects.filter(case=OuterRef("pk"), message__direction=Message.Direction.OUT).order_by(
        "message__occurred_at", "message_id"
    )
    clocks = Clock.objects.filter(case=OuterRef("pk")).order_by().values("case")
    said, answered = ours.values("message__occurred_at")[:1], ours.filter(acknowledges=False)
    return cases.annotate(
        to_acknowledge=_since_opened(Subquery(said)),
        to_answer=_since_opened(Subquery(answered.values("message__occurred_at")[:1])),
        to_resolve=_since_opened(F("resolved_at")),
        kept=_count(clocks, Q(end=Clock.End.KEPT)),
        broken=_count(clocks, Q(broken_at__isnull=False)),
    )


def row(case: Any) -> list[object]:
    """The values of `COLUMNS`, of a case that came `with_facts`."""
    return [
        case.outcome, case.mood_at_start, case.mood_at_end, case.hand_overs, case.repeats,
        _seconds(case.to_acknowledge), _seconds(case.to_answer), _seconds(case.to_resolve),
        case.kept, case.broken, case.points,
    ]  # fmt: skip


def _since_opened(moment: Any) -> ExpressionWrapper:
    return ExpressionWrapper(moment - F("opened_at"), output_field=DurationField())


def _count(clocks: QuerySet[Any], which: Q) -> Coalesce:
    return Coalesce(Subquery(clocks.filter(which).annotate(n=Count("pk")).values("n")), 0)


def _seconds(span: Any) -> int | None:
    """Whole seconds; a post of ours before the customer's first counts as at once."""
    return None if span is None else max(0, int(span.total_seconds()))
