"""What customers go by, by API: claimed with evidence, parked where two claim one, taken back with a reason."""

from __future__ import annotations

import pytest
from django.utils import timezone

from crm.models import IdentityLink
from tests import factories
from tests.api.test_signing_in import code_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db):
    ann = factories.CustomerFactory(name="Ann Mercer", known_at=timezone.now(), country="GB")
    factories.IdentityFactory(customer=ann, handle="Annie_M")
    return ann


CLAIMS = [
    ({"kind": "email", "value": "Ann@Example.com"}, ("email", "", "ann@example.com")),
    ({"kind": "phone", "value": "0113 496 0123"}, ("phone", "", "+441134960123")),
    ({"kind": "phone", "value": "030 1234567", "country": "DE"}, ("phone", "", "+49301234567")),
    ({"kind": "handle", "place": "twitter", "value": "@Ann_M"}, ("handle", "twitter", "ann_m")),
    ({"kind": "external", "place": "crm", "value": "A-7"}, ("external", "crm", "A-7")),
]


@pytest.mark.parametrize(("claim", "key"), CLAIMS)
def test_an_identity_nobody_has_is_theirs(shop, ann, claim, key):
    answer = shop.post(f"/customers/{ann.pk}/identities", claim | {"evidence": "She signed with it."})
    link = answer.json()
    assert (answer.status_code, link["state"], link["method"]) == (201, "confirmed", "import")
    assert tuple(link["identity"][name] for name in ("kind", "place", "value")) == key
    assert "She signed with it." in link["evidence"]
    assert shop.token.name in link["evidence"]
    again = shop.post(f"/customers/{ann.pk}/identities", claim)
    assert (again.status_code, again.json()["id"]) == (200, link["id"])


def test_what_only_a_provisional_record_has_is_joined_to_them(shop, ann):
    stray = factories.CustomerFactory(name="annie_2")
    factories.IdentityFactory(customer=stray, value="annie_2", place="twitter")
    answer = shop.post(f"/customers/{ann.pk}/identities", {"kind": "handle", "place": "twitter", "value": "annie_2"})
    assert (answer.status_code, answer.json()["customer"]) == (201, ann.pk)
    assert shop.get(f"/customers/{stray.pk}").json()["survivor"] == ann.pk


def test_what_somebody_else_we_know_has_waits_for_a_person(shop, ann):
    ben = factories.CustomerFactory(known_at=timezone.now())
    factories.IdentityFactory(kind="email", place="", value="us@example.com", customer=ben)
    answer = shop.post(f"/customers/{ann.pk}/identities", {"kind": "email", "value": "us@example.com"})
    assert (answer.status_code, answer.json()["state"]) == (202, "proposed")
    assert IdentityLink.objects.conflicts().count() == 1


def test_what_a_person_rejected_stays_rejected(shop, ann):
    identity = factories.IdentityFactory(kind="email", place="", value="us@example.com")
    factories.IdentityLinkFactory(identity=identity, customer=ann, state="rejected", score=0.5)
    answer = shop.post(f"/customers/{ann.pk}/identities", {"kind": "email", "value": "us@example.com"})
    assert (answer.status_code, answer.json()["state"]) == (200, "rejected")


@pytest.mark.parametrize(
    "claim",
    [
        *({}, {"kind": "email"}, {"kind": "fax", "value": "1"}, {"kind": "handle", "value": "x"}),
        *({"kind": "email", "value": "nonsense"}, {"kind": "phone", "value": "12"}, {"kind": "email", "value": 1}),
        *({"kind": "email", "value": "a@example.com", "place": "x"}, {"kind": "handle", "place": "x y", "value": "z"}),
    ],
)
def test_what_is_no_identity_is_refused(shop, ann, claim):
    assert shop.post(f"/customers/{ann.pk}/identities", claim).status_code == 422
    assert ann.links.count() == 1


def test_every_link_is_listed_with_its_state(shop, ann):
    proposed = factories.IdentityLinkFactory(customer=ann, state="proposed", score=0.8)
    listed = shop.get(f"/customers/{ann.pk}/identities").json()["items"]
    assert [(link["state"], link["score"]) for link in listed] == [("confirmed", None), ("proposed", 0.8)]
    narrowed = shop.get(f"/customers/{ann.pk}/identities", state="proposed").json()["items"]
    assert [link["id"] for link in narrowed] == [proposed.pk]


def test_a_link_is_taken_back_with_a_reason(shop, ann):
    made = shop.post(f"/customers/{ann.pk}/identities", {"kind": "email", "value": "ann@example.com"}).json()
    path = f"/customers/{ann.pk}/identities/{made['id']}/withdraw"
    assert shop.post(path, {}).status_code == 422
    answer = shop.post(path, {"why": "It is her sister's."})
    assert (answer.status_code, answer.json()["id"], answer.json()["state"]) == (200, made["id"], "withdrawn")
    again = shop.post(path, {"why": "It is her sister's."})
    assert (again.status_code, code_of(again)) == (422, "refused")
    assert "ann@example.com" not in str(shop.get(f"/customers/{ann.pk}").json()["identities"])


def test_a_link_of_another_customer_is_not_found(shop, ann):
    other = factories.IdentityLinkFactory()
    answer = shop.post(f"/customers/{ann.pk}/identities/{other.pk}/withdraw", {"why": "x"})
    assert answer.status_code == 404
