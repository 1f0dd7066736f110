"""Thanks by name, and customers who speak up for us: to look at. They are changed on their own pages."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from crm.administration import ReadOnlyAdmin, ReadOnlyInline, ago, beginning
from surveys.models import Advocate, AdvocateLetter, AdvocateReason, Recognition


class ReasonInline(ReadOnlyInline):
    model = AdvocateReason
    fields = ["kind", "response", "message", "at"]


class LetterInline(ReadOnlyInline):
    model = AdvocateLetter
    fields = ["kind", "by", "at", "private", "sent_at", "failed"]
    show_change_link = True


@admin.register(Recognition)
class RecognitionAdmin(ReadOnlyAdmin[Recognition]):
    list_display = ["person", "what", "said", "by", "thanked", "taken_back_at"]
    thanked = ago("at", _("at"))
    list_filter = ["what"]
    list_select_related = ["person", "by"]
    sortable_by = ()

    @admin.display(description=_("in words"))
    def said(self, thanks: Recognition) -> str:
        return beginning(thanks.words) or "–"


@admin.register(Advocate)
class AdvocateAdmin(ReadOnlyAdmin[Advocate]):
    list_display = ["customer", "state", "so_since", "moved_by", "how"]
    so_since = ago("since", _("so since"))
    list_filter = ["state"]
    list_select_related = ["customer", "moved_by"]
    sortable_by = ()
    inlines = [ReasonInline, LetterInline]

    def view_on_site(self, advocate: Advocate) -> str:
        return advocate.get_absolute_url()


@admin.register(AdvocateReason)
class AdvocateReasonAdmin(ReadOnlyAdmin[AdvocateReason]):
    list_display = ["customer", "kind", "shown"]
    shown = ago("at", _("at"))
    list_filter = ["kind"]
    list_select_related = ["advocate__customer"]
    ordering = ["-id"]
    sortable_by = ()

    @admin.display(description=_("customer"))
    def customer(self, reason: AdvocateReason) -> str:
        return str(reason.advocate.customer)


@admin.register(AdvocateLetter)
class AdvocateLetterAdmin(ReadOnlyAdmin[AdvocateLetter]):
    list_display = ["customer", "kind", "words", "by", "written", "sent_at", "failed"]
    written = ago("at", _("written"))
    list_filter = ["kind", "private"]
    list_select_related = ["advocate__customer", "by"]
    sortable_by = ()

    @admin.display(description=_("customer"))
    def customer(self, letter: AdvocateLetter) -> str:
        return str(letter.advocate.customer)

    @admin.display(description=_("text"))
    def words(self, letter: AdvocateLetter) -> str:
        return beginning(letter.text) or "–"
