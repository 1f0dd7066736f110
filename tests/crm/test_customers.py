"""Customers: the list, the search, the page, the form and the finder."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import Activity, Customer
from crm.models.activity import log
from tests import factories

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def ann():
    customer = factories.CustomerFactory(name="Ann Mercer", tier="key", city="Leeds", country="GB", language="en")
    factories.IdentityFactory(value="annie_m", handle="Annie_M", place="chirp", customer=customer)
    return customer


@pytest.fixture
def bob():
    customer = factories.CustomerFactory(name="Roberto Díaz")
    factories.IdentityFactory(value="bobby", customer=customer)
    return customer


@pytest.fixture
def get(as_user, agent):
    """`get("crm:customers", q="ann")` is what an agent sees there."""

    def get(name, *args, headers=None, by=agent, **query):
        answer = as_user(by).get(reverse(name, args=args), query, headers=headers)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


# --- the list


def test_the_list_says_who_they_are_and_what_they_go_by(get, ann, bob):
    page = get("crm:customers")
    for word in ("Ann Mercer", "@Annie_M", "Leeds, GB", "English", "Key", "Provisional", "Roberto Díaz", "@bobby"):
        assert word in page


def test_the_newest_stand_first_and_the_rest_behind_one_link(get):
    for n in range(60):
        factories.CustomerFactory(name=f"Number {n:02}.", created_at=NOON + timedelta(minutes=n // 2))
    page = get("crm:customers")
    assert page.index("Number 59.") < page.index("Number 58.") < page.index("Number 10.")
    assert "Number 09." not in page
    assert 'rel="next"' in page


def test_the_link_to_the_rest_brings_the_rest_as_rows_alone(get):
    for n in range(60):
        factories.CustomerFactory(name=f"Number {n:02}.", created_at=NOON + timedelta(minutes=n))
    first = get("crm:customers", q="Number")
    following = QueryDict(first.split('rel="next" href="?')[1].split('"')[0].replace("&amp;", "&"))
    rest = get("crm:customers", headers={"HX-Request": "true", "HX-Target": "more"}, **following.dict())
    assert following["q"] == "Number"
    assert [f"Number {n:02}." in rest for n in range(60)] == [n < 10 for n in range(60)]
    assert "<html" not in rest
    assert 'rel="next"' not in rest


@pytest.mark.parametrize("words", ["ann", "MERC", "annie_m", "@annie", "nie_M"])
def test_a_part_of_the_name_or_handle_finds_them(get, ann, bob, words):
    page = get("crm:customers", q=words)
    assert "Ann Mercer" in page
    assert "Roberto Díaz" not in page


def test_letters_with_accents_are_found_in_any_case(get, ann, bob):
    assert "Roberto Díaz" in get("crm:customers", q="DÍAZ")


@pytest.mark.parametrize("words", ["100%", "a_n", "\\", "'; drop table crm_customer; --", "<script>"])
def test_signs_in_the_search_are_only_signs(get, ann, bob, words):
    page = get("crm:customers", q=words)
    assert "Ann Mercer" not in page
    assert "Nobody was found." in page
    assert f'value="{words}"' not in page or "<" not in words
    assert Customer.objects.count() == 2


def test_a_handle_that_is_not_confirmed_finds_nobody(get, ann):
    link = ann.links.get()
    link.state = "rejected"
    link.save()
    assert "Ann Mercer" not in get("crm:customers", q="annie_m")


def test_the_tier_narrows_the_list(get, ann, bob):
    page = get("crm:customers", tier="key")
    assert "Ann Mercer" in page
    assert "Roberto Díaz" not in page


def test_a_filter_that_cannot_be_read_is_left_out(get, ann):
    assert "Ann Mercer" in get("crm:customers", tier="golden", after="nonsense", q="x" * 500)


def test_the_filter_brings_the_rows_alone(get, ann):
    page = get("crm:customers", q="ann", headers={"HX-Request": "true", "HX-Target": "rows"})
    assert "Ann Mercer" in page
    assert "<html" not in page
    assert 'id="rows"' in page


def test_an_empty_list_says_how_it_fills(get):
    assert "Whoever writes to us gets a record here with their first message." in get("crm:customers")


@pytest.mark.parametrize("target", ["", "rows", "more"])
def test_the_list_costs_the_same_number_of_queries_with_1_and_with_20_rows(as_user, agent, target):
    client, counts = as_user(agent), []
    for n in (1, 19):
        for _ in range(n):
            factories.IdentityFactory(customer=factories.CustomerFactory(name="Somebody"))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("crm:customers"), {"q": "some"}, headers={"HX-Request": "true", "HX-Target": target})
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- the page


def test_the_page_says_who_it_is_what_they_go_by_and_why_we_think_so(get, ann, agent):
    link = ann.links.get()
    link.evidence, link.by = "She said so on the phone.", agent
    link.save()
    factories.IdentityLinkFactory(customer=ann, identity__value="ann2", state="proposed")
    factories.IdentityLinkFactory(customer=ann, identity__value="not_her", state="rejected")
    for page in (get("crm:customer", ann.pk), get("crm:customer_panel", ann.pk)):
        for word in (
            "Ann Mercer",
            "@Annie_M",
            "Chirp",
            "She said so on the phone.",
            "Ana Ruiz",
            "@ann2",
            "Proposed",
            "Key",
        ):
            assert word in page
        assert "not_her" not in page


def test_the_timeline_says_what_was_done_to_the_record_and_by_whom(get, ann, lead):
    log("changed", ann, by=lead, detail="city")
    log("linked", ann, by=None)
    page = get("channels_app:timeline", ann.pk)
    assert "Changed by Lea Brandt: city" in page
    assert "Linked by Hark" in page


@pytest.mark.parametrize("name", ["crm:customer", "crm:customer_panel", "crm:customer_edit"])
def test_a_customer_there_is_not_is_not_found(as_user, agent, name):
    assert as_user(agent).get(reverse(name, args=[12345])).status_code == 404


@pytest.mark.parametrize("name", ["crm:customer", "crm:customer_panel"])
def test_the_page_costs_the_same_number_of_queries_with_1_and_with_20_handles(as_user, agent, ann, name):
    client, counts = as_user(agent), []
    for n in (0, 19):
        for _ in range(n):
            factories.IdentityLinkFactory(customer=ann, by=agent)
            log("changed", ann, by=agent)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse(name, args=[ann.pk]))
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_panels_of_other_apps_are_asked_for_as_far_as_one_may_see_them(get, ann):
    for role, sees_cases in (("agent", True), ("sales", False)):
        page = get("crm:customer", ann.pk, by=factories.UserFactory(role=role))
        assert (f'hx-get="{reverse("cases:for_customer", args=[ann.pk])}"' in page) is sees_cases
        assert f'hx-get="{reverse("channels_app:timeline", args=[ann.pk])}"' in page


# --- the form


def edit(client, customer, **fields):
    known = {
        "name": customer.name,
        "tier": customer.tier,
        "language": "",
        "country": "",
        "city": "",
        "time_zone": "",
        "about": "",
    }
    return client.post(reverse("crm:customer_edit", args=[customer.pk]), known | fields)


def test_a_change_is_saved_and_stands_in_the_log_with_who_and_what(as_user, agent, ann):
    answer = edit(
        as_user(agent), ann, city="York", country="gb", time_zone="Europe/London", about="Travels with a cello."
    )
    assert answer.url == ann.get_absolute_url()
    ann.refresh_from_db()
    assert (ann.city, ann.country, ann.time_zone, ann.about) == ("York", "GB", "Europe/London", "Travels with a cello.")
    activity = Activity.objects.about(ann).get()
    assert (activity.verb, activity.by, activity.detail) == (
        "changed",
        agent,
        "language, country, city, time_zone, about",
    )


def test_saving_without_a_change_is_not_worth_a_line_in_the_log(as_user, agent, bob):
    edit(as_user(agent), bob)
    assert not Activity.objects.about(bob).exists()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": " "}, "This field is required."),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"country": "1A"}, "A country is two letters: GB, DE, US."),
        ({"time_zone": "Mars/Olympus"}, "Mars/Olympus is not a time zone; Europe/Madrid is one."),
        ({"tier": "golden"}, "Select a valid choice"),
        ({"city": "a\x00b"}, "Null characters are not allowed."),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_and_nothing_is_saved(as_user, agent, ann, fields, sentence):
    answer = edit(as_user(agent), ann, **fields)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    ann.refresh_from_db()
    assert (ann.name, ann.city, ann.tier) == ("Ann Mercer", "Leeds", "key")


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        ("agent", True, True), ("lead", True, True), ("admin", True, True), ("executive", True, False),
        ("sales", True, False), ("support", False, False),
    ],
)  # fmt: skip
def test_who_reads_and_who_writes(as_user, ann, role, reads, writes):
    client = as_user(factories.UserFactory(role=role))
    seen = [client.get(reverse("crm:customers")), client.get(ann.get_absolute_url())]
    assert {answer.status_code for answer in seen} == {200 if reads else 403}
    if reads:
        assert (reverse("crm:customer_edit", args=[ann.pk]) in seen[1].content.decode()) is writes
    assert edit(client, ann, city="York").status_code == (302 if writes else 403)
    ann.refresh_from_db()
    assert ann.city == ("York" if writes else "Leeds")


# --- the finder


def test_the_finder_finds_customers_by_name_and_handle(get, ann, bob):
    for words in ("merc", "@annie"):
        found = get("crm:find", q=words)
        assert ann.get_absolute_url() in found
        assert bob.get_absolute_url() not in found


def test_two_of_one_name_are_told_apart_in_the_finder_by_what_they_go_by(get):
    for handle in ("tim_one", "tim_two"):
        factories.IdentityFactory(handle=handle, customer=factories.CustomerFactory(name="Tim Ode"))
    found = get("crm:find", q="tim ode")
    assert "@tim_one" in found
    assert "@tim_two" in found


def test_of_accounts_the_finder_shows_the_shortest_names_and_where_they_are(get):
    for name, city in (("Holding of Ode and Sons", "Lyon"), ("Ode & Sons", "Graz"), ("Öde", "Turku")):
        factories.AccountFactory(name=name, city=city, country="")
    found = get("crm:find", q="ode")
    assert [found.index(city) for city in ("Turku", "Graz", "Lyon")] == sorted(
        found.index(city) for city in ("Turku", "Graz", "Lyon")
    )


def test_the_finder_hands_the_words_on_to_the_cases_of_who_answers(get):
    assert f"{reverse('cases:search')}?q=lost+bag" in get("crm:find", q="lost bag")
    assert reverse("cases:search") not in get("crm:find", q="lost bag", by=factories.UserFactory(role="sales"))


@pytest.mark.parametrize("words", ["17", "#17"])
def test_the_finder_opens_a_case_by_its_number(get, words):
    assert f'href="{reverse("cases:case", args=[17])}"' in get("crm:find", q=words)


def test_the_finder_offers_no_case_to_who_may_not_see_one(get):
    assert "/cases/17/" not in get("crm:find", q="17", by=factories.UserFactory(role="sales"))


def test_the_finder_finds_nobody_for_who_may_not_know_customers(get, ann):
    found = get("crm:find", q="ann", by=factories.UserFactory(role="support"))
    assert "Ann Mercer" not in found


@pytest.mark.parametrize(
    ("role", "there", "not_there"),
    [
        ("agent", ["Queue", "Log a contact", "Sales leads", "Matches", "My profile"], ["Rules", "Teams"]),
        ("lead", ["Queue", "Sales leads", "Rules", "Causes", "Teams", "Retention", "My profile"], ["Webhooks"]),
        ("sales", ["Customers", "New account", "Sales leads", "My profile"], ["Queue", "Rules", "Matches"]),
        ("executive", ["Calls", "Customers", "Accounts", "My profile"], ["Queue", "Sales leads", "Rules"]),
        ("support", ["My profile"], ["Queue", "Customers", "Sales leads", "Rules"]),
    ],
)
def test_the_finder_goes_only_where_one_may_go(get, role, there, not_there):
    found = get("crm:find", by=factories.UserFactory(role=role))
    assert [place in found for place in there] == [True] * len(there)
    assert [place in found for place in not_there] == [False] * len(not_there)


def test_where_one_may_go_stands_before_a_search_of_all_cases(get, lead):
    """Enter opens the first thing found."""
    found = get("crm:find", q="rules", by=lead)
    assert found.index(reverse("cases:rules")) < found.index("Search all cases")


def test_words_narrow_where_to_go(get, lead):
    found = get("crm:find", q="rul", by=lead)
    assert "Rules" in found
    assert "Teams" not in found


def test_one_letter_finds_no_customers_yet(get, ann):
    assert "Ann Mercer" not in get("crm:find", q="a")


@pytest.mark.parametrize(
    "words", ["²", "٣", "#", "@", "##", "9" * 40, "\x00", "x" * 3000, "%", "-1", "<script>alert(1)</script>"]
)
def test_whatever_is_typed_the_finder_answers(get, ann, words):
    assert "<script>alert(1)" not in get("crm:find", q=words)


def test_the_finder_costs_the_same_number_of_queries_for_1_and_for_7_found_and_no_more_for_20(as_user, agent):
    client, counts = as_user(agent), []
    for n in (1, 6, 13):
        for _ in range(n):
            factories.IdentityFactory(customer=factories.CustomerFactory(name="Somebody"))
            factories.AccountFactory(name="Somebody & Sons")
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("crm:find"), {"q": "some"})
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert max(counts) <= 20
