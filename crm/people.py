"""Who can answer what, and when they are away: languages, skills, absences."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from crm import handoff
from crm.errors import Refused
from crm.models import Absence, User
from crm.models.activity import log
from crm.models.staff import UserQuerySet

ENGLISH = "en"  # what everybody writes here who named no language


class AbsenceRefused(Refused):
    field = "starts_at"  # what it stands beside in the form


class EndsBeforeItBegins(AbsenceRefused):
    sentence = _("It ends before it begins.")
    field = "ends_at"


class IsPastAlready(AbsenceRefused):
    sentence = _("This time is over already. Choose an end that is still to come.")
    field = "ends_at"


class CoversThemselves(AbsenceRefused):
    sentence = _("{person} cannot cover for themselves. Choose a colleague, or nobody.")
    field = "cover"


class CannotCover(AbsenceRefused):
    sentence = _("{person} does not answer customers, so cannot cover for anybody.")
    field = "cover"


class CoverIsAway(AbsenceRefused):
    sentence = _("{person} is away too, {span}. Choose somebody else, or nobody: then the cases go to the queue.")
    field = "cover"


class AwayAlready(AbsenceRefused):
    sentence = _("{person} is away then already, {span}. Cancel that absence first.")


class NotForYouToChange(Refused):
    sentence = _("Only {person} or a lead can change this absence.")


class IsOver(Refused):
    sentence = _("This absence is over.")


def speaks(languages: Sequence[str]) -> list[str]:
    """The languages of somebody who entered these."""
    return list(languages) or [ENGLISH]


def span(absence: Absence) -> str:
    """From when until when, on the clock of who is away."""
    here = zoneinfo.ZoneInfo(absence.user.time_zone)
    start, end = (date_format(timezone.localtime(at, here), "j M, H:i") for at in (absence.starts_at, absence.ends_at))
    return f"{start} – {end}"


def until(absence: Absence) -> str:
    return span(absence).partition(" – ")[2]


def with_absence(people: UserQuerySet, now: datetime) -> UserQuerySet:
    """Each with `is_away`."""
    return people.annotate(is_away=Exists(Absence.objects.at(now).filter(user=OuterRef("pk"))))


@transaction.atomic
def plan_absence(
    *, user: User, starts_at: datetime, ends_at: datetime, by: User, cover: User | None = None, why: str = ""
) -> Absence:
    """`user` will be away, and `cover` has their cases then. Both are locked, so that two plans never cross."""
    _check_may_change(user, by)
    people = {person.pk: person for person in _locked(user, cover)}
    absence = Absence(user=people[user.pk], starts_at=starts_at, ends_at=ends_at, why=why.strip())
    absence.cover = people[cover.pk] if cover else None
    _check(absence)
    absence.save()
    log("planned an absence", user, by=by, detail=span(absence))
    handoff.pass_on("absence_changed")
    return absence


def _locked(user: User, cover: User | None) -> list[User]:
    pks = {user.pk, *([cover.pk] if cover else [])}
    return list(User.objects.filter(pk__in=pks).order_by("pk").select_for_update())


def _check(absence: Absence) -> None:
    user, cover = absence.user, absence.cover
    if absence.ends_at <= absence.starts_at:
        raise EndsBeforeItBegins
    if absence.ends_at <= timezone.now():
        raise IsPastAlready
    if crossing := _crossing(absence, user):
        raise AwayAlready(person=user, span=span(crossing))
    if cover is None:
        return
    if cover.pk == user.pk:
        raise CoversThemselves(person=cover)
    if not (cover.answers and cover.is_active):
        raise CannotCover(person=cover)
    if crossing := _crossing(absence, cover):
        raise CoverIsAway(person=cover, span=span(crossing))


def _crossing(absence: Absence, person: User) -> Absence | None:
    crossing = Absence.objects.between(absence.starts_at, absence.ends_at).filter(user=person)
    return crossing.select_related("user").order_by("starts_at").first()


@transaction.atomic
def cancel_absence(*, absence: Absence, by: User) -> Absence:
    """One that has not begun is taken back; one that has ends now, and the cases come back within the minute."""
    _check_may_change(absence.user, by)
    now = timezone.now()
    found = Absence.objects.standing().filter(pk=absence.pk).select_for_update(of=("self",)).first()
    if found is None or found.ends_at <= now:
        raise IsOver
    if found.began_at is None:
        found.delete()
    else:
        Absence.objects.filter(pk=found.pk).update(ends_at=now)
    log("cancelled an absence", absence.user, by=by, detail=span(absence))
    handoff.pass_on("absence_changed")
    return absence


def _check_may_change(user: User, by: User) -> None:
    if user.pk != by.pk and not by.leads:
        raise NotForYouToChange(person=user)
