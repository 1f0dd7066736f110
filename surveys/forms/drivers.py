"""What the pages of drivers and of movement look at. Both forms are their URL."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.widgets import Select
from surveys import drivers, figures, movement
from surveys.between import Place, Why
from surveys.drivers import Source
from surveys.forms.results import WITH, CutForm, ResultsForm
from surveys.models import Wave
from surveys.segments import Cut


class DriversForm(ResultsForm):
    """As the figures are filtered; and where people said it, and whether the published pattern stands beside."""

    source = forms.ChoiceField(widget=Select, label=_("Said in"), choices=Source.choices, required=False)
    reference = forms.BooleanField(label=_("Show the published pattern beside"), required=False)

    @property
    def source_chosen(self) -> Source:
        return Source(self.cleaned_data.get("source") or Source.ALL)

    def asked(self, cut: Cut) -> drivers.Asked:
        return drivers.Asked(cut, self.source_chosen)


class MovementForm(CutForm):
    """Two waves of one kind, the earlier one first whichever was chosen where; without a choice the newest and the one
    before it. People are told apart by what stands on their record, which is the same at both times.
    """

    DIMENSIONS = ("country", "tier", "account")

    before = forms.ChoiceField(widget=Select, label=_("From wave"), required=False)
    wave = forms.ChoiceField(widget=Select, label=_("To wave"), required=False)
    flagged = ResultsForm.base_fields["flagged"]
    was = forms.ChoiceField(choices=Place.choices, required=False)
    became = forms.ChoiceField(choices=Place.choices, required=False)
    why = forms.ChoiceField(
        widget=Select, label=_("Who had"), choices=(("", _("Anything")), *Why.choices), required=False
    )

    def __init__(self, data: QueryDict, *, waves: Sequence[Wave], least: int) -> None:
        self.all, self.least = list(waves), least
        super().__init__(data, waves=waves)
        self.fields["before"].choices = self.waves_offered  # type: ignore[attr-defined]
        if self.pair:
            first, last = self.pair
            asked = data.copy()
            asked["before"], asked["wave"] = str(first.pk), str(last.pk)
            self.query = self.data = asked

    def waves_offered(self) -> list[tuple[str, Any]]:
        return [(pk, wave.name) for pk, wave in self.waves.items()]

    @cached_property
    def pair(self) -> tuple[Wave, Wave] | None:
        """None where there is no second wave of the kind."""
        last = self.waves.get(self._said("wave")) or figures.first_looked_at(self.all, self.least)
        if last is None:
            return None
        kind = figures.of_the_kind_of(last, self.all)
        chosen = self.waves.get(self._said("before"))
        if chosen in kind and chosen != last:
            return _in_time(chosen, last)
        older = [wave for wave in kind if wave.opens_at < last.opens_at]
        return (older[0], last) if older else None

    def _said(self, name: str) -> str:
        return str(self.data.get(name, ""))

    @property
    def asked(self) -> movement.Asked | None:
        cut = Cut(trusted=self.cleaned_data.get("flagged") != WITH, **self.people)
        return movement.Asked(*self.pair, cut) if self.pair else None

    @property
    def cell(self) -> tuple[Place, Place, str]:
        """Whose people are asked for: from where, to where, and why. Without a choice those it is mostly about."""
        was, became = self.cleaned_data.get("was"), self.cleaned_data.get("became")
        return Place(was or Place.PROMOTER), Place(became or Place.PASSIVE), self.cleaned_data.get("why", "")

    @property
    def people(self) -> dict[str, Any]:
        return {name: value for name, value in super().people.items() if name in self.DIMENSIONS}

    @property
    def narrowing(self) -> list[Any]:
        return [self[name] for name in self.DIMENSIONS]


def _in_time(one: Wave, other: Wave) -> tuple[Wave, Wave]:
    return (one, other) if one.opens_at <= other.opens_at else (other, one)
