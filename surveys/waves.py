"""A wave from its draft to its end: every step is one locked row or one conditional UPDATE.

What `start` begins, `surveys.planning` works off. Nothing leaves before all of a wave is planned.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Case, DateTimeField, Exists, ExpressionWrapper, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce, Least
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import live
from channels_app.live import News
from crm import handoff, notices
from crm.errors import Refused
from crm.models import Notice, User
from crm.models.activity import log
from surveys import building, effort, sampling
from surveys.models import Invitation, SurveySettings, Version, Wave
from surveys.models.waves import YEAR, InvitationQuerySet
from surveys.sampling import Draw

PLAN = "surveys.jobs.plan_wave"
State, Sent = Wave.State, Invitation.State


class NotNow(Refused):
    sentence = gettext_lazy("This wave is not at that point: it is “{state}”. Load the page again.")


class NotReady(Refused):
    sentence = gettext_lazy("The survey cannot be sent yet: {why}")


class TooMuchEffort(Refused):
    sentence = gettext_lazy("{finding} Change the survey, or say why it is sent all the same.")


class RestTooShort(Refused):
    sentence = gettext_lazy("Between two surveys everybody rests for {days} days at least: the settings say so.")


class TooFarApart(Refused):
    sentence = gettext_lazy(
        "Who rests now for {rest} days and is asked in the next wave, {gap} days from now, would go longer than a year"
        " unasked. Choose an earlier next wave, or a shorter rest."
    )


class NextTooSoon(Refused):
    sentence = gettext_lazy("The next wave comes after this one has opened.")


class OverAlready(Refused):
    sentence = gettext_lazy("This wave would close before it could ask anybody. Choose a later day on which it closes.")


class TooSlow(Refused):
    sentence = gettext_lazy(
        "At {per_hour} an hour the last of {count} invitations would leave after the wave has closed. Send more an"
        " hour, or close later."
    )


class NoShare(Refused):
    sentence = gettext_lazy("Ask at least 1 in 100 of those who need not be asked: the figures need somebody.")


class NobodyToAsk(Refused):
    sentence = gettext_lazy("Nobody of this audience can be asked now. The list beside it says why.")


# --- before it starts


@transaction.atomic
def draft(*, by: User, **facts: Any) -> Wave:
    """A wave in the making, with a seed of its own unless one is given."""
    wave = Wave.objects.create(made_by=by, **{"seed": secrets.token_hex(8), **facts})
    log("drafted", wave, by=by, detail=str(wave.version))
    return wave


@transaction.atomic
def change(*, wave: Wave, by: User, **facts: Any) -> Wave:
    """Raises NotNow once it has started."""
    locked = _locked(wave, State.DRAFT)
    for name, value in facts.items():
        setattr(locked, name, value)
    locked.save(update_fields=list(facts))
    log("changed", locked, by=by)
    return locked


@transaction.atomic
def discard(*, wave: Wave, by: User) -> None:
    """Drop a draft. Raises NotNow once it has started."""
    locked = _locked(wave, State.DRAFT)
    log("discarded", locked, by=by, detail=locked.name)
    locked.delete()


def hindrances(wave: Wave, drawn: Draw, *, now: datetime) -> Iterator[Refused]:
    """What keeps it from being started, each as a finished sentence."""
    version = Version.objects.with_questions().get(pk=wave.version_id)
    if missing := building.ready(version):
        yield NotReady(why=" ".join(missing))
    if version.is_draft and version.survey.retired_at:
        yield NotReady(why=_("It was retired."))
    if (failing := effort.check(version, drawn.audience).failed) and not wave.effort_reason.strip():
        yield TooMuchEffort(finding=failing[0].sentence)
    if wave.share < 1:
        yield NoShare()
    yield from _days_that_hinder(wave, drawn, now)
    if not drawn.asked:
        yield NobodyToAsk()


def _days_that_hinder(wave: Wave, drawn: Draw, now: datetime) -> Iterator[Refused]:
    least = SurveySettings.current().rest_days
    if wave.rest_days < least:
        yield RestTooShort(days=least)
    opens_on = sampling.day_of(wave.opens_at)
    if wave.next_on <= opens_on:
        yield NextTooSoon()
    gap = (drawn.before - opens_on).days
    if wave.rest_days + gap >= YEAR:  # not even on the day: clocks may be changed in between
        yield TooFarApart(rest=wave.rest_days, gap=gap)
    if wave.closes_at <= max(now, wave.opens_at):
        yield OverAlready()
    elif sampling.last_at(wave, drawn.asked) >= wave.closes_at:
        yield TooSlow(per_hour=wave.per_hour, count=drawn.asked)


# --- what a person does


@transaction.atomic
def start(*, wave: Wave, by: User) -> Wave:
    """Draw, freeze the survey, and begin to plan. It opens now, unless a later day is set.

    Raises NotNow, or the first of the `hindrances`.
    """
    locked, now = _locked(wave, State.DRAFT), timezone.now()
    locked.opens_at = max(locked.opens_at, now)
    drawn = sampling.draw(locked)
    for refusal in hindrances(locked, drawn, now=now):
        raise refusal
    Version.objects.drafts().filter(pk=locked.version_id).update(sent_at=now)
    locked.strata, locked.left_out, locked.state = drawn.strata, drawn.left_out, State.RUNNING
    locked.save(update_fields=["opens_at", "strata", "left_out", "state"])
    reason = f". All the same: {locked.effort_reason}" if locked.effort_reason else ""
    log("started", locked, by=by, detail=f"{drawn.asked} of {drawn.audience} people, seed {locked.seed}{reason}")
    handoff.nudge(PLAN, locked.pk, queue="default")
    return _changed(locked)


@transaction.atomic
def pause(*, wave: Wave, by: User) -> Wave:
    """Nothing more leaves. Links that were sent still work. Raises NotNow."""
    moved = Wave.objects.filter(pk=wave.pk, state=State.RUNNING).update(state=State.PAUSED, paused_at=timezone.now())
    return _moved(wave, moved, "paused", by)


@transaction.atomic
def resume(*, wave: Wave, by: User) -> Wave:
    """Whoever was not asked yet is lined up from now on: no crowd of what was due meanwhile. Raises NotNow."""
    moved = Wave.objects.filter(pk=wave.pk, state=State.PAUSED).update(state=State.RUNNING, paused_at=None)
    found = _moved(wave, moved, "resumed", by)
    if found.planned_at:
        sampling.pace(found, since=max(found.opens_at, timezone.now()))
    return found


@transaction.atomic
def extend(*, wave: Wave, closes_at: datetime, by: User) -> Wave:
    """Close on another day: later, or sooner, but still to come. Raises NotNow, OverAlready."""
    locked = _locked(wave, *Wave.OPEN)
    if closes_at <= max(timezone.now(), locked.opens_at):
        raise OverAlready
    locked.closes_at = closes_at
    locked.save(update_fields=["closes_at"])
    valid = Value(timedelta(days=SurveySettings.current().valid_days))
    runs_out = ExpressionWrapper(Coalesce("sent_at", "due_at") + valid, output_field=DateTimeField())
    _of(locked).open().update(expires_at=Least(Value(closes_at), runs_out))
    log("extended", locked, by=by, detail=f"until {closes_at:%Y-%m-%d %H:%M %Z}")
    return _changed(locked)


@transaction.atomic
def close(*, wave: Wave, by: User | None) -> Wave:
    """No further answers. What has not left never does; what is leaving just now ends by `expire`. Raises NotNow."""
    locked, now = _locked(wave, *Wave.OPEN), timezone.now()
    locked.state, locked.closed_at, locked.paused_at = State.CLOSED, now, None
    locked.save(update_fields=["state", "closed_at", "paused_at"])
    mine = _of(locked)
    never = _("The wave was closed before this was sent.")
    mine.filter(state=Sent.PLANNED).update(state=Sent.CANCELLED, ended_at=now, reason=never)
    mine.filter(state=Sent.SENDING).update(expires_at=now)
    mine.filter(state__in=[Sent.SENT, Sent.DOUBT]).update(state=Sent.EXPIRED, ended_at=now)
    log("closed", locked, by=by)
    tell_maker(locked, _("The wave “{name}” is closed."), by=by)
    return _changed(locked)


@transaction.atomic
def reopen(*, wave: Wave, by: User) -> Wave:
    """Undo `close`, where the wave's time is not over: all that it ended is as before. Raises NotNow, OverAlready.

    But for those who have been asked something else since: nobody has two surveys at a time.
    """
    locked = _locked(wave, State.CLOSED)
    if locked.closes_at <= timezone.now() or locked.imported:
        raise OverAlready
    elsewhere = Exists(Invitation.objects.open().filter(customer=OuterRef("customer")))
    before = Case(
        When(sent_at__isnull=False, then=Value(Sent.SENT.value)),
        When(claimed_at__isnull=False, then=Value(Sent.DOUBT.value)),
        default=Value(Sent.PLANNED.value),
    )
    ended = Q(state__in=[Sent.EXPIRED, Sent.CANCELLED], ended_at=locked.closed_at)
    _of(locked).filter(ended & ~elsewhere).update(state=before, ended_at=None, reason="")
    locked.state, locked.closed_at = State.RUNNING, None
    locked.save(update_fields=["state", "closed_at"])
    log("reopened", locked, by=by)
    return _changed(locked)


def _locked(wave: Wave, *states: str) -> Wave:
    locked = Wave.objects.select_for_update(of=("self",)).select_related("version__survey").get(pk=wave.pk)
    if locked.state not in states:
        raise NotNow(state=locked.get_state_display())
    return locked


def _moved(wave: Wave, moved: int, verb: str, by: User) -> Wave:
    found = Wave.objects.select_related("version__survey").get(pk=wave.pk)
    if not moved:
        raise NotNow(state=found.get_state_display())
    log(verb, found, by=by)
    return _changed(found)


def _of(wave: Wave) -> InvitationQuerySet:
    return Invitation.objects.filter(wave=wave)


# --- the clock


def sweep() -> None:
    """Each minute: close what is over, end links that have run out, and go on planning what was broken off."""
    now = timezone.now()
    for wave in Wave.objects.to_close(now):
        with suppress(NotNow):  # somebody closed it just now
            close(wave=wave, by=None)
    expire(now)
    for pk in Wave.objects.to_plan().values_list("pk", flat=True):
        handoff.nudge(PLAN, pk, queue="default")


@transaction.atomic
def expire(now: datetime) -> int:
    """End what can no longer be answered, whatever asked it. What is being sent just now is settled first."""
    over = Invitation.objects.to_expire(now).exclude(state=Sent.SENDING)
    waves = set(over.order_by().values_list("wave", flat=True).distinct())
    count = over.update(state=Sent.EXPIRED, ended_at=now)
    changed(pk for pk in waves if pk)
    return count


# --- telling


def changed(pks: Iterable[int]) -> None:
    """Tell the open pages of these waves to look again, after the commit."""
    live.tell([News(f"wave:{pk}", "wave", {"wave": pk}) for pk in sorted(set(pks))])


def _changed(wave: Wave) -> Wave:
    changed([wave.pk])
    return wave


def tell_maker(wave: Wave, text: str, by: User | None = None) -> None:
    if wave.made_by_id:
        told = text.format(name=wave.name)
        notices.tell([wave.made_by_id], Notice.Kind.WAVE, told, url=wave.get_absolute_url(), about=wave, by=by)


def may_follow(user: User, pk: int) -> bool:
    return Wave.objects.visible_to(user).filter(pk=pk).exists()


def register() -> None:
    live.stream_kind("wave", may_follow)
