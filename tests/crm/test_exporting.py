"""Lists as files: what the list shows this person under this filter, safe in a spreadsheet, and able to come back."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, date, datetime

import pytest
from asgiref.sync import async_to_sync
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm import exporting, lists
from crm.importing.fields import ACCOUNT, CUSTOMER
from crm.models import Account, Activity, Customer, Identity
from tests import factories
from tests.crm.imported import counts, load, snapshot
from tests.test_architecture import ORDER, ROOT, modules

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def text_of(answer):
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


@pytest.fixture
def export(as_user, lead):
    """`export("crm:customers_export", tier="key")` is the list as dicts, as a lead gets it."""

    def export(name, *of, by=None, **query):
        text = text_of(as_user(by or lead).get(reverse(name, args=[each.pk for each in of]), query))
        return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))

    return export


@pytest.fixture
def ann():
    customer = factories.CustomerFactory(
        name="Ann Mercer", given_name="Ann", family_name="Mercer", nickname="=Annie", born_on=date(1984, 2, 29),
        tier="key", language="en", country="GB", city="Leeds", time_zone="Europe/London",
        about="+1\n“two” lines; ليلى 🚂, @sum",
        known_at=datetime(2026, 3, 1, tzinfo=UTC),
    )  # fmt: skip
    for kind, place, value, handle in (
        ("email", "", "ann@example.com", "Ann@example.com"), ("email", "", "ann@work.example", ""),
        ("phone", "", "+441134960123", "+44 113 496 0123"),
        ("phone", "", "+441134960124;ext=7", "+44 113 496 0124 ext. 7"),
        ("handle", "twitter", "annie_m", "Annie_M"), ("external", "crm", "C-17", "C-17"),
    ):  # fmt: skip
        factories.IdentityFactory(kind=kind, place=place, value=value, handle=handle, customer=customer)
    return customer


# --- what is in it


def test_a_customer_stands_there_with_all_they_go_by(export, ann):
    (row,) = export("crm:customers_export")
    assert list(row) == list(lists.CUSTOMER_COLUMNS)
    assert row | {"first seen": ""} == {
        "id": str(ann.pk), "name": "Ann Mercer", "given_name": "Ann", "family_name": "Mercer", "nickname": "'=Annie",
        "born_on": "1984-02-29", "tier": "key", "language": "en", "country": "GB", "city": "Leeds",
        "time_zone": "Europe/London", "about": "'+1\n“two” lines; ليلى 🚂, @sum",
        "email": "Ann@example.com; ann@work.example", "phone": "'+44 113 496 0123; '+44 113 496 0124 ext. 7",
        "handle": "twitter:Annie_M", "outside ids": "crm:C-17", "first seen": "",
        "known since": "2026-03-01T00:00:00+00:00", "no contact since": "",
    }  # fmt: skip


def test_the_columns_are_those_an_import_knows():
    assert [field.name for field in CUSTOMER] == list(lists.CUSTOMER_COLUMNS)[: len(CUSTOMER)]
    assert [field.name for field in ACCOUNT] == list(lists.ACCOUNT_COLUMNS)[: len(ACCOUNT)]


def test_json_lines_hold_the_values_as_they_are(as_user, lead, ann):
    answer = as_user(lead).get(reverse("crm:customers_export"), {"as": "jsonl"})
    (row,) = map(json.loads, text_of(answer).splitlines())
    assert (row["id"], row["nickname"], row["born_on"]) == (ann.pk, "=Annie", "1984-02-29")
    assert row["email"] == ["Ann@example.com", "ann@work.example"]
    assert answer["Content-Disposition"].endswith('.jsonl"')


def test_it_follows_the_filter_of_the_list_and_its_order(export):
    for number, tier in enumerate(("key", "standard", "key")):
        day = datetime(2026, 1, 1 + number, tzinfo=UTC)
        factories.CustomerFactory(name=f"Number {number}", tier=tier, created_at=day)
    assert [row["name"] for row in export("crm:customers_export", tier="key")] == ["Number 2", "Number 0"]
    assert [row["name"] for row in export("crm:customers_export", query="tier=standard")] == ["Number 1"]
    assert [row["name"] for row in export("crm:customers_export", q="number 0")] == ["Number 0"]
    assert export("crm:customers_export", q="nobody at all") == []


def test_who_was_merged_or_erased_is_not_in_it(export, ann):
    factories.CustomerFactory(merged_into=ann)
    factories.CustomerFactory(erased_at=timezone.now())
    assert [row["name"] for row in export("crm:customers_export")] == ["Ann Mercer"]


def test_an_account_stands_there_with_its_sales_person(export, lead):
    factories.AccountFactory(
        name="Northwind", owner=lead, source="crm", external_id="A-1", country="GB", kind="partner"
    )
    factories.AccountFactory(name="Gone", closed_at=datetime(2025, 12, 31, tzinfo=UTC))
    (row,) = export("crm:accounts_export")
    assert (row["name"], row["owner"], row["outside id"], row["kind"]) == ("Northwind", "lea", "crm:A-1", "partner")
    assert [row["closed_on"] for row in export("crm:accounts_export", state="closed")] == ["2025-12-31"]


def test_a_case_stands_there_as_in_the_queue(export, case, stranger, lead):
    factories.resolved(factories.CaseFactory(), lead)
    (row,) = export("cases:queue_export")
    assert (row["case"], row["customer"], row["state"]) == (str(case.pk), case.customer.name, "new")
    assert len(export("cases:queue_export", state="all")) == 2


def test_a_match_stands_there_with_what_speaks_for_it(export):
    points = [{"says": "The same name.", "weight": 0.5}, {"says": "=Another city.", "weight": -0.1}]
    known = factories.CustomerFactory(name="Ann", known_at=timezone.now())
    factories.IdentityLinkFactory(customer=known, state="proposed", method="matched", score=0.9, points=points)
    (row,) = export("crm:matches_export")
    assert (row["customer"], row["for and against"], row["by"]) == ("Ann", "The same name.; '=Another city.", "Hark")
    assert export("crm:matches_export", show="decided") == []


def test_orders_stand_there_with_whose_they_are(export, ann):
    acme = factories.AccountFactory(name="Acme")
    for_acme = factories.OrderFactory(customer=ann, account=acme, number="=1", amount="129.90", currency="EUR")
    factories.OrderFactory(customer=ann, number="private")
    factories.OrderFactory(number="somebody else's")
    assert {row["number"] for row in export("crm:orders_export", ann)} == {"'=1", "private"}
    (row,) = export("crm:account_orders_export", acme)
    assert list(row) == list(lists.ORDER_COLUMNS)
    assert (row["id"], row["customer"], row["account"]) == (str(for_acme.pk), str(ann.pk), str(acme.pk))
    assert (row["amount"], row["currency"], row["account name"]) == ("129.90", "EUR", "Acme")


EXPORTS = {
    "crm/views/customer_list.py": "crm:customers_export", "crm/views/accounts.py": "crm:accounts_export",
    "crm/views/matches.py": "crm:matches_export", "crm/views/orders.py": "crm:orders_export",
    "cases/views/queue.py": "cases:queue_export", "cases/views/desk.py": "cases:overrides_export",
    "cases/views/malicious.py": "cases:malicious_export", "cases/views/leads.py": "cases:leads_export",
    "cases/views/hits.py": "cases:listening_export",
    "channels_app/views/reading_corrections.py": "channels_app:reading_corrections_export",
    "surveys/views/comments.py": "surveys:comments_export", "surveys/views/plans.py": "surveys:plans_export",
    "surveys/views/movement.py": "surveys:movement_people_export",
    "surveys/views/responses.py": "surveys:responses_export",
    "surveys/views/wave_lists.py": "surveys:wave_people_export",
    "surveys/views/outreach/calls.py": "surveys:calls_export",
    "surveys/views/outreach/loops.py": "surveys:loops_export",
    "surveys/views/outreach/requests.py": "surveys:requests_export",
    "surveys/views/outreach/improvements.py": "surveys:improvements_export",
    "surveys/views/outreach/recognition.py": "surveys:scorecards_export",
    "surveys/views/outreach/advocates.py": "surveys:advocates_export",
}  # fmt: skip
NOT_TAKEN_AWAY = {
    "channels_app/views/reading_next.py": "what Hark is least sure of, to work off; what was said of it is exported",
    "channels_app/views/reading_words.py": "by which words messages are read; they are of use here alone",
    "crm/views/merging.py": "how the records of one customer became one: in the copy of what we hold on them",
    "crm/views/imports.py": "which files came; what was in them is in the lists",
    "crm/views/tokens.py": "which programs may call the API",
    "crm/views/webhooks.py": "what other systems were told, for a month",
    "crm/views/notices.py": "what one was told oneself; each line leads to what it is about",
    "cases/views/alike.py": "cases like one another: the file of the queue holds each of them",
    "cases/views/approvals.py": "replies that wait for a decision, and are gone from the list once it is made",
    "cases/views/questions.py": "what one's own groups were asked; question and answer stand in each case",
    "cases/views/rules.py": "each time that one rule acted, to look at while one mends it",
    "cases/views/search.py": "where in conversations some words were found; cases are taken away from the queue",
    "cases/views/templates.py": "words to begin with, which nobody has said yet",
    "cases/views/words.py": "what one has begun to write oneself",
    "surveys/views/surveys.py": "what there is to ask with; what came of it is in responses and results",
    "surveys/views/outreach/callers.py": "who takes on how many calls; what came of them is in the calls",
    "surveys/views/outreach/hashtags.py": "by which words groups are asked; what they were asked is in the requests",
    "surveys/views/waves.py": "a line for each wave: its people, its responses and its figures are taken away each",
}


def test_every_list_that_has_pages_can_be_taken_away_or_says_why_not():
    views = {path for app in ORDER for path in modules(app) if "views" in path.parts}
    paged = {str(path.relative_to(ROOT)) for path in views if "keyset_page(" in path.read_text()}
    assert paged == set(EXPORTS) | set(NOT_TAKEN_AWAY)
    for name in EXPORTS.values():
        assert reverse(name, args=[1] if name in ("crm:orders_export", "surveys:wave_people_export") else [])


# --- cells that cannot run


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+1",
        "-1",
        "@a",
        "\t=1",
        "\r=1",
        " =1",
        '=HYPERLINK("http://evil")',
        "|x",
        "%0A",
        "＝1",
        "a;=1",
        "a\n\r\n =1",
    ],
)
def test_no_cell_of_any_list_is_a_formula(export, cell):
    customer = factories.CustomerFactory(name=f"{cell}x", city=cell)
    factories.AccountFactory(name=f"{cell}x", city=cell)
    factories.CaseFactory(customer=customer, subject=cell)
    for name in ("crm:customers_export", "crm:accounts_export", "cases:queue_export"):
        for row in export(name):
            begins = {piece.lstrip()[:1] for value in row.values() for piece in re.split("[;\t\r\n]", value)}
            assert not begins & set("=+-@|%"), row


def test_a_spreadsheet_is_told_that_it_is_utf_8(as_user, lead, ann):
    answer = as_user(lead).get(reverse("crm:customers_export"))
    assert (answer["Content-Type"], answer["Cache-Control"]) == ("text/csv; charset=utf-8", "no-store")
    assert text_of(answer).startswith("\ufeff")
    assert "ليلى 🚂" in text_of(as_user(lead).get(reverse("crm:customers_export")))


# --- what goes out comes in


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_was_exported_comes_back_and_changes_nothing(as_user, lead, ann, form):
    factories.CustomerFactory(name="Only a handle", known_at=None)
    text = text_of(as_user(lead).get(reverse("crm:customers_export"), {"as": form}))
    before = snapshot()
    run = load(text, source="hark", name=f"customers.{form}")
    assert counts(run) == (0, 0, 2, 0)
    assert snapshot() == before


def test_what_was_changed_in_the_spreadsheet_is_changed_here(as_user, lead, ann):
    text = text_of(as_user(lead).get(reverse("crm:customers_export"))).replace("Leeds", "York")
    assert counts(load(text, source="hark")) == (0, 1, 0, 0)
    ann.refresh_from_db()
    assert ann.city == "York"


def test_accounts_come_back_too(as_user, lead):
    when = datetime(2025, 12, 31, 15, 30, tzinfo=UTC)
    factories.AccountFactory(
        name="Northwind", owner=lead, website="https://n.example", runs="=40 depots", closed_at=when
    )
    text = text_of(as_user(lead).get(reverse("crm:accounts_export"), {"state": "all"}))
    assert counts(load(text, what="accounts", source="hark")) == (0, 0, 1, 0)
    assert Account.objects.get().closed_at == when


def test_orders_come_back_too(as_user, lead, ann):
    factories.OrderFactory(customer=ann, account=factories.AccountFactory(), amount="5.00", currency="EUR")
    text = text_of(as_user(lead).get(reverse("crm:orders_export", args=[ann.pk])))
    assert counts(load(text, what="orders", source="hark")) == (0, 0, 1, 0)


WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30)


@given(names=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_words_come_back_as_they_were(names):
    Customer.objects.all().delete()
    made = [factories.CustomerFactory(name=name or "x", about=about) for name, about in names]
    before = list(Customer.objects.order_by("pk").values("name", "about"))
    found = exporting.every(Customer.objects.with_handles(), key=("created_at", "id"), newest_first=True)
    text = "".join(exporting.csv_blocks(lists.CUSTOMER_COLUMNS, lists.customer_rows(found)))
    run = load(text, source="hark")
    assert counts(run) == (0, 0, len(made), 0), list(run.errors.values_list("sentence", flat=True))
    assert list(Customer.objects.order_by("pk").values("name", "about")) == before


# --- who


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("crm:customers_export", {"lead", "admin"}), ("crm:accounts_export", {"lead", "admin", "sales"}),
        ("crm:matches_export", {"lead", "admin"}), ("cases:queue_export", {"lead", "admin"}),
    ],
)  # fmt: skip
def test_who_may_take_a_list_away_and_sees_the_button_for_it(as_user, name, allowed):
    page = name.removesuffix("_export")
    for role in ("agent", "lead", "executive", "sales", "support", "admin"):
        client = as_user(factories.UserFactory(role=role))
        assert (client.get(reverse(name)).status_code == 200) is (role in allowed)
        shown = client.get(reverse(page))
        if shown.status_code == 200:
            assert (reverse(name) in shown.content.decode()) is (role in allowed)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("crm:orders_export", {"lead", "admin"}), ("crm:account_orders_export", {"lead", "admin", "sales"})],
)
def test_who_may_take_orders_away_sees_the_button_where_there_are_some(as_user, ann, name, allowed):
    account = factories.AccountFactory()
    whose = account if "account" in name else ann
    page, url = (reverse(each, args=[whose.pk]) for each in (name.removesuffix("_export"), name))
    assert url not in as_user(factories.UserFactory(role="lead")).get(page).content.decode()
    factories.OrderFactory(customer=ann, account=account)
    for role in ("agent", "lead", "executive", "sales", "admin"):
        shown = as_user(factories.UserFactory(role=role)).get(page).content.decode()
        assert (url in shown) is (role in allowed), role


def test_who_took_what_away_stands_in_the_log(export, lead, ann):
    export("crm:customers_export", query="tier=key&after=1~2", **{"as": "csv"})
    export("crm:accounts_export", **{"as": "jsonl", "kind": "buyer"})
    lines = Activity.objects.filter(verb="exported").order_by("pk")
    assert [(line.by, line.detail) for line in lines] == [
        (lead, "customers (CSV): tier=key"), (lead, "accounts (JSON Lines): kind=buyer"),
    ]  # fmt: skip


# --- how


def test_a_long_list_is_asked_for_bit_by_bit_and_each_row_comes_once(monkeypatch, export):
    monkeypatch.setattr(exporting, "CHUNK", 7)
    monkeypatch.setattr(exporting, "LINES", 3)
    when = timezone.now()
    made = [factories.CustomerFactory(created_at=when) for _ in range(30)]
    assert [int(row["id"]) for row in export("crm:customers_export")] == sorted((c.pk for c in made), reverse=True)


def test_a_bit_costs_the_same_number_of_queries_however_many_rows(django_assert_num_queries):
    for number in (1, 19):
        for _ in range(number):
            factories.IdentityFactory(customer=factories.CustomerFactory())
        rows = exporting.every(Customer.objects.with_handles(), key=("created_at", "id"), newest_first=True)
        with django_assert_num_queries(2):
            list(lists.customer_rows(rows))


def test_a_key_that_is_empty_somewhere_ends_the_list_and_does_not_begin_it_again(monkeypatch):
    monkeypatch.setattr(exporting, "CHUNK", 1)
    for _ in range(3):
        factories.IdentityFactory(reach=None, customer=None)
    assert len(list(exporting.every(Identity.objects.all(), key=("reach", "id"), newest_first=True))) < 3


def test_nothing_is_asked_before_the_first_byte_is_wanted(django_assert_num_queries):
    rows = exporting.every(Customer.objects.with_handles(), key=("created_at", "id"))
    with django_assert_num_queries(0):
        answer = exporting.csv_response("customers", lists.CUSTOMER_COLUMNS, lists.customer_rows(rows))
    assert answer.streaming


def test_under_asgi_it_is_sent_block_by_block():
    """Django would read an ordinary iterator to its end first."""
    taken = []

    def rows():
        for number in range(3 * exporting.LINES):
            taken.append(number)
            yield [number]

    async def first_two():
        blocks = aiter(exporting.csv_response("numbers", ["number"], rows()))
        await anext(blocks)
        return await anext(blocks)

    block = async_to_sync(first_two)()
    assert block.startswith(b"number\r\n0\r\n")
    assert len(taken) < 2 * exporting.LINES


def test_a_filter_somebody_typed_breaks_nothing(export, ann):
    assert len(export("crm:customers_export", query="%%%&=&tier=gold&q=")) == 1
