"""Where a case may stand, how it may end, and what its priority counts for."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models.priority import Priority


class State(models.TextChoices):
    NEW = "new", _("New")
    OPEN = "open", _("Being worked on")
    WAITING = "waiting", _("Waiting for the customer")
    SNOOZED = "snoozed", _("Snoozed")
    ASIDE = "aside", _("Set aside: its author is muted")
    RESOLVED = "resolved", _("Resolved")
    MERGED = "merged", _("Joined to another case")


NEEDS_US = (State.NEW, State.OPEN)
UNRESOLVED = (*NEEDS_US, State.WAITING, State.SNOOZED, State.ASIDE)
BASE_POINTS = {Priority.URGENT: 300, Priority.HIGH: 200, Priority.NORMAL: 100, Priority.LOW: 0}
TOP = 1000  # points that stand at the very top; `rank` counts down from here, so that every key of the queue ascends


class Outcome(models.TextChoices):
    SOLVED = "solved", _("Solved")
    PARTLY = "partly", _("Solved in part")
    UNSOLVED = "unsolved", _("Could not be solved")
    NOTHING = "nothing", _("Nothing was to be solved")
