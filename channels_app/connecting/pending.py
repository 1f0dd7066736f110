"""What is half connected: kept sealed in the session of who connects it, for ten minutes, and used once.

A network brings that person back with a `state` that we signed; it opens nothing in any other session. Neither it nor
any address holds more than the name of what is kept.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.models import Session
from django.core import signing
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from channels_app.connecting.found import Found
from channels_app.connecting.kinds import KINDS, Kind
from channels_app.platforms.abilities import Access, Health
from crm import sealing
from crm.errors import Refused

KEPT_UNDER = "connecting"
LASTS = timedelta(minutes=10)
MOST = 5  # at once, in one session
SALT = "channels_app.connecting"


class TooLate(Refused):
    sentence = _("This has run out, or was used already: it lasts ten minutes. Begin again.")


@dataclass(frozen=True, slots=True)
class Pending:
    """`health` is there once the account has said who it is. `channel`: the pk of the one that is connected anew."""

    kind: Kind
    access: Access
    app: int | None = None
    channel: int | None = None
    health: Health | None = None

    @property
    def found(self) -> Found:
        """Raises TooLate where nobody has been asked yet."""
        if self.health is None:
            raise TooLate
        return Found(self.kind, self.access, self.health, self.app)

    def answered(self, found: Found) -> Pending:
        return replace(self, access=found.access, health=found.health)


def keep(session: SessionBase, pending: Pending) -> str:
    """Under which name it is kept; those that have waited longest make room."""
    name = secrets.token_urlsafe(24)
    kept = {**session.get(KEPT_UNDER, {}), name: signing.TimestampSigner(salt=SALT).sign(_sealed(pending))}
    session[KEPT_UNDER] = dict(list(kept.items())[-MOST:])
    return name


def look(session: SessionBase, name: str) -> Pending:
    """It stays. Raises TooLate."""
    return _opened(session.get(KEPT_UNDER, {}).get(name, ""))


def take(session: SessionBase, name: str) -> Pending:
    """Once, whoever else asks in the same moment. Raises TooLate."""
    with transaction.atomic():
        Session.objects.select_for_update().filter(session_key=session.session_key).first()
        current = type(session)(session.session_key)
        kept = dict(current.get(KEPT_UNDER, {}))
        sealed = kept.pop(name, "")
        if sealed:
            current[KEPT_UNDER] = kept
            current.save()
    session[KEPT_UNDER] = kept
    return _opened(sealed)


# --- what travels through the network


def state(name: str) -> str:
    return signing.TimestampSigner(salt=SALT).sign(name)


def name_in(state: str) -> str:
    """Raises TooLate where we did not write it, or too long ago."""
    try:
        return signing.TimestampSigner(salt=SALT).unsign(state, max_age=LASTS)
    except signing.BadSignature:
        raise TooLate from None


# --- sealed


def _sealed(pending: Pending) -> str:
    access, health = pending.access, pending.health
    return sealing.seal(json.dumps({
        "kind": pending.kind.name, "app": pending.app, "channel": pending.channel,
        "settings": dict(access.settings), "secrets": dict(access.secrets), "expires_at": _text(access.expires_at),
        "health": health and [health.handle, health.key, list(health.scopes), list(health.missing)],
    }))  # fmt: skip


def _opened(kept: str) -> Pending:
    try:
        raw = json.loads(sealing.unseal(signing.TimestampSigner(salt=SALT).unsign(kept, max_age=LASTS)))
    except (signing.BadSignature, sealing.CannotOpen):
        raise TooLate from None
    access = Access(raw["settings"], raw["secrets"], _moment(raw["expires_at"]))
    health = Health(*raw["health"]) if raw["health"] else None
    return Pending(KINDS[raw["kind"]], access, raw["app"], raw["channel"], health)


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
