"""What a customer allows, as somebody on our side records it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.models import Consent, Purpose

ANYTHING = "any"  # the absolute: no contact whatever, or contact again
UNKNOWN = "unknown"


class HowForm(forms.Form):
    how = forms.CharField(
        label=_("How we know"),
        max_length=300,
        help_text=_("What they said or wrote, and where."),
        error_messages={"required": _("Say how we know: what they said or wrote, and where.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class PurposeForm(HowForm):
    """A change for one purpose."""

    what = forms.ChoiceField(label=_("What for"), choices=Purpose.choices)
    state = forms.ChoiceField(
        label=_("What they want"),
        choices=[
            (Consent.State.GIVEN, _("Yes")),
            (Consent.State.REFUSED, _("No")),
            (UNKNOWN, _("Not known any more")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what they want.")},
    )
    field_order = ["what", "state", "how"]


class AbsoluteForm(HowForm):
    """A change of the absolute "do not contact me": refused forbids any contact, given allows it again."""

    what = forms.ChoiceField(choices=[(ANYTHING, "")], widget=forms.HiddenInput)
    state = forms.ChoiceField(choices=Consent.State.choices, widget=forms.HiddenInput)
