"""The filter of what searches found."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cases import hits
from cases.forms.queue import ANY
from cases.search import read
from channels_app.models import Intent, Search, Sentiment, Urgency
from crm.widgets import Select


class HitsForm(forms.Form):
    """It is also the URL. What cannot be read is left out, never an error page."""

    STATES = (
        (hits.OPEN, _("To look at")), (hits.TAKEN, _("In the queue, or answered")), (hits.DISMISSED, _("Not for us")),
    )  # fmt: skip

    q = forms.CharField(label=_("Words"), max_length=200, required=False)
    state = forms.ChoiceField(widget=Select, label=_("Show"), choices=STATES, required=False)
    search = forms.TypedChoiceField(widget=Select, label=_("Search"), coerce=int, empty_value=None, required=False)
    mood = forms.ChoiceField(widget=Select, label=_("Mood"), choices=(ANY, *Sentiment.choices), required=False)
    wants = forms.ChoiceField(widget=Select, label=_("They want"), choices=(ANY, *Intent.choices), required=False)
    urgency = forms.ChoiceField(widget=Select, label=_("Urgency"), choices=(ANY, *Urgency.choices), required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        searches = list(Search.objects.values_list("pk", "name"))
        self.fields["search"].choices = [ANY, *searches]  # type: ignore[attr-defined]
        self.has_searches = bool(searches)
        self.is_valid()

    def wanted(self) -> hits.Wanted:
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        return hits.Wanted(
            state=chosen.get("state", hits.OPEN), search=chosen.get("search"), sentiment=chosen.get("mood", ""),
            intent=chosen.get("wants", ""), urgency=chosen.get("urgency", ""), words=read(chosen.get("q", "")),
        )  # fmt: skip
