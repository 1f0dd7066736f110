"""The pages of recognition: every point leads to what it stands for, for whom it may; and those of advocates."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.models import CaseMessage
from channels_app.models import Delivery
from crm import consent
from surveys.models import Advocate, Recognition
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
NOW = timezone.now()


def signed_in(person):
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def ana():
    return factories.UserFactory(first_name="Ana", last_name="Reyes", teams=[factories.TeamFactory(name="Travel")])


@pytest.fixture
def lead():
    return factories.UserFactory(role="lead", first_name="Lea", last_name="Marsh")


def text(response, status=200):
    assert response.status_code == status
    return re.sub(r"\s+", " ", response.content.decode())


def saved_by(person, name="Sara Lind"):
    """A customer who turned just now, after a call; and their call."""
    customer = factories.CustomerFactory(name=name)
    for score, at in ((2, NOW - 40 * DAY), (9, NOW)):
        factories.ResponseFactory(invitation__customer=customer, score=score, finished_at=at)
    at = NOW - timedelta(minutes=1)
    call = factories.CallFactory(
        customer=customer, loop__customer=customer, owner=person, owned_since=at - DAY, due_at=at + DAY, state="done",
        ended_at=at,
    )  # fmt: skip
    factories.CallAttemptFactory(call=call, by=person, at=at)
    return call


def kept_by(person, at=NOW):
    case = factories.CaseFactory(owner=person, state="open", channel__team=person.teams.first())
    message = factories.MessageFactory(thread=case.thread, direction="out", sent_by=person, identity=case.identity,
                                       occurred_at=at)  # fmt: skip
    CaseMessage.objects.create(case=case, message=message)
    factories.ClockFactory(
        case=case, started_at=at - DAY, running_since=None, due_at=None, risk_at=None, ended_at=at, end="kept"
    )  # fmt: skip
    return case


def of(person):
    return reverse("surveys:scorecard", args=[person.pk])


# --- one card


def test_every_point_leads_to_what_it_stands_for(ana):
    call, case = saved_by(ana), kept_by(ana)
    thanks = factories.RecognitionFactory(person=ana, customer=call.customer, words="You called on a Sunday.")
    html = text(signed_in(ana).get(of(ana)))
    for url in (call.get_absolute_url(), case.get_absolute_url(), call.customer.get_absolute_url()):
        assert f'href="{url}"' in html
    assert "1 customer saved" in html
    assert "2 of 2 promises kept (100 %)" in html
    assert thanks.words in html


def test_what_its_reader_may_not_open_is_said_without_a_link():
    member = factories.UserFactory(role="support")
    call = saved_by(member)
    html = text(signed_in(member).get(of(member)))
    assert "Sara Lind" in html
    for url in (call.customer.get_absolute_url(), call.get_absolute_url()):
        assert f'href="{url}"' not in html


def test_an_improvement_leads_to_its_page_or_to_the_request_by_which_they_asked(ana, lead):
    cause = factories.CauseFactory()
    plan = factories.ActionPlanFactory(
        owner=lead, cause=cause, group=factories.SupportGroupFactory(), state="done", ended_at=NOW, outcome="Quicker.",
        shipped_on=timezone.localdate(),
    )  # fmt: skip
    answer = factories.GroupAnswerFactory(kind="change", group=plan.group, plan=plan, change_from="2026-01-01", by=lead)
    asked = factories.GroupRequestFactory(attempt__call__owner=ana, hashtag__group=plan.group, answer=answer)
    html = text(signed_in(ana).get(of(ana)))
    assert f'href="{asked.get_absolute_url()}"' in html
    assert plan.get_absolute_url() not in html
    assert f'href="{plan.get_absolute_url()}"' in text(signed_in(lead).get(of(lead)))


def test_a_card_without_anything_says_where_to_look(ana):
    assert "Nothing stands on this card for this month yet." in text(signed_in(ana).get(of(ana)))


def test_months_can_be_looked_back_at_and_none_is_ahead(ana):
    saved_by(ana)
    html = text(signed_in(ana).get(of(ana), {"month": "2025-01"}))
    assert "January 2025" in html
    assert "Sara Lind" not in html
    assert 'rel="next"' in html
    assert 'rel="next"' not in text(signed_in(ana).get(of(ana)))


def test_promises_beyond_fifty_are_on_the_next_page(ana):
    for n in range(51):
        saved_call = factories.CallFactory(owner=ana, owned_since=NOW - DAY, due_at=NOW + DAY, state="done",
                                           ended_at=NOW - timedelta(seconds=n))  # fmt: skip
        factories.CallAttemptFactory(call=saved_call, by=ana, at=saved_call.ended_at)
    first = text(signed_in(ana).get(of(ana)))
    assert first.count("Called by the day it was due") == 50
    assert "from=50" in first
    rest = text(signed_in(ana).get(of(ana), {"from": "50"}))
    assert rest.count("Called by the day it was due") == 1


@pytest.mark.parametrize("begin", ["soon", "-1", "9" * 40, "٣"])
def test_what_is_no_place_to_begin_is_the_beginning(ana, begin):
    saved_by(ana)
    assert "Called by the day it was due" in text(signed_in(ana).get(of(ana), {"from": begin}))


def test_the_card_of_one_who_did_much_costs_what_that_of_one_who_did_little_does(ana):
    client = signed_in(ana)

    def asked():
        with CaptureQueriesContext(connection) as queries:
            client.get(of(ana))
        return len(queries)

    saved_by(ana)
    kept_by(ana)
    factories.RecognitionFactory(person=ana)
    client.get(of(ana))
    one = asked()
    for n in range(19):
        saved_by(ana, name=f"Customer {n}")
        kept_by(ana)
        factories.RecognitionFactory(person=ana, customer=factories.CustomerFactory())
    assert asked() == one


# --- all cards


def test_leads_see_all_in_the_order_of_names_with_what_they_did_together(ana, lead):
    saved_by(ana)
    ben = factories.UserFactory(first_name="Aaron", last_name="Zed")
    html = text(signed_in(lead).get(reverse("surveys:scorecards"))).split('id="cards-title"')[1]
    assert html.index("Aaron Zed") < html.index("Ana Reyes") < html.index("Lea Marsh")
    assert "Sara Lind" in html
    assert of(ben) in html


def test_a_team_is_narrowed_to_its_members(ana, lead):
    team = ana.teams.get()
    client = signed_in(lead)
    query = {"team": team.pk}
    html = text(client.get(reverse("surveys:scorecards"), query, headers={"HX-Request": "true", "HX-Target": "found"}))
    assert "Ana Reyes" in html
    assert "Lea Marsh" not in html
    assert "<html" not in html


def test_a_team_nobody_is_in_says_so(lead):
    query = {"team": factories.TeamFactory().pk}
    assert "Nobody is in this team." in text(signed_in(lead).get(reverse("surveys:scorecards"), query))


def test_twenty_cards_cost_what_one_does(ana, lead):
    client, url = signed_in(lead), reverse("surveys:scorecards")
    saved_by(ana)
    client.get(url)

    def asked():
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        return len(queries)

    one = asked()
    for n in range(19):
        saved_by(factories.UserFactory(), name=f"Customer {n}")
    assert asked() == one


def test_more_people_than_fit_are_on_the_next_page_and_the_sum_is_of_all(lead):
    for n in range(52):
        factories.UserFactory(first_name=f"Person {n:02}")
    saved_by(factories.UserFactory(first_name="Zoe", last_name="Zander"))
    client, url = signed_in(lead), reverse("surveys:scorecards")
    html = text(client.get(url))
    assert "Zoe" not in html
    assert '<strong class="recognition__n">1</strong> customer saved' in html
    more = re.search(r'hx-get="([^"]+)"[^>]*hx-target="#more"', html)[1].replace("&amp;", "&")
    assert "Zoe" in text(client.get(more, headers={"HX-Request": "true", "HX-Target": "more"}))


def test_the_cards_can_be_taken_away(ana, lead):
    saved_by(ana)
    response = signed_in(lead).get(reverse("surveys:scorecards_export"))
    lines = b"".join(response.streaming_content).decode().splitlines()
    (line,) = [line for line in lines if "Ana Reyes" in line]
    assert line.split(",")[3:8] == ["1", "1", "1", "0", "0"]


# --- thanks by name


def say(by, **data):
    return signed_in(by).post(reverse("surveys:recognise"), {"what": "other", "words": "Well done", **data})


def test_somebody_is_thanked_for_what_the_page_knows(ana, lead):
    call = saved_by(ana)
    query = {"person": ana.pk, "what": "saved", "about": f"customer:{call.customer.pk}"}
    assert "For: Sara Lind" in text(signed_in(lead).get(reverse("surveys:recognise"), query))
    assert say(lead, **query).url == of(ana)
    made = Recognition.objects.get()
    assert (made.person, made.what, made.customer, made.by) == (ana, "saved", call.customer, lead)


def test_who_may_not_see_the_card_comes_back_to_their_own(ana):
    ben = factories.UserFactory()
    assert say(ben, person=ana.pk).url == of(ben)


@pytest.mark.parametrize("about", ["customer:0", "customer:x", "case:1", "user:1", "customer:" + "9" * 30, ":", "call"])
def test_what_cannot_be_read_or_seen_is_for_nothing_in_particular(ana, about):
    member = factories.UserFactory(role="support")
    assert say(member, person=ana.pk, about=about).status_code == 302
    assert Recognition.objects.get().subject is None


def test_without_words_or_to_oneself_it_is_refused_and_nothing_typed_is_lost(ana, lead):
    assert "This field is required." in text(say(lead, person=ana.pk, words=""), 422)
    html = text(say(lead, person=lead.pk, words="Well done me"), 422)
    assert "Well done me" in html
    assert "Select a valid choice" in html


def test_thanks_are_taken_back_by_who_said_them(ana):
    ben = factories.UserFactory()
    mine = factories.RecognitionFactory(person=ana, by=ben)
    url = reverse("surveys:recognition_take_back", args=[mine.pk])
    assert signed_in(factories.UserFactory()).post(url).status_code == 404
    assert signed_in(ben).post(url).url == of(ben)
    assert not Recognition.objects.standing().exists()


# --- advocates


@pytest.fixture
def advocate(lead):
    customer = factories.CustomerFactory(name="Sara Lind")
    factories.IdentityFactory(kind="email", place="", value="sara@example.com", customer=customer)
    consent.record(customer=customer, purpose="marketing", state="given", how="By phone", by=lead)
    return factories.AdvocateReasonFactory(advocate__customer=customer).advocate


def page(person, **query):
    return text(signed_in(person).get(reverse("surveys:advocates"), query))


def test_candidates_stand_with_what_shows_it(advocate, lead):
    html = page(lead)
    assert "Sara Lind" in html
    assert "What a team!" in html
    assert "Invite" in html


def test_executives_look_and_do_nothing(advocate):
    html = page(factories.UserFactory(role="executive"))
    assert "Sara Lind" in html
    assert reverse("surveys:advocate_invite", args=[advocate.pk]) not in html


def test_who_may_not_be_invited_stands_with_why_and_with_open_cases(advocate, lead):
    consent.record(customer=advocate.customer, purpose="marketing", state=None, how="Unclear", by=lead)
    factories.CaseFactory(customer=advocate.customer)
    html = page(lead)
    assert "Not to be invited in writing: Nobody has asked them about it" in html
    assert "1 open case" in html


def test_an_invitation_is_proposed_changed_and_sent(advocate, lead):
    url = reverse("surveys:advocate_invite", args=[advocate.pk])
    client = signed_in(lead)
    assert "Would you tell others" in text(client.get(url))
    assert (
        client.post(url, {"text": "Dear Sara, would you?"}).url == f"/advocates/?state=invited#advocate-{advocate.pk}"
    )
    assert Delivery.objects.get().message.text == "Dear Sara, would you?"  # they have written where it can be private


def test_a_refusal_stands_beside_the_letter_which_stays(advocate, lead):
    client, url = signed_in(lead), reverse("surveys:advocate_thank", args=[advocate.pk])
    client.post(url, {"text": "Thank you!"})
    html = text(client.post(url, {"text": "Thank you once more!"}), 422)
    assert "They were thanked on" in html
    assert "Thank you once more!" in html


def test_a_yes_without_how_we_know_is_refused_beside_the_field(advocate, lead):
    client, url = signed_in(lead), reverse("surveys:advocate_answer", args=[advocate.pk])
    assert "Say how we know" in text(client.post(url, {"said": "yes", "how": " "}), 422)
    client.post(url, {"said": "yes", "how": "In a call"})
    advocate.refresh_from_db()
    assert (advocate.state, advocate.how) == ("advocate", "In a call")
    assert "In a call" in page(lead, state="advocate")


@pytest.mark.parametrize("name", ["advocate_answer", "advocate_end"])
def test_how_we_know_in_too_many_words_is_not_called_none_and_stays_as_typed(advocate, lead, name):
    url = reverse(f"surveys:{name}", args=[advocate.pk])
    html = text(signed_in(lead).post(url, {"said": "yes", "how": "W" * 301}), 422)
    assert "at most 300 characters" in html
    assert "Say how we know" not in html
    assert f'value="{"W" * 301}"' in html
    assert Advocate.objects.get().state == "candidate"


def test_an_end_can_be_taken_back(advocate, lead):
    client = signed_in(lead)
    client.post(reverse("surveys:advocate_end", args=[advocate.pk]), {"how": "By mistake"})
    assert Advocate.objects.get().state == "ended"
    client.post(reverse("surveys:advocate_again", args=[advocate.pk]))
    assert Advocate.objects.get().state == "candidate"


def test_records_that_stand_for_nobody_are_not_there(advocate, lead):
    type(advocate.customer).objects.update(erased_at=timezone.now())
    assert "Nobody waits to be asked." in page(lead)


def test_the_list_of_advocates_costs_the_same_for_twenty(advocate, lead):
    client, url = signed_in(lead), reverse("surveys:advocates")
    factories.AdvocateLetterFactory(advocate=advocate, kind="thank")
    client.get(url)

    def asked():
        with CaptureQueriesContext(connection) as queries:
            client.get(url)
        return len(queries)

    one = asked()
    for _n in range(19):
        more = factories.AdvocateReasonFactory().advocate
        factories.AdvocateReasonFactory(advocate=more)
        factories.AdvocateLetterFactory(advocate=more, kind="thank")
    assert asked() == one


def test_advocates_can_be_taken_away(advocate, lead):
    response = signed_in(lead).get(reverse("surveys:advocates_export"), {"query": "state=all"})
    lines = b"".join(response.streaming_content).decode().splitlines()
    assert any("Sara Lind" in line and line.endswith("0,1,0") for line in lines)
