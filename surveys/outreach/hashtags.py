"""Hashtags: `#billing` in a call note asks the group that owns it. A tag belongs to one group at a time.

A tag has 2 to 40 letters, digits, hyphens and underscores in any script, one letter at least, and is kept in small
letters: "#1" and "case #4711" are none. What stands within a web or mail address is none either.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import takewhile

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.models import SupportGroup, User
from crm.models.activity import log
from surveys.models import Hashtag

LEAST, MOST = 2, 40  # letters of a tag
MOST_AT_ONCE = 500  # tags a page takes along
SIGNS = "#＃"  # the second is what keyboards for Chinese and Japanese write
JOINERS = "\u200c\u200d"  # within words of Persian and the scripts of India
# an address is passed over whole, so that what follows a `#` in it is not found
PIECE = re.compile(rf"(?:\w+://|www\.)\S+|\S+@\S+\.\S+|(?<![\w/&{SIGNS}])[{SIGNS}](?P<tag>\S+)")


class NotATag(Refused):
    sentence = _("A hashtag has {least} to {most} letters, digits, hyphens or underscores, and one letter at least.")


class GroupClosed(Refused):
    sentence = _("{group} is no longer asked. Choose another group.")


class OwnedAlready(Refused):
    sentence = _("#{tag} belongs to {group}. It has to be retired there before another group can have it.")


class NotYours(Refused):
    sentence = _("Only leads and {who} change the hashtags of {group}.")


# --- in text


def found_in(text: str) -> list[str]:
    """The tags of a text, each once, in order, in small letters and without the sign."""
    return list(dict.fromkeys(tag for tag, _start, _end in places_in(text)))


def places_in(text: str) -> Iterator[tuple[str, int, int]]:
    """Each tag with where it stands: from its sign on, to behind its last letter."""
    for piece in PIECE.finditer(text):
        written = _written(piece["tag"] or "")
        if tag := _as_tag(written):
            yield tag, piece.start(), piece.start("tag") + len(written)


def _written(word: str) -> str:
    """As far as a tag goes: "billing's" is #billing, and so is "billing-"."""
    return "".join(takewhile(_belongs, word)).rstrip("-_" + JOINERS)


def _belongs(sign: str) -> bool:
    """Marks are part of a letter: the vowels of Hindi, for one."""
    return sign in "-_" + JOINERS or unicodedata.category(sign)[0] in "LNM"


def _as_tag(written: str) -> str:
    """In the one spelling it is kept in; "" for what is no tag."""
    tag = unicodedata.normalize("NFC", unicodedata.normalize("NFC", written).lower())
    return tag if LEAST <= len(tag) <= MOST and any(map(str.isalpha, tag)) else ""


# --- known ones


def known(tags: Iterable[str]) -> list[Hashtag]:
    """Those of them that ask a group now, in the order of `tags`. One query."""
    order = {tag: number for number, tag in enumerate(tags)}
    return sorted(_in_use().filter(tag__in=order), key=lambda hashtag: order[hashtag.tag])


def unknown_in(text: str) -> list[str]:
    """The tags of a text that ask nobody, so that whoever wrote them is shown."""
    tags = found_in(text)
    asking = {hashtag.tag for hashtag in known(tags)}
    return [tag for tag in tags if tag not in asking]


def unknown_of(texts: Iterable[str]) -> list[list[str]]:
    """The same of many texts, in their order. One query."""
    found = [found_in(text) for text in texts]
    asking = {hashtag.tag for hashtag in known({tag for tags in found for tag in tags})}
    return [[tag for tag in tags if tag not in asking] for tags in found]


def in_use() -> list[Hashtag]:
    """All that ask a group now, for a page that completes them also while it is cut off. One query."""
    return list(_in_use()[:MOST_AT_ONCE])


def _in_use() -> QuerySet[Hashtag]:
    return Hashtag.objects.filter(retired_at=None, group__closed_at=None).select_related("group__calendar")


# --- changed: by leads, and by who answers for the group


@transaction.atomic
def own(*, tag: str, group: SupportGroup, by: User, about: str = "") -> Hashtag:
    """The tag asks this group from now on. One that was retired comes back, from whatever group it was of."""
    _may_change(group, by)
    spelled = _spelled(tag)
    if group.closed_at:
        raise GroupClosed(group=group)
    hashtag = _made(spelled, group, about) or _taken_over(spelled, group, about)
    log("hashtag given", group, by=by, detail=f"#{spelled}")
    return hashtag


def _spelled(tag: str) -> str:
    """With its sign or without. Refused where a note would not find it so."""
    word = tag.strip().lstrip(SIGNS)
    if _written(word) != word or not _as_tag(word):
        raise NotATag(least=LEAST, most=MOST)
    return _as_tag(word)


def _made(tag: str, group: SupportGroup, about: str) -> Hashtag | None:
    try:
        with transaction.atomic():
            return Hashtag.objects.create(tag=tag, group=group, about=about.strip()[:200])
    except IntegrityError:
        return None


def _taken_over(tag: str, group: SupportGroup, about: str) -> Hashtag:
    """Under its lock: what is retired, or theirs already. Anything else belongs to another group."""
    hashtag = Hashtag.objects.select_for_update(of=("self",)).select_related("group").get(tag=tag)
    if hashtag.retired_at is None and hashtag.group_id != group.pk:
        raise OwnedAlready(tag=tag, group=hashtag.group)
    hashtag.group, hashtag.retired_at, hashtag.about = group, None, about.strip()[:200] or hashtag.about
    hashtag.save(update_fields=["group", "retired_at", "about"])
    return hashtag


@transaction.atomic
def retire(*, hashtag: Hashtag, by: User) -> Hashtag:
    """It asks nobody any more; what it has asked stays, and is still answered."""
    _may_change(hashtag.group, by)
    if Hashtag.objects.filter(pk=hashtag.pk, retired_at=None).update(retired_at=timezone.now()):
        log("hashtag retired", hashtag.group, by=by, detail=str(hashtag))
    hashtag.refresh_from_db()
    return hashtag


@transaction.atomic
def restore(*, hashtag: Hashtag, by: User) -> Hashtag:
    """Undo of `retire`: it asks the group it asked before."""
    hashtag.refresh_from_db()  # another group may have taken it in the meantime
    return own(tag=hashtag.tag, group=hashtag.group, by=by)


def _may_change(group: SupportGroup, by: User) -> None:
    if not by.leads and by.pk != group.owner_id:
        raise NotYours(group=group, who=group.owner or _("whoever answers for it"))
