"""One link, one answer: with real transactions, and fifty who press at the same moment."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import consent
from crm.errors import Refused
from crm.models import ConsentChange, Customer
from surveys import answering, links, stopping
from surveys.models import Answer, Flag, Invitation, Response
from tests.channels_app.posts import at_once
from tests.surveys.asking import say, send, survey

pytestmark = pytest.mark.django_db(transaction=True)
MANY = 50


@pytest.fixture
def invitation(db):
    return send(survey())


def pressing(invitation, key, answers):
    """A browser each, and each presses one answer."""
    url = reverse("surveys:asked", args=[links.token(invitation)])
    question = invitation.version.questions.get(key=key).pk

    def press(answer):
        return lambda: Client().post(url, {"question": question, "answer": answer})

    return [press(answer) for answer in answers]


def test_fifty_first_answers_at_once_are_one_response_with_one_answer(invitation):
    found = at_once(*pressing(invitation, "nps", [str(n % 11) for n in range(MANY)]))
    assert {response.status_code for response in found} == {302}
    response, answer = Response.objects.get(), Answer.objects.get()
    assert response.score == answer.number


def test_fifty_last_answers_at_once_finish_it_once_and_the_others_are_thanked(invitation, nudges):
    say(invitation, "nps", 9)
    say(invitation, "text2", "Good")
    found = at_once(*pressing(invitation, "consent3", ["yes", "no"] * (MANY // 2)))
    thanked = reverse("surveys:asked_thanks", args=[links.token(invitation)])
    assert {(response.status_code, response.headers["Location"]) for response in found} == {(302, thanked)}
    answer = Answer.objects.get(question__kind="consent")
    change = ConsentChange.objects.get()
    assert change.to == ("given" if answer.agreed else "refused")
    assert Answer.objects.count() == 3
    assert [job for job in nudges if job[0] == "surveys.jobs.suggest_themes"] == [
        ("surveys.jobs.suggest_themes", Response.objects.get().pk)
    ]


def test_one_answers_while_another_stops_everything(invitation):
    """Whatever comes first: nobody waits for the other for ever, and nothing is kept after the no."""
    say(invitation, "nps", 9)
    say(invitation, "text2", "Good")

    def stop():
        return stopping.stop(invitation=Invitation.objects.get(pk=invitation.pk), everything=True)

    def finish():
        try:
            return say(Invitation.objects.get(pk=invitation.pk), "consent3", True)
        except Refused as refusal:
            return refusal

    _stopped, finished = at_once(stop, finish)
    held = Invitation.objects.get(pk=invitation.pk)
    assert Customer.objects.get(pk=invitation.customer_id).do_not_contact_at
    assert held.state == ("cancelled" if isinstance(finished, Refused) else "answered")
    assert Answer.objects.filter(question__kind="consent").exists() == (held.state == "answered")
    with pytest.raises(Refused):
        say(held, "consent3", False)


def test_fifty_clicks_on_unsubscribe_are_one_change(invitation):
    url = reverse("surveys:one_click", args=[links.token(invitation)])
    found = at_once(*[lambda: Client().post(url, {"List-Unsubscribe": "One-Click"})] * MANY)
    assert {response.status_code for response in found} == {200}
    assert ConsentChange.objects.count() == 1


def test_scanners_and_previews_look_and_answer_nothing(invitation):
    url = reverse("surveys:asked", args=[links.token(invitation)])
    looks = [lambda: Client().get(url, {"score": 9}), lambda: Client().head(url)] * (MANY // 2)
    assert {response.status_code for response in at_once(*looks)} == {200}
    assert not Response.objects.exists()
    invitation.refresh_from_db()
    assert (invitation.state, invitation.opened_at is not None) == ("sent", True)


def test_started_on_one_device_and_finished_on_another_it_is_one_response(invitation):
    url = reverse("surveys:asked", args=[links.token(invitation)])
    phone, computer = Client(HTTP_USER_AGENT="Phone"), Client(HTTP_USER_AGENT="Computer")
    for client, key, answer in ((phone, "nps", "2"), (computer, "text2", "Late"), (phone, "consent3", "yes")):
        pk = invitation.version.questions.get(key=key).pk
        assert client.post(url, {"question": pk, "answer": answer}).status_code == 302
    assert Response.objects.get().answers.count() == 3
    assert not Flag.objects.filter(kind="device").exists()


def test_a_no_said_to_an_agent_is_heard_by_the_very_next_answer(invitation):
    answering.look(invitation, timezone.now())
    consent.forbid(customer=invitation.customer, how="On the telephone", by=None)
    [found] = at_once(*pressing(invitation, "nps", ["9"]))
    assert found.status_code == 410
    assert not Response.objects.exists()


def test_a_forwarded_link_cannot_change_what_was_finished(invitation):
    for key, value in (("nps", 9), ("text2", "Good"), ("consent3", True)):
        say(invitation, key, value)
    before = list(Answer.objects.order_by("pk").values())
    for key, answer in (("nps", "0"), ("text2", "Bad"), ("consent3", "no")):
        at_once(*pressing(invitation, key, [answer] * 3))
    assert list(Answer.objects.order_by("pk").values()) == before
    assert Response.objects.get().score == 9
