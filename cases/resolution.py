"""The end of a case, with its cause; and its return."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases import checklists, commitments, handover_ends, live, promises, rights, rules_engine, told
from cases.causes import CauseRetired
from cases.likely import taken
from cases.models import Case, Cause, Outcome, Rule
from cases.models.states import UNRESOLVED
from channels_app.models import Message
from crm import handoff
from crm.errors import Refused
from crm.models import Activity, User
from crm.models.activity import log


class AlreadyResolved(Refused):
    sentence = _("{who} has resolved this case already.")


class NotResolved(Refused):
    sentence = _("This case is not resolved, so it cannot be reopened.")


class ReplyStillInDoubt(Refused):
    sentence = _(
        "A reply in this case is still in doubt or was not sent."
        " Settle it first, so that the customer is not left waiting."
    )


class OpenAgainAlready(Refused):
    sentence = _("The customer has written again: case #{case} is open on the same conversation. Go on there.")


@transaction.atomic
def resolve(*, case: Case, cause: Cause, outcome: str = Outcome.SOLVED, by: User, shown: Sequence[int] = ()) -> Case:
    """Resolve an unresolved case. What was said last must have left, or be on its way; its checklist must be done.

    `shown`: the causes that were suggested, the likeliest first.
    """
    current = Case.objects.locked(case.pk)
    if not current.is_unresolved:
        raise AlreadyResolved(who=current.resolved_by or _("Somebody"))
    if cause.retired_at:
        raise CauseRetired(cause=cause)
    if Case.objects.filter(pk=case.pk).with_unsettled_reply().exists():
        raise ReplyStillInDoubt
    rights.refuse_while_one_waits(current)
    commitments.refuse_while_one_stands(current)
    checklists.refuse_while_one_is_open(current, cause)
    _close([current.pk], cause, outcome, by)
    taken.note(current, chosen=cause, shown=shown)
    current.refresh_from_db()
    return current


@transaction.atomic
def resolve_many(*, cases: Iterable[int], cause: Cause, outcome: str = Outcome.SOLVED, by: User) -> int:
    """Resolve those of `cases` that may be. Returns how many; the rest stay as they are."""
    if cause.retired_at:
        raise CauseRetired(cause=cause)
    chosen = Case.objects.visible_to(by).filter(pk__in=list(cases), state__in=UNRESOLVED)
    ready = chosen.exclude(pk__in=chosen.with_unsettled_reply().values("pk"))
    locked = list(ready.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))
    pks = commitments.without(rights.without(locked))  # asked once they are held: nothing is promised in them any more
    pks = checklists.without(pks, cause)
    _close(pks, cause, outcome, by)
    return len(pks)


def _close(pks: list[int], cause: Cause, outcome: str, by: User) -> None:
    now = timezone.now()
    Case.objects.filter(pk__in=pks).update(
        state=Case.State.RESOLVED, resolved_at=now, resolved_by=by, cause=cause, outcome=outcome,
        mood_at_end=F("sentiment"), snoozed_until=None,
    )  # fmt: skip
    Activity.objects.bulk_create(
        [Activity(verb="resolved", subject_kind="cases.case", subject_id=pk, by=by, detail=str(cause)) for pk in pks]
    )
    handover_ends.end(pks, why=gettext("The case was resolved."), by=by)
    promises.settle(pks)
    rules_engine.happened(Rule.Event.RESOLVED, dict.fromkeys(pks, f"resolved:{now.isoformat()}"))
    told.resolved(pks)
    if pks:
        handoff.pass_on("case_resolved", *pks)
    live.cases_changed(pks, by=by)


@transaction.atomic
def reopen(*, case: Case, by: User) -> Case:
    """Undo a resolution: the case returns to who had it, waiting for the customer where we spoke last."""
    current = Case.objects.locked(case.pk)
    if current.state != Case.State.RESOLVED:
        raise NotResolved
    beside = Case.objects.unresolved().filter(customer=current.customer_id, thread=current.thread_id, split_from=None)
    if current.split_from_id is None and (other := beside.first()):
        raise OpenAgainAlready(case=other.pk)
    current.undo_resolution(answered=_answered_last(current))
    current.save()
    line = log("reopened", current, by=by)
    promises.settle([current.pk])
    rules_engine.happened(Rule.Event.REOPENED, {current.pk: f"reopened:by hand:{line.pk}"})
    current.refresh_from_db()
    told.changed([current.pk])
    live.cases_changed([current.pk], arrived=[current.pk] if current.needs_us else [], by=by)
    return current


def _answered_last(case: Case) -> bool:
    said = Message.objects.filter(case_entry__case=case).order_by("-occurred_at", "-id")
    return said.values_list("direction", flat=True).first() == Message.Direction.OUT
