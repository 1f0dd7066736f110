"""What an import does with the rows of a file: what it makes, changes, links, parks and refuses."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import consent, merging
from crm.importing import bringing, mapping, records, running
from crm.importing.fields import FIELDS
from crm.importing.ledger import COLUMNS
from crm.importing.rules import CannotSave
from crm.models import (
    Account,
    Activity,
    Consent,
    Customer,
    Identity,
    IdentityLink,
    Import,
    ImportChange,
    Merge,
    Order,
    Product,
    RefusedRow,
    Stakeholder,
)
from tests import factories
from tests.crm.imported import as_csv, as_json_lines, bring, check, counts, errors, load, start

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def known():
    """`known("17", name=…)` is a customer of the other system whom we have already."""

    def known(number, **facts):
        customer = factories.CustomerFactory(known_at=timezone.now(), **facts)
        factories.IdentityFactory(kind="external", place="crm", value=number, handle=number, customer=customer)
        return customer

    return known


def links(customer):
    found = customer.links.select_related("identity").order_by("identity__kind", "identity__value")
    return [(link.identity.kind, link.identity.value, link.state) for link in found]


# --- customers


def test_a_customer_comes_in_with_all_that_is_known_of_them(lead):
    row = {
        "id": "C-17", "name": "Ann Mercer", "given_name": "Ann", "family_name": "Mercer", "nickname": "Annie",
        "born_on": "29.02.1984", "tier": "Key", "language": "EN", "country": "gb", "city": "Leeds",
        "time_zone": "Europe/London", "about": "Travels with a cello.", "email": "Ann@Example.com; ann@work.example",
        "phone": "0113 496 0123", "handle": "twitter:@Annie_M",
    }  # fmt: skip
    run = load(as_csv([row]), by=lead)
    assert counts(run) == (1, 0, 0, 0)
    ann = Customer.objects.get()
    assert [getattr(ann, name) for name in ("name", "given_name", "family_name", "nickname", "city", "about")] == [
        "Ann Mercer", "Ann", "Mercer", "Annie", "Leeds", "Travels with a cello.",
    ]  # fmt: skip
    assert (ann.born_on, ann.tier, ann.language, ann.country) == (date(1984, 2, 29), "key", "en", "GB")
    assert ann.known_at is not None
    assert links(ann) == [
        ("email", "ann@example.com", "confirmed"),
        ("email", "ann@work.example", "confirmed"),
        ("external", "C-17", "confirmed"),
        ("handle", "annie_m", "confirmed"),
        ("phone", "+441134960123", "confirmed"),
    ]
    link = ann.links.get(identity__kind="phone")
    assert (link.method, link.evidence, link.by, link.decided_by) == ("import", "Import crm.csv, row 1", lead, lead)


def test_a_name_is_put_together_from_its_parts_or_else_is_what_they_go_by():
    load("id,first name,last name,email\n1,Ann,Mercer,\n2,,,bob@example.com\n")
    assert set(Customer.objects.values_list("name", flat=True)) == {"Ann Mercer", "bob@example.com"}


def test_only_columns_that_are_given_change_and_an_empty_cell_changes_nothing(known):
    ann = known("17", name="Ann", city="Leeds", country="GB", tier="key")
    run = load("id,name,city,country\n17,,York,\n")
    ann.refresh_from_db()
    assert (ann.name, ann.city, ann.country, ann.tier) == ("Ann", "York", "GB", "key")
    change = ImportChange.objects.get(run=run)
    assert (change.kind, change.row, change.before, change.after) == (
        "crm.customer", ann.pk, {"city": "Leeds"}, {"city": "York"},
    )  # fmt: skip


def test_a_word_empties_a_field_and_cannot_empty_what_is_needed(known):
    ann = known("17", name="Ann", city="Leeds", tier="key", born_on=date(1984, 2, 29))
    run = load("id,name,city,tier,born_on\n17,,(empty),(empty),(empty)\n17,(empty),,,\n")
    ann.refresh_from_db()
    assert (ann.name, ann.city, ann.tier, ann.born_on) == ("Ann", "", "standard", None)
    assert errors(run) == {2: "Name cannot be emptied."}


def test_every_fault_of_a_row_is_said_at_once_and_the_row_leaves_nothing_behind():
    run = load("id,name,country,tier,email\n1,Ann,Germany,gold,ann@example.com\n2,Bob,DE,key,no address\n3,Carl,DE,,\n")
    assert counts(run) == (1, 0, 0, 2)
    assert errors(run) == {
        1: "Tier: “gold” is none of these: standard, valued, key."
        " Country: “Germany” is not a country in two letters: GB, DE, US.",
        2: "“no address” is not an e-mail address. One looks like maria@example.com.",
    }
    assert RefusedRow.objects.get(number=1).cells == ["1", "Ann", "Germany", "gold", "ann@example.com"]
    assert not Identity.objects.filter(kind="email").exists()


def test_a_phone_number_needs_to_say_its_country_or_the_row_does():
    run = load("id,name,phone,country\n1,Ann,0113 496 0123,\n2,Bob,0113 496 0123,GB\n3,Carl,+49 30 901820,\n")
    assert list(errors(run)) == [1]
    assert "does not say which country it is in" in errors(run)[1]
    assert Identity.objects.filter(kind="phone").count() == 2


def test_who_has_nothing_else_is_called_by_their_id():
    load("id,name,email,city\n17,,,Leeds\n")
    assert Customer.objects.get().name == "crm 17"


def test_a_file_without_names_changes_those_there_are_and_makes_nobody(known):
    ann = known("17", name="Ann")
    run = load("id,tier\n17,key\n18,key\n")
    ann.refresh_from_db()
    assert (ann.tier, counts(run)) == ("key", (0, 1, 0, 1))
    assert errors(run) == {2: "There is no customer 18 in crm, and there is no name to make one."}


def test_the_same_file_twice_changes_nothing_the_second_time(lead):
    text = "id,name,email,handle\n1,Ann,ann@example.com,twitter:annie\n2,Bob,bob@example.com,\n"
    assert counts(load(text)) == (2, 0, 0, 0)
    logged = Activity.objects.filter(subject_kind="crm.customer").count()
    again = load(text)
    assert counts(again) == (0, 0, 2, 0)
    assert not again.changes.exists()
    assert Activity.objects.filter(subject_kind="crm.customer").count() == logged


def test_one_id_twice_in_a_file_is_one_customer_and_the_later_row_stands():
    run = load("id,name,city\n1,Ann,Leeds\n1,Ann Mercer,\n")
    assert counts(run) == (1, 1, 0, 0)
    ann = Customer.objects.get()
    assert (ann.name, ann.city) == ("Ann Mercer", "Leeds")


def test_an_id_of_another_system_is_another_customer():
    load("id,name\n1,Ann\n")
    load("id,name\n1,Bob\n", source="shop")
    assert set(Customer.objects.values_list("name", flat=True)) == {"Ann", "Bob"}


# --- whose an address is


def test_of_two_with_one_address_the_second_waits_for_a_person_and_the_result_says_so():
    run = load("id,name,email\n1,Ann,both@example.com\n2,Bob,both@example.com\n")
    assert (counts(run), run.parked) == ((2, 0, 0, 0), 1)
    ann, bob = Customer.objects.order_by("pk")
    assert ("email", "both@example.com", "confirmed") in links(ann)
    assert ("email", "both@example.com", "proposed") in links(bob)
    assert IdentityLink.objects.conflicts().get().customer == bob


def test_it_waits_once_however_often_the_file_comes():
    text = "id,name,email\n1,Ann,both@example.com\n2,Bob,both@example.com\n"
    load(text)
    waiting = IdentityLink.objects.values().get(state="proposed")
    again = load(text, name="other.csv")
    assert (counts(again), again.parked) == ((0, 0, 2, 0), 1)
    assert IdentityLink.objects.values().get(state="proposed") == waiting


def test_what_somebody_rejected_is_not_asked_again():
    text = "id,name,email\n1,Ann,both@example.com\n2,Bob,both@example.com\n"
    load(text)
    IdentityLink.objects.filter(state="proposed").update(state="rejected", decided_at=timezone.now())
    again = load(text)
    assert (counts(again), again.parked) == ((0, 0, 2, 0), 0)
    assert not IdentityLink.objects.filter(state="proposed").exists()


def test_a_provisional_record_that_has_the_handle_is_merged_in(known):
    somebody = factories.CustomerFactory(name="annie", known_at=None)
    factories.IdentityFactory(place="twitter", value="annie", customer=somebody)
    factories.OrderFactory(customer=somebody)
    run = load("id,name,handle\n1,Ann Mercer,twitter:Annie\n")
    ann = Customer.objects.standing().get()
    somebody.refresh_from_db()
    assert (ann.name, somebody.merged_into) == ("Ann Mercer", ann)
    assert ann.orders.count() == 1
    assert ImportChange.objects.get(run=run, kind="crm.merge").row == Merge.objects.get().pk


def test_a_handle_is_found_by_how_it_is_written_where_the_network_keeps_numbers():
    somebody = factories.CustomerFactory(name="annie", known_at=None)
    identity = factories.IdentityFactory(place="twitter", value="900123", handle="Annie_M", customer=somebody)
    load("id,name,twitter\n1,Ann,annie_m\n")
    assert identity.links.get(state="confirmed").customer.name == "Ann"
    assert not Identity.objects.filter(value="annie_m").exists()


def test_an_address_nobody_owns_becomes_theirs():
    factories.IdentityFactory(kind="email", place="", value="ann@example.com", customer=None)
    load("id,name,email\n1,Ann,ann@example.com\n")
    assert ("email", "ann@example.com", "confirmed") in links(Customer.objects.get())


def test_the_id_of_a_merged_customer_leads_to_the_survivor(known, lead):
    gone, stays = known("17", name="Ann", city="Leeds"), known("18", name="Ann M.")
    merging.merge(survivor=stays, absorbed=gone, by=lead)
    run = load("id,name,city\n17,,York\n")
    stays.refresh_from_db()
    assert (counts(run), stays.city) == ((0, 1, 0, 0), "York")
    assert Customer.objects.get(pk=gone.pk).city == "Leeds"


def test_somebody_who_was_erased_is_not_brought_back(known):
    ann = known("17", name="")
    Customer.objects.filter(pk=ann.pk).update(erased_at=timezone.now(), name="Erased")
    run = load("id,name\n17,Ann\n")
    assert errors(run) == {1: "Customer 17 was erased, as they asked; nothing is kept about them any more."}


def test_a_provisional_record_that_gets_an_outside_id_is_known_from_then_on(known):
    somebody = factories.CustomerFactory(name="caller", known_at=None)
    factories.IdentityFactory(kind="external", place="crm", value="17", customer=somebody)
    load("id,name\n17,Ann\n")
    somebody.refresh_from_db()
    assert (somebody.name, somebody.is_provisional) == ("Ann", False)


def test_a_link_brings_its_own_evidence(known):
    ann = known("17", name="Ann")
    rows = [{"customer": "17", "kind": "Handle", "place": "Mastodon", "value": "@ann", "evidence": "Wrote from it"}]
    assert counts(load(as_csv(rows), what="links")) == (1, 0, 0, 0)
    link = ann.links.get(identity__place="mastodon")
    assert link.evidence == "Wrote from it (Import crm.csv, row 1)"
    assert counts(load(as_csv(rows), what="links")) == (0, 0, 1, 0)


def test_a_link_needs_its_network_and_its_customer(known):
    known("17")
    run = load("customer,kind,place,value\n17,handle,,ann\n99,email,,ann@example.com\n17,fax,,1\n", what="links")
    assert errors(run) == {
        1: "Say of which network or system it is.",
        2: "There is no customer 99 in crm. Import the customers first, or look at the id.",
        3: "Kind: “fax” is none of these: handle, email, phone, external.",
    }


# --- by our own numbers


def test_what_was_exported_here_comes_back_by_our_own_numbers():
    ann = factories.CustomerFactory(name="Ann", known_at=None)
    run = load(f"id,name,city\n{ann.pk},,York\n99999,Bob,\nx,Carl,\n", source="hark")
    ann.refresh_from_db()
    assert (ann.city, ann.known_at) == ("York", None)
    assert list(errors(run).values()) == [
        "There is no customer 99999 in Hark. Import the customers first, or look at the id.",
        "There is no customer x in Hark. Import the customers first, or look at the id.",
    ]
    assert not Identity.objects.exists()


# --- accounts, stakeholders, orders, products


def test_an_account_comes_in_and_is_changed_by_its_id(lead):
    row = {
        "id": "A-1", "name": "Northwind Rail", "kind": "partner", "industry": "Railways", "country": "gb",
        "city": "Leeds", "website": "northwind.example", "runs": "40 depots", "about": "", "owner": "LEA@hark.example",
        "closed_on": "2025-12-31",
    }  # fmt: skip
    lead.email = "lea@hark.example"
    lead.save()
    assert counts(load(as_csv([row]), what="accounts")) == (1, 0, 0, 0)
    account = Account.objects.get()
    assert (account.source, account.external_id, account.kind, account.owner) == ("crm", "A-1", "partner", lead)
    assert (account.website, account.closed_at.date()) == ("https://northwind.example", date(2025, 12, 31))
    assert counts(load(as_csv([row]), what="accounts")) == (0, 0, 1, 0)
    assert counts(load(as_csv([row | {"closed_on": "(empty)", "owner": "(empty)"}]), what="accounts")) == (0, 1, 0, 0)
    account.refresh_from_db()
    assert (account.closed_at, account.owner) == (None, None)


def test_a_sales_person_nobody_is_or_two_are_is_refused(lead):
    for number in range(2):
        factories.UserFactory(username=f"sam{number}", email="sam@hark.example")
    run = load("id,name,owner\n1,A,nobody\n2,B,sam@hark.example\n3,C,sam1\n", what="accounts")
    assert errors(run) == {
        1: "Their sales person: nobody here has the user name or e-mail “nobody”.",
        2: "Their sales person: more than one of us has the e-mail “sam@hark.example”; write the user name.",
    }


def test_a_stakeholder_is_known_by_account_customer_and_role(known):
    ann = known("17")
    account = factories.AccountFactory(source="crm", external_id="A-1")
    factories.PersonaFactory(name="Fleet manager")
    row = {"account": "A-1", "customer": "17", "role": "buyer", "persona": "fleet MANAGER", "influence": "Decides"}
    assert counts(load(as_csv([row]), what="stakeholders")) == (1, 0, 0, 0)
    stake = Stakeholder.objects.get()
    assert (stake.account, stake.customer, stake.persona.name, stake.influence) == (
        account,
        ann,
        "Fleet manager",
        "decides",
    )
    assert counts(load(as_csv([row | {"left_on": "2026-01-31"}]), what="stakeholders")) == (0, 1, 0, 0)
    assert counts(load(as_csv([row | {"role": "user"}]), what="stakeholders")) == (1, 0, 0, 0)
    refused = [
        row | {"account": "A-9"},
        row | {"persona": "King"},
        row | {"since_on": "2026-01-01", "left_on": "2025-01-01"},
    ]
    assert list(errors(load(as_csv(refused), what="stakeholders")).values()) == [
        "There is no account A-9 in crm. Import it first, or look at the id.",
        "Persona: there is no “King”. There are: Fleet manager.",
        "They cannot have left before they came.",
    ]


ORDER = {
    "id": "O-1", "customer": "17", "account": "A-1", "number": "2026-1", "state": "Shipped", "what": "2 × Jacket",
    "amount": "1.234,50 €", "placed_at": "2026-04-30T17:05:00+02:00", "promised_on": "2026-05-04",
    "tracking_url": "https://parcels.example/1",
}  # fmt: skip


def test_an_order_comes_in_with_its_amount_and_currency(known):
    ann, account = known("17"), factories.AccountFactory(source="crm", external_id="A-1")
    assert counts(load(as_csv([ORDER]), what="orders")) == (1, 0, 0, 0)
    order = Order.objects.get()
    assert (order.customer, order.account, order.state) == (ann, account, "shipped")
    assert (order.amount, order.currency, order.placed_at.hour) == (Decimal("1234.50"), "EUR", 15)
    assert counts(load(as_csv([ORDER]), what="orders")) == (0, 0, 1, 0)
    told = order.changed_at
    assert counts(load("id,state\nO-1,delivered\n", what="orders")) == (0, 1, 0, 0)
    order.refresh_from_db()
    assert (order.state, order.number, order.changed_at > told) == ("delivered", "2026-1", True)


def test_what_is_wrong_with_an_order_is_said_by_field(known):
    known("17")
    rows = [
        ORDER | {"account": "", "amount": "5"}, ORDER | {"account": "", "customer": ""},
        ORDER | {"account": "", "placed_at": "(empty)"}, ORDER,
    ]  # fmt: skip
    assert errors(load(as_csv(rows), what="orders")) == {
        1: "An amount needs a currency: EUR, GBP, USD.",
        2: "Customer is missing.",
        3: "Placed cannot be emptied.",
        4: "There is no account A-1 in crm. Import it first, or look at the id.",
    }


def test_a_product_belongs_to_its_customer_and_its_order(known):
    ann = known("17")
    order = factories.OrderFactory(customer=ann, source="crm", external_id="O-1")
    row = {"id": "S-1", "customer": "17", "order": "O-1", "name": "Rail pass", "serial": "7", "until_on": "2026-12-31"}
    assert counts(load(as_csv([row]), what="products")) == (1, 0, 0, 0)
    product = Product.objects.get()
    assert (product.customer, product.order, product.name, product.until_on) == (
        ann,
        order,
        "Rail pass",
        date(2026, 12, 31),
    )
    assert errors(load(as_csv([row | {"order": "O-9"}]), what="products"))[1].startswith("There is no order O-9")


# --- consents


def test_a_consent_is_recorded_with_how_we_know(known, lead):
    ann = known("17")
    run = load(
        "customer,purpose,state,how\n17,Surveys,yes,Ticked the box\n17,marketing,unsubscribed,\n", what="consents"
    )
    assert counts(run) == (2, 0, 0, 0)
    assert dict(Consent.objects.values_list("purpose", "state")) == {"survey": "given", "marketing": "refused"}
    assert list(ann.consent_changes.order_by("pk").values_list("how", flat=True)) == [
        "Ticked the box (Import crm.csv, row 1)", "Import crm.csv, row 2",
    ]  # fmt: skip


def test_a_yes_without_how_we_know_is_refused(known):
    known("17")
    run = load("customer,purpose,state,how\n17,survey,given,\n", what="consents")
    assert errors(run) == {1: "Say how we know that they agreed: what they said, signed or ticked, and when."}


def test_do_not_contact_is_set_by_an_import_and_never_lifted(known):
    ann = known("17", name="Ann")
    said = ("any,forbidden,Letter", "any,given,x", "survey,given,x", "survey,forbidden,x")
    run = load("\n".join(["customer,purpose,state,how", *(f"17,{row}" for row in said)]), what="consents")
    ann.refresh_from_db()
    assert ann.do_not_contact_at is not None
    assert counts(run) == (1, 0, 0, 3)
    assert "never by an import" in errors(run)[2]
    assert errors(run)[3].startswith(
        "Ann asked not to be contacted under any circumstances. An import cannot change that"
    )
    assert errors(run)[4] == "“forbidden” is said of any contact; for one purpose write “refused”."


def test_a_no_is_not_turned_into_a_yes(known, lead):
    ann = known("17", name="Ann")
    consent.record(customer=ann, purpose="survey", state="refused", how="On the phone", by=lead)
    run = load("customer,purpose,state,how\n17,survey,given,Old list\n", what="consents")
    assert "An import does not turn a no into a yes" in errors(run)[1]
    assert Consent.objects.get().state == "refused"


# --- columns


def test_columns_of_common_exports_are_known_by_their_names():
    hubspot = "Record ID,First Name,Last Name,Email,Phone Number,Mobile Phone,Twitter Username,Lifecycle Stage"
    assert mapping.guess("customers", hubspot.split(",")) == {
        "id": ["Record ID"], "given_name": ["First Name"], "family_name": ["Last Name"], "email": ["Email"],
        "phone": ["Phone Number", "Mobile Phone"], "handle:twitter": ["Twitter Username"],
    }  # fmt: skip
    salesforce = "ContactId,FirstName,LastName,E-Mail,MailingCountryCode,MailingCity,Birthdate,Title"
    assert mapping.guess("customers", salesforce.split(",")) == {
        "id": ["ContactId"], "given_name": ["FirstName"], "family_name": ["LastName"], "email": ["E-Mail"],
        "country": ["MailingCountryCode"], "city": ["MailingCity"], "born_on": ["Birthdate"],
    }  # fmt: skip
    shop = "Name,Id,Email,Financial Status,Currency,Total,Created at,Lineitem name,Customer ID"
    assert mapping.guess("orders", shop.split(",")) == {
        "number": ["Name"], "id": ["Id"], "state": ["Financial Status"], "currency": ["Currency"], "amount": ["Total"],
        "placed_at": ["Created at"], "what": ["Lineitem name"], "customer": ["Customer ID"],
    }  # fmt: skip


@pytest.mark.parametrize("what", FIELDS)
def test_a_file_with_our_own_names_needs_no_hand(what):
    names = [field.name for field in FIELDS[what]]
    assert mapping.guess(what, names) == {name: [name] for name in names}
    assert mapping.guess(what, [str(field.label) for field in FIELDS[what]]).keys() == set(names)


def test_several_columns_may_hold_addresses_and_a_network_its_own():
    load(
        "id,name,Mobile,Phone 2,Instagram,X handle\n1,Ann,+44 113 496 0123,+44 113 496 0124; ,ann.m,annie\n",
        phone="Mobile",
    )
    run = bring("id,name,a,b,ig\n1,Ann,+44 113 496 0125,+44 113 496 0126,ann.i\n")
    named = {"id": ["id"], "name": ["name"], "phone": ["a", "b"], "handle:instagram": ["ig"]}
    bringing.name_columns(run=run, columns=named, by=run.by)
    start(check(run))
    ann = Customer.objects.get()
    assert sorted(ann.links.filter(identity__kind="phone").values_list("identity__value", flat=True)) == [
        "+441134960123", "+441134960125", "+441134960126",
    ]  # fmt: skip
    handles = ann.links.filter(identity__kind="handle").values_list("identity__place", "identity__value")
    assert set(handles) == {("instagram", "ann.m"), ("instagram", "ann.i"), ("twitter", "annie")}


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"name": ["name"]}, "Say which column holds this: Customer id."),
        ({"id": ["id"]}, "there is nothing to import"),
        ({"id": ["id"], "name": ["nom"]}, "The file has no column “nom”. It has: id, name."),
        ({"id": ["id"], "size": ["name"]}, "There is no field “size” here."),
        ({"id": ["id", "name"]}, "Two columns are said to hold “Customer id”"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(columns, sentence):
    run = bring("id,name\n1,Ann\n")
    with pytest.raises(Exception, match=sentence):
        bringing.name_columns(run=run, columns=columns, by=run.by)


# --- JSON Lines


def test_json_lines_hold_lists_numbers_and_nothing(known):
    rows = [
        {"id": 17, "name": "Ann", "email": ["a@example.com", "b@example.com"], "phone": None, "country": "GB"},
        {"id": "18", "name": "Bob", "email": "c@example.com; d@example.com"},
        {"id": 19, "name": {"first": "Carl"}},
        {"id": 20, "email": []},
    ]
    run = load(as_json_lines(rows), name="crm.jsonl")
    assert counts(run) == (3, 0, 0, 1)
    assert Identity.objects.filter(kind="email").count() == 4
    assert errors(run)[3] == "Name: One value is wanted, not a list or an object."


# --- one record at a time, as the API saves it


def test_one_record_is_saved_and_again_and_says_what_came_of_it(agent):
    record = {"id": "17", "name": "Ann", "email": ["ann@example.com"], "born_on": date(1984, 2, 29)}
    saved = records.save_customer(source="shop", record=record, by=agent, origin="API: Shop")
    assert (saved.outcome, saved.object.name, saved.parked) == ("made", "Ann", ())
    assert saved.object.links.get(identity__kind="email").evidence == "API: Shop"
    assert records.save_customer(source="shop", record=record, by=agent).outcome == "same"
    changed = records.save_customer(source="shop", record={"id": "17", "city": "York"}, by=agent)
    assert (changed.outcome, changed.object.city) == ("changed", "York")
    assert not ImportChange.objects.exists()
    other = records.save_customer(source="shop", record=record | {"id": "18"}, by=agent)
    assert [link.state for link in other.parked] == ["proposed"]


def test_a_record_that_cannot_be_is_refused_by_field(agent):
    with pytest.raises(CannotSave) as refusal:
        records.save_customer(source="shop", record={"id": "", "name": "Ann", "country": "xyz"}, by=agent)
    assert refusal.value.problems == {
        "id": "Customer id is missing.", "country": "Country: “xyz” is not a country in two letters: GB, DE, US.",
    }  # fmt: skip
    with pytest.raises(CannotSave) as refusal:
        records.save_order(source="shop", record={"id": "1"}, by=agent)
    assert set(refusal.value.problems) == {"customer", "number"}


# --- the run


@pytest.fixture
def at_once(django_capture_on_commit_callbacks):
    """What is to happen after the commit happens at the end of the block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_a_check_says_what_would_come_of_it_and_writes_nothing(known, nudges):
    known("2", name="Bob")
    before = {model: list(model.objects.order_by("pk").values()) for model in (*COLUMNS, Activity)}
    run = check(bring("id,name,email,country\n1,Ann,a@example.com,\n2,Bobby,,\n3,Carl,,nowhere\n2,,a@example.com,\n"))
    assert (run.state, counts(run), run.parked, run.rows) == ("checked", (1, 2, 0, 1), 1, 4)
    assert list(errors(run)) == [3]
    brought = Activity.objects.filter(subject_kind="crm.import")
    assert {model: list(model.objects.order_by("pk").values()) for model in COLUMNS} == {
        model: rows for model, rows in before.items() if model is not Activity
    }
    assert Activity.objects.count() == len(before[Activity]) + brought.count()
    assert not ImportChange.objects.exists()


def test_a_run_that_was_checked_does_what_the_check_said(known):
    known("2", name="Bob")
    run = check(bring("id,name,email\n1,Ann,a@example.com\n2,Bobby,\n2,Bobby,\n3,Carl,no\n"))
    foretold = counts(run), errors(run)
    start(run)
    assert (run.state, (counts(run), errors(run))) == ("done", foretold)


def test_what_is_done_is_in_the_log_and_the_file_is_gone(lead, files, at_once):
    run = check(bring("id,name\n1,Ann\n", by=lead))
    assert len(list(files.rglob("import*"))) >= 1
    with at_once():
        start(run)
    assert [line.verb for line in Activity.objects.about(run).order_by("id")] == ["brought", "started", "imported"]
    line = Activity.objects.about(Customer.objects.get()).get()
    assert (line.verb, line.by, line.detail) == ("imported", lead, "Import crm.csv, row 1")
    run.refresh_from_db()
    assert not run.file
    assert not [path for path in files.rglob("*") if path.is_file()]


def test_the_work_stops_after_a_while_and_goes_on_where_it_stood(monkeypatch, nudges, at_once):
    monkeypatch.setattr(running, "BATCH", 2)
    monkeypatch.setattr(running, "SLICE", -1.0)
    run = bring("".join(["id,name\n", *(f"{n},Number {n}\n" for n in range(5))]))
    Import.objects.filter(pk=run.pk).update(state="checked")
    running.start(run=run, by=run.by)
    for done in (2, 4, 5):
        with at_once():
            running.work(run.pk)
        run.refresh_from_db()
        assert (run.done, Customer.objects.count()) == (done, done)
        assert nudges.pop() == (running.WORK, run.pk)
    running.work(run.pk)
    run.refresh_from_db()
    assert (run.state, counts(run)) == ("done", (5, 0, 0, 0))


def test_of_two_processes_at_one_import_the_one_that_is_behind_stops(monkeypatch):
    monkeypatch.setattr(running, "BATCH", 2)
    run = bring("".join(["id,name\n", *(f"{n},Number {n}\n" for n in range(6))]))
    Import.objects.filter(pk=run.pk).update(state="running", started_at=timezone.now())
    ahead, behind = Import.objects.get(pk=run.pk), Import.objects.get(pk=run.pk)
    assert running.work_off(ahead, seconds=-1)
    assert not running.work_off(behind)
    assert Customer.objects.count() == 2
    assert not running.work_off(ahead)
    assert Customer.objects.count() == 6


def test_what_breaks_an_import_off_is_said_and_it_can_go_on(monkeypatch, files):
    run = check(bring("id,name\n1,Ann\n2,Bob\n"))
    monkeypatch.setattr(running.records, "save_rows", lambda **_: 1 / 0)
    start(run)
    assert (run.state, run.trouble) == ("broken", "Something went wrong inside Hark (ZeroDivisionError).")
    monkeypatch.undo()
    running.go_on(run=run, by=run.by)
    running.work(run.pk)
    run.refresh_from_db()
    assert (run.state, counts(run), run.trouble) == ("done", (2, 0, 0, 0), "")


@pytest.mark.parametrize("deed", [running.start, running.go_on])
def test_nothing_is_imported_while_somebody_is_being_erased(deed):
    run = check(bring("id,name\n1,Ann\n"))
    Import.objects.filter(pk=run.pk).update(state="broken" if deed is running.go_on else "checked")
    asked = factories.PrivacyRequestFactory(kind="erasure", state="running")
    with pytest.raises(running.ErasureUnderWay):
        deed(run=run, by=run.by)
    asked.state, asked.finished_at = "done", timezone.now()
    asked.save()
    assert deed(run=run, by=run.by).is_under_way


def test_a_file_that_is_gone_is_told(files):
    run = check(bring("id,name\n1,Ann\n"))
    run.file.storage.delete(run.file.name)
    with pytest.raises(bringing.FileGone):
        running.start(run=run, by=run.by)


def test_nothing_is_run_that_was_not_checked_and_nothing_twice():
    run = bring("id,name\n1,Ann\n")
    with pytest.raises(running.NotNow, match="Columns to be named"):
        running.start(run=run, by=run.by)
    start(check(run))
    for deed in (running.start, running.check, running.go_on):
        with pytest.raises(running.NotNow, match="Done"):
            deed(run=run, by=run.by)
    with pytest.raises(bringing.NoLongerOpen):
        bringing.name_columns(run=run, columns=run.columns, by=run.by)


def test_the_sweep_finds_what_is_under_way_and_lets_files_of_done_imports_go(nudges, files, at_once):
    done, lost = bring("id,name\n1,Ann\n"), bring("id,name\n1,Ann\n")
    Import.objects.filter(pk=done.pk).update(state="done")
    Import.objects.filter(pk=lost.pk).update(state="running")
    with at_once():
        running.sweep()
    assert nudges == [(running.WORK, lost.pk)]
    assert not Import.objects.get(pk=done.pk).file
    assert Import.objects.get(pk=lost.pk).file


def test_a_file_that_is_too_large_is_refused_with_a_sentence(monkeypatch, files):
    monkeypatch.setattr(bringing, "MOST_BYTES", 10)
    with pytest.raises(bringing.TooLarge, match="is the most Hark takes at once"):
        bring("id,name\n1,Ann\n")
    assert not list(files.iterdir())


def test_a_file_that_cannot_be_read_is_not_kept(files):
    for data in (b"PK\x03\x04", b"", b"id,name\n"):
        with pytest.raises(Exception, match=r"\."):
            bring(data)
    assert not [path for path in files.rglob("*") if path.is_file()]
    assert not Import.objects.exists()


def test_the_number_of_queries_does_not_grow_with_the_rows():
    def queries(rows):
        text = as_csv([{"id": f"{rows}-{n}", "name": "Ann", "email": f"{rows}.{n}@example.com"} for n in range(rows)])
        run = bring(text)
        Import.objects.filter(pk=run.pk).update(state="checked")
        with CaptureQueriesContext(connection) as found:
            start(run)
        assert counts(run) == (rows, 0, 0, 0)
        return len(found)

    assert queries(1) == queries(20)


def test_a_refused_cell_that_is_huge_is_kept_in_part():
    run = load(json.dumps({"id": "1", "name": "Ann", "about": "x" * 100_000}), name="crm.jsonl")
    assert errors(run)[1].endswith("is longer than 20000 characters.")
    assert len(run.errors.get().cells[2]) == running.LONGEST_CELL + 1
