"""How records of the ground floor look to other systems: in answers of the API, and in webhooks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

from pydantic import Field

from crm.api.kinds import (
    AccountKind,
    ConsentBecame,
    ConsentPurpose,
    ConsentState,
    IdentityKind,
    Influence,
    LinkMethod,
    LinkState,
    OrderState,
    Out,
    ProductState,
    Role,
    Tier,
)
from crm.models import (
    Account,
    Consent,
    ConsentChange,
    Customer,
    Identity,
    IdentityLink,
    Merge,
    Order,
    Product,
    Stakeholder,
)


class IdentityOut(Out):
    """One name somebody goes by in one place."""

    id: int
    kind: IdentityKind
    place: str = Field(description="The network, or the other system. Empty for e-mail and phone.")
    value: str = Field(description="What never changes there: an id, a number in E.164, an address in lower case.")
    written: str = Field(description="As people write it.")
    display_name: str
    profile_url: str
    reach: int | None = Field(description="Followers, where public.")
    verified_at: datetime | None = Field(description="Since when its owner has proved to hold it.")

    @classmethod
    def of(cls, identity: Identity) -> IdentityOut:
        return cls(
            id=identity.pk, kind=identity.kind, place=identity.place, value=identity.value,
            written=identity.handle, display_name=identity.display_name, profile_url=identity.profile_url,
            reach=identity.reach, verified_at=identity.verified_at,
        )  # fmt: skip


class LinkOut(Out):
    """Says that an identity belongs to a customer: in what state, on what evidence."""

    id: int = Field(description="Of the link, not of the identity.")
    customer: int
    identity: IdentityOut
    state: LinkState
    method: LinkMethod
    evidence: str
    score: float | None = Field(description="0 to 1, of a match that was proposed.")
    since: datetime
    decided_at: datetime | None

    @classmethod
    def of(cls, link: IdentityLink) -> LinkOut:
        return cls(
            id=link.pk, customer=link.customer_id, identity=IdentityOut.of(link.identity),
            state=link.state, method=link.method, evidence=link.evidence,
            score=link.score, since=link.created_at, decided_at=link.decided_at,
        )  # fmt: skip


class CustomerOut(Out):
    """A person. Provisional (`known_at` empty) while only a handle is known."""

    id: int
    name: str
    given_name: str
    family_name: str
    nickname: str
    born_on: date | None
    tier: Tier
    language: str
    country: str
    city: str
    time_zone: str
    about: str
    created_at: datetime
    known_at: datetime | None
    do_not_contact_since: datetime | None = Field(description="Under any circumstances.")
    identities: list[IdentityOut] = Field(description="Those that are confirmed.")

    @classmethod
    def of(cls, customer: Customer) -> CustomerOut:
        """Of a customer read `with_handles()`."""
        links: list[IdentityLink] = customer.confirmed_links  # type: ignore[attr-defined]
        return cls(
            id=customer.pk, name=customer.name, given_name=customer.given_name, family_name=customer.family_name,
            nickname=customer.nickname, born_on=customer.born_on, tier=customer.tier,
            language=customer.language, country=customer.country, city=customer.city, time_zone=customer.time_zone,
            about=customer.about, created_at=customer.created_at, known_at=customer.known_at,
            do_not_contact_since=customer.do_not_contact_at,
            identities=[IdentityOut.of(link.identity) for link in links],
        )  # fmt: skip


class AccountOut(Out):
    """An organisation that buys from us, or sells for us."""

    id: int
    source: str = Field(description="The other system that knows it; empty where it stands only here.")
    external_id: str
    name: str
    kind: AccountKind
    industry: str
    country: str
    city: str
    website: str
    runs: str = Field(description="What they run.")
    about: str
    owner: str | None = Field(description="User name of their sales person.")
    created_at: datetime
    closed_at: datetime | None

    @classmethod
    def of(cls, account: Account) -> AccountOut:
        return cls(
            id=account.pk, source=account.source, external_id=account.external_id, name=account.name,
            kind=account.kind, industry=account.industry, country=account.country, city=account.city,
            website=account.website, runs=account.runs, about=account.about,
            owner=account.owner.username if account.owner else None, created_at=account.created_at,
            closed_at=account.closed_at,
        )  # fmt: skip


class StakeholderOut(Out):
    """What a customer is to an account."""

    id: int
    account: int
    customer: int
    role: Role
    influence: Influence
    persona: str | None
    title: str
    since_on: date | None
    left_on: date | None

    @classmethod
    def of(cls, stake: Stakeholder) -> StakeholderOut:
        return cls(
            id=stake.pk, account=stake.account_id, customer=stake.customer_id, role=stake.role,
            influence=stake.influence, persona=stake.persona.name if stake.persona else None,
            title=stake.title, since_on=stake.since_on, left_on=stake.left_on,
        )  # fmt: skip


class OrderOut(Out):
    """What a customer ordered."""

    id: int
    source: str
    external_id: str
    customer: int
    account: int | None
    number: str = Field(description="As the customer knows it.")
    state: OrderState
    what: str
    amount: Decimal | None
    currency: str
    placed_at: datetime
    promised_on: date | None
    delivered_on: date | None
    tracking_url: str
    changed_at: datetime = Field(description="When the other system told us last.")

    @classmethod
    def of(cls, order: Order) -> OrderOut:
        return cls(
            id=order.pk, source=order.source, external_id=order.external_id, customer=order.customer_id,
            account=order.account_id, number=order.number, state=order.state, what=order.what,
            amount=order.amount, currency=order.currency, placed_at=order.placed_at, promised_on=order.promised_on,
            delivered_on=order.delivered_on, tracking_url=order.tracking_url, changed_at=order.changed_at,
        )  # fmt: skip


class ProductOut(Out):
    """A thing a customer owns or subscribes to."""

    id: int
    source: str
    external_id: str
    customer: int
    account: int | None
    order: int | None
    name: str
    serial: str
    state: ProductState
    since_on: date | None
    until_on: date | None

    @classmethod
    def of(cls, product: Product) -> ProductOut:
        return cls(
            id=product.pk, source=product.source, external_id=product.external_id, customer=product.customer_id,
            account=product.account_id, order=product.order_id, name=product.name, serial=product.serial,
            state=product.state, since_on=product.since_on, until_on=product.until_on,
        )  # fmt: skip


class ConsentOut(Out):
    """What holds for one purpose."""

    purpose: ConsentPurpose
    state: ConsentState
    since: datetime

    @classmethod
    def of(cls, consent: Consent) -> ConsentOut:
        return cls(purpose=consent.purpose, state=consent.state, since=consent.since)


class ConsentChangeOut(Out):
    """One line of the history. Without a purpose it concerns any contact at all."""

    customer: int
    purpose: ConsentPurpose | None
    to: ConsentBecame
    how: str = Field(description="How we know.")
    at: datetime

    @classmethod
    def of(cls, change: ConsentChange) -> ConsentChangeOut:
        customer, purpose = change.customer_id, change.purpose or None
        return cls(customer=customer, purpose=purpose, to=change.to, how=change.how, at=change.at)


class ConsentsOut(Out):
    """All that is known of what a customer allows. A purpose that is missing has not been asked about."""

    customer: int
    do_not_contact_since: datetime | None = Field(description="Under any circumstances: outweighs every consent.")
    consents: list[ConsentOut]
    history: list[ConsentChangeOut] = Field(description="The newest 50 changes, newest first.")

    @classmethod
    def of(cls, customer: Customer, held: Iterable[Consent], changes: Iterable[ConsentChange]) -> ConsentsOut:
        return cls(
            customer=customer.pk, do_not_contact_since=customer.do_not_contact_at,
            consents=[ConsentOut.of(consent) for consent in held],
            history=[ConsentChangeOut.of(change) for change in changes],
        )  # fmt: skip


class MergeOut(Out):
    """Two records that became one, or are two again: numbers only."""

    survivor: int
    absorbed: int
    at: datetime
    undone_at: datetime | None

    @classmethod
    def of(cls, merge: Merge) -> MergeOut:
        return cls(survivor=merge.survivor_id, absorbed=merge.absorbed_id, at=merge.at, undone_at=merge.undone_at)


class ErasedOut(Out):
    """A person who was erased: nothing of them but the number by which others know the record."""

    id: int
    erased_at: datetime | None

    @classmethod
    def of(cls, customer: Customer) -> ErasedOut:
        return cls(id=customer.pk, erased_at=customer.erased_at)
