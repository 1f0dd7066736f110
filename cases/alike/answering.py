"""One answer to many: written once, sent to each of them as a reply of its own, or none at all and resolved.

Until its undo seconds are over nothing was written, and it can be undone as if it had not been. Then a worker takes
one case after the other, each in a transaction of its own that writes the reply and says that it did. So it may be
killed anywhere and goes on, and nobody gets it twice. What stands in the way of a single reply stands in the way of
this one: the case keeps its sentence and stays as it was.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import replies, resolution
from cases.alike.parting import NotAmongAlike
from cases.causes import CauseRetired
from cases.models import Case, Cause, DeskSettings, Flood, FloodAnswer, FloodMember, FloodReply, Outcome
from cases.models.asked import CaseQuerySet
from cases.wording import templates
from channels_app.models import Delivery
from crm import handoff
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log as write_down

log = structlog.get_logger(__name__)

JOB = "cases.jobs.answer_flood"
State = FloodAnswer.State


class SayOrResolve(Refused):
    sentence = _("Write what to answer, or choose the cause with which they are resolved without an answer.")


class NobodyWaits(Refused):
    sentence = _("None of them waits for an answer that you could give: they are answered, or colleagues have them.")


class OneAtATime(Refused):
    sentence = _("{who} is answering these cases just now. Wait until that is over, or ask them to stop it.")


class HasBegun(Refused):
    sentence = _("It has begun, so it cannot be undone as a whole. Stop it, and the rest stays as it is.")


class OverAlready(Refused):
    sentence = _("This is over already.")


class NotYours(Refused):
    sentence = _("Only {who}, who began it, or a lead can stop it.")


class WaitsNoMore(Refused):
    sentence = _("It did not wait for us any more when its turn came.")


class WithSomebody(Refused):
    sentence = _("{who} has taken it meanwhile.")


class StandsAlone(Refused):
    sentence = _("It does not say the same any more: it was taken out, or the customer has said more.")


class ByHand(Refused):
    sentence = _("On {channel} answers are given by hand, so none can be sent from here.")


def whom(flood: Flood, by: User) -> CaseQuerySet:
    """Those that an answer by this person goes to: they need us, and nobody else has them."""
    mine = Q(owner=None) | Q(owner=by)
    members = FloodMember.objects.that_need_us().filter(flood=flood)
    return Case.objects.visible_to(by).needing_us().filter(mine, pk__in=members.values("case"))


@transaction.atomic
def begin(
    *, case: Case, text: str = "", cause: Cause | None = None, outcome: str = Outcome.SOLVED, by: User
) -> FloodAnswer:
    """Answer all that are like this case with `text`, each for itself, or without one only the others; then resolve
    them where there is a `cause`."""
    text = text.strip().replace("\x00", "")
    member = FloodMember.objects.in_force().filter(case=case.pk).first()
    if member is None:
        raise NotAmongAlike
    _must_say_something(text, cause)
    flood = Flood.objects.select_for_update(no_key=True).get(pk=member.flood_id)
    if running := flood.answers.under_way().select_related("by").first():
        raise OneAtATime(who=running.by)
    chosen = whom(flood, by) if text else whom(flood, by).exclude(pk=case.pk)
    pks = list(chosen.order_by("rank", "turn_at", "pk").values_list("pk", flat=True))
    if not pks:
        raise NobodyWaits
    now, wait = timezone.now(), DeskSettings.current().undo_seconds
    answer = FloodAnswer.objects.create(
        flood=flood, like_id=case.pk, text=text, cause=cause, outcome=outcome if cause else "", by=by, at=now,
        starts_at=now + timedelta(seconds=wait),
    )  # fmt: skip
    FloodReply.objects.bulk_create([FloodReply(answer=answer, case_id=pk) for pk in pks])
    write_down("answers alike cases", case, by=by, detail=str(len(pks)))
    if not wait:
        handoff.nudge(JOB, answer.pk)
    return answer


def _must_say_something(text: str, cause: Cause | None) -> None:
    if not text and cause is None:
        raise SayOrResolve
    templates.must_be_filled(text)
    if cause and cause.retired_at:
        raise CauseRetired(cause=cause)


# --- taken back


def undo(*, answer: FloodAnswer, by: User) -> FloodAnswer:
    """As if it had not been; its words are there to go on with."""
    _must_be_theirs(answer, by)
    return _end(answer, State.UNDONE, [State.WAITING], HasBegun())


def stop(*, answer: FloodAnswer, by: User) -> FloodAnswer:
    """What was sent was sent; the rest stays as it is."""
    _must_be_theirs(answer, by)
    return _end(answer, State.STOPPED, [State.WAITING, State.RUNNING], OverAlready())


def _must_be_theirs(answer: FloodAnswer, by: User) -> None:
    if answer.by_id != by.pk and not by.leads:
        raise NotYours(who=answer.by)


def _end(answer: FloodAnswer, state: State, among: list[State], otherwise: Refused) -> FloodAnswer:
    now = timezone.now()
    if not FloodAnswer.objects.filter(pk=answer.pk, state__in=among).update(state=state, ended_at=now):
        raise otherwise if answer.is_under_way else OverAlready()
    answer.refresh_from_db()
    return answer


# --- the work


def nudge_due() -> None:
    """Every two seconds: those whose undo seconds are over, and those a worker left half done."""
    for pk in FloodAnswer.objects.due(timezone.now()).order_by("pk").values_list("pk", flat=True):
        handoff.nudge(JOB, pk)


def work(pk: int, *, seconds: float = 30) -> None:
    """One case after the other, for so long. Whoever comes second goes home."""
    until = time.monotonic() + seconds
    while _one(pk):
        if time.monotonic() > until:
            handoff.nudge(JOB, pk)
            break


@transaction.atomic
def _one(pk: int) -> bool:
    """Whether there was one to do. Meanwhile the answer is held: it is undone or stopped between two."""
    due = FloodAnswer.objects.due(timezone.now()).filter(pk=pk)
    answer = due.select_for_update(no_key=True, skip_locked=True).first()
    if answer is None:
        return False
    reply = answer.replies.to_do().order_by("pk").first()
    if reply is None or not answer.by.is_active:
        _end(answer, State.STOPPED if reply else State.DONE, [State.WAITING, State.RUNNING], OverAlready())
        return False
    if answer.state == State.WAITING:
        FloodAnswer.objects.filter(pk=pk).update(state=State.RUNNING)
    _do(answer, reply)
    return True


def _do(answer: FloodAnswer, reply: FloodReply) -> None:
    """Said or refused, in the same transaction that says so."""
    try:
        with transaction.atomic():
            reply.delivery = _answer(answer, reply.case_id)
    except Refused as refusal:
        reply.refusal = str(refusal)[:500]
    except (OperationalError, InterfaceError):  # the database, not this case
        raise
    except Exception as error:  # a bug of ours must not hold up the others
        log.exception("a case of an answer to many could not be answered", case=reply.case_id)
        reply.refusal = f"Hark could not do it: {type(error).__name__}."
    reply.done_at = timezone.now()
    reply.save(update_fields=["delivery", "refusal", "done_at"])


def _answer(answer: FloodAnswer, pk: int) -> Delivery | None:
    case = Case.objects.locked(pk, "owner", "channel")
    _must_wait(case, answer)
    facts: dict[str, Any] = {"by": answer.by}
    # the guard against stock replies asks for other words for each: these customers all said the same
    delivery = replies.reply(case=case, text=answer.text, standard=True, **facts) if answer.text else None
    if answer.cause:
        resolution.resolve(case=case, cause=answer.cause, outcome=answer.outcome, **facts)
    return delivery


def _must_wait(case: Case, answer: FloodAnswer) -> None:
    """As it did when the answer was written."""
    if not case.needs_us:
        raise WaitsNoMore
    if case.owner_id not in (None, answer.by_id):
        raise WithSomebody(who=case.owner)
    if not FloodMember.objects.in_force().filter(case=case, flood=answer.flood_id).exists():
        raise StandsAlone
    if answer.text and case.channel.capabilities.written_by_hand:
        raise ByHand(channel=case.channel)
