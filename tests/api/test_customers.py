"""Customers by API: read, kept in step by outside id, 410 for who is no more."""

from __future__ import annotations

import pytest
from django.utils import timezone

from crm.models import Activity, Customer, IdentityLink, Scope, WebhookEvent
from crm.webhooks import telling
from tests import factories
from tests.api.test_signing_in import code_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db):
    ann = factories.CustomerFactory(name="Ann Mercer", tier="key", known_at=timezone.now())
    factories.IdentityFactory(customer=ann, value="annie_m", handle="Annie_M", reach=120)
    return ann


def names(answer):
    return [each["name"] for each in answer.json()["items"]]


# --- reading


def test_a_customer_says_what_they_go_by(shop, ann):
    answer = shop.get(f"/customers/{ann.pk}")
    assert answer.status_code == 200
    said = answer.json()
    assert (said["id"], said["name"], said["tier"]) == (ann.pk, "Ann Mercer", "key")
    assert [(i["kind"], i["place"], i["value"], i["written"], i["reach"]) for i in said["identities"]] == [
        ("handle", "chirp", "annie_m", "Annie_M", 120)
    ]


def test_what_was_proposed_or_rejected_is_no_identity_of_theirs(shop, ann):
    for state in ("proposed", "rejected", "withdrawn"):
        factories.IdentityLinkFactory(customer=ann, state=state)
    assert len(shop.get(f"/customers/{ann.pk}").json()["identities"]) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"email": " ANN@example.com"}, ["Ann Mercer"]),
        ({"email": "ben@example.com"}, []),
        ({"phone": "+44 (113) 496-0123"}, ["Ann Mercer"]),
        ({"handle": "@ANNIE_M", "place": "chirp"}, ["Ann Mercer"]),
        ({"handle": "annie_m", "place": "elsewhere"}, []),
        ({"handle": "annie_m"}, []),
        ({"external_id": "C-1"}, ["Ann Mercer"]),
        ({"external_id": "C-1", "source": "crm"}, []),
        ({"external_id": "7", "source": "crm"}, ["Ben Okafor"]),
        ({"tier": "key"}, ["Ann Mercer"]),
        ({"q": "merc"}, ["Ann Mercer"]),
        ({"q": "@annie"}, ["Ann Mercer"]),
        ({"q": "merc", "tier": "standard"}, []),
        ({}, ["Ann Mercer", "Ben Okafor"]),
    ],
)
def test_a_list_can_be_narrowed(shop, ann, query, found):
    ben = factories.CustomerFactory(name="Ben Okafor")
    factories.IdentityFactory(kind="email", place="", value="ann@example.com", customer=ann)
    factories.IdentityFactory(kind="phone", place="", value="+441134960123", customer=ann)
    factories.IdentityFactory(kind="external", place="shop", value="C-1", customer=ann)
    factories.IdentityFactory(kind="external", place="crm", value="7", customer=ben)
    assert names(shop.get("/customers", **query)) == found


@pytest.mark.parametrize(("name", "text"), [("email", "nonsense"), ("phone", "12")])
def test_an_address_that_is_none_is_said_so(shop, name, text):
    answer = shop.get("/customers", **{name: text})
    assert (answer.status_code, code_of(answer)) == (422, "refused")
    assert text in answer.json()["detail"]


def test_a_merged_record_leads_to_who_stands_for_it_now(shop, ann):
    heir, last = factories.CustomerFactory(), factories.CustomerFactory()
    Customer.objects.filter(pk=ann.pk).update(merged_into=heir)
    Customer.objects.filter(pk=heir.pk).update(merged_into=last)
    answer = shop.get(f"/customers/{ann.pk}")
    assert (answer.status_code, code_of(answer)) == (410, "merged")
    said = answer.json()
    assert (said["survivor"], said["survivor_url"]) == (last.pk, f"/api/v1/customers/{last.pk}")
    assert shop.client.get(said["survivor_url"], headers=shop.headers).status_code == 200
    assert names(shop.get("/customers")) == [last.name]


def test_an_erased_record_leads_nowhere(shop, ann):
    Customer.objects.filter(pk=ann.pk).update(erased_at=timezone.now(), name="")
    answer = shop.get(f"/customers/{ann.pk}")
    assert (answer.status_code, code_of(answer)) == (410, "erased")
    assert "survivor" not in answer.json()
    assert names(shop.get("/customers")) == []


def test_a_record_that_was_merged_or_erased_is_not_written_to_either(shop, ann):
    heir = factories.CustomerFactory()
    Customer.objects.filter(pk=ann.pk).update(merged_into=heir)
    how = {"how": "She said so"}
    asked = [
        shop.patch(f"/customers/{ann.pk}", {"city": "Leeds"}),
        shop.post(f"/customers/{ann.pk}/identities", {"kind": "email", "value": "ann@example.com"}),
        shop.post(f"/customers/{ann.pk}/consents", {"purpose": "survey", "state": "given", **how}),
        shop.post(f"/customers/{ann.pk}/do-not-contact", how),
        shop.get(f"/customers/{ann.pk}/identities"),
        shop.get(f"/customers/{ann.pk}/consents"),
        shop.get("/messages", customer=ann.pk),
    ]
    assert [(answer.status_code, answer.json()["survivor"]) for answer in asked] == [(410, heir.pk)] * 7


# --- writing


def test_a_record_is_made_once_however_often_it_is_sent(shop):
    ann = {
        "external_id": "C-1", "name": "Ann Mercer", "emails": ["Ann@Example.com"], "phones": ["+44 113 496 0123"],
        "handles": [{"place": "twitter", "handle": "@Annie_M"}], "country": "GB", "born_on": "1984-02-29",
        "tier": "key", "time_zone": "Europe/London", "language": "en",
    }  # fmt: skip
    first, again = shop.post("/customers", ann), shop.post("/customers", ann)
    assert (first.status_code, first.json()["outcome"]) == (201, "made")
    assert (again.status_code, again.json()["outcome"]) == (200, "same")
    record = first.json()["record"]
    assert again.json()["record"] == record
    assert {(i["kind"], i["place"], i["value"]) for i in record["identities"]} == {
        ("external", "shop", "C-1"), ("email", "", "ann@example.com"), ("phone", "", "+441134960123"),
        ("handle", "twitter", "annie_m"),
    }  # fmt: skip
    made = Customer.objects.get()
    assert (made.name, made.tier, str(made.born_on), made.known_at is not None) == (
        "Ann Mercer", "key", "1984-02-29", True,
    )  # fmt: skip


def test_what_is_left_out_stays_and_what_is_null_is_emptied(shop):
    shop.post("/customers", {"external_id": "C-1", "name": "Ann Mercer", "city": "Leeds", "country": "GB"})
    changed = shop.post("/customers", {"external_id": "C-1", "city": None, "language": "en"})
    record = changed.json()["record"]
    assert changed.json()["outcome"] == "changed"
    assert [record[name] for name in ("name", "city", "country", "language")] == ["Ann Mercer", "", "GB", "en"]


def test_two_systems_have_ids_of_their_own(calling):
    for source in ("shop", "crm"):
        assert calling(source=source).post("/customers", {"external_id": "1", "name": source}).status_code == 201
    assert Customer.objects.count() == 2


def test_a_token_without_a_system_has_no_outside_ids(calling):
    answer = calling(source="").post("/customers", {"external_id": "C-1", "name": "Ann"})
    assert (answer.status_code, code_of(answer)) == (409, "no-system")


def test_an_address_of_somebody_else_is_not_taken_from_them(shop, ann):
    factories.IdentityFactory(kind="email", place="", value="ann@example.com", customer=ann)
    answer = shop.post("/customers", {"external_id": "C-2", "name": "Eve", "emails": ["ann@example.com"]})
    said = answer.json()
    assert answer.status_code == 201
    assert [link["identity"]["value"] for link in said["waiting"]] == ["ann@example.com"]
    assert [i["kind"] for i in said["record"]["identities"]] == ["external"]
    assert IdentityLink.objects.proposed().get().customer_id == said["record"]["id"]


def test_a_record_is_changed_by_our_number(shop, ann):
    answer = shop.patch(f"/customers/{ann.pk}", {"city": "Leeds", "tier": None})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "changed")
    ann.refresh_from_db()
    assert (ann.city, ann.tier, ann.name) == ("Leeds", "standard", "Ann Mercer")
    assert shop.patch(f"/customers/{ann.pk}", {"city": "Leeds"}).json()["outcome"] == "same"
    assert shop.patch(f"/customers/{ann.pk}", {}).json()["outcome"] == "same"


def test_a_change_needs_no_system_of_its_own(calling, ann):
    assert calling(source="").patch(f"/customers/{ann.pk}", {"city": "Leeds"}).status_code == 200


def test_what_an_api_changes_stands_in_the_log_with_its_name(shop, ann):
    shop.patch(f"/customers/{ann.pk}", {"city": "Leeds"})
    line = Activity.objects.about(ann).get(verb="changed")
    assert line.by == shop.token.user
    assert f"API: {shop.token.name}" in line.detail


def test_what_is_written_is_told_to_webhooks(shop, ann, django_capture_on_commit_callbacks):
    factories.WebhookFactory(events=["customer.created", "customer.changed"])
    with django_capture_on_commit_callbacks(execute=True):
        telling.listeners_changed()
    shop.post("/customers", {"external_id": "C-9", "name": "Nia"})
    shop.patch(f"/customers/{ann.pk}", {"city": "Leeds"})
    shop.patch(f"/customers/{ann.pk}", {"city": "Leeds"})
    told = WebhookEvent.objects.order_by("id")
    assert [(event.type, event.data["name"]) for event in told] == [
        ("customer.created", "Nia"), ("customer.changed", "Ann Mercer"),
    ]  # fmt: skip
    assert told[1].data == shop.get(f"/customers/{ann.pk}").json()


@pytest.mark.parametrize("role", ["executive", "sales"])
def test_who_only_reads_customers_cannot_write_them_by_token(calling, ann, role):
    token = calling(role, Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE)
    assert token.get(f"/customers/{ann.pk}").status_code == 200
    assert token.patch(f"/customers/{ann.pk}", {"city": "Leeds"}).status_code == 403
