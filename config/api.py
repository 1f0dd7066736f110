"""The API as a whole: the routers of all apps at /api/v1/, and what is true of each endpoint."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.urls import URLPattern, re_path
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from ninja.operation import Operation

import cases.api
import channels_app.api
import surveys.api
from config.api_schema import Truth
from crm.api import accounts, consents, customers, identities, orders, problems
from crm.api.auth import PerMinute

VERSION = "1"


class HarkAPI(NinjaAPI):
    def get_openapi_schema(self, **kwargs: Any) -> Truth:  # type: ignore[override]
        return Truth(self, kwargs.get("path_prefix") or self.get_root_path({}))


api = HarkAPI(
    title="Hark", version=VERSION, urls_namespace="api", openapi_url=None, docs_url=None, throttle=PerMinute(),
)  # fmt: skip
problems.install(api)
for module in (customers, identities, accounts, orders, consents, cases.api, channels_app.api, surveys.api):
    api.add_router("", module.router)


def entry(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The way in for who brings a token: no login page, no cookie and so no CSRF; and every answer is JSON."""

    @functools.wraps(view)
    def enter(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            answer = _cannot_be_read(request) or view(request, *args, **kwargs)
        except Http404:
            answer = problems.problem(404, _("There is nothing at this address."))
        except RequestDataTooBig:
            answer = problems.problem(413, problems.TOO_LARGE)
        except UnreadablePostError:
            answer = problems.problem(400, _("The body broke off."))
        except Exception as error:
            answer = problems.broken(request, error)
        if answer.status_code == 405:
            allowed = answer["Allow"]
            answer = problems.problem(405, _("This address knows %(methods)s.") % {"methods": allowed})
            answer["Allow"] = allowed
        answer["Cache-Control"] = "no-store"
        return answer

    enter.is_api = True  # type: ignore[attr-defined]
    return csrf_exempt(login_not_required(enter))


def _cannot_be_read(request: HttpRequest) -> HttpResponse | None:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > settings.API_BODY_BYTES or len(request.body) > settings.API_BODY_BYTES:
        return problems.problem(413, problems.TOO_LARGE)
    if request.body and request.content_type != "application/json":
        return problems.problem(415, _("Send JSON: Content-Type: application/json."))
    return None


def _nothing(request: HttpRequest) -> HttpResponse:
    raise Http404


def _patterns() -> Iterator[URLPattern]:
    for found in api.urls[0]:
        assert isinstance(found, URLPattern)
        yield URLPattern(found.pattern, entry(found.callback), found.default_args, found.name)
    yield re_path("", entry(_nothing), name="nothing")


def operations() -> Iterator[tuple[str, Operation]]:
    """Each operation with the name of its address: what the reference and the tests of access are made from."""
    for bound in api._get_bound_routers():
        for view in bound.path_operations.values():
            for operation in view.operations:
                yield operation.url_name, operation


urls = (list(_patterns()), "api")
