"""What the channels keep for how long."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from channels_app import live
from channels_app.models import FileLoad, MessageVersion, RawEvent
from crm.privacy.retention import Kind, Passing, delete, passes, register

READ = (RawEvent.State.STORED, RawEvent.State.DUPLICATE)


def _payloads(before: datetime) -> QuerySet[RawEvent]:
    return RawEvent.objects.filter(state__in=READ, received_at__lt=before)


def _dead_letters(before: datetime) -> QuerySet[RawEvent]:
    return RawEvent.objects.dead_letters().filter(received_at__lt=before)


def _versions(before: datetime) -> QuerySet[MessageVersion]:
    return MessageVersion.objects.filter(replaced_at__lt=before)


def _loads(before: datetime) -> QuerySet[FileLoad]:
    """Finished, and none of its rows is kept as it came any more."""
    return FileLoad.objects.filter(finished_at__lt=before, raw_events=None)


def register_ages() -> None:
    register(
        Kind(
            "payloads", _("What came over the wire and was stored"),
            _("The network’s own bytes. The messages made of them stay; one that was read wrongly cannot be mended."),
            90, _payloads, delete,
        ),
        Kind(
            "dead_letters", _("What came and nobody could read"),
            _("Whatever is in them was never seen by anybody."), 180, _dead_letters, delete, least=7,
        ),
        Kind(
            "versions", _("What messages said before they were edited"), _("The message as it stands stays."),
            365, _versions, delete,
        ),
        Kind(
            "file_loads", _("Notes of files that were loaded"),
            _("Once none of a file’s rows is kept as it came."), 365, _loads, delete,
        ),
    )  # fmt: skip
    passes(Passing("screens", _("What open pages were told"), live.KEPT, live.forget_old))
