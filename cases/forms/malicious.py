"""What is done about a malicious message, and the filter of the list of it."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from channels_app import measures
from channels_app.models import Measure
from channels_app.models.measures import MeasureQuerySet

ANY = ("", _("Any"))
KINDS = [(kind.value, kind.label) for kind in measures.AGAINST]


class MeasureForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("What to do"), choices=KINDS, widget=forms.RadioSelect,
        error_messages={"required": _("Choose what to do about it.")},
    )  # fmt: skip
    reason = forms.ChoiceField(
        label=_("Why"), choices=(("", _("Choose why")), *Measure.Reason.choices),
        error_messages={"required": _("Say why: without a reason nothing is done about anybody.")},
    )  # fmt: skip
    detail = forms.CharField(label=_("More, for whoever looks at it next"), max_length=300, required=False)


class MaliciousForm(forms.Form):
    """The filter, which is also the URL. What cannot be read is left out."""

    kind = forms.ChoiceField(label=_("What"), choices=(ANY, *KINDS), required=False)
    state = forms.ChoiceField(label=_("State"), choices=(ANY, *Measure.State.choices), required=False)

    def narrow(self, found: MeasureQuerySet) -> MeasureQuerySet:
        self.is_valid()
        return found.filter(**{name: value for name, value in self.cleaned_data.items() if value})

    @property
    def state_chosen(self) -> bool:
        self.is_valid()
        return bool(self.cleaned_data.get("state"))
