"""What a network may say, as the outbox and the polling understand it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class PlatformError(Exception):
    """Something a network said or did. The message is safe to show: no secrets, no customer's words."""


class Unreadable(PlatformError):
    """A payload that is not an event; its raw row becomes a dead letter with this sentence."""


class Rejected(PlatformError):
    """The network refused, and would again: too long, blocked, gone."""


class TryLater(PlatformError):
    """The network did not take it, for now; nothing was sent. `after` is in seconds."""

    def __init__(self, message: str, after: float = 30.0) -> None:
        super().__init__(message)
        self.after = after


class RateLimited(TryLater):
    """We have asked too often. `after` says until when; `scope` of what the budget is."""

    def __init__(self, message: str, after: float, scope: str = "") -> None:
        super().__init__(message, after)
        self.scope = scope


class AccessExpired(TryLater):
    """The key has run out: renew it once (`Renews`), then try again."""


class AccessRevoked(TryLater):
    """The key does not open the account any more: a person has to connect it anew. What came in stays."""


class Forbidden(Rejected):
    """The account may not do this: a scope is missing, or they have blocked us."""


class WindowClosed(Rejected):
    """Too much time has passed since their last message. The sentence names what is left to do."""


class ParentGone(Rejected):
    """What was to be answered is not there any more."""


class Duplicate(Rejected):
    """The network has these words already; `external_id` where it says which post that is."""

    def __init__(self, message: str, external_id: str = "") -> None:
        super().__init__(message)
        self.external_id = external_id


class BadSignature(PlatformError):
    """Somebody else called our webhook, or changed what was in it. Nothing of it is kept."""


class UnknownOutcome(PlatformError):
    """The request was written and no answer came: it may or may not have gone out."""


@contextmanager
def repeatable(told: str = "") -> Iterator[None]:
    """Around what may be done twice: where no answer came, it is asked again later. `told` is a better sentence."""
    try:
        yield
    except UnknownOutcome as error:
        raise TryLater(told or str(error)) from error
