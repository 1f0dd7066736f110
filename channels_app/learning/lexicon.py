"""Words that leads add for a language, everywhere or for one brand. In use with the next batch that is read."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from channels_app.learning.aspects import LANGUAGE, VALUES, NoSuchAspect, NoSuchLanguage, NoSuchValue
from channels_app.models import Aspect, Channel, LexiconWord
from channels_app.reading.words import in_tokens
from crm.errors import Refused
from crm.models import User
from crm.models.activity import log

LONGEST = 80
SHORTEST_BEFORE_ANY_ENDING = 2


class NoWord(Refused):
    sentence = _("Write a word or a phrase with letters in it, such as “never again” or “delay*”.")


class TooLong(Refused):
    sentence = _("A word or phrase has {longest} letters at most.")


class EndingTooShort(Refused):
    sentence = _("Before a * stand two letters at least, and it stands at the end of a word.")


class NoSuchWeight(Refused):
    sentence = _("A weight is a number from -1 to 1.")


class NoSuchBrand(Refused):
    sentence = _("No channel speaks for the brand “{brand}”.")


class StandsAlready(Refused):
    sentence = _("“{words}” stands there already, with the same weight.")


class AlreadyOut(Refused):
    sentence = _("“{words}” has been taken out already.")


@transaction.atomic
def add(
    *, language: str, brand: str, aspect: str, value: str, words: str, weight: float, by: User | None
) -> LexiconWord:
    """Add a word; where it stands with another weight, it is replaced. `brand` "" is for all of them."""
    words = _written(words)
    _refuse(language, brand, aspect, value, words, weight)
    place = {"language": language, "brand": brand, "aspect": aspect, "value": value, "words": words}
    if there := LexiconWord.objects.in_use().select_for_update().filter(**place).first():
        if there.weight == weight:
            raise StandsAlready(words=words)
        remove(word=there, by=by)
    try:
        with transaction.atomic():
            made = LexiconWord.objects.create(**place, weight=weight, added_by=by)
    except IntegrityError as clash:
        raise StandsAlready(words=words) from clash
    log("added", made, by=by, detail=f"{words} {weight:+g}")
    return made


@transaction.atomic
def remove(*, word: LexiconWord, by: User | None) -> LexiconWord:
    """Take a word out: what Hark came with about it counts again."""
    if not LexiconWord.objects.in_use().filter(pk=word.pk).update(removed_at=timezone.now(), removed_by=by):
        raise AlreadyOut(words=word.words)
    log("taken out", word, by=by, detail=word.words)
    word.refresh_from_db()
    return word


def put_back(*, word: LexiconWord, by: User | None) -> LexiconWord:
    """As it was when it was taken out."""
    return add(
        language=word.language, brand=word.brand, aspect=word.aspect, value=word.value, words=word.words,
        weight=word.weight, by=by,
    )  # fmt: skip


def _written(words: str) -> str:
    return " ".join(words.replace("\x00", "").lower().split())


def _refuse(language: str, brand: str, aspect: str, value: str, words: str, weight: float) -> None:
    if aspect == Aspect.LANGUAGE or aspect not in (Aspect.SENTIMENT, *VALUES):
        raise NoSuchAspect
    if value not in (("",) if aspect == Aspect.SENTIMENT else VALUES[aspect]):
        raise NoSuchValue(value=value)
    if not LANGUAGE.fullmatch(language):
        raise NoSuchLanguage(value=language)
    if not -1 <= weight <= 1:
        raise NoSuchWeight
    if brand and not Channel.objects.filter(brand=brand).exists():
        raise NoSuchBrand(brand=brand)
    _refuse_words(language, words)


def _refuse_words(language: str, words: str) -> None:
    if len(words) > LONGEST:
        raise TooLong(longest=LONGEST)
    for word in words.split():
        stem = word.removesuffix("*")
        if "*" in stem or (stem != word and len(stem) < SHORTEST_BEFORE_ANY_ENDING):
            raise EndingTooShort
    if not any(any(map(str.isalpha, token)) for token in in_tokens(words, language)):
        raise NoWord
