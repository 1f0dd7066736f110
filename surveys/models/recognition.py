"""Thanks by name to one of us, and customers who speak up for us: why they are asked, and what they were written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from surveys.models.answers import Answer

if TYPE_CHECKING:
    from crm.models import User


# --- one of us is thanked by name


class RecognitionQuerySet(models.QuerySet["Recognition"]):
    def standing(self) -> RecognitionQuerySet:
        """Not those that were taken back."""
        return self.filter(taken_back_at=None)

    def visible_to(self, user: User) -> RecognitionQuerySet:
        """Leads see all; others what they said, and what was said to them."""
        return self if user.leads else self.filter(Q(person=user) | Q(by=user))

    def with_subject(self) -> RecognitionQuerySet:
        """With all that a card shows of them."""
        return self.select_related("by", "person", "customer", "case__customer", "call__customer", "plan")


class Recognition(models.Model):
    """One of us thanks another by name, for one thing. The words stand on their card. How often it was said is
    told of a team, and in the file for leads; nobody is ranked by it.

    `customer`, `case`, `call` or `plan` is what it is for, where it is for one of these. Words go when a customer of
    whom they may tell is erased.
    """

    class What(models.TextChoices):
        SAVED = "saved", _("Saved a customer")
        KEPT = "kept", _("Kept a promise")
        PREVENTED = "prevented", _("Prevented a cause")
        OTHER = "other", _("Something else")

    person = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, related_name="recognitions", verbose_name=_("who is thanked")
    )
    what = models.CharField(_("for"), max_length=9, choices=What.choices, default=What.OTHER)
    words = models.CharField(_("in words"), max_length=500, blank=True)
    customer = models.ForeignKey(
        "crm.Customer", on_delete=models.SET_NULL, related_name="+", null=True, blank=True, verbose_name=_("customer")
    )
    case = models.ForeignKey(
        "cases.Case", on_delete=models.SET_NULL, related_name="+", null=True, blank=True, verbose_name=_("case")
    )
    call = models.ForeignKey(
        "surveys.Call", on_delete=models.SET_NULL, related_name="+", null=True, blank=True, verbose_name=_("call")
    )
    plan = models.ForeignKey(
        "surveys.ActionPlan", on_delete=models.SET_NULL, related_name="+", null=True, blank=True,
        verbose_name=_("improvement"),
    )  # fmt: skip
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    taken_back_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    erased_at = models.DateTimeField(_("words erased at"), null=True, blank=True, editable=False)

    objects = RecognitionQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("recognition")
        verbose_name_plural = _("recognitions")
        indexes = [models.Index(fields=["person", "-at", "-id"], name="recognition_of_a_person")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(words="") | Q(erased_at__isnull=False), name="a_recognition_says_what_for"
            ),
            models.CheckConstraint(condition=~Q(person=models.F("by")), name="nobody_recognises_themselves"),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_what_display()}"

    @property
    def subject(self) -> models.Model | None:
        """What it is for, where that is a record."""
        return self.plan or self.call or self.case or self.customer


# --- customers who speak up for us


class AdvocateQuerySet(models.QuerySet["Advocate"]):
    def visible_to(self, user: User) -> AdvocateQuerySet:
        """Leads see whom we ask, and executives, who call them."""
        return self if user.sees_results else self.none()

    def standing(self) -> AdvocateQuerySet:
        """Of customers who are somebody: not those who were erased, nor those who are another record by now."""
        return self.filter(customer__erased_at=None, customer__merged_into=None)

    def in_state(self, state: str) -> AdvocateQuerySet:
        return self.filter(state=state)

    def with_reasons(self) -> AdvocateQuerySet:
        """With all that a list shows of them. Three queries more."""
        said = models.Prefetch("response__answers", Answer.objects.verbatims(), to_attr="comments")
        reasons = AdvocateReason.objects.select_related("message", "response").order_by("-at", "-pk")
        return self.prefetch_related(models.Prefetch("reasons", reasons.prefetch_related(said)), "letters")


class Advocate(models.Model):
    """A customer who praises us or helps others, from the day that was noticed on. Once per customer.

    Hark finds candidates; a person asks them, writes down what they said, and may end it. Who declined, or with whom
    it ended, is not found again.
    """

    class State(models.TextChoices):
        CANDIDATE = "candidate", _("Candidate")
        INVITED = "invited", _("Invited")
        ADVOCATE = "advocate", _("Advocate")
        DECLINED = "declined", _("Declined")
        ENDED = "ended", _("Ended")

    customer = models.OneToOneField("crm.Customer", on_delete=models.CASCADE, related_name="advocate")
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.CANDIDATE)
    found_at = models.DateTimeField(_("found"), default=timezone.now)
    since = models.DateTimeField(_("so since"), default=timezone.now)
    moved_by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", null=True, blank=True)
    how = models.CharField(_("how we know"), max_length=300, blank=True, help_text=_("What they said, and where."))

    objects = AdvocateQuerySet.as_manager()

    class Meta:
        ordering = ["-since", "-id"]
        verbose_name = _("advocate")
        verbose_name_plural = _("advocates")
        indexes = [models.Index(fields=["state", "-since", "-id"], name="advocate_by_state")]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="candidate") | Q(moved_by__isnull=False), name="a_person_asks_who_speaks_up_for_us"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.get_state_display()}"

    def get_absolute_url(self) -> str:
        return f"{reverse('surveys:advocates')}?state={self.state}#advocate-{self.pk}"


class AdvocateReason(models.Model):
    """Why somebody is a candidate: one answer to a survey, or one post; one may read it there."""

    class Kind(models.TextChoices):
        PROMOTER = "promoter", _("Recommends us and says why")
        PRAISED = "praised", _("Praised us")
        HELPED = "helped", _("Helped another customer")

    advocate = models.ForeignKey(Advocate, on_delete=models.CASCADE, related_name="reasons")
    kind = models.CharField(_("why"), max_length=8, choices=Kind.choices)
    response = models.ForeignKey(
        "surveys.Response", on_delete=models.CASCADE, related_name="+", null=True, blank=True, verbose_name=_("answer")
    )
    message = models.ForeignKey(
        "channels_app.Message", on_delete=models.CASCADE, related_name="+", null=True, blank=True,
        verbose_name=_("post"),
    )  # fmt: skip
    at = models.DateTimeField(_("at"))

    class Meta:
        ordering = ["advocate", "-at", "-id"]
        verbose_name = _("reason to ask an advocate")
        verbose_name_plural = _("reasons to ask advocates")
        constraints = [
            models.UniqueConstraint(fields=["advocate", "response"], name="an_answer_is_one_reason"),
            models.UniqueConstraint(fields=["advocate", "message"], name="a_post_is_one_reason"),
            models.CheckConstraint(
                condition=Q(kind="promoter", response__isnull=False, message=None)
                | Q(kind__in=["praised", "helped"], response=None, message__isnull=False),
                name="a_reason_can_be_read",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.at:%Y-%m-%d}"


class AdvocateLetterQuerySet(models.QuerySet["AdvocateLetter"]):
    def to_mail(self) -> AdvocateLetterQuerySet:
        """Written, and neither sent, nor claimed by a sender, nor given up."""
        return self.filter(sent_at=None, claimed_at=None, failed="")


class AdvocateLetter(models.Model):
    """An invitation, or thanks, to one customer. Claimed before it is sent: a claim without an end is in doubt."""

    class Kind(models.TextChoices):
        INVITE = "invite", _("Invitation")
        THANK = "thank", _("Thanks")

    advocate = models.ForeignKey(Advocate, on_delete=models.CASCADE, related_name="letters")
    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices)
    text = models.TextField(_("text"), max_length=4000, blank=True)
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("written"), default=timezone.now)
    private = models.BooleanField(_("as a private message"), default=False)
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
    failed = models.CharField(_("why it did not leave"), max_length=300, blank=True)

    objects = AdvocateLetterQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("letter to an advocate")
        verbose_name_plural = _("letters to advocates")
        indexes = [
            models.Index(
                fields=["at"], condition=Q(sent_at=None, claimed_at=None, failed=""), name="advocate_letter_to_mail"
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["advocate"], condition=Q(kind="invite", failed=""), name="an_advocate_is_invited_once"
            ),
            models.CheckConstraint(condition=Q(sent_at=None) | Q(failed=""), name="a_letter_left_or_did_not"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.advocate.customer}"
