"""Orders and products owned: on the customer's page, on the account's, and when one is late."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm.models import Order
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def mira():
    return factories.CustomerFactory(name="Mira Castellan")


@pytest.fixture
def acme():
    return factories.AccountFactory(name="Acme Corp")


@pytest.fixture
def get(as_user, agent):
    def get(name, *args, headers=None, **query):
        answer = as_user(agent).get(reverse(name, args=args), query, headers=headers)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


def in_days(days):
    return timezone.localdate() + timedelta(days=days)


# --- late


@pytest.mark.parametrize("state", ["placed", "paid", "shipped"])
@pytest.mark.parametrize(("promised", "late"), [(-1, True), (0, False), (1, False), (None, False)])
def test_an_order_is_late_when_its_day_has_passed_and_it_is_under_way(mira, state, promised, late):
    day = None if promised is None else in_days(promised)
    order = factories.OrderFactory(customer=mira, state=state, promised_on=day)
    assert order.is_late is late
    assert Order.objects.late(timezone.localdate()).exists() is late


@pytest.mark.parametrize("state", ["delivered", "returned", "cancelled"])
def test_what_is_no_longer_under_way_is_not_late(mira, state):
    order = factories.OrderFactory(customer=mira, state=state, promised_on=in_days(-9))
    assert not order.is_late
    assert order.days_late == 0
    assert not Order.objects.late(timezone.localdate()).exists()


def test_what_is_late_says_so_in_words(get, mira):
    factories.OrderFactory(customer=mira, promised_on=in_days(-1))
    factories.OrderFactory(customer=mira, promised_on=in_days(-9))
    page = get("crm:orders", mira.pk)
    assert "1 day late" in page
    assert "9 days late" in page


def test_the_order_promised_first_stands_on_top_of_what_is_under_way(mira):
    numbers = {"C": None, "B": 5, "A": -3}
    for number, days in numbers.items():
        factories.OrderFactory(customer=mira, number=number, promised_on=None if days is None else in_days(days))
    factories.OrderFactory(customer=mira, number="Z", state="delivered", promised_on=in_days(-30))
    assert [order.number for order in Order.objects.of_customer(mira).soonest_first()] == ["A", "B", "C"]


# --- the part of the page


def test_private_orders_and_those_for_an_account_stand_side_by_side(get, mira, acme):
    factories.OrderFactory(customer=mira, number="SK-1", what="A suitcase", amount=Decimal("48000"), currency="EUR")
    factories.OrderFactory(customer=mira, number="SK-2", account=acme, state="shipped")
    factories.ProductFactory(customer=mira, name="Gold card", serial="SKG-55", until_on=date(2027, 1, 31))
    factories.ProductFactory(customer=mira, name="Returned lamp", state="returned")
    page = get("crm:orders", mira.pk)
    for words in ("SK-1", "A suitcase", "48,000.00 EUR", "private", "SK-2", "for Acme Corp", "Gold card", "SKG-55",
                  "until 31 Jan 2027"):  # fmt: skip
        assert words in page, words
    assert "Returned lamp" not in page


def test_an_accounts_orders_name_who_placed_them_and_leave_private_ones_out(get, mira, acme):
    factories.OrderFactory(customer=mira, number="SK-1")
    factories.OrderFactory(customer=mira, number="SK-2", account=acme)
    page = get("crm:account_orders", acme.pk)
    assert "SK-2" in page
    assert "Mira Castellan" in page
    assert "SK-1" not in page


@pytest.mark.parametrize(("url", "linked"), [
    ("https://parcels.example/1", True), ("HTTP://parcels.example/1", True), ("javascript:alert(1)", False),
    ("data:text/html,<script>", False), (" https://x", False), ("", False),
])  # fmt: skip
def test_a_tracking_link_leads_to_a_web_address_or_nowhere(get, mira, url, linked):
    factories.OrderFactory(customer=mira, tracking_url=url)
    page = get("crm:orders", mira.pk)
    assert ("Track it" in page) is linked
    assert "javascript:" not in page
    if linked:
        assert 'rel="noopener noreferrer nofollow"' in page


def test_without_orders_it_says_where_they_come_from(get, mira):
    assert "They come from the shop, by an import or the API." in get("crm:orders", mira.pk)


def test_older_orders_come_behind_one_link_as_lines_alone(get, mira):
    now = timezone.now()
    for n in range(14):
        factories.OrderFactory(customer=mira, number=f"N-{n:02}", placed_at=now - timedelta(days=n))
    first = get("crm:orders", mira.pk)
    assert "N-09" in first
    assert "N-10" not in first
    following = QueryDict(first.split('rel="next" href="')[1].split("?")[1].split('"')[0].replace("&amp;", "&"))
    rest = get("crm:orders", mira.pk, headers={"HX-Request": "true", "HX-Target": "more-orders"}, **following.dict())
    assert [f"N-{n:02}" in rest for n in range(14)] == [n >= 10 for n in range(14)]
    assert "<section" not in rest


@pytest.mark.parametrize("whose", ["customer", "account"])
def test_it_costs_the_same_with_1_and_with_20_orders(as_user, agent, mira, acme, whose):
    url = (
        reverse("crm:orders", args=[mira.pk]) if whose == "customer" else reverse("crm:account_orders", args=[acme.pk])
    )
    client, counts = as_user(agent), []
    for n in (1, 19):
        for _ in range(n):
            other = factories.AccountFactory() if whose == "customer" else acme
            buyer = mira if whose == "customer" else factories.CustomerFactory()
            factories.OrderFactory(customer=buyer, account=other)
            factories.ProductFactory(customer=buyer, account=other)
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- what the database holds


def test_an_order_stands_once_for_each_id_of_its_shop(mira):
    factories.OrderFactory(customer=mira, source="shop", external_id="1")
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.OrderFactory(customer=mira, source="shop", external_id="1")
    factories.OrderFactory(customer=mira, source="other-shop", external_id="1")


def test_an_amount_has_a_currency(mira):
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.OrderFactory(customer=mira, amount=Decimal("1"))


def test_an_order_outlives_its_account(mira, acme):
    order = factories.OrderFactory(customer=mira, account=acme)
    acme.delete()
    order.refresh_from_db()
    assert order.account is None
