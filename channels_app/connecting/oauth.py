"""A person says yes on the network's own page, and comes back with a code."""

from __future__ import annotations

import inspect
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from channels_app.connecting import pending as pendings
from channels_app.connecting.found import Found, found
from channels_app.connecting.kinds import Kind
from channels_app.connecting.pending import Pending
from channels_app.models import Channel
from channels_app.platforms.abilities import Access
from crm.errors import Refused


class SaidNo(Refused):
    sentence = _("{network} did not let Hark in: whoever was asked there said no. Nothing was connected.")


class NoCode(Refused):
    sentence = _("{network} sent you back without what Hark needs. Begin again.")


def back() -> str:
    """Where networks bring people back to. It is entered in the app at Meta and X."""
    return f"{settings.HARK_URL}{reverse('channels_app:connected')}"


def begin(
    session: SessionBase, kind: Kind, access: Access, *, app: int | None = None, channel: Channel | None = None
) -> str:
    """The address at the network where a person says yes. Raises PlatformError."""
    if hasattr(kind.platform, "register"):
        access = kind.platform.register(access.settings["server"], back=back())
    name = pendings.keep(session, Pending(kind, access, app, channel.pk if channel else None))
    url: str = kind.platform.authorize_url(access, back=back(), state=pendings.state(name))
    return url


def came_back(session: SessionBase, state: str) -> Pending:
    """What was begun. Once. Raises TooLate."""
    return pendings.take(session, pendings.name_in(state))


def finish(begun: Pending, *, code: str, error: str, state: str) -> Found:
    """The account, opened by the code. Raises SaidNo, NoCode and PlatformError."""
    if error or not code:
        raise (SaidNo if error == "access_denied" else NoCode)(network=begun.kind.title)
    exchange = begun.kind.platform.exchange
    more = {"state": state} if "state" in inspect.signature(exchange).parameters else {}
    return found(begun.kind, exchange(begun.access, code=code, back=back(), **more), begun.app)


def asked_for(url: str) -> tuple[str, list[str]]:
    """The server such an address leads to, and the rights it asks for."""
    parts = urlsplit(url)
    return parts.netloc, parse_qs(parts.query).get("scope", [""])[0].replace(",", " ").split()
