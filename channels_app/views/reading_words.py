"""The words Hark reads by: those it came with and those leads added, and a text to try them on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from channels_app import readings
from channels_app.learning import in_use, lexicon
from channels_app.models import LexiconWord
from channels_app.reading.words import ASPECTS, LANGUAGES, Word, bundled_words
from channels_app.reading_forms import TryForm, WordForm, WordsForm, brands
from crm.errors import Refused
from crm.models.staff import LEADING_ROLES
from crm.web import Request, came_from, keyset_page, roles, without

PAGE, MOST_BUNDLED = 50, 60
KEY = ("words", "id")


@dataclass(frozen=True)
class Bundled:
    """What Hark came with, as far as it is shown, and how much of it fits."""

    rows: list[Word]
    total: int


@require_GET
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def words(request: Request) -> HttpResponse:
    return _shown(request)


def _shown(request: Request, *, word: WordForm | None = None, **extra: Any) -> HttpResponse:
    """The list under its filter, alone for HTMX; the forms beside it as they were sent."""
    known = brands()
    form = WordsForm(request.GET, known)
    wanted = form.wanted()
    context = {
        "form": form, "page": keyset_page(_added(wanted), request.GET, key=KEY, size=PAGE), "bundled": _bundled(wanted),
        "word_form": word or WordForm(None, known), "try_form": TryForm(None, known), "state": wanted.get("state", ""),
        "is_filtered": bool(without(request.GET, "after")), **extra,
    }  # fmt: skip
    template = "reading/_words.html" if request.htmx else "reading/words.html"
    return render(request, template, context, status=422 if word else 200)


def _added(wanted: dict[str, Any]) -> QuerySet[LexiconWord]:
    """Those leads added, in use or taken out, with who did."""
    found = LexiconWord.objects.select_related("added_by")
    found = found.filter(removed_at__isnull=False) if wanted.get("state") else found.in_use()
    exact = {name: wanted[name] for name in ("language", "brand", "aspect") if name in wanted}
    return found.filter(**exact, words__icontains=wanted.get("q", ""))


def _bundled(wanted: dict[str, Any]) -> Bundled:
    """Those Hark came with are those of every brand, and none of them can be taken out."""
    if wanted.get("state"):
        return Bundled([], 0)
    languages = [wanted["language"]] if "language" in wanted else LANGUAGES
    aspects = [wanted["aspect"]] if "aspect" in wanted else ASPECTS
    q = wanted.get("q", "").casefold()
    found = [
        each for language in languages for aspect in aspects for each in bundled_words(language, aspect)
        if q in each.words
    ]  # fmt: skip
    found.sort(key=lambda each: (not each.words[:1].isalpha(), each.words))
    return Bundled(found[:MOST_BUNDLED], len(found))


@require_POST
@roles(*LEADING_ROLES)
def add(request: Request) -> HttpResponse:
    form = WordForm(request.POST, brands())
    if form.is_valid():
        try:
            added = lexicon.add(**form.word(), by=request.user)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            undo = reverse("channels_app:reading_word_remove", args=[added.pk])
            said = _("“%(words)s” counts from the next message on.") % {"words": added.words}
            messages.success(request, said, extra_tags=f"undo:{undo}")
            return redirect("channels_app:reading_words")
    return _shown(request, word=form)


@require_POST
@roles(*LEADING_ROLES)
def remove(request: Request, pk: int) -> HttpResponse:
    word = get_object_or_404(LexiconWord, pk=pk)
    lexicon.remove(word=word, by=request.user)
    undo = reverse("channels_app:reading_word_put_back", args=[pk])
    messages.success(request, _("“%(words)s” is taken out.") % {"words": word.words}, extra_tags=f"undo:{undo}")
    return redirect(came_from(request, reverse("channels_app:reading_words")))


@require_POST
@roles(*LEADING_ROLES)
def put_back(request: Request, pk: int) -> HttpResponse:
    word = get_object_or_404(LexiconWord, pk=pk)
    lexicon.put_back(word=word, by=request.user)
    messages.success(request, _("“%(words)s” counts again.") % {"words": word.words})
    return redirect(came_from(request, reverse("channels_app:reading_words")))


@require_POST
@roles(*LEADING_ROLES)
@vary_on_headers("HX-Request")
def try_out(request: Request) -> HttpResponse:
    """How a text would be read now. It comes by POST: what is tried stands in no address and no log."""
    form = TryForm(request.POST, brands())
    lines = None
    if form.is_valid():
        said = form.cleaned_data
        (reading,) = in_use.reader(said["brand"]).read([said["text"]])
        lines = readings.of_reading(reading)
    context = {"try_form": form, "lines": lines}
    template = "reading/_tried.html" if request.htmx else "reading/try.html"
    return render(request, template, context, status=200 if lines else 422)
