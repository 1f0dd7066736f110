"""One channel: how it is, and what administrators do with it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from channels_app import checking, connecting
from channels_app.connect_forms import APP_FORMS, ChannelForm
from channels_app.connecting import apps, showing
from channels_app.models import App, Channel
from channels_app.platforms.errors import PlatformError
from channels_app.views.connecting import shown_once
from crm.errors import Refused
from crm.models.staff import CARE_ROLES, Role
from crm.web import Request, roles


@require_GET
@roles(*CARE_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def channel(request: Request, pk: int) -> HttpResponse:
    """How it is. The part that changes by itself asks for itself again."""
    return _page(request, pk)


def _page(request: Request, pk: int, **said: str) -> HttpResponse:
    context = showing.of(pk)
    if context is None:
        raise Http404
    is_part = request.htmx.target == "channel-state"
    return render(request, "channels/_channel_state.html" if is_part else "channels/channel.html", context | said)


@require_POST
@roles(Role.ADMIN)
def check(request: Request, pk: int) -> HttpResponse:
    """Ask the account now, and say what it says."""
    found, refusal = get_object_or_404(Channel, pk=pk), ""
    if not checking.can_be(found):
        raise Http404
    try:
        checking.check(found)
    except (PlatformError, Refused) as error:
        refusal = str(error)
    said = refusal or _("It lets us in.")
    if request.htmx:
        return _page(request, pk, **{"refusal" if refusal else "done": said})
    (messages.error if refusal else messages.success)(request, said)
    return redirect("channels_app:channel", pk)


@require_http_methods(["GET", "POST"])
@roles(Role.ADMIN)
def change(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Channel, pk=pk)
    form = ChannelForm(request.POST or None, instance=found)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "channel": get_object_or_404(Channel, pk=pk)}
        return render(request, "channels/channel_change.html", context, status=422 if form.errors else 200)
    connecting.change(channel=found, by=request.user, **form.given())
    messages.success(request, _("Saved."))
    return redirect("channels_app:channel", pk)


@require_POST
@roles(Role.ADMIN)
def switch(request: Request, pk: int) -> HttpResponse:
    """`on` is 1 or 0: in the form, or in the address of an undo."""
    on = (request.POST.get("on") or request.GET.get("on")) == "1"
    found = get_object_or_404(Channel, pk=pk)
    (connecting.resume if on else connecting.pause)(channel=found, by=request.user)
    said = _("%(channel)s listens again.") if on else _("%(channel)s is paused: nothing is fetched.")
    back = f"{reverse('channels_app:channel_switch', args=[pk])}?on={0 if on else 1}"
    messages.success(request, said % {"channel": found}, extra_tags=f"undo:{back}")
    return redirect("channels_app:channel", pk)


@require_POST
@roles(Role.ADMIN)
def disconnect(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Channel, pk=pk)
    connecting.disconnect(channel=found, by=request.user)
    said = _("%(channel)s is disconnected, and its keys are deleted. What was said stays.")
    messages.success(request, said % {"channel": found})
    return redirect("channels_app:channel", pk)


@require_POST
@roles(Role.ADMIN)
@never_cache
def new_secret(request: Request, pk: int) -> HttpResponse:
    """The answer is the only page that ever shows it."""
    found = get_object_or_404(Channel.objects.of_ones_own(), pk=pk)
    return shown_once(request, found, apps.new_secret(channel=found, by=request.user), new=False)


# --- apps


@require_http_methods(["GET", "POST"])
@roles(Role.ADMIN)
@never_cache
def app_new(request: Request, network: str) -> HttpResponse:
    if network not in APP_FORMS:
        raise Http404
    form = APP_FORMS[network](request.POST or None)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "network": App.Network(network)}
        return render(request, "channels/app_form.html", context, status=422 if form.errors else 200)
    given = {"name": form.cleaned_data["name"], "settings": form.settings(), "secrets": form.secrets()}
    made = apps.make(network=network, by=request.user, **given)
    messages.success(request, _("Made. Enter the address below at the network; then connect the accounts."))
    return redirect("channels_app:app", made.pk)


@require_http_methods(["GET", "POST"])
@roles(Role.ADMIN)
@never_cache
def app(request: Request, pk: int) -> HttpResponse:
    """What the network has to know of us, when it called, and new secrets."""
    found = get_object_or_404(App.objects.exclude(network=App.Network.OWN), pk=pk)
    form = APP_FORMS[found.network](request.POST or None, app=found)
    if request.method == "POST" and form.is_valid():
        apps.renew(app=found, name=form.cleaned_data["name"], secrets=form.secrets(), by=request.user)
        messages.success(request, _("Saved. What was replaced holds for a day more."))
        return redirect("channels_app:app", pk)
    return render(
        request, "channels/app.html", showing.of_app(found) | {"form": form}, status=422 if form.errors else 200
    )
