"""The admin's page about whose views of the lists there are."""

from __future__ import annotations

from django.contrib import admin
from django.forms import BoundField, Form
from django.http import HttpRequest, QueryDict
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.forms import Offered, QueueForm
from crm.administration import RecordAdmin, since_filter
from crm.forms import CustomersForm
from crm.models import SavedView
from crm.views.saved import LISTS


@admin.register(SavedView)
class SavedViewAdmin(RecordAdmin[SavedView]):
    """Saved from a list, where its filter is a form; here they are shared, renamed and cleared away."""

    list_display = ["name", "page", "owner", "is_shared"]
    list_filter = ["page", since_filter("shared_at", _("who has it"), yes=_("Everyone"), no=_("Its owner")), "owner"]
    list_select_related = ["owner"]
    search_fields = ["name"]
    fields = ["name", "page", "owner", "shared_at", "shows"]
    readonly_fields = ["page", "owner", "shows"]
    switches = {"shared_at": (_("Shared with everyone"), "")}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SavedView | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    def view_on_site(self, view: SavedView) -> str:
        return f"{reverse(LISTS[view.page])}?{view.query}"

    @admin.display(description=_("shared"), boolean=True)
    def is_shared(self, view: SavedView) -> bool:
        return view.shared_at is not None

    @admin.display(description=_("filter"))
    def shows(self, view: SavedView) -> str:
        """Its filter, in the words of the form it was made with."""
        query = QueryDict(view.query)
        if view.page == SavedView.Page.CUSTOMERS:
            form: Form = CustomersForm(query)
            everything = gettext("All customers")
        else:
            form = QueueForm(query, user=view.owner, offered=Offered())
            everything = gettext("All that need an answer")
        return " · ".join(f"{field.label}: {_chosen(field)}" for field in form if field.data) or everything


def _chosen(field: BoundField) -> str:
    """What is chosen in a field, as the field calls it."""
    names = {str(value): str(name) for value, name in getattr(field.field, "choices", ())}
    return names.get(field.data, field.data)
