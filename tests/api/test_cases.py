"""Cases and messages by API: read, by whoever may see them."""

from __future__ import annotations

import pytest

from cases.models import Case
from channels_app.learning.correcting import correct
from crm.models import Scope
from tests import factories

pytestmark = pytest.mark.django_db

READ = ("intent", "topic", "urgency")


def ids(answer):
    return [each["id"] for each in answer.json()["items"]]


@pytest.fixture
def said(case):
    """Three messages of one case, stored in another order than they were said."""
    first = case.entries.get().message
    later = [
        factories.MessageFactory(thread=case.thread, identity=case.identity, text=text, occurred_at=first.occurred_at)
        for text in ("and again", "hello?")
    ]
    for message in later:
        case.entries.create(message=message)
    return [first, *later]


def test_a_case_names_what_was_said_in_it(shop, case, said):
    answer = shop.get(f"/cases/{case.pk}")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["customer"], found["channel"], found["team"], found["state"], found["priority"]) == (
        case.customer_id, "skylark", "Travel care", "new", "normal",
    )  # fmt: skip
    assert found["messages"] == [message.pk for message in said]


def test_a_resolved_case_says_why_and_by_whom(shop, case, agent, cause):
    factories.resolved(case, agent, cause)
    found = shop.get(f"/cases/{case.pk}").json()
    assert (found["state"], found["cause"], found["resolved_by"], found["owner"]) == ("resolved", "Delay", "ana", "ana")


def test_an_agents_token_sees_the_cases_the_agent_sees(calling, case, agent, stranger):
    theirs = factories.CaseFactory()
    assert ids(calling(user=agent).get("/cases")) == [case.pk]
    assert calling(user=agent).get(f"/cases/{theirs.pk}").status_code == 404
    assert ids(calling(user=stranger).get("/cases")) == []
    assert ids(calling("lead").get("/cases")) == [case.pk, theirs.pk]


@pytest.mark.parametrize("role", ["executive", "sales", "support"])
def test_who_sees_no_case_sees_none_by_token(calling, case, role):
    assert calling(role, Scope.CASES_READ).get("/cases").status_code == 403


def test_cases_can_be_narrowed(shop, case, agent):
    other = factories.CaseFactory(owner=agent, state="open")
    assert ids(shop.get("/cases", customer=case.customer_id)) == [case.pk]
    assert ids(shop.get("/cases", state="open")) == [other.pk]
    assert ids(shop.get("/cases", channel="skylark")) == [case.pk]
    assert ids(shop.get("/cases", owner="ana")) == [other.pk]
    assert ids(shop.get("/cases", owner="ana", state="new")) == []


def test_a_case_says_what_they_want_and_null_where_it_was_not_read(shop, case):
    assert [shop.get(f"/cases/{case.pk}").json()[name] for name in READ] == [None, None, None]
    Case.objects.update(intent="complaint", topic="price", urgency="high")
    assert [shop.get(f"/cases/{case.pk}").json()[name] for name in READ] == ["complaint", "price", "high"]


def test_cases_can_be_narrowed_by_what_they_want(shop, case):
    angry = factories.CaseFactory(intent="complaint", topic="price", urgency="high")
    for narrow in ({"intent": "complaint"}, {"topic": "price"}, {"urgency": "high"}):
        assert ids(shop.get("/cases", **narrow)) == [angry.pk]
    assert shop.get("/cases", intent="rage").status_code == 422


def test_a_message_says_what_was_read_and_what_people_put_right(shop, case, agent):
    message = case.entries.get().message
    found = shop.get(f"/messages/{message.pk}").json()
    assert [found[name] for name in READ] == [None, None, None]
    assert found["corrected"] == []
    correct(message=message, aspect="urgency", now="high", by=agent)
    found = shop.get(f"/messages/{message.pk}").json()
    assert (found["urgency"], found["urgency_confidence"], found["corrected"]) == ("high", 1, ["urgency"])


def test_a_message_says_how_it_was_read(shop, case):
    message = case.entries.get().message
    found = shop.get(f"/messages/{message.pk}").json()
    assert (found["text"], found["direction"], found["sentiment"], found["channel"]) == (
        message.text, "in", "negative", "skylark",
    )  # fmt: skip


def test_all_a_customer_said_on_any_channel_is_one_list(shop, case):
    again = factories.MessageFactory(identity=factories.IdentityFactory(customer=case.customer))
    ours = factories.DeliveryFactory(case=case).message
    factories.MessageFactory()
    mine = [case.entries.first().message.pk, again.pk, ours.pk]
    assert ids(shop.get("/messages", customer=case.customer_id)) == mine
    assert ids(shop.get("/messages", customer=case.customer_id, direction="out")) == [ours.pk]
    assert ids(shop.get("/messages", customer=case.customer_id, channel="skylark")) == [mine[0], ours.pk]
    assert shop.get("/messages", customer=10**9).status_code == 404


def test_a_note_is_in_no_answer(shop, case, agent):
    factories.NoteFactory(case=case, by=agent, text="between us")
    for path in (f"/cases/{case.pk}", "/cases", "/messages"):
        assert "between us" not in shop.get(path).content.decode()
