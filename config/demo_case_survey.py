"""The short survey after Skylark's cases: asked for two months, and answered by some."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from django.utils import timezone

from cases.models import Case
from config.demo_surveyed import told
from crm.models import User
from surveys import after_case, building, themes
from surveys.models import Answer, Invitation, Response, Survey, Version

SEED, LANGUAGES = 13, ("en", "de", "es", "fr")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
State = Invitation.State


def load(by: User) -> None:
    """Asked for two months; a new version is in use from now on, so that nothing of the past is asked by itself."""
    chance, now = Random(SEED), timezone.now()
    first = building.start(name="After a case", kind=Survey.Kind.CASE, brand="Skylark", languages=LANGUAGES, by=by)
    Version.objects.filter(pk=first.pk).update(made_at=now - 61 * DAY, sent_at=now - 60 * DAY)
    satisfied, better = first.questions.order_by("position")
    cases = Case.objects.filter(state=Case.State.RESOLVED, customer__invitations=None, resolved_at__gt=now - 14 * DAY)
    asked = cases.order_by("customer", "-resolved_at", "-pk").distinct("customer")
    invitations = [
        _of_a_case(chance, case, first) for case in asked if case.resolved_at and case.resolved_at < now - 30 * HOUR
    ]
    Invitation.objects.bulk_create(invitations)
    responses = [_of_an_invitation(each) for each in invitations if each.state == State.ANSWERED]
    Response.objects.bulk_create(responses)
    for response in responses:
        number = chance.choices((5, 4, 3, 2, 1), (40, 28, 12, 10, 10))[0]
        Answer.objects.create(response=response, question=satisfied, number=number)
        if number <= 3:
            text = chance.choice(told()["said"]["en"]["support"]["criticism"])
            Answer.objects.create(response=response, question=better, text=text)
    after_case.put_to_use(version=building.new_version(survey=first.survey, by=by), by=by)
    themes.catch_up()


def _of_a_case(chance: Random, case: Case, version: Version) -> Invitation:
    sent = (case.resolved_at or case.opened_at) + 24 * HOUR
    answered, ended = chance.random() < 0.4, min(timezone.now(), sent + 5 * HOUR)
    return Invitation(
        customer=case.customer, case=case, version=version, by=Invitation.By.PRIVATE, identity=case.identity,
        due_at=sent, sent_at=sent, expires_at=sent + 30 * DAY, opened_at=ended if answered else None,
        state=State.ANSWERED if answered else State.SENT, ended_at=ended if answered else None,
    )  # fmt: skip


def _of_an_invitation(invitation: Invitation) -> Response:
    at = invitation.ended_at or timezone.now()
    language = invitation.customer.language or "en"
    return Response(invitation=invitation, language=language, started_at=at, finished_at=at)
