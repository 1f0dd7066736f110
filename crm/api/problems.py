"""Refusals on the wire: RFC 9457 problem details, whose `detail` is the finished sentence a person may read."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

import structlog
from django.core.exceptions import RequestDataTooBig
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError
from pydantic import BaseModel, Field

from crm.errors import Refused
from crm.models import Customer

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
# name → status, what it means. What a program may branch on; the reference shows them all
KINDS: dict[str, tuple[int, str | Promise]] = {
    "unreadable": (400, gettext_lazy("The body is not JSON, or broke off.")),
    "not-signed-in": (401, gettext_lazy("There is no token, or one that is not in force.")),
    "not-allowed": (403, gettext_lazy("The person the token acts for may not do that.")),
    "scope": (403, gettext_lazy("The token lacks the scope.")),
    "not-found": (404, gettext_lazy("There is no such record, or not for the token’s person.")),
    "no-such-method": (405, gettext_lazy("The address knows other methods; Allow names them.")),
    "still-at-work": (409, gettext_lazy("The request with the same Idempotency-Key is not finished.")),
    "no-system": (409, gettext_lazy("The token names no other system, so it has no outside ids.")),
    "merged": (410, gettext_lazy("The record stands for nobody any more; “survivor” does.")),
    "erased": (410, gettext_lazy("The person was erased.")),
    "too-large": (413, gettext_lazy("The body is larger than the API takes.")),
    "not-json": (415, gettext_lazy("The body is not sent as application/json.")),
    "wrong-values": (422, gettext_lazy("Values are not of the kind the reference names.")),
    "refused": (422, gettext_lazy("A rule of Hark refuses it; “detail” says which.")),
    "key-used": (422, gettext_lazy("The Idempotency-Key was used for another request.")),
    "too-many": (429, gettext_lazy("Too many requests in this minute; Retry-After says when to go on.")),
    "broken": (500, gettext_lazy("A fault of ours. Nothing was changed.")),
}
CODES = {status: code for code, (status, _says) in reversed(KINDS.items())} | {422: "refused"}  # the first of each


class Wrong(BaseModel):
    """One value that cannot be taken."""

    where: str = Field(description="As in body.name or query.limit.", examples=["body.name"])
    sentence: str


class ProblemOut(BaseModel):
    """Why nothing was done."""

    type: str = Field(description="An address in the reference; its last part is what a program may branch on.")
    title: str
    status: int
    detail: str = Field(description="A finished sentence.")
    errors: list[Wrong] = Field(default=[], description="Where single values are wrong: each of them.")
    survivor: int | None = Field(default=None, description="Of a merged customer: the record that stands for it.")
    survivor_url: str | None = Field(default=None, description="Where that record is.")


class Problem(Exception):
    """Ends the request with this status and sentence; `also` are further members of the problem."""

    def __init__(self, status: int, detail: object, *, code: str = "", **also: Any) -> None:
        self.status, self.detail, self.code, self.also = status, str(detail), code or CODES[status], also
        super().__init__(self.detail)


def problem(status: int, detail: str | Promise, *, code: str = "", **also: Any) -> HttpResponse:
    body = {
        "type": f"{reverse('api_docs')}#{code or CODES[status]}", "title": HTTPStatus(status).phrase,
        "status": status, "detail": str(detail), **{name: value for name, value in also.items() if value},
    }  # fmt: skip
    return HttpResponse(json.dumps(body, ensure_ascii=False), status=status, content_type=MEDIA_TYPE)


def standing(customer: Customer) -> Customer:
    """The record itself; 410 where it was merged, with whom to ask instead, or where the person was erased."""
    if customer.erased_at:
        raise Problem(410, _("This customer was erased. Nothing is kept but this number."), code="erased")
    if customer.merged_into_id:
        heir = customer.survivor
        also = {"survivor": heir.pk, "survivor_url": reverse("api:customer", args=[heir.pk])}
        raise Problem(410, _("This record was merged into customer %(n)s.") % {"n": heir.pk}, code="merged", **also)
    return customer


# --- from exceptions


def _of_problem(request: HttpRequest, error: Problem) -> HttpResponse:
    return problem(error.status, error.detail, code=error.code, **error.also)


def _of_refusal(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """Where it concerns single fields of a record (`problems`: field → sentence), each of them."""
    wrong: dict[str, str] = getattr(refusal, "problems", {})
    errors = [{"where": f"body.{name}", "sentence": sentence} for name, sentence in wrong.items()]
    return problem(422, str(refusal), errors=errors)


def _of_values(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"where": _where(each["loc"]), "sentence": f"{each['msg'].rstrip('.')}."} for each in error.errors]
    said = _("%(n)s values cannot be taken.") % {"n": len(errors)} if len(errors) != 1 else errors[0]["sentence"]
    return problem(422, said, code="wrong-values", errors=errors)


def _where(place: tuple[str | int, ...]) -> str:
    """("body", "body", "name") → "body.name": the name of our own argument says nothing to anybody."""
    source, *names = place
    return ".".join(str(name) for name in (source, *(names[1:] if source == "body" else names)))


def _of_nobody(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    answer = problem(401, _("Send a token that is in force: Authorization: Bearer hark_…"))
    answer["WWW-Authenticate"] = 'Bearer realm="Hark"'
    return answer


def _of_too_many(request: HttpRequest, error: Throttled) -> HttpResponse:
    return problem(429, _("This token has asked too often. Wait as long as Retry-After says."))


def _of_nothing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(404, _("There is no such record, or not for whom this token acts."))


def _of_size(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem(413, TOO_LARGE)


def _of_http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, _("The body cannot be read: it is not JSON."))


TOO_LARGE = gettext_lazy("The body is larger than this API takes.")
HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    Problem: _of_problem, Refused: _of_refusal, ValidationError: _of_values, AuthenticationError: _of_nobody,
    Throttled: _of_too_many, Http404: _of_nothing, RequestDataTooBig: _of_size, HttpError: _of_http,
    UnreadablePostError: _of_http,
}  # fmt: skip


def install(api: NinjaAPI) -> None:
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, cast(Any, handler))
    api.add_exception_handler(Exception, cast(Any, _raise))


def _raise(request: HttpRequest, error: Exception) -> HttpResponse:
    raise error


def broken(request: HttpRequest, error: Exception) -> HttpResponse:
    """A fault of ours: told to those who watch for it, and nothing of it to the other side."""
    log.exception("an API request broke off", path=request.path, method=request.method, exc_info=error)
    got_request_exception.send(sender=broken, request=request)
    return problem(500, _("Something broke on our side. Nothing was changed; try again later."))
