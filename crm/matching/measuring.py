"""How well matching does on files whose truth is known, by the very steps the product takes.

The rows go into tables of their own, with the same columns, constraints and indexes, that stand before the real ones
for the length of a transaction. So nothing that is in the database helps or disturbs, and nothing stays.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from django.db import connection, transaction
from django.utils import timezone

from crm.matching.duplicates import persons
from crm.matching.learning import count_all
from crm.matching.proposals import propose
from crm.models import Commonness, Customer, Identity, IdentityLink, MatchRule

Row = Mapping[str, str]
OURS = (Customer, Identity, IdentityLink, Commonness, MatchRule)
CUSTOMERS = ("customer_id", "first", "middle", "nickname", "last", "full", "state", "url", "in_crm")
ACCOUNTS = ("network", "handle", "customer_id", "owner_absent_from_crm")
PERSONS = ("first_name", "surname", "dob", "city", "email")
AT_ONCE = 200


class UnmeasurableError(Exception):
    """The file cannot be measured. The text says why, for a person."""


@dataclass(frozen=True)
class Linked:
    """Handles to owners, of whom some are not in the CRM.

    `recall` is of the handles whose owner is in the CRM, `precision` of the proposals made, `false_links_absent` the
    share of handles with an absent owner that were given one all the same.
    """

    n: int
    precision: float
    recall: float
    false_links_absent: float
    owners_in_crm: int
    owners_absent: int
    proposed: int
    right: int


@dataclass(frozen=True)
class Grouped:
    """Pairs of rows that are one person: `recall` of the true ones, `precision` of those found."""

    n: int
    precision: float
    recall: float
    f1: float
    pairs: int
    found: int


def rows_of(file: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """The rows of a CSV file, plain or .gz, each with all of `columns` and `optional`. Raises UnmeasurableError."""
    unpack = gzip.open if file.suffix == ".gz" else open
    try:
        with unpack(file, "rt", encoding="utf-8-sig") as text:
            rows = list(csv.DictReader(text))
    except (OSError, UnicodeDecodeError, csv.Error, EOFError) as error:
        raise UnmeasurableError(f"{file} cannot be read: {error}") from error
    there = list(rows[0]) if rows else []
    if missing := [column for column in columns if column not in there]:
        listed = " and ".join(f'no column "{column}"' for column in missing)
        raise UnmeasurableError(f"{file} has {listed}. Its columns are: {', '.join(there) or 'none'}.")
    return [{column: (row.get(column) or "").strip() for column in (*columns, *optional)} for row in rows]


@contextmanager
def tables_of_its_own() -> Iterator[None]:
    """Empty tables in place of ours until the end, when they are gone with all that was written."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            for model in OURS:
                name = connection.ops.quote_name(model._meta.db_table)
                cursor.execute(f"CREATE TEMPORARY TABLE {name} (LIKE {name} INCLUDING ALL) ON COMMIT DROP")
        try:
            yield
        finally:
            transaction.set_rollback(True)


# --- handles to owners


def measure_links(customers: Sequence[Row], accounts: Sequence[Row]) -> Linked:
    """Propose an owner for each account, among the customers with in_crm=1, and count what is right."""
    with tables_of_its_own():
        pks = _put_customers([row for row in customers if row["in_crm"] == "1"])
        handles = _put_handles(accounts)
        count_all()
        for start in range(0, len(handles), AT_ONCE):
            propose(list(handles.values())[start : start + AT_ONCE])
        made = IdentityLink.objects.proposed().filter(customer__in=pks).values_list("identity", "customer")
        owners = {identity: pks[customer] for identity, customer in made}
        return _linked(accounts, [owners.get(handles[_place(row)]) for row in accounts])


def _linked(accounts: Sequence[Row], owners: Sequence[str | None]) -> Linked:
    absent = [row["owner_absent_from_crm"] == "1" for row in accounts]
    proposed = sum(owner is not None for owner in owners)
    right = sum(owner == row["customer_id"] for row, owner in zip(accounts, owners, strict=True))
    false = sum(gone and owner is not None for gone, owner in zip(absent, owners, strict=True))
    here = len(accounts) - sum(absent)
    return Linked(
        n=len(accounts), precision=_share(right, proposed), recall=_share(right, here),
        false_links_absent=_share(false, sum(absent)), owners_in_crm=here, owners_absent=sum(absent), proposed=proposed,
        right=right,
    )  # fmt: skip


def _put_customers(rows: Sequence[Row]) -> dict[int, str]:
    """The file's id of each customer, by ours. Their website is theirs as the record in another system says."""
    now = timezone.now()
    made = Customer.objects.bulk_create(
        [
            Customer(
                name=row["full"], given_name=f"{row['first']} {row['middle']}".strip(), family_name=row["last"],
                nickname=row["nickname"], city=row["state"], known_at=now,
            )
            for row in rows
        ]
    )  # fmt: skip
    outside = [
        Identity(kind="external", place="file", value=row["customer_id"], profile_url=row["url"], matched_at=now)
        for row in rows
    ]
    _link(Identity.objects.bulk_create(outside), made, IdentityLink.Method.IMPORT)
    return {customer.pk: row["customer_id"] for customer, row in zip(made, rows, strict=True)}


def _put_handles(rows: Sequence[Row]) -> dict[tuple[str, str], int]:
    """The identity of each account, with the provisional customer a first message opens. By network and handle."""
    places = list(dict.fromkeys(map(_place, rows)))
    identities = Identity.objects.bulk_create(
        [
            Identity(kind="handle", place=place, value=handle, handle=handle.removeprefix("@"))
            for place, handle in places
        ]
    )
    opened = Customer.objects.bulk_create([Customer(name=identity.handle) for identity in identities])
    _link(identities, opened, IdentityLink.Method.FIRST_CONTACT)
    return {place: identity.pk for place, identity in zip(places, identities, strict=True)}


def _place(row: Row) -> tuple[str, str]:
    return row["network"], row["handle"]


def _link(identities: Sequence[Identity], customers: Sequence[Customer], method: str) -> None:
    IdentityLink.objects.bulk_create(
        [
            IdentityLink(identity=identity, customer=customer, method=method)
            for identity, customer in zip(identities, customers, strict=True)
        ]
    )


# --- customers recorded twice


def measure_groups(rows: Sequence[Row], *, cluster: str) -> Grouped:
    """Group the rows, and compare with the column `cluster`, pair by pair."""
    with tables_of_its_own():
        customers = Customer.objects.bulk_create([_person(row) for row in rows])
        _put_addresses(rows, customers)
        count_all()
        numbers = {customer.pk: number for number, customer in enumerate(customers)}
        groups = [[numbers[pk] for pk in group] for group in persons(list(numbers))]
        return _grouped([row[cluster] for row in rows], groups)


def _person(row: Row) -> Customer:
    name = f"{row['first_name']} {row['surname']}".strip()
    return Customer(
        name=name or "?", given_name=row["first_name"], family_name=row["surname"], born_on=_day(row["dob"]),
        city=row["city"], known_at=timezone.now(),
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _put_addresses(rows: Sequence[Row], customers: Sequence[Customer]) -> None:
    """Each address once, confirmed with the first who has it; others claim it, as by import."""
    emails = {row["email"].lower() for row in rows if row["email"]}
    made = Identity.objects.bulk_create([Identity(kind="email", value=email, handle=email) for email in sorted(emails)])
    identities, taken, links = {identity.value: identity for identity in made}, set[str](), []
    for row, customer in zip(rows, customers, strict=True):
        if email := row["email"].lower():
            state = IdentityLink.State.PROPOSED if email in taken else IdentityLink.State.CONFIRMED
            links.append(
                IdentityLink(identity=identities[email], customer=customer, state=state, method="import", score=1.0)
            )
            taken.add(email)
    IdentityLink.objects.bulk_create(links)


def _grouped(truth: Sequence[str], groups: Sequence[Sequence[int]]) -> Grouped:
    """Rows without a true cluster stand alone."""
    pairs = sum(_pairs(count) for cluster, count in Counter(truth).items() if cluster)
    found = sum(_pairs(len(group)) for group in groups)
    both = sum(_pairs(n) for group in groups for name, n in Counter(truth[row] for row in group).items() if name)
    precision, recall = _share(both, found), _share(both, pairs)
    f1 = round(2 * precision * recall / (precision + recall), 4) if both else 0.0
    return Grouped(n=len(truth), precision=precision, recall=recall, f1=f1, pairs=pairs, found=found)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def _share(part: int, whole: int) -> float:
    """Rounded to four places; of nothing, 1 (nothing was asked for, and nothing missed)."""
    return round(part / whole, 4) if whole else 1.0


def figures(found: Linked | Grouped) -> dict[str, float]:
    return asdict(found)
