"""The admin's pages about cases that are alike: what is compared, who stands behind whom, what was answered to many."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cases.models import Flood, FloodAnswer, FloodMember, FloodReply, Opening
from crm.administration import ReadOnlyAdmin, ago, beginning, since_filter


@admin.register(Opening)
class OpeningAdmin(ReadOnlyAdmin[Opening]):
    """What new cases are compared with. The numbers say nothing to anybody."""

    list_display = ["said", "apart", "since"]
    since = ago("at", _("at"))
    list_filter = ["apart"]
    list_select_related = ["message"]
    ordering = ["-pk"]
    sortable_by = ()
    fields = ["message", "at", "apart"]

    @admin.display(description=_("text"))
    def said(self, opening: Opening) -> str:
        return beginning(opening.message.text)


@admin.register(Flood)
class FloodAdmin(ReadOnlyAdmin[Flood]):
    list_display = ["__str__", "head", "behind", "team", "began", "last"]
    began, last = ago("began_at", _("began")), ago("last_at", _("last came"))
    list_filter = ["team"]
    list_select_related = ["head", "team"]
    ordering = ["-pk"]
    sortable_by = ()
    fields = ["team", "head", "behind", "began_at", "last_at"]


@admin.register(FloodMember)
class FloodMemberAdmin(ReadOnlyAdmin[FloodMember]):
    list_display = ["case", "flood", "joined", "parted", "parted_by"]
    joined, parted = ago("joined_at", _("joined")), ago("parted_at", _("taken out"))
    list_filter = [since_filter("parted_at", _("state"), yes=_("Taken out"), no=_("Among them"))]
    list_select_related = ["case", "flood", "parted_by"]
    ordering = ["-pk"]
    sortable_by = ()
    fields = ["case", "flood", "joined_at", "parted_at", "parted_by"]


@admin.register(FloodAnswer)
class FloodAnswerAdmin(ReadOnlyAdmin[FloodAnswer]):
    list_display = ["__str__", "flood", "by", "state", "asked"]
    asked = ago("at", _("at"))
    list_filter = ["state"]
    list_select_related = ["flood", "by", "cause__parent"]
    ordering = ["-pk"]
    sortable_by = ()
    fields = ["flood", "like", "text", "cause", "outcome", "by", "at", "starts_at", "ended_at", "state"]


@admin.register(FloodReply)
class FloodReplyAdmin(ReadOnlyAdmin[FloodReply]):
    list_display = ["case", "answer", "refusal", "done"]
    done = ago("done_at", _("done"))
    list_select_related = ["case", "answer__cause__parent"]
    ordering = ["-pk"]
    sortable_by = ()
    fields = ["answer", "case", "delivery", "refusal", "done_at"]
