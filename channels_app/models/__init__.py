from channels_app.models.attachments import Attachment
from channels_app.models.channels import Channel
from channels_app.models.conduct import Attempt, Module, ModuleQuestion, Policy, PolicyAcceptance
from channels_app.models.live import LiveEvent, LiveStream
from channels_app.models.measures import Measure
from channels_app.models.messages import Message, MessageVersion, Sentiment, Thread
from channels_app.models.outbox import Delivery
from channels_app.models.promises import ChannelPromise
from channels_app.models.raw import DeadLetter, FileLoad, RawEvent

__all__ = [
    "Attachment", "Attempt", "Channel", "ChannelPromise", "DeadLetter", "Delivery", "FileLoad", "LiveEvent",
    "LiveStream", "Measure", "Message", "MessageVersion", "Module", "ModuleQuestion", "Policy", "PolicyAcceptance",
    "RawEvent", "Sentiment", "Thread",
]  # fmt: skip
