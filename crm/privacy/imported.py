"""What imports keep of a person: what they changed, rows they refused, and the files themselves."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.files import File
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models import Import, ImportChange, RefusedRow
from crm.privacy.holders import Holder, columns, hindrance, in_batches, register, rows_of
from crm.privacy.people import Names, Person
from crm.privacy.traces import about

BLOCK = 1 << 20  # bytes of a file looked at once
OVERLAP = 1 << 12  # bytes looked at twice, so that no name is cut in two
UNDER_WAY = (Import.State.CHECKING, Import.State.RUNNING, Import.State.UNDOING)
TO_COME = (Import.State.UPLOADED, Import.State.CHECKED)


def changes(person: Person) -> QuerySet[ImportChange]:
    """Of their rows, and of rows that are gone by now and named them. What an account says stays the account's."""
    found = about(person, "kind", "row")
    if person.names.words:
        said = Q(before_text__iregex=person.names.expression) | Q(after_text__iregex=person.names.expression)
        found |= said & ~Q(kind="crm.account")
    texts = {"before_text": Cast("before", TextField()), "after_text": Cast("after", TextField())}
    return ImportChange.objects.annotate(**texts).filter(found).order_by("pk")


def refused(person: Person) -> QuerySet[RefusedRow]:
    if not person.names.words:
        return RefusedRow.objects.none()
    rows = RefusedRow.objects.annotate(said=Cast("cells", TextField()))
    named = Q(said__iregex=person.names.expression) | Q(sentence__iregex=person.names.expression)
    return rows.filter(named).order_by("pk")


def _silence(rows: QuerySet[RefusedRow]) -> None:
    rows.update(cells=[], sentence=gettext("Erased on request."))


def _erase_rows(person: Person) -> Iterator[int]:
    yield from in_batches(changes(person), lambda rows: rows.delete())
    yield from in_batches(refused(person), _silence)


def _count_rows(person: Person) -> int:
    return changes(person).count() + refused(person).count()


# --- the files


def _erase_files(person: Person) -> Iterator[int]:
    """Delete each file that names them. One that was to be imported yet never will be: it would bring them back."""
    for run in Import.objects.exclude(file="").exclude(state__in=UNDER_WAY).order_by("pk"):
        if _names_them(run, person.names):
            _drop(run)
            yield 1
    called = [run.pk for run in Import.objects.exclude(name="").iterator() if person.names.stand_in(run.name)]
    Import.objects.filter(pk__in=called).update(name=gettext("(erased)"))
    # where a file came without a header, its first row was taken for one
    headed = [run.pk for run in Import.objects.iterator() if person.names.stand_in(str([run.header, run.columns]))]
    Import.objects.filter(pk__in=headed).update(header=[], columns={})


def _names_them(run: Import, names: Names) -> bool:
    if not names.words:
        return False
    try:
        with run.file.open("rb") as file:
            return any(names.stand_in_bytes(block) for block in _blocks(file))
    except FileNotFoundError:
        return False


def _blocks(file: File[bytes]) -> Iterator[bytes]:
    end = b""
    while block := file.read(BLOCK):
        yield end + block
        end = block[-OVERLAP:]


def _drop(run: Import) -> None:
    run.file.delete(save=False)
    if run.state in TO_COME:
        run.state = Import.State.BROKEN
        run.trouble = gettext("The file was deleted: it names a customer who was erased. Bring it again without them.")
    run.save(update_fields=["file", "state", "trouble"])


def _under_way(person: Person) -> str:
    """A running import may be writing them just now, or is about to."""
    run = Import.objects.filter(state__in=UNDER_WAY).first()
    if run is None:
        return ""
    return gettext("The import “{name}” is under way and may bring them back. Erase when it is done.").format(name=run)


def register_imported() -> None:
    register(
        Holder(
            "import_rows", _("What imports changed or refused"), ("crm.importchange", "crm.refusedrow"),
            _("Deleted; undoing an import then leaves this customer as they are."), _count_rows, _erase_rows,
            lambda person: rows_of(changes(person), "kind", "before", "after"),
            columns(ImportChange, "kind", before=_("before"), after=_("after")),
        ),
        Holder(
            "import_files", _("Files that were imported"), ("crm.import",),
            _("Every file that names them is deleted, whoever else is in it; what was imported from it stays."),
            lambda person: None, _erase_files, keeps=_("That there was an import, and its figures."),
        ),
    )  # fmt: skip
    hindrance(_under_way)
