"""What Hark learns reading from: what people put right, words of a language or brand, and the models fitted on both."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.reading.linear import LinearModel


class Aspect(models.TextChoices):
    """What is read of a message, and can be put right."""

    SENTIMENT = "sentiment", _("Mood")
    INTENT = "intent", _("What they want")
    TOPIC = "topic", _("About")
    URGENCY = "urgency", _("Urgency")
    LANGUAGE = "language", _("Language")


class CorrectionQuerySet(models.QuerySet["Correction"]):
    def in_force(self) -> CorrectionQuerySet:
        """The last word on each aspect of each message, on the words that stand there now.

        Who erased their words teaches nothing any more; nor does what was said of a message before it was edited.
        """
        later = Correction.objects.filter(
            message=models.OuterRef("message"), aspect=models.OuterRef("aspect"), pk__gt=models.OuterRef("pk")
        )
        edited_since = models.Q(message__edited_at__gt=models.F("at"))
        return self.filter(~models.Exists(later), message__erased_at=None).exclude(edited_since)

    def confirming(self) -> CorrectionQuerySet:
        return self.filter(now=models.F("was"))

    def of_mistakes(self) -> CorrectionQuerySet:
        return self.exclude(now=models.F("was"))


class Correction(models.Model):
    """Somebody looked at how a message was read and said how it is: the same (`now` is `was`) or something else."""

    message = models.ForeignKey(
        "channels_app.Message", on_delete=models.CASCADE, related_name="corrections", verbose_name=_("message")
    )
    aspect = models.CharField(_("what of it"), max_length=9, choices=Aspect.choices)
    was = models.CharField(_("was read as"), max_length=10, blank=True)
    was_confidence = models.FloatField(_("read with confidence"), default=0, help_text=_("0 to 1"))
    reader = models.CharField(_("read by"), max_length=40, blank=True, help_text=_("version of the reader"))
    now = models.CharField(_("is"), max_length=10)
    by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        indexes = [
            models.Index(fields=["message", "aspect", "-id"], name="correction_of_a_message"),
            models.Index(fields=["aspect", "at"], name="correction_by_week"),
        ]

    def __str__(self) -> str:
        return f"{self.get_aspect_display()}: {self.was} → {self.now}"

    @property
    def confirms(self) -> bool:
        return self.was == self.now


class LexiconWordQuerySet(models.QuerySet["LexiconWord"]):
    def in_use(self) -> LexiconWordQuerySet:
        return self.filter(removed_at=None)


class LexiconWord(models.Model):
    """A word or phrase a lead added for a language, everywhere or for one brand. It goes before those Hark came with.

    `weight` runs from -1 to 1: of the mood, how good or bad it is (`value` is empty); else how strongly it speaks for
    `value`, and below 0 against it. 0 takes the word's meaning away.
    """

    language = models.CharField(_("language"), max_length=8)
    brand = models.CharField(_("brand"), max_length=80, blank=True, help_text=_("Empty: for all of them."))
    aspect = models.CharField(_("speaks of"), max_length=9, choices=Aspect.choices)
    value = models.CharField(_("for"), max_length=10, blank=True)
    words = models.CharField(_("word or phrase"), max_length=80)
    weight = models.FloatField(_("weight"), default=1)
    added_by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("added by")
    )
    added_at = models.DateTimeField(_("added"), default=timezone.now)
    removed_by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("taken out by")
    )
    removed_at = models.DateTimeField(_("taken out"), null=True, blank=True)

    objects = LexiconWordQuerySet.as_manager()

    class Meta:
        verbose_name = _("word for reading")
        verbose_name_plural = _("words for reading")
        constraints = [
            models.UniqueConstraint(
                fields=["language", "brand", "aspect", "value", "words"], condition=models.Q(removed_at=None),
                name="a_word_stands_once_per_language_and_brand",
            ),
            models.CheckConstraint(
                condition=models.Q(weight__gte=-1, weight__lte=1), name="a_word_weighs_between_minus_1_and_1"
            ),
            models.CheckConstraint(condition=~models.Q(words=""), name="a_word_for_reading_has_letters"),
            models.CheckConstraint(
                condition=models.Q(aspect="sentiment", value="")
                | ~models.Q(value="") & ~models.Q(aspect__in=["sentiment", "language"]),
                name="a_word_speaks_for_a_mood_or_a_value",
            ),
            models.CheckConstraint(
                condition=models.Q(removed_by=None) | models.Q(removed_at__isnull=False),
                name="who_took_a_word_out_says_when",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.words


class FittedModelQuerySet(models.QuerySet["FittedModel"]):
    def live(self) -> FittedModel | None:
        """The one in use; None where that is the one Hark came with."""
        return self.filter(is_live=True).first()

    def before(self, model: FittedModel) -> FittedModel | None:
        """The newest of those fitted before it that were once in use; None: the one Hark came with."""
        return self.filter(pk__lt=model.pk, live_since__isnull=False).order_by("-pk").first()

    def without_body(self) -> FittedModelQuerySet:
        """For lists: a body has megabytes."""
        return self.defer("body").select_related("fitted_by")


class FittedModel(models.Model):
    """A model fitted on the base and on corrections, with how it did beside the one in use. Only one is live."""

    version = models.CharField(_("version"), max_length=30, unique=True)
    base = models.CharField(_("fitted from"), max_length=30, help_text=_("version of the model it started from"))
    fitted_at = models.DateTimeField(_("fitted"), default=timezone.now)
    fitted_by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("fitted by")
    )
    body = models.BinaryField(editable=False)
    sha256 = models.CharField(_("checksum"), max_length=64, help_text=_("SHA-256 of the file"))
    report = models.JSONField(
        _("report"), default=dict, blank=True,
        help_text=_("Counts and scores on the share held back: of this one, of the one in use, and which won."),
    )  # fmt: skip
    is_live = models.BooleanField(_("in use"), default=False)
    live_since = models.DateTimeField(_("put in use"), null=True, blank=True)
    live_until = models.DateTimeField(_("taken out of use"), null=True, blank=True)

    objects = FittedModelQuerySet.as_manager()

    class Meta:
        verbose_name = _("model for reading")
        verbose_name_plural = _("models for reading")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["is_live"], condition=models.Q(is_live=True), name="one_model_is_live"),
            models.CheckConstraint(
                condition=models.Q(is_live=False) | models.Q(live_since__isnull=False, live_until=None),
                name="a_live_model_says_since_when",
            ),
        ]

    def __str__(self) -> str:
        return self.version

    def load(self) -> LinearModel:
        """Raises BrokenModel, whose text is the sentence, where its body is not what was stored."""
        return LinearModel.loads(bytes(self.body), self.sha256)


class TrainingQuerySet(models.QuerySet["Training"]):
    def open(self) -> TrainingQuerySet:
        return self.filter(finished_at=None)


class Training(models.Model):
    """Somebody asked for a model to be fitted. Killed half way, it is begun again; what came of it stays here."""

    class Step(models.TextChoices):
        ASKED = "asked", _("Waits for a worker")
        GATHERING = "gathering", _("Gathers what was put right")
        FITTING = "fitting", _("Fits the model")
        WEIGHING = "weighing", _("Weighs it against the one in use")
        DONE = "done", _("Done")

    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    asked_by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("asked by")
    )
    put_live = models.BooleanField(_("put in use if better"), default=True)
    step = models.CharField(_("step"), max_length=9, choices=Step.choices, default=Step.ASKED)
    moved_at = models.DateTimeField(_("last moved"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    model = models.ForeignKey(
        FittedModel, on_delete=models.PROTECT, null=True, blank=True, related_name="trainings", verbose_name=_("model")
    )
    refusal = models.CharField(_("why there is none"), max_length=300, blank=True)

    objects = TrainingQuerySet.as_manager()

    class Meta:
        verbose_name = _("training")
        verbose_name_plural = _("trainings")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(finished_at=None), name="one_training_at_a_time"
            ),
            models.CheckConstraint(
                condition=models.Q(finished_at=None, model=None, refusal="") & ~models.Q(step="done")
                | models.Q(finished_at__isnull=False, model__isnull=False, step="done", refusal="")
                | models.Q(finished_at__isnull=False, model=None, step="done") & ~models.Q(refusal=""),
                name="a_training_that_is_done_says_what_came_of_it",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_step_display()} #{self.pk}"


class RereadingQuerySet(models.QuerySet["Rereading"]):
    def open(self) -> RereadingQuerySet:
        return self.filter(finished_at=None, stopped_at=None)


class Rereading(models.Model):
    """Old messages brought up to a version of the reader, a batch at a time, the newest first; how far it is stands
    here.
    """

    version = models.CharField(_("to version"), max_length=40)
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    started_by = models.ForeignKey(
        "crm.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("started by")
    )
    up_to = models.PositiveBigIntegerField(_("from message"), help_text=_("The newest when it began."))
    reached = models.PositiveBigIntegerField(_("reached message"), help_text=_("All from this one on are done."))
    total = models.PositiveIntegerField(_("messages"), default=0)
    looked_at = models.PositiveIntegerField(_("looked at"), default=0)
    changed = models.PositiveIntegerField(_("read otherwise than before"), default=0)
    moved_at = models.DateTimeField(_("last moved"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)

    objects = RereadingQuerySet.as_manager()

    class Meta:
        verbose_name = _("rereading")
        verbose_name_plural = _("rereadings")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=models.Q(finished_at=None, stopped_at=None), name="one_rereading_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.looked_at}/{self.total}"

    @property
    def is_open(self) -> bool:
        return self.finished_at is None and self.stopped_at is None

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        if self.finished_at is not None:
            return 1.0
        return min(1.0, self.looked_at / self.total) if self.total else 0.0
