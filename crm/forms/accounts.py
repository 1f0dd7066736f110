"""The filter of the account list; an account, its stakeholders, and the personas they are told apart by."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.forms.customers import country_code
from crm.models import Account, Persona, Stakeholder, User
from crm.models.accounts import AccountQuerySet
from crm.models.staff import ACCOUNT_ROLES

MINE, NOBODYS = "me", "nobody"
IN_USE, CLOSED, ALL = "", "closed", "all"


def sellers() -> list[tuple[Any, Any]]:
    people = User.objects.filter(is_active=True, role__in=ACCOUNT_ROLES).order_by("first_name", "username")
    return [(person.pk, str(person)) for person in people]


class AccountsForm(forms.Form):
    """The filter of the account list, which is also its URL. What cannot be read is left out."""

    q = forms.CharField(label=_("Name or outside id"), max_length=200, required=False)
    kind = forms.ChoiceField(label=_("Kind"), choices=(("", _("Any")), *Account.Kind.choices), required=False)
    country = forms.CharField(label=_("Country"), max_length=2, required=False)
    owner = forms.ChoiceField(label=_("Sales person"), required=False)
    state = forms.ChoiceField(
        label=_("State"), choices=((IN_USE, _("In use")), (CLOSED, _("Closed")), (ALL, _("All"))), required=False
    )

    def __init__(self, data: Any, *, user: User) -> None:
        super().__init__(data)
        self.user = user
        whose = [("", _("Anyone")), (MINE, _("Me")), (NOBODYS, _("Nobody"))]
        self.fields["owner"].choices = lambda: [*whose, *sellers()]  # type: ignore[attr-defined]

    def narrow(self, accounts: AccountQuerySet) -> AccountQuerySet:
        self.is_valid()
        chosen = self.cleaned_data
        if words := chosen.get("q"):
            accounts = accounts.called(words)
        exact = {"kind": chosen.get("kind"), "country": (chosen.get("country") or "").upper()}
        accounts = accounts.filter(**{column: value for column, value in exact.items() if value})
        accounts = accounts.filter(self._whose(chosen.get("owner") or ""))
        state = chosen.get("state", IN_USE)
        return accounts if state == ALL else accounts.closed() if state == CLOSED else accounts.in_use()

    def _whose(self, owner: str) -> Q:
        if not owner:
            return Q()
        return Q(owner=self.user) if owner == MINE else Q(owner=None) if owner == NOBODYS else Q(owner=owner)

    @property
    def narrows(self) -> bool:
        """Whether anything is set that leaves accounts out."""
        return any(self.cleaned_data.values())


class AccountForm(forms.ModelForm[Account]):
    website = forms.URLField(label=_("Website"), required=False, max_length=300, assume_scheme="https")
    closed = forms.BooleanField(
        label=_("Closed"), required=False, help_text=_("Keeps its orders and stakeholders; no longer listed.")
    )
    field_order = ["name", "kind", "owner", "industry", "country", "city", "website", "runs", "about", "closed"]

    class Meta:
        model = Account
        fields = ["name", "kind", "owner", "industry", "country", "city", "website", "runs", "about"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = User.objects.filter(is_active=True, role__in=ACCOUNT_ROLES)  # type: ignore[attr-defined]
        self.fields["owner"].empty_label = _("Nobody yet")  # type: ignore[attr-defined]
        self.fields["closed"].initial = self.instance.closed_at is not None

    def clean_country(self) -> str:
        return country_code(self.cleaned_data["country"])

    def save(self, commit: bool = True) -> Account:
        self.instance.close() if self.cleaned_data["closed"] else self.instance.open_again()
        return super().save(commit)


class StakeholderForm(forms.ModelForm[Stakeholder]):
    class Meta:
        model = Stakeholder
        fields = ["role", "influence", "persona", "title", "since_on"]
        widgets = {"since_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        persona = self.fields["persona"]
        held = Q(pk=self.instance.persona_id) if self.instance.persona_id else Q()
        persona.queryset = Persona.objects.in_use() | Persona.objects.filter(held) if held else Persona.objects.in_use()  # type: ignore[attr-defined]
        persona.empty_label = _("Not said")  # type: ignore[attr-defined]


class LeaveForm(forms.Form):
    """The day somebody left; empty for today."""

    left_on = forms.DateField(
        label=_("Left on"), required=False, help_text=_("Empty for today."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )  # fmt: skip

    def clean_left_on(self) -> date | None:
        day: date | None = self.cleaned_data["left_on"]
        if day and day > timezone.localdate():
            raise forms.ValidationError(_("This day is still to come."))
        return day


class PersonaForm(forms.ModelForm[Persona]):
    class Meta:
        model = Persona
        fields = ["name", "description"]
