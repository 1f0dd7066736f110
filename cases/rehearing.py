"""A message is read as something else than before, by a person or a later reader: its case follows.

Rules are not asked again: where the case stands, somebody may have decided since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction

from cases import live, told, writing
from cases.models import Case
from cases.models.wants import Wants
from channels_app.learning import correcting
from channels_app.models import Sentiment

COLUMNS = ("sentiment", "intent", "topic", "urgency", "language", "mood_at_start", "mood_at_end")


@transaction.atomic
def follow(messages: Sequence[int]) -> None:
    """Work out from all that was said what the cases of these messages say of it. A fixed number of queries."""
    found = Case.objects.filter(entries__message__in=messages).exclude(state=Case.State.MERGED).values("pk")
    held = list(Case.objects.filter(pk__in=found).order_by("pk").select_for_update(of=("self",)))
    said = {case.pk: case for case in Case.objects.filter(pk__in=[case.pk for case in held]).as_said()}
    changed = [case for case in held if _heard(case, said[case.pk])]
    if changed:
        writing.write(changed, COLUMNS)
        pks = [case.pk for case in changed]
        told.changed(pks)
        live.cases_changed(pks)


def _heard(case: Case, said: Any) -> bool:
    """Whether anything of it is other than before. `said`: the same, as it came `as_said()`. Not saved."""
    before = _facts(case)
    case.sentiment, case.language = said.mood or case.sentiment, said.tongue or case.language
    Wants.heard_in(said).put(case)
    case.mood_at_start = said.mood_first or Sentiment.UNKNOWN
    if case.state == Case.State.RESOLVED:
        case.mood_at_end = said.mood_last or Sentiment.UNKNOWN
    return _facts(case) != before


def _facts(case: Case) -> Iterable[str]:
    return [getattr(case, name) for name in COLUMNS]


def register() -> None:
    correcting.on_corrected(follow)
