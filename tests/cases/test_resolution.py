"""The end of a case, with its cause; and its return."""

import pytest
from django.utils import timezone

from cases import assignment, replies, resolution
from cases.models import Case
from channels_app.models import Delivery
from crm.models import Activity
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def retired():
    return factories.CauseFactory(name="Strike", retired_at=timezone.now())


def send(client, case, what, htmx=True, **data):
    return client.post(f"/cases/{case.pk}/{what}/", data, headers={"HX-Request": "true"} if htmx else {})


def test_a_case_is_resolved_with_its_cause_by_somebody_at_some_time(case, agent, cause):
    done = resolution.resolve(case=case, cause=cause, by=agent)
    assert (done.state, done.cause, done.resolved_by) == ("resolved", cause, agent)
    assert done.resolved_at
    assert Activity.objects.about(case).get().detail == "Delay"


def test_what_is_resolved_cannot_be_resolved_again(case, agent, colleague, cause):
    resolution.resolve(case=case, cause=cause, by=colleague)
    with pytest.raises(resolution.AlreadyResolved, match=r"^Ben Okafor has resolved this case already.$"):
        resolution.resolve(case=case, cause=cause, by=agent)


def test_a_retired_cause_is_refused_by_name(case, agent, retired):
    with pytest.raises(resolution.CauseRetired, match=r"^“Strike” is no longer used. Choose another cause.$"):
        resolution.resolve(case=case, cause=retired, by=agent)
    case.refresh_from_db()
    assert case.state == "new"


def test_without_a_cause_the_screen_asks_for_one(case, agent, as_user):
    for cause in ("", "0", "nonsense"):
        response = send(as_user(agent), case, "resolve", cause=cause)
        assert response.status_code == 422
        assert "Choose why this happened before you resolve it" in response.content.decode()
    case.refresh_from_db()
    assert case.state == "new"


def test_a_retired_cause_is_not_offered_and_not_accepted_on_the_screen(case, agent, cause, retired, as_user):
    client = as_user(agent)
    page = client.get(f"/cases/{case.pk}/").content.decode()
    assert "Delay</option>" in page
    assert "Strike</option>" not in page
    assert send(client, case, "resolve", cause=retired.pk).status_code == 422


# --- a reply that has not left


@pytest.mark.parametrize("state", ["in_doubt", "failed"])
def test_a_reply_in_doubt_or_not_sent_has_to_be_settled_first(case, agent, cause, state):
    factories.DeliveryFactory(case=case, by=agent, state=state)
    with pytest.raises(resolution.ReplyStillInDoubt):
        resolution.resolve(case=case, cause=cause, by=agent)
    assert resolution.resolve_many(cases=[case.pk], cause=cause, by=agent) == 0


@pytest.mark.parametrize("state", ["queued", "sent"])
def test_a_reply_on_its_way_or_sent_hinders_nothing(case, agent, cause, state):
    factories.DeliveryFactory(case=case, by=agent, state=state, sent_at=timezone.now() if state == "sent" else None)
    assert resolution.resolve(case=case, cause=cause, by=agent).state == "resolved"


def test_a_reply_that_failed_and_was_written_anew_hinders_nothing(case, agent, cause):
    factories.DeliveryFactory(case=case, by=agent, state=Delivery.State.FAILED)
    factories.DeliveryFactory(case=case, by=agent, state=Delivery.State.SENT, sent_at=timezone.now())
    assert resolution.resolve(case=case, cause=cause, by=agent).state == "resolved"


# --- many


def test_many_are_resolved_and_the_rest_stay(channel, agent, cause, stranger):
    ready, doubtful, done, elsewhere = (factories.CaseFactory(channel=channel) for _ in range(4))
    factories.DeliveryFactory(case=doubtful, state="in_doubt")
    factories.resolved(done, stranger)
    Case.objects.filter(pk=elsewhere.pk).update(team=stranger.teams.get())
    everything = [ready.pk, doubtful.pk, done.pk, elsewhere.pk]
    assert resolution.resolve_many(cases=everything, cause=cause, by=agent) == 1
    states = dict(Case.objects.values_list("pk", "state"))
    assert [states[pk] for pk in everything] == ["resolved", "new", "resolved", "new"]
    assert Case.objects.get(pk=done.pk).resolved_by == stranger


def test_many_are_not_resolved_with_a_retired_cause(case, agent, retired):
    with pytest.raises(resolution.CauseRetired):
        resolution.resolve_many(cases=[case.pk], cause=retired, by=agent)


# --- return


@pytest.mark.parametrize("answered", [True, False])
def test_undoing_a_resolution_returns_it_to_who_had_it_as_it_was(case, agent, colleague, cause, answered):
    assignment.take(case=case, by=colleague)
    if answered:
        replies.reply(case=case, text="Noon.", by=colleague)
    case.refresh_from_db()
    before = (case.owner, case.state, case.waiting_since, case.reopenings)
    resolution.resolve(case=case, cause=cause, by=agent)
    again = resolution.reopen(case=case, by=agent)
    assert (again.owner, again.state, again.waiting_since, again.reopenings) == before
    assert (again.cause, again.resolved_at) == (cause, None)  # the likely one, with its checklist
    assert (again.outcome, again.mood_at_end) == ("", "unknown")
    assert Activity.objects.about(case).filter(verb="reopened", by=agent).exists()


def test_what_nobody_had_returns_to_the_queue(case, agent, cause):
    resolution.resolve(case=case, cause=cause, by=agent)
    assert resolution.reopen(case=case, by=agent).state == "new"


@pytest.mark.parametrize("state", ["new", "waiting"])
def test_only_a_resolved_case_can_be_reopened(case, agent, state):
    Case.objects.update(state=state)
    with pytest.raises(resolution.NotResolved):
        resolution.reopen(case=case, by=agent)


def test_where_the_customer_has_a_newer_open_case_the_old_one_leads_there(case, agent, cause):
    resolution.resolve(case=case, cause=cause, by=agent)
    newer = factories.CaseFactory(
        channel=case.channel, thread=case.thread, customer=case.customer, identity=case.identity
    )
    with pytest.raises(resolution.OpenAgainAlready, match=f"case #{newer.pk} is open on the same conversation"):
        resolution.reopen(case=case, by=agent)


def test_resolving_on_the_screen_offers_to_undo_it(case, agent, cause, as_user):
    client = as_user(agent)
    page = send(client, case, "resolve", cause=cause.pk).content.decode()
    assert "Resolved." in page
    assert f'action="/cases/{case.pk}/reopen/"' in page
    assert send(client, case, "reopen").status_code == 200
    case.refresh_from_db()
    assert case.state == "new"


def test_resolving_by_a_plain_form_offers_to_undo_it_on_the_page_that_follows(case, agent, cause, as_user):
    client = as_user(agent)
    response = client.post(f"/cases/{case.pk}/resolve/", {"cause": cause.pk}, follow=True)
    assert response.redirect_chain == [(f"/cases/{case.pk}/", 302)]
    assert f'action="/cases/{case.pk}/reopen/"' in response.content.decode()
