"""What somebody reads who was not reached by phone: thanks, or what came of what they told us, in their language.

Every sentence here is for customers and stands in the catalogs of surveys/locale; tests/surveys/test_languages.py
fails where one is missing.
"""

from __future__ import annotations

from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

from crm.models import User
from surveys import links, wire
from surveys.models import Call, Invitation
from surveys.outreach import second
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
        return _words(call)


def letter(call: Call, address: str) -> EmailMessage:
    """The same as a mail, with where they say what we may write to them about."""
    with frame_in(call.customer.survivor.language):
        text, asked = _words(call), _asked(call)
        if asked:
            text += f"\n\n{_('What we may write to you about:')}\n{links.preferences_link(asked)}"
        second_call = call.kind == Call.Kind.SECOND
        subject = _("What came of what you told us") if second_call else _("Thank you for your answer")
    return wire.plain(subject, text, address)


def _words(call: Call) -> str:
    said = _told(call) if call.kind == Call.Kind.SECOND else _thanks()
    hello = _("Hello {name},").format(name=call.customer.survivor)
    return f"{hello}\n\n{said}\n\n{writer(call) or _('Customer care')}"


def _thanks() -> str:
    return _(
        "thank you for your answer to our survey. We called to thank you and to hear more, and did not reach you. What"
        " was good, and what should be better? Answer here whenever it suits you: one of us reads it."
    )


def _told(call: Call) -> str:
    said = [answer.text for answer in second.answers_for(call)]
    told = "\n\n".join(said + [plan.outcome for plan in second.changes_for(call)])
    opening = _("you told us what you think, and we called to tell you what came of it, and did not reach you.")
    return f"{opening}\n\n{told}\n\n{_('Thank you for telling us.')}"


def _asked(call: Call) -> Invitation | None:
    """The survey they answered, whose link lets them say what we may write."""
    owed = call.follow_ups.select_related("response__invitation").order_by("pk").last()
    return owed.response.invitation if owed else None
