"""What people ask for when they look for a customer or an account: questions made of those there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.utils import timezone

from channels_app.models import Message
from crm import finding
from crm.forms import AccountsForm, CustomersForm
from crm.models import Account, Customer, Identity, IdentityLink, User
from crm.views.customer_list import listed
from crm.views.finder import meant_by
from crm.web import keyset_page

Kind = Identity.Kind
DAYS = 5 * 365
COMMON = ("maria", "john", "smith", "anna", "mail.example", "an", "a", "son", "the", "flight", "example", "1", "muller")
NOBODY = (
    "zzyzx quuxfoo", "nobody.at.all@nowhere.invalid", "+999 999 999 999 999", "%%%", "___", "\\", "🦄🦄", "ـــ",
    "' OR 1=1",
    "x" * 200, "qx", "ΩΩΩ", "no such customer anywhere", "@",
)  # fmt: skip

Ask = Callable[[str], Sequence[int]]


def closest(words: str) -> Sequence[int]:
    """As the list and the API search."""
    return [hit.customer for hit in finding.closest(Customer.objects.all(), words).hits]


def typed(words: str) -> Sequence[int]:
    """As Ctrl K, after each key."""
    found = meant_by(words, Customer.objects.all(), Account.objects.all())
    return [row.pk for rows in found.values() for row in rows]


def customers(query: str) -> Sequence[int]:
    """A page of the list, with its rows and its count."""
    asked = QueryDict(query)
    return [row.pk for row in listed(Customer.objects.all(), CustomersForm(asked), asked, counted=True)["page"].rows]


def accounts(query: str) -> Sequence[int]:
    """A page of the list of accounts."""
    asked = QueryDict(query)
    found = AccountsForm(asked, user=User(pk=0)).narrow(Account.objects.all()).select_related("owner")
    return [row.pk for row in keyset_page(found, asked, key=("name", "id"), size=50).rows]


class Question(NamedTuple):
    words: str
    meant: int | None  # the primary key of whom they mean, where it is one
    ask: Ask = closest


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
        "words they wrote": _words_they_wrote,
        "common words": lambda chance: Question(chance.choice(COMMON), None),
        "nothing to be found": lambda chance: Question(chance.choice(NOBODY), None),
        "Ctrl K, while typing": _while_typing,
        "a name within a filter": _within_a_filter,
        "list, newest page": lambda chance: Question("", None, customers),
        "list, page far down": _far_down,
        "list, last page": _last_page,
        "list, one filter": lambda chance: Question(_filters(chance, 1), None, customers),
        "list, three filters": lambda chance: Question(_filters(chance, 3), None, customers),
        "account by name": lambda chance: _of_account(chance, lambda account: _in_the_middle(account.name)),
        "account by outside id": lambda chance: _of_account(chance, lambda account: account.external_id),
        "accounts, common word": lambda chance: Question(urlencode({"q": chance.choice(COMMON)}), None, accounts),
        "accounts under a filter": _accounts_under_a_filter,
        "accounts, page far down": _accounts_far_down,
    }


def _of_name(chance: Random, ask: Callable[[str], str]) -> Question | None:
    found = _somebody(chance)
    return Question(ask(found.name), found.pk) if found else None


def _somebody(chance: Random) -> Customer | None:
    """Somebody who was not merged and has a name of two words."""
    known = Customer.objects.standing().known().filter(pk__gte=_any_pk(chance, Customer), name__contains=" ")
    return known.order_by("pk").first()


def _any_pk(chance: Random, model: Any) -> int:
    """Up to the last there is."""
    return chance.randint(1, model.objects.order_by("-pk").values_list("pk", flat=True).first() or 1)


def _of_identity(chance: Random, kind: str, ask: Callable[[str], str]) -> Question | None:
    links = IdentityLink.objects.confirmed().filter(identity__kind=kind).select_related("identity").order_by("identity")
    found = links.filter(identity__gte=_any_pk(chance, Identity)).first() or links.first()  # round from the last
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


def _words_they_wrote(chance: Random) -> Question | None:
    """Four words in the middle of what somebody wrote."""
    wrote = Message.objects.filter(
        pk__gte=_any_pk(chance, Message), direction="in", identity__links__state=IdentityLink.State.CONFIRMED
    )
    text = wrote.order_by("pk").values_list("text", flat=True).first() or ""
    words = text.split()
    return Question(" ".join(words[2:6]), None) if len(words) >= 6 else None


def _while_typing(chance: Random) -> Question | None:
    """A name of which so many letters are typed: two at least, for one finds nobody."""
    found = _somebody(chance)
    return Question(found.name[: chance.randint(2, len(found.name))], None, typed) if found else None


def _within_a_filter(chance: Random) -> Question | None:
    if not (found := _somebody(chance)):
        return None
    filters = {"q": found.name, "country": found.country, "tier": found.tier}
    return Question(urlencode(filters), found.pk, customers)


def _filters(chance: Random, count: int) -> str:
    """Some filters of the list, each set to something it offers."""
    offered = {field.name: _offered(chance, field.field) for field in CustomersForm(QueryDict()).filters}
    names = [name for name, values in offered.items() if values]
    return urlencode({name: chance.choice(offered[name]) for name in chance.sample(names, min(count, len(names)))})


def _offered(chance: Random, field: forms.Field) -> list[str]:
    if isinstance(field, forms.ChoiceField):
        return [str(value) for value, _label in list(field.choices) if value]  # type: ignore[arg-type, misc]
    return [(timezone.localdate() - timedelta(days=chance.randrange(DAYS))).isoformat()]


def _far_down(chance: Random) -> Question | None:
    found = Customer.objects.filter(pk__gte=_any_pk(chance, Customer)).order_by("pk").first()
    return Question(_after(found), None, customers) if found else None


def _last_page(chance: Random) -> Question | None:
    """What comes after one of the first forty people we ever met."""
    oldest = list(Customer.objects.standing().order_by("created_at", "pk")[:40])
    return Question(_after(chance.choice(oldest)), None, customers) if oldest else None


def _after(last: Customer) -> str:
    return urlencode({"after": f"{last.created_at.isoformat()}~{last.pk}"})


def _of_account(chance: Random, ask: Callable[[Account], str]) -> Question | None:
    there = Account.objects.in_use().exclude(external_id="")
    found = there.filter(pk__gte=_any_pk(chance, Account)).order_by("pk").first()
    return Question(urlencode({"q": ask(found)}), found.pk, accounts) if found else None


def _in_the_middle(name: str) -> str:
    """The longest two words of a name, the second as far as it is typed."""
    first, *others = sorted(name.split(), key=len, reverse=True)
    return " ".join([first, *(word[:4] for word in others[:1])])


def _accounts_under_a_filter(chance: Random) -> Question:
    country = chance.choice(["DE", "US", "IS", "JP", "NG", "FR"])
    choices = ({"country": country}, {"kind": "reseller"}, {"owner": "nobody"}, {"owner": "me"}, {"state": "closed"})
    return Question(urlencode(chance.choice([*choices, {"country": country, "kind": "partner"}])), None, accounts)


def _accounts_far_down(chance: Random) -> Question | None:
    found = Account.objects.filter(pk__gte=_any_pk(chance, Account)).order_by("pk").first()
    return Question(urlencode({"after": f"{found.name}~{found.pk}"}), None, accounts) if found else None
