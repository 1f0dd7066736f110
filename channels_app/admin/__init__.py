"""The admin's pages about channels, what came in over them, what could not be read, and what goes out."""

from channels_app.admin import channels, messages, received

__all__ = ["channels", "messages", "received"]
