"""A believable bulk of accounts, and who of the customers decides in them, written with COPY.

For measuring the list of accounts and its search at size.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone

from config.filling_customers import DAYS, SHARES, TONGUES
from config.filling_names import ascii_letters
from config.filling_places import COUNTRIES
from crm import copying
from crm.models import Account, Customer, Stakeholder, User
from crm.models.staff import ACCOUNT_ROLES

CHUNK = 5_000
PEOPLE = (1, 2, 3, 5)  # stakeholders of an account
TRADES = (
    "Logistics Textiles Foods Motors Energy Systems Robotics Travel Airlines Marine Optics Timber Steel Ceramics "
    "Pharma Dental Clinics Software Networks Telecom Media Press Films Studios Games Toys Sports Cycles Tools Paints "
    "Glass Paper Printing Packaging Plastics Chemicals Farms Seeds Dairy Bakery Brewery Vineyards Coffee Hotels "
    "Leasing Insurance Capital Bank Partners Consulting Design Architects Builders Concrete Rail Freight Couriers"
).split()
FORMS = {
    "AT": "GmbH", "AU": "Pty Ltd", "BE": "NV", "BR": "Ltda", "CH": "AG", "CN": "Co. Ltd", "DE": "GmbH", "DK": "A/S",
    "ES": "S.L.", "FI": "Oy", "FR": "SARL", "GB": "Ltd", "GR": "A.E.", "IE": "Ltd", "IN": "Pvt Ltd", "IT": "S.r.l.",
    "JP": "K.K.", "MX": "S.A. de C.V.", "NL": "B.V.", "NO": "AS", "PL": "Sp. z o.o.", "PT": "Lda", "SE": "AB",
    "TR": "A.Ş.", "US": "Inc.",
}  # fmt: skip
KINDS = ((Account.Kind.BUYER, 84), (Account.Kind.PARTNER, 9), (Account.Kind.RESELLER, 7))
ACCOUNT = "id name kind industry country city website runs owner_id created_at closed_at source external_id"
STAKEHOLDER = "account_id customer_id role influence title created_at"


def fill_accounts(count: int, *, seed: int = 1, tick: Callable[[int], object] = lambda _: None) -> None:
    """Add `count` accounts; their stakeholders are customers we know, where there are some."""
    chance = Random(seed)
    sellers = list(
        User.objects.filter(is_active=True, role__in=ACCOUNT_ROLES).order_by("pk").values_list("pk", flat=True)
    )
    for start in range(0, count, CHUNK):
        size = min(CHUNK, count - start)
        with transaction.atomic():
            first = copying.reserve(Account, size)
            copying.write(Account, ACCOUNT, [_account(chance, first + n, sellers) for n in range(size)])
            copying.write(Stakeholder, STAKEHOLDER, _stakeholders(chance, range(first, first + size)))
        tick(size)
    copying.settle()


def _account(chance: Random, pk: int, sellers: list[int]) -> tuple[Any, ...]:
    tongue = chance.choices(TONGUES, cum_weights=SHARES)[0]
    country, trade = chance.choice(tongue.places.split()), chance.choice(TRADES)
    owners = [tongue.family.draw(chance).latin for _ in range(chance.choice((1, 1, 1, 2)))]
    name = " ".join([" & ".join(owners), trade, *([FORMS[country]] if country in FORMS else [])])
    website = f"https://{ascii_letters(owners[0])}-{trade.lower()}-{pk}.example/"
    since = timezone.now() - timedelta(days=DAYS * chance.random())
    closed = timezone.now() if chance.random() < 0.04 else None
    runs = f"{chance.randrange(2, 900) * 10:,} servers" if chance.random() < 0.3 else ""
    seller = chance.choice(sellers) if sellers and chance.random() < 0.8 else None
    kind = chance.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])[0]
    city = chance.choice(COUNTRIES[country].cities)
    return (pk, name, kind, trade, country, city, website, runs, seller, since, closed, "erp", f"A-{pk:07d}")


def _stakeholders(chance: Random, accounts: range) -> list[tuple[Any, ...]]:
    people, rows = _some(chance, len(accounts) * max(PEOPLE)), []
    for account in accounts:
        for person in chance.sample(people, min(len(people), chance.choice(PEOPLE))):
            role, influence = chance.choice(Stakeholder.Role.values), chance.choice(Stakeholder.Influence.values)
            rows.append((account, person, role, influence, "", timezone.now()))
    return rows


def _some(chance: Random, count: int) -> list[int]:
    """Customers we know, drawn from all of them."""
    ends = Customer.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if not ends["first"]:
        return []
    drawn = {chance.randint(ends["first"], ends["last"]) for _ in range(count)}
    return list(Customer.objects.standing().known().filter(pk__in=drawn).order_by("pk").values_list("pk", flat=True))
