"""The same request twice: done once and answered the same; and lists in pages, with as many queries for many rows."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.api import idempotency, jobs
from crm.models import Customer, IdempotencyKey
from tests import factories
from tests.api.test_signing_in import code_of

ANN = {"external_id": "C-1", "name": "Ann Mercer"}


@pytest.mark.django_db
def test_the_same_key_gets_the_same_answer_and_nothing_is_done_twice(shop):
    ann = factories.CustomerFactory()
    path, body = f"/customers/{ann.pk}/consents", {"purpose": "survey", "state": "given", "how": "She said so"}
    first = shop.post(path, body, Idempotency_Key="k-1")
    shop.post(path, body | {"state": "refused"})
    again = shop.post(path, body, Idempotency_Key="k-1")
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert [first.get(idempotency.REPLAYED), again[idempotency.REPLAYED]] == [None, "true"]
    assert ann.consents.get().state == "refused"


@pytest.mark.django_db
def test_a_made_record_is_answered_with_201_again(shop):
    answers = [shop.post("/customers", ANN, Idempotency_Key="k-1") for _ in range(2)]
    assert [(a.status_code, a.json()["outcome"]) for a in answers] == [(201, "made")] * 2
    assert answers[0].json() == answers[1].json()
    assert answers[0]["Content-Type"] == answers[1]["Content-Type"]


@pytest.mark.django_db
def test_a_key_for_another_request_is_refused(shop):
    shop.post("/customers", ANN, Idempotency_Key="k-1")
    for answer in (
        shop.post("/customers", ANN | {"name": "Eve"}, Idempotency_Key="k-1"),
        shop.patch(f"/customers/{Customer.objects.get().pk}", {"city": "Leeds"}, Idempotency_Key="k-1"),
    ):
        assert (answer.status_code, code_of(answer)) == (422, "key-used")
    assert Customer.objects.get().name == "Ann Mercer"


@pytest.mark.django_db
def test_each_token_has_keys_of_its_own(calling):
    for source in ("shop", "crm"):
        assert calling(source=source).post("/customers", ANN, Idempotency_Key="k-1").status_code == 201


@pytest.mark.django_db
def test_a_request_that_was_refused_leaves_its_key_free(shop):
    refused = shop.post(
        "/orders", {"external_id": "O-1", "customer_external_id": "C-1", "number": "1"}, Idempotency_Key="k"
    )
    assert refused.status_code == 422
    assert shop.post("/customers", ANN, Idempotency_Key="k").status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "ü", "a b"])
def test_a_key_that_is_none_is_refused(shop, key):
    answer = shop.post("/customers", ANN, Idempotency_Key=key)
    assert answer.status_code == 422
    assert not Customer.objects.exists()


@pytest.mark.django_db
def test_keys_are_kept_for_a_day(shop):
    for key, hours in (("old", 25), ("new", 23)):
        shop.post("/customers", ANN, Idempotency_Key=key)
        IdempotencyKey.objects.filter(key=key).update(at=timezone.now() - timedelta(hours=hours))
    jobs.sweep()
    assert [row.key for row in IdempotencyKey.objects.all()] == ["new"]


@pytest.mark.django_db(transaction=True)
def test_while_a_request_is_at_work_the_same_one_is_told_to_wait(shop):
    factories.ApiTokenFactory()
    IdempotencyKey.objects.create(token=shop.token, key="k-1", request_hash="")
    held, done = threading.Event(), threading.Event()

    def at_work():
        with transaction.atomic():
            IdempotencyKey.objects.select_for_update().get(key="k-1")
            held.set()
            done.wait(60)
        connection.close()

    worker = threading.Thread(target=at_work)
    worker.start()
    assert held.wait(60)
    answer = shop.post("/customers", ANN, Idempotency_Key="k-1")
    done.set()
    worker.join()
    assert (answer.status_code, code_of(answer)) == (409, "still-at-work")
    assert shop.post("/customers", ANN, Idempotency_Key="k-1").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_a_request_that_died_left_nothing_done_and_its_key_free(shop, monkeypatch):
    shop.client.raise_request_exception = False

    def breaks(*args, **kwargs):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("crm.api.customers.answer", breaks)
        assert shop.post("/customers", ANN, Idempotency_Key="k-1").status_code == 500
    assert not Customer.objects.exists()
    assert shop.post("/customers", ANN, Idempotency_Key="k-1").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_is_done_and_the_others_hear_of_it_or_wait(shop):
    answers, ready = [], threading.Barrier(4, timeout=60)

    def ask():
        ready.wait()
        answers.append(shop.post("/customers", ANN, Idempotency_Key="k-1"))
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert [answer.status_code for answer in answers].count(201) >= 1
    assert Customer.objects.count() == 1
    assert shop.post("/customers", ANN, Idempotency_Key="k-1")[idempotency.REPLAYED] == "true"


# --- pages


def make_one(kind):
    ann = factories.CustomerFactory()
    factories.IdentityFactory(customer=ann)
    agent = factories.UserFactory()
    made = {
        "customers": lambda: ann,
        "accounts": lambda: factories.AccountFactory(owner=agent),
        "orders": lambda: factories.OrderFactory(account=factories.AccountFactory()),
        "products": factories.ProductFactory,
        "cases": lambda: factories.resolved(factories.CaseFactory(message=False), agent),
        "messages": factories.MessageFactory,
    }
    return made[kind]()


LISTS = ["customers", "accounts", "orders", "products", "cases", "messages"]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", LISTS)
def test_a_list_of_many_costs_as_many_queries_as_one_of_one(shop, kind):
    shop.get(f"/{kind}")
    counts = []
    for rows in (1, 20):
        while len(shop.get(f"/{kind}").json()["items"]) < rows:
            make_one(kind)
        with CaptureQueriesContext(connection) as queries:
            answer = shop.get(f"/{kind}")
        assert len(answer.json()["items"]) == rows
        counts.append(len(queries))
        assert not [q for q in queries if "OFFSET" in q["sql"] or "COUNT(" in q["sql"].upper()]
    assert counts[0] == counts[1] <= 4


@pytest.mark.django_db
@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_the_pages_hold_every_row_once_and_in_order(shop, kind, limit):
    made = [make_one(kind).pk for _ in range(5)]
    if kind == "customers":
        made = sorted(Customer.objects.values_list("pk", flat=True))
    seen, after = [], 0
    while after is not None:
        page = shop.get(f"/{kind}", limit=limit, after=after).json()
        assert len(page["items"]) <= limit
        seen += [each["id"] for each in page["items"]]
        after = page["next"]
    assert seen == made


@pytest.mark.django_db
def test_rows_that_come_while_somebody_pages_are_found_at_the_end(shop):
    first = [factories.CustomerFactory().pk for _ in range(3)]
    page = shop.get("/customers", limit=2).json()
    later = factories.CustomerFactory().pk
    rest = shop.get("/customers", after=page["next"]).json()
    assert [each["id"] for each in page["items"] + rest["items"]] == [*first, later]
    assert rest["next"] is None


@pytest.mark.django_db
def test_an_empty_list_is_one_page(shop):
    assert shop.get("/customers").json() == {"items": [], "next": None}


@pytest.mark.django_db
def test_an_answer_is_json_and_says_so(shop):
    answer = shop.get("/customers")
    assert answer["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(answer.content)
