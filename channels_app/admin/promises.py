"""The admin's page about what channels promise, to look at: leads set it from the page Channels."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from channels_app.models import ChannelPromise
from crm.administration import ReadOnlyAdmin, since_filter


@admin.register(ChannelPromise)
class ChannelPromiseAdmin(ReadOnlyAdmin[ChannelPromise]):
    list_display = ["channel", "calendar", "acknowledge_minutes", "answer_minutes", "resolve_minutes", "is_published"]
    list_filter = [since_filter("published_at", _("published"), yes=_("Published"), no=_("Not published"))]
    list_select_related = ["channel", "calendar"]
    search_fields = ["channel__name", "channel__brand"]
    fields = [
        "channel", "calendar", "acknowledge_minutes", "acknowledge_warn", "answer_minutes", "answer_warn",
        "resolve_minutes", "resolve_warn", "what_we_do", "what_we_do_not", "published_at",
    ]  # fmt: skip

    @admin.display(description=_("published"), boolean=True)
    def is_published(self, promise: ChannelPromise) -> bool:
        return promise.published_at is not None
