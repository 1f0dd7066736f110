"""Cases that began with nearly the same words: what is kept to find them, who stands behind whom, what was answered."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from cases.models.states import Outcome

BANDS = ("band_1", "band_2", "band_3", "band_4", "band_5", "band_6")


class Opening(models.Model):
    """How the words read with which a case began that no earlier one was like: numbers, by which later ones find it.

    Of a flood there is one of these, however many belong to it. With `apart` nobody is put with it.
    """

    message = models.OneToOneField(
        "channels_app.Message", on_delete=models.CASCADE, primary_key=True, related_name="opening"
    )
    at = models.DateTimeField(default=timezone.now)
    same = models.BigIntegerField(help_text=_("one number for one text, team and brand"))
    # the bands of its MinHash signature; none of a short text
    band_1 = models.IntegerField(null=True)
    band_2 = models.IntegerField(null=True)
    band_3 = models.IntegerField(null=True)
    band_4 = models.IntegerField(null=True)
    band_5 = models.IntegerField(null=True)
    band_6 = models.IntegerField(null=True)
    apart = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("opening words")
        verbose_name_plural = _("opening words")
        indexes = [
            models.Index(fields=["same"], name="opening_same"),
            # a column each: asked for the 3,000 bands of a batch, GIN over an array took a hundred times as long
            *(models.Index(fields=[band], name=f"opening_{band}") for band in BANDS),
            BrinIndex(fields=["at"], name="opening_age"),
        ]

    def __str__(self) -> str:
        return str(self.message_id)


class FloodQuerySet(models.QuerySet["Flood"]):
    def stale(self) -> FloodQuerySet:
        """Something came to them that their heads do not say yet."""
        return self.filter(stale=True)

    def headless(self) -> FloodQuerySet:
        """Somebody stands behind a head that does not need us any more, or behind none."""
        hidden = FloodMember.objects.in_force().filter(flood=models.OuterRef("pk"), case__behind=True)
        gone = Q(head=None) | ~Q(head__state__in=["new", "open"]) | Q(head__behind=True)
        return self.filter(gone, models.Exists(hidden.filter(case__state="new")))


class Flood(models.Model):
    """Cases of one team that began with nearly the same words. The most urgent of those that need us is its `head`,
    in whose row the queue says how many others there are."""

    team = models.ForeignKey("crm.Team", on_delete=models.CASCADE, related_name="+", verbose_name=_("team"))
    opening = models.OneToOneField(
        Opening, on_delete=models.SET_NULL, null=True, related_name="flood",
        help_text=_("By which others find it; none once it is too long ago, or its words were erased."),
    )  # fmt: skip
    head = models.ForeignKey(
        "cases.Case", on_delete=models.SET_NULL, null=True, related_name="heads", verbose_name=_("head")
    )
    behind = models.PositiveIntegerField(_("stand behind it"), default=0)
    began_at = models.DateTimeField(_("began"), default=timezone.now)
    last_at = models.DateTimeField(_("last came"), default=timezone.now)
    stale = models.BooleanField(default=False)
    told_at = models.DateTimeField(null=True, help_text=_("when open pages were last told how many there are"))

    objects = FloodQuerySet.as_manager()

    class Meta:
        verbose_name = _("cases that are alike")
        verbose_name_plural = _("cases that are alike")
        indexes = [models.Index(fields=["id"], condition=Q(stale=True), name="flood_stale")]

    def __str__(self) -> str:
        return f"~{self.pk}"


class FloodMemberQuerySet(models.QuerySet["FloodMember"]):
    def in_force(self) -> FloodMemberQuerySet:
        """Those that nobody took out."""
        return self.filter(parted_at=None)

    def that_need_us(self) -> FloodMemberQuerySet:
        return self.in_force().filter(case__state__in=["new", "open"])

    def in_turn(self) -> FloodMemberQuerySet:
        return self.order_by("case__rank", "case__turn_at", "case")


class FloodMember(models.Model):
    """A case in a flood. Once it is taken out (`parted`), it stays out."""

    case = models.OneToOneField("cases.Case", on_delete=models.CASCADE, primary_key=True, related_name="membership")
    flood = models.ForeignKey(Flood, on_delete=models.CASCADE, related_name="members")
    joined_at = models.DateTimeField(_("joined"), default=timezone.now)
    parted_at = models.DateTimeField(_("taken out"), null=True, blank=True)
    parted_by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by"),
        help_text=_("Nobody: the customer has said more since."),
    )  # fmt: skip

    objects = FloodMemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("case among alike ones")
        verbose_name_plural = _("cases among alike ones")
        constraints = [
            models.CheckConstraint(
                condition=Q(parted_by=None) | Q(parted_at__isnull=False), name="who_took_a_case_out_says_when"
            )
        ]

    def __str__(self) -> str:
        return f"#{self.case_id} {self.flood}"


class FloodAnswerQuerySet(models.QuerySet["FloodAnswer"]):
    def under_way(self) -> FloodAnswerQuerySet:
        return self.filter(state__in=[FloodAnswer.State.WAITING, FloodAnswer.State.RUNNING])

    def due(self, now: datetime) -> FloodAnswerQuerySet:
        return self.under_way().filter(starts_at__lte=now)


class FloodAnswer(models.Model):
    """One answer to many: `text` to each of them, or none at all, and then resolved with `cause` where it names one."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Can still be undone")
        RUNNING = "running", _("Under way")
        DONE = "done", _("Done")
        UNDONE = "undone", _("Undone")
        STOPPED = "stopped", _("Stopped")

    flood = models.ForeignKey(Flood, on_delete=models.CASCADE, related_name="answers")
    like = models.ForeignKey(
        "cases.Case", on_delete=models.CASCADE, related_name="+", verbose_name=_("as in"),
        help_text=_("The case in which it was decided, and to which the others are linked by it."),
    )  # fmt: skip
    text = models.TextField(_("text"), blank=True)
    cause = models.ForeignKey(
        "cases.Cause", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("cause")
    )
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices, blank=True)
    by = models.ForeignKey("crm.User", on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), default=timezone.now)
    starts_at = models.DateTimeField(_("begins"), help_text=_("Until then it can be undone as if it had not been."))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.WAITING)

    objects = FloodAnswerQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = _("answer to alike cases")
        verbose_name_plural = _("answers to alike cases")
        constraints = [
            models.CheckConstraint(
                condition=~Q(text="") | Q(cause__isnull=False) | Q(state__in=["done", "undone", "stopped"]),
                name="an_answer_to_many_says_or_resolves",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "running"], ended_at=None)
                | Q(state__in=["done", "undone", "stopped"], ended_at__isnull=False),
                name="an_answer_to_many_that_is_over_says_when",
            ),
            models.UniqueConstraint(
                fields=["flood"], condition=Q(state__in=["waiting", "running"]),
                name="alike_cases_are_answered_by_one_at_a_time",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.text[:60] or str(self.cause or "")

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)


class FloodReplyQuerySet(models.QuerySet["FloodReply"]):
    def to_do(self) -> FloodReplyQuerySet:
        return self.filter(done_at=None)

    def refused(self) -> FloodReplyQuerySet:
        return self.filter(done_at__isnull=False).exclude(refusal="")


class FloodReply(models.Model):
    """One case of an answer to many: done, refused with the sentence that says why, or still to do."""

    answer = models.ForeignKey(FloodAnswer, on_delete=models.CASCADE, related_name="replies")
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="flood_replies")
    delivery = models.OneToOneField(
        "channels_app.Delivery", on_delete=models.SET_NULL, null=True, blank=True, related_name="flood_reply"
    )
    refusal = models.CharField(_("why not"), max_length=500, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)

    objects = FloodReplyQuerySet.as_manager()

    class Meta:
        verbose_name = _("case of an answer to many")
        verbose_name_plural = _("cases of answers to many")
        constraints = [
            models.UniqueConstraint(fields=["answer", "case"], name="a_case_is_answered_once_per_answer_to_many"),
            models.CheckConstraint(condition=Q(refusal="") | Q(done_at__isnull=False), name="a_refusal_says_when"),
        ]
        indexes = [models.Index(F("answer"), F("id"), condition=Q(done_at=None), name="flood_reply_to_do")]

    def __str__(self) -> str:
        return f"#{self.case_id}"
