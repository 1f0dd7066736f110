"""Which conversation a mail belongs to: by the ids it names, then by the signed address it was sent to.

A subject says nothing: anybody can write one. A mail of ours has the id `<key@our domain>`, and where the mailbox takes
plus-addresses, answers go to `care+<key><signature>@…`: in small letters and digits alone, since mail servers change
the case of what stands before the @. So an answer is found also where a server on the way gave our mail another id.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import uuid
from collections.abc import Iterable, Sequence

from channels_app.platforms.email.mailbox import Mailbox

ID = re.compile(r"<[^<>\s]{1,253}>")
LONGEST_BOX = 64  # RFC 5321: characters before the @
NUMBER, SIGNED = 26, 16  # characters of a key and of its signature, in base32
NO_ID = "@no-id>"  # ends the id we give a mail that has none


def ids_in(header: str) -> list[str]:
    """The message ids in References or In-Reply-To, each once, in their order. Who leaves out the <> is understood."""
    found = ID.findall(header) or [word for word in header.split() if "@" in word and len(word) <= 255]
    return list(dict.fromkeys(found))


def is_id(text: str) -> bool:
    """Whether another mail may name it: not what we call a mail without one."""
    return bool(ID.fullmatch(text)) and not text.endswith(NO_ID) and text.isascii()


def message_id(key: str, box: Mailbox) -> str:
    return f"<{key}@{box.domain}>"


def key_in(message_id: str, box: Mailbox) -> str:
    """The key of the reply of ours with this id; "" for any other."""
    key, _at, domain = message_id.strip("<>").rpartition("@")
    return _key(key) if domain.casefold() == box.domain.casefold() else ""


def return_to(key: str, box: Mailbox) -> str:
    """Where the answer to this reply is to go: the mailbox itself where it takes no plus-addresses."""
    number, (local, _at, domain) = _key(key), box.address.rpartition("@")
    if not (box.plus_addresses and box.keys and number) or len(local) + 1 + NUMBER + SIGNED > LONGEST_BOX:
        return box.address
    code = _base32(uuid.UUID(number).bytes)
    return f"{local}+{code}{_signature(number, box, box.keys[0])}@{domain}"


def key_of(addresses: Iterable[str], box: Mailbox) -> str:
    """The key in the first of these addresses that we have signed; ""."""
    return next(filter(None, (_signed(address, box) for address in addresses)), "")


def is_ours(address: str, box: Mailbox) -> bool:
    """The mailbox itself, or a plus-address of it."""
    local, _at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}@{domain}".casefold() == box.address.casefold()


def place(references: Sequence[str], answered: Sequence[str], signed: str, box: Mailbox) -> tuple[str, str]:
    """(what it answers, the name of its thread). Where the thread has no name, what it answers leads to it.

    A chain that begins with somebody else's mail is named by that: all later mails have it. One that was cut begins
    with any: then a reply of ours in it leads to the thread, else `signed`, the key in the address.
    """
    direct = next(iter(answered), "") or next(reversed(references), "")
    mine = [one for one in (*references, *answered) if key_in(one, box)]
    if len(references) > 1 and not key_in(references[0], box):
        return direct, references[0]
    if mine:
        return mine[-1], ""
    if signed:
        return message_id(signed, box), ""
    return direct, next(iter(references), "")


def _key(text: str) -> str:
    """A key of the outbox as it writes it; "" where it is none."""
    try:
        key = str(uuid.UUID(text))
    except ValueError:
        return ""
    return key if key == text.lower() else ""


def _signed(address: str, box: Mailbox) -> str:
    local = address.rpartition("@")[0]
    code = local.rpartition("+")[2].lower()
    if not is_ours(address, box) or len(code) != NUMBER + SIGNED or not code.isascii():
        return ""
    try:
        key = str(uuid.UUID(bytes=base64.b32decode(code[:NUMBER].upper() + "======")))
    except (binascii.Error, ValueError):
        return ""
    fits = [hmac.compare_digest(code[NUMBER:], _signature(key, box, secret)) for secret in box.keys]
    return key if any(fits) else ""


def _signature(key: str, box: Mailbox, secret: str) -> str:
    said = f"hark mail {key} {box.address.casefold()}"
    return _base32(hmac.digest(secret.encode(), said.encode(), "sha256")[: SIGNED * 5 // 8])


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
