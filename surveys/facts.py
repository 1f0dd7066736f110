"""What the record says of a customer: what conditions of a survey may look at, and what nobody needs to be asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from cases.models import Case, Cause
from channels_app.models import Channel, Message
from channels_app.reading.language import LANGUAGES
from crm.models import Customer, IdentityLink, Product, Stakeholder, Tier
from crm.templatetags.hark import tongue

Choices = list[tuple[str, StrOrPromise]]
Read = dict[int, str | list[str]]  # customer → value or values; those of whom we do not know it are missing
MOST_OFFERED = 300

YES, NO = "yes", "no"


@dataclass(frozen=True)
class Fact:
    """`choices()` are its values with their words; `read(customers)` is one query.

    `on_record()` finds the customers of whom it can be read without looking through messages: for how many that is.
    """

    label: StrOrPromise
    choices: Callable[[], Choices]
    read: Callable[[Sequence[int]], Read]
    on_record: Callable[[], Q]

    def called(self, values: Iterable[object]) -> list[str]:
        """These values in words."""
        words = dict(self.choices())
        return [str(words.get(str(value), value)) for value in values]


def known(customers: Sequence[int]) -> dict[int, Mapping[str, str | Sequence[str]]]:
    """Everything of FACTS, in one query each. Every customer asked for is in it."""
    found: dict[int, dict[str, str | Sequence[str]]] = {pk: {} for pk in customers}
    for name, fact in FACTS.items():
        for pk, value in fact.read(customers).items():
            found[pk][name] = value
    return dict(found)


def _column(name: str) -> Callable[[Sequence[int]], Read]:
    def read(customers: Sequence[int]) -> Read:
        there = Customer.objects.filter(pk__in=customers).exclude(**{name: ""})
        return dict(there.values_list("pk", name))

    return read


def _gathered(rows: Iterable[tuple[int, str]]) -> Read:
    """Several values each, every one once, in the order in which they come."""
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for customer, value in rows:
        found[customer][value] = None
    return {customer: list(values) for customer, values in found.items()}


def _accounts(customers: Sequence[int]) -> Read:
    inside = set(Stakeholder.objects.present().filter(customer__in=customers).values_list("customer", flat=True))
    return {pk: YES if pk in inside else NO for pk in customers}


def _messages(customers: Sequence[int]) -> QuerySet[Message, Any]:
    """What they said to us under names that are theirs for certain."""
    links = IdentityLink.State.CONFIRMED
    theirs = Q(identity__links__customer__in=customers, identity__links__state=links)
    return Message.objects.filter(theirs, direction=Message.Direction.IN).order_by("identity__links__customer")


def _places(customers: Sequence[int]) -> Read:
    rows = _messages(customers).values_list("identity__links__customer", "channel__place")
    return _gathered(rows.order_by("identity__links__customer", "channel__place").distinct())


def _spoken(customers: Sequence[int]) -> Read:
    """The language of the record, and those of their messages."""
    rows = _messages(customers).exclude(language="").values_list("identity__links__customer", "language")
    record = Customer.objects.filter(pk__in=customers).exclude(language="").values_list("pk", "language")
    return _gathered(record.order_by().union(rows.order_by()).order_by("pk", "language"))


def _products(customers: Sequence[int]) -> Read:
    return _gathered(Product.objects.owned().filter(customer__in=customers).values_list("customer", "name"))


def _causes(customers: Sequence[int]) -> Read:
    """Of the case resolved last; with the cause it stands under, so that a condition may name either."""
    resolved = Case.objects.filter(customer__in=customers, resolved_at__isnull=False)
    last = resolved.order_by("customer", "-resolved_at", "-id").distinct("customer")
    rows = last.values_list("customer", "cause", "cause__parent")
    return {customer: [str(pk) for pk in (cause, parent) if pk] for customer, cause, parent in rows}


def _networks() -> Choices:
    places = Channel.objects.order_by("place").values_list("place", flat=True).distinct()
    return [(place, place.replace("-", " ").capitalize()) for place in places]


def _languages() -> Choices:
    return [(code, tongue(code)) for code in Customer.objects.languages()]


def _tongues() -> Choices:
    """Those of records, and those we can tell a message is in."""
    return [(code, tongue(code)) for code in sorted({*Customer.objects.languages(), *LANGUAGES})]


def _countries() -> Choices:
    return [(code, code) for code in Customer.objects.countries()]


def _product_names() -> Choices:
    names = Product.objects.owned().order_by("name").values_list("name", flat=True).distinct()
    return [(name, name) for name in names[:MOST_OFFERED]]


def _cause_names() -> Choices:
    return [(str(cause.pk), str(cause)) for cause in Cause.objects.in_use().select_related("parent")]


FACTS: dict[str, Fact] = {
    "country": Fact(_("country"), _countries, _column("country"), lambda: ~Q(country="")),
    "tier": Fact(_("tier"), lambda: list(Tier.choices), _column("tier"), Q),
    "language": Fact(_("language"), _languages, _column("language"), lambda: ~Q(language="")),
    "languages": Fact(_("language they speak"), _tongues, _spoken, lambda: ~Q(language="")),
    "account": Fact(_("in an account"), lambda: [(YES, _("Yes")), (NO, _("No"))], _accounts, Q),
    "channel": Fact(
        _("network they write on"), _networks, _places,
        lambda: Q(pk__in=Case.objects.order_by().values("customer")),
    ),
    "product": Fact(
        _("product they own"), _product_names, _products,
        lambda: Q(pk__in=Product.objects.filter(state=Product.State.ACTIVE).values("customer")),
    ),
    "case_cause": Fact(
        _("cause of their last case"), _cause_names, _causes,
        lambda: Q(pk__in=Case.objects.filter(resolved_at__isnull=False).order_by().values("customer")),
    ),
}  # fmt: skip
