"""What networks tell of messages: signs people put to them, and receipts that wait for theirs."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from channels_app.models import Reaction, Receipt
from crm.administration import ReadOnlyAdmin, ago


@admin.register(Reaction)
class ReactionAdmin(ReadOnlyAdmin[Reaction]):
    list_display = ["emoji", "who", "channel", "since", "undone_at"]
    since = ago("at", _("since"))
    list_select_related = ["message__channel"]
    ordering = ["-id"]
    sortable_by = ()
    fields = ["message", "who", "emoji", "at", "undone_at"]

    @admin.display(description=_("channel"))
    def channel(self, reaction: Reaction) -> str:
        return str(reaction.message.channel)


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin[Receipt]):
    """Each goes when its message is known, or after a month."""

    list_display = ["external_id", "state", "channel", "told", "reason"]
    told = ago("at", _("told"))
    list_select_related = ["channel"]
    list_filter = ["channel", "state"]
    ordering = ["-id"]
    sortable_by = ()
    fields = ["channel", "external_id", "state", "reason", "at", "stored_at"]
