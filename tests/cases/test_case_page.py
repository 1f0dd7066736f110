"""The page of a case, its pane beside the queue, and how each move answers."""

import pytest

from cases import assignment, resolution
from cases.models import Case
from channels_app.models import Channel
from crm.models import Activity
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def url(case, what=""):
    return f"/cases/{case.pk}/{what}"


def test_the_page_shows_the_conversation_and_where_the_case_stands(case, agent, as_user):
    factories.NoteFactory(case=case, by=agent, text="Rang the station.")
    page = as_user(agent).get(url(case)).content.decode()
    for fact in (f"#{case.pk}", case.customer.name, "My train is late again", "Rang the station.", "Placed by no rule"):
        assert fact in page
    assert f'data-stream="case:{case.pk}"' in page


def test_the_pane_is_the_same_without_the_page_around_it(case, agent, as_user):
    pane = as_user(agent).get(url(case, "pane/"), headers=HTMX).content.decode()
    assert pane.count('id="case-pane"') == 1
    assert "<html" not in pane


def test_the_conversation_alone_can_be_fetched_again(case, agent, as_user):
    text = as_user(agent).get(url(case, "conversation/"), headers=HTMX).content.decode()
    assert 'id="conversation"' in text
    assert "case-pane" not in text


def test_a_conversation_of_markup_is_shown_as_written(channel, agent, as_user):
    case = factories.CaseFactory(channel=channel, message="<script>alert('&')</script>", subject="<b>bold</b>")
    page = as_user(agent).get(url(case)).content.decode()
    assert "&lt;script&gt;alert(&#x27;&amp;&#x27;)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "<b>bold" not in page


@pytest.mark.parametrize("what", ["", "pane/", "conversation/"])
def test_a_case_of_another_team_is_not_found(case, stranger, as_user, what):
    assert as_user(stranger).get(url(case, what)).status_code == 404


def test_a_case_that_never_was_is_not_found(agent, as_user):
    for pk in (1, 10**30):
        assert as_user(agent).get(f"/cases/{pk}/").status_code == 404


# --- moves


def test_a_plain_form_leads_back_to_the_case(case, agent, as_user):
    response = as_user(agent).post(url(case, "take/"))
    assert (response.status_code, response["Location"]) == (302, url(case))


def test_htmx_gets_the_pane_as_it_is_now(case, agent, as_user):
    response = as_user(agent).post(url(case, "take/"), headers=HTMX)
    text = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in text
    assert 'id="case-pane"' in text
    assert response.context["case"].owner == agent
    assert f'action="/cases/{case.pk}/release/"' in text
    assert f'action="/cases/{case.pk}/take/"' not in text


def test_a_refusal_is_the_same_pane_with_the_sentence(case, agent, colleague, as_user):
    assignment.take(case=case, by=colleague)
    response = as_user(agent).post(url(case, "take/"), headers=HTMX)
    text = response.content.decode()
    assert response.status_code == 422
    assert "Ben Okafor has this case already." in text
    assert "<html" not in text


def test_a_refusal_after_a_plain_form_is_the_whole_page_with_the_sentence(case, agent, colleague, as_user):
    assignment.take(case=case, by=colleague)
    response = as_user(agent).post(url(case, "take/"))
    assert response.status_code == 422
    assert "Ben Okafor has this case already." in response.content.decode()
    assert "<html" in response.content.decode()


def test_give_back_and_give_to_a_colleague_on_the_screen(case, agent, colleague, as_user):
    client = as_user(agent)
    client.post(url(case, "take/"))
    client.post(url(case, "release/"))
    client.post(url(case, "assign/"), {"owner": colleague.pk})
    assert Case.objects.get().owner == colleague


@pytest.mark.parametrize("owner", ["", "0", "nonsense"])
def test_giving_to_nobody_asks_for_somebody(case, agent, as_user, owner):
    response = as_user(agent).post(url(case, "assign/"), {"owner": owner}, headers=HTMX)
    assert response.status_code == 422
    assert "Choose the colleague who gets this case." in response.content.decode()


def test_who_does_not_answer_is_not_offered(case, agent, as_user):
    factories.UserFactory(role="sales", first_name="Sam", last_name="Seller")
    factories.UserFactory(is_active=False, first_name="Gone", last_name="Away")
    page = as_user(agent).get(url(case)).content.decode()
    assert "Ana Ruiz</option>" in page
    assert "Sam Seller" not in page
    assert "Gone Away" not in page


@pytest.mark.parametrize("what", ["take", "release", "assign", "reply", "note", "resolve", "reopen"])
def test_a_move_is_never_made_by_following_a_link(case, agent, as_user, what):
    assert as_user(agent).get(url(case, f"{what}/")).status_code == 405


def test_what_an_agent_may_not_do_is_not_offered(case, agent, colleague, as_user):
    assignment.take(case=case, by=colleague)
    text = as_user(agent).get(url(case, "pane/"), headers=HTMX).content.decode()
    for what in ("take", "release", "assign"):
        assert f'action="/cases/{case.pk}/{what}/"' not in text


# --- joined cases


@pytest.fixture
def joined(case, channel):
    gone = factories.CaseFactory(channel=channel)
    Case.objects.filter(pk=gone.pk).update(state="merged", merged_into=case)
    return gone


def test_a_case_joined_to_another_leads_to_it(joined, case, agent, as_user):
    client = as_user(agent)
    assert client.get(url(joined)).context["case"] == case
    assert client.get(f"/queue/?case={joined.pk}").context["case"] == case


def test_what_is_done_in_a_case_joined_to_another_happens_there(joined, case, agent, as_user):
    as_user(agent).post(url(joined, "take/"))
    case.refresh_from_db()
    assert case.owner == agent


# --- another try


def test_a_failed_reply_can_be_sent_again(case, agent, as_user):
    delivery = factories.DeliveryFactory(case=case, by=agent, state="failed", reason="Refused", attempts=8)
    client = as_user(agent)
    assert f'action="/cases/{case.pk}/retry/{delivery.pk}/"' in client.get(url(case)).content.decode()
    assert client.post(url(case, f"retry/{delivery.pk}/"), headers=HTMX).status_code == 200
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("queued", 0)


def test_a_reply_on_its_way_is_not_sent_again(case, agent, as_user):
    delivery = factories.DeliveryFactory(case=case, by=agent)
    response = as_user(agent).post(url(case, f"retry/{delivery.pk}/"), headers=HTMX)
    assert response.status_code == 422
    assert "there is nothing to try again" in response.content.decode()


@pytest.fixture
def mailed(channel, case, agent):
    """A reply in doubt on a network that cannot be asked."""
    Channel.objects.filter(pk=channel.pk).update(platform="email")
    return factories.DeliveryFactory(case=case, by=agent, state="in_doubt")


@pytest.mark.parametrize(("move", "state"), [("arrived", "sent"), ("send-again", "queued")])
@pytest.mark.parametrize("headers", [HTMX, {}])
def test_a_reply_nobody_can_ask_about_is_settled_by_hand(mailed, case, agent, cause, as_user, move, state, headers):
    client, then = as_user(agent), url(case, f"{move}/{mailed.pk}/")
    html = client.get(url(case)).content.decode()
    assert f'action="{then}"' in html
    assert f'hx-post="{then}"' in html
    assert "Ask the network again" not in html
    assert "they may get it twice" in html
    assert client.post(then, headers=headers).status_code == (200 if headers else 302)
    mailed.refresh_from_db()
    assert mailed.state == state
    assert Activity.objects.about(case).get(verb__startswith="reply ").by == agent
    assert resolution.resolve(case=case, cause=cause, by=agent).state == "resolved"


def test_what_a_colleague_decided_before_stands_beside_it(mailed, case, agent, as_user):
    client = as_user(agent)
    client.post(url(case, f"arrived/{mailed.pk}/"))
    response = client.post(url(case, f"send-again/{mailed.pk}/"), headers=HTMX)
    assert (response.status_code, "not in doubt any more: sent" in response.content.decode()) == (422, True)
    assert Activity.objects.about(case).filter(verb__startswith="reply ").count() == 1


def test_where_the_network_can_be_asked_it_is_asked(case, agent, as_user):
    delivery = factories.DeliveryFactory(case=case, by=agent, state="in_doubt")
    client = as_user(agent)
    html = client.get(url(case)).content.decode()
    assert "Ask the network again" in html
    assert "It arrived" not in html
    assert "Send again" not in html
    assert client.post(url(case, f"arrived/{delivery.pk}/"), headers=HTMX).status_code == 422


@pytest.mark.parametrize("move", ["arrived", "send-again"])
def test_a_reply_in_doubt_of_another_case_is_not_settled_here(case, channel, agent, as_user, move):
    elsewhere = factories.DeliveryFactory(case=factories.CaseFactory(channel=channel), by=agent, state="in_doubt")
    assert as_user(agent).post(url(case, f"{move}/{elsewhere.pk}/")).status_code == 404


def test_a_reply_of_another_case_is_not_found_there(case, channel, agent, as_user):
    elsewhere = factories.DeliveryFactory(case=factories.CaseFactory(channel=channel), by=agent, state="failed")
    assert as_user(agent).post(url(case, f"retry/{elsewhere.pk}/")).status_code == 404


# --- from a message, from a customer


def test_a_message_leads_to_its_case(case, agent, as_user):
    message = case.entries.get().message_id
    assert as_user(agent).get(f"/cases/of-message/{message}/")["Location"] == url(case)


def test_a_message_of_another_teams_case_leads_to_its_customer(case, stranger, as_user):
    message = case.entries.get().message_id
    assert as_user(stranger).get(f"/cases/of-message/{message}/")["Location"] == f"/customers/{case.customer_id}/"


def test_a_customers_cases_are_those_one_may_see(case, channel, stranger, agent, as_user):
    hidden = factories.CaseFactory(customer=case.customer, subject="Not for you")
    text = as_user(agent).get(f"/cases/of-customer/{case.customer_id}/").content.decode()
    assert f"#{case.pk} " in text
    assert f"#{hidden.pk} " not in text
    assert "No case you may see." in as_user(stranger).get(f"/cases/of-customer/{case.customer_id}/").content.decode()
