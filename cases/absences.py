"""Whose cases are whose while somebody is away, and when somebody has left for good.

A case goes to the cover, or back to the queue of its team, and each is written down in `Lent`; at the end it comes back
unless somebody else took it. Begin and end are one conditional UPDATE of the absence each: run twice, nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases import handover_ends, live, promises, told
from cases.assignment import ON_BEING_TAKEN
from cases.models import Case, Lent
from cases.models.asked import CaseQuerySet
from cases.models.states import UNRESOLVED
from crm import notices
from crm.models import Absence, Activity, Notice, Team, User
from crm.people import span, until

AT_ONCE = 500  # cases of people who left that one run gives back
MINE = "/queue/?owner=me&state=unresolved"
# a snoozed case is somebody's: with nobody to wake it for, it is awake
ON_BEING_FREED = models.Case(
    When(state__in=(Case.State.OPEN, Case.State.SNOOZED), then=Value(Case.State.NEW)), default=F("state")
)


def keep() -> None:
    """Each minute, and when an absence was changed: what has come to its end, then what begins, then who has left."""
    now = timezone.now()
    absences = Absence.objects.select_related("user", "cover")
    for absence in list(absences.to_end(now)):
        end(absence=absence)
    for absence in list(absences.to_begin(now)):
        begin(absence=absence)
    for absence in list(absences.at(now).exclude(began_at=None)):
        lend_what_came_back(absence=absence)
    give_back_of_who_left()


# --- somebody goes


@transaction.atomic
def begin(*, absence: Absence) -> list[int]:
    """Hand their unresolved cases on. Returns the pks; none where it has begun already, or not come yet."""
    now = timezone.now()
    if not Absence.objects.to_begin(now).filter(pk=absence.pk).update(began_at=now):
        return []
    cover = _cover_of(absence, now)
    cases = _lend(absence, cover, Case.objects.filter(owner=absence.user))
    _tell_of_begin(absence, cover, len(cases))
    return cases


@transaction.atomic
def lend_what_came_back(*, absence: Absence) -> list[int]:
    """Cases of theirs that were reopened since. What they took while away, or were given then, is theirs."""
    since = Activity.objects.filter(
        subject_kind="cases.case", subject_id=OuterRef("pk"), verb__in=("taken", "assigned"), at__gte=absence.began_at
    )
    theirs = Case.objects.filter(owner=absence.user).exclude(Exists(since))
    if not theirs.unresolved().exists():
        return []
    cover = _cover_of(absence, timezone.now())
    cases = _lend(absence, cover, theirs)
    if cover and cases:
        _tell_cover(absence, cover, len(cases))
    return cases


def _cover_of(absence: Absence, now: datetime) -> User | None:
    """Who covers, unless they have left or are away themselves by now."""
    cover = absence.cover
    if cover is None or not (cover.answers and cover.is_active):
        return None
    return None if Absence.objects.at(now).filter(user=cover).exists() else cover


def _lend(absence: Absence, cover: User | None, theirs: CaseQuerySet) -> list[int]:
    cases = list(_locked(theirs).values_list("pk", flat=True))
    Lent.objects.bulk_create([Lent(absence=absence, case_id=pk) for pk in cases], ignore_conflicts=True)
    Lent.objects.filter(absence=absence, case__in=cases).update(back_at=None)  # of one lent for the second time
    _move(cases, cover)
    facts = {"person": absence.user, "until": until(absence), "cover": cover}
    if cover:
        why = _("%(person)s is away until %(until)s; %(cover)s covers") % facts
    else:
        why = _("%(person)s is away until %(until)s; it is for anyone to take") % facts
    handover_ends.end(cases, why=why, by=None)
    _say("lent", dict.fromkeys(cases, why))
    return cases


def _locked(cases: CaseQuerySet) -> CaseQuerySet:
    """In one order for everybody who locks several."""
    return cases.filter(state__in=UNRESOLVED).order_by("pk").select_for_update(of=("self",))


def _move(pks: Iterable[int], to: User | None) -> None:
    """To `to`, or to the queue of their team."""
    cases = Case.objects.filter(pk__in=list(pks))
    if to:
        cases.update(owner=to, state=ON_BEING_TAKEN)
    else:
        cases.update(owner=None, state=ON_BEING_FREED, snoozed_until=None)


def _say(verb: str, why: Mapping[int, str]) -> None:
    """To the log and to whoever looks, in a fixed number of queries."""
    Activity.objects.bulk_create(
        [Activity(verb=verb, subject_kind="cases.case", subject_id=pk, detail=text[:500]) for pk, text in why.items()]
    )
    promises.settle(why)
    told.changed(why)
    live.cases_changed(why, arrived=why)


def _tell_of_begin(absence: Absence, cover: User | None, n: int) -> None:
    facts = {"person": absence.user, "span": span(absence), "n": n, "cover": cover}
    if cover:
        _tell_cover(absence, cover, n)
        said = _("%(person)s is away, %(span)s. %(cover)s covers.")
    else:
        said = ngettext(
            "%(person)s is away, %(span)s. %(n)d case of theirs is back in the queue.",
            "%(person)s is away, %(span)s. %(n)d cases of theirs are back in the queue.", n,
        )  # fmt: skip
    notices.tell(_team_of(absence.user, but=cover), Notice.Kind.TEAM, said % facts)


def _tell_cover(absence: Absence, cover: User, n: int) -> None:
    said = ngettext(
        "%(person)s is away, %(span)s. You cover: %(n)d case is yours now.",
        "%(person)s is away, %(span)s. You cover: %(n)d cases are yours now.", n,
    )  # fmt: skip
    if not n:
        said = _("%(person)s is away, %(span)s. You cover; just now there is nothing of theirs to do.")
    facts = {"person": absence.user, "span": span(absence), "n": n}
    notices.tell([cover], Notice.Kind.GIVEN, said % facts, url=MINE)


def _team_of(user: User, *, but: User | None) -> QuerySet[User]:
    teams = Team.objects.in_use().filter(members=user)
    colleagues = User.objects.who_answer().filter(memberships__team__in=teams).distinct()
    return colleagues.exclude(pk__in=[user.pk, *([but.pk] if but else [])])


# --- and comes back


@transaction.atomic
def end(*, absence: Absence) -> list[int]:
    """Give back what nobody else took. Returns the pks; none where it is not over, or has ended already."""
    now, user = timezone.now(), absence.user
    if not Absence.objects.to_end(now).filter(pk=absence.pk).update(ended_at=now):
        return []
    lent = Case.objects.filter(pk__in=Lent.objects.filter(absence=absence, back_at=None).values("case"))
    here = user.is_active and user.answers
    back = list(_locked(_standing_in(lent, absence)).values_list("pk", flat=True)) if here else []
    elsewhere = lent.unresolved().exclude(pk__in=back).exclude(owner=user).count()
    Lent.objects.filter(case__in=back, back_at=None).update(back_at=now)
    _move(back, user)
    _say("returned", dict.fromkeys(back, _("%(person)s is back") % {"person": user}))
    if back or elsewhere:
        _tell_of_end(absence, len(back), elsewhere)
    return back


def _standing_in(lent: CaseQuerySet, absence: Absence) -> CaseQuerySet:
    """Those that nobody has, or who covers: also in the place of a cover who went away in turn."""
    passed_on = Lent.objects.filter(
        case=OuterRef("pk"), absence__cover=OuterRef("owner"), absence__ended_at=None, back_at=None
    )
    return lent.filter(Q(owner=None) | Q(owner=absence.cover_id or 0) | Exists(passed_on))


def _tell_of_end(absence: Absence, back: int, elsewhere: int) -> None:
    mine = ngettext("%(n)d case is yours again", "%(n)d cases are yours again", back) % {"n": back}
    others = ngettext("%(n)d stays with who took it", "%(n)d stay with who took them", elsewhere) % {"n": elsewhere}
    text = _("Welcome back: %(mine)s, %(others)s.") % {"mine": mine, "others": others}
    notices.tell([absence.user], Notice.Kind.GIVEN, text, url=MINE)
    if back and absence.cover:
        gone = ngettext(
            "%(person)s is back and has %(n)d case again.", "%(person)s is back and has %(n)d cases again.", back
        )
        notices.tell([absence.cover], Notice.Kind.TEAM, gone % {"person": absence.user, "n": back})


# --- and who does not


@transaction.atomic
def give_back_of_who_left() -> list[int]:
    """Cases of people who no longer answer customers go to the queues of their teams."""
    gone = Case.objects.filter(owner__isnull=False).exclude(owner__in=User.objects.who_answer().values("pk"))
    found = {case.pk: case for case in _locked(gone).select_related("owner")[:AT_ONCE]}
    _move(found, None)
    said = _("%(person)s no longer answers customers")
    handover_ends.end(found, why=_("Whoever had the case no longer answers customers."), by=None)
    _say("given back", {pk: said % {"person": case.owner} for pk, case in found.items()})
    return list(found)
