"""The networks an account can be connected on: what that takes, what Hark can do there, and how it was tested."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from channels_app.models import App
from channels_app.platforms import registry
from channels_app.platforms.base import Capabilities, Idempotency

if TYPE_CHECKING:
    from channels_app.platforms.abilities import Access

LONGEST_ACCOUNT = 255


class Way(StrEnum):
    """How its account is opened."""

    KEYS = "keys"  # a password or a key is typed
    OAUTH = "oauth"  # a person says yes on the network's own page
    OWN = "own"  # the other system gets a secret from us


@dataclass(frozen=True, slots=True)
class Kind:
    """One network. `place` is whose identities its people are; empty: each channel's own.

    `account` names the settings that tell one account from another; empty: what `check` gives as its key.
    `live` whether it is run against real servers in the tests; else it was held against its published contract.
    """

    name: str
    title: str | Promise
    about: str | Promise
    place: str
    way: Way = Way.KEYS
    app: str = ""
    account: tuple[str, ...] = ()
    live: bool = True

    @property
    def capabilities(self) -> Capabilities:
        return registry.capabilities(self.name)

    @property
    def tested(self) -> str:
        if self.way is Way.OWN:
            return _("Tested against what its documentation says: its other side is yours.")
        if self.live:
            return _("Tested live: against servers that others wrote.")
        return _("Tested by contract only: held against what the network publishes, never run there.")

    @property
    def platform(self) -> Any:
        """The class, with what only some networks have: `register`, `authorize_url`, `exchange`, `revoke`."""
        return registry.PLATFORMS[self.name]

    def account_of(self, access: Access, key: str) -> str:
        """By which an account is known again, and by which a webhook names it."""
        named = "#".join(access.settings.get(name, "") for name in self.account)
        return (named or key)[:LONGEST_ACCOUNT]


def _all() -> list[Kind]:
    titles, said, network = dict(registry.choices()), gettext_lazy, App.Network
    return [
        Kind("mastodon", titles["mastodon"], said("Posts, mentions and direct messages of an account on any server."),
             "mastodon", Way.OAUTH, account=("server", "account_id")),
        Kind("bluesky", titles["bluesky"], said("Posts, mentions and replies of an account."), "bluesky"),
        Kind("email", titles["email"], said("A mailbox: IMAP to read, SMTP to answer."), "email"),
        Kind("feed", titles["feed"], said("A blog, a forum or a review page that publishes a feed."), "feed",
             account=("url",)),
        Kind("wordpress", titles["wordpress"], said("Comments below the articles of a site."), "wordpress",
             account=("url", "account_id")),
        Kind("own_channel", titles["own_channel"], said("A chat, a forum, an app of yours, by signed webhooks."), "",
             Way.OWN),
        Kind("facebook", titles["facebook"], said("Comments on a Page, and its messages in Messenger."), "facebook",
             Way.OAUTH, network.META, ("page_id",), live=False),
        Kind("instagram", titles["instagram"], said("Comments and direct messages of a professional account."),
             "instagram", Way.OAUTH, network.META, ("instagram_id",), live=False),
        Kind("whatsapp", titles["whatsapp"], said("Messages to a number on the WhatsApp Business Platform."),
             "whatsapp", Way.KEYS, network.META, ("phone_id",), live=False),
        Kind("x", titles["x"], said("Mentions, replies and direct messages of an account."), "twitter", Way.OAUTH,
             network.X, ("account_id",), live=False),
    ]  # fmt: skip


KINDS: dict[str, Kind] = {kind.name: kind for kind in _all()}


# --- what a network can do, in sentences


def abilities(can: Capabilities) -> list[str]:
    return [*_comes(can), *_answers(can), *_deeds(can)]


def _comes(can: Capabilities) -> list[str]:
    ways = {
        (True, True): _("It calls Hark; Hark asks besides, as a net below."),
        (True, False): _("It calls Hark: nothing has to be asked for."),
        (False, True): _("Hark asks it for what is new."),
    }
    said = {
        _("What they edit is seen."): can.edits_seen,
        _("What they delete is seen."): can.deletes_seen,
        _("Posts that do not mention you can be listened for."): can.search,
    }
    way = ways.get((can.webhook, can.poll))
    return ([way] if way else []) + [sentence for sentence, holds in said.items() if holds]


def _answers(can: Capabilities) -> list[str]:
    if not can.can_reply:
        return [_("It only listens: nobody can answer from here.")]
    said = {
        _("Answers in public."): can.reply_public,
        _("Answers in private."): can.reply_private,
        _("A public post can be answered in private."): can.private_from_public,
        _("What is too long may go as a thread."): can.thread_of_parts,
        _("Pictures carry words for who cannot see them."): can.alt_text,
        _("It says what was delivered and read."): can.receipts,
    }
    return [*(s for s, holds in said.items() if holds), *_limits(can), _DOUBT[can.idempotency]()]


def _limits(can: Capabilities) -> list[str]:
    found = []
    if can.text_limit:
        found.append(_("At most %(n)s characters.") % {"n": f"{can.text_limit:,}"})
    if can.attachments:
        files = ngettext("One file with an answer.", "Up to %(n)s files with an answer.", can.attachments)
        found.append(files % {"n": can.attachments})
    if can.window:
        hours = {"hours": can.window // 3600, "days": (can.window_extended or 0) // 86400}
        found.append(_("Free answers for %(hours)s hours after their last message.") % hours)
        if can.window_extended:
            found.append(_("A person may answer for %(days)s days.") % hours)
    return found


_DOUBT = {
    Idempotency.NATIVE: lambda: _("An answer whose fate is unknown is sent again: it stands there once."),
    Idempotency.DETECT: lambda: _("An answer whose fate is unknown is sent again: the network refuses it twice."),
    Idempotency.RECONCILE: lambda: _("An answer whose fate is unknown is looked for before it is sent again."),
    Idempotency.NONE: lambda: _("An answer whose fate is unknown waits for a person."),
}


def _deeds(can: Capabilities) -> list[str]:
    able = {
        _("like"): can.can_like, _("hide"): can.can_hide, _("delete your own"): can.can_delete,
        _("block"): can.can_block, _("report"): can.can_report, _("mark as read"): can.can_mark_read,
    }  # fmt: skip
    words = [word for word, holds in able.items() if holds]
    return [_("From here you can %(deeds)s.") % {"deeds": ", ".join(words)}] if words else []
