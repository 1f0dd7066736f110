"""Which answers are looked at: the filter of the figures, and that of the list of responses. Both are their URL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from cases.forms.queue import Offered
from crm.models import Customer, Tier
from crm.web import without
from crm.widgets import Select
from surveys import figures
from surveys.models import Flag, Group, Wave
from surveys.models.answers import ResponseQuerySet
from surveys.segments import DIMENSIONS, NONE, UNKNOWN, Cut, accounts_of

ANY = ("", _("Any"))
CASES = "cases"
WITH = "with"
YES, NO = "yes", "no"


class CutForm(forms.Form):
    """What cannot be read is left out, never an error page. `waves` are those in which anybody was asked."""

    wave = forms.ChoiceField(widget=Select, label=_("Wave"), required=False)
    country = forms.ChoiceField(widget=Select, label=_("Country"), required=False)
    tier = forms.ChoiceField(widget=Select, label=_("Tier"), choices=(ANY, *Tier.choices), required=False)
    account = forms.TypedChoiceField(widget=Select, label=_("Account"), coerce=int, empty_value=None, required=False)
    channel = forms.TypedChoiceField(widget=Select, label=_("Channel"), coerce=int, empty_value=None, required=False)
    cause = forms.TypedChoiceField(widget=Select, label=_("Category"), coerce=int, empty_value=None, required=False)

    def __init__(self, data: QueryDict, *, waves: Sequence[Wave]) -> None:
        super().__init__(data)
        self.query = data
        self.waves, self.offered = {str(wave.pk): wave for wave in waves}, Offered()
        lazily = {
            "wave": lambda: self.waves_offered(), "country": lambda: [ANY, *self._countries], "account": self._accounts,
            "channel": lambda: self._named("channel", self.offered.channels),
            "cause": lambda: self._named("cause", self.offered.causes),
        }  # fmt: skip
        for name, choices in lazily.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]
        self.is_valid()

    def waves_offered(self) -> list[tuple[str, Any]]:
        return [*((pk, wave.name) for pk, wave in self.waves.items()), (CASES, _("After cases"))]

    @cached_property
    def _countries(self) -> list[tuple[str, str]]:
        known = [(code, code) for code in Customer.objects.countries()]
        return [*known, (UNKNOWN, str(DIMENSIONS["country"].none))]

    @cached_property
    def _in_accounts(self) -> list[tuple[int, str]]:
        return accounts_of(self.chosen)

    def _accounts(self) -> list[tuple[Any, Any]]:
        return self._named("account", self._in_accounts)

    def _named(self, name: str, found: Sequence[tuple[int, str]]) -> list[tuple[Any, Any]]:
        return [ANY, *found, (NONE, DIMENSIONS[name].none)]

    @property
    def chosen(self) -> Wave | None:
        """The wave in the address, where there is one."""
        return self.waves.get(str(self.data.get("wave", "")))

    @property
    def after_cases(self) -> bool:
        return self.data.get("wave") == CASES

    @property
    def people(self) -> dict[str, Any]:
        """Of whom: what of a `Cut` is chosen. The empty text is anybody, 0 of an account is none."""
        chosen = {name: value for name in DIMENSIONS if (value := self.cleaned_data.get(name)) not in ("", None)}
        return chosen | ({"country": ""} if chosen.get("country") == UNKNOWN else {})

    @property
    def narrowing(self) -> list[Any]:
        """The fields behind "more filters"."""
        return [self[name] for name in DIMENSIONS]

    @property
    def in_force(self) -> list[dict[str, Any]]:
        """The filters in force in words, each with the querystring without it."""
        return [self._in_words(name, value) for name, value in self.people.items()]

    def _in_words(self, name: str, value: Any) -> dict[str, Any]:
        words = {str(key): label for key, label in self.fields[name].choices}  # type: ignore[attr-defined]
        return {
            "label": self.fields[name].label, "value": words.get(str(value) or UNKNOWN, value),
            "without": without(self.query, name, "after"),
        }  # fmt: skip


class ResultsForm(CutForm):
    """Figures are of one wave or of the answers after cases; without a choice, of the newest that says anything."""

    flagged = forms.ChoiceField(
        widget=Select, label=_("Flagged answers"), choices=(("", _("Left out")), (WITH, _("Counted"))), required=False
    )

    def __init__(self, data: QueryDict, *, waves: Sequence[Wave], least: int) -> None:
        self.first = figures.first_looked_at(waves, least)
        super().__init__(data, waves=waves)
        if not data.get("wave") and self.first:
            self.query = self.data = data.copy()
            self.query["wave"] = str(self.first.pk)

    @property
    def chosen(self) -> Wave | None:
        return None if self.after_cases else super().chosen or self.first

    def cut(self, now: datetime) -> Cut:
        trusted = self.cleaned_data.get("flagged") != WITH
        return Cut(wave=self.chosen, since=now - figures.AFTER_CASES, trusted=trusted, **self.people)


class ResponsesForm(CutForm):
    group = forms.ChoiceField(widget=Select, label=_("Group"), choices=(ANY, *Group.choices), required=False)
    score = forms.TypedChoiceField(
        widget=Select, label=_("Score"), choices=(ANY, *((n, n) for n in range(11))), coerce=int, empty_value=None,
        required=False,
    )  # fmt: skip
    flag = forms.ChoiceField(
        widget=Select, label=_("Flag"), choices=(ANY, (YES, _("Any flag")), *Flag.Kind.choices), required=False
    )
    counted = forms.ChoiceField(
        widget=Select, label=_("Counts"), choices=(ANY, (YES, _("Yes")), (NO, _("No"))), required=False
    )

    def waves_offered(self) -> list[tuple[str, Any]]:
        return [ANY, *super().waves_offered()]

    @property
    def narrowing(self) -> list[Any]:
        return [*super().narrowing, self["flag"], self["counted"]]

    def narrow(self, rows: ResponseQuerySet) -> ResponseQuerySet:
        cut = Cut(wave=self.chosen, trusted=False, **self.people)
        rows = cut.responses(rows) if self.chosen or self.after_cases else cut.people(rows)
        for name, narrow in NARROWING.items():
            if (value := self.cleaned_data.get(name)) not in ("", None):
                rows = narrow(rows, value)
        return rows


NARROWING: dict[str, Callable[[ResponseQuerySet, Any], ResponseQuerySet]] = {
    "group": lambda rows, group: rows.filter(group=group),
    "score": lambda rows, score: rows.filter(score=score),
    "flag": lambda rows, kind: rows.flagged("" if kind == YES else kind),
    "counted": lambda rows, chosen: rows.trusted() if chosen == YES else rows.not_trusted(),
}
