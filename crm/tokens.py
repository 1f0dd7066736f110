"""The keys other systems sign in with. Only a hash is kept: who loses a token makes a new one."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.models import ApiToken, User
from crm.models.activity import log

MARK = "hark_"
BEGINNING = 12  # characters of a token that are shown ever after
SEEN_EVERY = timedelta(minutes=1)  # a busy token writes its row this often, not at each request


class NotAllowed(Refused):
    sentence = _("{person} cannot sign in any more, so no token can act for them.")


class AlreadyRevoked(Refused):
    sentence = _("“{token}” is revoked already.")


@transaction.atomic
def make(
    *, name: str, user: User, scopes: Iterable[str], by: User, source: str = "", expires_at: datetime | None = None
) -> tuple[ApiToken, str]:
    """A new token, and its text: the only moment anybody sees it whole."""
    if not user.is_active:
        raise NotAllowed(person=user)
    text = MARK + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        name=name, user=user, scopes=sorted(set(scopes)), source=source, expires_at=expires_at, created_by=by,
        prefix=text[:BEGINNING], token_hash=hashed(text),
    )  # fmt: skip
    log("made", token, by=by, detail=f"acts for {user}: {', '.join(token.scopes)}")
    return token, text


@transaction.atomic
def revoke(*, token: ApiToken, by: User) -> ApiToken:
    """From the next request on it opens nothing. It cannot be brought back: a new one is made instead."""
    if not ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        raise AlreadyRevoked(token=token.name)
    token.refresh_from_db(fields=["revoked_at"])
    log("revoked", token, by=by)
    return token


def hashed(text: str) -> str:
    """A token is 256 random bits, so that a plain hash is as good as a slow one."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def holder(text: str) -> ApiToken | None:
    """The token this text is, with whom it acts for, if it opens anything now; and note that it was seen."""
    if not text.startswith(MARK):
        return None
    found = ApiToken.objects.valid(timezone.now()).select_related("user").filter(token_hash=hashed(text)).first()
    if found:
        _seen(found)
    return found


def _seen(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - SEEN_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=now - SEEN_EVERY)
        ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)
