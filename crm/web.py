"""What every page shares: who may enter, refusals, time zones, paging."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db.models import F, Model, QuerySet, Value
from django.db.models.expressions import Func
from django.db.models.fields import BooleanField
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from crm import consent
from crm.errors import Refused
from crm.models import User

P = ParamSpec("P")
GetResponse = Callable[[HttpRequest], HttpResponse]


class Request(HttpRequest):
    """A request by somebody signed in, as the middleware leaves it."""

    user: User  # type: ignore[assignment]
    htmx: HtmxDetails


View = Callable[Concatenate[Request, P], HttpResponseBase]
PublicView = Callable[Concatenate[HttpRequest, P], HttpResponse]


def public(view: PublicView[P]) -> PublicView[P]:
    """A page for people who are not signed in. Every other page needs a login."""
    view = login_not_required(view)
    view.is_public = True  # type: ignore[attr-defined]
    return view


def roles(*allowed: str) -> Callable[[View[P]], View[P]]:
    """Only these roles may enter; others get 403. `view.roles` is what the access test reads."""

    def guard(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def guarded(request: Request, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.user.role not in allowed:
                raise PermissionDenied
            return view(request, *args, **kwargs)

        guarded.roles = frozenset(allowed)  # type: ignore[attr-defined]
        return guarded

    return guard


class ReaderTimeZoneMiddleware:
    """Times are shown in the reader's own zone."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        user = request.user
        with timezone.override(zoneinfo.ZoneInfo(user.time_zone) if isinstance(user, User) else None):
            return self.get_response(request)


class RefusalMiddleware:
    """Turns a refusal no view has caught into a sentence: a message and the page before, or 422 for HTMX."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: Request, exception: Exception) -> HttpResponse | None:
        refusal = exception if isinstance(exception, Refused) else consent.refusal_in(exception)
        if refusal is None:
            return None
        if request.htmx:
            return render(request, "components/refusal.html", {"sentence": str(refusal)}, status=422)
        messages.error(request, str(refusal))
        return HttpResponseRedirect(came_from(request, "/"))


def came_from(request: HttpRequest, otherwise: str) -> str:
    """The page the form stood on, where it is one of ours."""
    url = request.POST.get("next") or request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if ours else otherwise


@dataclass(frozen=True)
class Page:
    """One page of a list, without offset or count. `next_query` is the querystring of the next, "" on the last."""

    rows: list[Any]
    next_query: str


class Row(Func):
    """A row value, so that PostgreSQL compares a whole key at once and walks the index to it."""

    function = "ROW"
    output_field = BooleanField()


class After(Func):
    template = "(%(expressions)s)"
    arg_joiner = " > "
    output_field = BooleanField()


class Before(After):
    arg_joiner = " < "


def keyset_page(
    rows: QuerySet[Any], query: QueryDict, *, key: Iterable[str], size: int, newest_first: bool = False
) -> Page:
    """Cut one page of `size` rows, sorted by `key`: all ascending, or all descending with `newest_first`.

    The key is unique as a whole. The place to go on from travels in the parameter `after`, one value a key field,
    joined by "~". A place that cannot be read starts from the top.
    """
    names = list(key)
    rows = rows.order_by(*(F(name).desc() if newest_first else F(name).asc() for name in names))
    if place := _place(rows.model, names, query.get("after", "")):
        order = Before if newest_first else After
        rows = rows.filter(order(Row(*map(F, names)), Row(*place)))
    found = list(rows[: size + 1])
    if len(found) <= size:
        return Page(found, "")
    following = query.copy()
    following["after"] = "~".join(_written(getattr(found[size - 1], name)) for name in names)
    return Page(found[:size], following.urlencode())


def _written(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _place(model: type[Model], names: list[str], text: str) -> list[Value] | None:
    parts = text.split("~")
    if len(parts) != len(names):
        return None
    try:
        found: list[Any] = [model._meta.get_field(name) for name in names]
        fields = [getattr(field, "output_field", field) for field in found]  # what a generated one holds
        return [Value(field.to_python(part), output_field=field) for field, part in zip(fields, parts, strict=True)]
    except Exception:  # a place somebody typed: start from the top
        return None


def without(query: QueryDict, *names: str) -> str:
    """The querystring less these parameters and less the empty ones."""
    kept = query.copy()
    for name in [*names, *(name for name in query if not any(query.getlist(name)))]:
        kept.pop(name, None)
    return kept.urlencode()


def part_of(request: Request, whose: Model, part: str, context: dict[str, Any]) -> HttpResponse:
    """A part of the page of `whose`: alone for HTMX, on a page of its own for who follows its plain link."""
    template = part if request.htmx else "components/part.html"
    return render(request, template, {"whose": whose, "part": part, **context})
