"""What a customer allows: asked before anything leaves, recorded with who, when and how, and taken back as easily."""

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from crm import consent, merging
from crm.models import Activity, Consent, ConsentChange, Customer, Purpose
from tests import factories
from tests.channels_app.posts import at_once

pytestmark = pytest.mark.django_db
CARE, SURVEY, CALL, MARKETING = Purpose.CARE_REPLY, Purpose.SURVEY, Purpose.CALL, Purpose.MARKETING


@pytest.fixture
def sara(db):
    return factories.CustomerFactory(name="Sara")


def say(customer, purpose, state, how="On the phone", by=None):
    return consent.record(customer=customer, purpose=purpose, state=state, how=how, by=by)


def may(customer, purpose=CARE):
    return bool(consent.may_contact(customer, purpose))


# --- the one question


@pytest.mark.parametrize(("purpose", "allowed"), [(CARE, True), (SURVEY, True), (CALL, True), (MARKETING, False)])
def test_where_nobody_asked_we_answer_and_ask_but_do_not_advertise(sara, purpose, allowed):
    answer = consent.may_contact(sara, purpose)
    assert bool(answer) is allowed
    assert "nobody has asked Sara" in answer.why


@pytest.mark.parametrize("purpose", Purpose)
def test_a_yes_and_a_no_are_for_their_purpose_alone(sara, purpose):
    for state, allowed in (("given", True), ("refused", False)):
        say(sara, purpose, state)
        others = {p: may(sara, p) for p in Purpose if p != purpose}
        assert may(sara, purpose) is allowed
        assert others == {p: consent.UNASKED[p] for p in others}


def test_the_absolute_no_outweighs_every_yes(sara):
    for purpose in Purpose:
        say(sara, purpose, "given")
    consent.forbid(customer=sara, how="By letter", by=None)
    assert not any(may(sara, purpose) for purpose in Purpose)
    with pytest.raises(consent.MayNotContact, match="Sara asked not to be contacted under any circumstances"):
        consent.must_contact(sara, SURVEY)
    consent.lift(customer=sara, how="Rang us", by=None)
    assert all(may(sara, purpose) for purpose in Purpose)


def test_of_a_merged_record_the_survivor_is_asked(sara, agent):
    survivor = factories.CustomerFactory(name="Sara K")
    merging.merge(survivor=survivor, absorbed=sara, by=agent)
    consent.forbid(customer=survivor, how="By letter", by=None)
    sara.refresh_from_db()
    assert not may(sara)


def test_what_is_said_of_a_merged_record_is_said_of_the_survivor(sara, agent):
    survivor = factories.CustomerFactory()
    merging.merge(survivor=survivor, absorbed=sara, by=agent)
    sara.refresh_from_db()
    say(sara, CARE, "refused")
    consent.forbid(customer=sara, how="By letter", by=None)
    survivor.refresh_from_db()
    assert survivor.do_not_contact_at
    assert Consent.objects.get().customer == survivor


def test_nobody_is_left_to_contact_after_an_erasure(sara):
    say(sara, CARE, "given")
    Customer.objects.filter(pk=sara.pk).update(erased_at=sara.created_at)
    sara.refresh_from_db()
    assert not any(may(sara, purpose) for purpose in Purpose)
    with pytest.raises(consent.NobodyLeft):
        say(sara, CARE, "given")


def test_an_identity_that_is_nobodys_is_answered_and_not_advertised_to():
    lonely = factories.IdentityFactory(customer=None)
    assert consent.may_write_to(lonely, CARE)
    assert consent.may_write_to(None, CARE)
    assert not consent.may_write_to(lonely, MARKETING)


@pytest.mark.parametrize("state", ["proposed", "rejected", "withdrawn"])
def test_only_a_confirmed_owner_speaks_for_an_identity(sara, state):
    link = factories.IdentityLinkFactory(customer=sara, state=state)
    consent.forbid(customer=sara, how="By letter", by=None)
    assert consent.may_write_to(link.identity, CARE)
    link.state = "confirmed"
    link.save()
    with pytest.raises(consent.MayNotContact):
        consent.must_write_to(link.identity, CARE)


# --- what is kept


def test_each_change_keeps_who_when_and_how(sara, agent):
    say(sara, SURVEY, "given", "Ticked it in the app", agent)
    say(sara, SURVEY, None, "The app had a fault", agent)
    consent.forbid(customer=sara, how="By letter", by=agent)
    history = [(c.purpose, c.to, c.how, c.by) for c in ConsentChange.objects.order_by("id")]
    assert history == [
        ("survey", "given", "Ticked it in the app", agent),
        ("survey", "cleared", "The app had a fault", agent),
        ("", "set", "By letter", agent),
    ]
    assert Activity.objects.about(sara).filter(verb="consent").count() == 3


@pytest.mark.parametrize("how", ["", "   ", "\x00"])
def test_nothing_is_recorded_without_how_we_know(sara, how):
    for act in (
        lambda: say(sara, SURVEY, "given", how),
        lambda: consent.forbid(customer=sara, how=how, by=None),
        lambda: consent.lift(customer=sara, how=how, by=None),
    ):
        with pytest.raises(consent.SayHow):
            act()
    assert not ConsentChange.objects.exists()


def test_what_held_already_leaves_no_line(sara):
    assert say(sara, SURVEY, None) is None
    assert consent.lift(customer=sara, how="x", by=None) is None
    assert say(sara, SURVEY, "given")
    assert say(sara, SURVEY, "given") is None
    assert consent.forbid(customer=sara, how="x", by=None)
    assert consent.forbid(customer=sara, how="x", by=None) is None
    assert ConsentChange.objects.count() == 2


def test_open_cases_are_told(sara, nudges, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        say(sara, SURVEY, "refused")
    assert ("cases.jobs.customer_changed", sara.pk) in nudges


@pytest.mark.django_db(transaction=True)
def test_two_who_record_at_once_leave_one_answer_and_one_line():
    sara = factories.CustomerFactory()
    at_once(*[lambda: say(sara, SURVEY, "given")] * 4, *[lambda: consent.forbid(customer=sara, how="x", by=None)] * 2)
    assert Consent.objects.count() == 1
    assert ConsentChange.objects.count() == 2


def test_the_database_keeps_one_answer_per_purpose_and_how_we_know(sara):
    factories.ConsentFactory(customer=sara)
    for wrong in (
        lambda: factories.ConsentFactory(customer=sara),
        lambda: factories.ConsentFactory(customer=sara, purpose="spam"),
        lambda: factories.ConsentChangeFactory(customer=sara, how=""),
        lambda: factories.ConsentChangeFactory(customer=sara, purpose="", to="given"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong()


# --- on screen


@pytest.fixture
def panel(sara, agent, as_user):
    """`panel(**fields)` posts to the panel as HTMX does; without fields it opens it."""
    client, url = as_user(agent), reverse("crm:consent", args=[sara.pk])
    htmx = {"HX-Request": "true"}
    return lambda **fields: client.post(url, fields, headers=htmx) if fields else client.get(url, headers=htmx)


def html(response):
    return response.content.decode()


def test_the_panel_says_for_each_purpose_what_holds_and_who_said_so(panel, sara, agent):
    say(sara, SURVEY, "refused", "Told Ana on the phone", agent)
    shown = html(panel())
    assert "Told Ana on the phone" in shown
    assert "Ana Ruiz" in shown
    assert shown.count("Not asked: we may<") == 2
    assert shown.count("Not asked: we may not<") == 1


def test_the_absolute_no_stands_above_all_with_who_and_how(panel, sara, agent):
    consent.forbid(customer=sara, how="Letter of 3 May", by=agent)
    shown = html(panel())
    assert "Do not contact under any circumstances" in shown
    assert "Letter of 3 May" in shown


def undo_of(change, client):
    return client.post(reverse("crm:consent_undo", args=[change.pk]), follow=True)


@pytest.mark.parametrize("before", [None, "given"])
def test_a_change_is_recorded_and_can_be_undone_at_once(panel, sara, agent, as_user, before):
    if before:
        say(sara, SURVEY, before)
    shown = html(panel(what="survey", state="refused", how="Said so"))
    assert "Recorded: Surveys: Refused." in shown
    change = ConsentChange.objects.first()
    assert reverse("crm:consent_undo", args=[change.pk]) in shown
    assert "it is as it was before" in html(undo_of(change, as_user(agent)))
    assert [held.state for held in Consent.objects.all()] == ([before] if before else [])


def test_any_contact_is_forbidden_and_allowed_again_in_the_panel(panel, sara, agent, as_user):
    panel(what="any", state="refused", how="By letter")
    sara.refresh_from_db()
    assert sara.do_not_contact_at
    undo_of(ConsentChange.objects.first(), as_user(agent))
    sara.refresh_from_db()
    assert sara.do_not_contact_at is None
    panel(what="any", state="refused", how="By letter")
    panel(what="any", state="given", how="Rang us")
    sara.refresh_from_db()
    assert sara.do_not_contact_at is None


def test_what_was_said_since_is_not_undone_with_it(sara, agent, as_user):
    first = say(sara, SURVEY, "refused")
    say(sara, SURVEY, "given")
    assert "Something newer was recorded since" in html(undo_of(first, as_user(agent)))
    assert Consent.objects.get().state == "given"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"what": "survey", "state": "given", "how": " "}, "Say how we know"),
        ({"what": "survey", "how": "x"}, "Choose what they want"),
        ({"what": "any", "state": "refused", "how": ""}, "Say how we know"),
        ({"what": "spam", "state": "given", "how": "x"}, "spam"),
    ],
)
def test_what_is_missing_is_told_beside_its_field_and_nothing_is_changed(panel, fields, sentence):
    response = panel(**fields)
    assert response.status_code == 422
    assert sentence in html(response)
    assert not ConsentChange.objects.exists()


def test_a_plain_form_leads_back_to_the_customer(sara, agent, as_user):
    url = reverse("crm:consent", args=[sara.pk])
    client = as_user(agent)
    response = client.post(url, {"what": "survey", "state": "given", "how": "x"})
    assert response["Location"] == sara.get_absolute_url()
    assert "What Sara allows" in html(client.get(url))


@pytest.mark.parametrize("role", ["executive", "sales"])
def test_who_only_reads_sees_it_and_records_nothing(sara, as_user, role):
    client = as_user(factories.UserFactory(role=role))
    url = reverse("crm:consent", args=[sara.pk])
    assert "<form" not in html(client.get(url, headers={"HX-Request": "true"}))
    assert client.post(url, {"what": "survey", "state": "given", "how": "x"}).status_code == 403


def test_the_customers_page_and_panel_say_so_unmissably(sara, agent, as_user):
    consent.forbid(customer=sara, how="Letter of 3 May", by=agent)
    for name in ("crm:customer", "crm:customer_panel"):
        assert "Do not contact under any circumstances" in html(as_user(agent).get(reverse(name, args=[sara.pk])))


@pytest.mark.parametrize("lines", [1, 20])
def test_the_panel_costs_the_same_with_a_long_history(sara, agent, panel, lines, django_assert_max_num_queries):
    for _ in range(lines):
        factories.ConsentChangeFactory(customer=sara, by=agent)
    with django_assert_max_num_queries(6):
        panel()
