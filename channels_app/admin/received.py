"""What came in: payloads, files, and the dead letters among them."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from channels_app import inbox, mending
from channels_app.models import DeadLetter, FileLoad, RawEvent
from crm.administration import (
    ReadOnlyAdmin,
    RecordAdmin,
    ago,
    among_newest,
    as_written,
    log_each,
    number_in,
    since_filter,
)
from crm.errors import Refused
from crm.models import User

DEAD_LETTERS = "admin:channels_app_deadletter_changelist"


def listed(count: int | None, **narrowed: object) -> SafeString | str:
    """How many dead letters, as a link to them; nothing where there are none."""
    if not count:
        return "–"
    query = "&".join(f"{name}={value}" for name, value in narrowed.items())
    return format_html('<a href="{}?{}">{}{}</a>', reverse(DEAD_LETTERS), query, count, "+" if count == 100 else "")


class RawEventShown:
    """How a payload is shown, in both of its lists."""

    received = ago("received_at", _("received"))

    @admin.display(description=_("file"))
    def file(self, row: RawEvent) -> SafeString | str:
        if row.load is None:
            return "–"
        url = reverse("admin:channels_app_fileload_change", args=[row.load.pk])
        return format_html('<a href="{}">{}</a>', url, row.load)

    @admin.display(description=_("as received"))
    def as_received(self, row: RawEvent) -> SafeString:
        return as_written(row.readable)

    @admin.display(description=_("size"))
    def size(self, row: RawEvent) -> str:
        return gettext("%(n)s bytes") % {"n": f"{len(row.body):,}"}

    @admin.display(description=_("origin"))
    def shown_origin(self, row: RawEvent) -> str:
        return str(row)


@admin.register(RawEvent)
class RawEventAdmin(RawEventShown, ReadOnlyAdmin[RawEvent]):
    list_display = ["shown_origin", "channel", "state", "reason", "received"]
    list_select_related = ["channel"]
    list_filter = ["state", "channel", "received_at"]
    search_fields = ["origin"]
    search_help_text = _("Its number, or words of the newest origins and reasons")
    ordering = ["-id"]
    sortable_by = ()
    fields = ["channel", "origin", "file", "received_at", "state", "reason", "size", "as_received"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[RawEvent]:
        return super().get_queryset(request).defer("body")

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        if number := number_in(search_term):
            return queryset.filter(pk=number), False
        words = Q(origin__icontains=search_term) | Q(reason__icontains=search_term)
        return (among_newest(queryset, words) if search_term else queryset), False


class MendForm(forms.ModelForm[DeadLetter]):
    text = forms.CharField(
        label=_("Corrected"), widget=forms.Textarea(attrs={"rows": 12, "class": "as-written", "spellcheck": "false"}),
        help_text=_("Read at once, as a payload of its own; what came stays as it is. \\xNN stands for a broken byte."),
    )  # fmt: skip

    class Meta:
        model = DeadLetter
        fields: list[str] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["text"].initial = self.instance.readable

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        try:
            mending.check(channel=self.instance.channel, text=text)
        except Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return text


@admin.register(DeadLetter)
class DeadLetterAdmin(RawEventShown, RecordAdmin[DeadLetter]):
    """What could not be read: read it again once Hark can, or mend it by hand."""

    form = MendForm
    list_display = ["shown_origin", "channel", "reason", "received"]
    list_select_related = ["channel"]
    list_filter = ["channel", "received_at"]
    search_fields = ["origin", "reason"]
    search_help_text = _("Words of the origin or the reason")
    ordering = ["-id"]
    sortable_by = ()
    actions = ["replay"]
    readonly_fields = ["channel", "origin", "file", "received_at", "reason", "size", "as_received"]
    fieldsets = [
        (None, {"fields": ["reason", "origin", "channel", "file", "received_at", "size"]}),
        (_("What came"), {"fields": ["as_received"]}),
        (_("What it should have said"), {"fields": ["text"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        return super().get_queryset(request).filter(state=RawEvent.State.REJECTED).defer("body")

    @admin.action(description=_("Read again"))
    def replay(self, request: HttpRequest, rows: QuerySet[DeadLetter]) -> None:
        count = inbox.replay(rows=rows)
        log_each("replayed", rows, by=request.user)
        said = ngettext("%(n)s payload is being read again.", "%(n)s payloads are being read again.", count)
        self.message_user(request, said % {"n": count})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST" and "_replay" in request.POST and self.has_change_permission(request):
            self.replay(request, self.get_queryset(request).filter(pk=number_in(object_id) or 0))
            return HttpResponseRedirect(reverse(DEAD_LETTERS))
        return super().change_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: DeadLetter, form: Any, change: bool) -> None:
        form.mended = mending.mend(row=obj, text=form.cleaned_data["text"], by=cast(User, request.user))

    def log_change(self, request: HttpRequest, obj: DeadLetter, message: Any) -> Any:
        """Mending has logged itself."""
        return admin.ModelAdmin.log_change(self, request, obj, message)

    def response_change(self, request: HttpRequest, obj: DeadLetter) -> HttpResponse:
        said = _("The corrected text is being read. What came stays among the received payloads.")
        self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(reverse(DEAD_LETTERS))


@admin.register(FileLoad)
class FileLoadAdmin(ReadOnlyAdmin[FileLoad]):
    began = ago("started_at", _("began"))
    finished = ago("finished_at", _("finished"))
    list_display = ["name", "channel", "received", "dead", "began", "finished"]
    list_select_related = ["channel"]
    list_filter = ["channel", since_filter("finished_at", _("state"), yes=_("Finished"), no=_("Not finished"))]
    search_fields = ["name"]
    ordering = ["-id"]
    fields = ["name", "channel", "began", "finished", "tally"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[FileLoad]:
        dead = RawEvent.objects.dead_letters().filter(load=OuterRef("pk")).order_by().values("load")
        counted = dead.annotate(n=Count("pk")).values("n")
        return super().get_queryset(request).annotate(rejected=Subquery(counted, output_field=IntegerField()))

    @admin.display(description=_("rows received"), ordering="rows")
    def received(self, load: FileLoad) -> int:
        return load.rows

    @admin.display(description=_("cannot be read"))
    def dead(self, load: FileLoad) -> SafeString | str:
        return listed(load.rejected, load__id__exact=load.pk)  # type: ignore[attr-defined]

    @admin.display(description=_("what became of its rows"))
    def tally(self, load: FileLoad) -> str:
        """As the loader prints it: received is the sum of the rest."""
        names = RawEvent.State
        parts = [f"{load.tally()[state.value]:,} {state.label.lower()}" for state in names]
        return gettext("%(n)s received") % {"n": f"{load.rows:,}"} + " = " + " + ".join(parts)
