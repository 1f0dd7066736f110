"""Which loops are looked at: those opened in a period, how they stand, where, and of whom. The form is its URL."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.finding.reading import clean
from crm.models import Customer, User
from crm.web import without
from crm.widgets import Select
from surveys.models import Loop
from surveys.models.loops import LoopQuerySet

ANY = ("", _("Any"))
PERIODS = (("30", _("30 days")), ("90", _("90 days")), ("180", _("Half a year")), ("365", _("A year")))
FIRST = "180"
STEPS = (
    ANY, ("called", _("The first call")), ("given", _("The answer of a group")), ("told", _("Telling what came of it")),
)  # fmt: skip


class LoopsForm(forms.Form):
    """What cannot be read is left out; without a period it is half a year."""

    days = forms.ChoiceField(widget=Select, label=_("Opened"), choices=PERIODS, required=False)
    state = forms.ChoiceField(widget=Select, label=_("State"), choices=(ANY, *Loop.State.choices), required=False)
    step = forms.ChoiceField(widget=Select, label=_("Waits for, or broke off before"), choices=STEPS, required=False)
    q = forms.CharField(label=_("Customer"), max_length=200, required=False)

    def __init__(self, data: QueryDict) -> None:
        asked = data.copy()
        asked.setdefault("days", FIRST)
        super().__init__(asked)
        self.query = data
        self.is_valid()

    @cached_property
    def period(self) -> tuple[datetime, datetime]:
        """From when to when they were opened, until now."""
        now = timezone.now()
        return now - timedelta(days=int(self.cleaned_data.get("days") or FIRST)), now

    def narrow(self, loops: LoopQuerySet, user: User) -> LoopQuerySet:
        """The list; a customer is looked for among those this person may see."""
        found = loops.opened_since(self.period[0])
        if state := self.cleaned_data.get("state"):
            found = found.filter(state=state)
        if step := self.cleaned_data.get("step"):
            found = found.standing_at(step)
        if words := clean(self.cleaned_data.get("q", "")):
            found = found.of_customers(Customer.objects.visible_to(user).called(words))
        return found

    @property
    def in_force(self) -> list[dict[str, Any]]:
        """What is narrowed beyond the period, in words, each with the querystring without it."""
        chosen = {name: self.cleaned_data.get(name) for name in ("state", "step", "q")}
        return [self._in_words(name, value) for name, value in chosen.items() if value]

    def _in_words(self, name: str, value: str) -> dict[str, Any]:
        words = dict(getattr(self.fields[name], "choices", ()))
        return {
            "label": self.fields[name].label, "value": words.get(value, value),
            "without": without(self.query, name, "after"),
        }  # fmt: skip
