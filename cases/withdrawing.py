"""Taking a reply back while it is held: it is as if it had not been written, and its words stand in the composer again.

What the case was before is not kept anywhere: it is worked out from what is left in it.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Max, Min, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from cases import drafts, live, promises, told
from cases.models import Case
from channels_app.models import Delivery, Message
from channels_app.taking_back import take_back
from crm.errors import Refused
from crm.models import Activity, User
from crm.models.activity import log

IN, OUT = Message.Direction.IN, Message.Direction.OUT
ANSWERS = Q(direction=OUT, case_entry__acknowledges=False)


class NotYourReply(Refused):
    sentence = _("Only {who}, who wrote it, whoever approved it, or a lead can take this reply back.")


@transaction.atomic
def withdraw(*, delivery: Delivery, by: User) -> Case:
    """Take a reply back before a worker has it. Raises LeftAlready, and NotYourReply.

    The case returns to whose it was, and to whose turn it was. One that was woken by the answer, or resolved since,
    stays as it is.
    """
    case = Case.objects.select_for_update(of=("self",)).get(entries__message=delivery.message_id)
    author = delivery.message.sent_by
    if by not in (author, delivery.message.approved_by) and not by.leads:
        raise NotYourReply(who=author)
    message = take_back(delivery=delivery, by=by)
    _as_before(case, message)
    log("reply taken back", case, by=by)
    if message.identity_request_id is None:  # else the words are Hark's own, around a link for one person
        drafts.give_back(case=case, text=message.text, to=author or by)
    promises.settle([case.pk])
    told.changed([case.pk])
    live.cases_changed([case.pk], spoken=[case.pk], arrived=[case.pk] if case.needs_us else [], by=by)
    return case


def _as_before(case: Case, message: Message) -> None:
    said = Message.objects.filter(case_entry__case=case)
    times = said.aggregate(
        last=Max("occurred_at"), answered=Max("occurred_at", filter=ANSWERS), first=Min("occurred_at", filter=ANSWERS)
    )
    case.last_message_at = times["last"] or case.opened_at
    if case.first_answered_at and case.first_answered_at >= message.occurred_at:
        case.first_answered_at = times["first"]
    if case.is_unresolved:
        if _taken_by_it(case, message, said):
            case.owner = None
        answered = times["answered"]
        asked = said.filter(direction=IN, **({"occurred_at__gt": answered} if answered else {})).in_order().first()
        case.state, case.waiting_since = _turn(case, asked), asked.occurred_at if asked else case.last_message_at
    case.save(update_fields=["owner", "state", "waiting_since", "last_message_at", "first_answered_at"])


def _turn(case: Case, asked: Message | None) -> str:
    if asked is None:
        return Case.State.WAITING
    return Case.State.OPEN if case.owner_id else Case.State.NEW


def _taken_by_it(case: Case, message: Message, said: QuerySet[Message]) -> bool:
    """Whether its author has the case for having written it, and for nothing else."""
    if case.owner_id != message.sent_by_id or said.filter(sent_by=message.sent_by_id).exists():
        return False
    taken = Activity.objects.about(case).filter(verb="taken", by=message.sent_by_id, at__gte=message.stored_at)
    return taken.filter(detail="by answering").exists()
