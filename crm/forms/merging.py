"""Which records are one, and which address is whose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from crm import decisions, finding, merging
from crm.addresses import NotAnAddress
from crm.errors import Refused
from crm.merging.facts import ABSORBED, SURVIVOR
from crm.merging.previewing import Difference, Preview
from crm.models import Customer, Identity, IdentityLink, Merge, User

FOUND = 20  # records offered at once
NETWORKS = ("twitter", "mastodon", "bluesky", "facebook", "instagram", "youtube", "tiktok", "linkedin")


class PickForm(forms.Form):
    """The other record: looked for by words, or named by its number."""

    q = forms.CharField(label=_("Name, handle, address or number"), max_length=200, required=False)

    def other(self, user: User) -> Customer | None:
        """The record named by `with`, if this person may see it."""
        number = self.data.get("with", "")
        if not (number.isascii() and number.isdecimal() and len(number) < 19):
            return None
        return Customer.objects.visible_to(user).filter(pk=int(number)).first()

    def found(self, customer: Customer) -> list[Customer]:
        """Records these words may mean; without words, those that are proposed as the same person."""
        self.is_valid()
        words = self.cleaned_data.get("q", "").replace("\x00", "").strip()
        if words:
            hits = finding.closest(Customer.objects.all(), words, most=FOUND).hits
            return [other for other in finding.rows(hits) if other.pk != customer.pk]
        standing = Customer.objects.standing().exclude(pk=customer.pk).with_handles()
        return list(standing.filter(pk__in=_proposed_with(customer)).order_by("pk")[:FOUND])


def _proposed_with(customer: Customer) -> set[int]:
    """Whose identities are proposed for this customer, and for whom this customer's are."""
    links = IdentityLink.objects
    theirs = links.proposed().filter(customer=customer).values("identity")
    mine = links.confirmed().filter(customer=customer).values("identity")
    owners = links.confirmed().filter(identity__in=theirs).values_list("customer", flat=True)
    return {*owners, *links.proposed().filter(identity__in=mine).values_list("customer", flat=True)}


class MergeForm(forms.Form):
    """One choice a field in which the two records differ, and why they are one."""

    reason = forms.CharField(
        label=_("Why they are one person"), max_length=300, required=False,
        help_text=_("Kept in the history of both records."), widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip

    def __init__(self, *args: Any, sheet: Preview, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sheet = sheet
        for difference in sheet.differences:
            self.fields[f"choose_{difference.name}"] = forms.ChoiceField(
                label=difference.label, choices=[(SURVIVOR, difference.ours), (ABSORBED, difference.theirs)],
                initial=difference.default, widget=forms.RadioSelect,
            )  # fmt: skip

    def rows(self) -> Iterator[tuple[Difference, forms.BoundField]]:
        for difference in self.sheet.differences:
            yield difference, self[f"choose_{difference.name}"]

    def merge(self, *, by: User) -> Merge:
        choices = {d.name: self.cleaned_data[f"choose_{d.name}"] for d in self.sheet.differences}
        return merging.merge(
            survivor=self.sheet.survivor, absorbed=self.sheet.absorbed, choices=choices, by=by,
            reason=self.cleaned_data["reason"],
        )  # fmt: skip


class LinkForm(forms.Form):
    """An address, number or handle, and how we know that it is the customer's."""

    kind = forms.ChoiceField(label=_("Kind"), choices=Identity.Kind.choices, initial=Identity.Kind.EMAIL)
    value = forms.CharField(label=_("Address, number or handle"), max_length=255)
    place = forms.CharField(
        label=_("Network or system"), max_length=40, required=False,
        help_text=_("Of a handle its network, of a record the system it stands in; nothing for e-mail and phone."),
        widget=forms.TextInput(attrs={"list": "networks", "autocomplete": "off"}),
    )  # fmt: skip
    evidence = forms.CharField(
        label=_("How we know"), max_length=300, help_text=_("What they said or wrote, and where."),
        error_messages={"required": _("Say how we know: what they said or wrote, and where.")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip
    field_order = ["kind", "place", "value", "evidence"]

    def clean_place(self) -> str:
        return str(self.cleaned_data["place"]).strip().lower()

    def clean(self) -> dict[str, Any]:
        named = self.cleaned_data.get("kind") in (Identity.Kind.HANDLE, Identity.Kind.EXTERNAL)
        if named and not self.cleaned_data.get("place"):
            self.add_error("place", _("Say on which network, or in which system, it is."))
        return self.cleaned_data

    def networks(self) -> list[str]:
        """Those people have written to us from, and the usual ones."""
        return sorted({*Identity.objects.places(), *NETWORKS})

    def link(self, customer: Customer, *, by: User) -> IdentityLink | None:
        """The link, or None with the reason beside the field."""
        if not self.is_valid():
            return None
        try:
            return decisions.link_by_hand(customer=customer, by=by, **self.cleaned_data)
        except NotAnAddress as refusal:
            self.add_error("value", str(refusal))
        except Refused as refusal:
            self.add_error(None, str(refusal))
        return None


class WithdrawForm(forms.Form):
    why = forms.CharField(
        label=_("Why it is not theirs"), max_length=300,
        error_messages={"required": _("Say why: what shows that it is not theirs?")},
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip

    def withdraw(self, link: IdentityLink, *, by: User) -> IdentityLink | None:
        """The link to the identity's fresh record, or None with the reason beside the field."""
        if not self.is_valid():
            return None
        try:
            return decisions.withdraw(link=link, by=by, why=self.cleaned_data["why"])
        except Refused as refusal:
            self.add_error(None, str(refusal))
        return None
