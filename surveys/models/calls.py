"""Thank, engage, share: what is owed to everybody who answered, and the calls in which it is done."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from surveys.models.answers import Group, Response
from surveys.models.loops import Loop
from surveys.models.surveys import Topic
from surveys.models.verbatims import Tone

if TYPE_CHECKING:
    from crm.models import User


class CallQuerySet(models.QuerySet["Call"]):
    def visible_to(self, user: User) -> CallQuerySet:
        """Leads see all; others theirs, and what waits in the pool for people like them. Support sees none."""
        if user.leads:
            return self
        if not user.knows_customers:
            return self.none()
        return self.filter(Q(owner=user) | Q(owner=None, to=CALLER_OF.get(user.role, "")))

    def to_note(self, user: User, at: datetime) -> CallQuerySet:
        """Theirs; and those they may have made at that moment from the pool, before somebody else had them."""
        was_free = Q(to=CALLER_OF.get(user.role, ""), owned_since__gt=at)
        return self if user.leads else self.visible_to(user) | self.filter(was_free)

    def following(self, call: Call, user: User) -> Call | None:
        """What this person has to call next, once they are done with that one."""
        theirs = self.live().filter(owner=user).exclude(pk=call.pk).select_related("customer")
        return theirs.order_by("due_at", "pk").first()

    def live(self) -> CallQuerySet:
        """Somebody still has to do something."""
        return self.filter(state__in=Call.LIVE, ended_at=None)  # the second says the same, as the indexes ask for it

    def in_pool(self) -> CallQuerySet:
        """Nobody's yet, or nobody's any more."""
        return self.live().filter(owner=None)

    def overdue(self, now: datetime) -> CallQuerySet:
        return self.live().filter(due_at__lt=now)

    def with_people(self) -> CallQuerySet:
        return self.select_related("customer", "owner")


class Call(models.Model):
    """One person calls another. The first thanks and asks; the second tells what came of it.

    Several answers of one customer join one call. Without an owner it stands in the pool of those it is for.
    """

    class Kind(models.TextChoices):
        FIRST = "first", _("Thank and engage")
        SECOND = "second", _("Tell what changed")

    class To(models.TextChoices):
        EXECUTIVE = "executive", _("An executive")
        SALES = "sales", _("The sales person of their account")
        CARE = "care", _("Customer care")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        PLANNED = "planned", _("Planned")
        REACHED = "reached", _("Reached, to be called again")
        NOT_REACHED = "not_reached", _("Not reached")
        HANDED_BACK = "handed_back", _("Handed back")
        DONE = "done", _("Done")
        WRITTEN = "written", _("Written to instead")
        CANCELLED = "cancelled", _("Cancelled")

    LIVE = (State.OPEN, State.PLANNED, State.REACHED, State.NOT_REACHED, State.HANDED_BACK)

    customer = models.ForeignKey("crm.Customer", on_delete=models.CASCADE, related_name="calls")
    loop = models.ForeignKey(Loop, on_delete=models.CASCADE, related_name="calls")
    kind = models.CharField(_("what for"), max_length=6, choices=Kind.choices, default=Kind.FIRST)
    to = models.CharField(_("who calls"), max_length=9, choices=To.choices)
    group = models.CharField(_("group"), max_length=9, choices=Group.choices, blank=True)
    rule = models.ForeignKey("surveys.CallRule", on_delete=models.SET_NULL, related_name="+", null=True, blank=True)
    owner = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, related_name="calls", null=True, blank=True, verbose_name=_("owner")
    )
    owned_since = models.DateTimeField(_("theirs since"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=11, choices=State.choices, default=State.OPEN)
    due_at = models.DateTimeField(_("due"))
    planned_for = models.DateTimeField(_("planned for"), null=True, blank=True)
    tries = models.PositiveSmallIntegerField(_("tried in vain"), default=0)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    escalated_at = models.DateTimeField(_("escalated"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = CallQuerySet.as_manager()

    class Meta:
        ordering = ["due_at", "id"]
        verbose_name = _("call")
        verbose_name_plural = _("calls")
        indexes = [
            models.Index(fields=["owner", "due_at", "id"], condition=Q(ended_at=None), name="call_of_an_owner"),
            models.Index(
                fields=["to", "due_at", "id"], condition=Q(ended_at=None, owner=None), name="call_in_the_pool"
            ),
            models.Index(fields=["due_at", "id"], condition=Q(ended_at=None), name="call_by_its_day"),
            models.Index(fields=["due_at"], condition=Q(ended_at=None, escalated_at=None), name="call_to_escalate"),
            models.Index(fields=["owner", "owned_since"], name="call_given_to_an_owner"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind"], condition=Q(ended_at=None), name="a_customer_is_called_once_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["done", "written", "cancelled"], ended_at__isnull=False)
                | Q(state__in=["open", "planned", "reached", "not_reached", "handed_back"], ended_at=None),
                name="a_call_that_ended_says_when",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["cancelled", "handed_back"]) | ~Q(reason=""),
                name="a_call_that_was_given_up_says_why",
            ),
            models.CheckConstraint(
                condition=~Q(state="planned") | Q(planned_for__isnull=False), name="a_planned_call_says_for_when"
            ),
            models.CheckConstraint(
                condition=Q(owner=None, owned_since=None) | Q(owner__isnull=False, owned_since__isnull=False),
                name="an_owner_of_a_call_is_so_since_a_day",
            ),
            models.CheckConstraint(
                condition=~Q(state="handed_back") | Q(owner=None), name="a_call_that_was_handed_back_is_nobodys"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.customer}"

    def get_absolute_url(self) -> str:
        return reverse("surveys:call", args=[self.pk])

    @property
    def is_live(self) -> bool:
        return self.state in self.LIVE


# Whose pool a role works.
CALLER_OF = {"executive": Call.To.EXECUTIVE, "sales": Call.To.SALES, "agent": Call.To.CARE}


class FollowUp(models.Model):
    """One of the three things owed for a response, and the call in which it is done: its owner and date are the call's.

    What is to be shared stays with the first call until there is a second.
    """

    class Step(models.TextChoices):
        THANK = "thank", _("Thank")
        ENGAGE = "engage", _("Engage")
        SHARE = "share", _("Share")

    response = models.ForeignKey(Response, on_delete=models.CASCADE, related_name="follow_ups")
    step = models.CharField(_("step"), max_length=6, choices=Step.choices)
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="follow_ups")
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        ordering = ["call", "response", "id"]
        verbose_name = _("follow-up")
        verbose_name_plural = _("follow-ups")
        constraints = [
            models.UniqueConstraint(fields=["response", "step"], name="a_response_is_followed_up_once"),
            models.CheckConstraint(
                condition=Q(done_at=None) | Q(cancelled_at=None), name="a_follow_up_is_done_or_cancelled"
            ),
            models.CheckConstraint(
                condition=Q(cancelled_at=None) | ~Q(reason=""), name="a_cancelled_follow_up_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_step_display()}: {self.response}"


class Attempt(models.Model):
    """Somebody called. `key` comes from the device that wrote it down: what is sent twice is kept once."""

    class Outcome(models.TextChoices):
        REACHED = "reached", _("Reached")
        LATER = "later", _("They want another time")
        NO_ANSWER = "no_answer", _("No answer")
        MAILBOX = "mailbox", _("Only a mailbox")
        WRONG_NUMBER = "wrong_number", _("Wrong number")
        NOT_WANTED = "not_wanted", _("They want no calls")

    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="attempts")
    key = models.UUIDField(_("key"), default=uuid4, unique=True, editable=False)
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    kept_at = models.DateTimeField(_("arrived"), default=timezone.now)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome.choices)
    note = models.TextField(_("note"), max_length=4000, blank=True)

    class Meta:
        ordering = ["call", "at", "id"]
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        indexes = [models.Index(fields=["by", "-at"], name="attempt_of_a_caller")]

    def __str__(self) -> str:
        return f"{self.call}: {self.get_outcome_display()}"


class Heard(models.Model):
    """What was good and what was bad, as they said it in a call: one of the four topics."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="heard")
    topic = models.CharField(_("topic"), max_length=12, choices=Topic.choices)
    tone = models.CharField(_("tone"), max_length=9, choices=Tone.choices)

    class Meta:
        ordering = ["attempt", "topic"]
        verbose_name = _("heard in a call")
        verbose_name_plural = _("heard in calls")
        constraints = [
            models.UniqueConstraint(fields=["attempt", "topic"], name="a_topic_is_heard_once_in_a_call"),
        ]

    def __str__(self) -> str:
        return f"{self.get_topic_display()}: {self.get_tone_display()}"


# --- who calls whom


class CallRule(models.Model):
    """Who calls: the first rule in order whose conditions all hold. Empty conditions hold for everybody."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    groups = models.JSONField(_("groups"), default=list, blank=True)
    countries = models.JSONField(_("countries"), default=list, blank=True)
    languages = models.JSONField(_("languages"), default=list, blank=True)
    tiers = models.JSONField(_("tiers"), default=list, blank=True)
    with_account = models.BooleanField(_("only who is something to an account"), default=False)
    to = models.CharField(_("who calls"), max_length=9, choices=Call.To.choices)
    days = models.PositiveSmallIntegerField(_("within"), default=7, help_text=_("Days."))
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    changed_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    changed_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("rule of who calls")
        verbose_name_plural = _("rules of who calls")
        constraints = [models.CheckConstraint(condition=Q(days__gte=1), name="a_rule_gives_a_day_to_call")]

    def __str__(self) -> str:
        return self.name


class Caller(models.Model):
    """What one of us takes on: how many names a week, of which countries. No row: the defaults."""

    user = models.OneToOneField("crm.User", on_delete=models.CASCADE, related_name="caller")
    per_week = models.PositiveSmallIntegerField(_("names a week"), default=10)
    countries = models.JSONField(_("countries"), default=list, blank=True)
    more = models.PositiveSmallIntegerField(_("more this week"), default=0, help_text=_("They asked for so many more."))
    more_until = models.DateTimeField(_("more until"), null=True, blank=True)

    class Meta:
        ordering = ["user"]
        verbose_name = _("caller")
        verbose_name_plural = _("callers")
        constraints = [
            models.CheckConstraint(
                condition=Q(more=0) | Q(more_until__isnull=False), name="more_names_are_asked_for_until_a_day"
            )
        ]

    def __str__(self) -> str:
        return str(self.user)


class CallingHours(models.Model):
    """When customers of a country may be called, on their own clocks. An empty country: everywhere else."""

    country = models.CharField(_("country"), max_length=2, blank=True, unique=True)
    calendar = models.ForeignKey(
        "crm.Calendar", on_delete=models.PROTECT, related_name="+", verbose_name=_("hours"),
        help_text=_("Its days, hours and holidays count; its zone only where we know none of the customer."),
    )  # fmt: skip

    class Meta:
        ordering = ["country"]
        verbose_name = _("calling hours")
        verbose_name_plural = _("calling hours")

    def __str__(self) -> str:
        return f"{self.country or '*'}: {self.calendar}"


class OutreachSettings(models.Model):
    """How calls are run here: one row, changed by leads."""

    join_days = models.PositiveSmallIntegerField(
        _("answers join one call for"), default=30, help_text=_("Days after the first of them.")
    )
    answer_days = models.PositiveSmallIntegerField(_("support groups answer within"), default=14)
    second_days = models.PositiveSmallIntegerField(_("we call again after"), default=14)
    most_tries = models.PositiveSmallIntegerField(
        _("tries"), default=2, help_text=_("After so many in vain we write instead.")
    )
    escalate_to = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("head"),
        help_text=_("Hears of calls and answers that are overdue."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("settings of calls")
        verbose_name_plural = _("settings of calls")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="calls_have_one_row_of_settings"),
            models.CheckConstraint(
                condition=Q(answer_days__gte=1, second_days__gte=1, most_tries__gte=1),
                name="the_settings_of_calls_are_within_bounds",
            ),
        ]

    def __str__(self) -> str:
        return str(_("Settings of calls"))

    @classmethod
    def current(cls) -> OutreachSettings:
        return cls.objects.first() or cls(pk=1)
