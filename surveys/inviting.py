"""The way out of an invitation: claimed, handed over, sent; each once.

An invitation is a row before it is a mail. A sender claims it and commits that, asking in the same step once more
whether they may be contacted (`surveys.claiming`); hands it to the mail server; and notes what the server said. Mail
knows no key by which a server would see the same mail twice. So one whose sender died between the two is in doubt: it
stays so until a person says what to do, and nothing sends it again by itself. A reminder is counted before it leaves:
where its sender dies it may be missing, and never comes twice.

A private message is written to the outbox in the transaction that claims it, and has from there on the care of the
outbox (`channels_app.outbox`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import shuffle

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app.models import Delivery, Message
from channels_app.platforms.email import NoSuchAddress
from channels_app.platforms.errors import PlatformError, UnknownOutcome
from crm import consent, reachable
from crm.errors import Refused
from crm.models import Purpose, User
from crm.models.activity import log
from surveys import claiming, links, mailing
from surveys.models import Invitation
from surveys.wire import AGAIN, Wire

logger = structlog.get_logger(__name__)

State, By = Invitation.State, Invitation.By
BATCH, GROUP = 500, 50


class NotInDoubt(Refused):
    sentence = gettext_lazy("This invitation is not in doubt any more: {state}.")


def is_due(now: datetime | None = None) -> bool:
    now = now or timezone.now()
    return Invitation.objects.to_send(now).exists() or Invitation.objects.to_remind(now).exists()


def send_due(limit: int = BATCH) -> int:
    """Send what is due, and remind. Returns how many rows it looked at: as many as `limit` means that more may wait."""
    now, wire = timezone.now(), Wire()
    due = list(Invitation.objects.to_send(now).values_list("pk", flat=True)[:limit])
    late = list(Invitation.objects.to_remind(now).values_list("pk", flat=True)[: limit - len(due)])
    try:
        for step, pks in ((send, due), (remind, late)):
            for read in in_groups(pks):
                if wire.is_down:  # the rest waits, unclaimed
                    return 0
                step(read.pk, wire, read)
    finally:
        wire.close()
    return len(due) + len(late)


def in_groups(pks: Sequence[int]) -> Iterator[Invitation]:
    """A group at a time, so that what was read is not old when it leaves. The groups in any order: of two senders with
    the same batch, each then finds most of its groups untouched.
    """
    groups = [pks[start : start + GROUP] for start in range(0, len(pks), GROUP)]
    shuffle(groups)
    for group in groups:
        yield from claiming.together(group)


# --- the invitation


@consent.sends(Purpose.SURVEY, gettext_lazy("An invitation to a survey"))
def send(pk: int, wire: Wire | None = None, read: Invitation | None = None) -> None:
    """Send one invitation if it is due, nobody else has it, and they may be asked. `read`: as it was a moment ago."""
    invitation = read if read and claiming.take(read) else claiming.claim(pk)
    if invitation is None or invitation.identity is None:
        return
    mine = Invitation.objects.filter(pk=pk, state=State.SENDING, claimed_at=invitation.claimed_at)
    try:
        (wire or Wire()).carry(mailing.letter(invitation, invitation.identity.value, 1))
    except NoSuchAddress as refusal:
        reachable.close(identity=invitation.identity, why=str(refusal))
        mine.update(state=State.BOUNCED, ended_at=timezone.now(), reason=str(refusal)[:300])
    except UnknownOutcome as error:
        mine.update(state=State.DOUBT, reason=str(error)[:300])
    except PlatformError as error:
        mine.update(state=State.PLANNED, claimed_at=None, due_at=timezone.now() + AGAIN, reason=str(error)[:300])
    else:
        mine.update(state=State.SENT, sent_at=timezone.now(), reason="")


def put_in_link(text: str, message: Message) -> str:
    """What stands in the outbox holds no link: here it gets it."""
    return links.show(text, getattr(message, "invitation", None)) if links.HIDDEN in text else text


# --- reminders


@consent.sends(Purpose.SURVEY, gettext_lazy("A reminder of an invitation to a survey"))
def remind(pk: int, wire: Wire | None = None, read: Invitation | None = None) -> None:
    """Remind once more, if it is time, they may be asked, and the address still takes mail. `read`: as for `send`."""
    invitation = read if read and claiming.count_as_read(read) else claiming.count_reminder(pk)
    if invitation is None or invitation.identity is None:
        return
    mine = Invitation.objects.filter(pk=pk, reminded=invitation.reminded)
    try:
        (wire or Wire()).carry(mailing.letter(invitation, invitation.identity.value, invitation.reminded + 1))
    except NoSuchAddress as refusal:
        reachable.close(identity=invitation.identity, why=str(refusal))
        mine.filter(state=State.SENT).update(state=State.BOUNCED, ended_at=timezone.now(), reason=str(refusal)[:300])
    except UnknownOutcome as error:
        logger.warning("nobody knows whether a reminder left", invitation=pk, error=str(error))
    except PlatformError as error:
        mine.update(reminded=F("reminded") - 1, reason=str(error)[:300])  # and the pause runs anew


# --- what a person decides, and what is left behind


@transaction.atomic
def count_as_sent(*, invitation: Invitation, by: User) -> Invitation:
    """It is taken to have arrived: its link is good, and it is reminded of and rests like any other."""
    return _decide(invitation, {"state": State.SENT, "sent_at": F("claimed_at"), "reason": ""}, "counted as sent", by)


@transaction.atomic
def send_again(*, invitation: Invitation, by: User) -> Invitation:
    """It is sent once more, at the price that some get two."""
    facts = {"state": State.PLANNED, "claimed_at": None, "due_at": timezone.now(), "reason": ""}
    return _decide(invitation, facts, "sent again", by)


def _decide(invitation: Invitation, facts: Mapping[str, object], verb: str, by: User) -> Invitation:
    decided = Invitation.objects.filter(pk=invitation.pk, state=State.DOUBT).update(**facts)
    invitation.refresh_from_db()
    if not decided:
        raise NotInDoubt(state=invitation.get_state_display().lower())
    log(verb, invitation, by=by)
    return invitation


def sweep(now: datetime | None = None) -> None:
    """Find what a dead sender has left behind, private messages that did not leave, and cases that came back."""
    now = now or timezone.now()
    lease = timedelta(seconds=settings.INVITATION_LEASE_SECONDS)
    why = _("Its sender stopped while it was being sent: nobody knows whether it left.")
    Invitation.objects.abandoned(now - lease).update(state=State.DOUBT, reason=why)
    _end_unsent(now)
    back = Invitation.objects.filter(state=State.PLANNED, case__isnull=False, case__resolved_at=None)
    back.update(state=State.CANCELLED, ended_at=now, reason=str(claiming.CaseIsBack()))


def _end_unsent(now: datetime) -> None:
    """A private message the network refused never left: it does not count as asked."""
    failed = Delivery.objects.filter(state=Delivery.State.FAILED, message__invitation__state=State.SENT)
    reasons: Sequence[tuple[int, str]] = list(failed.values_list("message", "reason")[:BATCH])
    for message, reason in reasons:
        waiting = Invitation.objects.filter(message=message, state=State.SENT)
        waiting.update(state=State.BOUNCED, ended_at=now, sent_at=None, reason=reason[:300] or _("It was not sent."))
