"""The way out: written, claimed, sent, confirmed; each reply once.

A reply is a row in the transaction that wrote it. A worker claims it with a lease, calls the network outside any
transaction, and records the answer. Where the answer never came, because a worker died or the line broke, the outcome
is unknown, and what happens next is what the network's idempotency allows: it is never sent twice on a guess. "Not
there" is believed only once the request cannot be on its way any more (`not_before`).

Whether the customer may be written to is asked twice: when a reply is written, and when it is about to leave.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app import certification, files, live, locks, policies, threads
from channels_app.models import Channel, Delivery, Message, Thread
from channels_app.platforms import counting
from channels_app.platforms.base import Idempotency, Outgoing, PlatformError, Rejected, Sent, TryLater, UnknownOutcome
from crm import consent, handoff, identify, private_links
from crm.errors import Refused
from crm.files import Checked
from crm.models import Purpose, User

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)  # longer than any platform's own time-out
MOST_ATTEMPTS = 8
JOB = "channels_app.jobs.deliver"
_fills: list[Callable[[str, Message], str]] = []


def filled_by(fills: Callable[[str, Message], str]) -> None:
    """`fills(text, message)` puts in, as it leaves, what the text of a message of ours is not to hold."""
    if fills not in _fills:
        _fills.append(fills)


class CannotSendThere(Refused):
    sentence = gettext_lazy("{channel} cannot send replies: it only listens.")


class NothingToSay(Refused):
    sentence = gettext_lazy("Write something first: the reply is empty.")


class TooLong(Refused):
    sentence = gettext_lazy("{channel} takes {limit} characters; this reply has {length}. Shorten it and send again.")


class CannotSendPrivately(Refused):
    sentence = gettext_lazy("{channel} cannot send a private message to one person.")


class PrivateLinkInPublic(Refused):
    sentence = gettext_lazy("The link in this reply is for one person alone. It cannot be posted where all can read.")


class LinkGone(Refused):
    sentence = gettext_lazy("The link in this message does not work any more, so it was not sent.")


class AlreadyGone(Refused):
    sentence = gettext_lazy("This reply is {state} by now; there is nothing to try again.")


@consent.sends(Purpose.CARE_REPLY, gettext_lazy("An answer, or a private message, to somebody who wrote to us"))
def write(
    *, answer_to: Message, text: str, by: User, private: bool = False, approved_by: User | None = None,
    hold: timedelta = timedelta(), attached: Sequence[Checked] = (),
) -> Delivery:  # fmt: skip
    """Put a reply to `answer_to` in the outbox: same channel, same thread, as private as the question, or `private`.

    A private answer to a public question stands on the thread of us with that person alone.

    A private link in it is kept apart from the text, and put in as it leaves. For as long as `hold` nobody may claim
    it, so that it can be taken back; `release` nudges it on. Who lacks a certificate needs `approved_by`, who has it.
    Raises MayNotContact, PolicyNotAccepted and NotCertified among others.
    """
    channel, text = answer_to.channel, text.strip().replace("\x00", "").replace("\r\n", "\n")
    private = private or answer_to.private
    check(channel, text, private=private)
    files.check(channel, attached)
    _must_have_the_right(channel, by, approved_by)
    _ask(answer_to)
    now = timezone.now()
    aside = private and not answer_to.private  # what was asked in public goes on in private: on a thread of its own
    stands_in = threads.private_with(answer_to).pk if aside else answer_to.thread_id
    with consent.guarded():
        # it may be joined just now
        thread = Thread.objects.select_for_update(no_key=True).get(pk=stands_in)
        message = Message.objects.create(
            channel=channel, thread_id=thread.joined_to_id or thread.pk, direction=Message.Direction.OUT,
            private=private, identity_id=answer_to.identity_id, sent_by=by, approved_by=approved_by,
            text=private_links.hide(text), identity_request=private_links.carried(text),
            parent_external_id=answer_to.external_id or "", occurred_at=now, read_at=now, routed_at=now,
        )  # fmt: skip
        files.attach(message, attached, by=by)
        delivery = Delivery.objects.create(message=message, created_at=now, not_before=now + hold)
    if not hold:
        handoff.nudge(JOB, delivery.pk)
    return delivery


def check(channel: Channel, text: str, *, private: bool) -> None:
    can = channel.capabilities
    if not can.can_reply:
        raise CannotSendThere(channel=channel)
    if private and not (can.reply_private or can.written_by_hand):
        raise CannotSendPrivately(channel=channel)
    if not private and private_links.is_in(text):
        raise PrivateLinkInPublic
    if not text:
        raise NothingToSay
    length = counting.length(text, can.counts)
    if can.text_limit is not None and length > can.text_limit:
        raise TooLong(channel=channel, limit=can.text_limit, length=length)


def _must_have_the_right(channel: Channel, by: User, approved_by: User | None) -> None:
    """Whoever has a hand in it keeps to the policy; one of them is certified."""
    for person in filter(None, (by, approved_by)):
        policies.must_keep_to(user=person, channel=channel)
    certification.must_be_certified(user=approved_by or by, channel=channel)


def _ask(message: Message) -> None:
    """Raises MayNotContact. What is written down by hand was said already, and goes nowhere."""
    if not message.channel.capabilities.written_by_hand:
        consent.must_write_to(message.identity, Purpose.CARE_REPLY)


@consent.sends(Purpose.CARE_REPLY, gettext_lazy("What was written leaves for the network"))
def deliver(pk: int) -> None:
    """Send one reply if it is due and nobody else has it, and if they may still be written to."""
    delivery = _claim(pk)
    if delivery is None:
        return
    channel = delivery.message.channel
    try:
        sent = channel.connect().send(outgoing(delivery))
    except Rejected as refusal:
        reason = str(refusal)
        _settle(delivery, lambda d: d.stop(Delivery.State.FAILED, reason))
    except TryLater as error:
        after, reason = timedelta(seconds=error.after), str(error)
        _settle(delivery, lambda d: _later(d, after, reason))
    except UnknownOutcome as error:
        reason = str(error)
        _settle(delivery, lambda d: d.doubt(reason, settled_at=timezone.now() + LEASE))
        resolve_doubt(delivery.pk)
    else:
        _record(delivery, sent)


def outgoing(delivery: Delivery) -> Outgoing:
    message = delivery.message
    text = private_links.show(message.text, message.identity_request)
    for fills in _fills:
        text = fills(text, message)
    return Outgoing(
        key=str(delivery.key), text=text,
        parent_id=message.parent_external_id, thread_id=message.thread.external_id,
        recipient=message.identity.value if message.identity else "", private=message.private,
        files=files.carried(message),
    )  # fmt: skip


def _with_message() -> QuerySet[Delivery]:
    parts = ("channel", "thread", "identity", "identity_request")
    return Delivery.objects.select_related(*(f"message__{part}" for part in parts))


def _claim(pk: int) -> Delivery | None:
    """The reply, for us alone. One that may not leave any more is stopped with the sentence why."""
    now = timezone.now()
    delivery = _with_message().filter(pk=pk).first()
    if delivery is None or not delivery.is_due(now):
        return None
    try:
        claimed = _take(delivery, now)
    except Refused as refusal:
        claimed = False
        stopped = {"state": Delivery.State.FAILED, "reason": str(refusal)[:500]}
        if Delivery.objects.due(now).filter(pk=pk).update(**stopped):
            _tell(pk)
    return _with_message().get(pk=pk) if claimed else None


def _take(delivery: Delivery, now: datetime) -> bool:
    """Raises Refused where it may not leave. False where another worker was quicker."""
    message = delivery.message
    _ask(message)
    if message.identity_request and not identify.works(message.identity_request):
        raise LinkGone
    with consent.guarded():
        claimed = Delivery.objects.due(now).filter(pk=delivery.pk).update(
            state=Delivery.State.SENDING, lease_until=now + LEASE, attempts=F("attempts") + 1
        )  # fmt: skip
    if claimed:
        _tell(delivery.pk)
    return bool(claimed)


@transaction.atomic
def _settle(delivery: Delivery, move: Callable[[Delivery], None]) -> None:
    """Apply `move`, unless something happened to the reply since `delivery` was read: its echo, another worker."""
    current = Delivery.objects.select_for_update(of=("self",)).select_related("message").get(pk=delivery.pk)
    if (current.state, current.lease_until, current.not_before) == (
        delivery.state, delivery.lease_until, delivery.not_before,
    ):  # fmt: skip
        move(current)
        _tell(current.pk)


def _later(delivery: Delivery, after: timedelta, reason: str) -> None:
    """Nothing was sent. Wait longer from try to try, and in the end say so."""
    if delivery.attempts >= MOST_ATTEMPTS:
        _give_up(delivery, reason)
    else:
        delivery.wait(timezone.now() + max(after, _pause(delivery)), reason)


def _pause(delivery: Delivery) -> timedelta:
    return timedelta(seconds=min(2.0**delivery.attempts, 300.0))


def _give_up(delivery: Delivery, reason: str) -> None:
    given_up = _("Given up after %(n)s tries: %(why)s") % {"n": delivery.attempts, "why": reason}
    delivery.stop(Delivery.State.FAILED, given_up)


@transaction.atomic
def _record(delivery: Delivery, sent: Sent) -> None:
    """Note that the network has it. Its echo may have been stored first; then that row gives way to ours."""
    channel = delivery.message.channel
    locks.intake(channel)
    current = Delivery.objects.select_for_update(of=("self",)).select_related("message").get(pk=delivery.pk)
    if current.state == Delivery.State.SENT:
        return
    same = Message.objects.filter(channel=channel, external_id=sent.external_id).exclude(pk=current.message_id)
    if same.exclude(delivery=None).exists():
        current.doubt(_("The network gave it the id of another reply."), settled_at=timezone.now())
    else:
        same.filter(direction=Message.Direction.OUT).delete()
        current.confirm(external_id=sent.external_id, at=sent.at)
        Channel.objects.filter(pk=channel.pk).update(last_out_at=timezone.now())
    _tell(current.pk)


def resolve_doubt(pk: int) -> None:
    """Ask the network about a reply whose outcome is unknown. Held for a person where it cannot tell."""
    delivery = _with_message().get(pk=pk)
    if delivery.state != Delivery.State.IN_DOUBT:
        return
    idempotency = delivery.message.channel.capabilities.idempotency
    if idempotency is Idempotency.NATIVE and delivery.attempts < MOST_ATTEMPTS:
        _settle(delivery, _same_key_again)
    elif idempotency is Idempotency.RECONCILE:
        _look_for(delivery)


def _same_key_again(delivery: Delivery) -> None:
    """At once the first time, then ever later."""
    delivery.wait(timezone.now() + (_pause(delivery) if delivery.attempts > 1 else timedelta()), delivery.reason)
    handoff.nudge(JOB, delivery.pk)


def _look_for(delivery: Delivery) -> None:
    asked_at = timezone.now()
    try:
        sent = delivery.message.channel.connect().find_sent(outgoing(delivery))
    except PlatformError as error:
        log.info("cannot tell yet whether a reply arrived", delivery=delivery.pk, error=str(error))
        return
    if sent:
        _record(delivery, sent)
    elif delivery.not_before <= asked_at:
        _settle(delivery, _not_there)


def _not_there(delivery: Delivery) -> None:
    """It did not arrive and cannot any more: nothing was sent."""
    if delivery.attempts >= MOST_ATTEMPTS:
        _give_up(delivery, delivery.reason)
    else:
        delivery.wait(timezone.now(), "")
        handoff.nudge(JOB, delivery.pk)


@transaction.atomic
def try_again(*, delivery: Delivery, by: User) -> Delivery:
    """A person asks for another try. A failed reply was not sent: it is queued. One in doubt is looked for first."""
    current = Delivery.objects.select_for_update().get(pk=delivery.pk)
    if not current.can_be_tried_again:
        raise AlreadyGone(state=current.get_state_display().lower())
    if current.state == Delivery.State.FAILED:
        _ask(current.message)
    current.attempts = 0
    current.save(update_fields=["attempts"])
    if current.state == Delivery.State.FAILED:
        current.wait(timezone.now(), "")
        handoff.nudge(JOB, current.pk)
    else:
        handoff.nudge("channels_app.jobs.resolve_doubt", current.pk)
    log.info("another try asked for", delivery=current.pk, by=by.pk)
    return current


def sweep() -> None:
    """Find replies whose next step is missing: due and not sent, abandoned by a dead worker, in doubt."""
    now = timezone.now()
    for pk in Delivery.objects.abandoned(now).values_list("pk", flat=True):
        with transaction.atomic():
            delivery = Delivery.objects.abandoned(now).select_for_update(skip_locked=True).filter(pk=pk).first()
            if delivery:
                delivery.doubt(_("The connection broke while it was being sent."), settled_at=now)
                _tell(pk)
    for pk in Delivery.objects.filter(state=Delivery.State.IN_DOUBT).values_list("pk", flat=True)[:500]:
        handoff.nudge("channels_app.jobs.resolve_doubt", pk)
    release()


def release() -> None:
    """Nudge what is due and not taken: what was held long enough for its undo, and what waited for another try."""
    for pk in Delivery.objects.due(timezone.now()).values_list("pk", flat=True)[:500]:
        handoff.nudge(JOB, pk)


def _tell(pk: int) -> None:
    live.announce("delivery", pk)
