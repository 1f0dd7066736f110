"""A wave in the making, with the filter of the customer list, and the lists of who was asked and who was not."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.forms import CustomersForm
from crm.forms.customers import ANY, day_input
from surveys.models import Invitation, Survey, SurveySettings, Version, Wave
from surveys.models.waves import InvitationQuerySet
from surveys.reaching import Reason

moment_input = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
LENGTH, HALF_A_YEAR = timedelta(days=21), timedelta(weeks=26)


def audience_of(data: QueryDict) -> tuple[str, CustomersForm]:
    """The filters of the list of customers in `data`, as its querystring, and their form."""
    form = CustomersForm(data)
    chosen = QueryDict(mutable=True)
    for name in form.fields:
        if value := data.get(name, "").strip():
            chosen[name] = value
    return chosen.urlencode(), form


class WaveForm(forms.ModelForm[Wave]):
    """Who is asked stands in the fields of `people`, under the names the list of customers gives them."""

    class Meta:
        model = Wave
        fields = [
            "name", "version", "opens_at", "closes_at", "next_on", "share", "rest_days", "per_hour", "remind_days",
            "reminders", "seed", "effort_reason",
        ]  # fmt: skip
        widgets: ClassVar[dict[str, Any]] = {"opens_at": moment_input, "closes_at": moment_input, "next_on": day_input}
        help_texts: ClassVar[dict[str, Any]] = {
            "closes_at": _("No answers are taken after this."),
            "next_on": _("Who would go a year unasked until then is asked now, whatever the share."),
            "share": _("Percent of those who need not be asked yet, in each country, tier, and in accounts or not."),
            "effort_reason": _("Only where the check of its effort fails: why is it sent all the same?"),
        }

    def __init__(self, data: QueryDict | None = None, *, people: QueryDict, **given: Any) -> None:
        super().__init__(data, **given)
        versions = Version.objects.filter(survey__retired_at=None).exclude(survey__kind=Survey.Kind.CASE)
        self.fields["version"].queryset = versions.select_related("survey")  # type: ignore[attr-defined]
        self.fields["version"].empty_label = _("Choose one")  # type: ignore[attr-defined]
        self.fields["share"].min_value = 1  # type: ignore[attr-defined]
        self.fields["seed"].required = False
        self.audience, self.people = audience_of(people if data is None else data)

    def clean_share(self) -> int:
        share: int = self.cleaned_data["share"]
        if not 1 <= share <= 100:
            raise forms.ValidationError(_("A share is from 1 to 100 percent."))
        return share

    def clean_reminders(self) -> int:
        reminders: int = self.cleaned_data["reminders"]
        if reminders > 3:
            raise forms.ValidationError(_("Three reminders at most."))
        return reminders

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        opens, closes = found.get("opens_at"), found.get("closes_at")
        if opens and closes and closes <= opens:
            self.add_error("closes_at", _("It closes after it has opened."))
        for name, wrong in self.people.errors.items():  # a filter nobody could read would ask everybody
            label = self.people.fields[name].label
            self.add_error(None, forms.ValidationError(f"{label}: {' '.join(map(str, wrong))}"))
        return found

    @property
    def facts(self) -> dict[str, Any]:
        """What `waves.draft` and `waves.change` take."""
        given = {name: value for name, value in self.cleaned_data.items() if name != "seed" or value}
        return given | {"audience": self.audience}


def proposed(now: datetime) -> dict[str, Any]:
    """A new wave: tomorrow at nine where the reader is, for three weeks, and the next in half a year."""
    zone = timezone.get_current_timezone()
    opens = timezone.make_aware(datetime.combine(timezone.localdate(now) + timedelta(days=1), time(9)), zone)
    rest = SurveySettings.current().rest_days
    next_on = timezone.localdate(opens) + HALF_A_YEAR
    return {"opens_at": opens, "closes_at": opens + LENGTH, "next_on": next_on, "rest_days": rest}


class ExtendForm(forms.Form):
    closes_at = forms.DateTimeField(label=_("Closes"), widget=moment_input)


class LeftOutForm(forms.Form):
    """Why somebody is left out: not drawn, until another reason is chosen."""

    reason = forms.ChoiceField(label=_("Why"), choices=Reason.choices, required=False)

    def __init__(self, data: QueryDict) -> None:
        asked = data.copy()
        asked.setdefault("reason", Reason.NOT_DRAWN)
        super().__init__(asked)

    @property
    def chosen(self) -> Reason:
        told = self.cleaned_data.get("reason") if self.is_valid() else ""
        return Reason(told or Reason.NOT_DRAWN)


class InvitedForm(forms.Form):
    state = forms.ChoiceField(label=_("State"), choices=(ANY, *Invitation.State.choices), required=False)

    def narrow(self, invitations: InvitationQuerySet) -> InvitationQuerySet:
        state = self.cleaned_data.get("state") if self.is_valid() else ""
        return invitations.filter(state=state) if state else invitations
