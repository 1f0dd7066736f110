"""Files of notes in a person's cases, and on which threads those cases went on."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from cases.models import NoteFile
from cases.privacy.cases import cases_of
from crm import files
from crm.privacy.holders import Holder, columns, in_batches, register, rows_of
from crm.privacy.people import Person


def _files(person: Person) -> QuerySet[NoteFile]:
    return NoteFile.objects.filter(note__case__in=cases_of(person).order_by()).order_by("pk")


def register_all() -> None:
    register(
        Holder(
            "note_files", _("Files with our notes in their cases"), ("cases.notefile", "cases.casethread"),
            _("Deleted, and the files with them."), lambda person: _files(person).count(),
            lambda person: in_batches(_files(person), files.remove),
            lambda person: rows_of(_files(person), "created_at", "name", "content_type", "size"),
            columns(NoteFile, "created_at", "name", "content_type", "size"),
            keeps=_("That a case went on in another conversation, which bears no name any more."),
        )
    )  # fmt: skip
