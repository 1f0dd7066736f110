"""What a person said and what we answered: shown whole to them, and emptied of its words where they are erased."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from channels_app import forgotten
from channels_app.models import Attachment, Delivery, Look, Message, MessageVersion, Thread
from channels_app.models.messages import WORDS
from crm import files
from crm.privacy.holders import BATCH, Holder, Row, columns, hindrance, in_batches, register
from crm.privacy.people import Person

STOPPED = (Delivery.State.QUEUED, Delivery.State.IN_DOUBT)
SAID = (
    "occurred_at", "direction", "private", "text", "language", "sentiment", "score", "confidence", "url", "edited_at",
    "deleted_at", "stored_at", "topics", "intent", "intent_confidence", "topic", "topic_confidence", "urgency",
    "urgency_confidence", "language_confidence", "corrected",
)  # fmt: skip


def said(person: Person) -> QuerySet[Message]:
    """What they said, and what we answered them."""
    return Message.objects.filter(identity__in=person.identities).order_by("pk")


# --- the copy


def _rows(person: Person) -> Iterator[Row]:
    """Oldest first. Whoever else speaks in a thread is "another customer", by that name alone."""
    found = said(person).select_related("channel", "identity").order_by("occurred_at", "pk")
    messages = found.iterator(chunk_size=BATCH)
    while batch := list(islice(messages, BATCH)):
        others, before = others_in({message.thread_id for message in batch}, person), _before(batch)
        yield from (_row(message, before[message.pk], others.get(message.thread_id)) for message in batch)


def _before(messages: Iterable[Message]) -> dict[int, list[str]]:
    """What each of these said before, oldest first."""
    found = defaultdict(list)
    versions = MessageVersion.objects.filter(message__in=[message.pk for message in messages])
    for pk, text in versions.values_list("message", "text"):
        found[pk].append(text)
    return found


def _row(message: Message, before: list[str], others: re.Pattern[str] | None) -> Row:
    another = f"@{gettext('another customer')}"
    row: Row = {name: getattr(message, name) for name in SAID}
    if message.is_ours and others:
        row["text"] = others.sub(another, message.text)
    return row | {
        "channel": message.channel.name,
        "as": message.identity.label if message.identity else "",
        "before": before,
        "id": message.external_id,
    }


def others_in(threads: Iterable[int], person: Person) -> dict[int, re.Pattern[str]]:
    """For each of these threads in which others speak, what finds their names in our words."""
    speaking = Message.objects.filter(thread__in=threads).exclude(identity=None)
    names: dict[int, set[str]] = {}
    others = speaking.exclude(identity__in=person.identities).order_by()
    for thread, *called in others.values_list(
        "thread", "identity__handle", "identity__value", "identity__display_name"
    ).distinct():  # fmt: skip
        names.setdefault(thread, set()).update(word for word in called if len(word) > 2)
    return {thread: _finding(words) for thread, words in names.items()}


def _finding(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(map(re.escape, words), key=len, reverse=True)
    return re.compile(rf"@?(?<!\w)(?:{'|'.join(longest_first)})(?!\w)", re.IGNORECASE)


# --- the erasure


def _speaking(person: Person) -> QuerySet[Message]:
    return said(person).filter(erased_at=None)


def _erase(person: Person) -> Iterator[int]:
    _mark_quotes(person)
    yield 0
    yield from empty(_speaking(person))


def empty(messages: QuerySet[Message]) -> Iterator[int]:
    """Take their words from messages of who is erased, a batch at a time; what was still to leave never will."""
    return in_batches(messages.filter(erased_at=None), _make_nobodys)


def _make_nobodys(messages: QuerySet[Message]) -> None:
    _stop(Delivery.objects.filter(message__in=messages))
    _mark(messages)
    silence(messages)


def silence(messages: QuerySet[Message]) -> int:
    """No words are left of these, and nothing waits to be read or routed by them. Returns how many."""
    now = timezone.now()
    MessageVersion.objects.filter(message__in=messages).delete()
    Look.objects.filter(message__in=messages).delete()
    files.remove(Attachment.objects.filter(message__in=messages))
    gone = dict.fromkeys((*WORDS, "quoted_external_id"), "") | {"erased_at": now}
    settled = {"read_at": Coalesce("read_at", now), "routed_at": Coalesce("routed_at", now)}
    return messages.update(**gone, **settled)


def _stop(deliveries: QuerySet[Delivery]) -> None:
    why = gettext("The customer was erased before it had left for certain.")
    deliveries.filter(state__in=STOPPED).update(state=Delivery.State.FAILED, lease_until=None, reason=why)
    deliveries.exclude(reason=why).update(reason="")


def _mark(messages: QuerySet[Message]) -> None:
    """Each post is named by its mark from here on, here and where it is answered; so is what it answers, here."""
    ids = messages.values_list("pk", "channel_id", "external_id", "parent_external_id")
    pks, channels, names, parents = ([*column] for column in zip(*ids, strict=True))
    marks = [name and forgotten.mark(channel, name) for channel, name in zip(channels, names, strict=True)]
    above = [name and forgotten.mark(channel, name) for channel, name in zip(channels, parents, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE channels_app_message AS m SET parent_external_id = n.mark"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS n(channel, name, mark)"
            " WHERE m.channel_id = n.channel AND m.parent_external_id = n.name AND m.parent_external_id <> ''",
            [channels, names, marks],
        )
        cursor.execute(
            "UPDATE channels_app_message AS m SET external_id = n.mark, parent_external_id = n.above"
            " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS n(id, mark, above) WHERE m.id = n.id",
            [pks, marks, above],
        )


def _mark_quotes(person: Person) -> None:
    """Where others quote them. In one query, since no index leads from a post to what quotes it."""
    quoting = Message.objects.exclude(quoted_external_id="").filter(
        Exists(_speaking(person).filter(channel=OuterRef("channel"), external_id=OuterRef("quoted_external_id")))
    )
    found = list(quoting.only("pk", "channel_id", "quoted_external_id"))
    for message in found:
        message.quoted_external_id = forgotten.mark(message.channel_id, message.quoted_external_id)
    Message.objects.bulk_update(found, ["quoted_external_id"], batch_size=BATCH)


# --- threads


def _threads(person: Person) -> QuerySet[Thread]:
    """Those in which nobody else speaks: others' need the network's name for an answer."""
    theirs = Message.objects.filter(thread=OuterRef("pk"), identity__in=person.identities)
    others = (
        Message.objects.filter(thread=OuterRef("pk")).exclude(identity=None).exclude(identity__in=person.identities)
    )
    alone = Thread.objects.filter(Exists(theirs), ~Exists(others))
    return alone.exclude(external_id__startswith=forgotten.PREFIX).order_by("pk")


def _mark_threads(threads: QuerySet[Thread]) -> None:
    found = list(threads)
    for thread in found:
        thread.external_id = forgotten.mark(thread.channel_id, thread.external_id)
    Thread.objects.bulk_update(found, ["external_id"])


def on_its_way(person: Person) -> str:
    """A worker has it in hand and may be sending it just now: nobody can stop that, and it is over within a minute."""
    if not Delivery.objects.filter(state=Delivery.State.SENDING, message__identity__in=person.identities).exists():
        return ""
    return gettext("A reply to this customer is just being sent. Erase when it has arrived, a minute from now at most.")


def register_messages() -> None:
    register(
        Holder(
            "messages", _("What they said, and what we answered"),
            (
                "channels_app.message", "channels_app.messageversion", "channels_app.delivery", "channels_app.look",
                "channels_app.correction",
            ),
            _("The words go, with links, earlier versions and the words that decided how they were read."),
            lambda person: _speaking(person).count(), _erase, _rows,
            columns(Message, *SAID, channel=_("channel"), before=_("said before"), id=_("id on the network"),
                    **{"as": _("as")}),
            reads="text",
            keeps=_(
                "That something was said: channel, times, mood, wish, topic, urgency and language, and that one of us"
                " put that right, so that counts stay true. Models fitted from then on learn nothing from it."
            ),
        ),
        Holder(
            "threads", _("Conversations with them alone"), ("channels_app.thread",),
            _("The network’s name of it goes."), lambda person: _threads(person).count(),
            lambda person: in_batches(_threads(person), _mark_threads),
            keeps=_("Of a conversation with others the network’s name, which answers to them need."),
        ),
    )  # fmt: skip
    hindrance(on_its_way)
