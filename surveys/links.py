"""The link by which one customer answers one survey: made from an invitation, found in what is opened.

It is the invitation's number with a signature of this Hark's SECRET_KEY. So it can be made again whenever it has to be
sent (a reminder has the same), and neither the link nor anything it could be made from alone stands in the database.
Whoever has it may answer once, and may stop us: it is made for who cannot sign in.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from typing import overload

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from surveys.models import Invitation

HIDDEN = "[survey link]"
TOKEN = r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"  # noqa: S105 - what one looks like
# JSON may write \/ for /
LINK = rf"https?:(?:\\?/){{2}}[^\s\"'<>]{{1,200}}?\\?/s\\?/({TOKEN})(?:\\?/(?:[a-z]+\\?/)?)?(?:\?[\w=&%.-]*)?"
IN_TEXT, IN_BYTES = re.compile(LINK), re.compile(LINK.encode())

signer = Signer(salt="surveys.links", sep=".")


def token(invitation: Invitation) -> str:
    return signer.sign(base64.urlsafe_b64encode(invitation.number.bytes).decode().rstrip("="))


def link(invitation: Invitation, *, score: int | None = None) -> str:
    """Where it is answered. With `score`, that number is chosen beforehand: it is recorded once they press it."""
    return _to("surveys:asked", invitation) + ("" if score is None else f"?score={score}")


def unsubscribe_link(invitation: Invitation) -> str:
    """For the header List-Unsubscribe: a POST ends it (RFC 8058), and a person who opens it finds a button."""
    return _to("surveys:one_click", invitation)


def stop_link(invitation: Invitation) -> str:
    """For people: no more surveys, or no contact at all."""
    return _to("surveys:asked_stop", invitation)


def preferences_link(invitation: Invitation) -> str:
    return _to("surveys:preferences", invitation)


def _to(page: str, invitation: Invitation) -> str:
    return settings.HARK_URL + reverse(page, args=[token(invitation)])


def find(token: str) -> Invitation | None:
    """The invitation whose link this is, whatever became of it. One query."""
    try:
        number = uuid.UUID(bytes=base64.urlsafe_b64decode(signer.unsign(token) + "=="))
    except (BadSignature, binascii.Error, ValueError):
        return None
    related = Invitation.objects.select_related("customer", "wave", "version__survey", "response")
    return related.filter(number=number).first()


def is_in(text: str) -> bool:
    """Whether a link to answer by stands in `text`, anybody's."""
    return IN_TEXT.search(text) is not None


@overload
def hide(said: str) -> str: ...
@overload
def hide(said: bytes) -> bytes: ...
def hide(said: str | bytes) -> str | bytes:
    """The same without any such link: of what we keep, and of what a network or a mailbox sends back to us."""
    if isinstance(said, bytes):
        return IN_BYTES.sub(HIDDEN.encode(), said) if b"/s" in said else said
    return IN_TEXT.sub(HIDDEN, said)


def show(text: str, invitation: Invitation | None) -> str:
    """What was hidden put back, at the last moment: as it leaves."""
    return text.replace(HIDDEN, link(invitation)) if invitation else text
