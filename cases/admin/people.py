"""The admin's pages about who was offered which case, and which were lent for an absence."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cases.models import Lent, Offer
from cases.offers.reasons import phrases
from crm.administration import ReadOnlyAdmin, ago, since_filter


@admin.register(Offer)
class OfferAdmin(ReadOnlyAdmin[Offer]):
    list_display = ["case", "user", "state", "offered", "why"]
    list_filter = ["state", "user"]
    list_select_related = ["case", "user"]
    ordering = ["-id"]
    sortable_by = ()
    offered = ago("at", _("offered"))
    fields = ["case", "user", "state", "at", "until", "decided_at", "why"]
    readonly_fields = ["why"]

    @admin.display(description=_("why them"))
    def why(self, offer: Offer) -> str:
        return " · ".join(phrases(offer.reasons)) or "–"


@admin.register(Lent)
class LentAdmin(ReadOnlyAdmin[Lent]):
    list_display = ["case", "absence", "back"]
    list_filter = [since_filter("back_at", _("state"), yes=_("Back"), no=_("Lent, or with somebody else"))]
    list_select_related = ["case", "absence__user"]
    ordering = ["-id"]
    sortable_by = ()
    back = ago("back_at", _("came back"))
    fields = ["case", "absence", "back_at"]
