"""Who may speak in the demo: a policy in two versions, modules with questions, a certificate that ran out."""

from __future__ import annotations

import tomllib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from cases import approvals
from cases.models import Case
from channels_app import certification
from channels_app.models import Attempt, Channel, Module, ModuleQuestion, Policy, PolicyAcceptance
from crm.models import User

WRITTEN = Path(__file__).with_name("demo_rights.toml")
RAN_OUT, NOT_YET = "agent3", "agent2"  # her certificate for Chirp; his acceptance of the policy
WAITS = "Ciao, and thank you for your patience. I have asked Bookings; you hear from me by six this evening. Chiara"


def load() -> None:
    """After the channels, the people and the posts."""
    with WRITTEN.open("rb") as file:
        written = tomllib.load(file)
    channel, lead = Channel.objects.get(key="skylark"), User.objects.get(username="lead")
    _policies(written["policy"], channel, lead)
    _waits(channel, _modules(written["module"], lead))


def _policies(versions: list[dict[str, str]], channel: Channel, by: User) -> None:
    """The first version is half a year old; all but one have accepted the second."""
    now, people = timezone.now(), list(User.objects.who_answer())
    for number, said in enumerate(versions, 1):
        at = now - timedelta(days=180 if number == 1 else 9)
        words = {name: text.strip() for name, text in said.items()}
        policy = Policy.objects.create(channel=channel, version=number, made_by=by, published_at=at, **words)
        _accepted(policy, [p for p in people if number == 1 or p.username != NOT_YET], at)


def _accepted(policy: Policy, people: list[User], at: datetime) -> None:
    PolicyAcceptance.objects.bulk_create(
        [PolicyAcceptance(policy=policy, user=user, at=at + timedelta(hours=n)) for n, user in enumerate(people, 1)]
    )


def _modules(written: list[dict[str, Any]], by: User) -> Module:
    """All in force, everybody certified; the right choice is written first. Returns the last one."""
    now, people = timezone.now(), list(User.objects.who_answer())
    for each in written:
        questions = each.pop("question")
        module = Module.objects.create(**{**each, "content": each["content"].strip()})
        ModuleQuestion.objects.bulk_create(
            [ModuleQuestion(module=module, right=0, position=10 * n, **asked) for n, asked in enumerate(questions, 1)]
        )
        certification.put_in_force(module=module, by=by)
        Attempt.objects.bulk_create(
            [_passed(module, user, now - timedelta(days=40 * n)) for n, user in enumerate(people, 1)]
        )
    return module


def _passed(module: Module, user: User, at: datetime) -> Attempt:
    asked = module.questions.count()
    return Attempt(module=module, user=user, right=asked, asked=asked, at=at, expires_at=at + timedelta(days=365))


def _waits(channel: Channel, module: Module) -> None:
    """The certificate of one ran out five days ago, so that a reply of hers waits for somebody else."""
    who, ended = User.objects.get(username=RAN_OUT), timezone.now() - timedelta(days=5)
    module.attempts.filter(user=who).update(at=ended - timedelta(days=365), expires_at=ended)
    case = Case.objects.visible_to(who).needing_us().filter(channel=channel, owner=None, language__in=["", "en"])
    if first := case.order_by("rank", "turn_at", "id").first():
        approvals.ask(case=first, text=WAITS, by=who)
