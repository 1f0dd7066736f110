"""A person is forgotten: first what can be found bit by bit, then, while nothing can come in, the rest and the name.

Each batch is one transaction together with its count, so that an erasure killed anywhere goes on where it stopped and
its receipt is right. What an erasure may not forget is in the list of holders.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import handoff
from crm.errors import Refused
from crm.models import Customer, PrivacyRequest
from crm.models.activity import log
from crm.privacy import holders, people, receipts
from crm.privacy.holders import Holder
from crm.privacy.people import Person
from crm.webhooks import telling

THE_END = "the_end"  # the last step: all at once, while nothing can come in
RECEIPT = "hark.erasure/1"


class NotYet(Refused):
    """Something stands in the way that passes by itself."""

    sentence = _("{why}")


@dataclass(frozen=True)
class Foreseen:
    """One line of the preview. `count` None: found while it is done."""

    holder: Holder
    count: int | None


def preview(person: Person) -> list[Foreseen]:
    return [Foreseen(holder, holder.count(person)) for holder in holders.all_holders()]


def erase(request: PrivacyRequest) -> None:
    """Raises NotYet where it has to wait; what is done by then stays done."""
    person = people.person(request.customer)
    _clear_way(person)
    steps = [holder for holder in holders.in_order_of_erasure() if not holder.at_the_end]
    request.begin(len(steps) + 1)
    for done, holder in enumerate(steps):
        request.go_to(holder.name, done)
        _empty(holder.name, holder.erase(person), request)
    request.go_to(THE_END, len(steps))
    _end(request)


def _clear_way(person: Person) -> None:
    if why := holders.hindrances(person):
        raise NotYet(why=why[0])


def _empty(name: str, batches: Iterator[int], request: PrivacyRequest) -> None:
    """Batch by batch, each with its count."""
    more = True
    while more:
        with transaction.atomic():
            number = next(batches, None)
            more = number is not None
            _count(request, name, number or 0)


def _count(request: PrivacyRequest, name: str, number: int) -> None:
    erased = request.receipt.setdefault("erased", {})
    if number:
        erased[name] = erased.get(name, 0) + number
        request.save(update_fields=["receipt"])


@transaction.atomic
def _end(request: PrivacyRequest) -> None:
    """While nothing can come in: what came since, and then the names themselves."""
    person = people.person(request.customer)
    _clear_way(person)
    holders.stand_still(person)
    person = people.person(request.customer)  # again: what came in may have brought another name
    for holder in holders.in_order_of_erasure():
        _empty(holder.name, (holder.erase_late or holder.erase)(person), request)
    _receipt(request, person)
    receipts.keep(request, person)
    request.finish()
    customer = Customer.objects.get(pk=person.customer.pk)
    log("erased", customer, by=request.by, detail=request.get_reason_display())
    telling.tell("customer.erased", customer)
    handoff.pass_on("customer_changed", customer.pk)


def _receipt(request: PrivacyRequest, person: Person) -> None:
    """Numbers and days; nobody's name."""
    now = timezone.now()
    request.receipt |= {
        "schema": RECEIPT,
        "records": len(person.records),
        "identities": len(person.identities),
        "backups_until": (now + timedelta(days=settings.BACKUPS_KEPT_DAYS)).date().isoformat(),
    }
