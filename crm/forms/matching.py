"""What may be decided about matches without a person."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.models import MatchRule

ON_OR_OFF = (("1", _("On")), ("0", _("Off")))


class MatchRuleForm(forms.Form):
    """A button of the page: which rule, and whether it is to be on."""

    evidence = forms.ChoiceField(choices=MatchRule.Evidence.choices)
    on = forms.TypedChoiceField(choices=ON_OR_OFF, coerce=lambda value: value == "1", empty_value=None)
