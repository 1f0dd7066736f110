"""Answering where it was asked, and notes among us."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases import drafts, live, mentions, promises, rules_engine, threads, told
from cases.models import Case, CaseMessage, DeskSettings, Draft, Note, NoteFile, Rule
from cases.wording import guard, templates
from channels_app import outbox
from channels_app.models import Delivery, Message
from crm import consent, files
from crm.errors import Refused
from crm.files import Checked
from crm.models import User
from crm.models.activity import log

TURN = ("owner", "state", "waiting_since", "snoozed_until", "last_message_at")  # what says whose turn it is


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
    approved_by: User | None = None,
    acknowledges: bool = False,
    why: str = "",
    standard: bool = False,
    attached: Sequence[Checked] = (),
    alts: Sequence[str] = (),
    in_parts: bool = False,
    numbered: bool = False,
) -> Delivery:
    """Answer the customer's latest message in this case, or `answer_to`; for their eyes alone where it is `private`.

    `seen` is the pk of the newest message `by` had on screen. One reply at a time: while a colleague's is on its way,
    or has arrived unseen, this one is stopped. Whoever answers a case that nobody has takes it. Who is not certified
    needs `approved_by` (cases.approvals), else NotCertified is raised.

    With `acknowledges` it only says that we have seen it: the case stays ours. `why` sends what several others got much
    alike (cases.wording.guard); `standard` says that the words are Hark's own, the same for everybody by intent.
    It can be taken back (cases.withdrawing) until its hold is over. With `in_parts` what is too long for one post
    leaves as several, `numbered` where that is wanted; the first is returned.
    """
    case, answer_to = ready(case=case, by=by, seen=seen, answer_to=answer_to)
    desk = DeskSettings.current()
    alike = None if standard else check_words(case, answer_to, text, by, why, desk)
    hold = timedelta(seconds=desk.undo_seconds)
    how: dict[str, Any] = {"numbered": numbered} if in_parts else {}
    written = (outbox.write_parts if in_parts else _write_one)(
        answer_to=answer_to, text=text, by=by, private=private, approved_by=approved_by, hold=hold, attached=attached,
        alts=alts, **how,
    )  # fmt: skip
    delivery, said = written[0], [part.message for part in written]
    CaseMessage.objects.bulk_create(CaseMessage(case=case, message=m, acknowledges=acknowledges) for m in said)
    threads.follow({delivery.message.thread_id: case})
    _keep_words(case, said, by, alike, standard)
    (_after_acknowledging if acknowledges else _after_answer)(case, by)
    if approved_by is None:  # else its author may have begun another since
        drafts.forget(case=case, kind=Draft.Kind.REPLY, by=by)
    promises.settle([case.pk])
    if not acknowledges:
        rules_engine.happened(Rule.Event.ANSWERED, {case.pk: f"answered:{delivery.message_id}"})
    told.changed([case.pk])
    live.cases_changed([case.pk], spoken=[case.pk], by=approved_by or by)
    return delivery


def ready(*, case: Case, by: User, seen: int | None, answer_to: Message | None = None) -> tuple[Case, Message]:
    """The case, locked, and what is answered in it. Raises what stands in the way of any reply here."""
    case = Case.objects.locked(case.pk, "owner", "channel", "team", "customer")
    if case.customer.survivor.erased_at:
        raise consent.NobodyLeft
    answer_to = answer_to or latest_question(case)
    if answer_to is None:
        raise NobodyToAnswer
    _stop_if_another_answers(case, by, seen)
    return case, answer_to


def check_words(
    case: Case, answer_to: Message, text: str, by: User, why: str, desk: DeskSettings
) -> guard.Alike | None:
    """Raises what stands in the way of these words. What was said by hand was said; only a gap in it is none."""
    templates.must_be_filled(text)
    if answer_to.channel.capabilities.written_by_hand:
        return None
    return guard.check(case=case, text=text, by=by, why=why, desk=desk)


def _write_one(**reply: Any) -> list[Delivery]:
    return [outbox.write(**reply)]


def _keep_words(case: Case, said: Sequence[Message], by: User, alike: guard.Alike | None, standard: bool) -> None:
    for message in said:
        if not standard and not message.channel.capabilities.written_by_hand:
            guard.remember(case=case, message=message, by=by)
    if alike:
        guard.write_down(alike=alike, case=case, message=said[0], by=by)


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
        take_by_answering(case, by)
        case.state, case.waiting_since, case.snoozed_until = Case.State.WAITING, now, None
    case.save(update_fields=[*TURN, "first_answered_at"])


def _after_acknowledging(case: Case, by: User) -> None:
    """It is still our turn, since the customer's own words: nothing was answered yet."""
    case.last_message_at = timezone.now()
    if case.is_unresolved:
        take_by_answering(case, by)
        case.state, case.snoozed_until = Case.State.OPEN, None
    case.save(update_fields=TURN)


def take_by_answering(case: Case, by: User) -> None:
    """Whoever answers a case that nobody has takes it. Not saved."""
    if case.owner_id is None:
        case.owner = by
        log("taken", case, by=by, detail="by answering")


@transaction.atomic
def note(*, case: Case, text: str, by: User, attached: Sequence[Checked] = ()) -> Note:
    text = text.strip().replace("\x00", "")
    if not text:
        raise EmptyNote
    written = Note.objects.create(case=case, text=text, by=by)
    for file in attached:
        files.keep(NoteFile, file, by=by, note=written)
    drafts.forget(case=case, kind=Draft.Kind.NOTE, by=by)
    mentions.tell(note=written, by=by)
    live.cases_changed([case.pk], spoken=[case.pk], by=by)
    return written
