"""Consents on their way in. An import takes a no over a yes, and never a yes over a no: its file may be old."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from crm import consent
from crm.errors import Refused
from crm.importing.batch import Batch, Outcome, Saved, must_have
from crm.importing.fields import What
from crm.importing.rules import Values
from crm.models import Consent, ConsentChange, Customer, Purpose


class AskedForNoContact(Refused):
    sentence = _(
        "{name} asked not to be contacted under any circumstances. An import cannot change that; it is lifted on the"
        " customer’s page, by a person who says why."
    )


class SaidNo(Refused):
    sentence = _(
        "{name} said no to this: {purpose}. An import does not turn a no into a yes; on the customer’s page a person"
        " can, who says how we know."
    )


def look_up(batch: Batch, rows: Sequence[Values]) -> None:
    batch.people.meet(ids=[values["customer"] for values in rows if "customer" in values])


def save(batch: Batch, values: Values) -> Saved:
    must_have(What.CONSENTS, values)
    customer = batch.people.known_customer(values["customer"])
    how = f"{values['how']} ({batch.evidence})" if values.get("how") else batch.evidence
    if values["state"] == "forbidden":
        change = consent.forbid(customer=customer, how=how, by=batch.by)
    else:
        change = _record(batch, customer, values["purpose"], values["state"], how)
    if change is None:
        return Saved(customer, Outcome.SAME)
    batch.ledger.made(change, batch.number, told=True)
    return Saved(customer, Outcome.MADE)


def _record(batch: Batch, customer: Customer, purpose: str, state: str, how: str) -> ConsentChange | None:
    held = Consent.objects.filter(customer=customer, purpose=purpose).values_list("state", flat=True).first()
    if held == state:
        return None
    if state == Consent.State.GIVEN and customer.do_not_contact_at:
        raise AskedForNoContact(name=customer)
    if state == Consent.State.GIVEN and held == Consent.State.REFUSED:
        raise SaidNo(name=customer, purpose=Purpose(purpose).label)
    return consent.record(customer=customer, purpose=purpose, state=state, how=how, by=batch.by)
