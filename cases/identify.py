"""Asking a customer who they are, from their case: a private link, through the channel they wrote on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import live, replies
from cases.models import Case
from channels_app.models import Channel, Delivery, Message
from crm import consent, identify, private_links
from crm.errors import Refused
from crm.models import IdentityLink, IdentityRequest, Purpose, User

REMEMBERED = timedelta(days=30)  # how long a case shows what came of a question


class CannotAskThere(Refused):
    sentence = gettext_lazy(
        "{channel} cannot send a message to one person alone, so nothing was sent. Make a link instead, and give it to"
        " them in a private conversation. Never post it where others can read it."
    )


class AskedInAnotherCase(Refused):
    sentence = gettext_lazy("This question was not asked in this case.")


@dataclass(frozen=True)
class Asked:
    """What the panel beside a case says of who they are.

    `link` is there for an agent to pass on by hand, as long as no message of ours carries it. `blocked` is why they may
    not be asked; `conflict`, that two records claim this identity.
    """

    request: IdentityRequest | None
    link: str
    can_send: bool
    blocked: str
    evidence: str
    conflict: bool


@consent.sends(Purpose.CARE_REPLY, gettext_lazy("The private link on which somebody says who they are"))
@transaction.atomic
def ask_who(*, case: Case, by: User) -> Delivery:
    """Send who wrote in this case a private link; one that was sent to them earlier stops working.

    Raises CannotAskThere, AskedEnough, MayNotContact, and what a reply raises.
    """
    if not can_send(case.channel):
        raise CannotAskThere(channel=case.channel)
    question = _their_words(case)
    request = identify.ask(identity=case.identity, by=by, asked_as=_name_of(case.channel))
    return replies.reply(case=case, text=_words(request), by=by, answer_to=question, private=True, standard=True)


@transaction.atomic
def make_link(*, case: Case, by: User) -> IdentityRequest:
    """A link for the agent to give them in a private conversation that Hark has no part in."""
    request = identify.ask(identity=case.identity, by=by, asked_as=_name_of(case.channel))
    live.customers_changed([case.pk])
    return request


@transaction.atomic
def withdraw(*, case: Case, request: IdentityRequest, by: User) -> IdentityRequest:
    if request.identity_id != case.identity_id:
        raise AskedInAnotherCase
    return identify.withdraw(request=request, by=by)


def can_send(channel: Channel) -> bool:
    return channel.capabilities.reply_private


def asked(case: Case) -> Asked:
    """At most five queries."""
    lately = case.identity.requests.filter(asked_at__gt=timezone.now() - REMEMBERED)
    request = lately.select_related("asked_by", "claim").order_by("-asked_at", "-id").first()
    proof = _proof(request) if request and request.state == IdentityRequest.State.ANSWERED else None
    may = consent.may_write_to(case.identity, Purpose.CARE_REPLY)
    by_hand = request is not None and request.is_open and not request.messages.exists()
    return Asked(
        request=request,
        link=private_links.link(request) if request and by_hand else "",
        can_send=can_send(case.channel),
        blocked="" if may else may.why,
        evidence=proof.evidence if proof else "",
        conflict=proof is not None and proof.state == IdentityLink.State.PROPOSED,
    )


def _proof(request: IdentityRequest) -> IdentityLink | None:
    """What came of the answer: the link of who was asked; of their mailbox, where it was theirs alone to be linked."""
    links = IdentityLink.objects.filter(
        identity__in=[request.identity_id, request.claim_id], method=IdentityLink.Method.ASKED
    )
    newest = sorted(links, key=lambda link: (link.identity_id == request.identity_id, link.created_at, link.pk))
    return newest[-1] if newest else None


def _their_words(case: Case) -> Message:
    """The last that this identity said here: what a private message on a public network answers."""
    theirs = Message.objects.filter(
        case_entry__case=case, direction=Message.Direction.IN, identity=case.identity
    ).select_related("channel")
    last = theirs.order_by("-occurred_at", "-id").first()
    if last is None:
        raise replies.NobodyToAnswer
    return last


def _name_of(channel: Channel) -> str:
    """Whom the customer wrote to, in their eyes."""
    return channel.brand or (f"@{channel.our_handle.lstrip('@')}" if channel.our_handle else channel.name)


def _words(request: IdentityRequest) -> str:
    until = date_format(timezone.localtime(request.expires_at), "j F")
    return _(
        "Who are you? Tell us here, and we can look into it with what we know of you: {link} Only you see this message."
        " The link works once, until {until}, and we never ask for a password there."
    ).format(link=private_links.link(request), until=until)
