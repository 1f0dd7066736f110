"""Consents by API: per purpose with how we know, and the absolute no, which only a person can lift."""

from __future__ import annotations

import pytest

from crm import consent
from crm.models import Purpose
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db):
    return factories.CustomerFactory(name="Ann Mercer")


def record(caller, ann, state, purpose="survey", how="Ticked the box"):
    body = {"purpose": purpose, "state": state, "how": how}
    return caller.post(f"/customers/{ann.pk}/consents", body)


def test_a_consent_is_recorded_with_how_we_know(shop, ann):
    answer = record(shop, ann, "refused")
    assert answer.status_code == 200
    said = answer.json()
    assert [(c["purpose"], c["state"]) for c in said["consents"]] == [("survey", "refused")]
    (change,) = said["history"]
    assert (change["purpose"], change["to"], change["how"]) == (
        "survey", "refused", f"Ticked the box (API: {shop.token.name})",
    )  # fmt: skip
    assert ann.consent_changes.get().by == shop.token.user
    assert not consent.may_contact(ann, Purpose.SURVEY)


def test_what_holds_already_is_no_change(shop, ann):
    record(shop, ann, "given")
    assert len(record(shop, ann, "given").json()["history"]) == 1


def test_what_is_no_longer_known_is_cleared(shop, ann):
    record(shop, ann, "given")
    said = record(shop, ann, None).json()
    assert said["consents"] == []
    assert [change["to"] for change in said["history"]] == ["cleared", "given"]


def test_never_contact_again_is_set_once_and_never_lifted_from_here(shop, ann):
    for _ in range(2):
        answer = shop.post(f"/customers/{ann.pk}/do-not-contact", {"how": "She wrote so"})
        assert answer.status_code == 200
    said = answer.json()
    assert said["do_not_contact_since"]
    assert [(change["purpose"], change["to"]) for change in said["history"]] == [(None, "set")]
    ann.refresh_from_db()
    assert not consent.may_contact(ann, Purpose.CARE_REPLY)
    assert shop.client.delete(f"/api/v1/customers/{ann.pk}/do-not-contact", headers=shop.headers).status_code == 405
    assert shop.get(f"/customers/{ann.pk}").json()["do_not_contact_since"]


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"purpose": "survey"}, {"purpose": "survey", "state": "given"}, {"state": "given", "how": "x"}),
        *({"purpose": "all", "state": "given", "how": "x"}, {"purpose": "survey", "state": "perhaps", "how": "x"}),
        *(
            {"purpose": "survey", "state": "given", "how": " "},
            {"purpose": "survey", "state": "given", "how": "x" * 251},
        ),
    ],
)
def test_a_consent_nobody_can_account_for_is_refused(shop, ann, body):
    assert shop.post(f"/customers/{ann.pk}/consents", body).status_code == 422
    assert not ann.consent_changes.exists()


def test_the_history_shows_the_newest_fifty(shop, ann):
    for number in range(52):
        record(shop, ann, ("given", "refused")[number % 2], how=f"call {number}")
    history = shop.get(f"/customers/{ann.pk}/consents").json()["history"]
    assert len(history) == 50
    assert history[0]["how"].startswith("call 51")
