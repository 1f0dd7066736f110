"""What the house says in place of Hark's own sentences, on the phone and in what is written instead."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class CallText(models.Model):
    """One sentence in one language. Where none stands, Hark's own is said: `surveys.outreach.texts` has them all."""

    class Key(models.TextChoices):
        HELLO = "hello", _("A letter begins")
        THANKS = "thanks", _("A letter thanks")
        THANKS_SUBJECT = "thanks_subject", _("A letter thanks: its subject")
        TOLD = "told", _("A letter tells what came of it")
        TOLD_SUBJECT = "told_subject", _("A letter tells what came of it: its subject")
        TOLD_END = "told_end", _("A letter tells what came of it: its end")
        SAY_HELLO = "say_hello", _("A call begins")
        SAY_THANKS = "say_thanks", _("A call thanks for an answer")
        SAY_THANKS_UNDATED = "say_thanks_undated", _("A call thanks for an answer that has no day")
        SAY_LIKED = "say_liked", _("A call names what they liked")
        SAY_UNHAPPY = "say_unhappy", _("A call names what they were unhappy about")
        SAY_OPEN = "say_open", _("A call names a case that is open")
        SAY_OPEN_MANY = "say_open_many", _("A call names that several cases are open")
        ASK_PROMOTER = "ask_promoter", _("A call asks a promoter")
        ASK_PASSIVE = "ask_passive", _("A call asks somebody passive")
        ASK_DETRACTOR = "ask_detractor", _("A call asks a detractor")
        SAY_SPOKE_ON = "say_spoke_on", _("A second call: they spoke to us on a day")
        SAY_SPOKE = "say_spoke", _("A second call: they told us")
        SAY_STAYS = "say_stays", _("A second call: what they praised stays")
        SAY_ASKED = "say_asked", _("A second call: groups were asked")
        SAY_CHANGED = "say_changed", _("A second call: something has changed")

    key = models.CharField(_("where it is said"), max_length=20, choices=Key.choices)
    language = models.CharField(_("language"), max_length=8)
    text = models.TextField(_("text"), max_length=600)

    class Meta:
        ordering = ["key", "language"]
        verbose_name = _("text of calls")
        verbose_name_plural = _("texts of calls")
        constraints = [
            models.UniqueConstraint(fields=["key", "language"], name="a_text_of_calls_stands_once_in_a_language"),
            models.CheckConstraint(condition=~Q(text=""), name="a_text_of_calls_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.get_key_display()} ({self.language})"
