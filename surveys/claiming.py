"""Whose an invitation is while it leaves: of one sender alone, and only to somebody who may be asked.

Of many that are due, what their letters name is read together. Each is still claimed by itself, at the moment it
leaves, by one statement that asks again all that may have changed: whether it is due, whether they may be contacted,
whether the address is theirs and takes mail. Where that finds nothing, `claim` and `count_reminder` look at this one
alone, with time for the rest: another address, a private message, or the sentence why it may not leave any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy

from channels_app import outbox
from crm import consent
from crm.errors import Refused
from crm.models import Identity, IdentityLink, Purpose
from surveys import addressing, links, mailing, reaching
from surveys.models import Invitation, Wave
from surveys.models.waves import InvitationQuerySet

State, By = Invitation.State, Invitation.By


class NoWayToThem(Refused):
    sentence = gettext_lazy(
        "No address of theirs takes mail, and they have not written where we can answer in private."
    )


class NobodyAsks(Refused):
    sentence = gettext_lazy("A private message needs one of us who sends it, and nobody stands behind this survey.")


class CaseIsBack(Refused):
    sentence = gettext_lazy("The case is not resolved any more.")


def whole() -> QuerySet[Invitation]:
    """With all that a letter names. Three queries, of however many."""
    rows = Invitation.objects.select_related("customer", "identity", "wave", "case", "version__survey__made_by")
    return rows.prefetch_related("version__questions__conditions")


def together(pks: Sequence[int]) -> list[Invitation]:
    """Those that are still there, in this order."""
    read = whole().in_bulk(pks)
    return [read[pk] for pk in pks if pk in read]


# --- the invitation


def take(read: Invitation) -> bool:
    """Claim it as it was read, where all of it still holds. One query. Where PostgreSQL had to wait for another sender,
    it looks again at the columns of the row itself: so these stand beside the subqueries, never in a join.
    """
    if read.by != By.EMAIL or read.case_id or read.identity_id is None:
        return False
    now = timezone.now()
    held = _to_send().filter(_same(read), state=State.PLANNED, due_at__lte=now)
    if not held.update(state=State.SENDING, claimed_at=now):
        return False
    read.state, read.claimed_at = State.SENDING, now
    return True


def _same(read: Invitation) -> Q:
    return Q(pk=read.pk, customer=read.customer_id, identity=read.identity_id, by=read.by)


@cache
def _to_send() -> InvitationQuerySet:
    runs = Wave.objects.running().filter(pk=OuterRef("wave"), planned_at__isnull=False)
    return _open_to_us().filter(Exists(runs))


def _open_to_us() -> InvitationQuerySet:
    """Of customers who may be asked, at an address that is theirs and takes mail."""
    theirs = IdentityLink.objects.confirmed().filter(identity=OuterRef("identity"), customer=OuterRef("customer"))
    box = theirs.filter(
        identity__kind=Identity.Kind.EMAIL, identity__unreachable_at=None, identity__erased_at=None
    )  # fmt: skip
    asked = reaching.welcoming().filter(pk=OuterRef("customer"))
    return Invitation.objects.filter(Exists(asked), Exists(box))


@transaction.atomic
def claim(pk: int) -> Invitation | None:
    """The invitation, for us alone and addressed. One that may not leave any more is ended with the sentence why."""
    now = timezone.now()
    held = Invitation.objects.to_send(now).filter(pk=pk).select_for_update(of=("self",), skip_locked=True)
    if held.first() is None:
        return None
    invitation = whole().get(pk=pk)
    try:
        _ask(invitation)
        _address(invitation)
        if invitation.by == By.PRIVATE:
            _write(invitation, now)
            return None
    except Refused as refusal:
        _cancel(pk, refusal, now)
        return None
    invitation.state, invitation.claimed_at = State.SENDING, now
    invitation.save(update_fields=["state", "claimed_at", "by", "identity"])
    return invitation


def _cancel(pk: int, refusal: Refused, now: datetime) -> None:
    Invitation.objects.filter(pk=pk).update(state=State.CANCELLED, ended_at=now, reason=str(refusal)[:300])


def _ask(invitation: Invitation) -> None:
    consent.must_contact(invitation.customer, Purpose.SURVEY)
    if invitation.case and not invitation.case.resolved_at:
        raise CaseIsBack


def _address(invitation: Invitation) -> None:
    """Where it goes now: what was planned may be theirs no more, or may have come back since. Raises NoWayToThem."""
    stands = invitation.customer.survivor
    if box := addressing.mailbox(stands, invitation.identity_id):
        invitation.by, invitation.identity = By.EMAIL, box
        return
    question = addressing.last_word(stands)
    if question is None:
        raise NoWayToThem
    invitation.by, invitation.identity = By.PRIVATE, question.identity


def _write(invitation: Invitation, now: datetime) -> None:
    """The private message, into the outbox. Raises Refused, as the outbox does."""
    question = addressing.last_word(invitation.customer.survivor)
    by = (invitation.wave.made_by if invitation.wave else None) or invitation.version.survey.made_by
    if question is None:
        raise NoWayToThem
    if by is None:
        raise NobodyAsks
    text = mailing.words(invitation)
    outbox.check(question.channel, links.show(text, invitation), private=True)
    with transaction.atomic():
        written = outbox.write(answer_to=question, text=text, by=by, private=True, by_person=False)
    invitation.message, invitation.state = written.message, State.SENT
    invitation.sent_at = invitation.claimed_at = now
    invitation.save(update_fields=["message", "state", "sent_at", "claimed_at", "by", "identity"])


# --- its reminders


def count_as_read(read: Invitation) -> bool:
    """Count one more reminder, for us alone, where all of it still holds as it was read. One query."""
    now = timezone.now()
    late = _to_remind().filter(_same(read), state=State.SENT, reminded=read.reminded, expires_at__gt=now)
    if not late.update(reminded=F("reminded") + 1, reminded_at=now):
        return False
    read.reminded, read.reminded_at = read.reminded + 1, now
    return True


@cache
def _to_remind() -> InvitationQuerySet:
    runs = Wave.objects.running().filter(pk=OuterRef("wave"), closes_at__gt=Now(), reminders__gt=OuterRef("reminded"))
    return _open_to_us().filter(Exists(runs))


@transaction.atomic
def count_reminder(pk: int) -> Invitation | None:
    """Counted for us alone, before it leaves. What may not be sent any more is ended, with why."""
    now = timezone.now()
    held = Invitation.objects.to_remind(now).filter(pk=pk).select_for_update(of=("self",), skip_locked=True)
    if held.first() is None:
        return None
    invitation = whole().get(pk=pk)
    try:
        _ask(invitation)
    except Refused as refusal:
        _cancel(pk, refusal, now)
        return None
    box = addressing.mailbox(invitation.customer.survivor, invitation.identity_id)
    if box is None:
        _cancel(pk, NoWayToThem(), now)
        return None
    invitation.identity = box
    invitation.reminded, invitation.reminded_at = invitation.reminded + 1, now
    invitation.save(update_fields=["reminded", "reminded_at", "identity"])
    return invitation
