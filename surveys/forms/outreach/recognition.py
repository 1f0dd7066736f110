"""Whose cards of which month, and thanks by name."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.models import Team, User
from crm.widgets import Select
from surveys.models import Recognition
from surveys.recognition import cards, doors, months
from surveys.recognition.months import Month

BACK = 12  # months to choose from


class CardsForm(forms.Form):
    """What cannot be read is left out; without a month it is this one. The form is its URL."""

    month = forms.ChoiceField(widget=Select, label=_("Month"), required=False)
    team = forms.ModelChoiceField(
        Team.objects.none(), widget=Select, label=_("Team"), required=False, empty_label=_("All")
    )

    def __init__(self, data: QueryDict, *, user: User, now: datetime) -> None:
        self.user, self.chosen = user, months.read(data.get("month", ""), now)
        asked = data.copy()
        asked["month"] = self.chosen.key
        super().__init__(asked)
        self.fields["month"].choices = [(month.key, str(month)) for month in self._offered(now)]  # type: ignore[attr-defined]
        self.fields["team"].queryset = Team.objects.visible_to(user).in_use()  # type: ignore[attr-defined]
        self.is_valid()

    def _offered(self, now: datetime) -> list[Month]:
        """The last year's, the newest first; and the one that is looked at."""
        found = [months.month_of(now)]
        while len(found) < BACK:
            found.append(found[-1].before)
        return sorted({*found, self.chosen}, reverse=True)

    @property
    def people(self) -> QuerySet[User]:
        return cards.people_of(self.user, self.cleaned_data.get("team"))


class ThanksForm(forms.ModelForm[Recognition]):
    """`about` names what it is for, as "call:12"; what its writer may not see counts as nothing."""

    about = forms.CharField(widget=forms.HiddenInput, required=False, max_length=100)

    class Meta:
        model = Recognition
        fields = ("person", "what", "words")
        widgets = {"person": Select, "what": Select, "words": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by = by
        colleagues = User.objects.filter(is_active=True).exclude(pk=by.pk)
        self.fields["person"].queryset = colleagues.order_by("first_name", "last_name", "pk")  # type: ignore[attr-defined]
        self.fields["words"].required = True
        self.fields["words"].help_text = _("They read it on their card, and so do leads. Leave names of customers out.")

    @property
    def subject(self) -> Any:
        return doors.about(str(self["about"].value() or ""), self.by)

    def said(self) -> dict[str, Any]:
        return {**{name: self.cleaned_data[name] for name in self.Meta.fields}, "about": self.subject}

    def _post_clean(self) -> None:
        """What is refused is refused by `thanking.recognise`, in its own words."""
