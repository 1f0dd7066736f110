"""Answering where it was asked, and notes among us."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import live, told
from cases.models import Case, CaseMessage, Note
from channels_app import outbox
from channels_app.models import Delivery, Message
from crm import consent
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log


class ReplyOnItsWay(Refused):
    sentence = _("{who} is answering this case: “{text}” is on its way. Wait until it has arrived.")


class AnsweredMeanwhile(Refused):
    sentence = _(
        "{who} answered while you were writing: “{text}”. Read it, then send yours again if it is still needed."
    )


class EmptyNote(Refused):
    sentence = _("Write something first: the note is empty.")


class NobodyToAnswer(Refused):
    sentence = _("The customer has not written in this case yet, so there is nothing to answer.")


@transaction.atomic
def reply(
    *,
    case: Case,
    text: str,
    by: User,
    seen: int | None = None,
    answer_to: Message | None = None,
    private: bool = False,
) -> Delivery:
    """Answer the customer's latest message in this case, or `answer_to`; for their eyes alone where it is `private`.

    `seen` is the pk of the newest message `by` had on screen. One reply at a time: while a colleague's is on its way,
    or has arrived unseen, this one is stopped. Whoever answers a case that nobody has takes it.
    """
    case = (
        Case.objects.select_for_update(of=("self",))
        .select_related("owner", "channel", "team", "customer")
        .get(pk=case.pk)
    )
    if case.customer.survivor.erased_at:
        raise consent.NobodyLeft
    answer_to = answer_to or latest_question(case)
    if answer_to is None:
        raise NobodyToAnswer
    _stop_if_another_answers(case, by, seen)
    delivery = outbox.write(answer_to=answer_to, text=text, by=by, private=private)
    CaseMessage.objects.create(case=case, message=delivery.message)
    _after_answer(case, by)
    told.changed([case.pk])
    live.cases_changed([case.pk], spoken=[case.pk], by=by)
    return delivery


def latest_question(case: Case) -> Message | None:
    return (
        Message.objects.filter(case_entry__case=case, direction=Message.Direction.IN)
        .select_related("channel")
        .order_by("-occurred_at", "-id")
        .first()
    )


def on_its_way(case: Case, *, not_by: User) -> Delivery | None:
    """A colleague's reply in this case that has not arrived yet."""
    return (
        Delivery.objects.on_their_way()
        .filter(message__case_entry__case=case)
        .exclude(message__sent_by=not_by)
        .select_related("message__sent_by")
        .first()
    )


def _stop_if_another_answers(case: Case, by: User, seen: int | None) -> None:
    if moving := on_its_way(case, not_by=by):
        raise ReplyOnItsWay(who=moving.message.sent_by, text=moving.message.text[:140])
    if seen is None:
        return
    unseen = Message.objects.filter(case_entry__case=case, direction=Message.Direction.OUT, pk__gt=seen).exclude(
        sent_by=by
    )
    if answer := unseen.select_related("sent_by").order_by("-id").first():
        raise AnsweredMeanwhile(who=answer.sent_by or _("Somebody, in the network's own app,"), text=answer.text[:140])


def _after_answer(case: Case, by: User) -> None:
    now = timezone.now()
    case.first_answered_at = case.first_answered_at or now
    case.last_message_at = now
    if case.is_unresolved:
        if case.owner_id is None:
            case.owner = by
            log("taken", case, by=by, detail="by answering")
        case.state, case.waiting_since = Case.State.WAITING, now
    case.save(update_fields=["first_answered_at", "last_message_at", "owner", "state", "waiting_since"])


@transaction.atomic
def note(*, case: Case, text: str, by: User) -> Note:
    text = text.strip().replace("\x00", "")
    if not text:
        raise EmptyNote
    written = Note.objects.create(case=case, text=text, by=by)
    live.cases_changed([case.pk], spoken=[case.pk], by=by)
    return written
