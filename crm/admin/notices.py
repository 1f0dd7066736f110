"""The admin's pages about who was told what, and how they want to hear of it."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from crm.administration import ReadOnlyAdmin, ago, since_filter
from crm.models import Notice, NoticeChoice


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin[Notice]):
    list_display = ["text", "user", "kind", "told", "was_read", "mailed"]
    list_filter = ["kind", since_filter("read_at", _("state"), yes=_("Read"), no=_("Not read"))]
    list_select_related = ["user", "by"]
    ordering = ["-id"]
    sortable_by = ()
    told = ago("at", _("at"))
    was_read = ago("read_at", _("read"))
    mailed = ago("mailed_at", _("in a digest"))
    fields = ["user", "kind", "text", "url", "by", "at", "read_at", "mailed_at", "subject_kind", "subject_id"]


@admin.register(NoticeChoice)
class NoticeChoiceAdmin(ReadOnlyAdmin[NoticeChoice]):
    list_display = ["user", "kind", "in_app", "mail"]
    list_filter = ["kind", "mail"]
    list_select_related = ["user"]
    ordering = ["user", "kind"]
    sortable_by = ()
    fields = ["user", "kind", "in_app", "mail"]
