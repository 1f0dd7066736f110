"""Who speaks on a channel and how: the policy, in versions; what one must know, in modules."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from channels_app.models.channels import Channel
    from crm.models import User


class PolicyQuerySet(models.QuerySet["Policy"]):
    def of(self, channel: Channel) -> PolicyQuerySet:
        """Newest first: the first one is in force."""
        return self.filter(channel=channel).order_by("-version")

    def with_accepted(self, user: User) -> PolicyQuerySet:
        """Each with `is_accepted`, by this person."""
        mine = PolicyAcceptance.objects.filter(policy=models.OuterRef("pk"), user=user)
        return self.annotate(is_accepted=models.Exists(mine))

    def with_count(self) -> PolicyQuerySet:
        """Each with `accepted_by`: how many people have accepted it."""
        return self.select_related("made_by").annotate(accepted_by=models.Count("acceptances"))


class Policy(models.Model):
    """One version of a channel's policy. A published version never changes; the newest published one is in force."""

    channel = models.ForeignKey("channels_app.Channel", on_delete=models.CASCADE, related_name="policies")
    version = models.PositiveIntegerField(_("version"))
    who = models.TextField(_("who speaks here"), max_length=4000)
    how = models.TextField(_("how we speak"), max_length=4000)
    never = models.TextField(_("what we never do"), max_length=4000)
    made_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("written by"))
    published_at = models.DateTimeField(_("published"), default=timezone.now)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["channel", "-version"]
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        constraints = [
            models.UniqueConstraint(fields=["channel", "version"], name="a_channels_policy_has_each_version_once")
        ]
        triggers = [pgtrigger.Protect(name="a_published_version_of_a_policy_never_changes", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{self.channel} · {self.version}"


class PolicyAcceptance(models.Model):
    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="acceptances")
    user = models.ForeignKey("crm.User", on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(_("accepted"), default=timezone.now)

    class Meta:
        verbose_name = _("acceptance of a policy")
        verbose_name_plural = _("acceptances of policies")
        constraints = [models.UniqueConstraint(fields=["policy", "user"], name="a_person_accepts_a_policy_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.policy}"


class ModuleQuerySet(models.QuerySet["Module"]):
    def in_force(self) -> ModuleQuerySet:
        return self.filter(in_force_at__isnull=False, retired_at=None)

    def needed_for(self, place: str) -> ModuleQuerySet:
        """The base modules and that of the network `place`."""
        return self.in_force().filter(Q(place="") | Q(place=place))

    def with_counts(self) -> ModuleQuerySet:
        """Each with how many `asked` questions it has, and how many people are `certified` now."""
        valid = Q(attempts__expires_at__gt=timezone.now(), attempts__user__is_active=True)
        return self.annotate(
            asked=models.Count("questions", distinct=True),
            certified=models.Count("attempts__user", filter=valid, distinct=True),
        )

    def lacked_by(self, user: User) -> ModuleQuerySet:
        """Those for which this person has no certificate that is valid now."""
        held = Attempt.objects.valid().filter(module=models.OuterRef("pk"), user=user)
        return self.filter(~models.Exists(held))


class Module(models.Model):
    """What one must know before answering: a base module, or that of one network (`place`)."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    place = models.SlugField(_("network"), max_length=40, blank=True, help_text=_("Empty: a base module, for all."))
    content = models.TextField(_("content"), max_length=20_000)
    pass_mark = models.PositiveSmallIntegerField(_("pass mark"), default=80, help_text=_("Percent of the questions."))
    valid_days = models.PositiveSmallIntegerField(_("valid for"), default=365, help_text=_("Days; then once more."))
    position = models.PositiveSmallIntegerField(_("order"), default=100)
    in_force_at = models.DateTimeField(_("in force"), null=True, blank=True)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    objects = ModuleQuerySet.as_manager()

    class Meta:
        ordering = ["place", "position", "name"]
        verbose_name = _("module")
        verbose_name_plural = _("modules")
        constraints = [
            models.CheckConstraint(
                condition=Q(pass_mark__gte=1, pass_mark__lte=100), name="a_pass_mark_is_a_percentage"
            ),
            models.CheckConstraint(condition=Q(valid_days__gte=1), name="a_certificate_is_valid_for_a_day_at_least"),
        ]

    def __str__(self) -> str:
        return self.name


class ModuleQuestion(models.Model):
    """`right` is the place of the right choice, from 0."""

    module = models.ForeignKey(Module, on_delete=models.CASCADE, related_name="questions")
    text = models.CharField(_("question"), max_length=500)
    choices = ArrayField(models.CharField(max_length=300), verbose_name=_("choices"))
    right = models.PositiveSmallIntegerField(_("right choice"))
    position = models.PositiveSmallIntegerField(_("order"), default=100)

    class Meta:
        ordering = ["position", "id"]
        verbose_name = _("question of a module")
        verbose_name_plural = _("questions of modules")
        constraints = [
            models.CheckConstraint(
                condition=Q(right__lt=Func(F("choices"), function="cardinality", output_field=models.IntegerField())),
                name="the_right_choice_is_among_the_choices",
            )
        ]

    def __str__(self) -> str:
        return self.text


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def valid(self, now: datetime | None = None) -> AttemptQuerySet:
        """Passed, and not run out."""
        return self.filter(expires_at__gt=now or timezone.now())

    def running_out(self, now: datetime, until: datetime) -> AttemptQuerySet:
        """Certificates that end by then, of people who are here, for modules in force, not renewed, not told of yet."""
        same = Attempt.objects.filter(user=models.OuterRef("user"), module=models.OuterRef("module"))
        ending = self.filter(expires_at__gt=now, expires_at__lte=until, reminded_at=None, user__is_active=True)
        in_force = ending.filter(module__in_force_at__isnull=False, module__retired_at=None)
        return in_force.exclude(models.Exists(same.filter(expires_at__gt=until)))


class Attempt(models.Model):
    """One try at a module's questions. A passed one is a certificate until `expires_at`."""

    module = models.ForeignKey(Module, on_delete=models.CASCADE, related_name="attempts")
    user = models.ForeignKey("crm.User", on_delete=models.CASCADE, related_name="attempts")
    right = models.PositiveSmallIntegerField(_("right answers"))
    asked = models.PositiveSmallIntegerField(_("questions"))
    at = models.DateTimeField(_("taken"), default=timezone.now)
    expires_at = models.DateTimeField(_("valid until"), null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["-at"]
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        constraints = [
            models.CheckConstraint(condition=Q(right__lte=F("asked")), name="nobody_is_right_more_often_than_asked")
        ]
        indexes = [
            models.Index(
                fields=["user", "module", "-expires_at"], condition=Q(expires_at__isnull=False), name="certificate"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.module}"
