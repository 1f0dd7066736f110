"""The rows an import refused, as a file: what stood in them and why, to be mended there and brought again."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from crm.exporting import Row, as_text, every
from crm.models import Import, RefusedRow


def columns(run: Import) -> list[str]:
    """The file's own, and three more that an import leaves out."""
    return [*run.header, _("row in the file"), _("what is wrong"), _("as it came")]


def rows(run: Import) -> Iterator[Row]:
    for error in every(RefusedRow.objects.filter(run=run), key=("number",)):
        cells, whole = _in_columns([as_text(cell) for cell in error.cells], len(run.header))
        yield [*cells, error.number, error.sentence, whole]


def _in_columns(cells: list[str], width: int) -> tuple[list[str], str]:
    """The cells, or the row as a whole where they do not fit the columns: nothing may come into a wrong one unseen."""
    return (cells, "") if len(cells) == width else ([""] * width, ", ".join(cells))
