"""The page on which an administrator lets exact evidence decide by itself."""

from __future__ import annotations

import pytest

from crm.matching import proposals, rules
from crm.models import Activity, Identity, IdentityLink, MatchRule
from tests.factories import CustomerFactory, IdentityFactory, IdentityLinkFactory, UserFactory

pytestmark = pytest.mark.django_db
URL = "/settings/matching/"
EMAIL = MatchRule.Evidence.SAME_VERIFIED_EMAIL


@pytest.fixture
def ada():
    return UserFactory(username="ada", first_name="Ada", last_name="Moreau", role="admin")


@pytest.fixture
def client_of(client, ada):
    client.force_login(ada)
    return client


def press(client, evidence, on):
    return client.post(URL, {"evidence": evidence, "on": on}, follow=True)


def test_all_are_off_until_somebody_turns_one_on(client_of):
    page = client_of.get(URL).content.decode()
    assert page.count(">Switch on</button>") == len(MatchRule.Evidence)
    assert not MatchRule.objects.exists()


def test_one_is_turned_on_and_off_and_the_log_says_by_whom(client_of, ada):
    page = press(client_of, EMAIL, 1).content.decode()
    assert MatchRule.objects.get().enabled_by == ada
    assert "Switched on: Same verified e-mail address" in page
    assert "Ada Moreau" in page
    assert page.count(">Switch off</button>") == 1
    press(client_of, EMAIL, 0)
    rule = MatchRule.objects.get()
    assert (rule.enabled_at, rule.enabled_by) == (None, None)
    told = Activity.objects.about(rule).order_by("pk").values_list("verb", "by__username")
    assert list(told) == [("switched on", "ada"), ("switched off", "ada")]


def test_what_was_turned_on_decides_by_itself(client_of):
    maria, stranger = CustomerFactory(name="Maria", known_at="2026-01-02T03:04Z"), CustomerFactory(name="m@x.example")
    address = IdentityFactory(kind="email", place="", value="m@x.example", verified_at="2026-01-02T03:04Z")
    IdentityLinkFactory(identity=address, customer=stranger, method="first_contact")
    IdentityLinkFactory(identity=address, customer=maria, method="import", state="proposed", score=1.0)
    press(client_of, EMAIL, 1)
    Identity.objects.update(matched_at=None)
    while proposals.propose_for_new():
        pass
    assert IdentityLink.objects.confirmed().get(identity=address).customer == maria


def test_two_who_press_at_once_are_told(ada):
    rules.switch(evidence=EMAIL, on=True, by=ada)
    with pytest.raises(rules.SwitchedAlready, match="Somebody else has just switched this rule"):
        rules.switch(evidence=EMAIL, on=True, by=ada)


@pytest.mark.parametrize(
    "said", [{"evidence": "a_feeling", "on": 1}, {"evidence": EMAIL}, {"evidence": EMAIL, "on": 2}]
)
def test_what_is_no_rule_switches_nothing(client_of, said):
    response = client_of.post(URL, said)
    assert response.status_code == 422
    assert "Nothing was switched." in response.content.decode()
    assert not MatchRule.objects.exists()


def test_it_asks_the_database_as_much_for_all_as_for_none(client_of, ada, django_assert_num_queries):
    with django_assert_num_queries(3):
        client_of.get(URL)
    for evidence in MatchRule.Evidence:
        rules.switch(evidence=evidence, on=True, by=ada)
    with django_assert_num_queries(3):
        client_of.get(URL)
