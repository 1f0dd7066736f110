"""What somebody reads who was not reached by phone: thanks, or what came of what they told us, in their language.

The sentences stand in `texts`; those that nobody changes stand here. All are for customers and stand in the catalogs of
surveys/locale; tests/surveys/test_languages.py fails where one is missing.
"""

from __future__ import annotations

from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

from crm.models import User
from surveys import links, wire
from surveys.models import Call, Invitation
from surveys.outreach import second, texts
from surveys.outreach.texts import Key, Texts
from surveys.spoken import frame_in


def writer(call: Call) -> User | None:
    """In whose name: of its owner, else of who called last."""
    if call.owner:
        return call.owner
    last = call.attempts.select_related("by").order_by("at", "id").last()
    return last.by if last else None


def words(call: Call) -> str:
    """Without a link, as it goes into a private message."""
    with frame_in(call.customer.survivor.language):
        return _words(call, texts.here())


def letter(call: Call, address: str) -> EmailMessage:
    """The same as a mail, with where they say what we may write to them about."""
    with frame_in(call.customer.survivor.language):
        said = texts.here()
        text = with_a_choice(_words(call, said), _asked(call))
        subject = said.say(Key.TOLD_SUBJECT if call.kind == Call.Kind.SECOND else Key.THANKS_SUBJECT)
    return wire.plain(subject, text, address)


def with_a_choice(text: str, asked: Invitation | None) -> str:
    """A mail with where they say what we may write to them about, by the link of what they were asked."""
    return f"{text}\n\n{_('What we may write to you about:')}\n{links.preferences_link(asked)}" if asked else text


def _words(call: Call, said: Texts) -> str:
    body = _told(call, said) if call.kind == Call.Kind.SECOND else said.say(Key.THANKS)
    hello = said.say(Key.HELLO, name=call.customer.survivor)
    return f"{hello}\n\n{body}\n\n{writer(call) or _('Customer care')}"


def _told(call: Call, said: Texts) -> str:
    answers = [answer.text for answer in second.answers_for(call)]
    told = "\n\n".join(answers + [plan.outcome for plan in second.changes_for(call)])
    return f"{said.say(Key.TOLD)}\n\n{told}\n\n{said.say(Key.TOLD_END)}"


def _asked(call: Call) -> Invitation | None:
    """The survey they answered, whose link lets them say what we may write."""
    owed = call.follow_ups.select_related("response__invitation").order_by("pk").last()
    return owed.response.invitation if owed else None
