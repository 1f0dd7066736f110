"""No more surveys, no more contact, or each purpose by itself: said by customers themselves, in force at once.

It works for as long as there is somebody behind the link, also when the survey has long been answered or is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import consent
from crm.errors import Refused
from crm.models import Consent, ConsentChange, Purpose
from surveys import waves
from surveys.models import Invitation

UNDONE_WITHIN = timedelta(hours=1)
signer = TimestampSigner(salt="surveys.stopping", sep=".")


class TooLate(Refused):
    sentence = gettext_lazy("This cannot be taken back here any more. Write to us, and we change it.")


@transaction.atomic
def stop(*, invitation: Invitation, everything: bool, how: str = "") -> ConsentChange | None:
    """No more surveys; with `everything`, no contact under any circumstances. None where that held already.

    What is on its way to them is called off in the same transaction.
    """
    with translation.override(settings.LANGUAGE_CODE):
        how = how or _("Said so on the page of a survey")
        _call_off(invitation, everything=everything)
        if everything:
            return consent.forbid(customer=invitation.customer, how=how, by=None)
        refused = Consent.State.REFUSED
        return consent.record(
            customer=invitation.customer, purpose=Purpose.SURVEY, state=refused, how=how, by=None
        )  # fmt: skip


def _reason(everything: bool) -> str:
    return _("They want no contact under any circumstances.") if everything else _("They want no more surveys.")


def _call_off(invitation: Invitation, *, everything: bool) -> None:
    """Invitations are locked before the customer is, as an answer does."""
    customer = invitation.customer.survivor
    rows = Invitation.objects.select_for_update(no_key=True).order_by("id")
    waiting = [row for row in rows.filter(customer=customer) if row.is_open]
    Invitation.objects.filter(pk__in=[row.pk for row in waiting]).update(
        state=Invitation.State.CANCELLED, reason=_reason(everything), ended_at=timezone.now()
    )
    waves.changed(row.wave_id for row in waiting if row.wave_id)


def slip(change: ConsentChange) -> str:
    """What takes `change` back, for whoever has just pressed the wrong button."""
    return signer.sign(str(change.pk))


@transaction.atomic
def take_back(*, invitation: Invitation, slip: str) -> None:
    """What held before holds again, and the survey that was called off by it goes on.

    Raises TooLate where it was pressed too long ago, is not theirs, or something newer was said.
    """
    change = _slipped(invitation, slip)
    with translation.override(settings.LANGUAGE_CODE):
        rows = Invitation.objects.select_for_update(of=("self",), no_key=True)
        held = rows.get(pk=invitation.pk)
        try:
            consent.take_back(change=change, by=None)
        except consent.SaidSince as refusal:
            raise TooLate from refusal
        _go_on(held, _reason(everything=not change.purpose))


def _slipped(invitation: Invitation, slip: str) -> ConsentChange:
    try:
        number = signer.unsign(slip, max_age=UNDONE_WITHIN)
    except BadSignature as error:
        raise TooLate from error
    change = ConsentChange.objects.filter(pk=number, customer=invitation.customer.survivor).first()
    if change is None:
        raise TooLate
    return change


def _go_on(invitation: Invitation, reason: str) -> None:
    """One that had reached them may be answered again; one that had not is left to the next wave."""
    called_off = invitation.state == Invitation.State.CANCELLED and invitation.reason == reason
    if not called_off or invitation.sent_at is None or invitation.expires_at <= timezone.now():
        return
    if Invitation.objects.open().filter(customer=invitation.customer_id).exists():
        return
    invitation.state, invitation.reason, invitation.ended_at = Invitation.State.SENT, "", None
    invitation.save(update_fields=["state", "reason", "ended_at"])


@transaction.atomic
def prefer(*, invitation: Invitation, wishes: Mapping[str, bool]) -> list[ConsentChange]:
    """What they want of each purpose. What they left as it was is not recorded anew."""
    customer = invitation.customer.survivor
    with translation.override(settings.LANGUAGE_CODE):
        if not wishes.get(Purpose.SURVEY, True):
            _call_off(invitation, everything=False)
        how = _("Chose so on the page of their preferences")
        state = {True: Consent.State.GIVEN, False: Consent.State.REFUSED}
        changed = [
            held for held in consent.held(customer, []) if wishes.get(held.purpose, held.allowed) != held.allowed
        ]
        made = [
            consent.record(customer=customer, purpose=held.purpose, state=state[not held.allowed], how=how, by=None)
            for held in changed
        ]
    return [change for change in made if change]
