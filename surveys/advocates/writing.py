"""An invitation, or thanks, in writing: where they write to us in private, else by mail; once.

As for calls that reached nobody (surveys/outreach/instead.py): a private message goes to the outbox in the transaction
that says so. A mail waits as a row, is claimed, that is committed, then it leaves. Where its sender dies between the
two nobody knows whether it left: the letter says so, and nothing is sent twice.

An invitation asks them for something that serves us: they must have agreed to that (marketing). Both take the way of an
answer, so that has to be allowed as well; it is asked when it is written, and again when it leaves.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy

from crm import consent, handoff
from crm.errors import Refused
from crm.models import Customer, Identity, Purpose, User
from crm.models.activity import log
from surveys import addressing
from surveys.advocates import letters, moving
from surveys.advocates.moving import AdvocateRefused
from surveys.models import Advocate, AdvocateLetter
from surveys.wire import End, Wire, one_by_one, plain

JOB = "surveys.jobs.write_to_advocates"
ASKS = {
    AdvocateLetter.Kind.INVITE: (Purpose.MARKETING, Purpose.CARE_REPLY),
    AdvocateLetter.Kind.THANK: (Purpose.CARE_REPLY,),
}
REST = timedelta(days=30)  # between two letters of thanks
BATCH = 200
Kind, State = AdvocateLetter.Kind, Advocate.State
TO_THANK = (State.CANDIDATE, State.INVITED, State.ADVOCATE)


class NoText(AdvocateRefused):
    sentence = gettext_lazy("Write something to them first.")


class NothingReachesThem(AdvocateRefused, addressing.NothingReachesThem):
    """Beside the field of an advocate's form."""


class ThankedAlready(AdvocateRefused):
    sentence = gettext_lazy("They were thanked on {day} already. Wait a month before you do it again.")


class InvitedAlready(AdvocateRefused):
    sentence = gettext_lazy("They have an invitation already.")


@consent.sends(Purpose.MARKETING, gettext_lazy("An invitation to speak up for us"))
@transaction.atomic
def invite(*, advocate: Advocate, text: str, by: User) -> AdvocateLetter:
    """Ask a candidate. Raises MayNotContact, NoText, NothingReachesThem, InvitedAlready and HasMoved."""
    held = _held(advocate)
    moving.move(held, (State.CANDIDATE,), State.INVITED, how="", by=by)
    letter = _write(held, Kind.INVITE, text, by)
    advocate.refresh_from_db()
    return letter


@consent.sends(Purpose.CARE_REPLY, gettext_lazy("Thanks to somebody who praised us or helped others"))
@transaction.atomic
def thank(*, advocate: Advocate, text: str, by: User) -> AdvocateLetter:
    """Thank them, once a month at most. Raises MayNotContact, NoText, NothingReachesThem, ThankedAlready, HasMoved."""
    held = _held(advocate)
    if held.state not in TO_THANK:
        raise moving.HasMoved(name=held.customer, state=held.get_state_display())
    now = timezone.now()
    if before := held.letters.filter(kind=Kind.THANK, failed="", at__gt=now - REST).first():
        raise ThankedAlready(day=f"{timezone.localtime(before.at):%Y-%m-%d}")
    return _write(held, Kind.THANK, text, by)


def _held(advocate: Advocate) -> Advocate:
    """Their record first, as everybody takes them."""
    Customer.objects.filter(advocate=advocate.pk).hold()
    rows = Advocate.objects.select_for_update(of=("self",), no_key=True).select_related("customer")
    return rows.get(pk=advocate.pk)


def _write(advocate: Advocate, kind: str, text: str, by: User) -> AdvocateLetter:
    text = text.replace("\x00", "").strip()
    if not text:
        raise NoText
    _must_allow(advocate.customer, kind)
    letter = _made(advocate, kind, text, by)
    if addressing.write_aside(letter.advocate.customer, letter.text, letter.by):
        letter.private, letter.sent_at = True, letter.at
        letter.save(update_fields=["private", "sent_at"])
    elif addressing.mailbox(advocate.customer):
        handoff.nudge(JOB, letter.pk)
    else:
        raise NothingReachesThem
    log("written to", advocate, by=by, detail=str(letter.get_kind_display()))
    return letter


def _made(advocate: Advocate, kind: str, text: str, by: User) -> AdvocateLetter:
    try:
        with transaction.atomic():
            return AdvocateLetter.objects.create(advocate=advocate, kind=kind, text=text[:4000], by=by)
    except IntegrityError as error:
        raise InvitedAlready from error


def _must_allow(customer: Customer, kind: str) -> None:
    for purpose in ASKS[Kind(kind)]:
        consent.must_contact(customer, purpose)


def why_not(customers: Iterable[int], kind: str) -> dict[int, str]:
    """Of many, who may not be written to like that, each with the sentence why. Two queries at most."""
    pks = list(customers)
    found: dict[int, str] = {}
    for purpose in reversed(ASKS[Kind(kind)]):
        found |= consent.against(pks, purpose)
    return found


# --- by mail


def mail_all() -> None:
    """Those that wait."""
    one_by_one(list(AdvocateLetter.objects.to_mail().order_by("at", "pk").values_list("pk", flat=True)[:BATCH]), mail)


@consent.sends(Purpose.CARE_REPLY, gettext_lazy("The mail in which an advocate is invited or thanked"))
def mail(pk: int, wire: Wire | None = None) -> None:
    """Send it, if it waits and nobody else has it. Not within a transaction. Call again where it did not leave."""
    claimed = _claim(pk)
    if claimed is None:
        return
    letter, box = claimed
    mine = AdvocateLetter.objects.filter(pk=pk, claimed_at=letter.claimed_at)
    match (wire or Wire()).carry_to(box, plain(letters.subject(letter), letter.text, box.value)):
        case End.LEFT:
            mine.update(sent_at=timezone.now())
        case End.STAYED:
            mine.update(claimed_at=None)
        case End.NOBODY_THERE:
            mine.update(claimed_at=None)
            mail(pk, wire)  # another address, or nothing reaches them
        # of an unknown end: claimed, and not sent, which is shown as in doubt


@transaction.atomic
def _claim(pk: int) -> tuple[AdvocateLetter, Identity] | None:
    whose = AdvocateLetter.objects.filter(pk=pk).values("advocate__customer")
    Customer.objects.filter(pk__in=whose).hold()
    rows = AdvocateLetter.objects.to_mail().select_related("advocate__customer", "by")
    letter = rows.select_for_update(of=("self",)).filter(pk=pk).first()
    if letter is None:
        return None
    try:
        _must_allow(letter.advocate.customer, letter.kind)
        box = addressing.mailbox(letter.advocate.customer.survivor)
        if box is None:
            raise NothingReachesThem
    except Refused as refusal:
        _failed(letter, refusal)
        return None
    letter.claimed_at = timezone.now()
    letter.save(update_fields=["claimed_at"])
    return letter, box


def _failed(letter: AdvocateLetter, refusal: Refused) -> None:
    """It does not leave, and says why without a name. Who was only to be invited by it is a candidate again."""
    known = why_not([letter.advocate.customer.survivor.pk], letter.kind)
    reason = next(iter(known.values()), str(refusal) if isinstance(refusal, NothingReachesThem) else "–")
    AdvocateLetter.objects.filter(pk=letter.pk).update(failed=reason[:300])
    if letter.kind == Kind.INVITE:
        invited = Advocate.objects.filter(pk=letter.advocate_id, state=State.INVITED)
        invited.update(state=State.CANDIDATE, since=timezone.now())
