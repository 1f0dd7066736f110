"""Many cases at once, ticked in the queue."""

import pytest

from cases.models import Case
from tests import factories
from tests.cases.test_queue import make

pytestmark = pytest.mark.django_db


def do(client, action, ids, **data):
    return client.post("/queue/bulk/", {"action": action, "ids": ids, **data}, follow=True)


def notice(response):
    return " ".join(str(message) for message in response.context["messages"])


def test_taking_the_chosen_leaves_what_somebody_else_has(channel, agent, colleague, stranger, as_user):
    free, theirs = make(channel), make(channel, owner=colleague)
    elsewhere = make(factories.ChannelFactory(team=stranger.teams.get()))
    response = do(as_user(agent), "take", [free, theirs, elsewhere])
    assert "1 of 3 cases changed." in notice(response)
    owners = dict(Case.objects.values_list("pk", "owner"))
    assert owners == {free: agent.pk, theirs: colleague.pk, elsewhere: None}


def test_giving_the_chosen_to_a_colleague_leaves_what_somebody_has(channel, agent, colleague, as_user):
    cases = [make(channel), make(channel, owner=agent)]
    assert "1 of 2 cases changed." in notice(do(as_user(agent), "assign", cases, owner=colleague.pk))
    assert dict(Case.objects.values_list("pk", "owner")) == dict(zip(cases, (colleague.pk, agent.pk), strict=True))


def test_resolving_the_chosen_with_a_cause(channel, agent, cause, as_user):
    cases = [make(channel) for _ in range(3)]
    assert "3 of 3 cases changed." in notice(do(as_user(agent), "resolve", cases, cause=cause.pk))
    assert set(Case.objects.values_list("state", "cause")) == {("resolved", cause.pk)}


@pytest.mark.parametrize(
    ("action", "data", "sentence"),
    [
        ("assign", {}, "Choose whom to give them to."),
        ("assign", {"owner": "0"}, "Choose whom to give them to."),
        ("resolve", {}, "Choose why it happened."),
        ("take", {"ids": []}, "Choose at least one case first."),
        ("take", {"ids": ["abc", "²"]}, "Select a valid choice."),
        ("explode", {}, "Select a valid choice."),
    ],
)
def test_what_is_missing_is_asked_for_and_nothing_changes(channel, agent, as_user, action, data, sentence):
    ids = data.pop("ids", None)
    response = do(as_user(agent), action, [make(channel)] if ids is None else ids, **data)
    assert sentence in notice(response)
    assert Case.objects.get().state == "new" if Case.objects.exists() else True


def test_afterwards_one_is_back_where_one_was(channel, agent, as_user):
    response = do(as_user(agent), "take", [make(channel)], next="/queue/?mood=negative")
    assert response.redirect_chain == [("/queue/?mood=negative", 302)]


def test_afterwards_nobody_is_sent_to_another_site(channel, agent, as_user):
    response = do(as_user(agent), "take", [make(channel)], next="https://evil.example/")
    assert response.redirect_chain == [("/queue/", 302)]
