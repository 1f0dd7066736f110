"""API tokens: who made them, for whom they act, what they may, when they were seen last."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm import tokens
from crm.forms import TokenForm
from crm.models import ApiToken
from crm.models.staff import Role
from crm.web import Request, keyset_page, roles

PAGE = 50


@require_GET
@roles(Role.ADMIN)
def api_tokens(request: Request) -> HttpResponse:
    every = ApiToken.objects.select_related("user", "created_by")
    page = keyset_page(every, request.GET, key=("created_at", "id"), size=PAGE, newest_first=True)
    return render(request, "crm/api_tokens.html", {"page": page})


@require_http_methods(["GET", "POST"])
@roles(Role.ADMIN)
@never_cache
def api_token_new(request: Request) -> HttpResponse:
    """The answer to the form is the only page that ever shows the token. `?like=4` begins as a copy of another."""
    form = TokenForm(request.POST or None, initial=_like(request))
    if request.method != "POST" or not form.is_valid():
        return render(request, "crm/api_token_form.html", {"form": form}, status=422 if form.errors else 200)
    given = {name: form.cleaned_data[name] for name in ("name", "user", "source", "scopes")}
    token, text = tokens.make(**given, expires_at=form.expires_at(), by=request.user)
    return render(request, "crm/api_token_made.html", {"token": token, "text": text})


def _like(request: Request) -> dict[str, object]:
    like = request.GET.get("like", "")
    found = ApiToken.objects.filter(pk=int(like)).first() if like.isdecimal() and len(like) < 19 else None
    return {n: getattr(found, n) for n in ("name", "user", "source", "scopes")} if found else {"user": request.user}


@require_POST
@roles(Role.ADMIN)
def api_token_revoke(request: Request, pk: int) -> HttpResponse:
    token = tokens.revoke(token=get_object_or_404(ApiToken, pk=pk), by=request.user)
    said = _("“%(name)s” is revoked and opens nothing any more. If it was the wrong one, make a new one like it.")
    messages.success(request, said % {"name": token.name})
    return redirect("crm:api_tokens")
