"""Who asks: a token, which acts for a person. Cookies are never looked at."""

from __future__ import annotations

import time
from collections.abc import Collection

import redis
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security import HttpBearer
from ninja.throttling import BaseThrottle

from crm import tokens
from crm.api.problems import Problem
from crm.handoff import wire
from crm.models import ApiToken, Scope, User
from crm.models.staff import Role

WINDOW = 60  # seconds over which requests are counted


class Caller(HttpRequest):
    """A request by a token, as `Token` leaves it."""

    auth: ApiToken
    user: User  # type: ignore[assignment]


class Token(HttpBearer):
    """Opens to tokens with this scope that act for somebody in one of these roles."""

    def __init__(self, scope: Scope, roles: Collection[str]) -> None:
        self.scope, self.roles = scope, frozenset(map(str, roles))
        super().__init__()

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        held = tokens.holder(token.strip())
        if held is None:
            return None
        request.user = held.user
        if self.scope not in held.scopes:
            raise Problem(403, _("This token lacks the scope %(scope)s.") % {"scope": self.scope.value}, code="scope")
        if held.user.role not in self.roles:
            role = Role(held.user.role).label
            raise Problem(403, _("This token acts for somebody who may not do that (%(role)s).") % {"role": role})
        return held


class PerMinute(BaseThrottle):
    """So many requests of one token each minute. The count lies in Redis: lost, it begins anew."""

    def allow_request(self, request: HttpRequest) -> bool:
        token: ApiToken = request.auth  # type: ignore[attr-defined]
        name = f"hark:api:{token.pk}:{int(time.time() // WINDOW)}"
        try:
            with wire().pipeline() as both:
                both.incr(name)
                both.expire(name, 2 * WINDOW)
                count = int(both.execute()[0])
        except redis.RedisError:
            return True
        return count <= settings.API_PER_MINUTE

    def wait(self) -> float:
        return WINDOW - time.time() % WINDOW
