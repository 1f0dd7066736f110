"""Who the demo's customers are beyond their handles: the accounts they decide in, what they ordered, what they allow.

The data stands in the TOML file beside this module. What has a way of its own takes it: stakeholders through
`crm.accounts`, consents through `crm.consent`. Only dates are set back afterwards.
"""

from __future__ import annotations

import tomllib
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.utils import timezone

from channels_app.simulation.people import Person, by_handle
from crm import accounts, addresses, consent
from crm.models import (
    Account,
    Activity,
    ConsentChange,
    Customer,
    Identity,
    IdentityLink,
    Order,
    Persona,
    Product,
    SavedView,
    Stakeholder,
    User,
)

DATA = Path(__file__).with_suffix(".toml")
BOOKS, SHOP = "skylark-books", "skylark-shop"  # the systems the ids are of
Row = dict[str, Any]


def load() -> None:
    told = tomllib.loads(DATA.read_text("utf-8"))
    people, by = whom(), {user.username: user for user in User.objects.all()}
    Persona.objects.bulk_create([Persona(**row) for row in told["persona"]])
    _records(told["record"], people, by["agent"])
    made = {row["id"]: _account(row, people, by["sales"]) for row in told["account"]}
    Order.objects.bulk_create([_order(row, people, made) for row in told["order"]])
    Product.objects.bulk_create([_product(row, people, made) for row in told["product"]])
    for row in told["consent"]:
        _consent(row, people, by["agent"])
    views = [SavedView(page="customers", owner=by["lead"], shared_at=timezone.now(), **row) for row in told["view"]]
    SavedView.objects.bulk_create(views)


def whom() -> dict[str, Customer]:
    """The customer behind each handle of the simulated network. Whoever has not written yet stands in the books."""
    keys = {person.key: person for person in by_handle().values()}
    links = IdentityLink.objects.confirmed().filter(identity__place="chirp", identity__value__in=keys)
    found = {link.identity.value: link.customer for link in links.select_related("identity", "customer")}
    return {person.handle: found.get(key) or _unheard(person) for key, person in keys.items()}


def _unheard(person: Person) -> Customer:
    customer = Customer.objects.create(
        name=person.name or person.handle, city=person.city, language=person.language,
        created_at=timezone.now() - timedelta(days=365),
    )  # fmt: skip
    identity = Identity.objects.create(
        place="chirp", value=person.key, handle=person.handle, display_name=person.name, reach=person.followers
    )
    IdentityLink.objects.create(
        identity=identity, customer=customer, method=IdentityLink.Method.IMPORT, evidence="In Skylark's books."
    )
    return customer


def _records(rows: list[Row], people: dict[str, Customer], by: User) -> None:
    """What the books add to a profile, known since they became customers of the house."""
    for row in rows:
        customer = people[row["who"]]
        facts = {name: row[name] for name in ("country", "time_zone", "about") if name in row}
        since = customer.known_at or timezone.now() - timedelta(days=200)
        Customer.objects.filter(pk=customer.pk).update(known_at=since, **facts)
        customer.refresh_from_db()
        for kind in (Identity.Kind.EMAIL, Identity.Kind.PHONE):
            if kind in row:
                _address(customer, kind, row[kind], by)


def _address(customer: Customer, kind: str, text: str, by: User) -> None:
    identity, since = addresses.identity(kind, "", text), customer.known_at or customer.created_at
    Identity.objects.filter(pk=identity.pk).update(verified_at=since, first_seen_at=since)
    IdentityLink.objects.create(
        identity=identity, customer=customer, method=IdentityLink.Method.IMPORT, by=by, created_at=since,
        evidence="In Skylark's books, confirmed by a code when the account was opened.",
    )  # fmt: skip


def _account(row: Row, people: dict[str, Customer], seller: User) -> Account:
    facts = {name: row[name] for name in row.keys() - {"id", "people", "owned"}}
    owner = seller if row.get("owned", True) else None
    since = timezone.now() - timedelta(days=365 * max((one["years"] for one in row.get("people", [])), default=1))
    account = Account.objects.create(source=BOOKS, external_id=row["id"], owner=owner, created_at=since, **facts)
    for one in row.get("people", []):
        _stakeholder(account, one, people, seller)
    return account


def _stakeholder(account: Account, row: Row, people: dict[str, Customer], by: User) -> None:
    facts = {name: row[name] for name in ("role", "influence", "title") if name in row}
    persona = Persona.objects.filter(name=row.get("persona", "")).first()
    today, customer = timezone.localdate(), people[row["who"]]
    since = today - timedelta(days=365 * row["years"])
    seat = Stakeholder(account=account, customer=customer, persona=persona, since_on=since, **facts)
    accounts.join(stakeholder=seat, by=by)
    if "left" in row:
        accounts.leave(stakeholder=seat, on=today - timedelta(days=row["left"]), by=by)
    told = Activity.objects.about(customer) | Activity.objects.about(account)
    told.filter(verb__in=["joined", "left"]).update(at=timezone.now() - timedelta(days=30))


def _order(row: Row, people: dict[str, Customer], made: dict[str, Account]) -> Order:
    now = timezone.now()
    promised_on = timezone.localdate() + timedelta(days=row["promised"])
    arrived = row["state"] in (Order.State.DELIVERED, Order.State.RETURNED)
    return Order(
        source=SHOP, external_id=row["number"], number=row["number"], state=row["state"], what=row["what"],
        customer=people[row["who"]], account=made.get(row.get("account", "")), amount=Decimal(row["amount"]),
        currency="EUR", placed_at=now - timedelta(days=row["placed"]), promised_on=promised_on,
        delivered_on=promised_on if arrived else None,
        tracking_url=f"https://parcels.example/{row['number']}" if row["state"] == Order.State.SHIPPED else "",
    )  # fmt: skip


def _product(row: Row, people: dict[str, Customer], made: dict[str, Account]) -> Product:
    today = timezone.localdate()
    return Product(
        source=SHOP, external_id=row["id"], name=row["name"], serial=row["serial"], customer=people[row["who"]],
        account=made.get(row.get("account", "")), since_on=today - timedelta(days=row["since"]),
        until_on=today + timedelta(days=row["until"]),
    )  # fmt: skip


def _consent(row: Row, people: dict[str, Customer], by: User) -> None:
    customer, state = people[row["who"]], "given" if row.get("allowed") else "refused"
    if "purpose" in row:
        change = consent.record(customer=customer, purpose=row["purpose"], state=state, how=row["how"], by=by)
    else:
        change = consent.forbid(customer=customer, how=row["how"], by=by)
    if change:
        at = timezone.now() - timedelta(days=row.get("days", 20))
        Customer.objects.filter(pk=customer.pk).exclude(do_not_contact_at=None).update(do_not_contact_at=at)
        ConsentChange.objects.filter(pk=change.pk).update(at=at)
        Activity.objects.about(customer).filter(verb="consent").update(at=at)
