"""Other systems: their tokens, the webhooks, and the log of what these were told, which can be sent again."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from crm import tokens
from crm.administration import ReadOnlyAdmin, ago, as_written, since_filter
from crm.errors import Refused
from crm.models import ApiToken, User, Webhook, WebhookEvent
from crm.webhooks import managing


def one_by_one(page: Any, request: HttpRequest, rows: QuerySet[Any], do: Callable[[Any], Model]) -> int:
    """Each for itself: what one of them refuses does not keep the others. How many were done."""
    done, refused = 0, dict[str, None]()
    for row in rows:
        try:
            do(row)
            done += 1
        except Refused as refusal:
            refused[str(refusal)] = None
    for sentence in refused:
        page.message_user(request, sentence, messages.ERROR)
    return done


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin[ApiToken]):
    """Made under Team settings, where the token is shown once."""

    list_display = ["name", "prefix", "user", "source", "used", "expires_at", "revoked_at"]
    list_select_related = ["user"]
    list_filter = [since_filter("revoked_at", _("state"), yes=_("Revoked"), no=_("Not revoked"))]
    search_fields = ["name", "prefix"]
    search_help_text = _("Name, or how it begins")
    ordering = ["-id"]
    sortable_by = ()
    actions = ["revoke"]
    used = ago("last_used_at", _("last used"))
    fields = [
        *("name", "prefix", "user", "source", "may", "created_by", "created_at", "last_used_at", "expires_at"),
        "revoked_at",
    ]

    @admin.display(description=_("may"))
    def may(self, token: ApiToken) -> str:
        return "; ".join(token.says)

    @admin.action(description=_("Revoke"))
    def revoke(self, request: HttpRequest, rows: QuerySet[ApiToken]) -> None:
        by = cast(User, request.user)
        if done := one_by_one(self, request, rows, lambda token: tokens.revoke(token=token, by=by)):
            said = ngettext("%(n)s token is revoked.", "%(n)s tokens are revoked.", done)
            self.message_user(request, said % {"n": done})


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin[Webhook]):
    """Made and changed under Team settings, where the secret is shown once."""

    list_display = ["name", "url", "made", "disabled_at", "failing_since", "trouble"]
    list_filter = [since_filter("disabled_at", _("state"), yes=_("Off"), no=_("On"))]
    search_fields = ["name", "url"]
    search_help_text = _("Name or address")
    ordering = ["name", "id"]
    sortable_by = ()
    made = ago("created_at", _("made"))
    fields = [
        *("name", "url", "told_of", "created_by", "created_at", "disabled_at", "failing_since", "resume_at"),
        "trouble",
    ]

    def view_on_site(self, webhook: Webhook) -> str:
        return reverse("crm:webhook", args=[webhook.pk])

    @admin.display(description=_("told of"))
    def told_of(self, webhook: Webhook) -> str:
        return ", ".join(webhook.events)


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin[WebhookEvent]):
    list_display = ["type", "webhook", "state", "attempts", "status", "trouble", "happened"]
    list_select_related = ["webhook"]
    list_filter = ["state", "webhook", "type"]
    search_fields = ["key"]
    search_help_text = _("Its webhook-id")
    ordering = ["-id"]
    sortable_by = ()
    actions = ["replay"]
    happened = ago("created_at", _("happened"))
    fieldsets = [
        (None, {"fields": ["type", "webhook", "key", "said", "created_at"]}),
        (_("On its way"), {"fields": ["state", "attempts", "status", "trouble", "not_before", "sent_at"]}),
    ]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term:
            return queryset, False
        try:
            return queryset.filter(key=uuid.UUID(search_term.strip())), False
        except ValueError:
            return queryset.none(), False

    @admin.display(description=_("what it says"))
    def said(self, event: WebhookEvent) -> SafeString:
        return as_written(event.written)

    @admin.action(description=_("Send again"))
    def replay(self, request: HttpRequest, rows: QuerySet[WebhookEvent]) -> None:
        by = cast(User, request.user)
        if done := one_by_one(self, request, rows, lambda event: managing.replay(event=event, by=by)):
            said = ngettext("%(n)s event is sent again.", "%(n)s events are sent again.", done)
            self.message_user(request, said % {"n": done})
