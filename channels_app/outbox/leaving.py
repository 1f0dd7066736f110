"""A reply as the network gets it: with what is put in only as it leaves."""

from __future__ import annotations

from collections.abc import Callable

from channels_app import files
from channels_app.models import Delivery, Message
from channels_app.platforms.base import Outgoing
from crm import private_links

_fills: list[Callable[[str, Message], str]] = []


def filled_by(fills: Callable[[str, Message], str]) -> None:
    """`fills(text, message)` puts in, as it leaves, what the text of a message of ours is not to hold."""
    if fills not in _fills:
        _fills.append(fills)


def outgoing(delivery: Delivery) -> Outgoing:
    message = delivery.message
    text = private_links.show(message.text, message.identity_request)
    for fills in _fills:
        text = fills(text, message)
    return Outgoing(
        key=str(delivery.key), text=text,
        parent_id=message.parent_external_id, thread_id=message.thread.external_id,
        recipient=message.identity.value if message.identity else "", private=message.private,
        files=files.carried(message),
    )  # fmt: skip
