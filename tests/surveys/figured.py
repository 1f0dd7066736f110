"""A survey that was answered: two waves, people in different places, and what is odd."""

import random
from datetime import timedelta

from django.utils import timezone

from tests import factories

NOW = timezone.now().replace(microsecond=0)


def wave(name, days_ago, **facts):
    opens = NOW - timedelta(days=days_ago)
    return factories.WaveFactory(name=name, opens_at=opens, **facts)


def answer(wave, score, *, weight=1.0, finished=True, flagged=False, **customer):
    """One who answered in `wave`, a customer with these facts."""
    sent = wave.opens_at + timedelta(hours=1)
    response = factories.ResponseFactory(
        score=score, started_at=sent, finished_at=sent if finished else None, invitation__wave=wave,
        invitation__version=wave.version, invitation__weight=weight, invitation__sent_at=sent,
        invitation__customer=customer.pop("who", None) or factories.CustomerFactory(**customer),
    )  # fmt: skip
    factories.AnswerFactory(response=response, question=wave.version.questions.get(key="nps"), number=score, text="")
    if flagged:
        response.flags.create(kind="fast", why="Answered in two seconds, where reading takes twenty.")
    return response


def answered(wave, n, seed=1):
    """`n` random answers: a list of (score, weight, country, flagged)."""
    dice, found = random.Random(seed), []
    for _each in range(n):
        facts = (dice.randint(0, 10), dice.choice([1.0, 2.0, 3.0]), dice.choice(["GB", "DE"]), dice.random() < 0.1)
        score, weight, country, flagged = facts
        answer(wave, score, weight=weight, country=country, flagged=flagged)
        found.append(facts)
    return found
