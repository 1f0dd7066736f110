"""The list of customers under its filters: who stays, how many, why they were found, what an empty one says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm import finding
from crm.finding import walking
from crm.forms import CustomersForm
from crm.forms.customers import NARROWING
from crm.models import Customer
from crm.views import customer_list
from tests import factories

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def show(as_user, agent):
    """`show("tier=key")` is the answer an agent gets."""

    def show(query="", by=agent, **headers):
        answer = as_user(by).get(f"{reverse('crm:customers')}?{query}", headers=headers)
        assert answer.status_code == 200
        return answer

    return show


@pytest.fixture
def world():
    """One who fits every filter, and one who fits none."""
    fits = factories.CustomerFactory(
        name="Fitz Everywhere", tier="key", country="GB", language="cy", known_at=NOON, created_at=NOON,
        do_not_contact_at=NOON,
    )  # fmt: skip
    factories.IdentityFactory(place="chirp", reach=20_000, customer=fits)
    factories.StakeholderFactory(customer=fits)
    factories.ConsentFactory(customer=fits, purpose="survey", state="refused")
    factories.CaseFactory(customer=fits)
    other = factories.CustomerFactory(
        name="Nona Other", created_at=NOON - timedelta(days=400), country="DE", language="de"
    )
    factories.IdentityFactory(place="elsewhere", reach=10, customer=other)
    return fits, other


def names(answer):
    return [customer.name for customer in answer.context["page"].rows]


# --- filters

FILTERS = [
    "tier=key", "known=yes", "country=GB", "language=cy", "place=chirp", "reach=10000", "account=yes", "consent=never",
    "consent=survey:refused", "since=2026-11-20", "case=yes",
]  # fmt: skip


@pytest.mark.parametrize("query", FILTERS)
def test_a_filter_leaves_who_fits(show, world, query):
    answer = show(query)
    assert names(answer) == ["Fitz Everywhere"]
    assert "1 customer" in answer.content.decode()


@pytest.mark.parametrize(
    "query", ["tier=standard", "known=no", "place=elsewhere", "account=no", "until=2026-11-19", "case=no"]
)
def test_and_its_opposite_the_other(show, world, query):
    assert names(show(query)) == ["Nona Other"]


def test_all_filters_together_leave_who_fits_them_all(show, world):
    assert names(show("&".join(FILTERS[:-3] + FILTERS[-2:]))) == ["Fitz Everywhere"]
    assert names(show("tier=key&country=DE")) == []


def test_there_is_a_filter_for_each_way_of_narrowing(world):
    form = CustomersForm(QueryDict())
    assert {field.name for field in form.filters} == set(NARROWING)


@pytest.mark.parametrize(
    "query", ["tier=x", "reach=many", "consent=x:y", "since=yesterday", "place=' OR 1=1", "country=XX"]
)
def test_a_filter_that_cannot_be_read_is_left_out(show, world, query):
    assert len(names(show(query))) == 2


def test_the_day_is_the_readers(show, world, agent):
    agent.time_zone = "Pacific/Auckland"  # 13 hours ahead: noon in London is the day after
    agent.save()
    assert names(show("since=2026-11-21")) == ["Fitz Everywhere"]
    assert names(show("until=2026-11-20")) == ["Nona Other"]


def test_what_there_is_to_choose_from_is_what_there_is(show, world):
    form = show().context["form"]
    for field, values in {"country": ["DE", "GB"], "language": ["cy", "de"], "place": ["chirp", "elsewhere"]}.items():
        assert [value for value, _ in form.fields[field].choices if value][: len(values)] == values


def test_merged_and_erased_records_are_not_in_the_list(show, world):
    fits, other = world
    factories.CustomerFactory(name="Merged", merged_into=other)
    factories.CustomerFactory(name="Gone", erased_at=NOON)
    assert names(show()) == [fits.name, other.name]
    assert names(show("q=merged")) == ["Nona Other"]
    assert names(show("q=gone")) == []


def test_a_filter_and_a_search_hold_together(show, world):
    assert names(show("q=everywhere&tier=key")) == ["Fitz Everywhere"]
    assert names(show("q=everywhere&tier=standard")) == []


# --- what it says


def test_the_filters_in_force_are_named_and_each_can_be_taken_away(show, world):
    answer = show("q=fitz&tier=key&consent=never&country=&since=2026-11-20&reach=10000")
    said = {str(one["label"]): (str(one["value"]), one["without"]) for one in answer.context["in_force"]}
    assert said == {
        "Tier": ("Key", "q=fitz&consent=never&since=2026-11-20&reach=10000"),
        "Consent": ("Not under any circumstances", "q=fitz&tier=key&since=2026-11-20&reach=10000"),
        "First seen since": ("20 Nov 2026", "q=fitz&tier=key&consent=never&reach=10000"),
        "Reach": ("10,000 or more", "q=fitz&tier=key&consent=never&since=2026-11-20"),
    }
    assert "Tier: Key" in answer.content.decode()


def test_the_row_says_why_it_was_found(show, world):
    factories.IdentityFactory(kind="email", place="", value="fitz@post.example", customer=world[0])
    assert "E-mail fitz@post.example" in show("q=fitz@post").content.decode()
    assert "Typo: Evrywhere ~ Everywhere" in show("q=evrywhere").content.decode()
    assert "Found by" not in show("tier=key").content.decode()


def test_the_row_says_that_they_must_not_be_contacted(show, world):
    assert show("q=fitz").content.decode().count("Do not contact") == 1


def test_many_are_counted_no_further_than_one_reads(show, monkeypatch):
    monkeypatch.setattr(customer_list, "COUNTED", 60)
    monkeypatch.setattr(customer_list, "PAGE", 50)
    Customer.objects.bulk_create([Customer(name=f"N {n}") for n in range(60)])
    assert "60 customers" in show("tier=standard").content.decode()
    factories.CustomerFactory()
    assert "60+ customers" in show("tier=standard").content.decode()
    assert "customers</span>" not in show().content.decode()


def test_where_counting_would_take_too_long_the_list_says_so_many_and_more(show, monkeypatch):
    Customer.objects.bulk_create([Customer(name=f"N {n}") for n in range(60)])
    monkeypatch.setattr(finding, "counted", lambda customers, most: None)
    assert "50+ customers" in show("tier=standard").content.decode()


def test_a_walk_that_comes_to_too_few_is_stopped_and_who_fits_is_gathered(world):
    fits, _other = world
    asked = []

    def page(customers):
        asked.append(str(customers.query))
        if len(asked) == 1:
            raise finding.TookTooLong
        return list(customers.order_by("-created_at", "-id"))

    within = CustomersForm(QueryDict("place=chirp&case=yes")).filtered(Customer.objects.all())
    assert finding.walked(within, page) == ([fits], False)
    assert [f"LIMIT {walking.ALL}" in sql for sql in asked] == [False, True]


def test_a_walk_through_too_many_to_gather_goes_on(world):
    asked = []

    def page(customers):
        asked.append(str(customers.query))
        if len(asked) < 3:
            raise finding.TookTooLong
        return list(customers.order_by("-created_at", "-id"))

    within = CustomersForm(QueryDict("known=yes")).filtered(Customer.objects.all())
    assert finding.walked(within, page) == ([world[0]], False)
    assert asked[0] == asked[2] != asked[1]


def test_too_many_are_not_even_gathered(world, monkeypatch):
    monkeypatch.setattr(walking, "FEW", 0)
    asked = []

    def page(customers):
        asked.append(str(customers.query))
        if len(asked) == 1:
            raise finding.TookTooLong
        return list(customers.order_by("-created_at", "-id"))

    within = CustomersForm(QueryDict("known=yes")).filtered(Customer.objects.all())
    assert finding.walked(within, page) == ([world[0]], False)
    assert asked[0] == asked[1]


def test_what_took_long_to_find_is_not_counted_too(show, monkeypatch):
    Customer.objects.bulk_create([Customer(name=f"N {n}", tier="valued") for n in range(60)])
    assert "60 customers" in show("tier=valued").content.decode()
    monkeypatch.setattr(finding, "walked", lambda customers, page: (page(customers), False))
    assert "50+ customers" in show("tier=valued").content.decode()


def test_a_page_of_those_gathered_is_the_page_of_the_list(show, world, monkeypatch):
    Customer.objects.bulk_create([Customer(name=f"N {n}", tier="valued") for n in range(120)])
    walked = [names(show(query)) for query in _pages(show, "tier=valued")]
    monkeypatch.setattr(finding, "walked", lambda customers, page: (page(walking.gathered(customers)), False))
    assert [names(show(query)) for query in _pages(show, "tier=valued")] == walked
    assert [len(page) for page in walked] == [50, 50, 20]


def _pages(show, query):
    while query:
        yield query
        query = show(query).context["page"].next_query


def test_a_filter_given_up_says_what_to_do(show, world, monkeypatch):
    def stopped(customers, page):
        raise finding.TookTooLong

    monkeypatch.setattr(finding, "walked", stopped)
    page = show("place=chirp").content.decode()
    assert "That would take too long to find." in page
    assert "Take a filter away, or add one that fits fewer people." in page


def test_more_are_found_than_are_shown(show, monkeypatch):
    Customer.objects.bulk_create([Customer(name=f"Ann {n}") for n in range(210)])
    answer = show("q=ann")
    assert "The 200 closest. Add a word to see others." in answer.content.decode()
    seen = names(answer)
    while following := answer.context["page"].next_query:
        answer = show(following)
        seen += names(answer)
    assert len(seen) == len(set(seen)) == 200


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("q=quux", "Nobody was found."), ("q=quux&tier=key", "Take a filter away"),
        ("tier=key", "No customer fits this filter."), ("", "No customers yet."),
    ],
)  # fmt: skip
def test_an_empty_list_says_what_to_do(show, query, says):
    page = show(query).content.decode()
    assert says in page
    assert ("Show all customers" in page) is bool(query)


def test_a_search_given_up_says_what_to_do(show, monkeypatch):
    monkeypatch.setattr(finding, "closest", lambda *args, **options: finding.Found(gave_up=True))
    assert "That would take too long to find." in show("q=ann").content.decode()


def test_the_views_of_the_list_are_those_everybody_has_and_the_saved_ones(show, world, agent):
    factories.SavedViewFactory(owner=agent, page="customers", name="From Germany", query="country=DE")
    answer = show("country=DE")
    assert answer.context["views"].title == "From Germany"
    for view in customer_list.STANDING:
        assert show(view.query).context["views"].title == view.name
    assert names(show("consent=never")) == names(show("known=yes")) == ["Fitz Everywhere"]


def test_a_list_that_no_view_shows_is_not_called_all_customers(show, world):
    assert show().context["views"].title == "All customers"
    for query in ("tier=key", "q=fitz"):
        assert show(query).context["views"].title == "Customers found"


# --- what it costs


@pytest.mark.parametrize("query", ["", "tier=standard&known=no", "q=somebody"])
@pytest.mark.parametrize("target", ["", "rows", "more"])
def test_the_list_costs_the_same_number_of_queries_with_1_and_with_20_rows(as_user, agent, query, target):
    client, counts = as_user(agent), []
    for n in (1, 19):
        for _ in range(n):
            factories.IdentityFactory(customer=factories.CustomerFactory(name="Somebody", country="GB"))
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{reverse('crm:customers')}?{query}", headers={"HX-Request": "true", "HX-Target": target})
        counts.append(len(queries))
        assert not [q for q in queries.captured_queries if " OFFSET " in q["sql"]]
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("", "customer_newest"), ("tier=key", "customer_newest_of_tier"), ("country=GB", "customer_newest_of_country"),
        ("language=cy", "customer_newest_of_language"), ("consent=never", "customer_newest_not_to_contact"),
    ],
)  # fmt: skip
def test_a_page_walks_an_index_that_has_the_order_of_the_list(query, index):
    places = ("GB", "cy"), *((f"{letter}{letter}", f"x{letter}") for letter in "ABCDEFHIJKLMNOPQRSTUVWXYZ")
    Customer.objects.bulk_create(
        [Customer(name=f"{n}", country=place, language=tongue) for n in range(20) for place, tongue in places]
    )
    customers = CustomersForm(QueryDict(query)).filtered(Customer.objects.all())
    page = customers.order_by("-created_at", "-id")[:51]
    sql, params = page.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_customer")
        # so few rows are read faster as a whole or sorted; whether the index can be used is what is asked
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert f"Index Scan using {index} " in plan
    assert "Sort" not in plan
