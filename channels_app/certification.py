"""What one must know before answering: modules with questions, and certificates that run out.

Modules in force apply: the base modules everywhere, those of a network on its channels. Nothing in force, and everybody
may send. A certificate is a passed `Attempt` until its `expires_at`.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from channels_app.models import Attempt, Channel, Module, ModuleQuestion
from crm import notices
from crm.errors import Refused
from crm.models import Notice, User
from crm.models.activity import log

RENEWED_FROM = timedelta(days=30)  # before the end
REMINDED_FROM = timedelta(days=14)


class NotCertified(Refused):
    sentence = gettext_lazy("{who} is not certified for {channel} yet. Missing: {missing}.")


class NoQuestions(Refused):
    sentence = gettext_lazy("“{module}” has no questions yet, so nobody could pass it. Add some, then put it in force.")


class LastQuestion(Refused):
    sentence = gettext_lazy("This is the last question of “{module}”, which is in force. Add another before it goes.")


class NotInForce(Refused):
    sentence = gettext_lazy("“{module}” is not in force, so there is nothing to pass.")


class StillValid(Refused):
    sentence = gettext_lazy("Your certificate for “{module}” is valid until {until}. It can be renewed from {from_on}.")


class NotAllAnswered(Refused):
    sentence = gettext_lazy("Answer every question: {n} have no answer yet.")


class QuestionsChanged(Refused):
    sentence = gettext_lazy("The questions were changed while you answered. Here they are as they are now.")


# --- who may send


def missing(user: User, channel: Channel) -> list[Module]:
    """The modules in force for this channel for which the person has no valid certificate. One query at most."""
    if channel.capabilities.written_by_hand:
        return []
    return list(Module.objects.needed_for(channel.place).lacked_by(user))


def must_be_certified(*, user: User, channel: Channel) -> None:
    """Raises NotCertified, which names what is missing."""
    if lacking := missing(user, channel):
        raise NotCertified(who=user, channel=channel, missing=named(lacking))


def named(modules: Iterable[Module]) -> str:
    return ", ".join(f"“{module}”" for module in modules)


def who_lack_nothing(people: Sequence[User], channel: Channel) -> list[User]:
    """Those of `people` who are certified for the channel. Two queries, however many people."""
    if channel.capabilities.written_by_hand:
        return list(people)
    needed = set(Module.objects.needed_for(channel.place).values_list("pk", flat=True))
    held = Attempt.objects.valid().filter(module__in=needed, user__in=people).values_list("user_id", "module_id")
    have: dict[int, set[int]] = {person.pk: set() for person in people}
    for user, module in held:
        have[user].add(module)
    return [person for person in people if have[person.pk] >= needed]


# --- the questions as somebody is asked them


@dataclass(frozen=True)
class Asked:
    """One question with its choices in the order of this form."""

    question: ModuleQuestion
    choices: list[str]
    right: int  # where the right one stands in that order


def asked(questions: Iterable[ModuleQuestion], seed: str) -> list[Asked]:
    """The same order for the same seed: it travels in the form, so that a place means the same when it comes back."""
    return [_shuffled(question, seed) for question in questions]


def _shuffled(question: ModuleQuestion, seed: str) -> Asked:
    order = list(range(len(question.choices)))
    random.Random(f"{seed}/{question.pk}").shuffle(order)
    return Asked(question, [question.choices[place] for place in order], order.index(question.right))


def new_seed(questions: Iterable[ModuleQuestion]) -> str:
    """A new order, with the print of the questions it is an order of."""
    return f"{random.randrange(10**9)}.{_print(questions)}"


def _print(questions: Iterable[ModuleQuestion]) -> str:
    said = repr([(q.pk, q.text, q.choices, q.right) for q in questions])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Result:
    attempt: Attempt
    wrong: list[ModuleQuestion]

    @property
    def passed(self) -> bool:
        return self.attempt.expires_at is not None


@transaction.atomic
def take(*, module: Module, answers: Mapping[int, int], seed: str, by: User) -> Result:
    """One attempt. `answers`: question → place of the choice in the order of `seed`.

    Passed, it is a certificate from now on for `valid_days`. Raises NotInForce, StillValid, QuestionsChanged and
    NotAllAnswered; none of them counts as an attempt.
    """
    if module.in_force_at is None or module.retired_at:
        raise NotInForce(module=module)
    _must_be_renewable(module, by)
    questions = list(module.questions.all())
    if not questions or seed.partition(".")[2] != _print(questions):
        raise QuestionsChanged
    if unanswered := [question for question in questions if question.pk not in answers]:
        raise NotAllAnswered(n=len(unanswered))
    wrong = [each.question for each in asked(questions, seed) if answers[each.question.pk] != each.right]
    right, now = len(questions) - len(wrong), timezone.now()
    passed = right * 100 >= module.pass_mark * len(questions)
    attempt = Attempt.objects.create(
        module=module, user=by, right=right, asked=len(questions), at=now,
        expires_at=now + timedelta(days=module.valid_days) if passed else None,
    )  # fmt: skip
    log("passed" if passed else "did not pass", module, by=by, detail=f"{right} / {len(questions)}")
    return Result(attempt, wrong)


def _must_be_renewable(module: Module, user: User) -> None:
    held = certificate(user, module)
    if held and held.expires_at and not renewable(held.expires_at):
        from_on = _day(held.expires_at - RENEWED_FROM)
        raise StillValid(module=module, until=_day(held.expires_at), from_on=from_on)


def _day(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "j F Y")


def certificate(user: User, module: Module) -> Attempt | None:
    """The valid one that lasts longest."""
    return Attempt.objects.valid().filter(user=user, module=module).order_by("-expires_at").first()


def renewable(expires_at: datetime, now: datetime | None = None) -> bool:
    return expires_at - (now or timezone.now()) <= RENEWED_FROM


# --- what leads decide


@transaction.atomic
def put_in_force(*, module: Module, by: User) -> Module:
    """From now on whoever has not passed it cannot send there. Raises NoQuestions. A retired one comes back."""
    current = Module.objects.select_for_update().get(pk=module.pk)
    if not current.questions.exists():
        raise NoQuestions(module=current)
    current.in_force_at, current.retired_at = current.in_force_at or timezone.now(), None
    current.save(update_fields=["in_force_at", "retired_at"])
    log("put in force", current, by=by)
    return current


@transaction.atomic
def retire(*, module: Module, by: User) -> Module:
    """Nobody needs it any more; who passed it when stays known."""
    Module.objects.filter(pk=module.pk, retired_at=None).update(retired_at=timezone.now())
    module.refresh_from_db()
    log("retired", module, by=by)
    return module


@transaction.atomic
def remove_question(*, question: ModuleQuestion, by: User) -> None:
    """Attempts keep their counts. Raises LastQuestion while the module is in force."""
    module = Module.objects.select_for_update().get(pk=question.module_id)
    in_force = module.in_force_at and not module.retired_at
    if in_force and not module.questions.exclude(pk=question.pk).exists():
        raise LastQuestion(module=module)
    log("changed", module, by=by, detail=_("Question removed: {text}").format(text=question.text))
    question.delete()


# --- before a certificate runs out


@transaction.atomic
def remind() -> int:
    """Tell those whose certificates run out within two weeks, once each. Returns how many certificates.

    Not who has renewed already, nor for what is out of force, nor who has left.
    """
    now = timezone.now()
    ending = Attempt.objects.running_out(now, now + REMINDED_FROM)
    found = list(ending.select_related("module").select_for_update(of=("self",), skip_locked=True).order_by("pk")[:500])
    Attempt.objects.filter(pk__in=[attempt.pk for attempt in found]).update(reminded_at=now)
    together: dict[tuple[Module, str], list[int]] = {}
    for attempt in found:
        ends = attempt.expires_at  # never empty here
        together.setdefault((attempt.module, _day(ends) if ends else ""), []).append(attempt.user_id)
    text = _("Your certificate for “{module}” is valid until {until}. Renew it now, and nothing you send has to wait.")
    for (module, until), people in together.items():
        url = reverse("channels_app:module_read", args=[module.pk])
        notices.tell(people, Notice.Kind.TEAM, text.format(module=module, until=until), url=url, about=module)
    return len(found)
