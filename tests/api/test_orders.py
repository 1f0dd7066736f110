"""Orders and products owned by API: of the token's own system, for customers it has sent in."""

from __future__ import annotations

import pytest

from crm.models import Order, Product, Scope
from tests import factories

pytestmark = pytest.mark.django_db

ORDER = {
    "external_id": "O-1", "customer_external_id": "C-1", "number": "2026-5005", "state": "shipped",
    "what": "2 × Trail jacket", "amount": "129.90", "currency": "EUR", "placed_at": "2026-04-30T19:05:00+02:00",
    "promised_on": "2026-05-04", "tracking_url": "https://parcels.example/1",
}  # fmt: skip


@pytest.fixture
def ann(db):
    ann = factories.CustomerFactory(name="Ann Mercer")
    factories.IdentityFactory(kind="external", place="shop", value="C-1", customer=ann)
    return ann


def test_an_order_is_made_once_and_changed_after(shop, ann):
    first, again = shop.post("/orders", ORDER), shop.post("/orders", ORDER)
    assert [(a.status_code, a.json()["outcome"]) for a in (first, again)] == [(201, "made"), (200, "same")]
    record = first.json()["record"]
    assert (record["customer"], record["amount"], record["placed_at"]) == (ann.pk, "129.90", "2026-04-30T17:05:00Z")
    delivered = {"external_id": "O-1", "state": "delivered", "delivered_on": "2026-05-03"}
    assert shop.post("/orders", delivered).json()["outcome"] == "changed"
    order = Order.objects.get()
    assert (order.state, order.number, str(order.delivered_on)) == ("delivered", "2026-5005", "2026-05-03")


@pytest.mark.parametrize(
    "wrong",
    [
        *({"amount": 129.9}, {"amount": "129.999"}, {"amount": "1e3"}, {"amount": "NaN"}, {"amount": "1" * 40}),
        *({"currency": None}, {"currency": "euro"}, {"placed_at": "2026-04-30"}, {"placed_at": 0}),
        *({"placed_at": "2026-04-30T17:05:00"}, {"placed_at": "0001-01-01T00:00:00Z"}, {"state": "lost"}),
        *({"tracking_url": "javascript:alert(1)"}, {"customer_external_id": "C-9"}, {"account_external_id": "A-9"}),
        *({"number": ""}, {"customer": 1}),
    ],
)
def test_an_order_that_cannot_be_is_refused(shop, ann, wrong):
    assert shop.post("/orders", ORDER | wrong).status_code == 422
    assert not Order.objects.exists()


def test_orders_are_found_by_customer_and_outside_id(shop, ann):
    mine = shop.post("/orders", ORDER).json()["record"]["id"]
    theirs = factories.OrderFactory(source="crm", external_id="O-1").pk

    def found(**query):
        return [each["id"] for each in shop.get("/orders", **query).json()["items"]]

    assert found(customer=ann.pk) == [mine]
    assert found(external_id="O-1") == [mine]
    assert found(external_id="O-1", source="crm") == [theirs]
    assert found(account=1) == []
    assert found() == [mine, theirs]
    assert shop.get(f"/orders/{mine}").json()["number"] == "2026-5005"


def test_a_product_comes_with_its_order(shop, ann):
    order = shop.post("/orders", ORDER).json()["record"]["id"]
    body = {"external_id": "S-9", "customer_external_id": "C-1", "order_external_id": "O-1", "name": "Rail pass"}
    first, again = shop.post("/products", body), shop.post("/products", body)
    assert [(a.status_code, a.json()["outcome"]) for a in (first, again)] == [(201, "made"), (200, "same")]
    record = first.json()["record"]
    assert (record["customer"], record["order"], record["name"], record["state"]) == (
        ann.pk,
        order,
        "Rail pass",
        "active",
    )
    assert shop.get(f"/products/{record['id']}").json() == record
    assert [each["id"] for each in shop.get("/products", customer=ann.pk).json()["items"]] == [record["id"]]
    assert shop.post("/products", {"external_id": "S-8", "customer_external_id": "C-1"}).status_code == 422
    assert Product.objects.count() == 1


@pytest.mark.parametrize("role", ["agent", "sales", "executive"])
def test_orders_are_written_by_who_may_import_them(calling, ann, role):
    token = calling(role, Scope.ORDERS_READ, Scope.ORDERS_WRITE)
    assert token.post("/orders", ORDER).status_code == 403
    assert token.get("/orders").status_code == 200
