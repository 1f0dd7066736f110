"""What people type when they look for a customer: questions made of the customers there are."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from channels_app.models import Message
from crm.models import Customer, Identity, IdentityLink

Kind = Identity.Kind
COMMON = ("maria", "john", "smith", "anna", "mail.example", "an", "a", "son", "the", "flight", "example", "1", "muller")
NOBODY = (
    "zzyzx quuxfoo", "nobody.at.all@nowhere.invalid", "+999 999 999 999 999", "%%%", "___", "\\", "🦄🦄", "ـــ",
    "' OR 1=1",
    "x" * 200, "qx", "ΩΩΩ", "no such customer anywhere", "@",
)  # fmt: skip


class Question(NamedTuple):
    words: str
    customer: int | None  # whom they mean, where it is one


Maker = Callable[[Random], Question | None]


def kinds_of_questions() -> dict[str, Maker]:
    return {
        "full name": lambda chance: _of_name(chance, lambda name: name),
        "part of a name": lambda chance: _of_name(chance, _part_of_a_name),
        "typo in a name": lambda chance: _of_name(chance, lambda name: _mistyped(chance, name)),
        "handle": lambda chance: _of_identity(chance, Kind.HANDLE, lambda handle: f"@{handle}"),
        "part of a handle": lambda chance: _of_identity(chance, Kind.HANDLE, lambda handle: handle[1:-1]),
        "part of an e-mail": lambda chance: _of_identity(chance, Kind.EMAIL, _part_of_an_address),
        "phone": lambda chance: _of_identity(chance, Kind.PHONE, lambda number: _spaced(chance, number)),
        "outside id": lambda chance: _of_identity(chance, Kind.EXTERNAL, lambda number: number),
        "rare words they wrote": _rare_words,
        "common words": lambda chance: Question(chance.choice(COMMON), None),
        "nothing to be found": lambda chance: Question(chance.choice(NOBODY), None),
    }


def _of_name(chance: Random, ask: Callable[[str], str]) -> Question | None:
    """Of somebody who was not merged and has a name of two words."""
    last = Customer.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    known = Customer.objects.standing().filter(pk__gte=chance.randint(1, max(last, 1)), known_at__isnull=False)
    found = known.filter(name__contains=" ").order_by("pk").first()
    return Question(ask(found.name), found.pk) if found else None


def _of_identity(chance: Random, kind: str, ask: Callable[[str], str]) -> Question | None:
    last = Identity.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    links = IdentityLink.objects.confirmed().select_related("identity")
    found = (
        links.filter(identity__gte=chance.randint(1, max(last, 1)), identity__kind=kind).order_by("identity").first()
    )
    return Question(ask(found.identity.handle), found.customer_id) if found else None


def _part_of_a_name(name: str) -> str:
    """The beginnings of its first two words, the second word first."""
    first, second, *_ = name.split()
    return f"{second[:5]} {first[:4]}"


def _mistyped(chance: Random, name: str) -> str:
    """Its longest word with two letters swapped, or one dropped, doubled or changed; the others as they are."""
    words = name.split()
    longest = max(range(len(words)), key=lambda n: len(words[n]))
    word, at = words[longest], chance.randrange(1, max(2, len(words[longest]) - 1))
    words[longest] = chance.choice(
        (
            word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + chance.choice("aeionrst") + word[at + 1 :],
        )
    )
    return " ".join(words)


def _part_of_an_address(address: str) -> str:
    name, _, domain = address.partition("@")
    return f"{name[2:]}@{domain[:4]}"


def _spaced(chance: Random, number: str) -> str:
    """The digits, cut otherwise than they were written."""
    digits = "".join(c for c in number if c.isdecimal())
    sign = chance.choice((" ", "-", ".", " / "))
    return sign.join([digits[:4], digits[4:7], digits[7:]])


def _rare_words(chance: Random) -> Question | None:
    """Three words in the middle of what somebody wrote."""
    last = Message.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    wrote = Message.objects.filter(
        pk__gte=chance.randint(1, max(last, 1)), direction="in", identity__links__state="confirmed"
    )
    found = wrote.order_by("pk").values_list("text", "identity__links__customer").first()
    if not found or len(words := found[0].split()) < 6:
        return None
    return Question(" ".join(words[2:6]), None)
