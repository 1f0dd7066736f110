"""May we contact them? The one question everything outgoing asks, and the only place an answer to it is changed.

A path by which something leaves for a customer is a function marked with `sends`, and asks `must_contact` (or
`may_contact`, where it goes on without; `may_write_to` where it knows a handle or an address). The list of these
functions is what the do-not-contact tests are made from. Behind them stands a guard in the database
(channels_app/models/guard.py): what forgot to ask is refused there, and `guarded` turns that into the sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, connection, transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import handoff, webhooks
from crm.errors import Refused
from crm.models import Consent, ConsentChange, Customer, Identity, IdentityLink, Purpose, User
from crm.models.activity import log
from crm.models.consent import GUARD

F = TypeVar("F", bound=Callable[..., Any])

# What no answer means. Whoever writes to us wants an answer; advertising needs a yes (GDPR art. 6 and 21, ePrivacy 13).
UNASKED = {Purpose.CARE_REPLY: True, Purpose.SURVEY: True, Purpose.CALL: True, Purpose.MARKETING: False}


class MayNotContact(Refused):
    sentence = gettext_lazy("{why}")


class NotAsked(MayNotContact):
    sentence = gettext_lazy(
        "They did not write to us, and have not agreed to be written to: answer in public, or wait until they do."
    )


class NobodyLeft(Refused):
    sentence = gettext_lazy("This customer was erased: there is nobody to contact.")


class SayHow(Refused):
    sentence = gettext_lazy("Say how we know: what they said or wrote, and where.")


class SaidSince(Refused):
    sentence = gettext_lazy("Something newer was recorded since. Record what holds now instead.")


@dataclass(frozen=True)
class Answer:
    """Whether we may, and why or why not as a finished sentence."""

    allowed: bool
    why: str

    def __bool__(self) -> bool:
        return self.allowed


@dataclass(frozen=True)
class Sender:
    """A path by which something leaves for a customer: the function's dotted name, for what, in words."""

    path: str
    purpose: Purpose
    says: str | Promise


SENDERS: dict[str, Sender] = {}


def sends(purpose: Purpose, says: str | Promise) -> Callable[[F], F]:
    """Mark a function through which something leaves for a customer, with what is sent in words."""

    def mark(function: F) -> F:
        path = f"{function.__module__}.{function.__qualname__}"
        SENDERS[path] = Sender(path, purpose, says)
        return function

    return mark


def may_contact(customer: Customer, purpose: str) -> Answer:
    """Whether something may go out to this customer for this purpose. Asks the record that stands for them now."""
    stands = customer.survivor
    if stands.erased_at:
        return Answer(False, str(NobodyLeft()))
    if stands.do_not_contact_at:
        return Answer(False, _("{name} asked not to be contacted under any circumstances.").format(name=stands))
    consent = Consent.objects.filter(customer=stands, purpose=purpose).first()
    label = str(Purpose(purpose).label)
    if consent is None:
        asked = (
            _("nobody has asked {name} about it, and that counts as yes")
            if UNASKED[Purpose(purpose)]
            else _("nobody has asked {name} about it, and that counts as no")
        )
        return Answer(UNASKED[Purpose(purpose)], f"{label}: {asked.format(name=stands)}.")
    if consent.state == Consent.State.GIVEN:
        return Answer(True, _("{name} agreed to this: {purpose}.").format(name=stands, purpose=label))
    return Answer(False, _("{name} does not want this: {purpose}.").format(name=stands, purpose=label))


def against(customers: Iterable[int], purpose: str) -> dict[int, str]:
    """Of many records that stand for somebody, who may not be contacted, each with the sentence why; it names nobody.

    One query. The same answers as `may_contact` gives one by one.
    """
    said = Consent.objects.filter(customer=OuterRef("pk"), purpose=purpose).values("state")
    rows = Customer.objects.filter(pk__in=list(customers)).annotate(said=Subquery(said))
    facts = rows.values_list("pk", "erased_at", "do_not_contact_at", "said")
    found = {pk: _why_not(purpose, *theirs) for pk, *theirs in facts}
    return {pk: why for pk, why in found.items() if why}


def _why_not(purpose: str, erased_at: datetime | None, forbidden_at: datetime | None, said: str | None) -> str:
    label = Purpose(purpose).label
    if erased_at:
        return str(NobodyLeft())
    if forbidden_at:
        return _("They asked not to be contacted under any circumstances.")
    if said is None:
        never_asked = _("Nobody has asked them about it, and that counts as no: {purpose}.")
        return "" if UNASKED[Purpose(purpose)] else never_asked.format(purpose=label)
    return "" if said == Consent.State.GIVEN else _("They do not want this: {purpose}.").format(purpose=label)


def must_contact(customer: Customer, purpose: str) -> None:
    """Raises MayNotContact with the reason where we may not."""
    answer = may_contact(customer, purpose)
    if not answer:
        raise MayNotContact(why=answer.why)


@dataclass(frozen=True)
class Held:
    """What holds for one purpose; `state` is empty where nobody asked. `change` says who, when and how, where known."""

    purpose: str
    label: str
    state: str
    allowed: bool
    change: ConsentChange | None


def held(customer: Customer, history: Sequence[ConsentChange]) -> list[Held]:
    """Every purpose, in the order of the house. `history` is theirs, newest first."""
    states = dict(Consent.objects.filter(customer=customer).values_list("purpose", "state"))
    latest = {change.purpose: change for change in reversed(history)}
    return [
        Held(
            p.value, str(p.label), states.get(p, ""), states[p] == Consent.State.GIVEN if p in states else UNASKED[p],
            latest.get(p),
        )
        for p in Purpose
    ]  # fmt: skip


def owner_of(identity: Identity | None) -> Customer | None:
    """Whose identity it is for certain: the record that stands for them now."""
    if identity is None:
        return None
    link = IdentityLink.objects.confirmed().filter(identity=identity).select_related("customer").first()
    return link.customer.survivor if link else None


def may_write_to(identity: Identity | None, purpose: str) -> Answer:
    """The same of a handle or an address. Who is nobody's yet has refused nothing: what nobody was asked holds."""
    if owner := owner_of(identity):
        return may_contact(owner, purpose)
    why = _("Nobody knows whose this is, so nobody has refused.")
    return Answer(UNASKED[Purpose(purpose)], why)


def must_write_to(identity: Identity | None, purpose: str) -> None:
    """Raises MayNotContact with the reason where we may not."""
    answer = may_write_to(identity, purpose)
    if not answer:
        raise MayNotContact(why=answer.why)


def must_have_agreed(identity: Identity | None, purpose: str) -> None:
    """For who did not write to us: no answer counts as no here, whatever the purpose. Raises MayNotContact."""
    must_write_to(identity, purpose)
    owner = owner_of(identity)
    agreed = Consent.objects.filter(customer=owner, purpose=purpose, state=Consent.State.GIVEN)
    if owner is None or not agreed.exists():
        raise NotAsked


@contextmanager
def guarded() -> Iterator[None]:
    """One transaction in which the database's refusal reads like ours. Raises MayNotContact."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if refusal := refusal_in(error):
            raise refusal from error
        raise


def refusal_in(error: BaseException) -> MayNotContact | None:
    """The guard's refusal as the sentence, if that is what went wrong. Inside the broken transaction it has no name."""
    told = getattr(error.__cause__, "diag", None)
    if told is None or told.constraint_name != GUARD:
        return None
    customer = None if connection.needs_rollback else Customer.objects.filter(pk=told.message_detail).first()
    answer = may_contact(customer, Purpose.CARE_REPLY) if customer else None
    return MayNotContact(why=answer.why if answer is not None and not answer else _("They may not be contacted."))


@transaction.atomic
def record(*, customer: Customer, purpose: str, state: str | None, how: str, by: User | None) -> ConsentChange | None:
    """Set what holds for a purpose (None: no longer known) and keep who, when and how. None where it held already."""
    how, stands = _said(how), _held(customer)
    held = Consent.objects.filter(customer=stands, purpose=purpose).first()
    if (held.state if held else None) == state:
        return None
    if state is None:
        Consent.objects.filter(customer=stands, purpose=purpose).delete()
    else:
        now = {"state": state, "since": timezone.now()}
        Consent.objects.update_or_create(customer=stands, purpose=purpose, defaults=now)
    return _keep(stands, purpose, state or ConsentChange.To.CLEARED, how, by)


@transaction.atomic
def forbid(*, customer: Customer, how: str, by: User | None) -> ConsentChange | None:
    """Do not contact under any circumstances, from now on. None where that held already."""
    return _absolutely(customer, timezone.now(), ConsentChange.To.SET, how, by)


@transaction.atomic
def lift(*, customer: Customer, how: str, by: User | None) -> ConsentChange | None:
    """They may be contacted again, each purpose as it was. None where nothing forbade it."""
    return _absolutely(customer, None, ConsentChange.To.LIFTED, how, by)


@transaction.atomic
def take_back(*, change: ConsentChange, by: User | None) -> ConsentChange | None:
    """It was recorded by mistake: what held before holds again. Raises SaidSince where something newer was recorded."""
    stands, how = _held(change.customer), _("Taken back: it was recorded by mistake.")
    said = stands.consent_changes.filter(purpose=change.purpose)
    if said.first() != change:
        raise SaidSince
    if not change.purpose:
        act = lift if change.to == ConsentChange.To.SET else forbid
        return act(customer=stands, how=how, by=by)
    before = said.exclude(pk=change.pk).first()
    known = before is not None and before.to != ConsentChange.To.CLEARED
    state = before.to if before and known else None
    return record(customer=stands, purpose=change.purpose, state=state, how=how, by=by)


def _absolutely(customer: Customer, at: datetime | None, to: str, how: str, by: User | None) -> ConsentChange | None:
    how, stands = _said(how), _held(customer)
    if (stands.do_not_contact_at is None) == (at is None):
        return None
    Customer.objects.filter(pk=stands.pk).update(do_not_contact_at=at)
    customer.do_not_contact_at = at
    return _keep(stands, "", to, how, by)


def _held(customer: Customer) -> Customer:
    """The record that stands for them, locked, so that two who say something about its consent come one by one."""
    records = Customer.objects.select_for_update(of=("self",), no_key=True)
    found = records.get(pk=customer.survivor.pk)
    while found.merged_into_id:  # while we waited, or since it was read: what is said holds for who stands now
        found = records.get(pk=found.merged_into_id)
    if found.erased_at:
        raise NobodyLeft
    return found


def _said(how: str) -> str:
    how = how.replace("\x00", "").strip()
    if not how:
        raise SayHow
    return how[:300]


def _keep(customer: Customer, purpose: str, to: str, how: str, by: User | None) -> ConsentChange:
    change = ConsentChange.objects.create(customer=customer, purpose=purpose, to=to, how=how, by=by)
    what = Purpose(purpose).label if purpose else _("Any contact")
    log("consent", customer, by=by, detail=f"{what}: {change.get_to_display()} ({how})")
    webhooks.tell("consent.changed", change)
    handoff.pass_on("customer_changed", customer.pk)
    return change
