"""From public to private and back: one case, two threads."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import answering, live, replies, told
from cases.models import Case, CaseMessage, DeskSettings
from channels_app import outbox
from channels_app.models import Delivery, Message
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log


class PrivateAlready(Refused):
    sentence = gettext_lazy("This conversation is private already: what you answer here, only they can read.")


class NothingPublic(Refused):
    sentence = gettext_lazy("Nothing in this case was asked in public, so there is no public conversation to close.")


class NotMoved(Refused):
    sentence = gettext_lazy("This case has no private conversation: answer in public as usual.")


class NotAgreed(Refused):
    sentence = gettext_lazy(
        "Say how the customer agreed to it: what they settled with us in private is theirs, and is told in public only"
        " where they want it."
    )


@dataclass(frozen=True)
class Side:
    """What the pane says of a case's two sides. `may_close`: the outcome may be posted in public."""

    may_move: bool
    moved: bool
    may_close: bool
    public_line: str


@transaction.atomic
def move(*, case: Case, text: str, by: User, public_line: str = "") -> Delivery:
    """Go on in private with who asked in public; `public_line` says so where they asked.

    The case keeps both conversations; what they answer in private comes to it. Returns the private message on its way.
    Raises CannotSendPrivately, PrivateAlready, NothingPublic, and what a reply raises.
    """
    if not case.channel.capabilities.reply_private:
        raise outbox.CannotSendPrivately(channel=case.channel)
    last = replies.latest_question(case)
    if last and last.private:
        raise PrivateAlready
    question = _asked_in_public(case)
    if public_line.strip():
        ours = public_line.strip() == default_line()
        replies.reply(
            case=case, text=public_line, by=by, answer_to=question, acknowledges=True, standard=ours
        )  # fmt: skip
    delivery = replies.reply(case=case, text=text, by=by, answer_to=question, private=True)
    log("moved to private", case, by=by, detail=str(case.channel))
    return delivery


@transaction.atomic
def close_in_public(*, case: Case, text: str, agreed_how: str, by: User) -> Delivery:
    """Say in public how it ended, where it was asked there and the customer agreed. Changes nothing else of the case.

    Raises NotAgreed, NotMoved, NothingPublic, PrivateLinkInPublic, and what stands in the way of any reply.
    """
    agreed_how = " ".join(agreed_how.split())
    if not agreed_how:
        raise NotAgreed
    if not said_in_private(case):
        raise NotMoved
    case, question = replies.ready(case=case, by=by, seen=None, answer_to=_asked_in_public(case))
    replies.check_words(case, question, text, by, "", DeskSettings.current())
    delivery = outbox.write(answer_to=question, text=text, by=by)
    CaseMessage.objects.create(case=case, message=delivery.message, acknowledges=True)
    log("closed in public", case, by=by, detail=agreed_how)
    told.changed([case.pk])
    live.cases_changed([case.pk], spoken=[case.pk], by=by)
    return delivery


def default_line() -> str:
    return _("We have sent you a private message, so that we can look into it with you.")


def side(case: Case) -> Side:
    """No query but that of `answering.latest`."""
    said = answering.latest(case)
    asked = {message.private for message in said if message.direction == Message.Direction.IN}
    private, public, can = any(message.private for message in said), False in asked, case.channel.capabilities
    return Side(
        may_move=case.is_unresolved and public and True not in asked and can.reply_private,
        moved=public and private,
        may_close=public and private and can.reply_public,
        public_line=default_line(),
    )


def said_in_private(case: Case) -> bool:
    return CaseMessage.objects.filter(case=case, message__private=True).exists()


def _asked_in_public(case: Case) -> Message:
    """What the customer of this identity said last where all can read. Raises NothingPublic."""
    asked = Message.objects.filter(
        case_entry__case=case, direction=Message.Direction.IN, private=False, channel=case.channel_id
    )
    last = asked.select_related("channel", "identity").order_by("-occurred_at", "-id").first()
    if last is None:
        raise NothingPublic
    return last
