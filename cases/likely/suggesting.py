"""The likely causes of one case, with why. One query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from cases.likely import signs, weighing
from cases.likely.weighing import Counts, Likely, Named, Reason
from cases.models import Case, CauseSign
from channels_app.models import About
from channels_app.reading import topic_words

if TYPE_CHECKING:
    from cases.conversation import Entry

TOPICS = {
    "product": About.PRODUCT, "price": About.PRICE, "relationship": About.ACCOUNT, "support": About.SUPPORT,
}  # fmt: skip
"""By the name that the files of words have for them."""


@dataclass(frozen=True)
class Suggestion:
    """A cause that is likely. `why` is for people."""

    pk: int
    name: str
    reasons: tuple[Reason, ...]

    @property
    def why(self) -> str:
        return ", ".join(map(_said, self.reasons))


def of(case: Case, said: Iterable[Entry], causes: Sequence[tuple[int, str]]) -> list[Suggestion]:
    """Of `causes` (pk, name with what it stands under), the likeliest first; none for a case that is over.

    By what its customer said in it, as the conversation at hand shows it.
    """
    if not case.is_unresolved or not causes:
        return []
    written, names = signs.of_case(_texts(case, said), case.topic), dict(causes)
    return [Suggestion(each.cause, names[each.cause], each.reasons) for each in likely(written, causes)]


def likely(written: Mapping[str, str], causes: Sequence[tuple[int, str]]) -> list[Likely]:
    """`written`: the signs of a case, and how each was written. One query."""
    return weighing.weigh(written, _counts(written), _named(tuple(causes)))


def _texts(case: Case, said: Iterable[Entry]) -> Iterable[str]:
    for entry in said:
        if entry.kind != "message" or entry.item.is_ours or entry.by_other_customer:
            continue
        stands_in = getattr(entry.item, "case_entry", None)
        if stands_in and stands_in.case_id == case.pk:
            yield entry.item.text


def _counts(written: Iterable[str]) -> Counts:
    causes: dict[int, int] = {}
    found: dict[str, dict[int, int]] = {}
    rows = CauseSign.objects.filter(sign__in=["", *written]).values_list("sign", "cause_id", "cases")
    for sign, cause, cases in rows:
        (found.setdefault(sign, {}) if sign else causes)[cause] = cases
    return Counts(causes, found)


@lru_cache(maxsize=8)
def _named(causes: tuple[tuple[int, str], ...]) -> dict[int, Named]:
    """Worked out once in a process, until there are other causes."""
    return weighing.names(dict(causes), topics_of_words())


@cache
def topics_of_words() -> dict[str, str]:
    """Topic by sign, of the words that the reader tells topics by, in every language that has such words."""
    return {
        sign: str(topic)
        for language in topic_words.LANGUAGES
        for name, topic in TOPICS.items()
        for words in topic_words.data(language)[name].values()
        for word in words.split(",")
        if " " not in word.strip()
        for sign in signs.of_text(word)
    }


def _said(reason: Reason) -> str:
    word = (_("its topic, %(word)s") if reason.is_topic else _("“%(word)s”")) % {"word": reason.word}
    if not reason.all:
        return word
    return _("%(word)s (%(of)s of %(all)s)") % {"word": word, "of": reason.of, "all": reason.all}
