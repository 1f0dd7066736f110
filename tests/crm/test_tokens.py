"""API tokens on the page: made and shown once, listed with who and when, revoked, made anew."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm.models import Activity, ApiToken
from tests import factories

pytestmark = pytest.mark.django_db
NEW, LIST = reverse("crm:api_token_new"), reverse("crm:api_tokens")


@pytest.fixture
def admin(db):
    return factories.UserFactory(role="admin", first_name="Ada", last_name="Moreau")


@pytest.fixture
def desk(client, admin):
    client.force_login(admin)
    return client


def fields(person, **changes):
    return {"name": "Shop", "user": person.pk, "source": "Shop", "scopes": ["customers:read"], "days": "90"} | changes


def text_in(page):
    return re.search(r'value="(hark_[^"]+)"', page.content.decode())[1]


def test_a_token_is_shown_once_and_works(desk, admin):
    page = desk.post(NEW, fields(admin))
    text, token = text_in(page), ApiToken.objects.get()
    assert page.status_code == 200
    assert page["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert (token.name, token.user, token.source, token.scopes, token.created_by) == (
        "Shop", admin, "shop", ["customers:read"], admin,
    )  # fmt: skip
    assert timedelta(days=89) < token.expires_at - timezone.now() < timedelta(days=91)
    assert Client().get("/api/v1/customers", headers={"Authorization": f"Bearer {text}"}).status_code == 200
    for url in (LIST, NEW):
        assert text not in desk.get(url).content.decode()
    assert text not in str(Activity.objects.about(token).values())


def test_a_token_may_last_until_it_is_revoked(desk, admin):
    desk.post(NEW, fields(admin, days="0"))
    assert ApiToken.objects.get().expires_at is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "Give it the name of the system that will use it."),
        ({"scopes": []}, "Choose at least one thing it may do."),
        ({"scopes": ["everything"]}, "everything"),
        ({"source": "hark"}, "“hark” is Hark itself. Name the other system."),
        ({"source": "my shop"}, "slug"),
        ({"days": "1000000"}, "1000000"),
        ({"user": ""}, "required"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_made(desk, admin, changes, sentence):
    answer = desk.post(NEW, fields(admin, **changes))
    assert answer.status_code == 422
    (name,) = answer.context["form"].errors
    assert name == next(iter(changes))
    assert sentence in answer.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_acts_only_for_somebody_who_works_here(desk, admin):
    left = factories.UserFactory(is_active=False)
    assert desk.post(NEW, fields(left)).status_code == 422


def test_the_list_says_who_what_and_when(desk, admin):
    now, scopes = timezone.now(), ["customers:read", "orders:write"]
    factories.ApiTokenFactory(name="Shop", user=admin, scopes=scopes, last_used_at=now)
    factories.ApiTokenFactory(name="Old", user=admin, expires_at=now - timedelta(days=1))
    factories.ApiTokenFactory(name="Gone", user=factories.UserFactory(is_active=False))
    html = desk.get(LIST).content.decode()
    for words in ("Shop", "Ada Moreau", "Administrator", "Write orders and products owned", "just now", "expired"):
        assert words in html
    assert "its person has left" in html


def test_a_token_is_revoked_and_another_made_like_it(desk, admin):
    token = factories.ApiTokenFactory(name="Shop", user=admin, scopes=["orders:read"], source="shop")
    page = desk.post(reverse("crm:api_token_revoke", args=[token.pk]), follow=True).content.decode()
    assert "“Shop” is revoked and opens nothing any more." in page
    assert f"{NEW}?like={token.pk}" in page
    token.refresh_from_db()
    assert token.revoked_at
    form = desk.get(NEW, {"like": token.pk}).context["form"]
    assert (form["name"].value(), form["source"].value(), form["scopes"].value()) == ("Shop", "shop", ["orders:read"])
    again = desk.post(reverse("crm:api_token_revoke", args=[token.pk]), follow=True).content.decode()
    assert "“Shop” is revoked already." in again


@pytest.mark.parametrize("like", ["", "x", "²", "9" * 40, "999999"])
def test_like_nothing_is_a_form_for_oneself(desk, admin, like):
    assert desk.get(NEW, {"like": like}).context["form"]["user"].value() == admin.pk


def test_an_empty_list_says_what_to_do(desk):
    html = desk.get(LIST).content.decode()
    assert "No system signs in yet." in html
    assert NEW in html


def test_a_list_of_twenty_costs_as_much_as_one(desk, admin):
    counts = []
    for rows in (1, 20):
        while ApiToken.objects.count() < rows:
            factories.ApiTokenFactory(user=factories.UserFactory(role="admin"))
        with CaptureQueriesContext(connection) as queries:
            assert len(desk.get(LIST).context["page"].rows) == rows
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_older_tokens_wait_on_the_next_page(desk, admin, monkeypatch):
    monkeypatch.setattr("crm.views.tokens.PAGE", 2)
    made = [factories.ApiTokenFactory(user=admin) for _ in range(3)]
    page = desk.get(LIST)
    assert page.context["page"].rows == made[:0:-1]
    assert desk.get(f"{LIST}?{page.context['page'].next_query}").context["page"].rows == made[:1]
