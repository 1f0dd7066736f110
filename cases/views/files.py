"""Files of messages and notes, for who may see the case they stand in; for everybody else there are none."""

from __future__ import annotations

from django.http import FileResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from cases.models import Case, NoteFile
from channels_app.models import Attachment
from crm import files
from crm.models.staff import CARE_ROLES
from crm.web import Request, roles


@require_GET
@roles(*CARE_ROLES)
def attachment(request: Request, pk: int) -> FileResponse:
    mine = Case.objects.visible_to(request.user).order_by().values("pk")
    return files.answer(get_object_or_404(Attachment, pk=pk, message__case_entry__case__in=mine))


@require_GET
@roles(*CARE_ROLES)
def note_file(request: Request, pk: int) -> FileResponse:
    mine = Case.objects.visible_to(request.user).order_by().values("pk")
    return files.answer(get_object_or_404(NoteFile, pk=pk, note__case__in=mine))
