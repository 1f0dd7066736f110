"""Messages and the threads they stand in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from crm.models.sought import SoughtWords

if TYPE_CHECKING:
    from crm.models import Customer, User


class Sentiment(models.TextChoices):
    NEGATIVE = "negative", _("Negative")
    NEUTRAL = "neutral", _("Neutral")
    POSITIVE = "positive", _("Positive")
    UNKNOWN = "unknown", _("Not read")


class Intent(models.TextChoices):
    """What the customer wants; empty where it was not read."""

    COMPLAINT = "complaint", _("Complaint")
    QUESTION = "question", _("Question")
    COMPLIMENT = "compliment", _("Compliment")
    PURCHASE = "purchase", _("Wants to buy")
    IDEA = "idea", _("Idea")
    ABUSE = "abuse", _("Abuse")
    OTHER = "other", _("Something else")


class About(models.TextChoices):
    """What it is about; empty where it was not read."""

    PRODUCT = "product", _("Product")
    PRICE = "price", _("Price")
    ACCOUNT = "account", _("Account")
    SUPPORT = "support", _("Support")
    NONE = "none", _("None of these")


class Urgency(models.TextChoices):
    """How soon somebody has to act; empty where it was not read."""

    HIGH = "high", _("Hours matter")
    MEDIUM = "medium", _("Open problem")
    LOW = "low", _("No hurry")


MOODS = (Sentiment.NEGATIVE, Sentiment.POSITIVE)
"""Of praise and blame one asks what they are of."""
WORDS = ("text", "url", "reasons", "intent_reasons", "topic_reasons", "urgency_reasons", "topics")
"""The columns that tell what was said: all empty once its words are erased."""


class Thread(models.Model):
    """One conversation on a channel. `external_id` is the network's, else the id of the oldest post we know of."""

    channel = models.ForeignKey("channels_app.Channel", on_delete=models.PROTECT, related_name="threads")
    external_id = models.CharField(max_length=255)
    joined_to = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="joined",
        help_text=_("A post arrived late and showed that both are one conversation."),
    )  # fmt: skip
    to_mark = models.PositiveBigIntegerField(
        null=True, blank=True, help_text=_("The newest message one of us has read, until the network is told.")
    )
    marked = models.PositiveBigIntegerField(null=True, blank=True, help_text=_("The newest the network was told of."))

    class Meta:
        indexes = [models.Index(fields=["id"], condition=models.Q(to_mark__isnull=False), name="thread_to_mark")]
        constraints = [
            models.UniqueConstraint(fields=["channel", "external_id"], name="a_thread_stands_once_per_channel"),
            models.CheckConstraint(
                condition=~models.Q(joined_to=models.F("id")), name="a_thread_is_not_joined_to_itself"
            ),
        ]

    def __str__(self) -> str:
        return self.external_id


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: User) -> MessageQuerySet:
        """Who knows customers sees what they said, as on their page. A case is another question."""
        return self if user.knows_customers else self.none()

    def to_read(self) -> MessageQuerySet:
        return self.filter(read_at=None)

    def to_route(self) -> MessageQuerySet:
        return self.filter(routed_at=None, read_at__isnull=False)

    def with_a_mood(self) -> MessageQuerySet:
        """In which a customer praises or blames."""
        return self.filter(direction=Message.Direction.IN, sentiment__in=MOODS, erased_at=None)

    def to_name(self, version: str) -> MessageQuerySet:
        """Of these: what they are about was not looked for yet, or with other words than those of `version`."""
        return self.with_a_mood().filter(models.Q(named_by__lt=version) | models.Q(named_by__gt=version))

    def of_customer(self, customer: Customer) -> MessageQuerySet:
        """What this customer said, and what we answered, under any of their confirmed identities."""
        links = customer.links.filter(state="confirmed")
        return self.filter(identity__in=links.values("identity"))

    def in_order(self) -> MessageQuerySet:
        return self.order_by("occurred_at", "id")


class Message(models.Model):
    """Something said, by a customer or by us. Notes are not messages and can never become one."""

    class Direction(models.TextChoices):
        IN = "in", _("From a customer")
        OUT = "out", _("From us")

    channel = models.ForeignKey("channels_app.Channel", on_delete=models.PROTECT, related_name="messages")
    external_id = models.CharField(_("id on the network"), max_length=255, null=True, blank=True)
    thread = models.ForeignKey(Thread, on_delete=models.PROTECT, related_name="messages")
    direction = models.CharField(_("direction"), max_length=3, choices=Direction.choices)
    private = models.BooleanField(_("private"), default=False)
    identity = models.ForeignKey(
        "crm.Identity", on_delete=models.PROTECT, null=True, blank=True, related_name="messages",
        verbose_name=_("customer's identity"), help_text=_("Who wrote it, or whom we answered."),
    )  # fmt: skip
    identity_request = models.ForeignKey(
        "crm.IdentityRequest", on_delete=models.SET_NULL, null=True, blank=True, related_name="messages",
        db_index=False, verbose_name=_("carries the link of"),
        help_text=_("Put in when it is sent; the text does not hold it."),
    )  # fmt: skip
    sent_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    approved_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    text = models.TextField(_("text"))
    url = models.URLField(_("link"), max_length=500, blank=True)
    occurred_at = models.DateTimeField(_("said at"))
    stored_at = models.DateTimeField(_("stored at"), default=timezone.now)
    edited_at = models.DateTimeField(_("edited at"), null=True, blank=True)
    deleted_at = models.DateTimeField(_("deleted on the network at"), null=True, blank=True)
    erased_at = models.DateTimeField(
        _("words erased at"), null=True, blank=True, editable=False, help_text=_("It still counts; it says nothing.")
    )
    overheard = models.BooleanField(
        _("not said to us"), default=False,
        help_text=_("We found it, or it stands above what was said to us; by itself it calls nobody."),
    )  # fmt: skip
    found_by = models.ForeignKey(
        "channels_app.Search", on_delete=models.SET_NULL, null=True, blank=True, related_name="hits", db_index=False,
        verbose_name=_("found by"), help_text=_("It does not mention us: a saved search found it."),
    )  # fmt: skip
    dismissed_at = models.DateTimeField(
        _("not for us"), null=True, blank=True, editable=False, help_text=_("Somebody looked at what was found.")
    )
    parent_external_id = models.CharField(_("answers"), max_length=255, blank=True)
    quoted_external_id = models.CharField(_("quotes"), max_length=255, blank=True)

    language = models.CharField(_("language"), max_length=8, blank=True)
    sentiment = models.CharField(_("sentiment"), max_length=8, choices=Sentiment.choices, default=Sentiment.UNKNOWN)
    score = models.FloatField(_("score"), default=0, help_text=_("-1 worst to 1 best"))
    confidence = models.FloatField(_("confidence"), default=0, help_text=_("0 to 1"))
    reasons = models.CharField(_("words that decided"), max_length=300, blank=True)
    language_confidence = models.FloatField(_("sure of the language"), default=0, help_text=_("0 to 1"))
    intent = models.CharField(_("what they want"), max_length=10, choices=Intent.choices, blank=True)
    intent_confidence = models.FloatField(_("sure of what they want"), default=0, help_text=_("0 to 1"))
    intent_reasons = models.CharField(_("words that decided it"), max_length=200, blank=True)
    topic = models.CharField(_("about"), max_length=8, choices=About.choices, blank=True)
    topic_confidence = models.FloatField(_("sure of what it is about"), default=0, help_text=_("0 to 1"))
    topic_reasons = models.CharField(_("words that decided it"), max_length=200, blank=True)
    urgency = models.CharField(_("urgency"), max_length=6, choices=Urgency.choices, blank=True)
    urgency_confidence = models.FloatField(_("sure of the urgency"), default=0, help_text=_("0 to 1"))
    urgency_reasons = models.CharField(_("words that decided it"), max_length=200, blank=True)
    corrected = models.CharField(
        _("put right"), max_length=50, blank=True,
        help_text=_("What people put right of it, with spaces between: no later reader says otherwise."),
    )  # fmt: skip
    reader = models.CharField(_("read by"), max_length=40, blank=True, help_text=_("version of the reader"))
    read_at = models.DateTimeField(null=True, blank=True)
    routed_at = models.DateTimeField(null=True, blank=True)
    # words with spaces between: with an array among its columns, Django writes many messages half as fast
    topics = models.CharField(_("topics"), max_length=60, blank=True, help_text=_("What it praises or blames."))
    named_by = models.CharField(_("topics by"), max_length=20, blank=True, help_text=_("version of the words"))
    words = models.GeneratedField(
        expression=SoughtWords("text"), output_field=SearchVectorField(), db_persist=True,
        help_text=_("What was said, as it is searched."),
    )  # fmt: skip

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        constraints = [
            models.UniqueConstraint(fields=["channel", "external_id"], name="a_message_is_stored_once"),
            models.CheckConstraint(
                condition=models.Q(direction="out") | models.Q(identity__isnull=False),
                name="a_customers_message_has_an_author",
            ),
            models.CheckConstraint(
                condition=models.Q(erased_at=None) | models.Q(**dict.fromkeys(WORDS, "")),
                name="an_erased_message_says_nothing",
            ),
            models.CheckConstraint(
                condition=models.Q(found_by=None) | models.Q(overheard=True, direction="in"),
                name="what_a_search_found_was_not_said_to_us",
            ),
        ]
        indexes = [
            models.Index(fields=["thread", "occurred_at", "id"], name="message_in_thread"),
            models.Index(fields=["identity", "-occurred_at", "-id"], name="message_of_identity"),
            models.Index(
                fields=["channel", "parent_external_id"],
                condition=~models.Q(parent_external_id=""),
                name="message_answers",
            ),
            models.Index(
                fields=["identity_request"],
                condition=models.Q(identity_request__isnull=False),
                name="message_with_a_link",
            ),
            models.Index(
                fields=["-occurred_at", "-id"],
                include=["found_by"],
                condition=models.Q(found_by__isnull=False),
                name="message_found",
            ),
            models.Index(fields=["channel", "id"], condition=models.Q(read_at=None), name="message_to_read"),
            models.Index(fields=["channel", "id"], condition=models.Q(routed_at=None), name="message_to_route"),
            GinIndex(fields=["words"], name="message_words"),
            models.Index(
                fields=["named_by", "id"],
                condition=models.Q(direction="in", sentiment__in=MOODS, erased_at=None),
                name="message_to_name",
            ),
            models.Index(
                fields=["identity", "occurred_at"],
                include=["sentiment", "topics"],
                condition=models.Q(direction="in", sentiment__in=MOODS, erased_at=None) & ~models.Q(topics=""),
                name="message_about_something",
            ),
            models.Index(fields=["occurred_at"], include=["direction", "channel"], name="message_by_time"),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def is_ours(self) -> bool:
        return self.direction == self.Direction.OUT

    @property
    def why_silent(self) -> str:
        """Why it has no words any more; empty where it may have them."""
        if self.erased_at is None:
            return ""
        kept_on = self.identity is not None and self.identity.erased_at is None
        return gettext("No longer kept") if kept_on else gettext("Erased on request")

    def fall_silent(self) -> None:
        """Its words are gone; that it was said, where, when and in what mood, stays. Not saved."""
        for name in (*WORDS, "quoted_external_id"):
            setattr(self, name, "")
        self.erased_at = self.read_at = timezone.now()


class MessageVersion(models.Model):
    """What a message said before it was edited or deleted on the network."""

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="versions")
    text = models.TextField()
    replaced_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.text[:60]
