"""The admin's pages about channels, what came in over them, what could not be read, and what goes out."""

from channels_app.admin import (
    beside,
    channels,
    conduct,
    credentials,
    heard,
    learning,
    listening,
    messages,
    promises,
    received,
)

__all__ = [
    "beside", "channels", "conduct", "credentials", "heard", "learning", "listening", "messages", "promises",
    "received",
]  # fmt: skip
