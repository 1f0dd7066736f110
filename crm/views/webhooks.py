"""Webhooks: the addresses other systems are told at, and the log of what they were told."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm.forms import WebhookForm
from crm.models import Webhook, WebhookEvent
from crm.models.staff import Role
from crm.web import Request, keyset_page, roles
from crm.webhooks import managing, topics

PAGE = 50


@require_GET
@roles(Role.ADMIN)
def webhooks(request: Request) -> HttpResponse:
    return render(request, "crm/webhooks.html", {"webhooks": Webhook.objects.with_health().order_by("name", "id")})


@require_http_methods(["GET", "POST"])
@roles(Role.ADMIN)
@never_cache
def webhook_new(request: Request) -> HttpResponse:
    """The answer to the form is the only page that ever shows the secret."""
    form = WebhookForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "crm/webhook_form.html", {"form": form}, status=422 if form.errors else 200)
    given = {name: form.cleaned_data[name] for name in ("name", "url", "events")}
    webhook, secret = managing.make(**given, by=request.user)
    return render(request, "crm/webhook_secret.html", {"webhook": webhook, "secret": secret, "new": True})


@require_GET
@roles(Role.ADMIN)
@vary_on_headers("HX-Request", "HX-Target")
def webhook(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Webhook.objects.with_health(), pk=pk)
    state = request.GET.get("state", "")
    events = found.sent.in_state(state) if state in WebhookEvent.State.values else found.sent.all()
    page = keyset_page(events, request.GET, key=("id",), size=PAGE, newest_first=True)
    context = {
        "webhook": found, "page": page, "states": WebhookEvent.State.choices, "state": state,
        "told_of": [says for event, says in topics.choices() if event in found.events],
    }  # fmt: skip
    partial = {"events": "crm/_webhook_events.html", "more": "crm/_more_webhook_events.html"}
    return render(request, partial.get(request.htmx.target or "", "crm/webhook.html"), context)


@require_http_methods(["GET", "POST"])
@roles(Role.ADMIN)
def webhook_edit(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Webhook, pk=pk)
    form = WebhookForm(request.POST or None, instance=found)
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "webhook": get_object_or_404(Webhook, pk=pk)}
        return render(request, "crm/webhook_form.html", context, status=422 if form.errors else 200)
    given = {name: form.cleaned_data[name] for name in ("name", "url", "events")}
    managing.change(webhook=found, **given, by=request.user)
    messages.success(request, _("Saved."))
    return redirect("crm:webhook", pk)


@require_POST
@roles(Role.ADMIN)
def webhook_switch(request: Request, pk: int) -> HttpResponse:
    """`on` is 1 or 0: in the form, or in the address of an undo."""
    on = (request.POST.get("on") or request.GET.get("on")) == "1"
    found = managing.switch(webhook=get_object_or_404(Webhook, pk=pk), on=on, by=request.user)
    said = _("“%(name)s” is told from now on.") if on else _("“%(name)s” is told nothing any more.")
    back = f"{reverse('crm:webhook_switch', args=[pk])}?on={0 if on else 1}"
    messages.success(request, said % {"name": found.name}, extra_tags=f"undo:{back}")
    return redirect("crm:webhook", pk)


@require_POST
@roles(Role.ADMIN)
def webhook_ping(request: Request, pk: int) -> HttpResponse:
    event = managing.ping(webhook=get_object_or_404(Webhook, pk=pk), by=request.user)
    if event.trouble:
        messages.error(request, _("The test did not arrive. %(why)s") % {"why": event.trouble})
    else:
        messages.success(request, _("The test arrived: it was answered with %(status)s.") % {"status": event.status})
    return redirect("crm:webhook", pk)


@require_POST
@roles(Role.ADMIN)
@never_cache
def webhook_rotate(request: Request, pk: int) -> HttpResponse:
    found, secret = managing.rotate(webhook=get_object_or_404(Webhook, pk=pk), by=request.user)
    return render(request, "crm/webhook_secret.html", {"webhook": found, "secret": secret})


@require_POST
@roles(Role.ADMIN)
def webhook_event_replay(request: Request, pk: int) -> HttpResponse:
    event = managing.replay(event=get_object_or_404(WebhookEvent, pk=pk), by=request.user)
    messages.success(request, _("“%(event)s” is sent again, under the same id.") % {"event": event.type})
    return redirect("crm:webhook", event.webhook_id)
