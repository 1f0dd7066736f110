"""Rules, kept as data: when something happens, if every condition holds, then this is done. In their order."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.clocks import Clock
from cases.models.priority import Priority
from cases.models.states import State
from channels_app.models import About, Intent, Sentiment, Urgency
from crm.models import Tier


class Event(models.TextChoices):
    MESSAGE = "message", _("A customer writes")
    OPENED = "opened", _("A case is opened")
    REOPENED = "reopened", _("A case is reopened")
    ANSWERED = "answered", _("We answered")
    RESOLVED = "resolved", _("A case is resolved")
    CUSTOMER = "customer", _("What we know of the customer changes")
    AT_RISK = "at_risk", _("A promise is at risk")
    BROKEN = "broken", _("A promise is broken")
    WAITED = "waited", _("A case has waited for so long")


class RuleQuerySet(models.QuerySet["Rule"]):
    def in_force(self) -> RuleQuerySet:
        return self.filter(switched_off_at=None).select_related("team").prefetch_related("channels")

    def on(self, event: str) -> RuleQuerySet:
        return self.filter(event=event)

    def with_everything(self) -> RuleQuerySet:
        """With all that a list of them says."""
        return self.select_related("team").prefetch_related("channels", "skills", "notify")

    def with_runs(self) -> RuleQuerySet:
        """With `last_run`, and `runs_lately`: how often it acted in seven days."""
        of = RuleRun.objects.filter(rule=OuterRef("pk")).order_by()
        lately = of.filter(at__gte=timezone.now() - timedelta(days=7)).values("rule").annotate(n=Count("pk"))
        return self.annotate(
            last_run=Subquery(RuleRun.objects.filter(rule=OuterRef("pk")).order_by("-id").values("at")[:1]),
            runs_lately=Coalesce(Subquery(lately.values("n")), 0),
        )

    def with_deeds(self) -> RuleQuerySet:
        """With all that they do."""
        return self.prefetch_related("skills", "notify")


class Rule(models.Model):
    """An empty condition always holds; a filled one holds when any of its values does. An empty action does nothing.

    Rules of one event run in their order; each that holds acts, until one of those that `stops` did.
    """

    Event = Event

    name = models.CharField(_("name"), max_length=80, unique=True, help_text=_("Shown on each case it concerns."))
    position = models.PositiveIntegerField(_("order"), default=100, help_text=_("Lowest first."))
    event = models.CharField(_("when"), max_length=10, choices=Event.choices, default=Event.MESSAGE)
    # --- if
    channels = models.ManyToManyField("channels_app.Channel", blank=True, verbose_name=_("channels"))
    sentiments = ArrayField(
        models.CharField(max_length=8, choices=Sentiment.choices), verbose_name=_("mood"), default=list, blank=True
    )
    intents = ArrayField(
        models.CharField(max_length=10, choices=Intent.choices), verbose_name=_("wants"), default=list, blank=True
    )
    topics = ArrayField(
        models.CharField(max_length=8, choices=About.choices), verbose_name=_("about"), default=list, blank=True
    )
    urgencies = ArrayField(
        models.CharField(max_length=6, choices=Urgency.choices), verbose_name=_("urgency"), default=list, blank=True
    )
    sure_at_least = models.PositiveSmallIntegerField(
        _("read with at least"), null=True, blank=True,
        help_text=_("Percent of confidence in each of mood, wish, topic and urgency that this rule asks for."),
    )  # fmt: skip
    tiers = ArrayField(
        models.CharField(max_length=10, choices=Tier.choices), verbose_name=_("customer tier"), default=list, blank=True
    )
    known = models.BooleanField(_("customer is known"), null=True, blank=True)
    found = models.BooleanField(
        _("found by a search"), null=True, blank=True,
        help_text=_("True brings what a saved search found into the queue."),
    )  # fmt: skip
    reach_at_least = models.PositiveIntegerField(
        _("reach at least"), null=True, blank=True,
        help_text=_("Followers of their largest public account. Empty: reach decides nothing."),
    )  # fmt: skip
    languages = ArrayField(models.CharField(max_length=8), verbose_name=_("languages"), default=list, blank=True)
    words = ArrayField(models.CharField(max_length=60), verbose_name=_("words"), default=list, blank=True)
    states = ArrayField(models.CharField(max_length=10), verbose_name=_("case is"), default=list, blank=True)
    promises = ArrayField(models.CharField(max_length=12), verbose_name=_("which promise"), default=list, blank=True)
    waited_minutes = models.PositiveIntegerField(_("has waited for"), null=True, blank=True, help_text=_("Minutes."))
    # --- then
    team = models.ForeignKey(
        "crm.Team", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("send to team"),
        help_text=_("Empty: it stays; a new case goes to the channel's own team."),
    )  # fmt: skip
    priority = models.PositiveSmallIntegerField(
        _("priority"), choices=Priority.choices, default=Priority.NORMAL, null=True, blank=True
    )
    points = models.SmallIntegerField(_("points"), default=0, help_text=_("Added once per case: above 0 lifts it."))
    skills = models.ManyToManyField("crm.Skill", blank=True, related_name="+", verbose_name=_("needs skills"))
    notify_owner = models.BooleanField(_("tell the owner"), default=False)
    notify = models.ManyToManyField("crm.User", blank=True, related_name="+", verbose_name=_("tell"))
    stops = models.BooleanField(_("no rule after it"), default=True)
    switched_off_at = models.DateTimeField(_("switched off"), null=True, blank=True)

    objects = RuleQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        constraints = [
            models.CheckConstraint(
                condition=Q(points__gte=-500, points__lte=500), name="a_rule_gives_500_points_at_most"
            ),
            models.CheckConstraint(
                condition=Q(sure_at_least=None) | Q(sure_at_least__gte=1, sure_at_least__lte=100),
                name="confidence_is_a_percentage",
            ),
            models.CheckConstraint(
                condition=Q(event="waited", waited_minutes__gte=1) | ~Q(event="waited") & Q(waited_minutes=None),
                name="a_rule_about_waiting_says_how_long",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def named_wants(self) -> list[str]:
        """What they have to want, what it has to be about, and how soon."""
        wishes = [Intent(value).label for value in self.intents]
        matters = [About(value).label for value in self.topics]
        return [str(label) for label in (*wishes, *matters, *(Urgency(value).label for value in self.urgencies))]

    @property
    def named_states(self) -> list[str]:
        return [str(State(value).label) for value in self.states]

    @property
    def named_promises(self) -> list[str]:
        return [str(Clock.Kind(value).label) for value in self.promises]


class RuleRun(models.Model):
    """One time that a rule did something to a case: what, and on which event."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="runs", verbose_name=_("rule"))
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="rule_runs", verbose_name=_("case"))
    event = models.CharField(_("when"), max_length=10, choices=Event.choices)
    occasion = models.CharField(max_length=60, help_text=_("the clock, message or turn it was about: once for each"))
    done = models.CharField(_("what it did"), max_length=300)
    at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("run of a rule")
        verbose_name_plural = _("runs of rules")
        constraints = [
            models.UniqueConstraint(fields=["rule", "case", "occasion"], name="a_rule_acts_once_on_an_occasion")
        ]
        indexes = [
            models.Index(fields=["at"], name="rule_run_age"),
            models.Index(fields=["rule", "-id"], name="rule_run_of_a_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} · #{self.case_id}"
