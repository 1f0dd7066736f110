"""Whether a post reads as if somebody wants to buy: a few phrases in four languages, offered and never acted upon.

It is a hint to who reads the case anyway. So the list is short and means what it says: what is missed can be handed to
sales all the same, and what is found too much teaches people to look away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from channels_app.models import Message

A_DEED = r"(?:buy|order|purchase|book|subscribe to|upgrade to|switch to|sign up for)"
GAP = r"(?:(?!\bnicht\b|\bkein)[^.!?]){0,60}\b"  # within a sentence, and without a no
PHRASES = (
    # English
    rf"(?:want|would like|'d like|looking|love|ready|hoping|going|planning) to {A_DEED}\b",
    r"(?:interested in|thinking of|thinking about) (?:buying|ordering|purchasing|booking|upgrading|switching)\b",
    rf"(?:where|how) (?:can|could|do|would) (?:i|we|you|one) {A_DEED}\b",
    rf"(?:can|could|may) (?:i|we) {A_DEED}\b",
    r"(?:how much|what) (?:does|do|would|will) [^.!?]{1,60}? cost\b",
    r"how much (?:is|are) (?:a|an|one|your)\b",
    r"(?:a|your) (?:quote|price list|offer) for\b",
    r"do you (?:sell|offer)\b",
    # German
    rf"(?:möchte|möchten|würde gern|würde gerne|will|wollen|kann ich|können wir) {GAP}(?:kaufen|bestellen|buchen)\b",
    rf"wo (?:kann|könnte) {GAP}(?:kaufen|bestellen|buchen)\b",
    r"(?:was|wie ?viel) (?:kostet|kosten|würde)\b",
    r"(?:ein|ihr|euer) angebot für\b",
    # Spanish
    r"(?:quiero|queremos|quisiera|me gustaría|puedo|podemos) (?:comprar|pedir|contratar|reservar)\b",
    r"(?:cuánto|cuanto) (?:cuesta|cuestan|vale|valen)\b",
    r"(?:dónde|donde) (?:puedo|se puede) (?:comprar|pedir|contratar|reservar)\b",
    # French
    r"(?:voudrais|voudrions|aimerais|souhaite|veux) (?:acheter|commander|réserver|souscrire)\b",
    r"combien (?:ça )?(?:coûte|coûtent|coute)\b",
    r"où (?:(?:puis-je|peut-on) )?(?:acheter|commander|réserver)\b",
)
# What stands right before a phrase and turns it round: nobody who will "never want to buy" again is offered to sales.
DENIED = re.compile(r"(?:(?:\b(?:not|never|no longer|nicht|nie|nunca|jamais)|n't) +(?:\w+ +){0,2}|\bno +)$")
WANTS = re.compile(rf"\b(?:{'|'.join(PHRASES)})")


class Line(Protocol):
    """A line of a conversation."""

    kind: str
    item: Message
    by_other_customer: bool


def phrase(text: str) -> str:
    """The words by which `text` reads as if its author wants to buy, as they wrote them; "" where it does not."""
    plain = text.replace("’", "'")
    for found in WANTS.finditer(plain.lower()):
        if not DENIED.search(plain.lower()[max(0, found.start() - 40) : found.start()]):
            return text[found.start() : found.end()].strip()
    return ""


def posts(lines: Iterable[Line]) -> list[Message]:
    """What the customer of a case said and still says, newest first. No query."""
    said = (line.item for line in lines if line.kind == "message" and not line.by_other_customer)
    theirs = [post for post in said if not post.is_ours and not post.erased_at and post.text]
    return theirs[::-1]


def likely(said: Iterable[Message]) -> tuple[Message, str] | None:
    """The newest of these posts that reads so, with its words."""
    return next(((post, words) for post in said if (words := phrase(post.text))), None)
