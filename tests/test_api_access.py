"""Who may do what by token: every endpoint, with every scope, for every role, on an object that is not theirs.

An endpoint without a line in TABLE fails, and so does a line that says another scope than the endpoint asks for.
"""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver

from config.api import operations
from config.api_schema import token_of
from crm.models import ApiToken, Consent, ConsentChange, IdempotencyKey, Identity, IdentityLink, Order, Product, Scope
from crm.models.staff import Role
from tests import factories, test_access
from tests.rows import rows_of

CUSTOMERS = "200 200 200 200 403 200"
CARE = "200 200 403 403 403 200"
ACCOUNTS = "200 200 403 200 403 200"
RESULTS = "403 200 200 403 403 200"
MADE_BY_LEADS = "403 201 403 403 403 201"

# method, address: its scope; what comes of it with that scope for a token that acts for an agent (of another team),
# lead, executive, sales, support, admin
TABLE = {
    "GET /customers": ("customers:read", CUSTOMERS),
    "POST /customers": ("customers:write", "201 201 403 403 403 201"),
    "GET /customers/{pk}": ("customers:read", CUSTOMERS),
    "PATCH /customers/{pk}": ("customers:write", CARE),
    "GET /customers/{pk}/identities": ("customers:read", CUSTOMERS),
    "POST /customers/{pk}/identities": ("customers:write", "201 201 403 403 403 201"),
    "POST /customers/{pk}/identities/{link}/withdraw": ("customers:write", CARE),
    "GET /customers/{pk}/consents": ("consents:read", CUSTOMERS),
    "POST /customers/{pk}/consents": ("consents:write", CARE),
    "POST /customers/{pk}/do-not-contact": ("consents:write", CARE),
    "GET /accounts": ("accounts:read", CUSTOMERS),
    "POST /accounts": ("accounts:write", "201 201 403 201 403 201"),
    "GET /accounts/{pk}": ("accounts:read", CUSTOMERS),
    "PATCH /accounts/{pk}": ("accounts:write", ACCOUNTS),
    "GET /accounts/{pk}/stakeholders": ("accounts:read", CUSTOMERS),
    "POST /accounts/{pk}/stakeholders": ("accounts:write", "201 201 403 201 403 201"),
    "GET /orders": ("orders:read", CUSTOMERS),
    "POST /orders": ("orders:write", MADE_BY_LEADS),
    "GET /orders/{pk}": ("orders:read", CUSTOMERS),
    "GET /products": ("orders:read", CUSTOMERS),
    "POST /products": ("orders:write", MADE_BY_LEADS),
    "GET /products/{pk}": ("orders:read", CUSTOMERS),
    "GET /cases": ("cases:read", CARE),
    "GET /cases/{pk}": ("cases:read", "404 200 403 403 403 200"),
    "GET /messages": ("messages:read", CUSTOMERS),
    "GET /messages/{pk}": ("messages:read", CUSTOMERS),
    **{
        f"GET /surveys/waves{path}": ("results:read", RESULTS)
        for path in ("", "/{pk}/nps", "/{pk}/trend", "/{pk}/distribution", "/{pk}/segments", "/{pk}/rates")
    },
}
ENDPOINTS = {f"{op.methods[0]} {op.path.replace('int:', '')}": op for _name, op in operations()}


def test_every_endpoint_has_a_line_with_its_scope():
    assert {line: token_of(op).scope.value for line, op in ENDPOINTS.items()} == {
        line: scope for line, (scope, _outcomes) in TABLE.items()
    }


def test_every_scope_opens_something():
    assert {scope for scope, _outcomes in TABLE.values()} == set(Scope.values)


def test_every_write_can_be_repeated_with_a_key_and_no_read_changes_anything():
    for line, op in ENDPOINTS.items():
        assert getattr(op.view_func, "done_once", False) is not line.startswith("GET "), line


def test_every_address_of_the_api_goes_through_its_entry_and_no_other_view_does():
    def walk(resolver, prefix=""):
        for pattern in resolver.url_patterns:
            place = prefix + str(pattern.pattern)
            yield from [(place, pattern)] if isinstance(pattern, URLPattern) else walk(pattern, place)

    ours = ("api/v1/docs", "api/v1/openapi.json")  # pages for who is signed in: a line each in tests/test_access.py
    for place, pattern in walk(get_resolver()):
        is_api = place.startswith("api/") and place not in ours
        assert getattr(pattern.callback, "is_api", False) is is_api, place
        if is_api:
            assert pattern.callback.csrf_exempt
            assert pattern.callback.login_required is False


@pytest.fixture
def world(db):
    """One of everything, and a person for each role, of a team of their own."""
    case, account = factories.CaseFactory(), factories.AccountFactory()
    ann = case.customer
    factories.IdentityFactory(kind="external", place="shop", value="C-1", customer=ann)
    # a second handle, so that the first can be taken from her
    factories.IdentityFactory(customer=ann)
    order = factories.OrderFactory(customer=ann)
    people = {role: factories.UserFactory(role=role, teams=[factories.TeamFactory()]) for role in Role.values}
    objects = {
        "customers": ann, "accounts": account, "orders": order, "products": factories.ProductFactory(customer=ann),
        "cases": case, "messages": case.entries.get().message, "surveys": factories.WaveFactory(),
    }  # fmt: skip
    return SimpleNamespace(objects=objects, people=people, link=ann.links.first())


def body_of(line, world):
    """What a write sends that concerns the objects of `world`."""
    ann, how = world.objects["customers"], {"how": "She said so"}
    return {
        "POST /customers": {"external_id": "C-2", "name": "Ben"},
        "PATCH /customers/{pk}": {"city": "Leeds"},
        "POST /customers/{pk}/identities": {"kind": "email", "value": "ann@example.com"},
        "POST /customers/{pk}/identities/{link}/withdraw": {"why": "It is her sister's."},
        "POST /customers/{pk}/consents": {"purpose": "survey", "state": "given", **how},
        "POST /customers/{pk}/do-not-contact": how,
        "POST /accounts": {"external_id": "A-1", "name": "Northwind"},
        "PATCH /accounts/{pk}": {"city": "Leeds"},
        "POST /accounts/{pk}/stakeholders": {"customer": ann.pk, "role": "buyer"},
        "POST /orders": {"external_id": "O-1", "customer_external_id": "C-1", "number": "1"},
        "POST /products": {"external_id": "P-1", "customer_external_id": "C-1", "name": "Pass"},
    }.get(line)


def everything():
    """All that an endpoint might change; that a token was seen is not its doing."""
    here = rows_of(Consent, ConsentChange, IdempotencyKey, Identity, IdentityLink, Order, Product)
    return here | {name: found for name, found in test_access.everything().items() if name != "ApiToken"}


def ask(line, world, text):
    method, path = line.split()
    pk = str(world.objects[path.split("/")[1]].pk)
    url = "/api/v1" + path.replace("{pk}", pk).replace("{link}", str(world.link.pk))
    body, headers = body_of(line, world), {"Authorization": f"Bearer {text}"} if text else {}
    sent = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
    return getattr(Client(), method.lower())(url, **sent, headers=headers).status_code


def asked_in_vain(line, world, text):
    """The outcome of a request that changes nothing: it is taken back, and nothing had changed before."""
    with transaction.atomic():
        before = everything()
        status = ask(line, world, text)
        if status >= 400:
            assert everything() == before
        transaction.set_rollback(True)
    return status


@pytest.mark.parametrize("line", TABLE)
def test_each_role_gets_what_the_table_says_with_the_scope(world, line):
    scope, outcomes = TABLE[line]
    found = {}
    for role in Role.values:
        text = f"hark_{role:_<12}"
        factories.ApiTokenFactory(user=world.people[role], scopes=[scope], text=text)
        found[role] = asked_in_vain(line, world, text)
    assert found == dict(zip(Role.values, map(int, outcomes.split()), strict=True))


@pytest.mark.parametrize("line", TABLE)
def test_no_other_scope_opens_it_for_anybody(world, line):
    scope, _outcomes = TABLE[line]
    for number, other in enumerate(value for value in Scope.values if value != scope):
        text = f"hark_{number:07}"
        factories.ApiTokenFactory(user=world.people["admin"], scopes=[other], text=text)
        assert asked_in_vain(line, world, text) == 403, other
    rest = [value for value in Scope.values if value != scope]
    for role in Role.values:
        text = f"hark_{role:_<12}"
        factories.ApiTokenFactory(user=world.people[role], scopes=rest, text=text)
        assert asked_in_vain(line, world, text) == 403, role


@pytest.mark.parametrize("line", TABLE)
def test_without_a_token_or_with_one_that_is_over_nothing_opens(world, line):
    token = factories.ApiTokenFactory(text="hark_0000000-over")
    ApiToken.objects.filter(pk=token.pk).update(revoked_at=token.created_at)
    for text in ("", "hark_0000000-over", "hark_0000000-none", settings.SECRET_KEY):
        assert asked_in_vain(line, world, text) == 401


@pytest.mark.parametrize("line", [line for line in TABLE if "{pk}" in line])
def test_what_does_not_exist_is_not_found_by_anybody(world, line):
    factories.ApiTokenFactory(user=world.people["admin"], text="hark_0000000-all")
    for thing in world.objects.values():
        thing.pk = 10**9
    assert asked_in_vain(line, world, "hark_0000000-all") == 404
