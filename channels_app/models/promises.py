"""What a channel promises: when we are there, what we do there and what not, and how soon we answer."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise


def _minutes(label: StrOrPromise, default: int, help_text: str = "") -> models.PositiveIntegerField:
    return models.PositiveIntegerField(label, default=default, help_text=help_text)


class ChannelPromise(models.Model):
    """Minutes are minutes of the channel's hours. `…_warn` is how long before the end a promise counts as at risk.

    A channel without a row promises what the defaults say, day and night.
    """

    channel = models.OneToOneField("channels_app.Channel", on_delete=models.CASCADE, related_name="promise")
    calendar = models.ForeignKey(
        "crm.Calendar", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("hours"),
        help_text=_("Empty: day and night, all year."),
    )  # fmt: skip
    acknowledge_minutes = _minutes(_("acknowledged within"), 60)
    acknowledge_warn = _minutes(_("at risk before"), 15)
    answer_minutes = _minutes(_("answered within"), 240)
    answer_warn = _minutes(_("at risk before"), 60)
    resolve_minutes = _minutes(_("resolved within"), 4320)
    resolve_warn = _minutes(_("at risk before"), 480)
    what_we_do = models.TextField(_("what we do here"), max_length=2000, blank=True)
    what_we_do_not = models.TextField(_("what we do not do here"), max_length=2000, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)

    class Meta:
        verbose_name = _("promise of a channel")
        verbose_name_plural = _("promises of channels")
        constraints = [
            models.CheckConstraint(
                condition=Q(acknowledge_warn__lt=F("acknowledge_minutes"))
                & Q(answer_warn__lt=F("answer_minutes"))
                & Q(resolve_warn__lt=F("resolve_minutes")),
                name="a_promise_is_at_risk_before_its_end_not_from_its_start",
            )
        ]

    def __str__(self) -> str:
        return str(self.channel)
