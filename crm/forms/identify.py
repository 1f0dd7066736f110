"""What somebody who is asked who they are fills in, on a page of their own."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class WhoForm(forms.Form):
    who = forms.CharField(
        label=_("Your e-mail address or customer number"),
        max_length=255,
        widget=forms.TextInput(
            attrs={"autocomplete": "email", "autocapitalize": "none", "autocorrect": "off", "spellcheck": "false"}
        ),
    )


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("The six digits"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "front__code"}),
    )
