"""What this app keeps for how long."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm import limits, notices
from crm.api import idempotency
from crm.models import Activity, IdentityRequest, Import, PrivacyRequest
from crm.privacy import exporting
from crm.privacy.retention import Kind, Passing, delete, passes, register
from crm.privacy.traces import drop_file
from crm.webhooks import forgetting

LEFT_BEHIND = timedelta(days=1)  # after this a file that no row names belongs to a worker that died


def _activity(before: datetime) -> QuerySet[Activity]:
    return Activity.objects.filter(at__lt=before)


def _closed_requests(before: datetime) -> QuerySet[IdentityRequest]:
    closed = (IdentityRequest.State.ANSWERED, IdentityRequest.State.WITHDRAWN)
    return IdentityRequest.objects.filter(state__in=closed, asked_at__lt=before)


def _imports(before: datetime) -> QuerySet[Import]:
    """Those that still hold something: a file that was never run, refused rows, or what an undo would put back."""
    holds = ~Q(file="") | Q(errors__isnull=False) | Q(changes__isnull=False)
    at_work = (Import.State.CHECKING, Import.State.RUNNING, Import.State.UNDOING)
    old = Import.objects.filter(created_at__lt=before).exclude(state__in=at_work)
    return old.filter(pk__in=old.filter(holds).order_by().values("pk"))


def _forget_imports(runs: QuerySet[Import]) -> None:
    for run in runs:
        run.file.delete(save=False)
        run.save(update_fields=["file"])
        run.errors.all().delete()
        run.changes.all().delete()


def forget_copies() -> int:
    """Copies whose week is over, and files a worker left behind when it died."""
    over = list(PrivacyRequest.objects.exclude(file="").filter(file_until__lt=timezone.now()))
    for request in over:
        drop_file(request)
    return len(over) + _forget_unnamed()


def _forget_unnamed() -> int:
    folder = str(PrivacyRequest._meta.get_field("file").upload_to)
    try:
        files = [f"{folder}{name}" for name in default_storage.listdir(folder)[1]]
    except FileNotFoundError:
        return 0
    named = set(PrivacyRequest.objects.filter(file__in=files).values_list("file", flat=True))
    since = timezone.now() - LEFT_BEHIND
    unnamed = [name for name in files if name not in named and default_storage.get_modified_time(name) < since]
    for name in unnamed:
        default_storage.delete(name)
    return len(unnamed)


def _forget_sessions() -> int:
    return Session.objects.filter(expire_date__lt=timezone.now()).delete()[0]


def register_ages() -> None:
    register(
        Kind(
            "activity", _("Activity log"), _("Who did what to which record. Without it nobody can say who did."),
            730, _activity, delete, least=30,
        ),
        Kind(
            "identity_requests", _("Requests to identify oneself that are over"),
            _("That somebody was asked who they are. The link that came of it stays."), 180, _closed_requests, delete,
        ),
        Kind(
            "import_files", _("What imports leave behind"),
            _("Files, refused rows and what an undo needs. What was imported stays, and can no longer be undone."),
            90, _imports, _forget_imports,
        ),
    )  # fmt: skip
    passes(
        Passing("copies", _("Copies made for a customer"), exporting.KEPT, forget_copies),
        Passing("answers", _("Answers kept for other systems"), idempotency.KEPT, idempotency.forget_old),
        Passing("told", _("Log of what other systems were told"), timedelta(days=forgetting.KEPT_DAYS),
                forgetting.forget_old),
        Passing("notices", _("Notices that were read"), notices.KEPT, notices.forget_old),
        Passing("tries", _("Counts of tries"), limits.KEPT, limits.forget_old),
        Passing("sessions", _("Sign-ins that ran out"), timedelta(), _forget_sessions),
    )  # fmt: skip
