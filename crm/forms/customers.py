"""The filter of the customer list, and the customer's record."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.utils.formats import date_format
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from crm.models import Consent, Customer, Identity, Purpose, Tier
from crm.models.customers import CustomerQuerySet
from crm.templatetags.hark import tongue


def country_code(text: str) -> str:
    """As in ISO 3166, two capital letters; empty stays empty."""
    code = text.upper()
    if code and (len(code) != 2 or not code.isalpha()):
        raise forms.ValidationError(_("A country is two letters: GB, DE, US."))
    return code


day_input = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

YES, NO, NEVER = "yes", "no", "never"
ANY = ("", _("Any"))
YES_OR_NO = (ANY, (YES, _("Yes")), (NO, _("No")))
CONSENTS = (
    ANY,
    (NEVER, _("Not under any circumstances")),
    *((f"{p}:{state}", format_lazy("{}: {}", p.label, state.label)) for state in Consent.State for p in Purpose),
)
REACHES = (ANY, *((n, format_lazy(_("{n} or more"), n=f"{n:,}")) for n in (100, 1_000, 10_000, 100_000, 1_000_000)))


def _by_consent(customers: CustomerQuerySet, chosen: str) -> CustomerQuerySet:
    purpose, _sign, state = chosen.partition(":")
    return customers.not_to_contact() if chosen == NEVER else customers.whose_consent_is(purpose, state)


NARROWING: dict[str, Callable[[CustomerQuerySet, Any], CustomerQuerySet]] = {
    "tier": lambda customers, tier: customers.filter(tier=tier),
    "country": lambda customers, code: customers.filter(country=code),
    "language": lambda customers, code: customers.filter(language=code),
    "known": lambda customers, chosen: customers.known(chosen == YES),
    "place": lambda customers, place: customers.on_network(place),
    "reach": lambda customers, followers: customers.reaching(followers),
    "account": lambda customers, chosen: customers.in_accounts(chosen == YES),
    "consent": _by_consent,
    "since": lambda customers, day: customers.seen_since(day),
    "until": lambda customers, day: customers.seen_until(day),
}


def add_filter(name: str, label: StrOrPromise, narrow: Callable[[CustomerQuerySet, bool], CustomerQuerySet]) -> None:
    """A yes-or-no filter of an app further up the order, from its AppConfig.ready(): `narrow(customers, yes)`."""
    CustomersForm.added[name] = label
    NARROWING[name] = lambda customers, chosen: narrow(customers, chosen == YES)


class CustomersForm(forms.Form):
    """The search and filter of the customer list, which is also its URL. What cannot be read is left out."""

    added: ClassVar[dict[str, StrOrPromise]] = {}

    q = forms.CharField(label=_("Search"), max_length=200, required=False)
    tier = forms.ChoiceField(label=_("Tier"), choices=(ANY, *Tier.choices), required=False)
    known = forms.ChoiceField(label=_("Known"), choices=YES_OR_NO, required=False)
    country = forms.ChoiceField(label=_("Country"), required=False)
    language = forms.ChoiceField(label=_("Language"), required=False)
    place = forms.ChoiceField(label=_("Network"), required=False)
    reach = forms.TypedChoiceField(label=_("Reach"), choices=REACHES, coerce=int, empty_value=None, required=False)
    account = forms.ChoiceField(label=_("In an account"), choices=YES_OR_NO, required=False)
    consent = forms.ChoiceField(label=_("Consent"), choices=CONSENTS, required=False)
    since = forms.DateField(label=_("First seen since"), widget=day_input, required=False)
    until = forms.DateField(label=_("First seen until"), widget=day_input, required=False)

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        known = Customer.objects
        offered = {
            "country": lambda: [(code, code) for code in known.countries()],
            "language": lambda: [(code, tongue(code)) for code in known.languages()],
            "place": lambda: [(place, place.capitalize()) for place in Identity.objects.networks()],
        }
        for name, values in offered.items():
            self.fields[name].choices = _once(values)  # type: ignore[attr-defined]
        for name, label in self.added.items():
            self.fields[name] = forms.ChoiceField(label=label, choices=YES_OR_NO, required=False)
        self.is_valid()

    @property
    def words(self) -> str:
        return str(self.cleaned_data.get("q") or "")

    @property
    def filters(self) -> list[forms.BoundField]:
        """The filters beside the search, in their order."""
        return [field for field in self if field.name != "q"]

    @property
    def in_force(self) -> list[tuple[forms.BoundField, StrOrPromise]]:
        """The filters that leave somebody out, each with what is chosen, as the form calls it."""
        chosen = [(field, self.cleaned_data.get(field.name)) for field in self.filters]
        return [(field, _as_called(field, value)) for field, value in chosen if value]

    def filtered(self, customers: CustomerQuerySet) -> CustomerQuerySet:
        """Whom the filters leave, before the search."""
        customers = customers.standing()
        for name, narrow in NARROWING.items():
            if chosen := self.cleaned_data.get(name):
                customers = narrow(customers, chosen)
        return customers

    def narrow(self, customers: CustomerQuerySet) -> CustomerQuerySet:
        """The customers of the list, in no order of closeness; of a search the closest 2,000: for a list taken away."""
        customers = self.filtered(customers)
        return customers.found(self.words) if self.words else customers


def _once(values: Callable[[], list[tuple[str, str]]]) -> Callable[[], list[tuple[str, StrOrPromise]]]:
    """Choices that are asked for when they are first looked at, and then kept."""
    known: list[list[tuple[str, StrOrPromise]]] = []

    def asked() -> list[tuple[str, StrOrPromise]]:
        if not known:
            known.append([ANY, *values()])
        return known[0]

    return asked


def _as_called(field: forms.BoundField, value: Any) -> StrOrPromise:
    if isinstance(value, date):
        return date_format(value, "j M Y")
    called = {str(key): label for key, label in getattr(field.field, "choices", ())}
    return called.get(str(value), str(value))


class CustomerForm(forms.ModelForm[Customer]):
    class Meta:
        model = Customer
        fields = ["name", "tier", "language", "country", "city", "time_zone", "about"]

    def clean_country(self) -> str:
        return country_code(self.cleaned_data["country"])

    def clean_time_zone(self) -> str:
        name: str = self.cleaned_data["time_zone"]
        if name and name not in zoneinfo.available_timezones():
            raise forms.ValidationError(_("%(name)s is not a time zone; Europe/Madrid is one."), params={"name": name})
        return name
