"""The page on which somebody says who they are. For people without an account, and for whatever opens links unasked.

To open it changes nothing and shows nothing of anybody. Whoever has the link has all it takes to answer: so there is no
session, no cookie, and no CSRF token, which would need one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from crm import addresses, identify, limits, private_links
from crm.errors import Refused
from crm.forms.identify import CodeForm, WhoForm
from crm.models import IdentityRequest
from crm.web import public

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
QUIET = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
}


def quiet(view: View[P]) -> View[P]:
    """Kept by nobody on the way, found by no search, and told to no page that a link leads to."""

    @functools.wraps(view)
    def hushed(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        response = view(request, *args, **kwargs)
        for name, value in QUIET.items():
            response.headers[name] = value
        return response

    return hushed


@csrf_exempt
@public
@require_http_methods(["GET", "HEAD", "POST"])
@quiet
def who(request: HttpRequest, token: str) -> HttpResponse:
    """The first question: an e-mail address or a customer number."""
    asked = private_links.find(token)
    if asked is None or not identify.works(asked):
        return _over(request, asked)
    form = WhoForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _asks(request, "crm/who/who.html", asked, form)
    try:
        identify.say_who(request=asked, text=form.cleaned_data["who"], machine=limits.machine(request))
    except addresses.NotAnAddress as refusal:
        form.add_error("who", str(refusal))
    except Refused as refusal:
        return _refused(request, "crm/who/who.html", asked, form, refusal)
    else:
        return redirect("crm:identify_code", token)
    return _asks(request, "crm/who/who.html", asked, form)


@csrf_exempt
@public
@require_http_methods(["GET", "HEAD", "POST"])
@quiet
def code(request: HttpRequest, token: str) -> HttpResponse:
    """The second question: the code that went to the mailbox."""
    asked = private_links.find(token)
    if asked is None or not identify.works(asked):
        return _over(request, asked)
    if not asked.codes:
        return redirect("crm:identify", token)
    form = CodeForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _asks(request, "crm/who/code.html", asked, form)
    try:
        identify.answer(request=asked, code=form.cleaned_data["code"], machine=limits.machine(request))
    except (identify.WrongCode, identify.NeedsNewCode) as refusal:
        form.add_error("code", str(refusal))
    except Refused as refusal:
        return _refused(request, "crm/who/code.html", asked, form, refusal)
    else:
        return redirect("crm:identify", token)
    return _asks(request, "crm/who/code.html", asked, form)


Form = WhoForm | CodeForm


def _asks(request: HttpRequest, page: str, asked: IdentityRequest, form: Form, status: int = 422) -> HttpResponse:
    facts = {"form": form, "asked": asked, "token": private_links.token(asked)}
    return render(request, page, facts, status=status if form.errors else 200)


def _refused(
    request: HttpRequest, page: str, asked: IdentityRequest, form: Form, refusal: Refused
) -> HttpResponse:  # fmt: skip
    """Somebody else may have answered meanwhile; else it was too much."""
    if isinstance(refusal, identify.LinkGone):
        return _over(request, private_links.find(private_links.token(asked)))
    form.add_error(None, str(refusal))
    return _asks(request, page, asked, form, status=429)


def _over(request: HttpRequest, asked: IdentityRequest | None) -> HttpResponse:
    """A link that was used, ran out, was taken back, or never was one: what that means, and what to do."""
    if asked is None:
        return render(request, "crm/who/over.html", {"why": "unknown"}, status=404)
    answered = asked.state == IdentityRequest.State.ANSWERED
    why = "answered" if answered else "expired" if asked.is_expired else "withdrawn"
    return render(request, "crm/who/over.html", {"why": why, "asked": asked}, status=200 if answered else 410)
