"""Posts whose words were erased: known again when their network sends them once more, and never told anew.

Some networks put their author's name into a post's id. So of such an id only a mark is kept: the same post has the same
mark, and only who holds a key of settings.SEALING_KEYS could find out whether a post he knows already was among them.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from collections.abc import Collection, Iterable

from django.conf import settings

from channels_app.models import Message
from crm.models import Identity

PREFIX = "erased:"


def mark(channel_id: int, external_id: str) -> str:
    """What stands for this id on this channel. A mark stays what it is."""
    return external_id if external_id.startswith(PREFIX) else _mark(settings.SEALING_KEYS[0], channel_id, external_id)


def marks(channel_id: int, external_ids: Iterable[str]) -> dict[str, str]:
    """Each mark these ids may stand under, from before a key was replaced as well → the id."""
    return {_mark(key, channel_id, known): known for known in external_ids for key in settings.SEALING_KEYS}


def _mark(key: str, channel_id: int, external_id: str) -> str:
    told = f"{channel_id}:{external_id}".encode("utf-8", "surrogatepass")
    return PREFIX + hmac.digest(_hashed(key), told, "sha256").hex()


@functools.cache
def _hashed(key: str) -> bytes:
    return hashlib.sha256(b"hark erased post:" + key.encode()).digest()


def nobodys(made: Iterable[Message], known: Iterable[Message]) -> Collection[int | None]:
    """Of the identities of new messages those that were erased. A query only where a post they answer was."""
    if not any(message.erased_at for message in known):
        return ()
    erased = Identity.objects.filter(pk__in={m.identity_id for m in made}, erased_at__isnull=False)
    return set(erased.values_list("pk", flat=True))
