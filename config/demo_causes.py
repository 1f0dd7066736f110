"""What the demo has learned of causes, and what its team made of the suggestions."""

from __future__ import annotations

from cases.forms import Offered
from cases.likely import learning, suggesting, taken
from cases.models import Case, Cause, CauseSuggestion

SHOWN = 150  # resolved cases, the newest: likely causes stood before those who resolved them


def load() -> None:
    """Last, when all that is resolved is."""
    learning.learn()
    offered, known = Offered().causes, list(learning.resolved())[:SHOWN]
    resolved_at = dict(Case.objects.filter(pk__in=[case.pk for case in known]).values_list("pk", "resolved_at"))
    causes = Cause.objects.in_bulk({case.cause for case in known})
    for case, written in learning.with_signs(known):
        shown = [each.cause for each in suggesting.likely({sign: sign for sign in written}, offered)]
        taken.note(Case(pk=case.pk), chosen=causes[case.cause], shown=shown)
        CauseSuggestion.objects.filter(case=case.pk).update(at=resolved_at[case.pk])
