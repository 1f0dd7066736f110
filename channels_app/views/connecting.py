"""Connecting an account: which network, what it needs, who we are there, what we call it here."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from channels_app import connecting
from channels_app.connect_forms import NEEDS, ChannelForm, Needs
from channels_app.connecting import apps, oauth
from channels_app.connecting import pending as pendings
from channels_app.connecting.connecting import held_access
from channels_app.connecting.kinds import KINDS, Kind, Way, abilities
from channels_app.connecting.pending import Pending
from channels_app.models import App, Channel, Credential
from channels_app.platforms.errors import PlatformError
from crm.errors import Refused
from crm.models.staff import Role
from crm.web import Request, roles


@require_GET
@roles(Role.ADMIN)
def connect(request: Request) -> HttpResponse:
    cards = [(kind, abilities(kind.capabilities)) for kind in KINDS.values()]
    shared = App.objects.exclude(network=App.Network.OWN)
    return render(request, "channels/connect.html", {"cards": cards, "apps": shared})


@require_http_methods(["GET", "POST"])
@roles(Role.ADMIN)
@never_cache
def needs(request: Request, kind: str) -> HttpResponse:
    """What this network needs to let us in."""
    if kind not in KINDS:
        raise Http404
    return _asked(request, KINDS[kind], NEEDS[kind](request.POST or None))


@require_http_methods(["GET", "POST"])
@roles(Role.ADMIN)
@never_cache
def reconnect(request: Request, pk: int) -> HttpResponse:
    """The same account, with other keys, or at another address."""
    channel = get_object_or_404(Channel, pk=pk, platform__in=KINDS)
    held = Credential.objects.select_related("app").filter(channel=channel).first()
    app = held.app if held and held.app_id else None
    form = NEEDS[channel.platform](request.POST or None, held=held_access(channel), app=app)
    return _asked(request, KINDS[channel.platform], form, channel)


def _asked(request: Request, kind: Kind, form: Needs, channel: Channel | None = None) -> HttpResponse:
    taken: Channel | None = None
    if request.method == "POST" and form.is_valid():
        try:
            return _go_on(request, kind, form, channel)
        except (PlatformError, Refused) as refusal:
            form.add_error(None, str(refusal))
            taken = getattr(refusal, "facts", {}).get("channel")
    context = {"kind": kind, "form": form, "channel": channel, "taken": taken if taken != channel else None}
    context["no_app"] = kind.app and not App.objects.filter(network=kind.app).exists()
    return render(request, "channels/connect_needs.html", context, status=422 if form.errors else 200)


def _go_on(request: Request, kind: Kind, form: Needs, channel: Channel | None) -> HttpResponse:
    """To the network's own page, or straight to who we are there. Raises PlatformError and refusals."""
    app = _app_of(form, channel)
    access = apps.with_app(app, form.access())
    if kind.way is Way.OAUTH:
        url = oauth.begin(request.session, kind, access, app=app.pk if app else None, channel=channel)
        host, scopes = oauth.asked_for(url)
        context = {"kind": kind, "url": url, "channel": channel, "host": host, "scopes": scopes}
        return render(request, "channels/connect_go.html", context)
    found = connecting.found(kind, access, app.pk if app else None)
    return _settle(request, found, channel)


def _app_of(form: Needs, channel: Channel | None) -> App | None:
    """The one that was chosen; that of a channel of one's own stays its own."""
    if form.network or channel is None:
        return form.app
    return App.objects.filter(credentials__channel=channel).first()


def _settle(request: Request, found: connecting.Found, channel: Channel | None) -> HttpResponse:
    """An account that opened: the channel's again, or a new one that still needs its name."""
    if channel is None:
        name = pendings.keep(request.session, Pending(found.kind, found.access, found.app, None, found.health))
        return redirect("channels_app:connect_found", name)
    came_back = apps.has_no_secret(channel)
    connecting.reconnect(channel=channel, found=found, by=request.user)
    if found.kind.way is Way.OWN and came_back:
        secret = apps.new_secret(channel=channel, by=request.user)
        return shown_once(request, channel, secret, new=True)
    _tell_trouble(request, channel)
    messages.success(request, _("%(channel)s is connected again.") % {"channel": channel})
    return redirect("channels_app:channel", channel.pk)


def _tell_trouble(request: Request, channel: Channel) -> None:
    if why := connecting.subscribe(channel):
        messages.warning(request, _("It does not call Hark yet: %(why)s") % {"why": why})


@require_GET
@roles(Role.ADMIN)
@never_cache
def connected(request: Request) -> HttpResponse:
    """Where a network brings people back to."""
    told = {name: request.GET.get(name, "") for name in ("code", "error", "state")}
    channel: Channel | None = None
    try:
        begun = oauth.came_back(request.session, told["state"])
        channel = Channel.objects.filter(pk=begun.channel).first() if begun.channel else None
        return _settle(request, oauth.finish(begun, **told), channel)
    except (PlatformError, Refused) as refusal:
        messages.error(request, str(refusal))
        where = getattr(refusal, "facts", {}).get("channel") or channel
    return redirect("channels_app:channel", where.pk) if where else redirect("channels_app:connect")


@require_http_methods(["GET", "POST"])
@roles(Role.ADMIN)
@never_cache
def found(request: Request, name: str) -> HttpResponse:
    """Who we are there; what we call it here makes it a channel."""
    try:
        account = pendings.look(request.session, name).found
    except pendings.TooLate as refusal:
        if not request.session.get(pendings.KEPT_UNDER):
            raise Http404 from refusal
        messages.error(request, str(refusal))
        return redirect("channels_app:connect")
    initial = {"name": _named(account), "owner": request.user}
    form, context = ChannelForm(request.POST or None, initial=initial), _about(account)
    if request.method == "POST" and form.is_valid():
        try:
            return _made(request, pendings.take(request.session, name).found, form.given())
        except Refused as refusal:
            form.add_error(None, str(refusal))
            context["taken"] = refusal.facts.get("channel")
    return render(request, "channels/connect_found.html", {"form": form, **context}, status=422 if form.errors else 200)


def _about(account: connecting.Found) -> dict[str, Any]:
    return {
        "kind": account.kind, "health": account.health, "abilities": abilities(account.kind.capabilities),
        "address": account.access.settings.get("url", ""), "is_own": account.kind.way is Way.OWN,
    }  # fmt: skip


def _named(account: connecting.Found) -> str:
    if account.kind.way is Way.OWN:
        return ""
    return _("%(handle)s on %(network)s") % {"handle": account.health.handle[:50], "network": account.kind.title}


def _made(request: Request, account: connecting.Found, given: dict[str, Any]) -> HttpResponse:
    if account.kind.way is Way.OWN:
        channel, secret = apps.connect_own(found=account, by=request.user, **given)
        return shown_once(request, channel, secret, new=True)
    channel = connecting.connect(found=account, by=request.user, **given)
    _tell_trouble(request, channel)
    messages.success(request, _("%(channel)s is connected.") % {"channel": channel})
    return redirect("channels_app:channel", channel.pk)


def shown_once(request: Request, channel: Channel, secret: str, *, new: bool) -> HttpResponse:
    """The only page that ever shows this secret."""
    app = App.objects.get(credentials__channel=channel)
    context = {"channel": channel, "secret": secret, "new": new, "address": apps.address(app)}
    return render(request, "channels/channel_secret.html", context)
