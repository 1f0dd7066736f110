"""What a customer makes of an agent's reply: help, a question, a stock phrase, or just words."""

from __future__ import annotations

import re
from enum import StrEnum


class Verdict(StrEnum):
    HELPS = "helps"  # something was done, or the answer is there
    ASKS = "asks"  # the agent wants to know something
    STOCK = "stock"  # a phrase that fits any complaint
    WORDS = "words"  # kind, but nothing to hold on to


# A deed or a fact. Whole words or openings of words, per language.
_DEEDS = (
    # English
    r"\b(i|we)('ve| have|'m| am|'ll| will| can| just)? (now |just |also )?(re)?"
    r"(book(ed)?|fund(ed)?|mov(e|ed)|found|arranged?|add(ed)?|sent|sending|credit(ed)?|chang(e|ed)|correct(ed)?|"
    r"merged?|remov(e|ed)|reset|restor(e|ed)|extend(ed)?|cancel(led)?|reserv(e|ed)|holding|held|processed|upgrad(e|ed)|issued?|"
    r"order(ed)?|open(ed)?|seat(ed)?|spok(e|en)|set up|put (you|a|your)|fix(ed)?|registered|paid|releas(e|ed))\b",
    r"\b(is|are|was|were|has been|have been|will be|being|'s been) (now |just |already )?(re)?"
    r"(booked|funded|moved|found|arranged|sent|credited|changed|corrected|delivered|fixed|added|reserved|traced|issued|"
    r"restored|included|allowed|free of charge|on (its|their|the) way|in your (account|inbox))\b",
    r"\b(good news|here('s| is) (the|your)|you('ll| will) (find|get|receive)|you can|you need|it costs|it takes|"
    r"all set|all done|done!)",
    r"\b(will|is going to|can) (call|phone|meet|collect) you\b|\byou('re| are) (now )?(on|in) the\b",
    r"(^|[.!] )(yes|no)\b[,:.]|\b(refund|payment|booking|ticket)s? (has|have|had) been (processed|made|confirmed)",
    # Spanish, German
    r"\b(hemos|(te|le|les|os|lo|la) he|ya está|puedes|buenas noticias)\b|\bhe \w+[ai]do\b|(^|[.!] )sí,",
    r"\b(habe|haben|ist|wurde|wird) .{0,80}\b(umgebucht|erstattet|gefunden|geschickt|geändert|reserviert|korrigiert|"
    r"veranlasst|gutgeschrieben|unterwegs|repariert|bestellt)\b|\b(ja,|gute nachricht|sie können)",
    # Arabic, Hebrew
    r"(لقد|قمنا|قمت|تمّ|تم |نعم،|يمكنك|وجدنا|أعدنا|حجزنا|أرسلنا)",
    r"(מצאנו|החזרנו|העברנו|שלחנו|הזמנ(ו|תי)|זיכינו|סידר(נו|תי)|תיקנ(ו|תי)|כן,|אפשר ל|שינינו|בוצע)",
)
_QUESTIONS = (
    r"[?؟¿]",
    r"\b(could|can|would) you\b|\b(please|pls|kindly) (send|share|tell|confirm|let)",
    r"\blet (me|us) know\b|\bsend (me|us) (the|your)\b",
    r"\b(nos|me) (puede|podr[ií]a)s? (dar|decir|enviar)|\b(envíanos|dinos)\b",
    r"\b(können sie|könnten sie|bitte (schicken|nennen|senden) sie)\b",
)
_STOCK = (
    r"\b(sorry|apologi[sz]e|apologies|regret)\b.{0,60}\b(inconvenience|experience|frustration|to hear)",
    r"\bthank(s| you) for (reaching out|contacting|your (message|patience|feedback|understanding))",
    r"\b(your (feedback|opinion) (is|matters)|value your|take (this|all feedback) (very )?seriously)",
    r"\b(contact|call|visit|write to|reach out to) (our|the) (customer|support|hotline|website|help|team|call)",
    r"\b(dm us|send us a dm|direct message|pass(ed)? (this|it) on to the (relevant|right))",
    r"\b(lamentamos|sentimos) (las|los|mucho)|disculpe las molestias|gracias por contactar",
    r"\b(entschuldigen|bedauern) .{0,40}unannehmlichkeiten|unannehmlichkeiten|vielen dank für ihre nachricht",
    r"نعتذر عن|شكراً لتواصلك|מתנצלים על|תודה על פנייתך",
)


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE | re.DOTALL)


_HELPS, _ASKS, _PHRASES = _any_of(_DEEDS), _any_of(_QUESTIONS), _any_of(_STOCK)


def judge(text: str) -> Verdict:
    """A deed outweighs a question in the same reply, a question outweighs a phrase. Pure."""
    plain = text.replace("’", "'")
    if _ASKS.search(plain) and not _HELPS.search(_without_questions(plain)):
        return Verdict.ASKS
    if _HELPS.search(plain):
        return Verdict.HELPS
    return Verdict.STOCK if _PHRASES.search(plain) else Verdict.WORDS


def _without_questions(text: str) -> str:
    """What is said, not asked: "can I move you to the 9:40?" has moved nobody yet."""
    sentences = re.split(r"(?<=[.!?؟])\s+", text)
    return " ".join(sentence for sentence in sentences if not _ASKS.search(sentence))
