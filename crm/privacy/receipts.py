"""Who was erased, by number, kept outside the database: so that a restored backup does not bring them back for good.

A receipt names nobody: it has the numbers of the records and since when we knew them. The second tells a record from
another that got its number after an older backup was restored.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils.dateparse import parse_datetime

from crm.models import Customer, PrivacyRequest, User
from crm.privacy.people import Person

FOLDER = "receipts"


@dataclass(frozen=True)
class Back:
    """Somebody who was erased and is there again. `by` asked for it then; None where they are gone themselves."""

    customer: Customer
    reason: str
    by: User | None


def keep(request: PrivacyRequest, person: Person) -> None:
    """Before the end of the transaction: a receipt without its erasure only asks for it again."""
    known = Customer.objects.filter(pk__in=person.records).values_list("pk", "created_at")
    told = {
        "records": {str(pk): at.isoformat() for pk, at in known},
        "reason": request.reason,
        "by": request.by.username,
    }
    name = f"{FOLDER}/erasure-{request.pk}.json"
    default_storage.delete(name)  # of a try that did not come to its end
    default_storage.save(name, ContentFile(json.dumps(told).encode()))


def back() -> Iterator[Back]:
    """Those who stand again though they were erased."""
    for told in _all():
        known = {int(pk): parse_datetime(at) for pk, at in told["records"].items()}
        for customer in Customer.objects.standing().filter(pk__in=known).order_by("pk"):
            if customer.created_at == known[customer.pk]:
                yield Back(customer, told["reason"], User.objects.filter(username=told["by"]).first())


def _all() -> Iterator[dict[str, Any]]:
    try:
        names = sorted(default_storage.listdir(FOLDER)[1])
    except FileNotFoundError:
        return
    for name in names:
        with default_storage.open(f"{FOLDER}/{name}") as file:
            yield json.loads(file.read())
