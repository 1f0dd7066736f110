"""After a case: asked once, after a while, and under the same rest as any other survey."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from cases import resolution
from cases.models import Case
from crm import consent
from crm.models import Activity, Identity
from surveys import after_case, building, inviting, jobs
from surveys.models import Invitation, Survey, SurveySettings
from tests import factories

pytestmark = pytest.mark.django_db
State = Invitation.State


@pytest.fixture
def version(lead):
    draft = building.start(name="After a case", kind=Survey.Kind.CASE, by=lead)
    return after_case.put_to_use(version=draft, by=lead)


@pytest.fixture
def customer():
    made = factories.CustomerFactory(name="Maria Kent")
    factories.IdentityFactory(kind="email", place="", value="maria@example.com", customer=made)
    return made


@pytest.fixture
def case(channel, customer, agent):
    return a_case(channel, customer, agent)


def a_case(channel, customer, agent):
    return factories.CaseFactory(channel=channel, customer=customer, state="open", owner=agent)


def resolve(case, cause, agent):
    """And what follows from it."""
    resolution.resolve(case=Case.objects.get(pk=case.pk), cause=cause, by=agent)
    jobs.case_resolved(case.pk)
    return Invitation.objects.filter(case=case).first()


def later(hours):
    """As if that much time had passed for what waits."""
    Invitation.objects.filter(state="planned").update(due_at=timezone.now())
    inviting.send_due()


def test_resolving_hands_the_case_on(version, case, cause, agent, nudges, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        resolution.resolve(case=case, cause=cause, by=agent)
    assert ("surveys.jobs.case_resolved", case.pk) in nudges


def test_they_are_asked_so_many_hours_after_it_was_resolved(version, case, cause, agent):
    SurveySettings.objects.create(pk=1, case_hours=6, valid_days=20)
    invitation = resolve(case, cause, agent)
    case.refresh_from_db()
    assert (invitation.version, invitation.customer, invitation.wave) == (version, case.customer, None)
    assert invitation.due_at == case.resolved_at + timedelta(hours=6)
    assert timedelta(days=19) < invitation.expires_at - invitation.due_at < timedelta(days=21)
    inviting.send_due()
    assert mail.outbox == []


def test_then_it_leaves(version, case, cause, agent):
    invitation = resolve(case, cause, agent)
    later(24)
    invitation.refresh_from_db()
    assert invitation.state == State.SENT
    assert [letter.to for letter in mail.outbox] == [["maria@example.com"]]


def test_a_case_is_asked_about_once(version, case, cause, agent):
    first = resolve(case, cause, agent)
    jobs.case_resolved(case.pk)
    jobs.find_cases()
    assert Invitation.objects.get() == first


def test_a_case_nobody_was_nudged_for_is_found(version, case, cause, agent):
    resolution.resolve(case=case, cause=cause, by=agent)
    jobs.find_cases()
    assert Invitation.objects.get().case == case


def test_what_was_resolved_before_the_survey_was_put_to_use_is_not_asked_about(lead, case, cause, agent):
    resolution.resolve(case=case, cause=cause, by=agent)
    draft = building.start(name="After a case", kind=Survey.Kind.CASE, by=lead)
    after_case.put_to_use(version=draft, by=lead)
    jobs.case_resolved(case.pk)
    jobs.find_cases()
    assert not Invitation.objects.exists()


def test_without_such_a_survey_nobody_is_asked(case, cause, agent):
    assert resolve(case, cause, agent) is None


def test_a_survey_in_the_making_asks_nobody(lead, case, cause, agent):
    building.start(name="After a case", kind=Survey.Kind.CASE, by=lead)
    assert resolve(case, cause, agent) is None


def test_a_retired_survey_asks_nobody(version, lead, case, cause, agent):
    building.retire(survey=version.survey, retired=True, by=lead)
    assert resolve(case, cause, agent) is None


# --- the same rules as for every survey


def rested(customer):
    factories.InvitationFactory(customer=customer, state="expired", ended_at=timezone.now(), sent_at=timezone.now())


def has_one_open(customer):
    factories.InvitationFactory(customer=customer)


def wants_none(customer):
    consent.record(customer=customer, purpose="survey", state="refused", how="Rang us", by=None)


def wants_no_contact(customer):
    consent.forbid(customer=customer, how="Rang us", by=None)


def has_no_address(customer):
    Identity.objects.filter(links__customer=customer, kind="email").delete()


@pytest.mark.parametrize("say", [rested, has_one_open, wants_none, wants_no_contact, has_no_address])
def test_who_is_not_asked(say, version, channel, customer, agent, cause):
    say(customer)
    archive = factories.ChannelFactory(platform="archive", place="twitter", team=channel.team)
    case = a_case(archive, customer, agent)
    assert resolve(case, cause, agent) is None


def test_what_came_back_lately_is_no_reason_not_to_ask_at_the_address_they_have_now(version, case, cause, agent):
    now = timezone.now()
    factories.InvitationFactory(
        customer=case.customer, state="bounced", reason="No such mailbox", sent_at=now, ended_at=now
    )
    resolve(case, cause, agent)
    later(24)
    assert [letter.to for letter in mail.outbox] == [["maria@example.com"]]


def test_who_is_asked_after_a_case_rests_before_a_wave(version, case, cause, agent):
    from surveys import reaching

    resolve(case, cause, agent)
    later(24)
    Invitation.objects.update(state="answered", ended_at=timezone.now())
    people = type(case.customer).objects.filter(pk=case.customer_id)
    assert reaching.may_be_asked(people, at=timezone.now(), rest_days=90) == set()
    assert reaching.may_be_asked(people, at=timezone.now() + timedelta(days=91), rest_days=90) == {case.customer_id}


def test_of_two_cases_of_one_customer_the_last_is_asked_about(version, channel, customer, agent, cause):
    first, second = a_case(channel, customer, agent), a_case(channel, customer, agent)
    for case in (first, second):
        resolution.resolve(case=case, cause=cause, by=agent)
    jobs.case_resolved(first.pk, second.pk)
    assert Invitation.objects.get().case == second


# --- a case that comes back


def test_a_case_that_is_reopened_is_not_asked_about(version, case, cause, agent):
    invitation = resolve(case, cause, agent)
    resolution.reopen(case=case, by=agent)
    jobs.sweep_invitations()
    invitation.refresh_from_db()
    assert (invitation.state, invitation.reason) == (State.CANCELLED, "The case is not resolved any more.")


def test_that_it_is_back_counts_at_the_last_moment_too(version, case, cause, agent):
    resolve(case, cause, agent)
    resolution.reopen(case=case, by=agent)
    later(24)
    assert mail.outbox == []
    assert Invitation.objects.get().state == State.CANCELLED


def test_once_it_is_resolved_for_good_it_is_asked_about(version, case, cause, agent):
    resolve(case, cause, agent)
    resolution.reopen(case=case, by=agent)
    jobs.sweep_invitations()
    resolve(case, cause, agent)
    assert Invitation.objects.get().state == State.PLANNED


def test_who_was_asked_already_is_not_asked_again_when_it_comes_back(version, case, cause, agent):
    resolve(case, cause, agent)
    later(24)
    resolution.reopen(case=case, by=agent)
    resolve(case, cause, agent)
    later(24)
    assert len(mail.outbox) == 1


# --- putting it to use


def test_a_version_that_was_put_to_use_is_frozen(version, lead):
    assert version.sent_at
    assert after_case.put_to_use(version=version, by=lead).sent_at == version.sent_at


def test_a_newer_version_takes_over_when_it_is_put_to_use(version, lead):
    second = building.new_version(survey=version.survey, by=lead)
    assert after_case.in_use() == version
    after_case.put_to_use(version=second, by=lead)
    assert after_case.in_use() == second


def test_one_that_is_not_ready_is_refused_with_what_is_missing(lead):
    draft = building.start(name="After a case", kind=Survey.Kind.CASE, by=lead)
    draft.questions.all().delete()
    with pytest.raises(after_case.NotReady, match="There is no question yet"):
        after_case.put_to_use(version=draft, by=lead)


def test_a_survey_of_another_kind_is_not_asked_after_cases(lead):
    draft = building.start(name="Twice a year", kind=Survey.Kind.NPS, by=lead)
    with pytest.raises(after_case.NotAfterCases, match="asked in waves"):
        after_case.put_to_use(version=draft, by=lead)


def test_it_is_put_to_use_on_its_page(lead, as_user):
    draft = building.start(name="After a case", kind=Survey.Kind.CASE, by=lead)
    page = as_user(lead).get(draft.get_absolute_url()).content.decode()
    link = f"{draft.get_absolute_url()}use/"
    assert f'action="{link}"' in page
    as_user(lead).post(link)
    assert after_case.in_use() == draft


@pytest.fixture
def long(lead):
    """So many questions that the check of its effort fails."""
    draft = building.start(name="After a case", kind=Survey.Kind.CASE, by=lead)
    for n in range(20):
        factories.QuestionFactory(version=draft, kind="scale", key=f"q{n}", low=1, high=5)
    return draft


def test_one_that_costs_too_much_is_put_to_use_only_with_a_reason_which_is_kept(long, lead):
    with pytest.raises(after_case.TakesTooLong, match="or say why"):
        after_case.put_to_use(version=long, by=lead, reason="  ")
    assert after_case.in_use() is None
    after_case.put_to_use(version=long, by=lead, reason="The regulator asks for all of it.")
    assert after_case.in_use() == long
    kept = Activity.objects.about(long.survey).get(verb="put to use")
    assert (kept.by, kept.detail) == (lead, "version 1. All the same: The regulator asks for all of it.")


def test_the_reason_is_asked_for_on_its_page_and_read_there_afterwards(long, lead, as_user):
    client, link = as_user(lead), f"{long.get_absolute_url()}use/"
    page = client.get(long.get_absolute_url()).content.decode()
    assert "Why it is sent all the same" in page
    refused = client.post(link, {"reason": ""})
    assert refused.status_code == 422
    assert "or say why it is sent all the same" in refused.content.decode()
    too_long = client.post(link, {"reason": "The regulator. " * 40})
    assert too_long.status_code == 422
    assert "The regulator. The regulator." in too_long.content.decode()
    assert after_case.in_use() is None
    client.post(link, {"reason": "The regulator asks for all of it."})
    assert after_case.in_use() == long
    assert "All the same: The regulator asks" in client.get(long.get_absolute_url()).content.decode()


def test_where_the_check_passes_no_reason_is_asked_for_and_none_is_kept(lead, as_user):
    draft = building.start(name="After a case", kind=Survey.Kind.CASE, by=lead)
    assert "all the same" not in as_user(lead).get(draft.get_absolute_url()).content.decode()
    after_case.put_to_use(version=draft, by=lead, reason="Not needed")
    assert Activity.objects.about(draft.survey).get(verb="put to use").detail == "version 1"


def test_a_survey_twice_a_year_has_no_such_button(lead, as_user):
    draft = building.start(name="Twice a year", kind=Survey.Kind.NPS, by=lead)
    assert "/use/" not in as_user(lead).get(draft.get_absolute_url()).content.decode()


def test_many_cases_cost_the_same_number_of_queries(version, channel, agent, cause, django_assert_max_num_queries):
    pks = []
    for n in range(20):
        one = factories.CustomerFactory()
        factories.IdentityFactory(kind="email", place="", value=f"m{n}@example.com", customer=one)
        pks.append(a_case(channel, one, agent).pk)
    resolution.resolve_many(cases=pks, cause=cause, by=agent)
    with django_assert_max_num_queries(10):
        assert after_case.plan(pks) == 20
