"""That an improvement has come, in writing: where they write to us in private, else by mail; once.

As for a call that reached nobody (instead.py): a private message goes to the outbox in the transaction that says so. A
mail is claimed, that is committed, then it leaves. Where its sender dies between the two the row says that nobody knows
whether it left, and nothing is sent twice. They are answered what they asked, so they have to allow answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext as _  # for customers: these stand in the catalogs

from crm import consent
from crm.errors import Refused
from crm.models import Customer, Identity, Purpose
from surveys import addressing
from surveys.models import ActionPlan, Invitation, Told
from surveys.outreach import letters
from surveys.spoken import frame_in
from surveys.wire import End, Wire, one_by_one, plain

How = Told.How
BATCH = 500


def write_all(plan: int) -> None:
    """To everybody who waits for it."""
    one_by_one(_waiting(plan), write)


def _waiting(plan: int) -> Iterator[int]:
    rows = Told.objects.to_write().filter(plan=plan, customer__merged_into=None).order_by("pk")
    after, pks = 0, rows.values_list("pk", flat=True)
    while found := list(pks.filter(pk__gt=after)[:BATCH]):
        yield from found
        after = found[-1]


@consent.sends(Purpose.CARE_REPLY, gettext_lazy("That something they asked for has changed"))
def write(pk: int, wire: Wire | None = None) -> None:
    """Tell one of them, who waits for it and whom nobody else has. Not within a transaction.

    Whom nothing reaches, or who may not be written to, is marked so, with the reason.
    """
    claimed = _claim(pk, timezone.now())
    if claimed is None:
        return
    told, box = claimed
    mine = Told.objects.filter(pk=pk, at=told.at)
    match (wire or Wire()).carry_to(box, _letter(told, box.value)):
        case End.LEFT:
            mine.update(reason="")
        case End.STAYED:
            mine.update(at=None, reason="")
        case End.NOBODY_THERE:
            mine.update(at=None, reason="")
            write(pk, wire)  # another address, or nothing reaches them
        # of an unknown end the row says so already


@transaction.atomic
def _claim(pk: int, now: datetime) -> tuple[Told, Identity] | None:
    """The row and the address it goes to; None where there is nothing to mail, or no longer."""
    told = _held(pk)
    if told is None:
        return None
    try:
        return _by_a_way(told, now)
    except Refused as refusal:
        Told.objects.filter(pk=told.pk).update(how=How.NOT, reason=str(refusal)[:300])
        return None


def _held(pk: int) -> Told | None:
    """Their record first, as everybody takes them. Nothing while the plan is taken up again.

    Nor of a record that was merged: such a row stays behind where the record that stands has its own.
    """
    Customer.objects.filter(pk__in=Told.objects.filter(pk=pk).values("customer")).hold()
    rows = Told.objects.to_write().filter(pk=pk, plan__state=ActionPlan.State.DONE, customer__merged_into=None)
    return rows.select_for_update(of=("self",)).select_related("plan__owner", "customer").first()


def _by_a_way(told: Told, now: datetime) -> tuple[Told, Identity] | None:
    """Raises MayNotContact and NothingReachesThem."""
    customer = told.customer.survivor
    if why := consent.against([customer.pk], Purpose.CARE_REPLY):
        raise consent.MayNotContact(why=why[customer.pk])
    if addressing.write_aside(customer, words(told), told.plan.owner):
        Told.objects.filter(pk=told.pk).update(at=now)
        return None
    box = addressing.mailbox(customer)
    if box is None:
        raise addressing.NothingReachesThem
    told.at = now
    told.reason = gettext("Nobody knows whether the mail has left: look into the mailbox it is sent from.")
    told.save(update_fields=["at", "reason"])
    return told, box


# --- what is written


def words(told: Told) -> str:
    """Without a link, in their language where Hark speaks it; what changed stands as it was written."""
    customer = told.customer.survivor
    with frame_in(customer.language):
        hello = _("Hello {name},").format(name=customer)
        opening = _("you told us what should be better. It has changed:")
        return f"{hello}\n\n{opening}\n\n{told.plan.outcome}\n\n{_('Thank you for telling us.')}\n\n{told.plan.owner}"


def _letter(told: Told, address: str) -> EmailMessage:
    with frame_in(told.customer.survivor.language):
        text = letters.with_a_choice(words(told), _asked(told))
        return plain(_("What changed because you told us"), text, address)


def _asked(told: Told) -> Invitation | None:
    """The last survey they answered, whose link lets them say what we may write."""
    theirs = Invitation.objects.filter(customer=told.customer_id, response__isnull=False)
    return theirs.order_by("-pk").first()
