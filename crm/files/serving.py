"""A kept file on its way to who may see it. That is asked by the view, before."""

from __future__ import annotations

from django.http import FileResponse, Http404

from crm.files.sniffing import IMAGES
from crm.models.files import StoredFile

KEPT = 300  # seconds a browser may show it again without asking


def answer(stored: StoredFile) -> FileResponse:
    """Pictures may be looked at, everything else is only saved; nothing in it may run, load or be guessed at."""
    if not stored.file:
        raise Http404
    try:
        file = stored.file.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    shown = stored.content_type in IMAGES
    response = FileResponse(file, as_attachment=not shown, filename=stored.name, content_type=stored.content_type)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    response["Cache-Control"] = f"private, max-age={KEPT}"
    return response
