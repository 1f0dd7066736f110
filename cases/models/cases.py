"""The case: what one customer wants, until it is resolved."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import DateTimeField, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, Left, Upper
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models.priority import Priority
from channels_app.models import Delivery, Message, Sentiment
from crm.models import Customer, IdentityLink, Stakeholder

if TYPE_CHECKING:
    from crm.models import Account, User


class State(models.TextChoices):
    NEW = "new", _("New")
    OPEN = "open", _("Being worked on")
    WAITING = "waiting", _("Waiting for the customer")
    RESOLVED = "resolved", _("Resolved")
    MERGED = "merged", _("Joined to another case")


NEEDS_US = (State.NEW, State.OPEN)
UNRESOLVED = (*NEEDS_US, State.WAITING)


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, user: User) -> CaseQuerySet:
        """Leads and admins see every case; agents those of their teams and their own; others none."""
        if user.leads:
            return self
        if not user.answers:
            return self.none()
        return self.filter(Q(team__in=user.team_ids) | Q(owner=user))

    def needing_us(self) -> CaseQuerySet:
        return self.filter(state__in=NEEDS_US)

    def unresolved(self) -> CaseQuerySet:
        return self.filter(state__in=UNRESOLVED)

    def of_customer(self, customer: Customer) -> CaseQuerySet:
        return self.filter(customer=customer).exclude(state=State.MERGED)

    def of_account(self, account: Account) -> CaseQuerySet:
        """Of those who are its stakeholders now."""
        people = Stakeholder.objects.of_account(account).present()
        return self.filter(customer__in=people.values("customer")).exclude(state=State.MERGED)

    def saying(self, words: str) -> CaseQuerySet:
        """With these words in what it is about or in the customer's name or handle; or the case of that number."""
        if words.lstrip("#").isdecimal() and len(words) < 19:
            return self.filter(pk=int(words.lstrip("#")))
        by_subject = Case.objects.filter(subject__icontains=words).order_by()
        by_customer = Case.objects.filter(customer__in=Customer.objects.called(words)).order_by()
        return self.filter(pk__in=by_subject.values("pk").union(by_customer.values("pk"), all=True))

    def with_unsettled_reply(self) -> CaseQuerySet:
        """In which a reply is in doubt, or the last one we wrote was not sent."""
        replies = Delivery.objects.filter(message__case_entry__case=OuterRef("pk"), message__erased_at=None)
        last = replies.order_by("-id").values("state")[:1]
        return self.annotate(last_reply=Subquery(last)).filter(
            Q(Exists(replies.filter(state=Delivery.State.IN_DOUBT))) | Q(last_reply=Delivery.State.FAILED)
        )

    def as_said(self) -> models.QuerySet[Any]:
        """With what the customer's messages tell, in the order they were said; None where they do not.

        `question`: the first words; `tongue`: the first language; `mood`: the last one; `unanswered_since`.
        """
        said = Message.objects.filter(case_entry__case=OuterRef("pk"))
        ours = said.filter(direction=Message.Direction.OUT).order_by("-occurred_at", "-id")
        theirs = said.filter(direction=Message.Direction.IN)
        long_ago = Value(datetime(1970, 1, 1, tzinfo=UTC), DateTimeField())
        return self.annotate(answered=Coalesce(Subquery(ours.values("occurred_at")[:1]), long_ago)).annotate(
            question=Subquery(theirs.in_order().values(beginning=Left("text", 1000))[:1]),
            tongue=Subquery(theirs.in_order().exclude(language="").values("language")[:1]),
            mood=Subquery(theirs.in_order().reverse().exclude(sentiment=Sentiment.UNKNOWN).values("sentiment")[:1]),
            unanswered_since=Subquery(
                theirs.in_order().filter(occurred_at__gt=OuterRef("answered")).values("occurred_at")[:1]
            ),
        )

    def with_row(self) -> CaseQuerySet:
        """All that a queue row shows, in the same query; with `reach`, the customer's largest public following."""
        rows = self.select_related("customer", "identity", "owner", "channel", "team", "rule")
        return rows.annotate(reach=IdentityLink.objects.reach_of("customer_id"))

    def with_head(self) -> CaseQuerySet:
        """All that the head of a case says, in the same query."""
        return self.with_row().select_related("cause__parent", "resolved_by")


class Case(models.Model):
    """`waiting_since` is when the oldest message came that we have not answered, else when the last one was said."""

    State = State

    customer = models.ForeignKey(
        "crm.Customer", on_delete=models.PROTECT, related_name="cases", verbose_name=_("customer")
    )
    identity = models.ForeignKey("crm.Identity", on_delete=models.PROTECT, related_name="+", verbose_name=_("as"))
    channel = models.ForeignKey(
        "channels_app.Channel", on_delete=models.PROTECT, related_name="cases", verbose_name=_("channel")
    )
    thread = models.ForeignKey("channels_app.Thread", on_delete=models.PROTECT, related_name="cases")
    team = models.ForeignKey("crm.Team", on_delete=models.PROTECT, related_name="cases", verbose_name=_("team"))
    owner = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="cases", verbose_name=_("owner")
    )
    rule = models.ForeignKey(
        "cases.RoutingRule", on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("placed by rule"),
    )  # fmt: skip
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.NEW)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    subject = models.CharField(_("what it is about"), max_length=200)
    sentiment = models.CharField(_("mood"), max_length=8, choices=Sentiment.choices, default=Sentiment.UNKNOWN)
    language = models.CharField(_("language"), max_length=8, blank=True)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    waiting_since = models.DateTimeField(_("waiting since"))
    last_message_at = models.DateTimeField(_("last message"))
    first_answered_at = models.DateTimeField(_("first answered"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    resolved_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    cause = models.ForeignKey(
        "cases.Cause", on_delete=models.PROTECT, null=True, blank=True, related_name="cases", verbose_name=_("cause")
    )
    reopenings = models.PositiveSmallIntegerField(_("times reopened"), default=0)
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged")

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "thread"], condition=Q(state__in=["new", "open", "waiting"]),
                name="a_customer_has_one_open_case_per_thread",
            ),
            models.CheckConstraint(
                condition=~Q(state="open") | Q(owner__isnull=False), name="an_open_case_has_an_owner"
            ),
            models.CheckConstraint(condition=~Q(state="new") | Q(owner__isnull=True), name="a_new_case_has_no_owner"),
            models.CheckConstraint(
                condition=Q(state="resolved", resolved_at__isnull=False, resolved_by__isnull=False, cause__isnull=False)
                | ~Q(state="resolved") & Q(resolved_at__isnull=True, resolved_by__isnull=True),
                name="a_resolved_case_says_when_by_whom_and_why",
            ),
            models.CheckConstraint(
                condition=Q(state="merged", merged_into__isnull=False)
                | ~Q(state="merged") & Q(merged_into__isnull=True),
                name="a_merged_case_names_its_survivor",
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(
                fields=["priority", "waiting_since", "id"], condition=Q(state__in=["new", "open"]),
                name="queue_needs_us",
            ),
            models.Index(
                fields=["team", "priority", "waiting_since", "id"], condition=Q(state__in=["new", "open"]),
                name="queue_of_a_team",
            ),
            models.Index(fields=["owner", "priority", "waiting_since", "id"], name="queue_of_an_owner"),
            models.Index(fields=["state", "priority", "waiting_since", "id"], name="queue_of_a_state"),
            models.Index(fields=["priority", "waiting_since", "id"], condition=~Q(state="merged"), name="queue_of_all"),
            models.Index(F("opened_at").desc(), F("id").desc(), name="case_newest"),
            models.Index(fields=["customer", "-opened_at"], name="case_of_a_customer"),
            models.Index(fields=["thread"], name="case_of_a_thread"),
            GinIndex(OpClass(Upper("subject"), name="gin_trgm_ops"), name="case_subject_trigrams"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"#{self.pk} {self.subject}"

    def get_absolute_url(self) -> str:
        return reverse("cases:case", args=[self.pk])

    @property
    def title(self) -> str:
        """What it is about, or why nobody knows."""
        if self.subject:
            return self.subject
        return gettext("Erased on request") if self.customer.erased_at else gettext("(no words)")

    def reopen(self, *, at: datetime) -> None:
        """Back to who had it, else to the queue; waiting since then. Not saved."""
        self.state = State.OPEN if self.owner_id else State.NEW
        self.resolved_at = self.resolved_by = self.cause = None
        self.waiting_since, self.reopenings = at, self.reopenings + 1

    def undo_resolution(self, *, answered: bool) -> None:
        """As it was before: `answered` says that we spoke last. It does not count as a return. Not saved."""
        self.resolved_at = self.resolved_by = self.cause = None
        if answered:
            self.state = State.WAITING
        else:
            self.state = State.OPEN if self.owner_id else State.NEW

    def take_over(self, other: Case) -> None:
        """Stand for `other` as well: the earliest opening, the latest word, the more urgent priority. Not saved."""
        if other.opened_at < self.opened_at:
            self.opened_at, self.subject = other.opened_at, other.subject
        self.owner_id = self.owner_id or other.owner_id
        later = max(self, other, key=lambda case: case.last_message_at)
        turns = [case.waiting_since for case in (self, other) if case.needs_us]
        self.waiting_since = min(turns) if later.needs_us else later.waiting_since
        self.state = State.WAITING if not later.needs_us else State.OPEN if self.owner_id else State.NEW
        self.last_message_at, self.sentiment = later.last_message_at, later.sentiment
        answered = [at for at in (self.first_answered_at, other.first_answered_at) if at]
        self.first_answered_at = min(answered, default=None)
        if other.priority < self.priority:
            self.priority, self.rule_id = other.priority, other.rule_id

    @property
    def is_unresolved(self) -> bool:
        return self.state in UNRESOLVED

    @property
    def needs_us(self) -> bool:
        return self.state in NEEDS_US


class CaseMessage(models.Model):
    """A message's place in a case: each message stands in one."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="entries")
    message = models.OneToOneField("channels_app.Message", on_delete=models.CASCADE, related_name="case_entry")

    class Meta:
        verbose_name = _("message of a case")
        verbose_name_plural = _("messages of cases")

    def __str__(self) -> str:
        return f"{self.case_id} ← {self.message_id}"


class Note(models.Model):
    """Said among us, about a case. It is not a message: the outbox has no way to name it."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes", verbose_name=_("case"))
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    text = models.TextField(_("note"))
    created_at = models.DateTimeField(_("written"), default=timezone.now)

    class Meta:
        ordering = ["created_at", "id"]
        verbose_name = _("note")
        verbose_name_plural = _("notes")

    def __str__(self) -> str:
        return self.text[:60]
