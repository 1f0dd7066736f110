"""A copy or an erasure is asked for by somebody who may, and refused in a sentence where it cannot be."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import handoff
from crm.errors import Refused
from crm.models import Customer, PrivacyRequest, User
from crm.models.activity import log
from crm.privacy import holders, people

JOB = "crm.jobs.privacy"


class NothingHeld(Refused):
    sentence = _("This customer was erased: there is nothing left to copy or to erase.")


class UnderWay(Refused):
    sentence = _("“{what}” is under way for this customer already. Wait until it is done.")


class ConfirmFirst(Refused):
    sentence = _("Type “{name}” or {number} to confirm: an erasure cannot be undone.")


class NotNow(Refused):
    sentence = _("{why}")


@transaction.atomic
def ask_for_copy(*, customer: Customer, reason: str, by: User) -> PrivacyRequest:
    person = _locked(customer)
    if person.customer.erased_at:
        raise NothingHeld
    return _ask(person, PrivacyRequest.Kind.EXPORT, reason, by)


@transaction.atomic
def ask_for_erasure(*, customer: Customer, confirmed: str, reason: str, by: User) -> PrivacyRequest:
    """From here on nothing goes out to them any more; the job does the rest. `confirmed`: their name or number.

    An erasure that broke off is gone on with.
    """
    person = _locked(customer)
    if not _is_confirmed(person.customer, confirmed):
        raise ConfirmFirst(name=person.customer.name, number=person.customer.pk)
    if found := broken_off(person.customer):
        return _go_on(found, by)
    if person.customer.erased_at:
        raise NothingHeld
    if why := holders.hindrances(person):
        raise NotNow(why=why[0])
    request = _ask(person, PrivacyRequest.Kind.ERASURE, reason, by)
    Customer.objects.filter(pk__in=person.records).update(erased_at=timezone.now())
    handoff.pass_on("customer_changed", person.customer.pk)
    return request


def _locked(customer: Customer) -> people.Person:
    """Two who ask at once: one waits, and is then told. Who is being merged just now is merged first."""
    person = people.person(customer)
    Customer.objects.filter(pk__in=person.records).hold()
    return people.person(Customer.objects.get(pk=customer.pk))


def _is_confirmed(customer: Customer, typed: str) -> bool:
    words = " ".join(typed.split())
    return words.casefold() == " ".join(customer.name.split()).casefold() or words.lstrip("#") == str(customer.pk)


def _ask(person: people.Person, kind: str, reason: str, by: User) -> PrivacyRequest:
    """The copy of who is being erased would outlive them, so one of the two at a time."""
    if found := PrivacyRequest.objects.under_way().filter(customer__in=person.records).first():
        raise UnderWay(what=found.get_kind_display())
    request = PrivacyRequest.objects.create(customer=person.customer, kind=kind, reason=reason, by=by)
    log("copy asked for" if kind == PrivacyRequest.Kind.EXPORT else "erasure asked for", person.customer, by=by)
    handoff.nudge(JOB, request.pk, queue="default")
    return request


def broken_off(customer: Customer) -> PrivacyRequest | None:
    """The erasure of this customer that began and could not go on."""
    begun = PrivacyRequest.objects.filter(customer=customer, kind=PrivacyRequest.Kind.ERASURE).order_by("-pk").first()
    return begun if begun and begun.state == PrivacyRequest.State.FAILED else None


def _go_on(request: PrivacyRequest, by: User) -> PrivacyRequest:
    request.state, request.trouble = PrivacyRequest.State.WAITING, ""
    request.save(update_fields=["state", "trouble"])
    log("erasure gone on with", request.customer, by=by)
    handoff.nudge(JOB, request.pk, queue="default")
    return request


def requests_of(customer: Customer) -> QuerySet[PrivacyRequest]:
    """Newest first, of whichever of their records."""
    records = people.person(customer).records
    return PrivacyRequest.objects.filter(customer__in=records).select_related("by", "customer").order_by("-pk")
