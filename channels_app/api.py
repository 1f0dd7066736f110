"""Messages, as other systems read them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from channels_app.models import About, Intent, Message, Sentiment, Urgency
from crm.api.auth import Caller, Token
from crm.api.customers import found
from crm.api.kinds import Id, OneOf, Out, Slug
from crm.api.paging import Filter, Page, page
from crm.models import Scope
from crm.models.staff import CUSTOMER_ROLES

router = Router(tags=["Messages"])
READ = Token(Scope.MESSAGES_READ, CUSTOMER_ROLES)

Direction = Annotated[str, OneOf(Message.Direction)]
Mood = Annotated[str, OneOf(Sentiment)]
Wish = Annotated[str, OneOf(Intent)]
Topic = Annotated[str, OneOf(About)]
Hurry = Annotated[str, OneOf(Urgency)]


class MessageOut(Out):
    """Something said, by a customer or by us. Notes are no messages and are never here."""

    id: int
    channel: str = Field(description="Its key.")
    external_id: str | None = Field(description="Its id on the network.")
    in_reply_to: str = Field(description="The id on the network of what it answers.")
    direction: Direction = Field(description="in: from a customer; out: from us.")
    private: bool
    identity: int | None = Field(description="Who wrote it, or whom we answered.")
    text: str
    url: str
    occurred_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None = Field(description="Since when it is gone on the network.")
    language: str
    sentiment: Mood
    confidence: float = Field(description="Of the sentiment, 0 to 1.")
    intent: Wish | None = Field(description="What they want; null where it was not read.")
    intent_confidence: float = Field(description="0 to 1; 1 where a person said so. So for each of these.")
    topic: Topic | None = Field(description="What it is about; null where it was not read.")
    topic_confidence: float
    urgency: Hurry | None = Field(description="How soon somebody has to act; null where it was not read.")
    urgency_confidence: float
    language_confidence: float
    corrected: list[str] = Field(description="What people looked at and said themselves, as “sentiment”, “intent”.")

    @classmethod
    def of(cls, message: Message) -> MessageOut:
        return cls(
            id=message.pk, channel=message.channel.key, external_id=message.external_id,
            in_reply_to=message.parent_external_id, direction=message.direction, private=message.private,
            identity=message.identity_id, text=message.text, url=message.url, occurred_at=message.occurred_at,
            edited_at=message.edited_at, deleted_at=message.deleted_at, language=message.language,
            sentiment=message.sentiment, confidence=message.confidence,
            intent=message.intent or None, intent_confidence=message.intent_confidence,
            topic=message.topic or None, topic_confidence=message.topic_confidence,
            urgency=message.urgency or None, urgency_confidence=message.urgency_confidence,
            language_confidence=message.language_confidence, corrected=message.corrected.split(),
        )  # fmt: skip


class MessagesFilter(Filter):
    """Several of these narrow each other down."""

    customer: Annotated[Id | None, Field(description="All they said and heard, under any of their identities.")] = None
    channel: Annotated[Slug | None, Field(description="Its key.", examples=["skylark"])] = None
    direction: Direction | None = None


@router.get("/messages", response=Page[MessageOut], auth=READ, url_name="messages", summary="List messages")
def messages(request: Caller, asked: Query[MessagesFilter]) -> Page[MessageOut]:
    rows = Message.objects.visible_to(request.user).select_related("channel")
    if asked.customer is not None:
        rows = rows.of_customer(found(request, asked.customer))
    if asked.channel is not None:
        rows = rows.filter(channel__key=asked.channel)
    return page(
        rows.filter(direction=asked.direction) if asked.direction else rows, asked, MessageOut.of, Page[MessageOut]
    )


@router.get("/messages/{int:pk}", response=MessageOut, auth=READ, url_name="message", summary="Get a message")
def message(request: Caller, pk: Id) -> MessageOut:
    return MessageOut.of(get_object_or_404(Message.objects.visible_to(request.user).select_related("channel"), pk=pk))
