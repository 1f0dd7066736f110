"""How long it takes to read a question, before anything is decided or written."""

from __future__ import annotations

from surveys.models import Question

# 238 words a minute, silently: Brysbaert, Journal of Memory and Language 109 (2019), over 190 studies of English
WORDS_A_SECOND = 238 / 60
LETTERS_A_WORD = 6  # with the space behind it; so that scripts without spaces count too


def seconds(question: Question, language: str = "") -> float:
    """To read its text, its help, its ends and its choices once, in that language."""
    says = [question.text(language), *(str(question.says(name, language)) for name in ("help", "low", "high"))]
    says += [label for _key, label in question.labels(language)]
    return sum(map(_words, says)) / WORDS_A_SECOND


def _words(text: str) -> int:
    return max(len(text.split()), len(text) // LETTERS_A_WORD)
