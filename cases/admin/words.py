"""The admin's pages about words: templates, drafts, what was sent in spite of a warning; and how the desk works."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cases.forms.words import DeskForm, TextForm
from cases.models import DeskSettings, Draft, Override, Template, TemplateText, Wording
from crm.administration import ReadOnlyAdmin, RecordAdmin, ago, beginning, since_filter


class TextInline(admin.StackedInline[TemplateText, Template]):
    model = TemplateText
    form = TextForm
    extra = 0


@admin.register(Template)
class TemplateAdmin(RecordAdmin[Template]):
    list_display = ["name", "purpose", "team", "is_used"]
    list_filter = [since_filter("retired_at", _("state"), yes=_("Retired"), no=_("In use")), "team"]
    list_select_related = ["team"]
    search_fields = ["name", "purpose"]
    fields = ["name", "purpose", "team", "channels", "retired_at"]
    switches = {"retired_at": (_("Retired"), _("No longer offered."))}
    inlines = [TextInline]

    @admin.display(description=_("in use"), boolean=True)
    def is_used(self, template: Template) -> bool:
        return template.retired_at is None


@admin.register(Draft)
class DraftAdmin(ReadOnlyAdmin[Draft]):
    """That somebody has begun to write. What they wrote is theirs until they send it."""

    list_display = ["case", "user", "kind", "kept"]
    kept = ago("at", _("kept"))
    list_filter = ["kind", "user"]
    list_select_related = ["case", "user"]
    ordering = ["-at", "-id"]
    sortable_by = ()
    fields = ["case", "user", "kind", "at"]


@admin.register(Override)
class OverrideAdmin(ReadOnlyAdmin[Override]):
    list_display = ["case", "why", "people", "likeness", "by", "sent"]
    sent = ago("at", _("at"))
    list_filter = ["by"]
    list_select_related = ["case", "by"]
    sortable_by = ()
    fields = ["case", "message", "by", "at", "likeness", "people", "why"]


@admin.register(Wording)
class WordingAdmin(ReadOnlyAdmin[Wording]):
    """What new replies are compared with. The numbers say nothing to anybody."""

    list_display = ["said", "customer", "since"]
    since = ago("at", _("at"))
    list_select_related = ["message", "customer"]
    ordering = ["-at", "-id"]
    sortable_by = ()
    fields = ["message", "customer", "at"]

    @admin.display(description=_("text"))
    def said(self, wording: Wording) -> str:
        return beginning(wording.message.text)


@admin.register(DeskSettings)
class DeskSettingsAdmin(RecordAdmin[DeskSettings]):
    """One row, made when a lead first saves its page."""

    form = DeskForm
    list_display = [
        "__str__", "guard_likeness", "guard_people", "guard_hours", "undo_seconds", "offer_minutes", "alike_days",
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).order_by("pk")
