"""The customer's page and the panel beside a case: what one sees in thirty seconds, and proof for the rest."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm import consent, glance
from crm.models import Customer
from tests import factories

pytestmark = pytest.mark.django_db
BOTH = pytest.mark.parametrize("name", ["crm:customer", "crm:customer_panel"])


@pytest.fixture
def mira():
    return factories.CustomerFactory(
        name="Mira Castellan", tier="key", city="Leeds", country="GB", language="en", time_zone="Europe/London",
        known_at=timezone.now(), about="Book the ramp without being asked.",
    )  # fmt: skip


@pytest.fixture
def get(as_user, agent):
    def get(name, customer, by=agent):
        answer = as_user(by).get(reverse(name, args=[customer.pk]))
        assert answer.status_code == 200
        return " ".join(answer.content.decode().split())

    return get


def sells_to(customer, **facts):
    account = factories.AccountFactory(name="Acme Corp", runs="6,500 servers in Leeds")
    known = {"role": "manager", "influence": "decides", "title": "IT manager", **facts}
    return factories.StakeholderFactory(account=account, customer=customer, **known)


def text_of(page):
    """Without tags."""
    import re

    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


# --- at a glance


@BOTH
def test_an_angry_consumer_is_seen_to_decide_for_an_account_with_6500_servers(get, mira, name):
    sells_to(mira)
    said = text_of(get(name, mira))
    assert "Also buys for Acme Corp ( IT manager , decides, runs 6,500 servers in Leeds)" in said


@BOTH
@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("reseller", "Resells through"),
        ("partner", "Partner through"),
        ("buyer", "Also buys for"),
        ("other", "Also belongs to"),
    ],
)
def test_what_they_are_to_an_account_is_said_in_its_own_words(get, mira, name, role, words):
    sells_to(mira, role=role, influence="unknown")
    said = text_of(get(name, mira))
    assert f"{words} Acme Corp" in said
    assert "not known" not in said.lower()


@BOTH
def test_an_account_they_left_or_that_was_closed_is_not_said(get, mira, name):
    sells_to(mira, left_on="2026-01-01")
    closed = factories.AccountFactory(name="Closed Ltd", closed_at=timezone.now())
    factories.StakeholderFactory(account=closed, customer=mira)
    page = get(name, mira)
    assert "Acme Corp" not in page
    assert "Closed Ltd" not in page


@BOTH
def test_who_they_are_where_what_they_want_and_what_is_late(get, mira, name, channel):
    factories.IdentityFactory(customer=mira, reach=412)
    factories.IdentityFactory(customer=mira, reach=15300)
    factories.OrderFactory(
        customer=mira, number="SK-1", state="shipped", promised_on=timezone.localdate() - timedelta(days=3),
        tracking_url="https://parcels.example/SK-1",
    )  # fmt: skip
    factories.ProductFactory(customer=mira, name="Gold card")
    factories.CaseFactory(customer=mira, channel=channel)
    page = get(name, mira)
    for words in (
        "Mira Castellan", "Key", "Known", "Leeds, GB", "English", "15.3 k followers", "SK-1", "3 days late",
        "https://parcels.example/SK-1", "Gold card", "Book the ramp without being asked.", 'data-clock="Europe/London"',
    ):  # fmt: skip
        assert words in page, words
    assert "Open cases 1" in text_of(page)


@BOTH
def test_consent_says_what_was_agreed_refused_and_never_asked(get, mira, agent, name):
    consent.record(customer=mira, purpose="survey", state="given", how="By phone", by=agent)
    consent.record(customer=mira, purpose="marketing", state="refused", how="By phone", by=agent)
    said = text_of(get(name, mira))
    for words in ("Surveys : agreed", "Marketing : refused", "Calls : not asked, counts as yes"):
        assert words in said, words


@BOTH
def test_the_absolute_no_stands_over_everything_with_who_and_how(get, mira, agent, name):
    consent.forbid(customer=mira, how="Letter of her solicitor", by=agent)
    page = get(name, mira)
    assert page.count("Do not contact under any circumstances") == 1
    assert "Letter of her solicitor" in page
    assert page.index("Do not contact under any circumstances") < page.index("Open cases")


@BOTH
def test_a_private_person_of_whom_little_is_known_has_a_quiet_page(get, name):
    nobody = factories.CustomerFactory(name="🦊", time_zone="Mars/Olympus")
    said = text_of(get(name, nobody))
    assert "Provisional" in said
    for words in ("Also buys for", "On its way", "Reach", "There", "Known since"):
        assert f" {words} " not in said, words


# --- reach


def test_reach_is_the_largest_public_following_of_what_is_confirmed(mira):
    factories.IdentityFactory(customer=mira, reach=None)
    assert glance.of(mira).reach is None
    factories.IdentityFactory(customer=mira, reach=0)
    assert glance.of(mira).reach == 0
    factories.IdentityFactory(customer=mira, reach=412)
    factories.IdentityLinkFactory(customer=mira, identity__reach=99_000, state="proposed")
    assert glance.of(mira).reach == 412
    assert Customer.objects.with_reach().get(pk=mira.pk).reach == 412


# --- identities


@BOTH
def test_every_identity_says_how_we_know_who_says_so_and_whether_it_is_proved(get, mira, agent, name):
    link = factories.IdentityLinkFactory(
        customer=mira, identity__kind="email", identity__place="", identity__value="mira@acme.example",
        identity__verified_at=timezone.now(), evidence="She confirmed it by a code.", by=agent, method="asked",
    )  # fmt: skip
    factories.IdentityLinkFactory(customer=mira, identity__value="unproved", method="import")
    page = get(name, mira)
    for words in (link.identity.label, "verified", "She confirmed it by a code.", "Ana Ruiz", "Imported"):
        assert words in page, words
    assert page.count("They proved to hold it") == 1


# --- merged and erased


def test_a_merged_record_leads_to_the_one_that_stands_for_it_and_says_so(as_user, agent, mira):
    first = factories.CustomerFactory(name="Mira on Chirp", merged_into=mira)
    older = factories.CustomerFactory(name="M. Castellan", merged_into=first)
    answer = as_user(agent).get(older.get_absolute_url(), follow=True)
    assert answer.redirect_chain == [(mira.get_absolute_url(), 302)]
    assert "M. Castellan was merged into Mira Castellan: this is the record that stands for both." in (
        answer.content.decode()
    )


def test_the_panel_of_a_merged_record_shows_who_stands_for_it(get, mira):
    merged = factories.CustomerFactory(name="Mira on Chirp", merged_into=mira)
    assert "Mira Castellan" in get("crm:customer_panel", merged)


def test_an_erased_record_says_that_it_is(get, mira):
    Customer.objects.filter(pk=mira.pk).update(erased_at=timezone.now(), name="Erased customer")
    assert "Erased" in text_of(get("crm:customer", mira))


# --- cost, and who may


@BOTH
def test_it_costs_the_same_with_1_and_with_20_of_everything(as_user, agent, mira, name):
    client, counts = as_user(agent), []
    for n in (1, 19):
        for _ in range(n):
            factories.IdentityLinkFactory(customer=mira, by=agent, identity__reach=5)
            factories.StakeholderFactory(customer=mira, persona=factories.PersonaFactory())
            account = factories.AccountFactory()
            factories.OrderFactory(customer=mira, account=account)
            factories.ProductFactory(customer=mira, account=account)
            factories.CaseFactory(customer=mira)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(name, args=[mira.pk]))
        counts.append(len(queries))
    assert counts[0] == counts[1] == (10 if name == "crm:customer" else 9)  # the page asks what was merged just now


def test_ten_accounts_and_a_hundred_orders_leave_room_for_the_rest(get, mira):
    for _ in range(10):
        factories.StakeholderFactory(customer=mira)
    for _ in range(100):
        factories.OrderFactory(customer=mira)
    page = get("crm:customer_panel", mira)
    assert "7 more accounts" in page
    assert page.count("Placed") == glance.ORDERS


def test_sales_and_executives_read_it_and_change_nothing_about_the_person(get, mira):
    sells_to(mira)
    for role, changes in (("sales", True), ("executive", False)):
        page = get("crm:customer", mira, by=factories.UserFactory(role=role))
        assert "Acme Corp" in page
        assert reverse("crm:customer_edit", args=[mira.pk]) not in page
        assert ("stakeholders/" in page) is changes  # what they are to an account is for sales too


def test_names_in_any_script_are_shown_as_they_are_written(get):
    for name in ("ليلى حديد", "María del Carmen Ibáñez de la Fuente y Montalbán", "👩‍🚀 Zoë", "<b>Bob</b> & Co"):
        customer = factories.CustomerFactory(name=name)
        page = get("crm:customer", customer)
        shown = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        assert f'<h1 class="any" dir="auto">{shown}</h1>' in page
