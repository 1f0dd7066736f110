"""The link that asks one person who they are: made from a request, found in what is sent, and kept out of what is kept.

A link is the request's number with a signature of this Hark's SECRET_KEY. So it can be made again whenever it has to be
sent, and neither the link nor anything it could be made from alone stands in the database.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Callable
from typing import Any, overload

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from crm.models import IdentityRequest

HIDDEN = "[private link]"
TOKEN = r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"  # noqa: S105 - what one looks like
LINK = rf"https?:(?:\\?/){{2}}[^\s\"'<>]{{1,200}}?\\?/who\\?/({TOKEN})(?:\\?/)?"  # JSON may write \/ for /
IN_TEXT, IN_BYTES = re.compile(LINK), re.compile(LINK.encode())

signer = Signer(salt="crm.private_links", sep=".")
_others: list[Callable[[Any], Any]] = []


def hidden_by(hides: Callable[[Any], Any]) -> None:
    """Links of another kind that are not kept either: `hides` gives the same text, or bytes, without any of them."""
    if hides not in _others:
        _others.append(hides)


def token(request: IdentityRequest) -> str:
    return signer.sign(base64.urlsafe_b64encode(request.number.bytes).decode().rstrip("="))


def link(request: IdentityRequest) -> str:
    return settings.HARK_URL + reverse("crm:identify", args=[token(request)])


def find(token: str) -> IdentityRequest | None:
    """The request whose link this is, whatever became of it."""
    try:
        number = uuid.UUID(bytes=base64.urlsafe_b64decode(signer.unsign(token) + "=="))
    except (BadSignature, binascii.Error, ValueError):
        return None
    return IdentityRequest.objects.select_related("identity", "claim").filter(number=number).first()


def is_in(text: str) -> bool:
    """Whether a private link stands in `text`, anybody's."""
    return IN_TEXT.search(text) is not None


def carried(text: str) -> IdentityRequest | None:
    """The request whose link stands in `text`."""
    found = IN_TEXT.search(text)
    return find(found[1]) if found else None


@overload
def hide(said: str) -> str: ...
@overload
def hide(said: bytes) -> bytes: ...
def hide(said: str | bytes) -> str | bytes:
    """The same without any private link: of what we keep, and of what a network sends back to us."""
    for hides in _others:
        said = hides(said)
    if isinstance(said, bytes):
        return IN_BYTES.sub(HIDDEN.encode(), said) if b"who" in said else said
    return IN_TEXT.sub(HIDDEN, said)


def show(text: str, request: IdentityRequest | None) -> str:
    """What was hidden put back, at the last moment: as it leaves."""
    return text.replace(HIDDEN, link(request)) if request else text
