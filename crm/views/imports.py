"""Imports: bring a file, say what its columns mean, look at what would come of it, run it, undo it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm import exporting
from crm.errors import Refused
from crm.forms.imports import ColumnsForm, EncodingForm, ImportForm
from crm.importing import bringing, mapping, refused, running, undoing
from crm.models import Import
from crm.models.staff import LEADING_ROLES
from crm.web import Request, keyset_page, roles

PAGE, SHOWN = 50, 25


def _run(pk: int) -> Import:
    return get_object_or_404(Import.objects.select_related("by", "undone_by"), pk=pk)


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def imports(request: Request) -> HttpResponse:
    found = Import.objects.select_related("by")
    page = keyset_page(found, request.GET, key=("id",), size=PAGE, newest_first=True)
    partial = "crm/_more_imports.html" if request.htmx.target == "more" else "crm/imports.html"
    return render(request, partial, {"page": page})


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def import_new(request: Request) -> HttpResponse:
    """Bring a file, `?what=` it is where a link says so. What cannot be read is said beside the field."""
    form = ImportForm(request.POST or None, request.FILES or None, initial={"what": request.GET.get("what")})
    if request.method == "POST" and form.is_valid():
        try:
            run = bringing.bring(**form.cleaned_data, by=request.user)
        except Refused as refusal:
            form.add_error("file", str(refusal))
        else:
            return redirect("crm:import_columns", run.pk)
    return render(request, "crm/import_form.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def import_one(request: Request, pk: int) -> HttpResponse:
    """How far it is and what came of it; the part alone for HTMX, which asks for it every two seconds while it runs."""
    run = _run(pk)
    if run.state == Import.State.UPLOADED and not request.htmx:
        return redirect("crm:import_columns", run.pk)
    return _shown(request, run)


def _shown(request: Request, run: Import, *, refusal: str = "") -> HttpResponse:
    errors = list(run.errors.order_by("number")[: SHOWN + 1])
    context = {"run": run, "errors": errors[:SHOWN], "more_errors": len(errors) > SHOWN, "refusal": refusal}
    context["only_changes"] = mapping.only_changes(run.what, run.columns)
    template = "crm/_import.html" if request.htmx else "crm/import.html"
    return render(request, template, context, status=422 if refusal else 200)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request", "HX-Target")
def import_columns(request: Request, pk: int) -> HttpResponse:
    """What each column means, with the first rows as they would become; then the check begins."""
    run = _run(pk)
    if run.state not in bringing.OPEN:
        return redirect(run)
    if request.method == "POST" and "encoding" in request.POST:
        return _read_as(request, run)
    form = ColumnsForm(request.POST or None, run=run)
    refusal = ""
    if request.method == "POST" and form.is_valid() and request.htmx.target != "preview":
        try:
            running.check(run=bringing.name_columns(run=run, columns=form.columns, by=request.user), by=request.user)
            return redirect(run)
        except Refused as error:
            refusal = str(error)
    return _columns_page(request, run, form, refusal)


def _read_as(request: Request, run: Import) -> HttpResponse:
    """The file again, in the encoding that was chosen."""
    form = EncodingForm(request.POST)
    if form.is_valid():
        bringing.read_as(run=run, encoding=form.cleaned_data["encoding"], by=request.user)
    return redirect("crm:import_columns", run.pk)


def _columns_page(request: Request, run: Import, form: ColumnsForm, refusal: str) -> HttpResponse:
    try:
        samples = bringing.samples(run, form.columns if not form.errors else run.columns)
    except bringing.FileGone as gone:
        samples, refusal = [], str(gone)
    cells = [[c for s in samples for c in s.cells[number : number + 1]] for number in range(len(run.header))]
    context: dict[str, Any] = {
        "run": run, "form": form, "refusal": refusal, "samples": samples, "rows": list(zip(form, cells, strict=True)),
        "encoding_form": EncodingForm(initial={"encoding": run.encoding}),
    }  # fmt: skip
    if request.htmx.target == "preview":
        return render(request, "crm/_import_preview.html", context)
    wrong = request.method == "POST" and (form.errors or refusal)
    return render(request, "crm/import_columns.html", context, status=422 if wrong else 200)


def _deed(request: Request, pk: int, do: Callable[..., Import], said: str) -> HttpResponse:
    """Do it; a refusal is shown on the import's page."""
    run = _run(pk)
    try:
        run = do(run=run, by=request.user)
    except Refused as refusal:
        return _shown(request, _run(pk), refusal=str(refusal))
    if not request.htmx:
        messages.success(request, said)
        return redirect(run)
    return _shown(request, _run(pk))


@require_POST
@roles(*LEADING_ROLES)
def import_start(request: Request, pk: int) -> HttpResponse:
    return _deed(request, pk, running.start, _("The import runs."))


@require_POST
@roles(*LEADING_ROLES)
def import_go_on(request: Request, pk: int) -> HttpResponse:
    """Go on with one that broke off."""
    return _deed(request, pk, running.go_on, _("The import goes on from where it stood."))


@require_POST
@roles(*LEADING_ROLES)
def import_undo(request: Request, pk: int) -> HttpResponse:
    """Take the whole of it back, or nothing."""
    return _deed(request, pk, undoing.undo, _("The import is being undone."))


@require_GET
@roles(*LEADING_ROLES)
def import_errors(request: Request, pk: int) -> exporting.Streamed:
    """The refused rows as CSV, each with what is wrong, to be mended and brought again."""
    run = _run(pk)
    columns, rows = refused.columns(run), refused.rows(run)
    return exporting.response(request, f"refused-rows-{run.pk}", columns, rows, query=QueryDict())
