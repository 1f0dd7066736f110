"""Secrets we must be able to read again, unreadable to whoever has only the database.

The first of settings.SEALING_KEYS seals; all of them open, so that a key can be replaced without losing what the old
one sealed.
"""

from __future__ import annotations

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused


class CannotOpen(Refused):
    sentence = _("This secret was sealed with a key Hark no longer has. Make a new secret.")


def seal(text: str) -> str:
    return _keys().encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """What was sealed. Raises CannotOpen where none of the keys fits, or somebody changed a letter of it."""
    try:
        return _keys().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise CannotOpen from None


def is_newest(sealed: str) -> bool:
    """Whether the key that seals now has sealed it."""
    try:
        _key(settings.SEALING_KEYS[0]).decrypt(sealed.encode())
    except InvalidToken:
        return False
    return True


def _keys() -> MultiFernet:
    return MultiFernet([_key(text) for text in settings.SEALING_KEYS])


def _key(text: str) -> Fernet:
    """Any text is a key: what Fernet wants are the 32 bytes of its hash."""
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"hark sealing:" + text.encode()).digest()))
