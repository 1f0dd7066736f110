"""What is searched for in cases: words and the filter around them."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.forms.queue import ANY, Offered
from cases.models import Case
from cases.search import Wanted
from channels_app.models import About, Intent, Urgency
from crm.widgets import Select


class SearchForm(forms.Form):
    """What cannot be read is left out, never an error page. Dates are days of the reader's zone, both included."""

    US, THEM = "us", "them"

    q = forms.CharField(label=_("Words"), max_length=200, required=False)
    channel = forms.TypedChoiceField(widget=Select, label=_("Channel"), coerce=int, empty_value=None, required=False)
    cause = forms.TypedChoiceField(widget=Select, label=_("Cause"), coerce=int, empty_value=None, required=False)
    state = forms.ChoiceField(widget=Select, label=_("State"), choices=(ANY, *Case.State.choices[:-1]), required=False)
    wants = forms.ChoiceField(widget=Select, label=_("They want"), choices=(ANY, *Intent.choices), required=False)
    about = forms.ChoiceField(widget=Select, label=_("About"), choices=(ANY, *About.choices), required=False)
    urgency = forms.ChoiceField(widget=Select, label=_("Urgency"), choices=(ANY, *Urgency.choices), required=False)
    handle = forms.CharField(label=_("Handle begins with"), max_length=120, required=False)
    said_by = forms.ChoiceField(
        widget=Select, label=_("Said by"), choices=(ANY, (THEM, _("The customer")), (US, _("Us"))), required=False
    )
    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}), required=False)
    until = forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}), required=False)

    def __init__(self, data: Any, *, offered: Offered) -> None:
        super().__init__(data)
        self.fields["channel"].choices = lambda: [ANY, *offered.channels]  # type: ignore[attr-defined]
        self.fields["cause"].choices = lambda: [ANY, *offered.causes]  # type: ignore[attr-defined]
        self.is_valid()

    @property
    def words(self) -> str:
        return self.cleaned_data.get("q") or ""

    def wanted(self) -> Wanted:
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        since, until = chosen.get("since"), chosen.get("until")
        return Wanted(
            channel=chosen.get("channel"), cause=chosen.get("cause"), state=chosen.get("state", ""),
            handle=chosen.get("handle", ""), by_us={self.US: True, self.THEM: False}.get(chosen.get("said_by", "")),
            intent=chosen.get("wants", ""), topic=chosen.get("about", ""), urgency=chosen.get("urgency", ""),
            since=_midnight(since) if since else None,
            until=_midnight(until + timedelta(days=1)) if until else None,
        )  # fmt: skip


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
