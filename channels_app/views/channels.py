"""Channels: how they are, and contacts written down by hand."""

from __future__ import annotations

import json

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from channels_app import health, inbox
from channels_app.forms import ContactForm
from channels_app.models import Channel, Message
from channels_app.platforms.base import RawPayload
from crm.models.activity import log
from crm.models.staff import CARE_ROLES
from crm.web import Request, roles


@require_GET
@roles(*CARE_ROLES)
def channels(request: Request) -> HttpResponse:
    found = Channel.objects.with_health().select_related("promise")
    return render(request, "channels/channels.html", {"channels": found})


@require_GET
@roles(*CARE_ROLES)
def troubled(request: Request) -> HttpResponse:
    """The channels on which answers wait, for who looks at the queue."""
    if not request.htmx:
        return redirect("channels_app:channels")
    return render(request, "channels/_troubled.html", health.troubled())


@require_http_methods(["GET", "POST"])
@roles(*CARE_ROLES)
def log_contact(request: Request) -> HttpResponse:
    """Write down a call, letter, chat or visit; it takes the same way as every post, at once."""
    form = ContactForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "channels/log_contact.html", {"form": form}, status=422 if form.errors else 200)
    fields, channel = form.fields_of_event(), form.cleaned_data["channel"]
    body = json.dumps(fields, ensure_ascii=False).encode()
    inbox.keep(channel=channel, payloads=[RawPayload(body, f"written by {request.user.username}")])
    inbox.work_off(channel)
    message = Message.objects.filter(channel=channel, external_id=fields["id"]).first()
    if message is None:
        text = _("It is stored, but Hark could not read it. An administrator finds it among the dead letters.")
        messages.error(request, text)
        return redirect("channels_app:log_contact")
    log("written down", message, by=request.user)
    messages.success(request, _("Written down."))
    return redirect("cases:of_message", message.pk)
