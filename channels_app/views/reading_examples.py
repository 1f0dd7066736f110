"""Texts that are hard to read and texts of every day, with what is true of each and what Hark makes of it now."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from channels_app import readings
from channels_app.learning import in_use
from channels_app.reading.examples import Shown, examples
from channels_app.readings import Line, named
from crm.models.staff import LEADING_ROLES
from crm.web import Request, roles


@dataclass(frozen=True)
class Compared:
    """One aspect of one text, as it is read now; `truth` is in words."""

    line: Line
    truth: str
    is_right: bool


@require_GET
@roles(*LEADING_ROLES)
def shown(request: Request) -> HttpResponse:
    """All of them, read by the reader in use: a text of 100,000 letters as well."""
    texts = examples()
    read = in_use.reader().read([each.text for each in texts])
    rows = [(each, _compared(each, readings.of_reading(reading))) for each, reading in zip(texts, read, strict=True)]
    every = [one for _each, compared in rows for one in compared]
    context = {"rows": rows, "right": sum(one.is_right for one in every), "total": len(every)}
    return render(request, "reading/examples.html", context)


def _compared(text: Shown, lines: list[Line]) -> list[Compared]:
    """Only the aspects that matter in this text."""
    return [
        Compared(line, named(line.aspect, text.truth[line.aspect]), line.value == text.truth[line.aspect])
        for line in lines if line.aspect in text.truth
    ]  # fmt: skip
