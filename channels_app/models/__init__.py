from channels_app.models.channels import Channel
from channels_app.models.live import LiveEvent, LiveStream
from channels_app.models.messages import Message, MessageVersion, Sentiment, Thread
from channels_app.models.outbox import Delivery
from channels_app.models.raw import DeadLetter, FileLoad, RawEvent

__all__ = [
    "Channel", "DeadLetter", "Delivery", "FileLoad", "LiveEvent", "LiveStream", "Message", "MessageVersion", "RawEvent",
    "Sentiment", "Thread",
]  # fmt: skip
