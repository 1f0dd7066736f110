"""Accounts, and who has a say in them."""

from __future__ import annotations

from typing import Annotated, Any

from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import Field

from crm.api.auth import Caller, Token
from crm.api.idempotency import once
from crm.api.kinds import (
    PLAIN,
    AccountKind,
    Country,
    Day,
    Id,
    In,
    Influence,
    Line,
    Name,
    OutsideId,
    Role,
    Slug,
    Text,
)
from crm.api.paging import Filter, Page, page
from crm.api.schemas import AccountOut, StakeholderOut
from crm.api.writing import SavedOut, fields, save
from crm.importing.records import Saved, What
from crm.models import Account, Scope, Stakeholder
from crm.models.staff import ACCOUNT_ROLES, CUSTOMER_ROLES

router = Router(tags=["Accounts"])
READ, WRITE = Token(Scope.ACCOUNTS_READ, CUSTOMER_ROLES), Token(Scope.ACCOUNTS_WRITE, ACCOUNT_ROLES)

Short = Annotated[str, Field(max_length=80, pattern=PLAIN)]
Runs = Annotated[str, Field(max_length=200, pattern=PLAIN, examples=["6,500 servers in Austin"])]
Website = Annotated[str, Field(max_length=300, pattern=PLAIN, examples=["https://northwind.example"])]
Owner = Annotated[str, Field(max_length=254, pattern=PLAIN, description="A colleague’s user name or e-mail.")]


class AccountsFilter(Filter):
    external_id: OutsideId | None = None
    source: Annotated[Slug | None, Field(description="Whose “external_id” it is; else the token’s own system.")] = None
    kind: AccountKind | None = None


class AccountFields(In):
    """What is left out stays as it is; what is null is emptied."""

    name: Annotated[Name, Field(examples=["Northwind Rail Ltd"])] = ""
    kind: AccountKind | None = None
    industry: Short | None = None
    country: Country | None = None
    city: Line | None = None
    website: Website | None = None
    runs: Runs | None = None
    about: Text | None = None
    owner: Owner | None = None
    closed_on: Annotated[Day | None, Field(description="Since when they are none any more.")] = None


class AccountIn(AccountFields):
    """An account of the token's own system. A new one needs a name."""

    external_id: Annotated[OutsideId, Field(examples=["A-77"])]


class StakeholderIn(In):
    """One row for each role a customer has in an account; the numbers are Hark's."""

    customer: Id
    role: Role
    influence: Influence | None = None
    persona: Annotated[Short | None, Field(description="By its name; leads keep the list.")] = None
    title: Line | None = None
    since_on: Day | None = None
    left_on: Day | None = None


@router.get("/accounts", response=Page[AccountOut], auth=READ, url_name="accounts", summary="List accounts")
def accounts(request: Caller, asked: Query[AccountsFilter]) -> Page[AccountOut]:
    rows = Account.objects.visible_to(request.user).select_related("owner")
    if asked.external_id is not None:
        rows = rows.filter(source=asked.source or request.auth.source, external_id=asked.external_id)
    return page(rows.filter(kind=asked.kind) if asked.kind else rows, asked, AccountOut.of, Page[AccountOut])


@router.get("/accounts/{int:pk}", response=AccountOut, auth=READ, url_name="account", summary="Get an account")
def account(request: Caller, pk: Id) -> AccountOut:
    return AccountOut.of(_found(request, pk))


@router.post(
    "/accounts", response={200: SavedOut[AccountOut], 201: SavedOut[AccountOut]}, auth=WRITE, url_name="account_save",
    summary="Make or change an account by its outside id",
)  # fmt: skip
@once
def account_save(request: Caller, body: AccountIn) -> Status[SavedOut[AccountOut]]:
    record = {"id": body.external_id, **fields(body, "external_id")}
    return _account(request, save(What.ACCOUNTS, request, record))


@router.patch(
    "/accounts/{int:pk}", response={200: SavedOut[AccountOut]}, auth=WRITE, url_name="account_change",
    summary="Change an account",
)  # fmt: skip
@once
def account_change(request: Caller, pk: Id, body: AccountFields) -> Status[SavedOut[AccountOut]]:
    record = {"id": str(_found(request, pk).pk), **fields(body)}
    return _account(request, save(What.ACCOUNTS, request, record, ours=True))


@router.get(
    "/accounts/{int:pk}/stakeholders", response=Page[StakeholderOut], auth=READ, url_name="stakeholders",
    summary="List who has a say in an account",
)  # fmt: skip
def stakeholders(request: Caller, pk: Id, asked: Query[Filter]) -> Page[StakeholderOut]:
    """Also those who have left."""
    rows = Stakeholder.objects.visible_to(request.user).of_account(_found(request, pk)).select_related("persona")
    return page(rows, asked, StakeholderOut.of, Page[StakeholderOut])


@router.post(
    "/accounts/{int:pk}/stakeholders", response={200: SavedOut[StakeholderOut], 201: SavedOut[StakeholderOut]},
    auth=WRITE, url_name="stakeholder_save", summary="Say what a customer is to an account",
)  # fmt: skip
@once
def stakeholder_save(request: Caller, pk: Id, body: StakeholderIn) -> Status[SavedOut[StakeholderOut]]:
    """The same customer in the same role again changes that row."""
    numbers = {"account": str(_found(request, pk).pk), "customer": str(body.customer)}
    saved = save(What.STAKEHOLDERS, request, {**fields(body, "customer"), **numbers}, ours=True)
    stake = StakeholderOut.of(Stakeholder.objects.select_related("persona").get(pk=saved.object.pk))
    return SavedOut[StakeholderOut].answer(saved, stake)


def _found(request: Caller, pk: int) -> Account:
    return get_object_or_404(Account.objects.visible_to(request.user).select_related("owner"), pk=pk)


def _account(request: Caller, saved: Saved) -> Status[Any]:
    return SavedOut[AccountOut].answer(saved, AccountOut.of(_found(request, saved.object.pk)))
