"""What comes back of what we sent: an address nobody can be reached at is closed, after one report or after three.

The mailbox is a channel of the platform `email`; what a mail server reports comes from there (channels_app/came_back).
Whether a failure is for good is what its status says (`email.is_for_good`). What fails for now counts, and the third
in a row without an answer between them closes the address. A report that is read twice counts once: each mail has its
number.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from channels_app.platforms.base import Event
from channels_app.platforms.email import is_for_good
from crm import reachable
from surveys import mailing
from surveys.models import Invitation

IN_A_ROW = 3
State = Invitation.State


def hear(event: Event) -> str:
    """What a mail server reports of an invitation, as a finished sentence; "" where it was none of ours."""
    named = _named(event)
    invitation = Invitation.objects.filter(number=named.number).select_related("identity").first() if named else None
    if named is None or invitation is None:
        return ""
    why = f"{event.extra.get('status', '')} {event.extra.get('said', '')}".strip() or _("It came back.")
    if is_for_good(event.extra.get("status", "")):
        bounce(invitation=invitation, why=why)
        return _("An invitation to a survey came back: the address is closed.")
    soften(invitation=invitation, nth=named.nth, why=why)
    return _("An invitation to a survey could not be delivered for now: it is counted.")


def _named(event: Event) -> mailing.Named | None:
    """By the address it came back to, else by the Message-ID of what it holds."""
    signed = (mailing.named_by(address) for address in event.extra.get("to", "").split())
    return next(filter(None, signed), None) or mailing.named_in(event.extra.get("message_id", ""))


@transaction.atomic
def bounce(*, invitation: Invitation, why: str) -> None:
    """Nobody can be reached there: the address is closed, and the invitation ends unless it was answered."""
    if invitation.identity:
        reachable.close(identity=invitation.identity, why=why)
    now = timezone.now()
    gone = Invitation.objects.filter(pk=invitation.pk, state__in=[State.SENDING, State.DOUBT, State.SENT])
    gone.update(state=State.BOUNCED, ended_at=now, reason=why[:300], sent_at=Coalesce("sent_at", "claimed_at"))


@transaction.atomic
def soften(*, invitation: Invitation, nth: int, why: str) -> None:
    """One mail that could not be delivered for now. The third in a row since they last answered closes the address."""
    bit = 1 << nth - 1
    first = Invitation.objects.alias(known=F("came_back").bitand(bit)).filter(pk=invitation.pk, known=0)
    if not first.update(came_back=F("came_back").bitor(bit)) or invitation.identity is None:
        return
    mails = Invitation.objects.filter(identity=invitation.identity)
    if opened := reachable.opened_at(invitation.identity):
        mails = mails.filter(sent_at__gt=opened)
    answered = mails.filter(state=State.ANSWERED).order_by("-id").values_list("pk", flat=True).first() or 0
    back = mails.filter(pk__gt=answered).exclude(came_back=0).values_list("came_back", flat=True)
    if sum(bits.bit_count() for bits in back) >= IN_A_ROW:
        bounce(invitation=invitation, why=why)
