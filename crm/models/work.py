"""What people can do and when: skills, absences; and the groups that know what care does not."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from crm.models.staff import User


class SkillQuerySet(models.QuerySet["Skill"]):
    def in_use(self) -> SkillQuerySet:
        return self.filter(retired_at=None)

    def with_people(self) -> SkillQuerySet:
        """Each with `who`: how many have it."""
        return self.annotate(who=models.Count("people"))


class Skill(models.Model):
    """Something a case may need and a person may have: "Refunds", "Wheelchairs". A retired one is needed no more."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    people = models.ManyToManyField("crm.User", related_name="skills", blank=True, verbose_name=_("people"))
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True)

    objects = SkillQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("skill")
        verbose_name_plural = _("skills")

    def __str__(self) -> str:
        return self.name


class AbsenceQuerySet(models.QuerySet["Absence"]):
    def standing(self) -> AbsenceQuerySet:
        """Planned or under way."""
        return self.filter(ended_at=None)

    def at(self, moment: datetime) -> AbsenceQuerySet:
        return self.standing().filter(starts_at__lte=moment, ends_at__gt=moment)

    def between(self, start: datetime, end: datetime) -> AbsenceQuerySet:
        """Those that share a moment with that time."""
        return self.standing().filter(starts_at__lt=end, ends_at__gt=start)

    def visible_to(self, user: User) -> AbsenceQuerySet:
        """Leads see everybody's, others their own."""
        return self if user.leads else self.filter(user=user)

    def to_begin(self, now: datetime) -> AbsenceQuerySet:
        return self.at(now).filter(began_at=None)

    def to_end(self, now: datetime) -> AbsenceQuerySet:
        return self.standing().filter(ends_at__lte=now)


class Absence(models.Model):
    """Somebody is away. When it begins, their cases go to `cover`, or back to the queue; at its end they come back."""

    user = models.ForeignKey("crm.User", on_delete=models.CASCADE, related_name="absences", verbose_name=_("who"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    cover = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("covered by")
    )
    why = models.CharField(_("why"), max_length=120, blank=True)
    began_at = models.DateTimeField(null=True, blank=True, editable=False)  # their cases were handed on
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)  # what was left of them came back

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="an_absence_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(cover=None) | ~Q(cover=F("user")), name="nobody_covers_their_own_absence"
            ),
        ]
        indexes = [models.Index(fields=["ends_at"], condition=Q(ended_at=None), name="absence_not_over")]

    def __str__(self) -> str:
        return f"{self.user} · {self.starts_at:%d %b} – {self.ends_at:%d %b}"


class SupportGroupQuerySet(models.QuerySet["SupportGroup"]):
    def in_use(self) -> SupportGroupQuerySet:
        return self.filter(closed_at=None)

    def of(self, user: User) -> SupportGroupQuerySet:
        return self.filter(members=user)

    def answered_by(self, user: User) -> SupportGroupQuerySet:
        """Those this person is a member of, or answers for."""
        return self.filter(Q(members=user) | Q(owner=user)).distinct()

    def kept_by(self, user: User) -> SupportGroupQuerySet:
        """Leads all, others those they answer for."""
        return self if user.leads else self.filter(owner=user)


class SupportGroup(models.Model):
    """Colleagues outside care who know: billing, product, legal. They are asked inside a case and answer there."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    purpose = models.CharField(_("what they know"), max_length=200, blank=True)
    calendar = models.ForeignKey(
        "crm.Calendar", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("hours")
    )
    answer_minutes = models.PositiveIntegerField(
        _("answers within"), default=480, help_text=_("Minutes of their hours.")
    )
    members = models.ManyToManyField("crm.User", related_name="support_groups", blank=True, verbose_name=_("members"))
    owner = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+",
        verbose_name=_("who answers for it"),
        help_text=_("Hears of what is not answered in time."),
    )  # fmt: skip
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    objects = SupportGroupQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("support group")
        verbose_name_plural = _("support groups")

    def __str__(self) -> str:
        return self.name


class Notice(models.Model):
    """Something one person should hear of: in the bell, and in their digest where they want it."""

    class Kind(models.TextChoices):
        MENTION = "mention", _("Somebody mentions me or my team")
        GIVEN = "given", _("A case is given, offered or handed over to me")
        ANSWER = "answer", _("A question I asked is answered")
        ASKED = "asked", _("My support group is asked")
        APPROVAL = "approval", _("A reply waits for my approval, or mine is decided")
        PROMISE = "promise", _("A promise in one of my cases is at risk or broken")
        WAKE = "wake", _("A case I snoozed is back")
        RULE = "rule", _("A rule calls me")
        WAVE = "wave", _("A wave of a survey I made is planned, over, or needs me")
        PLAN = "plan", _("An action plan is given to me, taken from me, or changed by others")
        CALL = "call", _("A call is given to me, or one of mine is overdue")
        REQUEST = "request", _("My support group is asked in a call, or has answered what I asked")
        LEAD = "lead", _("A sales lead is given to me, or changed by others")
        TEAM = "team", _("Certificates, absences and other news of the team")
        CHANNEL = "channel", _("A channel I look after is in trouble, or works again")

    user = models.ForeignKey("crm.User", on_delete=models.CASCADE, related_name="notices", verbose_name=_("for"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    text = models.CharField(_("what"), max_length=300)
    url = models.CharField(_("where"), max_length=200, blank=True)
    subject_kind = models.CharField(_("kind of record"), max_length=60, blank=True)
    subject_id = models.BigIntegerField(_("record"), null=True, blank=True)
    by = models.ForeignKey("crm.User", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    at = models.DateTimeField(_("at"), default=timezone.now)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    mailed_at = models.DateTimeField(_("in a digest since"), null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes = [
            models.Index(fields=["user", "-id"], name="notice_of_a_person"),
            models.Index(fields=["user"], condition=Q(read_at=None), name="notice_unread"),
            models.Index(fields=["subject_kind", "subject_id"], name="notice_about_a_record"),
        ]

    def __str__(self) -> str:
        return self.text


class NoticeChoice(models.Model):
    """How one person wants to hear of one kind of notice. Without a row: in the bell, not by mail."""

    class Mail(models.TextChoices):
        NEVER = "never", _("Not by mail")
        HOURLY = "hourly", _("In an hourly digest")
        DAILY = "daily", _("In a daily digest")

    user = models.ForeignKey("crm.User", on_delete=models.CASCADE, related_name="notice_choices")
    kind = models.CharField(_("kind"), max_length=10, choices=Notice.Kind.choices)
    in_app = models.BooleanField(_("in the bell"), default=True)
    mail = models.CharField(_("by mail"), max_length=8, choices=Mail.choices, default=Mail.NEVER)

    class Meta:
        verbose_name = _("choice of notices")
        verbose_name_plural = _("choices of notices")
        constraints = [models.UniqueConstraint(fields=["user", "kind"], name="a_person_chooses_once_per_kind")]

    def __str__(self) -> str:
        return f"{self.user} · {self.kind}"
