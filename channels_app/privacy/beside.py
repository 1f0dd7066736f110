"""What stands beside what was said: files that came or left with it, and what was done about who wrote it."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from channels_app.models import Attachment, Measure, Reaction
from crm import files
from crm.models import Identity
from crm.privacy.holders import Holder, columns, in_batches, register, rows_of
from crm.privacy.people import Person


def attached(person: Person) -> QuerySet[Attachment]:
    return Attachment.objects.filter(message__identity__in=person.identities).order_by("pk")


def taken(person: Person) -> QuerySet[Measure]:
    return Measure.objects.filter(identity__in=person.identities).order_by("pk")


def signs(person: Person) -> QuerySet[Reaction]:
    """What was put to messages of theirs, and to any message by them."""
    theirs = Identity.objects.filter(pk__in=person.identities, place=OuterRef("message__channel__place"))
    by_them = Exists(theirs.filter(value=OuterRef("who")))
    return Reaction.objects.filter(Q(message__identity__in=person.identities) | by_them).order_by("pk")


def _worded(person: Person) -> QuerySet[Measure]:
    return taken(person).exclude(detail="", lifted_why="", trouble="", to_tell_since=None)


def _silence(measures: QuerySet[Measure]) -> None:
    """The network cannot be told any more: nobody knows by now whom it is about."""
    measures.update(detail="", lifted_why="", trouble="", to_tell_since=None)


def _remove(signs: QuerySet[Reaction]) -> None:
    signs.delete()


def register_beside() -> None:
    register(
        Holder(
            "attachments", _("Files that came or left with their messages"), ("channels_app.attachment",),
            _("Deleted, and the files with them."), lambda person: attached(person).count(),
            lambda person: in_batches(attached(person), files.remove),
            lambda person: rows_of(attached(person), "created_at", "name", "content_type", "size", "alt"),
            columns(Attachment, "created_at", "name", "content_type", "size", "alt"),
        ),
        Holder(
            "signs", _("Signs put to messages, by them or to theirs"), ("channels_app.reaction",), _("Deleted."),
            lambda person: signs(person).count(), lambda person: in_batches(signs(person), _remove),
            lambda person: rows_of(signs(person), "at", "emoji", "undone_at", channel_name=F("message__channel__name")),
            columns(Reaction, "at", "emoji", "undone_at", channel_name=_("channel")),
        ),
        Holder(
            "measures", _("What was done about messages of theirs"), ("channels_app.measure",),
            _("The words go."), lambda person: _worded(person).count(),
            lambda person: in_batches(_worded(person), _silence),
            lambda person: rows_of(
                taken(person), "at", "kind", "reason", "detail", "state", "lifted_at", "lifted_why",
                channel_name=F("channel__name"),
            ),
            columns(
                Measure, "at", "kind", "reason", "detail", "state", "lifted_at", "lifted_why", channel_name=_("channel")
            ),
            reads="detail", keeps=_("That something was done, what, why, when, and by whom of us."),
        ),
    )  # fmt: skip
