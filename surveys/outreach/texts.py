"""What we say in calls and write instead: Hark's own sentences, and in their place those of the house (CallText).

A sentence of the house names nothing but what Hark's own names, and may leave it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from string import Formatter

from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _  # for customers: these stand in the catalogs

from crm.errors import Refused
from crm.models import User
from crm.models.activity import log
from surveys import spoken
from surveys.models import CallText

Key = CallText.Key
OWN: dict[str, Promise] = {
    Key.HELLO: _("Hello {name},"),
    Key.THANKS: _(
        "thank you for your answer to our survey. We called to thank you and to hear more, and did not reach you. What"
        " was good, and what should be better? Answer here whenever it suits you: one of us reads it."
    ),
    Key.THANKS_SUBJECT: _("Thank you for your answer"),
    Key.TOLD: _("you told us what you think, and we called to tell you what came of it, and did not reach you."),
    Key.TOLD_SUBJECT: _("What came of what you told us"),
    Key.TOLD_END: _("Thank you for telling us."),
    Key.SAY_HELLO: gettext_lazy("Hello {name}, this is {who}."),
    Key.SAY_THANKS: gettext_lazy("Thank you for your answer of {day}: you gave us {score} of 10."),
    Key.SAY_THANKS_UNDATED: gettext_lazy("Thank you for your answer."),
    Key.SAY_LIKED: gettext_lazy("You liked this: {what}."),
    Key.SAY_UNHAPPY: gettext_lazy("You were unhappy about this: {what}."),
    Key.SAY_OPEN: gettext_lazy("I know that this is still open: {title}."),
    Key.SAY_OPEN_MANY: gettext_lazy("I know that we still owe you answers."),
    Key.ASK_PROMOTER: gettext_lazy("What should we never change?"),
    Key.ASK_PASSIVE: gettext_lazy("What would have made it a ten?"),
    Key.ASK_DETRACTOR: gettext_lazy("I am sorry that it was not better. What went wrong?"),
    Key.SAY_SPOKE_ON: gettext_lazy("On {day} you told us what you think."),
    Key.SAY_SPOKE: gettext_lazy("You told us what you think."),
    Key.SAY_STAYS: gettext_lazy("We passed your praise on to {groups}, and it stays."),
    Key.SAY_ASKED: gettext_lazy("We asked {groups}, and I can tell you what came of it."),
    Key.SAY_CHANGED: gettext_lazy("Something you asked for has changed since."),
}
ONE_LINE = (Key.THANKS_SUBJECT, Key.TOLD_SUBJECT)


class NamesNothing(Refused):
    sentence = gettext_lazy("“{name}” stands for nothing here. {those}")


class HalfAName(Refused):
    sentence = gettext_lazy("A {{ or }} stands alone. {those}")


class NotSpoken(Refused):
    sentence = gettext_lazy("Hark does not speak “{language}”. Choose one of these: {those}.")


@dataclass(frozen=True)
class Texts:
    """All of the house in one language."""

    ours: Mapping[str, str] = field(default_factory=dict)

    def say(self, key: str, **facts: object) -> str:
        return (self.ours.get(key) or str(OWN[key])).format(**facts)


def here() -> Texts:
    """In the language that is spoken at this moment. One query."""
    return Texts(dict(CallText.objects.filter(language=get_language() or "").values_list("key", "text")))


def names_in(key: str) -> list[str]:
    """What a sentence of this key may name: what Hark's own does."""
    return [name for _said, name, _how, _as in Formatter().parse(str(OWN[key])) if name]


def may_name(key: str) -> str:
    names = ", ".join(f"{{{name}}}" for name in names_in(key))
    if not names:
        return gettext("This sentence names nothing.")
    return gettext("This sentence may name: {names}.").format(names=names)


# --- in place of Hark's own


@transaction.atomic
def keep(*, key: str, language: str, text: str, by: User) -> CallText:
    """Say this from now on. Raises NotSpoken, NamesNothing and HalfAName."""
    if language not in spoken.languages():
        raise NotSpoken(language=language, those=", ".join(sorted(spoken.languages())))
    _must_name_what_there_is(key, text)
    said = " ".join(text.split()) if key in ONE_LINE else text.strip()
    kept, made = CallText.objects.update_or_create(key=key, language=language, defaults={"text": said})
    log("made" if made else "changed", kept, by=by, detail=str(kept))
    return kept


@transaction.atomic
def drop(*, kept: CallText, by: User) -> None:
    """Hark's own sentence is said from then on."""
    log("removed", kept, by=by, detail=str(kept))
    kept.delete()


def _must_name_what_there_is(key: str, text: str) -> None:
    """By its plain name alone: "{name.password}" and "{name!r}" name nothing."""
    try:
        parts = list(Formatter().parse(text))
    except ValueError:
        raise HalfAName(those=may_name(key)) from None
    for _said, name, how, as_what in parts:
        if name is not None and (name not in names_in(key) or how or as_what):
            written = f"{{{name}{'!' + as_what if as_what else ''}{':' + how if how else ''}}}"
            raise NamesNothing(name=written, those=may_name(key))
