"""What is too long for one post, as several: each answers the one before and leaves when that has arrived."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy

from channels_app.models import Channel, Delivery, Message
from channels_app.outbox.writing import Reply, check_all_but_length, is_too_long, limit, put, tidied
from channels_app.platforms import cutting
from crm import consent
from crm.errors import Refused
from crm.models import Identity, Purpose, User

MOST = 20  # posts of one reply: beyond that nobody reads them


class CannotBeCut(Refused):
    sentence = gettext_lazy("A link in this reply is longer than one post on {channel} may be. Shorten it.")


class TooManyParts(Refused):
    sentence = gettext_lazy(
        "That would be more than {most} posts, which nobody reads. Shorten it, or write to them in another way."
    )


@consent.sends(Purpose.CARE_REPLY, gettext_lazy("A long answer to somebody who wrote to us, in several posts"))
def write_parts(
    *, answer_to: Message, text: str, by: User, private: bool = False, numbered: bool = False, **how: Any
) -> list[Delivery]:
    """As `write`, in as many posts as it needs, one where it fits; with `numbered` each ends with its place: "2/3".

    Raises CannotBeCut and TooManyParts besides, and TooLong where the network does not know such threads.
    """
    reply, text = Reply(answer_to, by, private, **how), tidied(text)
    return put(reply, cut(reply.channel, text, private=reply.in_private, numbered=numbered, to=answer_to.identity))


def cut(channel: Channel, text: str, *, private: bool, numbered: bool = False, to: Identity | None = None) -> list[str]:
    """The posts these words make on the channel. Raises whatever it has against them."""
    check_all_but_length(channel, text, private=private)
    too_long, can, most = is_too_long(channel, text, to), channel.capabilities, limit(channel, to)
    if not too_long or most is None:
        return [text]
    if not can.thread_of_parts:
        raise too_long
    try:
        found = cutting.cut(text, most, can.counts, numbered=numbered, most=MOST)
    except cutting.TooWide:
        raise CannotBeCut(channel=channel) from None
    if len(found) > MOST:
        raise TooManyParts(most=MOST)
    return found
