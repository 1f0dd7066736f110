"""The right person on screen: "Next case", what is offered to me, to whom a case is offered, and who fits."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases import offers
from cases.models import Case, Offer
from crm.models import Team, User
from tests import factories

pytestmark = pytest.mark.django_db
LIVE = {
    "HX-Request": "true",
    "HX-Target": "case-pane",
    "HX-Current-URL": "http://testserver/queue/?mood=negative&after=1",
}


def shown(answer):
    return answer.content.decode()


def fresh(case):
    return Case.objects.get(pk=case.pk)


def said(answer):
    return [str(message) for message in answer.context["messages"]]


# --- next case


def test_the_next_case_opens_beside_the_list_with_the_reason(as_user, agent, case):
    Case.objects.update(language="es")
    User.objects.filter(pk=agent.pk).update(languages=["en", "es"])
    answer = as_user(agent).post(reverse("cases:next_case"), headers=LIVE)
    assert answer.status_code == 200
    assert "Because you speak Spanish and have 0 of 25 cases." in shown(answer)
    assert f'data-case="{case.pk}"' in shown(answer)
    assert answer["HX-Push-Url"] == f"/queue/?mood=negative&case={case.pk}"
    assert fresh(case).owner == agent


def test_so_it_does_after_a_plain_form(as_user, agent, case):
    answer = as_user(agent).post(reverse("cases:next_case"), follow=True)
    assert answer.redirect_chain == [(f"/queue/?case={case.pk}", 302)]
    assert said(answer) == ["Because you have 0 of 25 cases."]


def test_nothing_waits_is_a_sentence_and_not_an_error_page(as_user, agent):
    answer = as_user(agent).post(reverse("cases:next_case"), headers=LIVE)
    assert answer.status_code == 422
    assert "Nothing waits for you. No new case is in the queue of your teams." in shown(answer)
    answer = as_user(agent).post(
        reverse("cases:next_case"), headers={"Referer": "http://testserver/queue/"}, follow=True
    )
    assert answer.redirect_chain == [("http://testserver/queue/", 302)]
    assert said(answer) == ["Nothing waits for you. No new case is in the queue of your teams."]


def test_the_queue_has_the_button_with_its_key_and_the_key_is_in_the_list(as_user, agent):
    page = shown(as_user(agent).get(reverse("cases:queue")))
    assert 'data-key="f"' in page
    assert "Fetch the next case that fits me" in page
    assert page.count('data-key="f"') == 1


# --- what is offered to me


@pytest.fixture
def offer(case, agent, lead):
    return offers.offer(case=case, to=agent, by=lead)


def test_an_offer_is_a_card_with_its_reasons_and_two_answers(as_user, agent, colleague, offer):
    page = as_user(agent).get(reverse("cases:offers"), headers={"HX-Request": "true"})
    assert "Because you have 0 of 25 cases." in shown(page)
    for answer in ("accept", "decline"):
        assert reverse(f"cases:offer_{answer}", args=[offer.pk]) in shown(page)
    assert "<html" not in shown(page)
    assert "Because you have" in shown(as_user(agent).get(reverse("cases:offers")))
    assert "Nothing is offered to you." in shown(as_user(colleague).get(reverse("cases:offers")))


def test_above_the_list_the_first_stands_alone_and_leads_to_the_others(as_user, channel, agent, lead):
    for _ in range(3):
        offers.offer(case=factories.CaseFactory(channel=channel), to=agent, by=lead)
    above = shown(as_user(agent).get(reverse("cases:offers"), headers={"HX-Request": "true"}))
    assert above.count("<article") == 1
    assert "2 more cases are offered to you" in above
    whole = shown(as_user(agent).get(reverse("cases:offers")))
    assert whole.count("<article") == 3
    assert "more case" not in whole


def test_the_card_is_gone_once_somebody_has_the_case_or_the_time_is_over(as_user, agent, colleague, offer):
    Offer.objects.update(until=timezone.now())
    assert "Nothing is offered to you." in shown(as_user(agent).get(reverse("cases:offers")))
    Offer.objects.update(until=timezone.now() + timedelta(minutes=1))
    Case.objects.update(owner=colleague, state="open")
    assert "Nothing is offered to you." in shown(as_user(agent).get(reverse("cases:offers")))


def test_accepting_opens_the_case(as_user, agent, case, offer):
    answer = as_user(agent).post(reverse("cases:offer_accept", args=[offer.pk]), headers=LIVE)
    assert answer.status_code == 200
    assert answer["HX-Push-Url"] == f"/queue/?mood=negative&case={case.pk}"
    assert "Because you have 0 of 25 cases." in shown(answer)
    assert fresh(case).owner == agent


def test_accepting_too_late_shows_the_case_and_who_has_it(as_user, agent, colleague, case, offer):
    Case.objects.update(owner=colleague, state="open")
    answer = as_user(agent).post(reverse("cases:offer_accept", args=[offer.pk]), headers=LIVE)
    assert answer.status_code == 422
    assert "Ben Okafor has this case already." in shown(answer)


@pytest.mark.parametrize("where", ["card", "pane", "plain"])
def test_declining_answers_where_it_was_said(as_user, agent, case, offer, where):
    headers = {"card": {**LIVE, "HX-Target": "offers"}, "pane": LIVE, "plain": {}}[where]
    answer = as_user(agent).post(reverse("cases:offer_decline", args=[offer.pk]), headers=headers)
    assert answer.status_code == (302 if where == "plain" else 200)
    assert ("case-pane" in shown(answer)) is (where == "pane")
    offer.refresh_from_db()
    assert offer.state == "declined"
    assert fresh(case).owner is None


# --- in the head of the case


def test_the_case_says_to_whom_it_is_offered_and_why(as_user, agent, colleague, case, offer):
    theirs = shown(as_user(colleague).get(case.get_absolute_url()))
    assert "Offered to Ana Ruiz until" in theirs
    assert "has 0 of 25 cases" in theirs
    assert reverse("cases:offer_accept", args=[offer.pk]) not in theirs
    mine = shown(as_user(agent).get(case.get_absolute_url()))
    assert "Offered to you until" in mine
    assert reverse("cases:offer_accept", args=[offer.pk]) in mine


def test_a_case_that_nobody_took_says_that_it_is_there_for_everyone(as_user, agent, colleague, case, offer):
    offers.decline(offer=offer, by=agent)
    assert "Offered to 1 colleague, who did not take it." in shown(as_user(colleague).get(case.get_absolute_url()))


# --- who fits


def test_a_lead_sees_the_best_five_with_their_reasons(as_user, lead, team, case):
    for number in range(6):
        factories.UserFactory(teams=[team], first_name=f"Nr {number}", last_name="", load_cap=10 + number)
    panel = as_user(lead).get(reverse("cases:who_fits", args=[case.pk]), headers={"HX-Request": "true"})
    assert shown(panel).count('class="fit"') == 5
    assert "has 0 of 25 cases" in shown(panel)
    assert "<html" not in shown(panel)
    assert "<html" in shown(as_user(lead).get(reverse("cases:who_fits", args=[case.pk])))


def test_a_lead_offers_it_from_there_and_the_menu_is_for_leads_alone(as_user, lead, agent, case):
    url = reverse("cases:who_fits", args=[case.pk])
    assert url in shown(as_user(lead).get(case.get_absolute_url()))
    answer = as_user(lead).post(reverse("cases:offer", args=[case.pk]), {"owner": agent.pk}, headers=LIVE)
    assert "Offered to Ana Ruiz." in shown(answer)
    assert Offer.objects.get().user == agent
    assert url not in shown(as_user(agent).get(case.get_absolute_url()))


def test_what_somebody_has_is_not_offered_but_handed_over(as_user, lead, agent, colleague, case):
    Case.objects.update(owner=agent, state="open")
    panel = shown(as_user(lead).get(reverse("cases:who_fits", args=[case.pk])))
    assert "Ana Ruiz has it: hand it over with its story." in panel
    assert reverse("cases:offer", args=[case.pk]) not in panel
    answer = as_user(lead).post(reverse("cases:offer", args=[case.pk]), {"owner": colleague.pk}, headers=LIVE)
    assert answer.status_code == 422


def test_where_nobody_fits_it_says_so(as_user, lead, case):
    User.objects.update(load_cap=0)
    assert "Nobody fits just now." in shown(as_user(lead).get(reverse("cases:who_fits", args=[case.pk])))


@pytest.mark.parametrize("size", [1, 20])
@pytest.mark.parametrize("page", ["offers", "who_fits"])
def test_the_pages_cost_the_same_for_one_and_for_twenty(as_user, channel, team, lead, size, page):
    Team.objects.update(mode="push")
    for _ in range(size):
        person = factories.UserFactory(teams=[team])
        for user in (person, lead):
            factories.OfferFactory(case=factories.CaseFactory(channel=channel), user=user)
    client, case = as_user(lead), Case.objects.first()
    url = reverse("cases:who_fits", args=[case.pk]) if page == "who_fits" else reverse("cases:offers")
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, headers={"HX-Request": "true"}).status_code == 200
    assert costs.setdefault(page, len(captured)) == len(captured), "\n".join(q["sql"][:120] for q in captured)
    assert len(captured) <= 12


costs: dict[str, int] = {}
