"""How one may begin a call: a sentence or two made of what is known. What is not known is not said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from crm.models import User
from surveys.models import Attempt, Call, Group, GroupAnswer
from surveys.outreach import texts
from surveys.outreach.dossier import Dossier, Said
from surveys.outreach.texts import Key, Texts

ASKED = {
    Group.PROMOTER: Key.ASK_PROMOTER, Group.PASSIVE: Key.ASK_PASSIVE, Group.DETRACTOR: Key.ASK_DETRACTOR,
}  # fmt: skip


def sentence(facts: Dossier, by: User) -> str:
    """In the language of who reads it. One query."""
    words = _Opening(facts, by, texts.here())
    return " ".join(filter(None, words.second() if facts.call.kind == Call.Kind.SECOND else words.first()))


@dataclass(frozen=True)
class _Opening:
    """Sentences; an empty one is not said."""

    facts: Dossier
    by: User
    texts: Texts

    def first(self) -> list[str]:
        if not self.facts.said:
            return [self._hello()]
        said = self.facts.said[0]
        return [self._hello(), self._thanks(said), self._about(said), self._of_cases(), self._asks(said)]

    def second(self) -> list[str]:
        """They spoke to somebody; those who can do something about it have answered since, or have done it."""
        if not (self.facts.to_tell or self.facts.has_come):
            return [self._hello()]
        keep = GroupAnswer.Kind.KEEP
        stays = _groups(answer for answer in self.facts.to_tell if answer.kind == keep)
        asked = _groups(answer for answer in self.facts.to_tell if answer.kind != keep)
        return [
            self._hello(), self._spoke(), self._of_groups(Key.SAY_STAYS, stays), self._of_groups(Key.SAY_ASKED, asked),
            self.texts.say(Key.SAY_CHANGED) if self.facts.has_come else "",
        ]  # fmt: skip

    def _hello(self) -> str:
        name = self.facts.customer.given_name or self.facts.customer.name
        return self.texts.say(Key.SAY_HELLO, name=name, who=self.by.get_full_name() or self.by)

    def _thanks(self, said: Said) -> str:
        at = said.response.finished_at
        if at is None:
            return self.texts.say(Key.SAY_THANKS_UNDATED)
        day = date_format(timezone.localtime(at), "j F")
        return self.texts.say(Key.SAY_THANKS, day=day, score=said.response.score)

    def _about(self, said: Said) -> str:
        if not said.why:
            return ""
        key = Key.SAY_UNHAPPY if said.response.group == Group.DETRACTOR else Key.SAY_LIKED
        return self.texts.say(key, what=get_text_list([name.lower() for name in said.why[:3]], _("and")))

    def _of_cases(self) -> str:
        """Who is called while something is still open has to hear that we know."""
        if not self.facts.cases:
            return ""
        if len(self.facts.cases) + self.facts.more_cases > 1:
            return self.texts.say(Key.SAY_OPEN_MANY)
        return self.texts.say(Key.SAY_OPEN, title=self.facts.cases[0].case.title)

    def _asks(self, said: Said) -> str:
        return self.texts.say(ASKED[Group(said.response.group)]) if said.response.group else ""

    def _spoke(self) -> str:
        reached = (each.attempt for each in self.facts.earlier if each.attempt.outcome == Attempt.Outcome.REACHED)
        spoke = next(reached, None)
        if spoke is None:
            return self.texts.say(Key.SAY_SPOKE)
        return self.texts.say(Key.SAY_SPOKE_ON, day=date_format(timezone.localtime(spoke.at), "j F"))

    def _of_groups(self, key: str, groups: Sequence[str]) -> str:
        return self.texts.say(key, groups=get_text_list([*groups], _("and"))) if groups else ""


def _groups(answers: Iterable[GroupAnswer]) -> list[str]:
    return list(dict.fromkeys(str(answer.group) for answer in answers))
