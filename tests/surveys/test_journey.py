"""One survey, all the way: written, drawn, sent, answered from a phone, counted, and acted on; as in life."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string

from crm.models import Consent
from surveys import building, jobs, plans, waves
from surveys.models import Answer, Invitation, Response, SurveySettings, Theme, Wave
from tests import factories

pytestmark = pytest.mark.django_db
PHONE = {"HTTP_USER_AGENT": "Mozilla/5.0 (iPhone)"}


@pytest.fixture
def workers(nudges, django_capture_on_commit_callbacks):
    """`workers()` does every job that was nudged, and what follows from it; then what the clock would do."""

    def work():
        for _ in range(3):
            with django_capture_on_commit_callbacks(execute=True):
                while nudges:
                    job, *arguments = nudges.pop(0)
                    import_string(job)(*arguments)
                jobs.invite()
                jobs.suggest_themes()

    return work


@pytest.fixture
def at_once(django_capture_on_commit_callbacks):
    return lambda: django_capture_on_commit_callbacks(execute=True)


@pytest.fixture
def people(db):
    found = []
    for n in range(12):
        customer = factories.CustomerFactory(name=f"Maria Kent {n}", language="en", known_at=timezone.now())
        address = f"maria{n}@example.com"
        factories.IdentityFactory(customer=customer, kind="email", place="", value=address, handle=address)
        found.append(customer)
    return found


def answers(link, *said):
    """Somebody opens the link and answers each question they are shown, until they are thanked."""
    browser = Client(**PHONE)
    page = browser.get(link, follow=True)
    for value in said:
        shown = page.content.decode()
        question = re.search(r'name="question" value="(\d+)"', shown)
        assert question, shown
        form = {"question": question[1], "answer": value}
        page = browser.post(reverse("surveys:asked", args=[token(link)]), form, follow=True)
    return page.content.decode()


def token(link):
    return re.search(r"/s/([^/]+)/", link)[1]


def test_a_survey_goes_from_the_builder_to_a_plan_and_back_to_who_asked(
    people, lead, agent, workers, at_once, as_user, mailoutbox
):
    SurveySettings.objects.update_or_create(pk=1, defaults={"least": 2})
    version = building.start(name="Spring", kind="nps", brand="Skylark", languages=["en"], by=lead)
    opens = timezone.now()
    wave = waves.draft(
        name="Spring", version=version, share=100, opens_at=opens, closes_at=opens + timedelta(days=21),
        next_on=(opens + timedelta(days=182)).date(), by=lead,
    )  # fmt: skip
    with at_once():
        waves.start(wave=wave, by=lead)
    workers()
    assert sorted(to for mail in mailoutbox for to in mail.to) == sorted(f"maria{n}@example.com" for n in range(12))

    # three answer, one stops at the second question
    links = {mail.to[0]: re.search(r"https?://\S+/s/\S+?/(?=\s)", f"{mail.body} ")[0] for mail in mailoutbox}
    with at_once():
        thanks = answers(links["maria0@example.com"], "10", "Comfortable seats and friendly staff.", "yes")
    assert "Thank you" in thanks
    with at_once():
        answers(links["maria1@example.com"], "2", "Late again, and far too expensive.", "no")
        answers(links["maria2@example.com"], "9", "Great value for money.", "yes")
        answers(links["maria3@example.com"], "3")
    workers()
    assert Response.objects.finished().count() == 3
    assert sorted(Response.objects.scored().values_list("score", flat=True)) == [2, 3, 9, 10]
    assert Consent.objects.get(customer=people[0], purpose="call").state == "given"
    assert Invitation.objects.get(customer=people[0]).state == "answered"

    # the link is used up, and the figures say what was said
    assert "Thank you" in answers(links["maria0@example.com"])
    desk = as_user(lead)
    shown = desk.get(reverse("surveys:results"), {"wave": wave.pk}).content.decode()
    assert "Spring" in shown
    comment = Answer.objects.verbatims().get(response__score=2)
    assert {"product", "price"} <= set(Theme.objects.filter(answer=comment).values_list("topic", flat=True))
    assert "far too expensive" in desk.get(reverse("surveys:comments")).content.decode()

    # what is done about it leads to who asked, and they read it when they answer again
    plan = plans.start(title="Cheaper Fridays", owner=agent, due_on=opens.date(), by=lead, answers=[comment])
    assert "Late again" in desk.get(plan.get_absolute_url()).content.decode()
    assert "Cheaper Fridays" in desk.get(reverse("surveys:of_customer", args=[people[1].pk])).content.decode()
    waves.close(wave=wave, by=lead)
    assert Wave.objects.get().state == "closed"
    assert Invitation.objects.get(customer=people[4]).state == "expired"
    assert "Thank you" not in answers(links["maria4@example.com"])
