"""What in a text speaks for a mood: its words and signs, weighed in their surroundings."""

from dataclasses import dataclass, field

from channels_app.reading.cleaning import Token
from channels_app.reading.lexicon import ENGLISH, Entry, Lexicon, lexicon, longest_phrase
from channels_app.reading.textblob_vote import Assessment, assessments
from channels_app.reading.words import looked_up

DENIED_PRAISE = -0.7
"""What is left of praise that is denied ("don't love it"): most of it, turned round."""
DENIED_BLAME = -0.3
"""What is left of blame that is denied ("no delay"): a little praise."""
DENIAL_REACH = 4
STRONGER, WEAKER, LOUDER = 1.3, 0.6, 1.25
BEFORE_BUT = 0.5
IRONIC_THANKS = -0.5
THANKS_REACH = 4
"""How far behind thanks their reason stands: "thanks for losing", "thanks for the delay"."""
OPENING_WORDS = 3


@dataclass(slots=True)
class Hit:
    """Words or a sign that weigh something; `opening` is a few words with a mark behind them that begin the text."""

    words: str
    weight: float
    kind: str
    sentence: int
    at: int
    opening: bool = False


@dataclass(slots=True)
class Evidence:
    """All that speaks for a mood in one text. `known` says that any of its words or signs was."""

    hits: list[Hit] = field(default_factory=list)
    textblob: list[Assessment] = field(default_factory=list)
    questions: set[int] = field(default_factory=set)
    words: int = 0
    known: bool = False
    asking: bool = False
    addressed: bool = False
    mocking: bool = False
    ironic: bool = False


def gather(tokens: list[Token], *, addressed: bool, known: Lexicon | None = None) -> Evidence:
    """The evidence of a text, by what is known of its language (without: of English).

    `addressed` says that it began with a handle: it speaks to somebody.
    """
    return _Scan(tokens, addressed, known or lexicon()).run()


class _Scan:
    """One pass over the tokens, with what the words before them do to the next one."""

    __slots__ = (
        "at",
        "denial",
        "denier",
        "evidence",
        "lexicon",
        "marks",
        "power",
        "sentence",
        "texts",
        "tokens",
        "vote",
    )

    def __init__(self, tokens: list[Token], addressed: bool, known: Lexicon) -> None:
        self.lexicon = known
        self.tokens, self.texts = tokens, looked_up(tokens, known.language)
        self.evidence = Evidence(addressed=addressed)
        self.at = self.marks = self.sentence = self.denial = 0
        self.denier: Hit | None = None
        self.power = 1.0
        self.vote: list[str] = []

    def run(self) -> Evidence:
        steps = {"mark": self._mark, "sign": self._sign}
        while self.at < len(self.tokens):
            steps.get(self.tokens[self.at].kind, self._words)()
        return self._finished()

    def _mark(self) -> None:
        mark = self.texts[self.at]
        if not self.marks and self.evidence.words <= OPENING_WORDS:
            for hit in self.evidence.hits:
                hit.opening = True
        self.marks += 1
        if mark != ",":
            if "?" in mark:
                self.evidence.questions.add(self.sentence)
            self.sentence += 1
        self.denial, self.power = 0, 1.0
        self.at += 1

    def _sign(self) -> None:
        sign = self.texts[self.at]
        self._hit(sign, self.lexicon.signs.get(sign, 0.0), "sign", known=sign in self.lexicon.signs)
        self.evidence.mocking |= sign in self.lexicon.mocking
        self.at += 1

    def _words(self) -> None:
        word = said = self.texts[self.at]
        found = longest_phrase(self.lexicon.phrases, self.texts, self.at) if word in self.lexicon.phrases else None
        length, entry = found or (1, None)
        if entry:
            self._phrase(self._written(length), entry)
            said = " ".join(self.texts[self.at : self.at + length])
        else:
            self._word(word)
        self._carry(said)
        self.evidence.words += length
        self.at += length

    def _written(self, length: int) -> str:
        """The next words as the customer wrote them: with the number that the lexicon calls "#"."""
        return " ".join(token.text for token in self.tokens[self.at : self.at + length])

    def _phrase(self, words: str, entry: Entry) -> None:
        weight = entry.weight * self.power
        if self.denial and weight > 0:
            words, weight = self._denied(words), weight * DENIED_PRAISE
        self._hit(words, weight, entry.kind)

    def _word(self, word: str) -> None:
        entry = self.lexicon.known(word)
        if self.denial and word in self.lexicon.broken_when_denied:
            self._hit(self._denied(word), self.lexicon.broken_when_denied[word], "complaint")
            self.denial = 0
        elif entry is not None:
            self._known_word(word, entry)
        if entry is None or entry.kind != "neutral" or word in self.lexicon.denying:
            self.vote.append(word)

    def _known_word(self, word: str, entry: Entry) -> None:
        weight = entry.weight * self.power * (LOUDER if self.tokens[self.at].loud else 1.0)
        if self.denial and weight:
            word, weight = self._denied(word), weight * (DENIED_PRAISE if weight > 0 else DENIED_BLAME)
        self._hit(word, weight, entry.kind)

    def _denied(self, words: str) -> str:
        """A denial that found what it denies ("never had a bad seat") no longer weighs by itself."""
        if self.denier is not None:
            self.denier.weight = 0.0
            self.denier = None
        return f"not {words}"

    def _hit(self, words: str, weight: float, kind: str, *, known: bool = True) -> None:
        self.evidence.known |= known
        self.evidence.ironic |= kind == "irony"
        if weight < 0:
            self._spoil_thanks(kind)
        if weight:
            self.evidence.hits.append(Hit(words, _bounded(weight), _turned(kind, weight), self.sentence, self.at))

    def _spoil_thanks(self, kind: str) -> None:
        """Thanks for something bad are none."""
        last = self.evidence.hits[-1] if self.evidence.hits else None
        if last is None or last.kind != "courtesy" or kind == "hint" or last.sentence != self.sentence:
            return
        between = self.texts[last.at : self.at]
        if "for" in between and len(between) <= THANKS_REACH:
            last.weight, last.kind = IRONIC_THANKS, "complaint"

    def _carry(self, words: str) -> None:
        """What these words do to the following ones."""
        lexicon, self.denial, self.power = self.lexicon, self.denial - 1 if self.denial else 0, 1.0
        if words in lexicon.denying:
            hits = self.evidence.hits
            self.denial, self.denier = DENIAL_REACH, hits[-1] if hits and hits[-1].at == self.at else None
        elif words in lexicon.stronger:
            self.power = STRONGER
        elif words in lexicon.weaker:
            self.power = WEAKER
        elif words in lexicon.turning:
            self._turn()

    def _turn(self) -> None:
        self.denial = 0
        for hit in self.evidence.hits:
            hit.weight *= BEFORE_BUT

    def _finished(self) -> Evidence:
        evidence, texts = self.evidence, self.texts
        evidence.addressed = evidence.addressed or not self.lexicon.company.isdisjoint(texts)
        asking = self.lexicon.asking
        evidence.asking = any(longest_phrase(asking, texts, at) for at, text in enumerate(texts) if text in asking)
        evidence.textblob = assessments(self.vote) if self.lexicon.language == ENGLISH else []
        evidence.known = evidence.known or evidence.asking or bool(evidence.textblob)
        return evidence


def _bounded(weight: float) -> float:
    return max(-1.0, min(1.0, weight))


def _turned(kind: str, weight: float) -> str:
    """Denied praise is a complaint, and a denied complaint is none."""
    if weight < 0:
        return "complaint" if kind in ("praise", "courtesy", "irony") else kind
    return "word" if kind in ("complaint", "hint") else kind
