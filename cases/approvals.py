"""Replies that wait for somebody who may send them: their author is not certified for the network.

Every deed locks the case first, as a reply does; then an approval moves by one conditional UPDATE. Two approvers at
once: one decides, the other is told who did.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import drafts, live, replies, told
from cases.models import Approval, Case, DeskSettings, Draft
from channels_app import certification, outbox, policies
from channels_app.live import News, tell
from channels_app.models import Channel, Delivery, Message
from crm import consent, notices, private_links
from crm.errors import Refused
from crm.files import Checked
from crm.models import Notice, Purpose, User
from crm.models.activity import log

LONGEST_REASON = 500


class Decided(Refused):
    sentence = gettext_lazy("{who} has decided on this reply already: {state}.")


class YourOwnReply(Refused):
    sentence = gettext_lazy("Nobody approves their own reply. A colleague who is certified for {channel} decides.")


class NotAnApprover(Refused):
    sentence = gettext_lazy("Only who is certified for {channel} decides on replies there. You lack {missing}.")


class NotInYourCases(Refused):
    sentence = gettext_lazy("This case is another team’s: its own people decide on its replies.")


class NotYourReply(Refused):
    sentence = gettext_lazy("Only {who}, who wrote this reply, can withdraw it.")


class SayWhatToChange(Refused):
    sentence = gettext_lazy("Say what to change, so that {who} can write it anew.")


class CustomerWroteSince(Refused):
    sentence = gettext_lazy(
        "The customer has written since this reply was: “{text}”. Read it, and send the reply if it still fits."
    )


class AnsweredSince(Refused):
    sentence = gettext_lazy(
        "{who} has answered since this reply was written: “{text}”. Read it, and send this one if it is still needed."
    )


class AnotherDraft(Refused):
    sentence = gettext_lazy("{who} has written a reply for this case too. Look at both, then choose.")


class ApprovedMeanwhile(Refused):
    sentence = gettext_lazy(
        "{who} has approved your earlier reply, and it was sent: “{text}”. Send this one too if it is still needed."
    )


# --- by who wrote it


def reply_or_ask(
    *, case: Case, text: str, by: User, seen: int | None = None, answer_to: Message | None = None, **how: Any
) -> Delivery | Approval:
    """`replies.reply`; of who lacks a certificate it becomes an Approval that waits. `how` goes to whichever it is."""
    question = answer_to or replies.latest_question(case)
    lacks = question is not None and certification.missing(by, question.channel)
    act = ask if lacks else replies.reply
    return act(case=case, text=text, by=by, seen=seen, answer_to=answer_to, **how)  # type: ignore[operator,no-any-return]


@transaction.atomic
def ask(
    *, case: Case, text: str, by: User, seen: int | None = None, answer_to: Message | None = None,
    private: bool = False, acknowledges: bool = False, why: str = "", attached: Sequence[Checked] = (),
    alts: Sequence[str] = (), in_parts: bool = False, numbered: bool = False,
) -> Approval:  # fmt: skip
    """Store a reply for approval. Nothing was said: no promise is kept, the case stays with us, who wrote it has it.

    What stops a reply stops this one too. A private link is for nobody else's eyes, so it needs the certificate; files
    do not wait either.
    One that is too long for a post waits as one with `in_parts`, and leaves as several, without numbers.
    `why` is given to the guard of words now; whoever approves it gives their own.
    """
    case, question = replies.ready(case=case, by=by, seen=seen, answer_to=answer_to)
    _stop_if_approved_unseen(case, by, seen)
    channel, text, private = question.channel, text.strip().replace("\x00", ""), private or question.private
    (outbox.cut if in_parts else outbox.check)(channel, text, private=private, to=question.identity)
    policies.must_keep_to(user=by, channel=channel)
    consent.must_write_to(question.identity, Purpose.CARE_REPLY)
    if attached or private_links.is_in(text):
        certification.must_be_certified(user=by, channel=channel)
    replies.check_words(case, question, text, by, why, DeskSettings.current())
    missing = certification.named(certification.missing(by, channel))
    reason = _("Not certified for {channel}: {missing}.").format(channel=channel, missing=missing)
    approval = Approval.objects.create(
        case=case, answer_to=question, text=text, private=private, acknowledges=acknowledges, by=by,
        why=reason[:300], at=timezone.now(),
    )  # fmt: skip
    _keep_with_us(case, by)
    drafts.forget(case=case, kind=Draft.Kind.REPLY, by=by)
    log("asked for approval", case, by=by)
    words = _("{who} wrote a reply in case #{case} that waits for approval.").format(who=by, case=case.pk)
    people = _approvers(case, channel, by)
    notices.tell(people, Notice.Kind.APPROVAL, words, url=address(approval), about=case, by=by)
    _tell_of(approval, by, people)
    return approval


def _stop_if_approved_unseen(case: Case, by: User, seen: int | None) -> None:
    """An earlier one of theirs left while they wrote this one."""
    if seen is None:
        return
    mine = Message.objects.filter(case_entry__case=case, sent_by=by, approved_by__isnull=False, pk__gt=seen)
    if sent := mine.select_related("approved_by").order_by("-pk").first():
        raise ApprovedMeanwhile(who=sent.approved_by, text=sent.text[:140])


def _keep_with_us(case: Case, by: User) -> None:
    if case.is_unresolved and case.owner_id is None:
        replies.take_by_answering(case, by)
        case.state = Case.State.OPEN if case.state == Case.State.NEW else case.state
        case.save(update_fields=["owner", "state"])


def _approvers(case: Case, channel: Channel, author: User) -> list[User]:
    """Who is told: the certified of the case's team and its owner; where there are none, the certified leads."""
    people = User.objects.who_answer().exclude(pk=author.pk)
    near = list(people.filter(Q(teams=case.team_id) | Q(pk=case.owner_id)).distinct())
    leads = [person for person in people if person.leads]
    return certification.who_lack_nothing(near, channel) or certification.who_lack_nothing(leads, channel)


@transaction.atomic
def withdraw(*, approval: Approval, by: User) -> Approval:
    """Its author takes it back; the words are theirs to go on with."""
    current = _waiting(approval)
    if current.by_id != by.pk:
        raise NotYourReply(who=current.by)
    _give_back(current, Approval.State.WITHDRAWN, by)
    log("withdrew a reply", current.case, by=by)
    _tell_of(current, by)
    return current


# --- by who decides


@transaction.atomic
def approve(
    *, approval: Approval, by: User, text: str | None = None, seen: int | None = None, beside: Collection[int] = (),
    reject_others: bool = False, **how: Any,
) -> Delivery:  # fmt: skip
    """Send it in its author's name, as written or as `text`.

    `seen` is the pk of the newest message `by` had on screen, `beside` the other waiting replies of the case they had:
    what came since stops it. The others stay, or go back to their authors with `reject_others`. `how`: of the reply.
    """
    current = _to_decide(approval, by)
    others = list(Approval.objects.waiting().with_parts().filter(case=current.case_id).exclude(pk=current.pk))
    if unknown := [other for other in others if other.pk not in beside]:
        raise AnotherDraft(who=unknown[0].by)
    _stop_if_said_since(current, seen)
    words = current.text if text is None else text
    delivery = replies.reply(
        case=current.case, text=words, by=current.by, answer_to=current.answer_to, private=current.private,
        acknowledges=current.acknowledges, approved_by=by, in_parts=_was_long(current), **how,
    )  # fmt: skip
    _decide(current, Approval.State.SENT, by, message=delivery.message)
    _tell_author(current, by, _approved(words.strip() != current.text.strip()))
    log("approved a reply", current.case, by=by, detail=str(current.by))
    for other in others if reject_others else ():
        _reject(other, _("Another reply was sent instead."), by)
    _tell_of(current, by)
    return delivery


def _was_long(approval: Approval) -> bool:
    """Whether it was written to leave as several posts."""
    question = approval.answer_to
    return outbox.is_too_long(question.channel, approval.text, question.identity) is not None


def _approved(changed: bool) -> str:
    if changed:
        return _("{who} changed your reply in case #{case} and sent it.")
    return _("{who} approved your reply in case #{case}.")


@transaction.atomic
def reject(*, approval: Approval, reason: str, by: User) -> Approval:
    """Back to its author as a draft, with what to change."""
    current, reason = _to_decide(approval, by), reason.strip().replace("\x00", "")[:LONGEST_REASON]
    if not reason:
        raise SayWhatToChange(who=current.by)
    _reject(current, reason, by)
    _tell_of(current, by)
    return current


def _reject(approval: Approval, reason: str, by: User) -> None:
    _give_back(approval, Approval.State.REJECTED, by, reason=reason)
    _tell_author(approval, by, _("{who} asks you to change your reply in case #{case}."))
    log("rejected a reply", approval.case, by=by, detail=f"{approval.by}: {reason}")


def said_since(approval: Approval) -> QuerySet[Message]:
    """What was said in the case since the reply was written, the newest first; seen by its author or not.

    A customer's message counts from the one that is answered on: it may have been stored earlier than it was routed.
    """
    asked = approval.answer_to
    later = Q(occurred_at__gt=asked.occurred_at) | Q(occurred_at=asked.occurred_at, pk__gt=asked.pk)
    since = Message.objects.filter(case_entry__case=approval.case_id).filter(
        Q(later, direction=Message.Direction.IN) | Q(direction=Message.Direction.OUT, stored_at__gt=approval.at)
    )
    return since.select_related("sent_by", "identity").order_by("-pk")


def _stop_if_said_since(approval: Approval, seen: int | None) -> None:
    said = said_since(approval).filter(pk__gt=seen or 0).first()
    if said is None:
        return
    if said.is_ours:
        raise AnsweredSince(who=said.sent_by or _("Somebody, in the network's own app,"), text=said.text[:140])
    raise CustomerWroteSince(text=said.text[:140])


def _waiting(approval: Approval) -> Approval:
    """As it is now, with its case locked. Raises Decided."""
    Case.objects.select_for_update(of=("self",)).get(pk=Approval.objects.values("case").get(pk=approval.pk)["case"])
    current = Approval.objects.with_parts().get(pk=approval.pk)
    if current.state != Approval.State.WAITING:
        raise Decided(who=current.decided_by or _("Hark"), state=current.get_state_display().lower())
    return current


def _to_decide(approval: Approval, by: User) -> Approval:
    current = _waiting(approval)
    if not Approval.objects.for_decision(by).filter(pk=current.pk).exists():
        raise _why_not(current, by)
    return current


def _why_not(approval: Approval, by: User) -> Refused:
    channel = approval.answer_to.channel
    if approval.by_id == by.pk:
        return YourOwnReply(channel=channel)
    if lacking := certification.missing(by, channel):
        return NotAnApprover(channel=channel, missing=certification.named(lacking))
    return NotInYourCases()


def _decide(approval: Approval, state: str, by: User, *, reason: str = "", message: Message | None = None) -> None:
    now = timezone.now()
    won = Approval.objects.waiting().filter(pk=approval.pk)
    if not won.update(state=state, decided_by=by, decided_at=now, reason=reason, message=message):
        raise Decided(who=_("Somebody"), state=_("decided"))
    approval.refresh_from_db(fields=["state", "decided_by", "decided_at", "reason", "message"])


def _give_back(approval: Approval, state: str, by: User, *, reason: str = "") -> None:
    """The words become their author's draft; what they have begun since stands below."""
    _decide(approval, state, by, reason=reason)
    drafts.give_back(case=approval.case, text=approval.text, to=approval.by)


def _tell_author(approval: Approval, by: User, words: str) -> None:
    text, url = words.format(who=by, case=approval.case_id), approval.case.get_absolute_url()
    notices.tell([approval.by_id], Notice.Kind.APPROVAL, text, url=url, about=approval.case, by=by)


def _tell_of(approval: Approval, by: User, people: list[User] | None = None) -> None:
    """Whoever has the case open, and the numbers in the rails of `people`, who may decide."""
    case = approval.case
    told.changed([case.pk])
    live.cases_changed([case.pk], spoken=[case.pk], by=by)
    near = _approvers(case, approval.answer_to.channel, approval.by) if people is None else people
    tell([News(f"user:{person.pk}", "approvals", {}) for person in near])


def address(approval: Approval) -> str:
    return reverse("cases:approval", args=[approval.pk])
