"""Which calls are looked for, and what is typed when one is planned, handed back or given away."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from crm.forms.customers import country_code
from crm.models import User
from surveys.models import Call, Group
from surveys.models.calls import CallQuerySet
from surveys.outreach import assigning, listing
from surveys.outreach.assigning import roster

MINE, POOL, ALL = "mine", "pool", "all"
LIVE, OVERDUE, ANY = "", "overdue", "any"
moment_input = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")

Choices = list[tuple[str, StrOrPromise]]


def callers() -> Choices:
    people = roster.who_may_call().order_by("first_name", "last_name", "pk")
    return [(str(person.pk), str(person)) for person in people]


class CallsForm(forms.Form):
    """The filter of the list, which is also its URL. What cannot be read, or is not for this person, is left out.

    `show`: one's own, the pool, or for leads all; a lead's list is all, unless they ask for another.
    """

    show = forms.ChoiceField(choices=[(name, name) for name in (MINE, POOL, ALL)], required=False)
    when = forms.ChoiceField(
        label=_("When"), required=False, choices=[("", _("Any time")), (listing.NOW, _("May be called now"))]
    )
    owner = forms.ChoiceField(label=_("Owner"), required=False)
    to = forms.ChoiceField(label=_("For"), choices=[("", _("Anybody")), *Call.To.choices], required=False)
    group = forms.ChoiceField(label=_("Group"), choices=[("", _("Any")), *Group.choices], required=False)
    state = forms.ChoiceField(
        label=_("State"), required=False,
        choices=[(LIVE, _("To be called")), (OVERDUE, _("Overdue")), *Call.State.choices, (ANY, _("Any"))],
    )  # fmt: skip
    country = forms.CharField(label=_("Country"), max_length=2, required=False)

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        self.user = user
        if user.leads:
            self.fields["owner"].choices = [("", _("Anybody")), *callers()]  # type: ignore[attr-defined]
        self.is_valid()

    def clean_country(self) -> str:
        return country_code(self.cleaned_data["country"])

    @property
    def show_what(self) -> str:
        asked: str = self.cleaned_data.get("show") or (ALL if self.user.leads else MINE)
        return MINE if asked == ALL and not self.user.leads else asked

    def narrow(self, found: CallQuerySet) -> CallQuerySet:
        """`found`: what this person may see."""
        found = self._whose(self._in_state(found))
        if self.user.leads:
            found = self._as_asked(found)
        return listing.callable_now(found, timezone.now()) if self._asked("when") else found

    def _whose(self, found: CallQuerySet) -> CallQuerySet:
        if self.show_what == POOL:
            return found.in_pool()
        return found.filter(owner=self.user) if self.show_what == MINE else found

    def _in_state(self, found: CallQuerySet) -> CallQuerySet:
        state = self._asked("state") if self.user.leads else LIVE
        if state == OVERDUE:
            return found.overdue(timezone.now())
        if state == LIVE:
            return found.live()
        return found if state == ANY else found.filter(state=state)

    def _as_asked(self, found: CallQuerySet) -> CallQuerySet:
        facts = {"owner": "owner", "to": "to", "group": "group", "country": "customer__country"}
        asked = {field: self._asked(name) for name, field in facts.items() if self._asked(name)}
        return found.filter(**asked)

    def _asked(self, name: str) -> str:
        value: str = self.cleaned_data.get(name, "")
        return value


class PlanForm(forms.Form):
    """When they are called: one of the times that are offered (`pick`), or another, on the reader's clock."""

    pick = forms.DateTimeField(required=False, widget=forms.HiddenInput)
    at = forms.DateTimeField(label=_("Another time"), required=False, widget=moment_input)

    def clean(self) -> dict[str, Any]:
        chosen = super().clean() or {}
        if not (chosen.get("pick") or chosen.get("at") or "at" in self.errors):
            self.add_error("at", _("Choose when you want to call."))
        return chosen

    @property
    def moment(self) -> datetime:
        at: datetime = self.cleaned_data["pick"] or self.cleaned_data["at"]
        return at


class HandBackForm(forms.Form):
    why = forms.CharField(
        label=_("Why"), max_length=300, widget=forms.TextInput(attrs={"dir": "auto"}),
        error_messages={"required": assigning.SayWhy.sentence},
        help_text=_("Whoever calls next reads it."),
    )  # fmt: skip


class GiveForm(forms.Form):
    """To a colleague who calls. Each is offered with how many names they have this week."""

    to = forms.ModelChoiceField(
        roster.who_may_call(), widget=forms.RadioSelect, label=_("Give it to"),
        error_messages={"required": _("Choose who has it from now on.")},
    )  # fmt: skip
