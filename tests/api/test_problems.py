"""What is wrong is said as RFC 9457 wants it, in a finished sentence; nothing anybody sends breaks the API."""

from __future__ import annotations

import json

import pytest
from django.urls import reverse

from crm.api import problems
from crm.models import Customer
from tests.api.test_signing_in import code_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/nothing", "/", "/customers/", "/customers/x", "/customers/1/x", "/customers/-1"])
def test_an_address_there_is_not_is_not_found(shop, path):
    answer = shop.get(path)
    assert (answer.status_code, code_of(answer)) == (404, "not-found")


@pytest.mark.parametrize("pk", [10**9, 2**63 - 1])
def test_a_record_there_is_not_is_not_found(shop, pk):
    for path in ("customers", "accounts", "orders", "products", "cases", "messages"):
        answer = shop.get(f"/{path}/{pk}")
        assert (answer.status_code, code_of(answer)) == (404, "not-found")


@pytest.mark.parametrize("pk", [0, 2**63, 10**40])
def test_a_number_no_record_can_have_is_refused(shop, pk):
    answer = shop.get(f"/customers/{pk}")
    assert (answer.status_code, code_of(answer)) == (422, "wrong-values")
    assert answer.json()["errors"][0]["where"] == "path.pk"


def test_so_long_a_number_that_python_reads_none_is_not_found(shop):
    assert shop.get(f"/customers/{'9' * 5000}").status_code == 404


@pytest.mark.parametrize("method", ["put", "delete", "options", "head", "trace"])
def test_a_method_an_address_does_not_know_names_those_it_does(shop, method):
    answer = getattr(shop.client, method)("/api/v1/customers", headers=shop.headers)
    assert answer.status_code == 405
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}
    if method != "head":
        assert code_of(answer) == "no-such-method"


@pytest.mark.parametrize(
    "body", [b"{", b"nonsense", b"\xff\xfe", b'{"external_id": "\\ud8', b"[" * 100_000, b"1" * 5000, b"'x'"]
)
def test_what_is_not_json_is_said_to_be_none(shop, body):
    answer = shop.post("/customers", body)
    assert (answer.status_code, code_of(answer)) == (400, "unreadable")


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"17", b'"x"', b"NaN", b"{}", b'{"external_id": null}'])
def test_json_that_is_no_record_says_what_is_wrong(shop, body):
    answer = shop.post("/customers", body)
    assert (answer.status_code, code_of(answer)) == (422, "wrong-values")
    assert answer.json()["errors"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_body_that_is_not_sent_as_json_is_refused(shop, kind):
    answer = shop.client.post("/api/v1/customers", b"x=1", content_type=kind, headers=shop.headers)
    assert (answer.status_code, code_of(answer)) == (415, "not-json")


def test_json_may_name_its_encoding(shop):
    body = json.dumps({"external_id": "C-1", "name": "Ann"})
    kind = "application/json; charset=utf-8"
    assert shop.client.post("/api/v1/customers", body, content_type=kind, headers=shop.headers).status_code == 201


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 4 * 1024 * 1024])
def test_a_body_that_is_too_large_is_not_read(shop, size):
    answer = shop.post("/customers", b'{"external_id": "' + b"x" * size + b'"}')
    assert (answer.status_code, code_of(answer)) == (413, "too-large")


def test_nor_is_one_that_does_not_say_how_large_it_is(shop):
    body = b'{"external_id": "' + b"x" * (4 * 1024 * 1024) + b'"}'
    for length in ("", "nonsense", "-1", "10"):
        answer = shop.client.generic(
            "POST", "/api/v1/customers", body, "application/json", headers=shop.headers, CONTENT_LENGTH=length
        )
        assert answer.status_code in (400, 413, 422), length


AWKWARD = ["\x00", "Ann\x00", "\ud800", "x" * 201, " ", "\n\t", ""]


@pytest.mark.parametrize("name", AWKWARD, ids=map(ascii, range(len(AWKWARD))))
def test_a_name_no_record_can_have_is_refused_beside_its_field(shop, name):
    answer = shop.post("/customers", {"external_id": "C-1", "name": name})
    assert answer.status_code == 422
    assert [error["where"] for error in answer.json()["errors"]] == ["body.name"]
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    "name", ["ليلى حداد", "נועה כהן", "👩‍👩‍👧‍👦", "a\u0301", "<script>alert(1)</script>", "'; DROP TABLE--"]
)
def test_any_other_name_is_kept_as_it_is(shop, name):
    made = shop.post("/customers", {"external_id": "C-1", "name": name}).json()["record"]
    assert shop.get(f"/customers/{made['id']}").json()["name"] == name


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("name", 17),
            ("name", ["Ann"]),
            ("name", {"x": 1}),
            ("born_on", 0),
            ("born_on", "0"),
            ("born_on", "1984-02-30"),
        ),
        *(
            ("born_on", "29.02.1984"),
            ("born_on", "0001-01-01"),
            ("born_on", "9999-12-31"),
            ("tier", "gold"),
            ("tier", 1),
        ),
        *(
            ("country", "UK"),
            ("country", "gb"),
            ("country", "GBR"),
            ("language", "English"),
            ("time_zone", "Mars/Crater"),
        ),
        *(("emails", "ann@example.com"), ("emails", ["nonsense"]), ("emails", ["x@example.com"] * 21)),
        *(("phones", ["12"]), ("handles", [{"handle": "x"}]), ("handles", ["twitter:x"]), ("surname", "Mercer")),
        *(
            ("external_id", 17),
            ("external_id", " "),
            ("external_id", "x" * 121),
            ("id", 1),
            ("erased_at", "2026-01-01"),
        ),
    ],
)
def test_a_value_of_another_kind_is_refused_beside_its_field(shop, field, value):
    answer = shop.post("/customers", {"external_id": "C-1", "name": "Ann", field: value})
    assert answer.status_code == 422
    assert any(error["where"].startswith("body.") for error in answer.json()["errors"])
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    "query", ["emial=x", "tier=gold", "limit=0", "limit=201", "limit=x", "after=-1", "q=%00", "tier="]
)
def test_a_filter_that_is_mistaken_is_refused_and_does_not_find_everybody(shop, query):
    answer = shop.client.get(f"/api/v1/customers?{query}", headers=shop.headers)
    assert (answer.status_code, code_of(answer)) == (422, "wrong-values")


def test_a_fault_of_ours_is_told_to_us_and_not_to_them(shop, monkeypatch):
    def breaks(*args, **kwargs):
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("crm.api.customers.page", breaks)
    shop.client.raise_request_exception = False
    answer = shop.get("/customers")
    assert (answer.status_code, code_of(answer)) == (500, "broken")
    assert "secret" not in answer.content.decode()
    shop.client.raise_request_exception = True
    with pytest.raises(RuntimeError):
        shop.get("/customers")


def test_no_answer_is_kept_by_anybody_in_between(shop):
    for answer in (shop.get("/customers"), shop.get("/nothing")):
        assert answer["Cache-Control"] == "no-store"


def test_every_kind_of_problem_stands_in_the_reference(as_user, lead):
    page = as_user(lead).get(reverse("api_docs")).content.decode()
    for code, (status, says) in problems.KINDS.items():
        assert f'id="{code}"' in page
        assert str(says)[-1] == "."
        assert 400 <= status <= 500


def test_a_problem_names_its_place_in_the_reference(shop):
    assert shop.get("/nothing").json()["type"] == f"{reverse('api_docs')}#not-found"


def test_every_status_with_which_we_refuse_has_a_code_of_its_own():
    assert set(problems.CODES) == {status for status, _says in problems.KINDS.values()}
    assert problems.CODES[422] == "refused"
    assert problems.CODES[403] == "not-allowed"


def test_a_rule_that_refuses_says_its_sentence(shop):
    order = {"external_id": "O-1", "customer_external_id": "C-9", "number": "5005"}
    answer = shop.post("/orders", order)
    assert (answer.status_code, code_of(answer)) == (422, "refused")
    assert answer.json()["detail"].startswith("There is no customer C-9 in shop.")
