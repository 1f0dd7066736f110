"""Surveys: the list, how one begins, its versions and their words, copies, and how surveys run here."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from crm.errors import Refused
from crm.models.activity import log
from crm.models.staff import LEADING_ROLES
from crm.web import Request, keyset_page, roles
from surveys import building
from surveys.forms.building import CopyForm, StartForm, SurveyForm, SurveySettingsForm, SurveysForm, WordsForm
from surveys.models import Survey, SurveySettings
from surveys.views import builder

PAGE = 50


@require_GET
@roles(*LEADING_ROLES)
def surveys(request: Request) -> HttpResponse:
    form = SurveysForm(request.GET)
    rows = form.narrow(Survey.objects.visible_to(request.user)).with_newest()
    page = keyset_page(rows, request.GET, key=("name", "id"), size=PAGE)
    return render(request, "surveys/surveys.html", {"form": form, "page": page})


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def survey_new(request: Request) -> HttpResponse:
    form = StartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            version = building.start(**given, by=request.user)
        except Refused as refusal:
            form.add_error("kind" if isinstance(refusal, building.OneAfterCases) else "name", str(refusal))
        else:
            messages.success(request, _("“%(name)s” is begun. Look at it as your customers will.") % given)
            return redirect(version)
    return render(request, "surveys/survey_new.html", {"form": form}, status=422 if form.errors else 200)


@require_GET
@roles(*LEADING_ROLES)
def survey(request: Request, pk: int) -> HttpResponse:
    """Leads to its newest version."""
    found = get_object_or_404(Survey.objects.visible_to(request.user), pk=pk)
    return redirect(found.versions.order_by("-number")[0])


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def survey_edit(request: Request, pk: int) -> HttpResponse:
    """Its name and brand, and a copy of it."""
    found = get_object_or_404(Survey.objects.visible_to(request.user), pk=pk)
    called = found.name
    form = SurveyForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        try:
            building.rename(survey=found, **form.cleaned_data, by=request.user)
        except building.NameTaken as refusal:
            form.add_error("name", str(refusal))
        else:
            return redirect(found)
    context = {"form": form, "copy_form": CopyForm(), "survey": found, "called": called}
    return render(request, "surveys/survey_edit.html", context, status=422 if form.errors else 200)


@require_POST
@roles(*LEADING_ROLES)
def survey_copy(request: Request, pk: int) -> HttpResponse:
    found = get_object_or_404(Survey.objects.visible_to(request.user), pk=pk)
    form = CopyForm(request.POST)
    if form.is_valid():
        try:
            return redirect(building.copy(survey=found, name=form.cleaned_data["name"], by=request.user))
        except Refused as refusal:
            form.add_error("name", str(refusal))
    context = {"form": SurveyForm(instance=found), "copy_form": form, "survey": found, "called": found.name}
    return render(request, "surveys/survey_edit.html", context, status=422)


@require_POST
@roles(*LEADING_ROLES)
def survey_retire(request: Request, pk: int) -> HttpResponse:
    """Out of use, or back."""
    found = get_object_or_404(Survey.objects.visible_to(request.user), pk=pk)
    retired = request.POST.get("retired") != "0"
    building.retire(survey=found, retired=retired, by=request.user)
    said = _("“%(name)s” is retired: nobody new is asked.") if retired else _("“%(name)s” is in use again.")
    messages.success(request, said % {"name": found.name})
    return redirect(found)


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def version(request: Request, pk: int, number: int) -> HttpResponse:
    return builder.page(request, builder.found(request.user, pk, number))


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def version_words(request: Request, pk: int, number: int) -> HttpResponse:
    """What it says before and after its questions, and in which languages."""
    found = builder.found(request.user, pk, number)
    form = WordsForm(request.POST or None, version=found)
    if request.method == "POST" and form.is_valid():
        languages = form.languages()
        try:
            building.change_words(version=found, languages=languages, wording=form.wording(), by=request.user)
        except building.NoLanguage as refusal:
            form.add_error("add", str(refusal))
        else:
            return builder.after(request, found) if languages == found.languages else _again(request, pk, number)
    return builder.page(request, found, form=form, open="words")


def _again(request: Request, pk: int, number: int) -> HttpResponse:
    """The words in other languages than before."""
    if not request.htmx:
        return redirect("surveys:version_words", pk, number)
    found = builder.found(request.user, pk, number)
    return builder.page(request, found, form=WordsForm(version=found), open="words")


@require_POST
@roles(*LEADING_ROLES)
def version_new(request: Request, pk: int) -> HttpResponse:
    """The next version, which asks the same until it is changed."""
    found = get_object_or_404(Survey.objects.visible_to(request.user), pk=pk)
    made = building.new_version(survey=found, by=request.user)
    messages.success(request, _("Version %(n)s can be changed until it is sent.") % {"n": made.number})
    return redirect(made)


@require_http_methods(["GET", "POST"])
@roles(*LEADING_ROLES)
def survey_settings(request: Request) -> HttpResponse:
    form = SurveySettingsForm(request.POST or None, instance=SurveySettings.current())
    if request.method == "POST" and form.is_valid():
        log("changed", form.save(), by=request.user)
        messages.success(request, _("Surveys run like this from now on."))
        return redirect("surveys:survey_settings")
    return render(request, "surveys/settings.html", {"form": form}, status=422 if form.errors else 200)
