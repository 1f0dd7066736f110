"""What somebody wants, what it is about and how soon: read in each message, and kept for the case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from channels_app.models import About, Intent

if TYPE_CHECKING:
    from cases.models import Case
    from channels_app.models import Message

NOTHING = ("", Intent.OTHER)
"""What a number, a thanks or a word between wants of us."""


class Wants(NamedTuple):
    """Each is empty where it was not read."""

    intent: str = ""
    topic: str = ""
    urgency: str = ""

    @classmethod
    def of(cls, said: Message | Case) -> Wants:
        return cls(said.intent, said.topic, said.urgency)

    @classmethod
    def heard_in(cls, case: Any) -> Wants:
        """Of a case that came `as_said()`, from all of its messages."""
        return cls(case.wish or case.intent, case.matter or case.topic, case.hurry or case.urgency)

    def then(self, said: Wants) -> Wants:
        """With what was said after it. What wants nothing ("it is ABC123") takes back nothing that was wanted before.

        How soon goes with what is wanted; what it is about stays until something else is named.
        """
        decides = said.intent not in NOTHING or self.intent in NOTHING
        return Wants(
            said.intent if said.intent and decides else self.intent,
            said.topic if said.topic not in ("", About.NONE) or not self.topic else self.topic,
            said.urgency if said.urgency and decides else self.urgency,
        )

    def put(self, case: Case) -> None:
        """Not saved."""
        case.intent, case.topic, case.urgency = self
