"""The way out: written, claimed, sent, confirmed; each reply once.

A reply is a row in the transaction that wrote it (`writing`; of what is too long for one post a row for each part,
`parts`). A worker claims it with a lease, calls the network outside any transaction, and records the answer
(`sending`). Where the answer never came, because a worker died or the line broke, the outcome is unknown, and what
happens next is what the network's idempotency allows: it is never sent twice on a guess (`doubt`). "Not there" is
believed only once the request cannot be on its way any more (`not_before`). Where the network cannot be asked, a person
decides (`deciding`). What waits, and what a person asks for
again, is in `again`.

Whether the customer may be written to is asked twice, and so is whether the network still lets us (`windows`): when a
reply is written, and when it is about to leave.
"""

from channels_app.outbox.again import AlreadyGone, NobodyToAsk, release, sweep, try_again
from channels_app.outbox.deciding import CanBeAsked, NotInDoubt, count_as_sent, send_again
from channels_app.outbox.doubt import resolve_doubt
from channels_app.outbox.leaving import filled_by, outgoing
from channels_app.outbox.parts import CannotBeCut, TooManyParts, cut, write_parts
from channels_app.outbox.sending import LinkGone, deliver
from channels_app.outbox.settling import JOB, LEASE, MOST_ATTEMPTS
from channels_app.outbox.windows import TooLateToAnswer
from channels_app.outbox.writing import (
    CannotSendPrivately,
    CannotSendThere,
    NothingToSay,
    PrivateLinkInPublic,
    TooLong,
    check,
    is_too_long,
    limit,
    write,
)

__all__ = [
    "JOB", "LEASE", "MOST_ATTEMPTS", "AlreadyGone", "CanBeAsked", "CannotBeCut", "CannotSendPrivately",
    "CannotSendThere", "LinkGone", "NobodyToAsk", "NotInDoubt", "NothingToSay", "PrivateLinkInPublic",
    "TooLateToAnswer", "TooLong", "TooManyParts", "check", "count_as_sent", "cut", "deliver", "filled_by",
    "is_too_long", "limit", "outgoing", "release", "resolve_doubt", "send_again", "sweep", "try_again", "write",
    "write_parts",
]  # fmt: skip
