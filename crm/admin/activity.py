"""The activity log: what was done, by whom, to what."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from crm.administration import ReadOnlyAdmin, ago, among_newest, number_in
from crm.models import Activity


def kinds() -> dict[str, StrOrPromise]:
    """The kinds of record that have a page here: "cases.case" → "case"."""
    return {
        model._meta.label_lower: model._meta.verbose_name or model._meta.model_name or ""
        for model in apps.get_models()
        if admin.site.is_registered(model) and not model._meta.proxy
    }


class VerbFilter(admin.SimpleListFilter):
    """What was done lately: the verbs of the newest lines, since a count of all would read the whole log."""

    title = _("what")
    parameter_name = "verb"
    looked_at = 5_000

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = Activity.objects.order_by("-id").values("pk")[: self.looked_at]
        verbs = set(Activity.objects.filter(pk__in=newest).order_by().values_list("verb", flat=True).distinct())
        return [(verb, verb) for verb in sorted(verbs | {chosen for chosen in [self.value()] if chosen})]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Activity]) -> QuerySet[Activity]:
        return queryset.filter(verb=self.value()) if self.value() else queryset


class KindFilter(admin.SimpleListFilter):
    title = _("kind of record")
    parameter_name = "subject_kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, StrOrPromise]]:
        return sorted(kinds().items(), key=lambda kind: str(kind[1]))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Activity]) -> QuerySet[Activity]:
        return queryset.filter(subject_kind=self.value()) if self.value() else queryset


class PersonFilter(admin.RelatedFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("person")


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin[Activity]):
    list_display = ["when", "who", "verb", "record", "detail"]
    list_display_links = ["when"]
    list_select_related = ["by"]
    list_filter = [VerbFilter, KindFilter, ("by", PersonFilter)]
    search_fields = ["detail"]
    search_help_text = _("A record (case 17, customer 4), or words of the newest lines")
    ordering = ["-id"]
    sortable_by = ()
    when = ago("at", _("when"))
    fields = ["at", "who", "verb", "record", "detail"]

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if not search_term:
            return queryset, False
        named = re.fullmatch(r"(?P<kind>\D*?)\s*(?P<number>#?\d+)", search_term.strip())
        number = number_in(named["number"]) if named else None
        if named is None or number is None:
            return among_newest(queryset, Q(detail__icontains=search_term)), False
        found = [label for label, name in kinds().items() if str(name).lower().startswith(named["kind"].lower())]
        return queryset.filter(subject_kind__in=found, subject_id=number), False

    @admin.display(description=_("by"))
    def who(self, line: Activity) -> str:
        return str(line.by) if line.by else "Hark"

    @admin.display(description=_("record"))
    def record(self, line: Activity) -> str:
        model = self._model(line.subject_kind)
        name = f"{model._meta.verbose_name if model else line.subject_kind} {line.subject_id}"
        if model is None or not admin.site.is_registered(model):
            return name
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[line.subject_id])
        return format_html('<a href="{}">{}</a>', url, name)

    def _model(self, label: str) -> type[Model] | None:
        try:
            return apps.get_model(label)
        except (LookupError, ValueError):
            return None
