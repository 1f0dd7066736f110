"""Whether the causes that were suggested are those that people chose."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from cases.likely.weighing import SHOWN
from cases.models import Case, Cause, CauseSign, CauseSuggestion

DAYS = 90
KEPT = timedelta(days=400)


@dataclass
class Figures:
    """Of the cases that one person resolved by hand in the last DAYS days, with likely causes before their eyes."""

    days: int = DAYS
    shown: int = 0
    first: int = 0  # the likeliest was chosen
    among: int = 0  # one of the three was
    learned_from: int = 0  # resolved cases behind what is suggested now
    by_cause: dict[int, tuple[int, int]] = field(default_factory=dict)  # how often it stood first, and was taken then

    @property
    def first_share(self) -> float:
        return self.first / self.shown if self.shown else 0.0

    @property
    def among_share(self) -> float:
        return self.among / self.shown if self.shown else 0.0


def note(case: Case, *, chosen: Cause, shown: Sequence[int]) -> None:
    """`shown`: pks of the causes that stood first in the form, in their order. Those that are none count as none."""
    known = set(Cause.objects.filter(pk__in=shown).values_list("pk", flat=True)) if shown else set()
    places = [pk for pk in dict.fromkeys(shown) if pk in known][:SHOWN]
    if places:
        place = places.index(chosen.pk) + 1 if chosen.pk in places else CauseSuggestion.NOT_AMONG_THEM
        CauseSuggestion.objects.create(case=case, first_id=places[0], chosen=chosen, place=place)


def figures() -> Figures:
    """Two queries."""
    found = Figures(learned_from=sum(CauseSign.objects.filter(sign="").values_list("cases", flat=True)))
    stood_first: Counter[int] = Counter()
    taken: Counter[int] = Counter()
    since = timezone.now() - timedelta(days=DAYS)
    for first, place, n in CauseSuggestion.objects.filter(at__gte=since).counted():
        stood_first[first] += n
        taken[first] += n if place == 1 else 0
        found.among += n if place else 0
    found.shown, found.first = stood_first.total(), taken.total()
    found.by_cause = {cause: (n, taken[cause]) for cause, n in stood_first.items()}
    return found


def forget_old() -> int:
    """Returns how many."""
    return CauseSuggestion.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
