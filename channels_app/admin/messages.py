"""What was said, and the outbox."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from channels_app import outbox
from channels_app.models import Channel, Delivery, Message, MessageVersion
from crm.administration import ReadOnlyAdmin, ReadOnlyInline, ago, among_newest, as_written, beginning, log_each
from crm.errors import Refused
from crm.models import User


class VersionInline(ReadOnlyInline):
    model = MessageVersion
    fields = ["text", "replaced_at"]
    verbose_name_plural = _("what it said before")


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin[Message]):
    inlines = [VersionInline]
    list_display = ["words", "direction", "identity", "channel", "sentiment", "language", "said_at"]
    said_at = ago("occurred_at", _("said"))
    list_select_related = ["identity", "channel"]
    list_filter = ["channel", "direction", "sentiment", "intent", "urgency", "private"]
    search_fields = ["text"]
    search_help_text = _("Its id on the network, or words of the newest messages")
    ordering = ["-id"]
    sortable_by = ()
    fieldsets = [
        (None, {"fields": ["said", "direction", "private", "occurred_at", "edited_at", "deleted_at"]}),
        (_("Who"), {"fields": ["identity", "sent_by"]}),
        (
            _("Where"),
            {"fields": ["channel", "thread", "external_id", "parent_external_id", "quoted_external_id", "url"]},
        ),
        (
            _("How Hark read it"),
            {
                "fields": [
                    "sentiment",
                    "score",
                    "confidence",
                    "reasons",
                    "language",
                    "language_confidence",
                    "intent",
                    "intent_confidence",
                    "intent_reasons",
                    "topic",
                    "topic_confidence",
                    "topic_reasons",
                    "urgency",
                    "urgency_confidence",
                    "urgency_reasons",
                    "corrected",
                    "reader",
                    "topics",
                    "named_by",
                    "stored_at",
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).annotate(start=Left("text", 400)).defer("text")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term:
            return queryset, False
        same = queryset.filter(channel__in=Channel.objects.values("pk"), external_id=search_term)
        return (same if same.exists() else among_newest(queryset, Q(text__icontains=search_term))), False

    def view_on_site(self, message: Message) -> str:
        return reverse("cases:of_message", args=[message.pk])

    @admin.display(description=_("message"))
    def words(self, message: Message) -> str:
        return beginning(message.start) or gettext("(no words)")  # type: ignore[attr-defined]

    @admin.display(description=_("text"))
    def said(self, message: Message) -> SafeString:
        return as_written(message.text)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin[Delivery]):
    list_display = ["words", "state", "reason", "attempts", "to", "channel", "by", "written", "sent"]
    written = ago("created_at", _("written"))
    sent = ago("sent_at", _("sent"))
    list_select_related = ["message__identity", "message__channel", "message__sent_by"]
    list_filter = ["state", "message__channel"]
    search_fields = ["key"]
    search_help_text = _("Its key, or words of the newest messages")
    ordering = ["-id"]
    sortable_by = ()
    actions = ["try_again"]
    fieldsets = [
        (None, {"fields": ["said", "to", "channel", "by"]}),
        (
            _("On its way"),
            {"fields": ["state", "reason", "attempts", "not_before", "lease_until", "created_at", "sent_at", "key"]},
        ),
    ]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term:
            return queryset, False
        by_key = Q(key__icontains=search_term)
        return among_newest(queryset, by_key | Q(message__text__icontains=search_term)), False

    def view_on_site(self, delivery: Delivery) -> str:
        return reverse("cases:of_message", args=[delivery.message_id])

    @admin.action(description=_("Try again"))
    def try_again(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        """Each for itself: what one of them refuses does not keep the others."""
        tried: list[Delivery] = []
        refused: dict[str, None] = {}
        for delivery in deliveries:
            try:
                tried.append(outbox.try_again(delivery=delivery, by=cast(User, request.user)))
            except Refused as refusal:
                refused[str(refusal)] = None
        log_each("tried again", tried, by=request.user)
        for sentence in refused:
            self.message_user(request, sentence, messages.ERROR)
        if tried:
            said = ngettext("%(n)s reply is tried again.", "%(n)s replies are tried again.", len(tried))
            self.message_user(request, said % {"n": len(tried)})

    @admin.display(description=_("reply"))
    def words(self, delivery: Delivery) -> str:
        return beginning(delivery.message.text)

    @admin.display(description=_("text"))
    def said(self, delivery: Delivery) -> SafeString:
        return as_written(delivery.message.text)

    @admin.display(description=_("to"))
    def to(self, delivery: Delivery) -> str:
        return str(delivery.message.identity or "")

    @admin.display(description=_("channel"))
    def channel(self, delivery: Delivery) -> str:
        return str(delivery.message.channel)

    @admin.display(description=_("by"))
    def by(self, delivery: Delivery) -> str:
        return str(delivery.message.sent_by or "")
