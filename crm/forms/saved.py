"""A filter of a list, kept under a name."""

from django import forms
from django.utils.translation import gettext_lazy as _

from crm.models import SavedView


class SavedViewForm(forms.ModelForm[SavedView]):
    shared = forms.BooleanField(label=_("Share with everyone"), required=False)

    class Meta:
        model = SavedView
        fields = ["page", "name", "query"]
