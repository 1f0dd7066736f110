"""Customers: the list, the record, and how other systems keep it in step with theirs."""

from __future__ import annotations

from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import Field

from crm import addresses
from crm.api.auth import Caller, Token
from crm.api.idempotency import once
from crm.api.kinds import (
    PLAIN,
    SAYS_SOMETHING,
    Country,
    Day,
    Id,
    In,
    Language,
    Line,
    Name,
    OutsideId,
    Slug,
    Text,
    Tier,
    TimeZone,
)
from crm.api.paging import Filter, Page, page
from crm.api.problems import standing
from crm.api.schemas import CustomerOut
from crm.api.writing import SavedOut, fields, save
from crm.importing.records import Saved, What
from crm.models import Customer, Identity, Scope
from crm.models.customers import CustomerQuerySet
from crm.models.staff import CARE_ROLES, CUSTOMER_ROLES

router = Router(tags=["Customers"])
READ, WRITE = Token(Scope.CUSTOMERS_READ, CUSTOMER_ROLES), Token(Scope.CUSTOMERS_WRITE, CARE_ROLES)

Email = Annotated[str, Field(max_length=255, examples=["ann@example.com"])]
Phone = Annotated[str, Field(max_length=60, examples=["+44 113 496 0123"], description="With its country’s code.")]
Handle = Annotated[str, Field(min_length=1, max_length=255, pattern=SAYS_SOMETHING, examples=["annie_m"])]
SEARCHED = "As on the page: a name, a handle, an address, a number, an outside id, or words they wrote."


class CustomersFilter(Filter):
    """Several of these narrow each other down."""

    q: Annotated[str, Field(max_length=200, pattern=PLAIN, description=SEARCHED)] = ""
    tier: Tier | None = None
    email: Email | None = None
    phone: Phone | None = None
    handle: Annotated[Handle | None, Field(description="As written, together with “place”.")] = None
    place: Annotated[Slug | None, Field(description="The network of “handle”.", examples=["twitter"])] = None
    external_id: OutsideId | None = None
    source: Annotated[Slug | None, Field(description="Whose “external_id” it is; else the token’s own system.")] = None

    def narrow(self, customers: CustomerQuerySet, own: str) -> CustomerQuerySet:
        for kind, place, text in self._identities(own):
            key = addresses.written(kind, text).value if kind != Identity.Kind.EXTERNAL else text
            customers = customers.going_by(kind, place, key)
        if self.q.strip():
            customers = customers.found(self.q.strip())
        return customers.filter(tier=self.tier) if self.tier else customers

    def _identities(self, own: str) -> list[tuple[str, str, str]]:
        asked = [
            (Identity.Kind.EMAIL, "", self.email), (Identity.Kind.PHONE, "", self.phone),
            (Identity.Kind.HANDLE, self.place or "", self.handle),
            (Identity.Kind.EXTERNAL, self.source or own, self.external_id),
        ]  # fmt: skip
        return [(kind, place, text) for kind, place, text in asked if text is not None]


class NetworkHandle(In):
    place: Annotated[Slug, Field(description="The network.", examples=["twitter"])]
    handle: Handle


class CustomerFields(In):
    """What is left out stays as it is; what is null is emptied."""

    name: Name = ""
    given_name: Line | None = None
    family_name: Line | None = None
    nickname: Line | None = None
    born_on: Annotated[Day | None, Field(examples=["1984-02-29"])] = None
    tier: Tier | None = None
    language: Language | None = None
    country: Country | None = None
    city: Line | None = None
    time_zone: TimeZone | None = None
    about: Text | None = None


class CustomerIn(CustomerFields):
    """A customer of the token's own system. Addresses and handles are added to those they have."""

    external_id: OutsideId
    emails: Annotated[list[Email], Field(max_length=20)] = []
    phones: Annotated[list[Phone], Field(max_length=20)] = []
    handles: Annotated[list[NetworkHandle], Field(max_length=20)] = []

    def as_record(self) -> dict[str, Any]:
        handles = [f"{each.place}:{each.handle}" for each in self.handles]
        gone_by = {"email": self.emails, "phone": self.phones, "handle": handles}
        named = fields(self, "external_id", "emails", "phones", "handles")
        return {"id": self.external_id, **named, **{name: texts for name, texts in gone_by.items() if texts}}


def found(request: Caller, pk: int) -> Customer:
    """The customer, if the token's person may see it. 410 where the record stands for nobody any more."""
    visible = Customer.objects.visible_to(request.user).select_related("merged_into").with_handles()
    return standing(get_object_or_404(visible, pk=pk))


@router.get("/customers", response=Page[CustomerOut], auth=READ, url_name="customers", summary="List customers")
def customers(request: Caller, asked: Query[CustomersFilter]) -> Page[CustomerOut]:
    """Those who stand for somebody: neither merged into another record nor erased."""
    rows = asked.narrow(Customer.objects.visible_to(request.user).standing(), request.auth.source)
    return page(rows.with_handles(), asked, CustomerOut.of, Page[CustomerOut])


@router.get("/customers/{int:pk}", response=CustomerOut, auth=READ, url_name="customer", summary="Get a customer")
def customer(request: Caller, pk: Id) -> CustomerOut:
    """A merged record answers 410 and names its survivor; an erased one answers 410."""
    return CustomerOut.of(found(request, pk))


@router.post(
    "/customers", response={200: SavedOut[CustomerOut], 201: SavedOut[CustomerOut]}, auth=WRITE,
    url_name="customer_save", summary="Make or change a customer by its outside id",
)  # fmt: skip
@once
def customer_save(request: Caller, body: CustomerIn) -> Status[SavedOut[CustomerOut]]:
    """Sent twice, it changes nothing the second time. An address that belongs to somebody else we know is not taken
    from them: it waits for a person ("waiting")."""
    return answer(request, save(What.CUSTOMERS, request, body.as_record()))


@router.patch(
    "/customers/{int:pk}", response={200: SavedOut[CustomerOut]}, auth=WRITE, url_name="customer_change",
    summary="Change a customer",
)  # fmt: skip
@once
def customer_change(request: Caller, pk: Id, body: CustomerFields) -> Status[SavedOut[CustomerOut]]:
    record = {"id": str(found(request, pk).pk), **fields(body)}
    return answer(request, save(What.CUSTOMERS, request, record, ours=True))


def answer(request: Caller, saved: Saved) -> Status[SavedOut[CustomerOut]]:
    return SavedOut[CustomerOut].answer(saved, CustomerOut.of(found(request, saved.object.pk)))
