"""Apps and credentials: to look at, and never with a secret. They are made and renewed on the pages of channels."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from channels_app.models import App, Credential
from crm.administration import ReadOnlyAdmin, ago


@admin.register(App)
class AppAdmin(ReadOnlyAdmin[App]):
    list_display = ["name", "network", "called", "refused", "made_by"]
    called = ago("called_at", _("last called"))
    refused = ago("refused_at", _("last refused"))
    list_filter = ["network"]
    search_fields = ["name"]
    list_select_related = ["made_by"]
    fields = ["name", "network", "hook", "settings", "made_at", "made_by", "asked_at", "called_at", "refused_at"]


@admin.register(Credential)
class CredentialAdmin(ReadOnlyAdmin[Credential]):
    list_display = ["channel", "account", "app", "expires_at", "connected_at", "connected_by"]
    search_fields = ["channel__name", "account"]
    list_select_related = ["channel", "app", "connected_by"]
    fields = [
        "channel", "app", "account", "settings", "expires_at", "connected_at", "connected_by", "renewed_at", "told_at"
    ]  # fmt: skip
