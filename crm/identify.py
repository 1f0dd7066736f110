"""Asking somebody who they are, and what comes of their answer.

An agent asks one identity: that makes a request and its private link (`crm.private_links`). Whoever opens the link says
an e-mail address or a customer number; a code goes to that address, or to the one on that record; the code comes back,
and the identity is theirs. What is said to them is the same whether we know them or not, and so is what is done before
they are answered: the mail goes out from a job.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from smtplib import SMTPException

import structlog
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm import addresses, consent, decisions, handoff, limits, webhooks
from crm.errors import Refused
from crm.models import Customer, Identity, IdentityLink, IdentityRequest, Purpose, User
from crm.models.activity import log
from crm.models.identify import MOST_CODES, MOST_TRIES

events = structlog.get_logger(__name__)

SEND_CODE = "crm.jobs.send_code"
CODE_VALID_FOR = timedelta(minutes=15)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
LINKS_A_DAY = 3  # for one identity
CODES_A_DAY = 5  # for one address or number, as written; and again for one mailbox
CODES_AN_HOUR, TRIES_AN_HOUR = 20, 40  # from one machine
TRIES_A_DAY = 25  # for one address or number


class AskedEnough(Refused):
    sentence = gettext_lazy("{who} was asked {n} times within a day. Wait for an answer before you ask again.")


class LinkGone(Refused):
    sentence = gettext_lazy("This link does not work any more. Write to us where we wrote to you, and we send another.")


class NoMoreCodes(Refused):
    sentence = gettext_lazy("We have sent as many codes as we may. Write to us where we wrote to you.")


class TooOften(Refused):
    sentence = gettext_lazy("That was tried too often. Try again in an hour, or write to us where we wrote to you.")


class NotNow(Refused):
    sentence = gettext_lazy("That did not work just now. Try again in a minute, or write to us where we wrote to you.")


class NeedsNewCode(Refused):
    sentence = gettext_lazy("This code does not work any more. Ask for another.")


class WrongCode(Refused):
    sentence = gettext_lazy("That is not the code. Look at the newest mail from us, and type its six digits.")


# --- the agent


@transaction.atomic
def ask(*, identity: Identity, by: User, asked_as: str) -> IdentityRequest:
    """A new request; the earlier link stops working. `asked_as`: whom the customer knows us as.

    Raises MayNotContact and AskedEnough.
    """
    identity = Identity.objects.select_for_update(no_key=True).get(pk=identity.pk)  # two who ask at once ask one by one
    consent.must_write_to(identity, Purpose.CARE_REPLY)
    now = timezone.now()
    if identity.requests.filter(asked_at__gt=now - DAY).count() >= LINKS_A_DAY:
        raise AskedEnough(who=identity.label, n=LINKS_A_DAY)
    for earlier in identity.requests.unanswered().select_for_update():
        _close(earlier)
    request = IdentityRequest.objects.create(identity=identity, asked_by=by, asked_as=asked_as[:120])
    _note("asked who they are", identity, by=by)
    return request


@transaction.atomic
def withdraw(*, request: IdentityRequest, by: User) -> IdentityRequest:
    """Its link stops working. Nothing happens where it was answered already."""
    request = _locked(request)
    if request.is_unanswered:
        _close(request)
        _note("no longer asked who they are", request.identity, by=by)
    return request


def _close(request: IdentityRequest) -> None:
    request.state, request.claimed, request.code_hash = IdentityRequest.State.WITHDRAWN, "", ""
    request.code_wanted_at = None
    request.save(update_fields=["state", "claimed", "code_hash", "code_wanted_at"])


# --- the customer says who they are


def works(request: IdentityRequest) -> bool:
    """Whether its link still leads somewhere: neither used, withdrawn or run out, nor that of somebody erased."""
    owner = consent.owner_of(request.identity) if request.is_open else None
    return request.is_open and (owner is None or owner.erased_at is None)


def say_who(*, request: IdentityRequest, text: str, machine: str) -> None:
    """Somebody with the link says an e-mail address or a customer number: a code is on its way, if there is one.

    Raises NotAnAddress, TooOften, NoMoreCodes and LinkGone. None of them tells whether we know them.
    """
    said = _as_claimed(text)
    machine_may = limits.spend("code from", machine, most=CODES_AN_HOUR, per=HOUR)
    address_may = limits.spend("code for", said.casefold(), most=CODES_A_DAY, per=DAY)
    if not machine_may or not address_may:
        raise TooOften
    _want_code(request, said)


def _as_claimed(text: str) -> str:
    kind = Identity.Kind.EMAIL if "@" in text else Identity.Kind.EXTERNAL
    return addresses.written(kind, text).handle


@transaction.atomic
def _want_code(request: IdentityRequest, said: str) -> None:
    request = _locked(request)
    if not works(request):
        raise LinkGone
    if request.codes >= MOST_CODES:
        raise NoMoreCodes
    now = timezone.now()
    request.state, request.claimed, request.claim = IdentityRequest.State.CLAIMED, said, None
    request.codes, request.tries, request.code_hash, request.trouble = request.codes + 1, 0, "", ""
    request.code_wanted_at, request.code_expires_at = now, now + CODE_VALID_FOR
    request.save()
    handoff.nudge(SEND_CODE, request.pk)


# --- the code goes out


@consent.sends(Purpose.CARE_REPLY, gettext_lazy("The code that shows who somebody is, by e-mail"))
def send_code(request: IdentityRequest) -> None:
    """Mail the code that is wanted, once; or note for the agent why none went out."""
    wanted = IdentityRequest.objects.wanting_a_code(timezone.now()).filter(pk=request.pk).select_related("identity")
    if (request := wanted.first()) is None:  # type: ignore[assignment]
        return
    mailbox, trouble = _mailbox(request)
    if trouble or mailbox is None:
        _settle_code(request, trouble=trouble)
        return
    code = f"{secrets.randbelow(10**6):06}"
    known = mailbox if mailbox.pk else None
    if not _settle_code(request, code_hash=_hash(request, code), claim=known):
        return  # another worker has it
    try:
        _mail(request, mailbox.handle or mailbox.value, code)
    except (SMTPException, OSError) as error:
        events.warning("a code could not be mailed; the sweep tries again", request=request.pk, error=str(error)[:100])
        trouble = _("The mail server did not take the mail. It is tried again.")
        IdentityRequest.objects.filter(pk=request.pk, code_hash=_hash(request, code)).update(
            code_hash="", code_wanted_at=request.code_wanted_at, trouble=trouble
        )
    _tell(request.identity)


def _settle_code(request: IdentityRequest, **facts: object) -> bool:
    """Deal with the code that was wanted when `request` was read. False where somebody else did."""
    same = IdentityRequest.objects.filter(pk=request.pk, code_wanted_at=request.code_wanted_at)
    settled = same.update(**{"code_wanted_at": None, "trouble": "", **facts})
    if settled:
        _tell(request.identity)
    return bool(settled)


def _mailbox(request: IdentityRequest) -> tuple[Identity | None, str]:
    """Where the code goes, and what the agent is told where it goes nowhere. A mailbox we do not know is not stored."""
    mailbox = _claimed_mailbox(request)
    if isinstance(mailbox, str):
        return None, mailbox
    for identity in (request.identity, mailbox):
        if identity.pk and not (answer := consent.may_write_to(identity, Purpose.CARE_REPLY)):
            return None, answer.why
    again = bool(request.trouble)  # the mail server did not take it: that is no further code
    if not again and not limits.spend("code to", addresses.email(mailbox.value), most=CODES_A_DAY, per=DAY):
        return None, _("Enough codes went to this mailbox within a day.")
    return mailbox, ""


def _claimed_mailbox(request: IdentityRequest) -> Identity | str:
    said = request.claimed
    if "@" in said:
        key = addresses.email(said)
        known = Identity.objects.filter(kind=Identity.Kind.EMAIL, value=key).first()
        return known or Identity(kind=Identity.Kind.EMAIL, value=key, handle=said)
    owners = {owner for hit in Identity.objects.numbered(said) if (owner := consent.owner_of(hit))}
    if len(owners) != 1:
        return _("No record has this number.") if not owners else _("Several records have this number.")
    return _mailbox_of(owners.pop()) or _("The record with this number has no e-mail address.")


def _mailbox_of(customer: Customer) -> Identity | None:
    """The address on a record to which a code may go: verified ones first, then the newest."""
    links = IdentityLink.objects.confirmed().filter(customer=customer, identity__kind=Identity.Kind.EMAIL)
    found = [link.identity for link in links.select_related("identity").order_by("-created_at", "-id")]
    found.sort(key=lambda identity: identity.verified_at is None)
    return next((identity for identity in found if _can_be_mailed(identity)), None)


def _can_be_mailed(identity: Identity) -> bool:
    try:
        return bool(addresses.email(identity.value))
    except addresses.NotAnAddress:  # kept as a file wrote it
        return False


def _mail(request: IdentityRequest, to: str, code: str) -> None:
    spaced = f"{code[:3]} {code[3:]}"
    facts = {"code": spaced, "brand": request.asked_as, "minutes": int(CODE_VALID_FOR.total_seconds() // 60)}
    subject = _("{code} is your code for {brand}").format(code=spaced, brand=request.asked_as)
    headers = {"Auto-Submitted": "auto-generated"}  # nobody's holiday answers it
    EmailMessage(subject, render_to_string("crm/who/code.txt", facts), to=[to], headers=headers).send()


# --- the code comes back


def answer(*, request: IdentityRequest, code: str, machine: str) -> None:
    """Somebody with the link types the code. From here on the identity is theirs.

    Raises WrongCode, NeedsNewCode, TooOften, LinkGone and NotNow. A wrong code counts, whatever is raised. What the
    house refuses among its records is not for them to read.
    """
    machine_may = limits.spend("try from", machine, most=TRIES_AN_HOUR, per=HOUR)
    address_may = limits.spend("try for", request.claimed.casefold(), most=TRIES_A_DAY, per=DAY)
    if not machine_may or not address_may:
        raise TooOften
    try:
        refusal = _try(request, "".join(c for c in code if c.isalnum()))
    except Refused as error:
        events.warning("an answer could not be taken now", request=request.pk, error=type(error).__name__)
        raise NotNow from error
    if refusal:
        raise refusal
    events.info("somebody said who they are", request=request.pk)


@transaction.atomic
def _try(request: IdentityRequest, typed: str) -> type[Refused] | None:
    """One try, counted under the row's lock: two at once are two."""
    request = _locked(request)
    if not works(request):
        return LinkGone
    if not request.code_expires_at or request.code_expires_at <= timezone.now() or request.tries >= MOST_TRIES:
        return NeedsNewCode
    if not request.code_hash or not constant_time_compare(request.code_hash, _hash(request, typed)):
        request.tries += 1
        request.save(update_fields=["tries"])
        return WrongCode if request.tries < MOST_TRIES else NeedsNewCode
    _believe(request)
    return None


def _believe(request: IdentityRequest) -> None:
    """They hold the identity, which we wrote to, and the mailbox, which the code went to: so both are one person's."""
    now = timezone.now()
    mailbox = request.claim or addresses.identity(Identity.Kind.EMAIL, "", request.claimed)
    Identity.objects.filter(pk=mailbox.pk).update(verified_at=now)
    day = date_format(timezone.localtime(now), "j M Y")
    evidence = _("Confirmed {address} by a code on {day}").format(address=addresses.masked(mailbox.value), day=day)
    link = _join(request.identity, mailbox, evidence)
    owner = link.customer.survivor
    if link.state == IdentityLink.State.CONFIRMED:
        Customer.objects.filter(pk=owner.pk, known_at=None).update(known_at=now)
    request.state, request.answered_at, request.claim = IdentityRequest.State.ANSWERED, now, mailbox
    request.claimed = request.code_hash = request.trouble = ""
    request.save()
    log("identified", owner, by=None, detail=f"{request.identity.label}: {evidence}")
    webhooks.tell("customer.changed", owner)
    handoff.pass_on("customer_changed", owner.pk)
    _tell(request.identity)


def _join(identity: Identity, mailbox: Identity, evidence: str) -> IdentityLink:
    """Link both to one customer: the mailbox's; the identity's, where nobody knows the mailbox, or only it is known."""
    here, there = consent.owner_of(identity), consent.owner_of(mailbox)
    claimed, owner = identity, there
    if there is None or (here and here != there and there.is_provisional and not here.is_provisional):
        claimed, owner = mailbox, here
    if owner is None:  # both were nobody's
        owner = Customer.objects.create(name=(identity.display_name or identity.handle or identity.value)[:200])
        decisions.claim(identity=identity, customer=owner, method=IdentityLink.Method.ASKED, evidence=evidence)
    return decisions.claim(identity=claimed, customer=owner, method=IdentityLink.Method.ASKED, evidence=evidence)


# --- the ground below


def expire() -> None:
    """Forget what was written in answer to links that ran out."""
    done = IdentityRequest.objects.unanswered().filter(expires_at__lte=timezone.now()).exclude(claimed="")
    done.update(claimed="", code_hash="", code_wanted_at=None)


def _locked(request: IdentityRequest) -> IdentityRequest:
    """The row as it is now, ours until the transaction ends. The identity first, as whoever decides on it does."""
    Identity.objects.select_for_update(no_key=True).get(pk=request.identity_id)
    rows = IdentityRequest.objects.select_for_update(of=("self",)).prefetch_related("identity", "claim")
    return rows.get(pk=request.pk)


def _hash(request: IdentityRequest, code: str) -> str:
    """Keyed, since a million codes are soon tried."""
    return salted_hmac("crm.identify.code", f"{request.number}:{code}", algorithm="sha256").hexdigest()


def _note(verb: str, identity: Identity, *, by: User) -> None:
    log(verb, consent.owner_of(identity) or identity, by=by, detail=identity.label)
    _tell(identity)


def _tell(identity: Identity) -> None:
    if owner := consent.owner_of(identity):
        handoff.pass_on("customer_changed", owner.pk)
