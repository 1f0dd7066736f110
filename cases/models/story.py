"""The story told once: hand-overs, what we promised the customer, what colleagues were asked, who was offered what."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from crm.models import Team, User

RISK_SHARE = 4  # a commitment is at risk in the last quarter of the time it was given


class HandOverQuerySet(models.QuerySet["HandOver"]):
    def pending(self) -> HandOverQuerySet:
        return self.filter(state=HandOver.State.PENDING)

    def waiting_for(self, user: User) -> HandOverQuerySet:
        """Those this person may accept: named, or as one of the team; never what they gave away themselves."""
        return self.pending().filter(Q(to=user) | Q(to=None, team__in=user.team_ids)).exclude(by=user)

    def with_people(self) -> HandOverQuerySet:
        return self.select_related("by", "to", "team", "decided_by")


class HandOver(models.Model):
    """The case stays with `by` until `to`, or somebody of `team`, has accepted it."""

    class State(models.TextChoices):
        PENDING = "pending", _("Waits to be accepted")
        ACCEPTED = "accepted", _("Accepted")
        RETURNED = "returned", _("Returned")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="handovers")
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("from"))
    to = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("to")
    )
    team = models.ForeignKey(
        "crm.Team", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("to the team")
    )
    story = models.TextField(_("story so far"), max_length=4000)
    promised = models.CharField(_("what was promised"), max_length=500, blank=True)
    promised_until = models.DateTimeField(_("until"), null=True, blank=True)
    next_step = models.CharField(_("next step"), max_length=500)
    at = models.DateTimeField(_("at"), default=timezone.now)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.PENDING)
    decided_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(_("why it was returned"), max_length=300, blank=True)

    objects = HandOverQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("hand-over")
        verbose_name_plural = _("hand-overs")
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(state="pending"), name="a_case_is_handed_over_to_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(to__isnull=False) | Q(team__isnull=False), name="a_hand_over_names_who_gets_it"
            ),
            models.CheckConstraint(condition=Q(to=None) | ~Q(to=F("by")), name="nobody_hands_over_to_themselves"),
            models.CheckConstraint(
                condition=~Q(story="") & ~Q(next_step=""), name="a_hand_over_tells_the_story_and_the_next_step"
            ),
            models.CheckConstraint(
                condition=Q(state="pending", decided_at=None) | ~Q(state="pending") & Q(decided_at__isnull=False),
                name="a_decided_hand_over_says_when",
            ),
        ]
        indexes = [models.Index(fields=["to"], condition=Q(state="pending"), name="hand_over_to_accept")]

    def __str__(self) -> str:
        return f"#{self.case_id} → {self.receiver}"

    @property
    def receiver(self) -> User | Team | None:
        """Whom it waits for: a colleague, or whoever of a team accepts first."""
        return self.to or self.team

    @property
    def is_pending(self) -> bool:
        return self.state == self.State.PENDING


class CommitmentQuerySet(models.QuerySet["Commitment"]):
    def standing(self) -> CommitmentQuerySet:
        """Neither kept nor dropped."""
        return self.filter(kept_at=None, dropped_at=None)

    def overdue(self, now: datetime) -> CommitmentQuerySet:
        return self.standing().filter(until__lte=now)


class Commitment(models.Model):
    """What one of us promised this customer. It stands on the case until it is kept, or dropped with a reason."""

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="commitments")
    text = models.CharField(_("what we promised"), max_length=500)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    kept_at = models.DateTimeField(_("kept"), null=True, blank=True)
    dropped_at = models.DateTimeField(_("dropped"), null=True, blank=True)
    ended_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    why = models.CharField(_("why it was dropped"), max_length=300, blank=True)
    told_at = models.DateTimeField(null=True, blank=True, editable=False)  # its owner heard that it is due

    objects = CommitmentQuerySet.as_manager()

    class Meta:
        ordering = ["until", "id"]
        verbose_name = _("commitment")
        verbose_name_plural = _("commitments")
        constraints = [
            models.CheckConstraint(
                condition=Q(kept_at=None) | Q(dropped_at=None), name="a_commitment_is_kept_or_dropped_not_both"
            ),
            models.CheckConstraint(condition=Q(dropped_at=None) | ~Q(why=""), name="a_dropped_commitment_says_why"),
        ]
        indexes = [
            models.Index(fields=["until"], condition=Q(kept_at=None, dropped_at=None), name="commitment_standing")
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def stands(self) -> bool:
        return self.kept_at is None and self.dropped_at is None

    def is_overdue(self, now: datetime | None = None) -> bool:
        return self.stands and self.until is not None and self.until <= (now or timezone.now())

    def is_at_risk(self, now: datetime | None = None) -> bool:
        """Not over yet, but in the last quarter of the time it was given."""
        now = now or timezone.now()
        if not self.stands or self.until is None or self.until <= now:
            return False
        return (self.until - now) * RISK_SHARE <= self.until - self.at


class GroupQuestionQuerySet(models.QuerySet["GroupQuestion"]):
    def visible_to(self, user: User) -> GroupQuestionQuerySet:
        """Asked of groups this person is a member of now, whatever their role."""
        return self.filter(group__members=user)

    def waiting(self) -> GroupQuestionQuerySet:
        return self.filter(answered_at=None, withdrawn_at=None)

    def answered(self) -> GroupQuestionQuerySet:
        return self.filter(answered_at__isnull=False)

    def overdue(self, now: datetime) -> GroupQuestionQuerySet:
        return self.waiting().filter(due_at__lte=now)

    def with_people(self) -> GroupQuestionQuerySet:
        return self.select_related("group", "by", "answered_by")


class GroupQuestion(models.Model):
    """A support group asked inside a case. Who asked stays the owner; the group answers here."""

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="questions")
    group = models.ForeignKey("crm.SupportGroup", on_delete=models.PROTECT, related_name="questions")
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by"))
    at = models.DateTimeField(_("asked"), default=timezone.now)
    text = models.TextField(_("question"), max_length=4000)
    due_at = models.DateTimeField(_("answer due"), null=True, blank=True)
    answer = models.TextField(_("answer"), max_length=8000, blank=True)
    answered_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = GroupQuestionQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name = _("question to a support group")
        verbose_name_plural = _("questions to support groups")
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at=None, answered_by=None)
                | Q(answered_at__isnull=False, answered_by__isnull=False),
                name="an_answer_says_when_and_by_whom",
            )
        ]
        indexes = [
            models.Index(
                fields=["group", "due_at", "id"], condition=Q(answered_at=None, withdrawn_at=None),
                name="question_waiting",
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def waits(self) -> bool:
        return self.answered_at is None and self.withdrawn_at is None

    def is_overdue(self, now: datetime | None = None) -> bool:
        return self.waits and self.due_at is not None and self.due_at <= (now or timezone.now())


class OfferQuerySet(models.QuerySet["Offer"]):
    def standing(self) -> OfferQuerySet:
        """Neither answered nor run out, for a case that still waits in the queue."""
        return self.filter(state="offered", case__state="new", until__gt=timezone.now())

    def asked(self) -> OfferQuerySet:
        """Those that reached somebody: all but what was withdrawn."""
        return self.exclude(state="withdrawn")

    def to_lapse(self, now: datetime) -> OfferQuerySet:
        return self.filter(state="offered", until__lte=now)

    def pointless(self) -> OfferQuerySet:
        """Somebody has the case meanwhile, or it is no longer to be answered."""
        return self.filter(state="offered").exclude(case__state="new")


class Offer(models.Model):
    """A case offered to whom it fits best, with the reasons; it lapses at `until`."""

    class State(models.TextChoices):
        OFFERED = "offered", _("Offered")
        ACCEPTED = "accepted", _("Accepted")
        DECLINED = "declined", _("Declined")
        LAPSED = "lapsed", _("Lapsed")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="offers")
    user = models.ForeignKey("crm.User", on_delete=models.CASCADE, related_name="offers", verbose_name=_("to"))
    reasons = models.JSONField(_("why them"), default=list)
    at = models.DateTimeField(_("offered"), default=timezone.now)
    until = models.DateTimeField(_("until"))
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.OFFERED)
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = OfferQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("offer")
        verbose_name_plural = _("offers")
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=Q(state="offered"), name="a_case_is_offered_to_one_at_a_time"
            )
        ]
        indexes = [
            models.Index(fields=["user"], condition=Q(state="offered"), name="offer_to_a_person"),
            models.Index(fields=["until"], condition=Q(state="offered"), name="offer_to_lapse"),
        ]

    def __str__(self) -> str:
        return f"#{self.case_id} → {self.user}"

    @property
    def is_standing(self) -> bool:
        """As `standing()`, for a case that still waits."""
        return self.state == self.State.OFFERED and self.until > timezone.now()


class Lent(models.Model):
    """A case that went to somebody else for an absence, to be handed back at its end."""

    absence = models.ForeignKey("crm.Absence", on_delete=models.CASCADE, related_name="lent")
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="+")
    back_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("case lent for an absence")
        verbose_name_plural = _("cases lent for absences")
        constraints = [models.UniqueConstraint(fields=["absence", "case"], name="a_case_is_lent_once_per_absence")]

    def __str__(self) -> str:
        return f"#{self.case_id}"
