"""Handles, addresses and numbers on their way to a customer.

What is new is linked in bulk. What stands already and is not theirs is claimed, one by one, as everywhere
(crm.decisions): a claim on what belongs to somebody else we know waits for a person, and is never decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from crm import decisions
from crm.importing.batch import Batch, Outcome, Saved, must_have
from crm.importing.fields import What
from crm.importing.ledger import COLUMNS, differences
from crm.importing.rules import Address, Values
from crm.models import Customer, Identity, IdentityLink, Merge

State, METHOD = IdentityLink.State, IdentityLink.Method.IMPORT


@dataclass(frozen=True)
class Linked:
    """Whether anything came of it, and what waits for a person."""

    touched: bool
    parked: tuple[IdentityLink, ...] = ()


def look_up(batch: Batch, rows: Sequence[Values]) -> None:
    ids = [values["customer"] for values in rows if "customer" in values]
    batch.people.meet(ids=ids, addresses=[a for values in rows for a in values.get("addresses", ())])


def save(batch: Batch, values: Values) -> Saved:
    """One link of one customer: `made` where it now stands or waits for a decision, `changed` where it stood else."""
    must_have(What.LINKS, values)
    customer = batch.people.known_customer(values["customer"])
    linked = link(batch, customer, values["addresses"], values.get("evidence", ""))
    return Saved(customer, Outcome.MADE if linked.touched else Outcome.SAME, linked.parked)


def link(batch: Batch, customer: Customer, addresses: Sequence[Address], evidence: str = "") -> Linked:
    """Give these to the customer. Where something is to be claimed, the batch is written first."""
    evidence = f"{evidence} ({batch.evidence})" if evidence else batch.evidence
    claims, made = [], 0
    for address in addresses:
        identity = batch.people.identity(address)
        if identity is None:
            _link_new(batch, customer, address, evidence)
            made += 1
        elif batch.people.owner(identity) is not customer:
            claims.append(address)
    if not claims:
        return Linked(bool(made))
    batch.moves += 1
    batch.write()
    answers = [_claim(batch, customer, address, evidence) for address in claims]
    batch.write()
    parked = tuple(link for link, _touched in answers if link.state == State.PROPOSED)
    return Linked(bool(made) or any(touched for _link, touched in answers), parked)


def _link_new(batch: Batch, customer: Customer, address: Address, evidence: str) -> None:
    identity = Identity(kind=address.kind, place=address.place, value=address.value, handle=address.handle)
    batch.make(identity)
    now = timezone.now()
    how = {"method": METHOD, "evidence": evidence[:500], "by": batch.by, "created_at": now}
    batch.make(IdentityLink(identity=identity, customer=customer, decided_by=batch.by, decided_at=now, **how))
    batch.people.add(identity, address, customer)


def _claim(batch: Batch, customer: Customer, address: Address, evidence: str) -> tuple[IdentityLink, bool]:
    """The link, and whether the claim changed it. One that waits for a person already is left to wait."""
    identity = batch.people.identity(address)
    assert identity is not None
    owner = batch.people.owner(identity)
    before = IdentityLink.objects.filter(identity=identity, customer=customer).first()
    if before and before.state == State.PROPOSED and before.method == METHOD and owner and owner.known_at:
        return before, False
    link = decisions.claim(
        identity=identity, customer=customer, method=METHOD, evidence=evidence[:500], by=batch.by
    )  # fmt: skip
    if link.state == State.CONFIRMED and owner and _merged(batch, owner):
        return link, True
    changed = differences(before, {name: getattr(link, name) for name in COLUMNS[IdentityLink]}) if before else {}
    if before is None:
        batch.ledger.made(link, batch.number, told=True)
    elif changed:
        batch.ledger.changed(link, changed, batch.number, told=True)
    if link.state == State.CONFIRMED:
        batch.people.belongs(identity, customer)
    return link, before is None or bool(changed)


def _merged(batch: Batch, owner: Customer) -> bool:
    """Whether the claim merged the provisional owner in: then the book of merges has it all, and we ask anew."""
    merge = Merge.objects.in_force().whole().filter(absorbed=owner).first()
    if merge is None:
        return False
    batch.ledger.made(merge, batch.number, told=True)
    batch.people.forget()
    return True
