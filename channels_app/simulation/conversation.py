"""What one customer does next in one thread: the whole character of the simulation, without clock or store."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from random import Random

from .chance import chance
from .judging import Verdict
from .people import Mood, Person
from .stories import Kind, Phrases, Story, facts, fill, phrases_in


class Act(StrEnum):
    OPENS = "opens"
    CORRECTS = "corrects"  # edits the first post
    INSISTS = "insists"  # nobody answered
    EXPLAINS = "explains"  # an agent asked
    PROTESTS = "protests"  # an agent sent a stock phrase
    WAITS = "waits"  # an agent was kind, nothing more
    THANKS = "thanks"
    CHEERS = "cheers"  # an answer to an answer to praise
    RETURNS = "returns"  # helped, and the trouble is back
    TAKES_BACK = "takes back"  # deletes the angriest post after being helped
    REPLY = "reply"  # Skylark's own
    WHISPER = "whisper"  # the same, to one person alone


MOODS = {
    Act.INSISTS: Mood.BAD,
    Act.PROTESTS: Mood.BAD,
    Act.RETURNS: Mood.BAD,
    Act.THANKS: Mood.GOOD,
    Act.CHEERS: Mood.GOOD,
}
ANSWERS = {
    Verdict.HELPS: Act.THANKS,
    Verdict.ASKS: Act.EXPLAINS,
    Verdict.STOCK: Act.PROTESTS,
    Verdict.WORDS: Act.WAITS,
}


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where one customer stands in one thread. `due` is the second (Unix time) at which `next_act` happens."""

    thread: str
    author: str  # a handle
    story: str
    last_id: str  # the newest post of the thread: what the next one answers
    began: float  # Unix time of the first post
    next_act: str = ""  # an Act; empty: nothing more, unless Skylark writes
    due: float = 0.0
    turn: int = 0
    insisted: int = 0
    explained: int = 0
    protested: int = 0
    returned: int = 0
    thanked: int = 0
    heard: str = ""  # the reply that is being answered
    angriest: str = ""  # id of the latest INSISTS
    place: str = ""  # the thread in which they go on, where that is another one: the private one

    @property
    def patience_used(self) -> int:
        return self.insisted + self.protested


def after_act(talk: Conversation, act: Act, story: Story, person: Person, rng: Random) -> Conversation:
    """The state after `act` was posted, with the customer's next step if Skylark stays silent."""
    talk = _counted(talk, act)
    if act is Act.OPENS and story.key and story.kind is Kind.PROBLEM and rng.random() < 0.06:
        return replace(talk, next_act=Act.CORRECTS)
    if act in (Act.THANKS, Act.CHEERS, Act.TAKES_BACK):
        return replace(talk, next_act=_afterwards(talk, act, story, rng))
    insists = talk.insisted < min(person.habit.insists, len(story.ignored))
    return replace(talk, next_act=Act.INSISTS if insists else "")


def _counted(talk: Conversation, act: Act) -> Conversation:
    return replace(
        talk,
        turn=talk.turn + 1,
        insisted=0 if act is Act.RETURNS else talk.insisted + (act is Act.INSISTS),
        explained=talk.explained + (act is Act.EXPLAINS),
        protested=talk.protested + (act is Act.PROTESTS),
        returned=talk.returned + (act is Act.RETURNS),
        thanked=0 if act is Act.RETURNS else talk.thanked + (act in (Act.THANKS, Act.CHEERS)),
    )


def _afterwards(talk: Conversation, act: Act, story: Story, rng: Random) -> str:
    if act is not Act.THANKS:
        return ""
    if story.returns and not talk.returned and rng.random() < 0.15:
        return Act.RETURNS
    return Act.TAKES_BACK if talk.angriest and rng.random() < 0.25 else ""


def after_reply(talk: Conversation, verdict: Verdict, story: Story, rng: Random) -> Conversation:
    """The state after Skylark wrote. Whoever has said thanks has nothing to add."""
    if talk.thanked:
        return talk
    answer = ANSWERS[verdict]
    if story.kind is Kind.PRAISE and answer is not Act.EXPLAINS:
        answer = Act.CHEERS
    silent = story.kind is Kind.PRAISE and rng.random() < 0.4
    return replace(talk, next_act="" if silent else answer)


def seconds_until(act: str, talk: Conversation, person: Person, rng: Random) -> float:
    """How long the customer takes before `act`, at normal speed."""
    if act == Act.INSISTS:
        return person.habit.waits * rng.uniform(0.7, 1.4) * (1 + talk.insisted / 2)
    if act == Act.RETURNS:
        return rng.uniform(400, 900)
    return rng.uniform(10, 45)


def words(talk: Conversation, act: Act, story: Story, person: Person, seed: int, rng: Random) -> str:
    """The sentence the customer posts, in their manner."""
    sentence = _sentence(talk, act, story, phrases_in(story.language), rng)
    return person.say(fill(sentence, particulars(talk, story, seed)), _mood(act, story, rng), rng)


def particulars(talk: Conversation, story: Story, seed: int) -> dict[str, str]:
    """The flight, the sum and the rest: the same for every post of a thread, whoever writes it."""
    began = datetime.fromtimestamp(talk.began, UTC)
    return facts(chance(seed, talk.thread, "facts"), story.language, began)


def _mood(act: Act, story: Story, rng: Random) -> Mood:
    if story.kind is Kind.PRAISE:
        return Mood.GOOD
    if act is Act.OPENS and story.kind is Kind.PROBLEM:
        return rng.choice((Mood.BAD, Mood.EVEN))
    return MOODS.get(act, Mood.EVEN)


def _sentence(talk: Conversation, act: Act, story: Story, common: Phrases, rng: Random) -> str:
    match act:
        case Act.INSISTS:
            return story.ignored[min(talk.insisted, len(story.ignored) - 1)]
        case Act.EXPLAINS:
            told = talk.explained >= len(story.details)
            return rng.choice(common.asked_again) if told else story.details[talk.explained]
        case Act.PROTESTS:
            return common.stock[(_offset(talk.thread) + talk.protested) % len(common.stock)]
        case Act.CORRECTS:
            return rng.choice(common.edits)
        case Act.WAITS:
            return rng.choice(common.words)
        case Act.THANKS:
            return rng.choice(common.grudging) if talk.patience_used >= 3 else _thanks(talk.heard, story, common, rng)
        case Act.CHEERS:
            return rng.choice(story.helped + common.cheers)
        case Act.RETURNS:
            return rng.choice(story.returns)
    return rng.choice(story.openings)


def _offset(thread: str) -> int:
    """Different people begin with different sentences. (Python's own hash differs from run to run.)"""
    return sum(thread.encode())


def _thanks(heard: str, story: Story, common: Phrases, rng: Random) -> str:
    """The story's own thanks only for help that resembles the story's own; else what fits anything."""
    alike = [_shared(heard, fix) for fix in story.fixes]
    if not alike or max(alike) < 4:
        return rng.choice(common.thanks)
    best = alike.index(max(alike))
    return story.helped[best] if len(story.helped) == len(story.fixes) else rng.choice(story.helped)


def _shared(one: str, other: str) -> int:
    """How many longer words two texts have in common."""
    return len(set(re.findall(r"\w{5,}", one.lower())) & set(re.findall(r"\w{5,}", other.lower())))
