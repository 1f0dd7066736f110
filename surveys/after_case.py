"""The short survey after a resolved case: once a case, and under the same rest as every other survey.

It is asked in the version a lead has put to use, some hours after the case was resolved (`SurveySettings.case_hours`).
Whether the case still is, and whether they may be asked, is looked at again when it leaves (`surveys.inviting`). Who
rests, has another survey open or cannot be reached is not asked about this case at all: a case of last month is no
longer worth a question.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from crm.errors import Refused
from crm.models import Customer, User
from crm.models.activity import log
from surveys import building, effort, reaching
from surveys.models import Invitation, Survey, SurveySettings, Version

STILL_NEW = timedelta(days=1)  # for so long after its end a case is found whose nudge was lost
BATCH = 5000


class NotReady(Refused):
    sentence = _("The survey cannot be sent yet: {why}")


class TakesTooLong(Refused):
    sentence = _("{finding} Change the survey, or say why it is sent all the same.")


class NotAfterCases(Refused):
    sentence = _("“{survey}” is not asked after cases. It is asked in waves.")


def in_use() -> Version | None:
    """What is asked after cases: the newest version that was put to use, of the one survey of that kind."""
    sent = Version.objects.sent().filter(survey__kind=Survey.Kind.CASE, survey__retired_at=None)
    return sent.select_related("survey").order_by("-number").first()


@transaction.atomic
def put_to_use(*, version: Version, by: User, reason: str = "") -> Version:
    """From now on resolved cases are asked about with this version, and it never changes any more.

    `reason`: why it is sent though the check of its effort fails; the log of the survey keeps it, as that of a wave
    does. Raises NotAfterCases, NotReady, TakesTooLong.
    """
    found = Version.objects.with_questions().select_for_update(of=("self",)).get(pk=version.pk)
    if found.survey.kind != Survey.Kind.CASE:
        raise NotAfterCases(survey=found.survey)
    if missing := building.ready(found):
        raise NotReady(why=" ".join(map(str, missing)))
    if (failing := effort.check(found).failed) and not reason.strip():
        raise TakesTooLong(finding=failing[0].sentence)
    if found.is_draft:
        Version.objects.drafts().filter(pk=found.pk).update(sent_at=timezone.now())
        why = f". All the same: {reason.strip()}" if failing else ""
        log("put to use", found.survey, by=by, detail=f"version {found.number}{why}")
    found.refresh_from_db()
    return found


@transaction.atomic
def plan(cases: Iterable[int] | None = None, now: datetime | None = None) -> int:
    """Invitations for these cases, or for all that were resolved of late; how many. Of several cases of one customer
    the last counts. A fixed number of queries."""
    version, now = in_use(), now or timezone.now()
    if version is None or version.sent_at is None:
        return 0
    settings = SurveySettings.current()
    wait = timedelta(hours=settings.case_hours)
    since = max(version.sent_at, now - wait - STILL_NEW)
    found = _to_ask(cases, since, settings, now)
    Invitation.objects.filter(case__in=found).delete()  # of a case that came back before anybody was asked
    made = [_invitation(case, version, wait, settings) for case in found]
    Invitation.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def _to_ask(cases: Iterable[int] | None, since: datetime, settings: SurveySettings, now: datetime) -> list[Case]:
    unasked = Q(invitation=None) | Q(invitation__state=Invitation.State.CANCELLED, invitation__sent_at=None)
    found = Case.objects.filter(unasked, state=Case.State.RESOLVED, resolved_at__gte=since)
    if cases is not None:
        found = found.filter(pk__in=list(cases))
    newest = list(found.order_by("customer", "-resolved_at", "-pk").distinct("customer")[:BATCH])
    people = Customer.objects.filter(pk__in=[case.customer_id for case in newest])
    free = reaching.may_be_asked(people, at=now, rest_days=settings.rest_days)
    return [case for case in newest if case.customer_id in free]


def _invitation(case: Case, version: Version, wait: timedelta, settings: SurveySettings) -> Invitation:
    due = (case.resolved_at or timezone.now()) + wait
    return Invitation(
        customer_id=case.customer_id, case=case, version=version, due_at=due,
        expires_at=max(due, timezone.now()) + timedelta(days=settings.valid_days),
    )  # fmt: skip
