"""Whether a message only says thank you: such a message does not reopen a case."""

import re

THANKS = {
    "thanks", "thank", "thx", "ty", "tysm", "thankyou", "cheers", "appreciated", "appreciate", "gracias", "danke",
    "merci", "obrigado", "obrigada", "grazie", "bedankt", "tack", "شكرا", "תודה",
}  # fmt: skip
COMPANY = {
    "you", "u", "so", "very", "much", "a", "lot", "lots", "many", "again", "for", "your", "the", "quick", "fast",
    "help", "reply", "response", "all", "ok", "okay", "great", "perfect", "awesome", "brilliant", "good", "nice",
    "cool", "got", "it", "works", "now", "solved", "sorted", "done", "that", "was", "is", "kind", "of", "and", "have",
    "day", "really", "it's", "its", "guys", "team", "everyone", "bye", "will", "do", "i", "this", "helpful", "helped",
    "super", "oh", "yes",
    "muchas", "mil", "vielen", "dank", "schön", "beaucoup", "muito", "mille",
}  # fmt: skip
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
NOISE = re.compile(r"(?:https?://|www\.)\S+|[@#]\w+")
MOST_WORDS = 14


def is_bare_thanks(text: str) -> bool:
    """True for "Thank you so much!! 🙏", false for "thanks for nothing" and "thanks, but it is still broken"."""
    words = WORD.findall(NOISE.sub(" ", text.replace("’", "'")).lower())
    if not words or "?" in text or len(words) > MOST_WORDS:
        return False
    said = set(words)
    return bool(said & THANKS) and said <= THANKS | COMPANY
