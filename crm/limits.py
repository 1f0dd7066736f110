"""How often something may be done in a while. Counted in PostgreSQL, one statement a count, so that it is exact."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from datetime import timedelta

from django.db import connection
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac

from crm.models import Allowance

KEPT = timedelta(days=2)  # longer than any while we count in


def spend(what: str, whom: str, *, most: int, per: timedelta) -> bool:
    """Count one more for `whom`; False where that is more than `most` since the first of this while.

    Call it outside a transaction that may be rolled back: what was refused counts too.
    """
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO crm_allowance AS a (what, whom, since, used) VALUES (%(what)s, %(whom)s, %(now)s, 1)"
            " ON CONFLICT (what, whom) DO UPDATE SET"
            " used = CASE WHEN a.since <= %(began)s THEN 1 ELSE a.used + 1 END,"
            " since = CASE WHEN a.since <= %(began)s THEN %(now)s ELSE a.since END RETURNING used",
            {"what": what, "whom": _unreadable(whom), "now": now, "began": now - per},
        )
        return bool(cursor.fetchone()[0] <= most)


def machine(request: HttpRequest) -> str:
    """Who asks, as far as a network address tells: of IPv6 the /64, since one household has all of it."""
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)


def forget(whom: Iterable[str]) -> int:
    """Forget what was counted for these addresses and numbers. Returns how many counts."""
    return Allowance.objects.filter(whom__in=[_unreadable(who) for who in whom]).delete()[0]


def forget_old() -> int:
    return Allowance.objects.filter(since__lt=timezone.now() - KEPT).delete()[0]


def _unreadable(whom: str) -> str:
    return salted_hmac("crm.limits", whom, algorithm="sha256").hexdigest()
