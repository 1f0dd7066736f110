"""What every page of the admin shares: nothing is lost, nothing large is counted, every change stands in the log.

The admin of each app builds on `RecordAdmin`, or on `ReadOnlyAdmin` for what only Hark itself writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django_stubs_ext import StrOrPromise

from crm.models.activity import Activity, log
from crm.templatetags.hark import when

M = TypeVar("M", bound=models.Model)

COUNTED = 2_000  # rows a list counts, and so how far its last page may skip
SEARCHED = 50_000  # newest rows of a large table that are searched for words no index knows
SHOWN = 20_000  # characters of a payload that a page shows


class CappedPaginator(Paginator[Any]):
    """Counts no further than `COUNTED`; `stops_short` says that more was found."""

    @cached_property
    def _found(self) -> int:
        rows = cast(models.QuerySet[Any], self.object_list)
        return rows.order_by()[: COUNTED + 1].count()

    @cached_property
    def count(self) -> int:
        return min(self._found, COUNTED)

    @property
    def stops_short(self) -> bool:
        return self._found > COUNTED


class Since(forms.BooleanField):
    """A box for a moment that may be empty: ticking it means "from now on", unticking it "no longer"."""

    def clean(self, value: Any) -> datetime | None:  # type: ignore[override]
        return timezone.now() if super().clean(value) else None


class SinceFilter(admin.SimpleListFilter):
    """Whether a moment has come, in the words of the record."""

    yes: StrOrPromise
    no: StrOrPromise

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]) -> list[tuple[str, StrOrPromise]]:
        return [("yes", self.yes), ("no", self.no)]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[M]) -> models.QuerySet[M]:
        chosen = self.value()
        return queryset.filter(**{f"{self.parameter_name}__isnull": chosen == "no"}) if chosen else queryset


def since_filter(field: str, title: StrOrPromise, *, yes: StrOrPromise, no: StrOrPromise) -> type[SinceFilter]:
    facts = {"parameter_name": field, "title": title, "yes": yes, "no": no}
    return type(f"Since{field.title()}", (SinceFilter,), facts)


class RecordAdmin(admin.ModelAdmin[M]):
    """Records are never deleted here: each has its own way of going out of use.

    `switches` names the nullable moments that are shown as a box: field → label, help.
    """

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    switches: Mapping[str, tuple[StrOrPromise, StrOrPromise]] = {}

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = capfirst(self.opts.verbose_name_plural or "")
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest | None, **kwargs: Any
    ) -> forms.Field | None:
        if db_field.name in self.switches:
            label, help_text = self.switches[db_field.name]
            return Since(label=label, help_text=help_text, required=False)
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[arg-type]

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> M:
        """A box nobody touched keeps the moment it stands for."""
        obj: M = super().save_form(request, form, change)
        for name in self.switches.keys() & form.fields.keys() - set(form.changed_data):
            setattr(obj, name, form.initial.get(name))
        return obj

    def log_addition(self, request: HttpRequest, obj: M, message: Any) -> LogEntry:
        log("made", obj, by=request.user)  # type: ignore[arg-type]
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: M, message: Any) -> LogEntry:
        entry: LogEntry = super().log_change(request, obj, message)
        if message:
            log("changed", obj, by=request.user, detail=entry.get_change_message())  # type: ignore[arg-type]
        return entry


class ReadOnlyAdmin(RecordAdmin[M]):
    """To look at: only Hark writes these."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        return False


class ReadOnlyInline(admin.TabularInline[Any, Any]):
    extra = 0
    can_delete = False
    show_change_link = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def log_each(verb: str, rows: Iterable[models.Model], *, by: Any) -> None:
    """One line of the log for each row, in one query."""
    done = [(row._meta.concrete_model or type(row), row.pk) for row in rows]
    Activity.objects.bulk_create(
        [Activity(verb=verb, subject_kind=model._meta.label_lower, subject_id=pk, by=by) for model, pk in done]
    )


def number_in(words: str) -> int | None:
    """The number of a record somebody typed: "17" or "#17"."""
    digits = words.strip().removeprefix("#")
    return int(digits) if digits.isdecimal() and digits.isascii() and len(digits) < 19 else None


def among_newest(rows: models.QuerySet[M], condition: models.Q) -> models.QuerySet[M]:
    """Those of the newest `SEARCHED` rows that meet a condition no index can answer."""
    newest = rows.model._base_manager.order_by("-pk").values_list("pk", flat=True).first() or 0
    return rows.filter(condition, pk__gt=newest - SEARCHED)


def ago(field: str, label: StrOrPromise) -> Callable[[Any, Any], Any]:
    """A column that says how long ago, with the exact time on hover."""

    @admin.display(description=label, ordering=field)
    def column(self: Any, row: Any) -> Any:
        return when(getattr(row, field), "ago") or "–"

    return column


def beginning(text: str, length: int = 90) -> str:
    return Truncator(" ".join(text[: 4 * length].split())).chars(length)


def as_written(text: str) -> SafeString:
    """Any text just as it stands, line for line; very long ones cut."""
    rest = len(text) - SHOWN
    shown = text[:SHOWN] + (f"\n… (+{rest:,})" if rest > 0 else "")
    return format_html('<pre class="as-written" dir="auto">{}</pre>', shown)
