"""One answer to many."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from cases.forms.desk import CauseChoice, OfferingForm, OutcomeChoice


class FloodForm(OfferingForm):
    EACH, NONE = "each", "none"

    how = forms.ChoiceField(
        label=_("What they get"), widget=forms.RadioSelect, initial=EACH, required=False,
        choices=(
            (EACH, _("Each of them this answer, as a reply of its own")),
            (NONE, _("No answer: only the others are resolved, like this one")),
        ),
    )  # fmt: skip
    text = forms.CharField(
        label=_("Answer"), widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}), required=False, strip=False,
        max_length=100_000,
    )  # fmt: skip
    cause = CauseChoice(label=_("Resolve them with the cause"), required=False, empty_label=_("Do not resolve them"))
    outcome = OutcomeChoice(label=_("Outcome"))

    def answer(self) -> str:
        """What is sent; empty for none."""
        wanted = self.cleaned_data.get("how") or self.EACH
        return (self.cleaned_data.get("text") or "") if wanted == self.EACH else ""
