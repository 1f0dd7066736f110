"""Who may ask: a token in force, with the scope, for somebody whose role allows it; never a cookie."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from crm import tokens
from crm.handoff import wire
from crm.models import Activity, ApiToken, Scope
from tests import factories
from tests.channels_app.own_wire import own_wire

pytestmark = pytest.mark.django_db


def code_of(answer):
    """What a program branches on; and that the answer is a problem with a sentence."""
    said = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert said["status"] == answer.status_code
    assert said["detail"][-1] in ".…"
    return said["type"].rpartition("#")[2]


def test_a_token_opens_what_its_scope_names(calling):
    reader = calling("agent", Scope.CUSTOMERS_READ)
    assert reader.get("/customers").status_code == 200
    assert code_of(reader.get("/accounts")) == "scope"


@pytest.mark.parametrize(
    "header",
    [
        *("", "Bearer", "Bearer ", "Bearer x", "Bearer hark_", "Basic aGFyazpoYXJr", "hark_0000000-a-token-in-a-test"),
        *("Bearer hark_\x00", "Bearer hark_" + "x" * 5000, "Bearer hark_ü", "Bearer hark_0000000-a-token-in-a-tesT"),
    ],
)
def test_without_a_token_in_force_nobody_enters(calling, header):
    calling()
    answer = Client().get("/api/v1/customers", headers={"Authorization": header} if header else {})
    assert (answer.status_code, code_of(answer)) == (401, "not-signed-in")
    assert answer["WWW-Authenticate"] == 'Bearer realm="Hark"'


def test_the_scheme_may_be_written_in_small_letters(shop):
    shop.headers["Authorization"] = shop.headers["Authorization"].replace("Bearer", "bearer")
    assert shop.get("/customers").status_code == 200


@pytest.mark.parametrize(
    "gone",
    [
        {"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(seconds=1)},
    ],
    ids=["revoked", "expired"],
)  # fmt: skip
def test_a_token_that_was_revoked_or_has_expired_opens_nothing(calling, gone):
    assert calling("admin", **gone).get("/customers").status_code == 401


def test_a_token_dies_with_the_account_of_whom_it_acts_for(shop):
    shop.token.user.is_active = False
    shop.token.user.save()
    assert shop.get("/customers").status_code == 401


def test_a_session_is_not_accepted(shop):
    """Or any page could make a signed-in browser write records."""
    client = Client()
    client.force_login(factories.UserFactory(role="admin"))
    assert client.get("/api/v1/customers").status_code == 401
    answer = client.post("/api/v1/customers", "{}", content_type="application/json")
    assert answer.status_code == 401


def test_beside_a_session_the_token_alone_decides(calling):
    support = calling("support", Scope.CUSTOMERS_READ)
    support.client.force_login(factories.UserFactory(role="admin"))
    assert support.get("/customers").status_code == 403


def test_no_csrf_token_is_asked_of_who_brings_a_token(calling):
    shop = calling()
    shop.client = Client(enforce_csrf_checks=True)
    assert shop.post("/customers", {"external_id": "C-1", "name": "Ann"}).status_code == 201


def test_the_role_decides_as_well_as_the_scope(calling):
    factories.CustomerFactory()
    support = calling("support", Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE)
    answer = support.get("/customers")
    assert (answer.status_code, code_of(answer)) == (403, "not-allowed")
    assert answer.json()["detail"] == "This token acts for somebody who may not do that (Support group member)."
    executive = calling("executive", Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE)
    assert executive.get("/customers").status_code == 200
    assert executive.post("/customers", {"external_id": "C-1", "name": "Ann"}).status_code == 403


def test_a_token_follows_its_person_into_another_role(calling):
    agent = calling("agent", Scope.CUSTOMERS_READ)
    agent.token.user.role = "support"
    agent.token.user.save()
    assert agent.get("/customers").status_code == 403


def test_when_it_was_last_used_is_written_once_a_minute(shop, django_assert_num_queries):
    factories.CustomerFactory()
    shop.get("/customers")
    first = ApiToken.objects.get().last_used_at
    assert timezone.now() - first < timedelta(minutes=1)
    with django_assert_num_queries(3):  # the token, the page, what they go by: no write
        shop.get("/customers")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
    shop.get("/customers")
    assert timezone.now() - ApiToken.objects.get().last_used_at < timedelta(seconds=60)


def test_a_request_nobody_was_let_in_with_is_not_noted(calling):
    gone = calling("admin", revoked_at=timezone.now())
    gone.get("/customers")
    assert ApiToken.objects.get().last_used_at is None


def test_only_a_hash_of_a_token_is_kept(db):
    admin = factories.UserFactory(role="admin")
    token, text = tokens.make(name="Shop", user=admin, scopes=[Scope.CUSTOMERS_READ], by=admin)
    assert text.startswith("hark_")
    assert len(text) > 40
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert text not in str(row)
    assert row["prefix"] == text[:12]
    assert tokens.holder(text) == token
    assert Activity.objects.about(token).get().verb == "made"


def test_revoking_takes_hold_at_once_and_only_once(shop):
    tokens.revoke(token=shop.token, by=shop.token.user)
    assert shop.get("/customers").status_code == 401
    with pytest.raises(tokens.AlreadyRevoked):
        tokens.revoke(token=shop.token, by=shop.token.user)


def test_nobody_makes_a_token_for_somebody_who_has_left(db):
    left = factories.UserFactory(is_active=False)
    with pytest.raises(tokens.NotAllowed):
        tokens.make(name="x", user=left, scopes=[Scope.CUSTOMERS_READ], by=left)


# --- how often


def test_who_asks_too_often_is_told_when_to_go_on(calling, settings):
    settings.API_PER_MINUTE = 3
    with own_wire():
        one, other = calling(), calling()
        answers = [one.get("/customers") for _ in range(8)]  # a minute may turn in between, and the count with it
        assert {answer.status_code for answer in answers} == {200, 429}
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert code_of(refused) == "too-many"
        assert 1 <= int(refused["Retry-After"]) <= 60
        assert other.get("/customers").status_code == 200
        wire().flushdb()
        assert one.get("/customers").status_code == 200


def test_without_redis_nobody_is_counted(shop, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.API_PER_MINUTE = 0
    wire.cache_clear()
    try:
        assert shop.get("/customers").status_code == 200
    finally:
        wire.cache_clear()
