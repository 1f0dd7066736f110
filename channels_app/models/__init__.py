from channels_app.models.attachments import Attachment
from channels_app.models.channels import Channel
from channels_app.models.conduct import Attempt, Module, ModuleQuestion, Policy, PolicyAcceptance
from channels_app.models.credentials import App, Credential
from channels_app.models.heard import Look, Reaction, Receipt, Search
from channels_app.models.learning import Aspect, Correction, FittedModel, LexiconWord, Rereading, Training
from channels_app.models.live import LiveEvent, LiveStream
from channels_app.models.measures import Measure
from channels_app.models.messages import About, Intent, Message, MessageVersion, Sentiment, Thread, Urgency
from channels_app.models.outbox import Delivery
from channels_app.models.promises import ChannelPromise
from channels_app.models.raw import DeadLetter, FileLoad, RawEvent

__all__ = [
    "About", "App", "Aspect", "Attachment", "Attempt", "Channel", "ChannelPromise", "Correction", "Credential",
    "DeadLetter", "Delivery", "FileLoad", "FittedModel", "Intent", "LexiconWord", "LiveEvent", "LiveStream", "Look",
    "Measure", "Message", "MessageVersion", "Module", "ModuleQuestion", "Policy", "PolicyAcceptance", "RawEvent",
    "Reaction", "Receipt", "Rereading", "Search", "Sentiment", "Thread", "Training", "Urgency",
]  # fmt: skip
