"""The demo: what people put right of what Hark read, a word of the brand, and a model fitted on both.

Nobody here knows what the posts really mean: of what Hark was least sure of, some is put right to what it is often
mistaken for and the rest confirmed, so that the pages have something to show. The model is weighed, not put in use.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from random import Random

from django.utils import timezone

from channels_app.learning import correcting, examples, lexicon, training
from channels_app.learning.aspects import COLUMNS
from channels_app.models import Correction, LexiconWord, Message
from channels_app.models.learning import Aspect
from crm.errors import Refused
from crm.models import User

SEED = 11
EACH = 45  # messages looked at, of each aspect
OFTEN_MEANT: dict[str, dict[str, str]] = {
    Aspect.SENTIMENT: {"neutral": "negative"},
    Aspect.INTENT: {"complaint": "question", "question": "complaint", "other": "complaint"},
    Aspect.TOPIC: {"none": "product", "price": "account"},
    Aspect.URGENCY: {"low": "medium", "high": "medium"},
}


def load() -> None:
    if LexiconWord.objects.exists():
        return
    lead = User.objects.get(username="lead")
    people = list(User.objects.filter(username__in=["agent", "agent2", "agent3", "lead"]).order_by("pk"))
    lexicon.add(
        language="en", brand="Skylark", aspect=Aspect.TOPIC, value="account", words="lark points", weight=1, by=lead
    )
    chance = Random(SEED)
    for aspect, often in OFTEN_MEANT.items():
        for message in list(examples.least_certain(aspect, user=lead)[: 2 * EACH : 2]):
            _look(message, aspect, often, chance.choice(people), chance)
    with suppress(Refused):  # where the base is missing, or too little was put right
        training.train(by=lead, put_live=False)


def _look(message: Message, aspect: str, often: dict[str, str], by: User, chance: Random) -> None:
    """Within three hours after it was said; one in four is put right."""
    read = getattr(message, COLUMNS[aspect].value)
    now = often.get(read, read) if chance.random() < 0.25 else read
    made = correcting.correct(message=message, aspect=aspect, now=now, by=by)
    then = message.occurred_at + timedelta(minutes=chance.randint(5, 180))
    Correction.objects.filter(pk=made.pk).update(at=min(then, timezone.now()))
