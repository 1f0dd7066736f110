"""What a case does with malicious messages: who may decide, what becomes of the author's cases, who is told."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Case as Choose
from django.db.models import QuerySet, Value, When
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import live, promises, told
from cases.models import Case
from channels_app import measures
from channels_app.models import Measure, Message
from channels_app.models.measures import MeasureQuerySet
from crm import notices
from crm.errors import Refused
from crm.models import Activity, Notice, User
from crm.models.activity import log

AT_ONCE = timedelta(minutes=10)  # as long one may take back without words what one has just done
DONE: dict[str, str] = {
    Measure.Kind.MUTE: "author muted",
    Measure.Kind.HIDE: "message hidden",
    Measure.Kind.BLOCK: "author blocked",
    Measure.Kind.REPORT: "author reported",
}
PROPOSED: dict[str, str] = {Measure.Kind.BLOCK: "block proposed", Measure.Kind.REPORT: "report proposed"}


class NotInThisCase(Refused):
    sentence = gettext_lazy("This message does not stand in this case.")


def visible_to(user: User) -> MeasureQuerySet:
    """Those about messages in cases that `user` may see; leads see every one."""
    if user.leads:
        return Measure.objects.against_somebody()
    mine = Case.objects.visible_to(user).order_by().values("pk")
    return Measure.objects.against_somebody().filter(message__case_entry__case__in=mine)


@transaction.atomic
def take(*, case: Case, message: Message, kind: str, reason: str, by: User, detail: str = "") -> Measure:
    """Something is done about a message of the case, or proposed. Raises what `measures.take` does."""
    if not case.entries.filter(message=message).exists():
        raise NotInThisCase
    measure = measures.take(message=message, kind=kind, reason=reason, detail=detail, by=by)
    log(
        PROPOSED.get(measure.kind, DONE[measure.kind]) if measure.waits else DONE[measure.kind],
        case,
        by=by,
        detail=_why(measure),
    )
    if measure.waits:
        _call_for_a_second(case, measure, by)
    if measure.kind == Measure.Kind.MUTE:
        _set_aside(measure, by)
    _show(case, by)
    return measure


@transaction.atomic
def second(*, measure: Measure, by: User) -> Measure:
    waited = measure.waits
    measures.second(measure=measure, by=by)
    _log(measure, by, DONE[measure.kind] if waited else "seconded", _why(measure))
    return measure


@transaction.atomic
def refuse(*, measure: Measure, by: User, why: str = "") -> Measure:
    measures.refuse(measure=measure, by=by, why=why)
    _log(measure, by, "measure refused", f"{measure.get_kind_display()}. {why}".strip())
    return measure


@transaction.atomic
def lift(*, measure: Measure, by: User, why: str = "") -> Measure:
    """It holds no longer; a muted author's cases come back. Who has just done it needs no words to take it back."""
    just_done = measure.by_id == by.pk and measure.at > timezone.now() - AT_ONCE
    measures.lift(measure=measure, by=by, why=why or (_("Taken back at once.") if just_done else ""))
    _log(measure, by, "measure lifted", f"{measure.get_kind_display()}: {measure.lifted_why}")
    author = measure.identity_id
    if measure.kind == Measure.Kind.MUTE and author and not measures.muted(measure.channel, {author}):
        _bring_back(measure, by)
    return measure


def _why(measure: Measure) -> str:
    return f"{measure.get_reason_display()}. {measure.detail}".strip()


# --- the author's cases


def _theirs(measure: Measure) -> QuerySet[Case]:
    """Cases on that channel in which the author wrote."""
    wrote = Case.objects.filter(entries__message__identity=measure.identity_id).order_by().values("pk")
    return Case.objects.filter(pk__in=wrote, channel=measure.channel_id)


def _set_aside(measure: Measure, by: User) -> None:
    """What waits in the queue and nobody has taken. One UPDATE."""
    _turn(_theirs(measure).filter(state=Case.State.NEW, owner=None), Case.State.ASIDE, by, "set aside")


def _bring_back(measure: Measure, by: User) -> None:
    """To who had it, else to the queue. One UPDATE."""
    back = Choose(When(owner=None, then=Value(Case.State.NEW)), default=Value(Case.State.OPEN))
    _turn(_theirs(measure).filter(state=Case.State.ASIDE), back, by, "brought back")


def _turn(cases: QuerySet[Case], state: object, by: User, verb: str) -> None:
    pks = list(cases.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    Case.objects.filter(pk__in=pks).update(state=state)
    Activity.objects.bulk_create(
        [Activity(verb=verb, subject_kind="cases.case", subject_id=pk, by=by) for pk in pks]
    )  # fmt: skip
    promises.settle(pks)
    told.changed(pks)
    live.cases_changed(pks, arrived=pks if verb == "brought back" else [], by=by)


# --- telling


def _show(case: Case, by: User) -> None:
    told.changed([case.pk])
    live.cases_changed([case.pk], spoken=[case.pk], by=by)


def _log(measure: Measure, by: User, verb: str, detail: str) -> None:
    case = Case.objects.filter(entries__message=measure.message_id).first()
    if case:
        log(verb, case, by=by, detail=detail)
        _show(case, by)


def _call_for_a_second(case: Case, measure: Measure, by: User) -> None:
    leads = User.objects.who_lead()
    text = _("{who} proposes: {what}. It waits for a second person.").format(who=by, what=measure.get_kind_display())
    url = reverse("cases:malicious") + f"#measure-{measure.pk}"
    notices.tell(leads.values_list("pk", flat=True), Notice.Kind.TEAM, text, url=url, about=case, by=by)
