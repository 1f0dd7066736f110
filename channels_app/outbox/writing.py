"""A reply as a row: checked, allowed, and tied to what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy

from channels_app import files, overheard, threads
from channels_app.models import Channel, Delivery, Message, Thread
from channels_app.outbox import windows
from channels_app.outbox.asking import ask, must_have_the_right
from channels_app.outbox.settling import JOB
from channels_app.platforms import counting
from crm import consent, handoff, private_links
from crm.errors import Refused
from crm.files import Checked
from crm.models import Identity, Purpose, User


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


@dataclass(frozen=True)
class Reply:
    """What is written, but for its words. `alts` says of each of `attached` what it shows."""

    answer_to: Message
    by: User
    private: bool = False
    approved_by: User | None = None
    hold: timedelta = timedelta()
    attached: Sequence[Checked] = ()
    alts: Sequence[str] = ()

    @property
    def channel(self) -> Channel:
        return self.answer_to.channel

    @property
    def in_private(self) -> bool:
        return self.private or self.answer_to.private


@consent.sends(Purpose.CARE_REPLY, gettext_lazy("An answer, or a private message, to somebody who wrote to us"))
def write(
    *, answer_to: Message, text: str, by: User, private: bool = False, approved_by: User | None = None,
    hold: timedelta = timedelta(), attached: Sequence[Checked] = (), alts: Sequence[str] = (), by_person: bool = True,
) -> Delivery:  # fmt: skip
    """Put a reply to `answer_to` in the outbox: same channel, same thread, as private as the question, or `private`.

    A private answer to a public question stands on the thread of us with that person alone.

    A private link in it is kept apart from the text, and put in as it leaves. For as long as `hold` nobody may claim
    it, so that it can be taken back; `release` nudges it on. Who lacks a certificate needs `approved_by`, who has it.
    Where nobody wrote it for them alone (a survey), `by_person` is false: some networks take that for a shorter time.
    Raises MayNotContact, PolicyNotAccepted, NotCertified and TooLateToAnswer among others.
    """
    reply = Reply(answer_to, by, private, approved_by, hold, attached, alts)
    text = tidied(text)
    check(reply.channel, text, private=reply.in_private, to=answer_to.identity)
    return put(reply, [text], by_person=by_person)[0]


def tidied(text: str) -> str:
    return text.strip().replace("\x00", "").replace("\r\n", "\n")


def check(channel: Channel, text: str, *, private: bool, to: Identity | None = None) -> None:
    """Raises what the channel has against these words as one post."""
    check_all_but_length(channel, text, private=private)
    if too_long := is_too_long(channel, text, to):
        raise too_long


def check_all_but_length(channel: Channel, text: str, *, private: bool) -> None:
    can = channel.capabilities
    if not can.can_reply:
        raise CannotSendThere(channel=channel)
    if private and not (can.reply_private or can.written_by_hand):
        raise CannotSendPrivately(channel=channel)
    if not private and private_links.is_in(text):
        raise PrivateLinkInPublic
    if not text:
        raise NothingToSay


def limit(channel: Channel, to: Identity | None) -> int | None:
    """How long a post to them may be, as the network counts; None: as long as one likes."""
    can = channel.capabilities
    if can.text_limit is None or not can.names_them or to is None:
        return can.text_limit
    return can.text_limit - counting.length(f"@{to.value} ", can.counts)


def is_too_long(channel: Channel, text: str, to: Identity | None) -> TooLong | None:
    most, length = limit(channel, to), counting.length(text, channel.capabilities.counts)
    if most is None or length <= most:
        return None
    return TooLong(channel=channel, limit=most, length=length)


def put(reply: Reply, texts: Sequence[str], *, by_person: bool = True) -> list[Delivery]:
    """A row for each of these texts, in this order: each goes after the one before and answers it. Files go with the
    first. The words were checked before."""
    question = reply.answer_to
    files.check(reply.channel, reply.attached)
    files.check_alts(reply.alts, private=reply.in_private)
    must_have_the_right(reply.channel, reply.by, reply.approved_by)
    ask(question)
    if reply.in_private:
        overheard.must_be_welcome(question)
    windows.must_be_open(question, private=reply.in_private, by_person=by_person)
    aside = reply.in_private and not question.private  # asked in public, goes on in private: on a thread of its own
    stands_in = threads.private_with(question).pk if aside else question.thread_id
    with consent.guarded():
        # it may be joined just now
        thread = Thread.objects.select_for_update(no_key=True).get(pk=stands_in)
        deliveries: list[Delivery] = []
        for text in texts:
            deliveries.append(_row(reply, text, thread, deliveries[-1] if deliveries else None))
        files.attach(deliveries[0].message, reply.attached, by=reply.by, alts=reply.alts)
    if not reply.hold:
        handoff.nudge(JOB, deliveries[0].pk)
    return deliveries


def _row(reply: Reply, text: str, thread: Thread, after: Delivery | None) -> Delivery:
    """A later part answers the one before, whose id nobody knows yet (`settling.arrived`)."""
    now, question = timezone.now(), reply.answer_to
    message = Message.objects.create(
        channel=reply.channel, thread_id=thread.joined_to_id or thread.pk, direction=Message.Direction.OUT,
        private=reply.in_private, identity_id=question.identity_id, sent_by=reply.by, approved_by=reply.approved_by,
        text=private_links.hide(text), identity_request=private_links.carried(text),
        parent_external_id="" if after else question.external_id or "", occurred_at=now, read_at=now, routed_at=now,
    )  # fmt: skip
    return Delivery.objects.create(message=message, after=after, created_at=now, not_before=now + reply.hold)
