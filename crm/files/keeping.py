"""Where files lie: outside the database, named by nobody; and how they go."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.core.files import File
from django.db.models import QuerySet

from crm.files.checking import Checked
from crm.models import User
from crm.models.files import StoredFile

F = TypeVar("F", bound=StoredFile)
FOLDER = "attachments"
AGE = 3600  # seconds after which a file without a row has none to come
AT_ONCE = 500


def keep(model: type[F], found: Checked, *, by: User | None, **owner: Any) -> F:
    """Store it for `owner`. Where the transaction is rolled back the file stays behind, until the sweep."""
    facts = {"name": found.name, "content_type": found.content_type, "size": found.size, "sha256": found.sha256}
    return model._base_manager.create(file=File(found.file, name=found.name), by=by, **facts, **owner)


def remove(rows: QuerySet[Any]) -> int:
    """Delete these rows and their files, for good, also where that is rolled back. Returns how many."""
    kept = list(rows)
    rows.model._base_manager.filter(pk__in=[row.pk for row in kept]).delete()
    for row in kept:
        if row.file:
            row.file.storage.delete(row.file.name)
    return len(kept)


def sweep(*, older_than: float = AGE) -> int:
    """Delete files that no row names: of uploads that were rolled back, and of rows that are gone. Returns how many."""
    gone = 0
    for paths in _some(_old_files(time.time() - older_than)):
        named = {str(path.relative_to(settings.MEDIA_ROOT)): path for path in paths}
        for orphan in named.keys() - _known(named):
            named[orphan].unlink(missing_ok=True)
            gone += 1
    return gone


def _some(paths: Iterable[Path]) -> Iterator[tuple[Path, ...]]:
    left = iter(paths)
    while some := tuple(islice(left, AT_ONCE)):
        yield some


def _old_files(before: float) -> Iterator[Path]:
    for path in (Path(settings.MEDIA_ROOT) / FOLDER).rglob("*"):
        if path.is_file() and path.stat().st_mtime < before:
            yield path


def _known(names: Iterable[str]) -> set[str]:
    wanted = list(names)
    models = [model for model in apps.get_models() if issubclass(model, StoredFile)]
    return {
        name for model in models for name in model._base_manager.filter(file__in=wanted).values_list("file", flat=True)
    }
