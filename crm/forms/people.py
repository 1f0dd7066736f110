"""How people work: languages, skills, shift, load; and when they are away."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf.locale import LANG_INFO
from django.utils.translation import gettext_lazy as _

from crm.models import Skill, User
from crm.people import AbsenceRefused

BY_NAME = {str(facts["name"]).lower(): code for code, facts in LANG_INFO.items() if len(code) == 2 and "name" in facts}


class LanguagesField(forms.CharField):
    """A list of two-letter codes, typed with commas between them; the English name of a language will do too."""

    def __init__(self, **kwargs: Any) -> None:
        facts = {
            "label": _("Languages"), "required": False, "max_length": 200,
            "help_text": _("Codes or names, separated by commas: en, es, Italian. Empty: English only."),
        }  # fmt: skip
        super().__init__(**{**facts, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        words = [word.strip().lower() for word in super().clean(value).split(",")]
        codes = [BY_NAME.get(word, word) for word in words if word]
        if wrong := next((code for code in codes if len(code) != 2 or not (code.isascii() and code.isalpha())), None):
            raise forms.ValidationError(
                _("“%(word)s” is no language we know. Write a two-letter code."), params={"word": wrong}
            )
        return list(dict.fromkeys(codes))


class PersonWorkForm(forms.ModelForm[User]):
    """What a lead says of how somebody works."""

    languages = LanguagesField()
    skills = forms.ModelMultipleChoiceField(
        Skill.objects.in_use(), label=_("Skills"), required=False, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = User
        fields = ["languages", "shift", "load_cap"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["shift"].empty_label = _("At any time")  # type: ignore[attr-defined]
        self.fields["load_cap"].min_value = 0  # type: ignore[attr-defined]
        self.fields["skills"].initial = list(self.instance.skills.in_use().values_list("pk", flat=True))  # type: ignore[attr-defined]

    def _save_m2m(self) -> None:
        """Skills that are retired stay with whoever has them."""
        super()._save_m2m()  # type: ignore[misc]
        retired = self.instance.skills.exclude(retired_at=None)
        self.instance.skills.set([*self.cleaned_data["skills"], *retired])


class SkillForm(forms.ModelForm[Skill]):
    class Meta:
        model = Skill
        fields = ["name"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Skill.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("There is a skill of this name already."))
        return name


class AbsenceForm(forms.Form):
    """When `user` is away, and who covers."""

    starts_at = forms.DateTimeField(label=_("From"))
    ends_at = forms.DateTimeField(label=_("Until"))
    cover = forms.ModelChoiceField(
        User.objects.none(), label=_("Covered by"), required=False, empty_label=_("Nobody: back to the queue")
    )
    why = forms.CharField(label=_("Why"), required=False, max_length=120, help_text=_("Colleagues see it."))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("starts_at", "ends_at"):
            self.fields[name].widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        others = User.objects.who_answer().exclude(pk=user.pk)
        self.fields["cover"].queryset = others.order_by("first_name", "username")  # type: ignore[attr-defined]

    def refuse(self, refusal: AbsenceRefused) -> None:
        """Say it beside the field it is about."""
        self.add_error(refusal.field, str(refusal))
