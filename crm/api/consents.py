"""What customers allow us to do."""

from __future__ import annotations

from typing import Annotated

from ninja import Router, Status
from pydantic import Field

from crm import consent
from crm.api.auth import Caller, Token
from crm.api.customers import found
from crm.api.idempotency import once
from crm.api.kinds import ConsentPurpose, ConsentState, Id, In, Reason
from crm.api.schemas import ConsentsOut
from crm.models import Scope
from crm.models.staff import CARE_ROLES, CUSTOMER_ROLES

router = Router(tags=["Consents"])
READ, WRITE = Token(Scope.CONSENTS_READ, CUSTOMER_ROLES), Token(Scope.CONSENTS_WRITE, CARE_ROLES)

How = Annotated[Reason, Field(description="How you know: what they said, signed or ticked, and when.")]
CHANGES = 50


class ConsentIn(In):
    purpose: ConsentPurpose
    state: Annotated[ConsentState | None, Field(description="Null: no longer known.")]
    how: How


class Forbidden(In):
    how: How


@router.get(
    "/customers/{int:pk}/consents", response=ConsentsOut, auth=READ, url_name="consents",
    summary="What a customer allows",
)  # fmt: skip
def consents(request: Caller, pk: Id) -> ConsentsOut:
    return _shown(request, pk)


@router.post(
    "/customers/{int:pk}/consents", response={200: ConsentsOut}, auth=WRITE, url_name="consent_record",
    summary="Record what a customer allows",
)  # fmt: skip
@once
def consent_record(request: Caller, pk: Id, body: ConsentIn) -> Status[ConsentsOut]:
    """For one purpose. What held before stays in the history."""
    how = f"{body.how} (API: {request.auth.name})"
    consent.record(customer=found(request, pk), purpose=body.purpose, state=body.state, how=how, by=request.user)
    return Status(200, _shown(request, pk))


@router.post(
    "/customers/{int:pk}/do-not-contact", response={200: ConsentsOut}, auth=WRITE, url_name="do_not_contact",
    summary="Never contact a customer again",
)  # fmt: skip
@once
def do_not_contact(request: Caller, pk: Id, body: Forbidden) -> Status[ConsentsOut]:
    """Under any circumstances. It is lifted on the customer's page, by a person who says why; never from here."""
    how = f"{body.how} (API: {request.auth.name})"
    consent.forbid(customer=found(request, pk), how=how, by=request.user)
    return Status(200, _shown(request, pk))


def _shown(request: Caller, pk: int) -> ConsentsOut:
    customer = found(request, pk)
    held, changes = customer.consents.order_by("purpose"), customer.consent_changes.all()[:CHANGES]
    return ConsentsOut.of(customer, held, changes)
