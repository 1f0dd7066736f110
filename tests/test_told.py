"""Where something happens, other systems are told: each event at each of its causes, once, and in the same breath."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from cases import assignment, handover, replies, resolution, routing
from channels_app import linking
from channels_app.platforms.base import Author
from crm import consent, decisions, merging
from crm.models import Customer, IdentityLink, WebhookEvent
from crm.webhooks import telling, topics
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(django_capture_on_commit_callbacks):
    """Somebody listens to everything. `told()` is what they were told since it was last asked: (event, data)."""
    factories.WebhookFactory(events=list(topics.TOPICS))
    with django_capture_on_commit_callbacks(execute=True):
        telling.listeners_changed()
    seen = [0]

    def news():
        events = list(WebhookEvent.objects.filter(pk__gt=seen[0]).order_by("pk"))
        seen[0] = events[-1].pk if events else seen[0]
        return [(event.type, event.data) for event in events]

    return news


def names(news):
    return sorted(event for event, _data in news)


@pytest.fixture
def ann(db):
    ann = factories.CustomerFactory(name="Ann Mercer", known_at=timezone.now())
    factories.IdentityFactory(customer=ann)
    return ann


# --- customers


def test_of_who_writes_for_the_first_time(told, channel):
    people = {str(n): Author(key=f"new{n}", handle=f"new{n}") for n in range(3)}
    linking.link(channel, people)
    news = told()
    assert names(news) == ["customer.created"] * 3
    assert {data["identities"][0]["written"] for _event, data in news} == {"new0", "new1", "new2"}
    linking.link(channel, people)
    assert told() == []


def test_of_a_record_somebody_corrects(told, as_user, agent, ann):
    url = reverse("crm:customer_edit", args=[ann.pk])
    client = as_user(agent)
    form = {name: value or "" for name, value in client.get(url).context["form"].initial.items()}
    client.post(url, form | {"city": "Leeds"})
    ((event, data),) = told()
    assert (event, data["city"]) == ("customer.changed", "Leeds")
    client.post(url, form | {"city": "Leeds"})
    assert told() == []


def test_of_a_merge_and_its_undoing(told, agent, ann):
    other = factories.IdentityLinkFactory(customer=factories.CustomerFactory()).customer
    merge = merging.merge(survivor=ann, absorbed=other, choices={}, by=agent)
    ((event, data),) = told()
    assert (event, data["survivor"], data["absorbed"], data["undone_at"]) == ("customer.merged", ann.pk, other.pk, None)
    merging.undo(merge=merge, by=agent)
    ((event, data),) = told()
    assert (event, data["survivor"], data["absorbed"]) == ("customer.unmerged", ann.pk, other.pk)
    assert data["undone_at"]


def test_of_what_a_customer_allows(told, agent, ann):
    consent.record(customer=ann, purpose="survey", state="refused", how="She said so", by=agent)
    consent.forbid(customer=ann, how="She wrote so", by=agent)
    news = told()
    assert names(news) == ["consent.changed"] * 2
    assert [(data["purpose"], data["to"]) for _event, data in news] == [("survey", "refused"), (None, "set")]


# --- links


def test_of_a_handle_that_is_linked_and_taken_back(told, agent, ann):
    link = decisions.link_by_hand(
        customer=ann, kind="email", place="", value="ann@example.com", evidence="She said so", by=agent
    )
    ((event, data),) = told()
    assert (event, data["customer"], data["identity"]["value"]) == ("link.confirmed", ann.pk, "ann@example.com")
    decisions.withdraw(link=link, by=agent, why="It is her sister's.")
    news = told()
    assert names(news) == ["customer.created", "link.confirmed", "link.withdrawn"]
    by_event = dict(news)
    assert (by_event["link.withdrawn"]["customer"], by_event["link.withdrawn"]["state"]) == (ann.pk, "withdrawn")
    assert by_event["link.confirmed"]["customer"] == by_event["customer.created"]["id"] != ann.pk


def test_of_a_link_that_is_undone_before_anybody_used_it(told, agent, ann):
    link = decisions.link_by_hand(
        customer=ann, kind="email", place="", value="ann@example.com", evidence="She said so", by=agent
    )
    told()
    decisions.undo(link=link, by=agent)
    ((event, data),) = told()
    assert (event, data["id"], data["state"]) == ("link.withdrawn", link.pk, "withdrawn")
    assert not IdentityLink.objects.filter(pk=link.pk).exists()


def test_of_a_claim_that_waits_for_a_person_and_what_they_decide(told, agent, ann):
    ben = factories.CustomerFactory(known_at=timezone.now())
    identity = factories.IdentityFactory(kind="email", place="", value="us@example.com", customer=ben)
    link = decisions.claim(identity=identity, customer=ann, method="import", evidence="x", by=agent)
    ((event, data),) = told()
    assert (event, data["state"], data["customer"]) == ("link.proposed", "proposed", ann.pk)
    decisions.reject(link=link, by=agent)
    assert told() == []
    decisions.reconsider(link=link, by=agent)
    assert names(told()) == ["link.proposed"]
    decisions.move(link=IdentityLink.objects.get(pk=link.pk), by=agent)
    news = told()
    assert names(news) == ["link.confirmed", "link.withdrawn"]
    assert {event: data["customer"] for event, data in news} == {"link.confirmed": ann.pk, "link.withdrawn": ben.pk}


def test_of_a_proposal_somebody_accepts(told, agent, ann):
    stray = factories.CustomerFactory()
    identity = factories.IdentityFactory(customer=stray)
    link = factories.IdentityLinkFactory(identity=identity, customer=ann, state="proposed", method="matched", score=0.9)
    decisions.accept(link=link, by=agent)
    assert names(told()) == ["customer.merged", "link.confirmed"]


# --- cases


def test_of_a_case_that_is_opened_and_goes_on(told, channel):
    first = factories.MessageFactory(thread__channel=channel, routed_at=None)
    factories.IdentityLinkFactory(identity=first.identity)
    routing.route(channel)
    ((event, data),) = told()
    assert (event, data["channel"], data["state"]) == ("case.opened", "skylark", "new")
    factories.MessageFactory(thread=first.thread, identity=first.identity, routed_at=None)
    routing.route(channel)
    ((event, again),) = told()
    assert (event, again["id"]) == ("case.changed", data["id"])


def test_of_who_has_a_case(told, agent, colleague, case):
    assignment.take(case=case, by=agent)
    ((event, data),) = told()
    assert (event, data["owner"], data["state"]) == ("case.changed", "ana", "open")
    given = handover.hand_over(case=case, to=colleague, story="Late", next_step="Call", by=agent)
    assert told()[0][1]["owner"] == "ana"
    handover.accept(handover=given, by=colleague)
    case.refresh_from_db()
    assert told()[0][1]["owner"] == "ben"
    assignment.release(case=case, by=colleague)
    assert told()[0][1]["owner"] is None
    assignment.take_many(cases=[case.pk], by=agent)
    assert names(told()) == ["case.changed"]
    case.refresh_from_db()
    assignment.release(case=case, by=agent)
    told()
    assignment.assign_many(cases=[case.pk], to=colleague, by=agent)
    assert names(told()) == ["case.changed"]


def test_of_an_answer(told, agent, case):
    replies.reply(case=case, text="We are looking into it.", by=agent)
    ((event, data),) = told()
    assert (event, data["state"], data["owner"]) == ("case.changed", "waiting", "ana")


def test_of_the_end_of_a_case_and_its_return(told, agent, case, cause):
    resolution.resolve(case=case, cause=cause, by=agent)
    ((event, data),) = told()
    assert (event, data["state"], data["cause"], data["resolved_by"]) == ("case.resolved", "resolved", "Delay", "ana")
    resolution.reopen(case=case, by=agent)
    ((event, data),) = told()
    assert (event, data["state"], data["resolved_by"]) == ("case.changed", "new", None)
    assert data["cause"] == "Delay"  # the likely one, until it is resolved again
    resolution.resolve_many(cases=[case.pk], cause=cause, by=agent)
    assert names(told()) == ["case.resolved"]


def test_not_of_a_note(told, agent, case):
    replies.note(case=case, text="between us", by=agent)
    assert told() == []


# --- together


def test_every_event_of_ours_is_told_somewhere_in_this_file_or_beside_its_own_tests():
    """So that a new event is not forgotten."""
    here = {
        *("customer.created", "customer.changed", "customer.merged", "customer.unmerged", "consent.changed"),
        *("link.proposed", "link.confirmed", "link.withdrawn", "case.opened", "case.changed", "case.resolved"),
    }
    assert set(topics.TOPICS) == here | {"customer.erased"}


def test_nothing_is_told_where_nobody_listens(agent, ann, case, cause, channel):
    consent.forbid(customer=ann, how="She wrote so", by=agent)
    resolution.resolve(case=case, cause=cause, by=agent)
    linking.link(channel, {"1": Author(key="new", handle="new")})
    assert not WebhookEvent.objects.exists()
    assert Customer.objects.count() == 3
