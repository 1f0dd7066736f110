"""The case: what one customer wants, until it is resolved."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q, Value, When
from django.db.models.functions import Coalesce, Upper
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.models.asked import CaseQuerySet
from cases.models.priority import Priority
from cases.models.states import BASE_POINTS, NEEDS_US, TOP, UNRESOLVED, Outcome, State
from cases.models.wants import Wants
from channels_app.models import About, Intent, Sentiment, Urgency

if TYPE_CHECKING:
    pass


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
        "cases.Rule", on_delete=models.SET_NULL, null=True, blank=True, related_name="+",
        verbose_name=_("placed by rule"),
    )  # fmt: skip
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.NEW)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    subject = models.CharField(_("what it is about"), max_length=200)
    sentiment = models.CharField(_("mood"), max_length=8, choices=Sentiment.choices, default=Sentiment.UNKNOWN)
    intent = models.CharField(_("what they want"), max_length=10, choices=Intent.choices, blank=True)
    topic = models.CharField(_("about"), max_length=8, choices=About.choices, blank=True)
    urgency = models.CharField(_("urgency"), max_length=6, choices=Urgency.choices, blank=True)
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
    due_at = models.DateTimeField(_("next promise ends"), null=True, blank=True)
    due_kind = models.CharField(_("next promise"), max_length=12, blank=True)
    risk_at = models.DateTimeField(_("a promise is at risk from"), null=True, blank=True)
    behind = models.BooleanField(
        _("stands behind another"), default=False, db_default=False,
        help_text=_("It began with nearly the same words as the one in whose row the queue counts it."),
    )  # fmt: skip
    extra_points = models.SmallIntegerField(_("points by rules"), default=0)
    reasons = models.JSONField(
        _("why it stands where it stands"), default=list, blank=True,
        help_text=_('[{"rule": 7, "points": 50, "why": "Key customer, unhappy"}], as they were given'),
    )  # fmt: skip
    rank = models.GeneratedField(
        expression=Value(TOP)
        - models.Case(
            *(When(priority=level, then=Value(points)) for level, points in BASE_POINTS.items()), default=Value(0)
        )
        - F("extra_points"),
        output_field=models.SmallIntegerField(), db_persist=True,
        help_text=_("1000 less all points: the lowest stands first"),
    )  # fmt: skip
    turn_at = models.GeneratedField(
        expression=Coalesce("due_at", "waiting_since"), output_field=models.DateTimeField(), db_persist=True,
        help_text=_("what is sorted by among equal ranks: the next promise, else since when it waits"),
    )  # fmt: skip
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    skills = models.ManyToManyField("crm.Skill", related_name="+", blank=True, verbose_name=_("needs"))
    mood_at_start = models.CharField(
        _("mood at the start"), max_length=8, choices=Sentiment.choices, default=Sentiment.UNKNOWN
    )
    mood_at_end = models.CharField(
        _("mood at the end"), max_length=8, choices=Sentiment.choices, default=Sentiment.UNKNOWN
    )
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices, blank=True)
    hand_overs = models.PositiveSmallIntegerField(_("times handed over"), default=0)
    repeats = models.PositiveSmallIntegerField(_("times the customer had to repeat it"), default=0)
    split_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="split_off")
    reopenings = models.PositiveSmallIntegerField(_("times reopened"), default=0)
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged")

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "thread"],
                condition=Q(state__in=["new", "open", "waiting", "snoozed", "aside"], split_from=None),
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
            models.CheckConstraint(
                condition=Q(state="snoozed", snoozed_until__isnull=False, owner__isnull=False)
                | ~Q(state="snoozed") & Q(snoozed_until=None),
                name="a_snoozed_case_says_until_when_and_whose_it_is",
            ),
            models.CheckConstraint(
                condition=Q(due_at=None, risk_at=None, due_kind="")
                | Q(due_at__isnull=False, risk_at__isnull=False) & ~Q(due_kind=""),
                name="a_case_with_a_promise_names_it",
            ),
            models.CheckConstraint(
                condition=Q(extra_points__gte=-1000, extra_points__lte=600), name="points_by_rules_keep_within_bounds"
            ),
        ]  # fmt: skip
        indexes = [
            # with all that the queue is filtered by, so that no filter has to look into the table
            models.Index(
                fields=["rank", "turn_at", "id"], condition=Q(state__in=["new", "open"]), name="queue_needs_us",
                include=[
                    "team", "owner", "channel", "language", "sentiment", "intent", "topic", "urgency", "priority",
                    "due_at", "risk_at", "waiting_since", "behind",
                ],
            ),
            models.Index(
                fields=["team", "rank", "turn_at", "id"], condition=Q(state__in=["new", "open"]), include=["behind"],
                name="queue_of_a_team",
            ),
            models.Index(fields=["id"], condition=Q(behind=True, state="new"), name="case_behind"),
            models.Index(fields=["owner", "rank", "turn_at", "id"], name="queue_of_an_owner"),
            models.Index(fields=["state", "rank", "turn_at", "id"], name="queue_of_a_state"),
            models.Index(fields=["rank", "turn_at", "id"], condition=~Q(state="merged"), name="queue_of_all"),
            models.Index(
                fields=["owner"], condition=Q(state__in=["new", "open", "waiting", "snoozed", "aside"]),
                name="case_unresolved_of_an_owner",
            ),
            models.Index(fields=["snoozed_until"], condition=Q(state="snoozed"), name="case_snoozed"),
            models.Index(F("opened_at").desc(), F("id").desc(), name="case_newest"),
            models.Index(fields=["customer", "-opened_at"], name="case_of_a_customer"),
            models.Index(fields=["thread"], name="case_of_a_thread"),
            GinIndex(OpClass(Upper("subject"), name="gin_trgm_ops"), name="case_subject_trigrams"),
            GinIndex(
                OpClass(Upper("subject"), name="gin_trgm_ops"), name="case_subject_needs_us",
                condition=Q(state__in=["new", "open"]),
            ),
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
        self.outcome, self.mood_at_end = "", Sentiment.UNKNOWN
        self.waiting_since, self.reopenings = at, self.reopenings + 1

    def undo_resolution(self, *, answered: bool) -> None:
        """As it was before: `answered` says that we spoke last. It does not count as a return. Not saved.

        Its cause stays as the likely one, and with it the checklist they worked by.
        """
        self.resolved_at = self.resolved_by = None
        self.outcome, self.mood_at_end = "", Sentiment.UNKNOWN
        if answered:
            self.state = State.WAITING
        else:
            self.state = State.OPEN if self.owner_id else State.NEW

    def take_over(self, other: Case) -> None:
        """Stand for `other` as well: the earliest opening, the latest word, the more urgent priority. Not saved."""
        if other.opened_at < self.opened_at:
            self.opened_at, self.subject = other.opened_at, other.subject
            if other.mood_at_start != Sentiment.UNKNOWN:
                self.mood_at_start = other.mood_at_start
        self.owner_id = self.owner_id or other.owner_id
        earlier, later = sorted((other, self), key=lambda case: case.last_message_at)
        Wants.of(earlier).then(Wants.of(later)).put(self)
        turns = [case.waiting_since for case in (self, other) if case.needs_us]
        ours = later.needs_us or State.SNOOZED in (self.state, other.state)  # what slept wakes: something has happened
        self.waiting_since = min(turns, default=later.waiting_since) if ours else later.waiting_since
        self.state, self.snoozed_until = State.WAITING, None
        if ours:
            self.state = State.OPEN if self.owner_id else State.NEW
        self.last_message_at, self.sentiment = later.last_message_at, later.sentiment
        answered = [at for at in (self.first_answered_at, other.first_answered_at) if at]
        self.first_answered_at = min(answered, default=None)
        if other.priority < self.priority:
            self.priority, self.rule_id = other.priority, other.rule_id

    @property
    def base_points(self) -> int:
        """What its priority alone is worth."""
        return BASE_POINTS[Priority(self.priority)]

    @property
    def points(self) -> int:
        """All that the queue sorts by."""
        return self.base_points + self.extra_points

    @property
    def turned_around(self) -> bool:
        """The same as the QuerySet's."""
        return self.mood_at_start == Sentiment.NEGATIVE and self.mood_at_end in (Sentiment.NEUTRAL, Sentiment.POSITIVE)

    @property
    def is_unresolved(self) -> bool:
        return self.state in UNRESOLVED

    @property
    def needs_us(self) -> bool:
        return self.state in NEEDS_US

    @property
    def answer_until(self) -> datetime | None:
        """When the network stops taking an answer, where it owes one and all of that network is private.

        Told by what was said last, so that a row of the queue asks nothing; `cases.ways.window` knows exactly.
        """
        can = self.channel.capabilities
        if can.window is None or can.reply_public or not self.needs_us:
            return None
        return self.last_message_at + timedelta(seconds=can.window)
