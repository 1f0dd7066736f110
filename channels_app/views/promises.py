"""What a channel promises: the form for leads, and the page for everybody."""

from __future__ import annotations

import zoneinfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from channels_app import promises
from channels_app.models import Channel
from channels_app.promise_forms import PromiseForm, duration
from crm.models.staff import LEADING_ROLES
from crm.web import Request, public, roles


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def promise(request: Request, pk: int) -> HttpResponse:
    """Set what a channel promises."""
    channel = get_object_or_404(Channel, pk=pk)
    form = PromiseForm(request.POST if request.method == "POST" else None, instance=promises.of(channel))
    if form.is_valid():
        promises.save(promise=form.instance, published=form.cleaned_data["published"], by=request.user)
        messages.success(request, _("Saved. The new times hold for what begins from now on; the hours hold at once."))
        return redirect("channels_app:channels")
    context = {"channel": channel, "form": form, "slug": channel.brand_slug}
    return render(request, "channels/promise.html", context, status=422 if form.errors else 200)


@require_GET
@public
def stated(request: HttpRequest, brand: str) -> HttpResponse:
    """What a brand promises in public. It is the same for everybody, and sets no cookie."""
    found = promises.published(brand, timezone.now())
    lines = [(each, zoneinfo.ZoneInfo(each.hours.zone), _spans(each)) for each in found]
    context = {"lines": lines, "brand": found[0].channel.brand if found else ""}
    response = render(request, "channels/promise_stated.html", context, status=200 if found else 404)
    patch_cache_control(response, public=True, max_age=60)
    return response


def _spans(each: promises.Stated) -> list[tuple[str, str]]:
    what = {"acknowledge": _("A first word within"), "answer": _("An answer within"), "resolve": _("Settled within")}
    return [(said, duration(getattr(each.promise, f"{kind}_minutes"))) for kind, said in what.items()]
