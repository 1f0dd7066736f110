"""Files that come with a mail. A payload may be cut before they end, so each is named by its place, "mail-part:3", and
read from the mailbox when it is wanted (`EmailPlatform.enclosed`).
"""

from __future__ import annotations

from email.header import decode_header, make_header
from email.message import Message

from channels_app.platforms.archive import clean_text
from channels_app.platforms.base import Enclosed
from channels_app.platforms.email.headers import header, leaves, read
from channels_app.platforms.errors import ParentGone

PREFIX = "mail-part:"
SIGNATURES = {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
READ = ("text/plain", "text/html")
MOST = 100  # files told of one mail


def is_file(part: Message) -> bool:
    named = part.get_content_disposition() == "attachment" or bool(_name(part))
    return named or part.get_content_type() not in READ


def listed(found: Message) -> tuple[Enclosed, ...]:
    """Those sent as files first: logos of a signature stand in the text."""
    files = [
        (part.get_content_disposition() != "attachment", number, part)
        for number, part in enumerate(leaves(found))
        if is_file(part) and part.get_content_type() not in SIGNATURES
    ]
    ordered = sorted(files, key=lambda each: each[:2])[:MOST]
    return tuple(_enclosed(number, part) for _, number, part in ordered)


def _enclosed(number: int, part: Message) -> Enclosed:
    kind = part.get_content_type()
    name = _name(part) or f"{number}.{'eml' if kind == 'message/rfc822' else part.get_content_subtype()}"
    return Enclosed(f"{PREFIX}{number}", name, kind, alt=header(part, "Content-Description")[:1000])


def _name(part: Message) -> str:
    """As RFC 2231 has it, or in the code of RFC 2047, which many write there."""
    try:
        return clean_text(make_header(decode_header(part.get_filename() or "")))[:200]
    except Exception:  # as with all headers
        return ""


def body_of(mail: bytes, url: str) -> bytes:
    """The bytes of one file of a whole mail. Raises ParentGone where the mail has none there."""
    wanted = url.removeprefix(PREFIX)
    part = next((part for number, part in enumerate(leaves(read(mail))) if str(number) == wanted), None)
    if part is None or not is_file(part):
        raise ParentGone("The mail does not hold this file.")
    held = part.get_payload()
    if isinstance(held, list):  # a mail within the mail
        return held[0].as_bytes() if held and isinstance(held[0], Message) else b""
    return bytes(part.get_payload(decode=True) or b"")
