"""Accounts: the list, the page, who decides there, and the personas they are told apart by."""

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from crm import accounts
from crm.models import Account, Activity, Persona, Stakeholder
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def sales(db):
    return factories.UserFactory(username="sam", first_name="Sam", last_name="Lindgren", role="sales")


@pytest.fixture
def acme(sales):
    return factories.AccountFactory(
        name="Acme Corp", country="GB", city="Leeds", runs="6,500 servers in Leeds", owner=sales,
        source="books", external_id="A-1001",
    )  # fmt: skip


@pytest.fixture
def mira():
    customer = factories.CustomerFactory(name="Mira Castellan", tier="valued")
    factories.IdentityFactory(value="mira_on_rails", customer=customer)
    return customer


@pytest.fixture
def seat(acme, mira):
    return factories.StakeholderFactory(
        account=acme, customer=mira, role="manager", influence="decides", title="Head of IT",
        persona=factories.PersonaFactory(name="Keeps it running"), since_on=date(2022, 11, 1),
    )  # fmt: skip


@pytest.fixture
def get(as_user, agent):
    def get(name, *args, by=agent, headers=None, **query):
        answer = as_user(by).get(reverse(name, args=args), query, headers=headers)
        assert answer.status_code == 200
        return answer.content.decode()

    return get


# --- the list


def test_the_list_says_who_they_are_what_they_run_and_whose_they_are(get, acme, seat):
    page = get("crm:accounts")
    for words in ("Acme Corp", "Leeds, GB", "6,500 servers in Leeds", "Sam Lindgren", "Good"):
        assert words in page


@pytest.mark.parametrize("words", ["acme", "CORP", "A-1001", "a-1001"])
def test_a_part_of_the_name_or_the_whole_outside_id_finds_it(get, acme, words):
    factories.AccountFactory(name="Somebody Else", source="books", external_id="A-10")
    page = get("crm:accounts", q=words)
    assert "Acme Corp" in page
    assert "Somebody Else" not in page


@pytest.mark.parametrize("words", ["muller", "MÜLLER", "sohne muller", "ko"])
def test_words_find_it_in_any_order_and_however_accented(get, acme, words):
    factories.AccountFactory(name="Müller & Söhne, Köln")
    page = get("crm:accounts", q=words)
    assert "Köln" in page
    assert "Acme Corp" not in page


def test_all_words_must_be_there(get, acme):
    factories.AccountFactory(name="Müller & Söhne, Köln")
    assert "No account like that." in get("crm:accounts", q="muller acme")


@pytest.mark.parametrize("words", ["100%", "_", "\\", "'; drop table crm_account; --", "A-100"])
def test_signs_and_parts_of_an_id_find_nothing(get, acme, words):
    page = get("crm:accounts", q=words)
    assert "No account like that." in page
    assert Account.objects.count() == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"kind": "partner"}, {"Partner & Sons"}),
        ({"country": "at"}, {"Alps GmbH"}),
        ({"owner": "me"}, {"Acme Corp"}),
        ({"owner": "nobody"}, {"Alps GmbH", "Partner & Sons"}),
        ({"state": "closed"}, {"Gone Ltd"}),
        ({"state": "all"}, {"Acme Corp", "Alps GmbH", "Gone Ltd", "Partner & Sons"}),
        ({}, {"Acme Corp", "Alps GmbH", "Partner & Sons"}),
        ({"kind": "nonsense", "owner": "x", "country": "England"}, {"Acme Corp", "Alps GmbH", "Partner & Sons"}),
        ({"kind": "partner", "q": "acme"}, set()),
    ],
)
def test_the_filters_narrow_the_list_and_what_cannot_be_read_is_left_out(as_user, sales, acme, query, found):
    factories.AccountFactory(name="Partner & Sons", kind="partner")
    factories.AccountFactory(name="Alps GmbH", kind="reseller", country="AT")
    factories.AccountFactory(name="Gone Ltd", closed_at=timezone.now())
    page = as_user(sales).get(reverse("crm:accounts"), query)
    assert {account.name for account, _health in page.context["rows"]} == found


def test_the_rest_stands_behind_one_link_that_brings_rows_alone(get):
    for n in range(60):
        factories.AccountFactory(name=f"Number {n:02}.")
    first = get("crm:accounts", q="Number")
    assert "Number 49." in first
    assert "Number 50." not in first
    following = QueryDict(first.split('rel="next" href="?')[1].split('"')[0].replace("&amp;", "&"))
    rest = get("crm:accounts", headers={"HX-Request": "true", "HX-Target": "more"}, **following.dict())
    assert [f"Number {n:02}." in rest for n in range(60)] == [n >= 50 for n in range(60)]
    assert "<html" not in rest


def test_an_empty_list_says_how_it_fills_and_offers_it_to_who_may(get):
    executive = factories.UserFactory(role="executive")
    for person, may in ((None, True), (executive, False)):
        page = get("crm:accounts", **({"by": person} if person else {}))
        assert "No accounts yet." in page
        assert (reverse("crm:account_new") in page) is may


@pytest.mark.parametrize("target", ["", "rows", "more"])
def test_the_list_costs_the_same_with_1_and_with_20_accounts(as_user, agent, target):
    client, counts = as_user(agent), []
    for n in (1, 19):
        for _ in range(n):
            seat = factories.StakeholderFactory(account__owner=factories.UserFactory(role="sales"))
            factories.CaseFactory(customer=seat.customer)
            factories.OrderFactory(customer=seat.customer, account=seat.account)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("crm:accounts"), headers={"HX-Request": "true", "HX-Target": target})
        counts.append(len(queries))
    assert counts[0] == counts[1]


# --- the page


def test_the_page_says_who_decides_what_they_run_and_how_they_are(get, acme, seat, channel):
    factories.CaseFactory(customer=seat.customer, channel=channel)
    page = get("crm:account", acme.pk)
    for words in (
        "Acme Corp", "6,500 servers in Leeds", "Sam Lindgren", "Mira Castellan", "Valued", "Manager", "Head of IT",
        "Decides", "Keeps it running", "Nov 2022", "not asked yet", "books: A-1001",
        "1 case of their people is not resolved",
    ):  # fmt: skip
        assert words in page, words


def test_who_decides_stands_above_who_only_uses(get, acme, seat):
    factories.StakeholderFactory(account=acme, customer__name="Aaron User", influence="some")
    factories.StakeholderFactory(account=acme, customer__name="Abe Unknown")
    page = get("crm:account", acme.pk)
    assert page.index("Mira Castellan") < page.index("Aaron User") < page.index("Abe Unknown")


def test_who_left_was_merged_or_erased_is_no_stakeholder_now(get, acme, seat):
    factories.StakeholderFactory(account=acme, customer__name="Gone Carl", left_on=date(2026, 3, 1))
    factories.StakeholderFactory(account=acme, customer__name="Merged Max", customer__merged_into=seat.customer)
    factories.StakeholderFactory(account=acme, customer__name="Erased Eve", customer__erased_at=timezone.now())
    page = get("crm:account", acme.pk)
    assert "Stakeholders · 1" in page
    assert "1 Mar 2026" in page
    assert "Merged Max" not in page
    assert "Erased Eve" not in page


def test_each_stakeholder_has_the_number_of_their_open_cases(acme, seat, channel):
    other = factories.StakeholderFactory(account=acme)
    for _ in range(2):
        factories.CaseFactory(customer=seat.customer, channel=channel)
    factories.resolved(factories.CaseFactory(customer=other.customer, channel=channel), factories.UserFactory())
    found = {one.stakeholder: one.open_cases for one in accounts.seats(acme)}
    assert found == {seat: 2, other: 0}


def test_200_stakeholders_are_drawn_and_the_others_found_by_name(get, acme):
    people = [factories.CustomerFactory(name=f"Person {n:03}") for n in range(203)]
    Stakeholder.objects.bulk_create([Stakeholder(account=acme, customer=person) for person in people])
    page = get("crm:account", acme.pk)
    assert page.count("data-row-link") == 200
    assert "These are the weightiest 200." in page
    assert "Person 202" not in page
    found = get("crm:account", acme.pk, q="person 202")
    assert found.count("data-row-link") == 1
    assert "Nobody of that name is a stakeholder here." in get("crm:account", acme.pk, q="\x00nobody")


def test_a_page_with_nothing_says_what_to_do(get):
    account = factories.AccountFactory(name="New Ltd")
    page = get("crm:account", account.pk)
    assert "No stakeholder yet." in page
    assert "Nothing to go by" in page


def test_the_page_costs_the_same_with_1_and_with_20_stakeholders(as_user, agent, acme):
    client, counts = as_user(agent), []
    for n in (1, 19):
        for _ in range(n):
            seat = factories.StakeholderFactory(account=acme, persona=factories.PersonaFactory())
            factories.StakeholderFactory(account=acme, left_on=date(2026, 1, 1))
            factories.CaseFactory(customer=seat.customer)
        with CaptureQueriesContext(connection) as queries:
            client.get(acme.get_absolute_url())
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("website", ["javascript:alert(1)", "data:text/html,x", "//evil.example"])
def test_a_website_that_is_no_web_address_is_not_a_link(get, website):
    account = factories.AccountFactory(website=website)
    assert f'href="{website}"' not in get("crm:account", account.pk)


# --- made and changed


def form(**fields):
    return {"name": "Acme Corp", "kind": "buyer", **fields}


def test_an_account_is_made_and_stands_in_the_log(as_user, sales):
    answer = as_user(sales).post(
        reverse("crm:account_new"), form(country="gb", website="acme.example", owner=sales.pk, runs="40 trains")
    )
    account = Account.objects.get()
    assert answer.url == account.get_absolute_url()
    assert (account.country, account.website, account.owner) == ("GB", "https://acme.example", sales)
    assert Activity.objects.about(account).get().verb == "made"


def test_who_makes_one_is_offered_as_its_sales_person(as_user, sales):
    page = as_user(sales).get(reverse("crm:account_new"))
    assert page.context["form"]["owner"].value() == sales.pk


def test_a_change_names_what_changed_and_none_writes_nothing(as_user, sales, acme):
    client, url = as_user(sales), reverse("crm:account_edit", args=[acme.pk])
    same = form(country="GB", city="Leeds", runs="6,500 servers in Leeds", owner=sales.pk)
    client.post(url, same)
    assert not Activity.objects.about(acme).exists()
    client.post(url, same | {"city": "York"})
    assert Activity.objects.about(acme).get().detail == "city"


def test_a_closed_account_keeps_since_when_and_can_be_opened_again(as_user, sales, acme):
    client, url = as_user(sales), reverse("crm:account_edit", args=[acme.pk])
    client.post(url, form(closed="on"))
    acme.refresh_from_db()
    first = acme.closed_at
    assert first is not None
    client.post(url, form(closed="on", city="York"))
    acme.refresh_from_db()
    assert acme.closed_at == first
    client.post(url, form())
    acme.refresh_from_db()
    assert acme.closed_at is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": " "}, "This field is required."),
        ({"country": "GBR"}, "at most 2 characters"),
        ({"country": "1A"}, "A country is two letters: GB, DE, US."),
        ({"website": "javascript:alert(1)"}, "Enter a valid URL."),
        ({"kind": "enemy"}, "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field_and_nothing_is_saved(as_user, sales, acme, fields, sentence):
    answer = as_user(sales).post(reverse("crm:account_edit", args=[acme.pk]), form(**fields))
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    acme.refresh_from_db()
    assert (acme.name, acme.country) == ("Acme Corp", "GB")


def test_an_outside_id_stands_once_per_system(acme):
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.AccountFactory(source="books", external_id="A-1001")
    factories.AccountFactory(source="crm", external_id="A-1001")
    factories.AccountFactory(source="books", external_id="")
    factories.AccountFactory(source="books", external_id="")


# --- stakeholders


def join(client, account, customer, **fields):
    url = reverse("crm:stakeholder_new", args=[account.pk])
    return client.post(url, {"customer": customer.pk, "role": "buyer", "influence": "some", **fields})


def test_the_customer_is_found_first_by_name_or_handle(get, acme, mira):
    factories.CustomerFactory(name="Somebody Else")
    for words in ("cast", "@mira_on"):
        page = get("crm:stakeholder_new", acme.pk, q=words)
        assert f"?customer={mira.pk}" in page
        assert "Somebody Else" not in page
    assert "Nobody by that name, handle, e-mail or number." in get("crm:stakeholder_new", acme.pk, q="zzz")


def test_a_record_that_was_merged_or_erased_cannot_be_chosen(as_user, agent, acme, mira):
    other = factories.CustomerFactory(name="Mira Merged", merged_into=mira)
    page = as_user(agent).get(reverse("crm:stakeholder_new", args=[acme.pk]), {"q": "mira"}).content.decode()
    assert "Mira Merged" not in page
    assert join(as_user(agent), acme, other).status_code == 422
    assert not Stakeholder.objects.exists()


def test_a_stakeholder_joins_and_both_records_tell_it(as_user, agent, acme, mira, nudges):
    persona = factories.PersonaFactory()
    answer = join(as_user(agent), acme, mira, title="Head of IT", persona=persona.pk, since_on="2022-11-01")
    assert answer.url == acme.get_absolute_url()
    seat = Stakeholder.objects.get()
    assert (seat.customer, seat.role, seat.influence, seat.persona) == (mira, "buyer", "some", persona)
    for record, other in ((acme, "Mira Castellan (Buyer)"), (mira, "Acme Corp (Buyer)")):
        line = Activity.objects.about(record).get()
        assert (line.verb, line.by, line.detail) == ("joined", agent, other)


def test_open_case_pages_of_the_customer_are_told(
    as_user, agent, acme, mira, nudges, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        join(as_user(agent), acme, mira)
    assert ("cases.jobs.customer_changed", mira.pk) in nudges


def test_a_role_is_held_once_and_the_form_says_so_beside_it(as_user, agent, seat):
    answer = join(as_user(agent), seat.account, seat.customer, role="manager")
    assert answer.status_code == 422
    assert "Mira Castellan is Manager of Acme Corp already." in answer.content.decode()
    assert Stakeholder.objects.count() == 1


def test_one_person_may_buy_for_one_resell_through_another_and_have_a_private_life(as_user, agent, seat, mira):
    other = factories.AccountFactory(name="Castellan Breaks", kind="reseller")
    join(as_user(agent), other, mira, role="reseller")
    join(as_user(agent), seat.account, mira, role="user")
    assert {(s.account.name, s.role) for s in mira.stakes.all()} == {
        ("Acme Corp", "manager"), ("Acme Corp", "user"), ("Castellan Breaks", "reseller"),
    }  # fmt: skip


def test_a_role_is_changed_but_not_into_one_they_hold(as_user, agent, seat):
    client, url = as_user(agent), reverse("crm:stakeholder", args=[seat.pk])
    client.post(url, {"role": "executive", "influence": "strong"})
    seat.refresh_from_db()
    assert (seat.role, seat.influence) == ("executive", "strong")
    factories.StakeholderFactory(account=seat.account, customer=seat.customer, role="user")
    answer = client.post(url, {"role": "user", "influence": "strong"})
    assert answer.status_code == 422
    seat.refresh_from_db()
    assert seat.role == "executive"


def test_who_leaves_stays_on_record_and_it_can_be_undone(as_user, agent, seat):
    client = as_user(agent)
    page = client.post(reverse("crm:stakeholder_leave", args=[seat.pk]), {"left_on": "2026-03-01"}, follow=True)
    seat.refresh_from_db()
    assert seat.left_on == date(2026, 3, 1)
    back = reverse("crm:stakeholder_back", args=[seat.pk])
    assert f'action="{back}"' in page.content.decode()
    client.post(back)
    seat.refresh_from_db()
    assert seat.left_on is None
    verbs = Activity.objects.about(seat.account).order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["left", "came back"]


@pytest.mark.parametrize(
    ("day", "sentence"),
    [
        ("2020-01-01", "Mira Castellan cannot have left before they came, on 1 Nov 2022."),
        ("2999-01-01", "This day is still to come."),
        ("soon", "Enter a valid date."),
    ],
)
def test_a_day_on_which_nobody_can_have_left_is_refused_beside_the_field(as_user, agent, seat, day, sentence):
    answer = as_user(agent).post(reverse("crm:stakeholder_leave", args=[seat.pk]), {"left_on": day})
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    seat.refresh_from_db()
    assert seat.left_on is None


def test_leaving_twice_keeps_the_first_day(seat, agent):
    accounts.leave(stakeholder=seat, on=date(2026, 3, 1), by=agent)
    accounts.leave(stakeholder=Stakeholder.objects.get(), on=date(2026, 4, 1), by=agent)
    assert Stakeholder.objects.get().left_on == date(2026, 3, 1)
    assert Activity.objects.about(seat.account).count() == 1


def test_who_comes_back_in_the_same_role_takes_their_old_place(as_user, agent, seat, mira):
    accounts.leave(stakeholder=seat, by=agent)
    join(as_user(agent), seat.account, mira, role="manager", title="Director")
    again = Stakeholder.objects.get()
    assert (again.pk, again.left_on, again.title) == (seat.pk, None, "Director")


def test_two_who_add_the_same_stakeholder_make_one(seat, agent):
    twin = Stakeholder(account=seat.account, customer=seat.customer, role="manager")
    with pytest.raises(accounts.AlreadyThere):
        accounts.join(stakeholder=twin, by=agent)
    assert Stakeholder.objects.count() == 1


# --- personas


def test_a_lead_keeps_the_list_of_personas(as_user, lead):
    client = as_user(lead)
    client.post(reverse("crm:personas"), {"name": "Counts every pound", "description": "Wants figures."})
    persona = Persona.objects.get()
    client.post(reverse("crm:persona", args=[persona.pk]), {"name": "Counts every penny"})
    assert "Counts every penny" in client.get(reverse("crm:personas")).content.decode()
    assert client.post(reverse("crm:personas"), {"name": "Counts every penny"}).status_code == 422
    verbs = Activity.objects.about(persona).order_by("id").values_list("verb", flat=True)
    assert list(verbs) == ["made", "changed"]


def test_a_retired_persona_is_not_offered_but_kept_by_who_has_it(as_user, lead, seat, acme, mira):
    client = as_user(lead)
    client.post(reverse("crm:persona", args=[seat.persona_id]), {"retire": "1"})
    new = client.get(reverse("crm:stakeholder_new", args=[acme.pk]), {"customer": mira.pk})
    assert seat.persona not in new.context["form"].fields["persona"].queryset
    url = reverse("crm:stakeholder", args=[seat.pk])
    client.post(url, {"role": "manager", "influence": "decides", "persona": seat.persona_id})
    seat.refresh_from_db()
    assert seat.persona is not None
    client.post(reverse("crm:persona", args=[seat.persona_id]), {"retire": "1"})
    assert Persona.objects.get().retired_at is None


# --- who may


@pytest.mark.parametrize(
    ("role", "reads", "writes"),
    [
        ("agent", True, True), ("lead", True, True), ("admin", True, True), ("sales", True, True),
        ("executive", True, False), ("support", False, False),
    ],
)  # fmt: skip
def test_who_reads_and_who_writes(as_user, acme, mira, role, reads, writes):
    client = as_user(factories.UserFactory(role=role))
    page = client.get(acme.get_absolute_url())
    assert page.status_code == (200 if reads else 403)
    if reads:
        assert (reverse("crm:stakeholder_new", args=[acme.pk]) in page.content.decode()) is writes
    assert join(client, acme, mira).status_code == (302 if writes else 403)
    assert Stakeholder.objects.exists() is writes
