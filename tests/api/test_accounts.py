"""Accounts and stakeholders by API."""

from __future__ import annotations

import pytest

from crm.models import Account, Scope, Stakeholder
from tests import factories

pytestmark = pytest.mark.django_db


def test_an_account_is_made_once_and_changed_after(shop):
    sam = factories.UserFactory(username="sam", role="sales")
    body = {"external_id": "A-1", "name": "Northwind Rail", "kind": "reseller", "owner": "sam", "country": "GB"}
    first, again = shop.post("/accounts", body), shop.post("/accounts", body)
    assert [(a.status_code, a.json()["outcome"]) for a in (first, again)] == [(201, "made"), (200, "same")]
    record = first.json()["record"]
    assert (record["source"], record["external_id"], record["owner"]) == ("shop", "A-1", "sam")
    changed = shop.post("/accounts", {"external_id": "A-1", "owner": None, "closed_on": "2025-12-31"})
    assert changed.json()["outcome"] == "changed"
    account = Account.objects.get()
    assert (account.owner, account.kind, str(account.closed_at)[:10]) == (None, "reseller", "2025-12-31")
    assert sam.accounts.count() == 0


def test_a_new_account_needs_a_name(shop):
    answer = shop.post("/accounts", {"external_id": "A-1"})
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "body.name")


def test_an_account_is_changed_by_our_number(calling):
    account = factories.AccountFactory()
    sales = calling("sales", Scope.ACCOUNTS_READ, Scope.ACCOUNTS_WRITE, source="")
    answer = sales.patch(f"/accounts/{account.pk}", {"runs": "6,500 servers in Austin"})
    assert (answer.status_code, answer.json()["record"]["runs"]) == (200, "6,500 servers in Austin")
    assert sales.patch("/accounts/999999", {"runs": "x"}).status_code == 404


def test_accounts_are_found_by_outside_id_and_kind(shop):
    ours = factories.AccountFactory(source="shop", external_id="A-1", kind="partner")
    theirs = factories.AccountFactory(source="crm", external_id="A-1")

    def found(**query):
        return [each["id"] for each in shop.get("/accounts", **query).json()["items"]]

    assert found(external_id="A-1") == [ours.pk]
    assert found(external_id="A-1", source="crm") == [theirs.pk]
    assert found(kind="partner") == [ours.pk]
    assert found() == [ours.pk, theirs.pk]


def test_a_customer_is_something_to_an_account_once_a_role(shop):
    account, ann = factories.AccountFactory(), factories.CustomerFactory()
    factories.PersonaFactory(name="Fleet manager")
    path = f"/accounts/{account.pk}/stakeholders"
    body = {"customer": ann.pk, "role": "buyer", "influence": "decides", "persona": "fleet manager", "title": "Head"}
    first, again = shop.post(path, body), shop.post(path, body)
    assert [(a.status_code, a.json()["outcome"]) for a in (first, again)] == [(201, "made"), (200, "same")]
    assert first.json()["record"]["persona"] == "Fleet manager"
    left = shop.post(path, {"customer": ann.pk, "role": "buyer", "left_on": "2026-01-31"})
    assert left.json()["record"]["left_on"] == "2026-01-31"
    assert shop.post(path, {"customer": ann.pk, "role": "user"}).status_code == 201
    listed = shop.get(path).json()["items"]
    assert [(each["customer"], each["role"]) for each in listed] == [(ann.pk, "buyer"), (ann.pk, "user")]
    assert Stakeholder.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"customer": 10**9, "role": "buyer"}, None),
        ({"role": "buyer"}, "body.customer"),
        ({"customer": 1, "role": "boss"}, "body.role"),
        ({"customer": 1, "role": "buyer", "persona": "nobody"}, "body.persona"),
        ({"customer": 1, "role": "buyer", "since_on": "2026-02-01", "left_on": "2026-01-01"}, "body.left_on"),
    ],
)
def test_a_stakeholder_that_cannot_be_is_refused(shop, body, where):
    account = factories.AccountFactory()
    if body.get("customer") == 1:
        body["customer"] = factories.CustomerFactory().pk
    answer = shop.post(f"/accounts/{account.pk}/stakeholders", body)
    assert answer.status_code == 422
    assert [error["where"] for error in answer.json().get("errors", [])] == ([where] if where else [])
    assert not Stakeholder.objects.exists()
