"""The people who work here, and their teams."""

from __future__ import annotations

import zoneinfo
from functools import cached_property
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    AGENT = "agent", _("Care agent")
    LEAD = "lead", _("Team lead")
    EXECUTIVE = "executive", _("Executive")
    SALES = "sales", _("Sales")
    SUPPORT = "support", _("Support group member")
    ADMIN = "admin", _("Administrator")


CARE_ROLES = (Role.AGENT, Role.LEAD, Role.ADMIN)
LEADING_ROLES = (Role.LEAD, Role.ADMIN)
CUSTOMER_ROLES = (*CARE_ROLES, Role.EXECUTIVE, Role.SALES)
ACCOUNT_ROLES = (*CARE_ROLES, Role.SALES)
RESULT_ROLES = (*LEADING_ROLES, Role.EXECUTIVE)
CALLING_ROLES = CUSTOMER_ROLES  # who calls customers knows them


def valid_time_zone(name: str) -> None:
    from django.core.exceptions import ValidationError

    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("%(name)s is not a time zone."), params={"name": name})


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, user: User) -> TeamQuerySet:
        if user.leads:
            return self
        return self.filter(members=user)

    def in_use(self) -> TeamQuerySet:
        return self.filter(closed_at=None)


class Mode(models.TextChoices):
    PULL = "pull", _("People take them")
    PUSH = "push", _("They are offered to people")


class Team(models.Model):
    Mode = Mode

    name = models.CharField(_("name"), max_length=80, unique=True)
    purpose = models.CharField(_("what this team does"), max_length=200, blank=True)
    mode = models.CharField(
        _("how cases reach people"), max_length=4, choices=Mode.choices, default=Mode.PULL,
        help_text=_("Offered: each case goes to whom it fits best, who says yes or no."),
    )  # fmt: skip
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    members = models.ManyToManyField("crm.User", through="crm.Membership", related_name="teams", blank=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("team")
        verbose_name_plural = _("teams")

    def __str__(self) -> str:
        return self.name


class UserQuerySet(models.QuerySet["User"]):
    def who_answer(self) -> UserQuerySet:
        """Those who may own a case."""
        return self.filter(is_active=True, role__in=CARE_ROLES)

    def who_lead(self) -> UserQuerySet:
        return self.filter(is_active=True, role__in=LEADING_ROLES)


class HarkUserManager(UserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    def create_superuser(self, username: str, email: str | None = None, password: str | None = None, **extra: object):  # type: ignore[no-untyped-def]  # noqa: ANN201
        return super().create_superuser(username, email, password, **{"role": Role.ADMIN, **extra})


class User(AbstractUser):
    """One person who works here. The role decides what they see; the teams decide whose queue."""

    role = models.CharField(_("role"), max_length=12, choices=Role.choices, default=Role.AGENT)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[valid_time_zone])
    languages = ArrayField(
        models.CharField(max_length=8), verbose_name=_("languages"), default=list, blank=True,
        help_text=_("Two-letter codes. Empty: English only."),
    )  # fmt: skip
    shift = models.ForeignKey(
        "crm.Calendar", on_delete=models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("shift"),
        help_text=_("When cases may be offered to them. Empty: at any time."),
    )  # fmt: skip
    load_cap = models.PositiveSmallIntegerField(
        _("cases at once"), default=25, help_text=_("They are offered no more than that.")
    )
    shortcuts_off_at = models.DateTimeField(_("keyboard shortcuts switched off at"), null=True, blank=True)

    objects: ClassVar[HarkUserManager] = HarkUserManager()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="a_person_has_a_known_role"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @property
    def initials(self) -> str:
        parts = str(self).split()
        return "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper()

    @property
    def answers(self) -> bool:
        """May work the queue."""
        return self.role in CARE_ROLES

    @property
    def leads(self) -> bool:
        return self.role in LEADING_ROLES

    @property
    def sees_results(self) -> bool:
        """Of surveys: figures, comments and who said them."""
        return self.role in RESULT_ROLES

    @property
    def knows_customers(self) -> bool:
        return self.role in CUSTOMER_ROLES

    @property
    def edits_accounts(self) -> bool:
        return self.role in ACCOUNT_ROLES

    @cached_property
    def keeps_groups(self) -> bool:
        """Answers for a support group, and may change by what it is asked."""
        from crm.models.work import SupportGroup

        return SupportGroup.objects.filter(owner=self).exists()

    @cached_property
    def team_ids(self) -> list[int]:
        """Pks of this person's teams: asked once a request, since every guard needs them."""
        return list(self.memberships.values_list("team_id", flat=True))


class Membership(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        verbose_name = _("team member")
        verbose_name_plural = _("team members")
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="a_person_joins_a_team_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.team}"
