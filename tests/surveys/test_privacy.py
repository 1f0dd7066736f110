"""What surveys hold on a person: in the copy, and what is left of it after an erasure."""

from __future__ import annotations

import json
from zipfile import ZipFile

import pytest
from django.utils import timezone

from crm.privacy import asking, working
from surveys import nps, retention
from surveys.models import Answer, Invitation, Response
from tests import factories
from tests.somebody import Somebody

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def erase(customer, by):
    request = asking.ask_for_erasure(customer=customer, confirmed=str(customer.pk), reason="person", by=by)
    working.work(request.pk)
    request.refresh_from_db()
    assert request.state == "done", request.trouble
    return request


def test_what_they_were_asked_and_said_is_in_the_copy(lead):
    whole = Somebody(lead)
    Answer.objects.filter(pk=whole.answered.pk).update(text="The guard found my cello.")
    request = asking.ask_for_copy(customer=whole.customer, reason="person", by=lead)
    working.work(request.pk)
    request.refresh_from_db()
    assert request.state == "done", request.trouble
    with ZipFile(request.file.path) as archive:
        kinds = json.loads(archive.read("data.json"))["kinds"]
    assert len(kinds["invitations"]["rows"]) == 2
    assert [row["score"] for row in kinds["responses"]["rows"]] == [9]
    assert [row["text"] for row in kinds["survey_answers"]["rows"]] == ["The guard found my cello."]
    assert [row["topic"] for row in kinds["themes"]["rows"]] == ["product"]


def test_their_score_stays_in_the_figures_as_nobodys(lead):
    wave = factories.WaveFactory()
    gone = factories.ResponseFactory(invitation__wave=wave, score=2)
    factories.ResponseFactory(invitation__wave=wave, score=10)
    answered = Response.objects.filter(invitation__wave=wave)
    before = nps.distribution(answered, least=1)
    erase(gone.invitation.customer, lead)
    assert nps.distribution(answered, least=1) == before


def test_an_open_survey_of_theirs_ends_and_its_link_leads_nowhere(lead):
    invitation = factories.InvitationFactory()
    number = invitation.number
    erase(invitation.customer, lead)
    invitation.refresh_from_db()
    assert (invitation.state, invitation.reason) == ("cancelled", "–")
    assert not Invitation.objects.filter(number=number).exists()


def test_the_numbers_of_what_is_over_change_too(lead):
    response = factories.ResponseFactory()
    number = response.invitation.number
    erase(response.invitation.customer, lead)
    assert not Invitation.objects.filter(number=number).exists()
    assert Response.objects.get(pk=response.pk).invitation.state == "answered"


def test_of_others_nothing_changes(lead):
    theirs = factories.AnswerFactory()
    number = theirs.response.invitation.number
    erase(factories.ResponseFactory().invitation.customer, lead)
    theirs.refresh_from_db()
    assert theirs.text == "The train was late again."
    assert Invitation.objects.filter(number=number).exists()


def test_devices_are_forgotten_after_half_a_year_and_no_sooner():
    old = factories.ResponseFactory(device="a", started_at=timezone.now() - retention.DEVICES_KEPT)
    young = factories.ResponseFactory(device="a")
    assert retention.forget_devices() == 1
    assert not Response.objects.get(pk=old.pk).device
    assert Response.objects.get(pk=young.pk).device == "a"
