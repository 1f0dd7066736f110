"""The demo's rules beside those that place messages, and a checklist: what Skylark does when time runs short."""

from __future__ import annotations

from typing import Any

from cases.models import Cause, ChecklistItem, Rule
from crm.models import User

# name, event, order, what else it says, whom it tells beside the owner
RULES: tuple[tuple[str, str, int, dict[str, Any], tuple[str, ...]], ...] = (
    ("We know them", Rule.Event.MESSAGE, 1, {"known": True, "points": 40}, ()),
    ("Says thank you", Rule.Event.MESSAGE, 2, {"sentiments": ["positive"], "points": -60}, ()),
    ("Wants to buy", Rule.Event.MESSAGE, 3, {"intents": ["purchase"], "sure_at_least": 60, "points": 30}, ()),
    ("A promise is running out", Rule.Event.AT_RISK, 10, {"points": 80, "notify_owner": True}, ()),
    ("A promise was broken", Rule.Event.BROKEN, 10, {"points": 150, "notify_owner": True}, ("lead",)),
    ("Two hours without a word", Rule.Event.WAITED, 10, {"points": 50, "waited_minutes": 120}, ()),
    ("Key customer found out", Rule.Event.CUSTOMER, 10, {"tiers": ["key"], "priority": 2, "notify_owner": True}, ()),
    ("Back again", Rule.Event.REOPENED, 10, {"points": 60, "notify_owner": True}, ()),
)
CAUSE = "Lost or late"
STEPS = (
    # what to do, required
    ("Ask for the number on the bag’s tag", True),
    ("Open a report with the station or airport", True),
    ("Tell them how to claim what they had to buy", False),
    ("Say when they hear from us next", False),
)


def load() -> None:
    """In the caller's transaction, after people, rules and causes, and before the posts that rules place."""
    for name, event, position, facts, told in RULES:
        rule = Rule.objects.create(
            name=name, event=event, position=position, stops=False, **{"priority": None, **facts}
        )  # fmt: skip
        rule.notify.set(User.objects.filter(username__in=told))


def load_checklists() -> None:
    """Last: what is required here would have kept the demo's own agents from resolving their cases."""
    cause = Cause.objects.get(name=CAUSE)
    ChecklistItem.objects.bulk_create(
        ChecklistItem(cause=cause, text=text, required=required, position=10 * order)
        for order, (text, required) in enumerate(STEPS, 1)
    )
