"""Which advocates are looked at, a letter to one, and what one said."""

from __future__ import annotations

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.widgets import Select
from surveys.models import Advocate, AdvocateLetter
from surveys.models.recognition import AdvocateQuerySet

MOST: int = AdvocateLetter._meta.get_field("text").max_length or 0


class AdvocatesForm(forms.Form):
    """What cannot be read is left out; without a state it is the candidates. The form is its URL."""

    state = forms.ChoiceField(
        widget=Select, label=_("State"), choices=(*Advocate.State.choices, ("all", _("All"))), required=False
    )

    def __init__(self, data: QueryDict) -> None:
        asked = data.copy()
        asked.setdefault("state", Advocate.State.CANDIDATE)
        super().__init__(asked)
        self.is_valid()

    @property
    def chosen(self) -> str:
        return self.cleaned_data.get("state") or Advocate.State.CANDIDATE

    def narrow(self, found: AdvocateQuerySet) -> AdvocateQuerySet:
        return found if self.chosen == "all" else found.in_state(self.chosen)


class LetterForm(forms.Form):
    text = forms.CharField(
        label=_("What they read"), max_length=MOST, widget=forms.Textarea(attrs={"rows": 12, "dir": "auto"}), strip=True
    )


class SaidForm(forms.Form):
    """What they said, and how we know."""

    said = forms.ChoiceField(
        choices=[("yes", _("Yes")), ("no", _("No"))],
        error_messages=dict.fromkeys(("required", "invalid_choice"), _("Say whether it was a yes or a no.")),
    )
    how = forms.CharField(max_length=300, required=False)


class EndForm(forms.Form):
    how = forms.CharField(max_length=300, required=False)
