"""Where somebody stands in a survey: what they were asked, what they said, what we know anyway, and what comes next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from django.utils.translation import gettext_lazy as _

from crm.errors import Refused
from crm.models import Consent
from surveys import facts, paths
from surveys.checking import NotAnAnswer, checked
from surveys.models import Answer, Invitation, Question, Response, Version
from surveys.paths import Facts, Given


class NotAsked(Refused):
    sentence = _("This question is not asked here, or not any more.")


@dataclass(frozen=True)
class Standing:
    """One invitation as it stands. `answers` are those behind its link, by question, and also those no longer on the
    path; `fresh` is what they need not be asked: told lately, or a permission that is on the record.
    """

    invitation: Invitation
    version: Version
    response: Response | None
    answers: dict[int, Answer]
    facts: Facts
    fresh: Given

    @property
    def given(self) -> Given:
        return {pk: answer.value for pk, answer in self.answers.items()}

    @cached_property
    def path(self) -> list[Question]:
        """The screens, as far as known."""
        return paths.path(self.version, self.facts, self.given, self.fresh)

    @property
    def current(self) -> Question | None:
        return next((question for question in self.path if question.pk not in self.answers), None)

    @property
    def still(self) -> int:
        """The most that are still to come."""
        return paths.longest(self.version, self.facts, self.given, self.fresh)

    @property
    def percent(self) -> int:
        return paths.progress(self.version, self.facts, self.given, self.fresh)

    def screen_of(self, question: int) -> Question:
        """One they were asked, or are asked now. Raises NotAsked: nobody goes ahead of the path."""
        for each in self.path:
            if each.pk == question:
                return each
            if each.pk not in self.answers:
                break
        raise NotAsked

    def now(self, response: Response, without: Collection[int] = ()) -> Standing:
        """The same after an answer was given, and without those to these questions."""
        kept = {pk: answer for pk, answer in self.answers.items() if pk not in without}
        return replace(self, response=response, answers=kept)

    def said_no_to(self, permission: str) -> bool:
        """Whether they refused it behind this very link."""
        asked = (answer.question for answer in self.answers.values() if answer.agreed is False)
        return any(question.permission == permission for question in asked)


def of(invitation: Invitation, now: datetime) -> Standing:
    return of_many([invitation], now)[0]


def of_many(invitations: Sequence[Invitation], now: datetime) -> list[Standing]:
    """In the order of `invitations`, with a fixed number of queries."""
    customers = [each.customer_id for each in invitations]
    versions = Version.objects.with_questions().in_bulk({each.version_id for each in invitations})
    responses = {each.invitation_id: each for each in Response.objects.filter(invitation__in=invitations)}
    answers = _answers(responses, versions)
    known, told, allowed = facts.known(customers), _told(customers, now), _allowed(customers)
    return [
        Standing(
            one, versions[one.version_id], responses.get(one.pk), answers[one.pk], known[one.customer_id],
            _fresh(versions[one.version_id], told[one.customer_id], allowed[one.customer_id], one.pk),
        )
        for one in invitations
    ]  # fmt: skip


def _answers(responses: Mapping[int, Response], versions: Mapping[int, Version]) -> dict[int, dict[int, Answer]]:
    """Those of each invitation by question, each with the question of its version: no query when it is read."""
    questions = {one.pk: one for version in versions.values() for one in version.questions.all()}
    owners = {response.pk: invitation for invitation, response in responses.items()}
    found: dict[int, dict[int, Answer]] = defaultdict(dict)
    for answer in Answer.objects.filter(response__in=owners):
        answer.question = questions[answer.question_id]
        found[owners[answer.response_id]][answer.question_id] = answer
    return found


def _told(customers: Sequence[int], now: datetime) -> dict[int, list[Answer]]:
    found: dict[int, list[Answer]] = defaultdict(list)
    for answer in Answer.objects.fresh_of(customers, now).select_related("response__invitation", "question"):
        found[answer.response.invitation.customer_id].append(answer)
    return found


def _allowed(customers: Sequence[int]) -> dict[int, dict[str, bool]]:
    found: dict[int, dict[str, bool]] = defaultdict(dict)
    rows = Consent.objects.filter(customer__in=customers)
    for customer, purpose, state in rows.values_list("customer", "purpose", "state"):
        found[customer][purpose] = state == Consent.State.GIVEN
    return found


def _fresh(version: Version, told: list[Answer], allowed: Mapping[str, bool], invitation: int) -> Given:
    """What of this version they need not be asked. An answer that would be none here does not count."""
    lately = {answer.question.key: answer for answer in told if answer.response.invitation_id != invitation}
    found: dict[int, paths.Value] = {}
    for question in version.questions.all():
        if question.permission in allowed:
            found[question.pk] = allowed[question.permission]
        elif (answer := lately.get(question.key)) and _would_be_one(question, answer):
            found[question.pk] = answer.value
    return found


def _would_be_one(question: Question, earlier: Answer) -> bool:
    """Whether an answer given elsewhere answers this question as well. Passed over is no answer."""
    try:
        return earlier.question.kind == question.kind and checked(question, earlier.value) not in (None, "", [])
    except NotAnAnswer:
        return False
