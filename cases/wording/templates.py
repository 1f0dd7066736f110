"""Templates: words to begin with. Hark fills in `{fields}`; a `[[gap]]` is left for a person, and stops the sending.

A field may say what stands there when Hark does not know: `Hello {customer|there},`. Where it says nothing, an unknown
name goes with the space before it, and anything else unknown becomes a gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import Case, Template, TemplateText
from crm.errors import Refused
from crm.models import Order, User

# what each field stands for, as the form tells it
FIELDS = {
    "customer": gettext_lazy("their first name, else their name"),
    "agent": gettext_lazy("the first name of who writes"),
    "case": gettext_lazy("the number of the case"),
    "brand": gettext_lazy("whom they wrote to"),
    "channel": gettext_lazy("the name of the channel"),
    "order": gettext_lazy("the number of their newest order"),
}
FIELD = re.compile(r"\{([^{}]*)\}")
GAP = re.compile(r"\[\[(.*?)\]\]", re.DOTALL)
LONE = re.compile(r"\[\[|\]\]")
TITLES = {"mr", "mrs", "ms", "miss", "dr", "prof", "herr", "frau", "señor", "señora", "sr", "sra", "don", "doña", "mme"}
LANGUAGE = "en"  # what a template is read in where none of its texts is in theirs
OFFERED = 50


class GapLeft(Refused):
    sentence = gettext_lazy("“{gap}” is still to be filled in: only you can say that. Then send it again.")


# --- what a template may be


def mistakes(text: str) -> Iterator[str]:
    """What is wrong with the text of a template, in finished sentences."""
    yield from _wrong_fields(text)
    gaps = [gap.strip() for gap in GAP.findall(text)]
    if LONE.search(GAP.sub("", text)) or any("[[" in gap for gap in gaps):
        yield _("A gap begins with [[ and ends with ]]. One of them is missing.")
    elif not gaps:
        yield _(
            "Without a gap everybody would get the same words."
            " Write [[what only a person can say]] where it has to be theirs."
        )
    elif not all(gaps):
        yield _("Say in the gap what belongs there: [[what went wrong for them]].")


def _wrong_fields(text: str) -> Iterator[str]:
    rest = FIELD.sub("", text)
    if "{" in rest:
        yield _("A { is never closed. A field is written {customer}.")
    if "}" in rest:
        yield _("A } stands alone. A field is written {customer}.")
    for written in FIELD.findall(text):
        name = written.partition("|")[0].strip()
        if name not in FIELDS:
            yield _unknown(name)


def _unknown(name: str) -> str:
    near = get_close_matches(name.lower(), FIELDS, n=1, cutoff=0.5)
    if near:
        return _("{name} is not a field; did you mean {near}?").format(name=f"{{{name}}}", near=f"{{{near[0]}}}")
    every = ", ".join(f"{{{field}}}" for field in FIELDS)
    return _("{name} is not a field. There are {every}.").format(name=f"{{{name}}}", every=every)


# --- filling in


def fill(text: str, facts: Mapping[str, str]) -> str:
    """`text` with its fields filled in. What a fact says can open neither a field nor a gap."""

    def value(found: re.Match[str]) -> str:
        name, bar, otherwise = (part.strip() for part in found[1].partition("|"))
        known = facts.get(name, "").replace("[[", "[ [").replace("]]", "] ]")
        if known or bar:
            return known or otherwise
        return "" if name == "customer" else f"[[{FIELDS[name]}]]" if name in FIELDS else found[0]

    without_name = not facts.get("customer")
    text = re.sub(r" +(\{customer\|?\})", r"\1", text) if without_name else text
    return FIELD.sub(value, text)


def facts(case: Case, by: User) -> dict[str, str]:
    """What the fields say in this case. One query, for the order."""
    order = Order.objects.of_customer(case.customer).newest_first().values_list("number", flat=True).first()
    return {
        "customer": case.customer.given_name or first_name(case.customer.name),
        "agent": by.first_name or str(by),
        "case": str(case.pk),
        "brand": case.channel.brand or case.channel.our_handle or case.channel.name,
        "channel": case.channel.name,
        "order": order or "",
    }


def first_name(name: str) -> str:
    """What one calls somebody of that name: "Jane" of Jane Doe, "Mr Abernathy" whole; nothing for what is a handle."""
    words = name.split()
    if not words or not words[0][:1].isalpha() or any(sign.isdigit() or sign in "_@" for sign in name):
        return ""
    if len(words) == 1 and not name[:1].isupper() and name[:1].lower() != name[:1].upper():
        return ""
    return name if words[0].rstrip(".").lower() in TITLES else words[0].rstrip(",")


def gaps(text: str) -> list[str]:
    return [" ".join(gap.split()) for gap in GAP.findall(text)]


def must_be_filled(text: str) -> None:
    """Raises GapLeft while a gap stands in what is to be sent."""
    if left := gaps(text):
        raise GapLeft(gap=left[0][:80])


# --- choosing one


@dataclass(frozen=True)
class Begun:
    """A template ready to be written on in a case."""

    template: Template
    language: str
    text: str


def begin(template: Template, case: Case, known: Mapping[str, str]) -> Begun | None:
    """The template in the case's language, else the customer's, else English, else what it has; filled in."""
    texts = {text.language: text for text in template.texts.all()}
    wished = (case.language, case.customer.language, LANGUAGE, *sorted(texts))
    chosen = next((texts[code] for code in wished if code in texts), None)
    return Begun(template, chosen.language, fill(chosen.text, known)) if chosen else None


def offered(case: Case, by: User, words: str = "") -> list[Begun]:
    """What may be begun with in this case, by name. Three queries."""
    found = Template.objects.for_case(case).saying(words).prefetch_related(Prefetch("texts", _texts()))
    known = facts(case, by)
    return [begun for template in found[:OFFERED] if (begun := begin(template, case, known))]


def chosen(pk: str, case: Case, by: User) -> Begun | None:
    """The template of that number, if it may be used here."""
    if not pk.isdecimal() or len(pk) > 18:
        return None
    template = Template.objects.for_case(case).filter(pk=pk).prefetch_related(Prefetch("texts", _texts())).first()
    return begin(template, case, facts(case, by)) if template else None


def preview(template: Template, case: Case, by: User) -> Iterable[Begun]:
    """Each of its texts as it would begin in this case."""
    known = facts(case, by)
    return [Begun(template, text.language, fill(text.text, known)) for text in template.texts.all()]


def _texts() -> QuerySet[TemplateText]:
    return TemplateText.objects.order_by("language")
