"""Templates, how the desk works, and the lists of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import transaction
from django.forms.models import BaseInlineFormSet, inlineformset_factory
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import DeskSettings, Template, TemplateText
from cases.models.words import TemplateQuerySet
from cases.wording import templates
from crm.models import Team


class TemplatesForm(forms.Form):
    """The filter of the list of templates."""

    IN_USE, RETIRED = "", "retired"

    q = forms.CharField(label=gettext_lazy("Words"), max_length=100, required=False)
    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False,
        choices=((IN_USE, gettext_lazy("In use")), (RETIRED, gettext_lazy("Retired"))),
    )  # fmt: skip

    def narrow(self, found: TemplateQuerySet) -> TemplateQuerySet:
        self.is_valid()
        retired = self.cleaned_data.get("state") == self.RETIRED
        found = found.exclude(retired_at=None) if retired else found.in_use()
        return found.saying(self.cleaned_data.get("q") or "")


class TemplateForm(forms.ModelForm[Template]):
    class Meta:
        model = Template
        fields = ["name", "purpose", "team", "channels"]
        widgets = {"channels": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["team"].queryset = Team.objects.in_use()  # type: ignore[attr-defined]
        self.fields["team"].empty_label = _("All teams")  # type: ignore[attr-defined]


class TextForm(forms.ModelForm[TemplateText]):
    language = forms.CharField(
        label=gettext_lazy("Language"), max_length=2, initial=templates.LANGUAGE,
        help_text=gettext_lazy("Two letters: en, es, de"),
    )  # fmt: skip

    class Meta:
        model = TemplateText
        fields = ["language", "text"]
        widgets = {"text": forms.Textarea(attrs={"rows": 6, "dir": "auto"})}

    def clean_language(self) -> str:
        code: str = self.cleaned_data["language"].strip().lower()
        if len(code) != 2 or not (code.isascii() and code.isalpha()):
            raise forms.ValidationError(_("“%(code)s” is not a two-letter language code."), params={"code": code})
        return code

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"].strip()
        if wrong := list(templates.mistakes(text)):
            raise forms.ValidationError(wrong)
        return text


class TextsFormSet(BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        kept = [form for form in self.forms if form.has_changed() or form.instance.pk]
        kept = [form for form in kept if form not in self.deleted_forms]
        if not kept:
            raise forms.ValidationError(_("A template needs a text in at least one language."))

    def get_unique_error_message(self, unique_check: Any) -> str:
        return str(_("A template has one text per language."))


Texts = inlineformset_factory(
    Template, TemplateText, form=TextForm, formset=TextsFormSet, extra=1, max_num=20, can_delete=True
)


@transaction.atomic
def save_template(form: TemplateForm, texts: Any) -> Template:
    """The template with its texts, all or nothing."""
    saved: Template = form.save()
    texts.instance = saved
    texts.save()
    return saved


class DeskForm(forms.ModelForm[DeskSettings]):
    guard_likeness = forms.IntegerField(
        label=gettext_lazy("Replies count as the same from"), min_value=30, max_value=100,
        help_text=gettext_lazy(
            "Percent, 30 to 100: two-word pieces that both have, of all that either has. Links, handles, numbers, names"
            " and the greeting do not count."
        ),
    )  # fmt: skip
    guard_people = forms.IntegerField(
        label=gettext_lazy("Warn when as many people got it"), min_value=1, max_value=1000,
        help_text=gettext_lazy("Other customers, before this one: 1 to 1,000."),
    )  # fmt: skip
    guard_hours = forms.IntegerField(
        label=gettext_lazy("Within"), min_value=1, max_value=720,
        help_text=gettext_lazy("Hours, 1 to 720. What was sent before is not compared any more."),
    )  # fmt: skip
    undo_seconds = forms.IntegerField(
        label=gettext_lazy("Time to undo a reply"), min_value=0, max_value=120,
        help_text=gettext_lazy("Seconds before a reply leaves, 0 to 120. 0: it leaves at once."),
    )  # fmt: skip
    offer_minutes = forms.IntegerField(
        label=gettext_lazy("An offer of a case lapses after"), min_value=1, max_value=240,
        help_text=gettext_lazy("Minutes, 1 to 240; then the next person is offered it."),
    )  # fmt: skip
    alike_days = forms.IntegerField(
        label=gettext_lazy("Put alike posts together for"), min_value=0, max_value=30,
        help_text=gettext_lazy(
            "Days, 0 to 30, from the first of them: those that begin with nearly the same words stand in the queue"
            " behind one of them. 0: each stands by itself."
        ),
    )  # fmt: skip

    class Meta:
        model = DeskSettings
        fields = ["guard_likeness", "guard_people", "guard_hours", "undo_seconds", "offer_minutes", "alike_days"]
