"""What work on a person leaves behind here: the log, merges, what other systems were told, copies made before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import F, Model, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm import limits
from crm.models import (
    Activity,
    Commonness,
    Consent,
    ConsentChange,
    Customer,
    IdempotencyKey,
    Identity,
    IdentityLink,
    IdentityRequest,
    Merge,
    Move,
    Order,
    PrivacyRequest,
    Product,
    Stakeholder,
    WebhookEvent,
)
from crm.models.match_keys import NAME_FIELDS, NameWords, PlainKey
from crm.privacy.holders import Holder, columns, in_batches, register, rows_of
from crm.privacy.people import Person
from crm.webhooks import forgetting

Subjects = dict[type[Model], QuerySet[Any]]


def _subjects(person: Person) -> Subjects:
    """The pks of their rows, by model: what the log and others name them by."""
    of_records: list[type[Model]] = [Order, Product, Stakeholder, Consent, ConsentChange]
    found: dict[type[Model], Any] = {model: model._default_manager.filter(customer__in=person.records)
                                     for model in of_records}  # fmt: skip
    either = Q(customer__in=person.records) | Q(identity__in=person.identities)
    return found | {
        Customer: Customer.objects.filter(pk__in=person.records),
        Identity: Identity.objects.filter(pk__in=person.identities),
        IdentityLink: IdentityLink.objects.filter(either),
        IdentityRequest: IdentityRequest.objects.filter(identity__in=person.identities),
        Merge: merges(person),
    }


def about(person: Person, kind: str = "subject_kind", row: str = "subject_id") -> Q:
    """Rows that name one of theirs by its kind and number."""
    named = Q()
    for model, found in _subjects(person).items():
        named |= Q(**{kind: model._meta.label_lower, f"{row}__in": found.order_by().values("pk")})
    return named


# --- the log, and the admin's own


def log_lines(person: Person) -> QuerySet[Activity]:
    return Activity.objects.filter(about(person)).order_by("pk")


def _telling_lines(person: Person) -> QuerySet[Activity]:
    """Lines about them, and lines about others that name them."""
    named = Q(detail__iregex=person.names.expression) if person.names.words else Q()
    return Activity.objects.exclude(detail="").filter(about(person) | named).order_by("pk")


def _erase_log(person: Person) -> Iterator[int]:
    yield from in_batches(_telling_lines(person), lambda rows: rows.update(detail=""))
    yield from erase_entries(_admin_entries(person))


def _count_log(person: Person) -> int:
    return _telling_lines(person).count() + _admin_entries(person).count()


def _admin_entries(person: Person) -> QuerySet[LogEntry]:
    named = Q(object_repr__iregex=person.names.expression) if person.names.words else Q()
    for model, found in _subjects(person).items():
        named |= in_the_admin(model, found)
    return entries(named)


def in_the_admin(model: type[Model], rows: QuerySet[Any]) -> Q:
    """The admin's own log of these rows: it keeps what each was called."""
    as_text = rows.order_by().values(as_text=Cast("pk", TextField()))
    return Q(content_type=ContentType.objects.get_for_model(model), object_id__in=as_text)


def entries(named: Q) -> QuerySet[LogEntry]:
    """Those that still say something."""
    return LogEntry.objects.filter(named).exclude(object_repr=gettext("Erased customer"), change_message="")


def erase_entries(found: QuerySet[LogEntry]) -> Iterator[int]:
    said = gettext("Erased customer")
    yield from in_batches(found, lambda rows: rows.update(object_repr=said, change_message=""))


# --- merges


def merges(person: Person) -> QuerySet[Merge]:
    touching = Q(survivor__in=person.records) | Q(absorbed__in=person.records)
    return Merge.objects.filter(touching).order_by("pk")


def _erase_merges(person: Person) -> Iterator[int]:
    """That two records became one stays; what each of them said does not, so it cannot be undone."""
    yield from in_batches(_moves(person), lambda rows: rows.delete())
    yield from in_batches(_telling_merges(person), lambda rows: rows.update(reason="", stayed=[]))


def _moves(person: Person) -> QuerySet[Move]:
    return Move.objects.filter(Q(merge__in=merges(person)) | about(person, "kind", "row"))


def _telling_merges(person: Person) -> QuerySet[Merge]:
    return merges(person).exclude(reason="", stayed=[])


def _count_moves(person: Person) -> int:
    return _moves(person).count() + _telling_merges(person).count()


# --- other systems


def _told(person: Person) -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(about__in=person.records).order_by("pk")


def _erase_told(person: Person) -> Iterator[int]:
    yield forgetting.forget(person.records)


def _answers(person: Person) -> QuerySet[IdempotencyKey]:
    """Answers to other systems that are about them, kept for a day in case the same request comes again."""
    about_them = Q(body__customer__in=person.records) | Q(body__id__in=person.records, body__has_key="known_at")
    if person.names.words:
        about_them |= Q(said__iregex=person.names.expression) | Q(key__iregex=person.names.expression)
    said = IdempotencyKey.objects.annotate(said=Cast("body", TextField()))
    return said.filter(about_them).order_by("pk")


def _erase_answers(person: Person) -> Iterator[int]:
    """The same request again is not done again, which would bring them back: it is told that they are gone."""
    gone = {"status": 410, "title": "Gone", "code": "erased", "detail": gettext("The customer was erased.")}
    if person.names.words:
        keyed = IdempotencyKey.objects.filter(key__iregex=person.names.expression).order_by("pk")
        yield from in_batches(keyed, lambda rows: rows.delete())
    yield from in_batches(_answers(person), lambda rows: rows.update(status=410, body=gone))


# --- what was counted of them


def _counted(person: Person) -> QuerySet[Commonness]:
    """Words of their names, and their cities, that nobody else has."""
    records = Customer.objects.filter(pk__in=person.records)
    words = {word for words in records.values_list(NameWords(*NAME_FIELDS), flat=True) for word in words}
    cities = set(records.values_list(PlainKey(F("city")), flat=True))
    counted = Q(kind=Commonness.Kind.NAME, piece__in=words) | Q(kind=Commonness.Kind.CITY, piece__in=cities)
    return Commonness.objects.filter(counted, count__lte=1).order_by("pk")


def _erase_counted(person: Person) -> Iterator[int]:
    yield limits.forget({form for word in person.names.words for form in (word, word.casefold())})
    yield from in_batches(_counted(person), lambda rows: rows.delete())


# --- copies made before


def _requests(person: Person) -> QuerySet[PrivacyRequest]:
    return PrivacyRequest.objects.filter(customer__in=person.records).order_by("pk")


def copies(person: Person) -> QuerySet[PrivacyRequest]:
    return _requests(person).exclude(file="")


def _erase_copies(person: Person) -> Iterator[int]:
    for request in copies(person):
        drop_file(request)
        yield 1


def drop_file(request: PrivacyRequest) -> None:
    """The file first: a row that names a file that is gone is seen, a file no row names is not."""
    request.file.delete(save=False)
    request.file_until = timezone.now()
    request.save(update_fields=["file", "file_until"])


def register_traces() -> None:
    register(
        Holder(
            "merges", _("What merges moved"), ("crm.merge", "crm.move"),
            _("Deleted; a merge of this record can then no longer be undone."), _count_moves, _erase_merges,
            lambda person: rows_of(merges(person), "at", "undone_at", "reason"),
            columns(Merge, "at", "undone_at", "reason"), keeps=_("That records were merged, when and by whom."),
        ),
        Holder(
            "log", _("What was done to their records"), ("crm.activity", "admin.logentry"),
            _("The words go; who did what, and when, stays."),
            _count_log, _erase_log,
            lambda person: rows_of(log_lines(person), "at", "verb", "detail"),
            columns(Activity, "at", "verb", "detail"), keeps=_("Who of us did what, and when."),
        ),
        Holder(
            "told", _("What other systems were told"), ("crm.webhookevent",),
            _("Emptied; what was not sent yet never will be."), lambda person: _told(person).exclude(data={}).count(),
            _erase_told,
            lambda person: rows_of(_told(person), "created_at", "type", "state", system=F("webhook__name")),
            columns(WebhookEvent, "created_at", "type", "state", system=_("other system")),
            keeps=_("That they were told, and when."),
        ),
        Holder(
            "answers", _("Answers kept for other systems"), ("crm.idempotencykey",),
            _("Emptied; the same request again is told that they are gone."),
            lambda person: _answers(person).count(), _erase_answers,
        ),
        Holder(
            "counts", _("Rare names counted for matching"), ("crm.commonness", "crm.allowance", "crm.nameword"),
            _("Deleted."), lambda person: _counted(person).count(), _erase_counted,
        ),
        Holder(
            "copies", _("Copies made for them before"), ("crm.privacyrequest",), _("The files are deleted."),
            lambda person: copies(person).count(), _erase_copies,
            lambda person: rows_of(_requests(person), "asked_at", "kind", "state"),
            columns(PrivacyRequest, "asked_at", "kind", "state"),
            keeps=_("That a copy was made, when and for whom."),
        ),
    )  # fmt: skip
