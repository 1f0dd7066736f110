"""What customers said before they are called: the answers a call follows, their words, and what they are about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Prefetch

from surveys.models import Answer, FollowUp, Group, Response, Theme, Tone


@dataclass(frozen=True)
class Said:
    """One answered survey that a call follows: their own words, and what they praised and criticised."""

    response: Response
    words: list[str]
    praised: list[str]
    criticised: list[str]

    @property
    def why(self) -> list[str]:
        """What their score is for: of a detractor what went wrong, of everybody else what they like."""
        return self.criticised if self.response.group == Group.DETRACTOR else self.praised


def of_calls(calls: Iterable[int]) -> dict[int, list[Said]]:
    """Of each of these calls, the newest first. Three queries, however many."""
    themes = Prefetch("themes", Theme.objects.standing().select_related("cause__parent"), to_attr="standing")
    comments = Answer.objects.verbatims().prefetch_related(themes).order_by("question__position", "pk")
    found: dict[int, dict[int, Said]] = {pk: {} for pk in calls}
    owed = FollowUp.objects.filter(call__in=found).select_related("response__invitation__wave")
    rows = owed.prefetch_related(Prefetch("response__answers", comments, to_attr="comments"))
    for each in rows.order_by("-response__finished_at", "-response_id", "pk"):
        if each.response_id not in found[each.call_id]:
            found[each.call_id][each.response_id] = _said(each.response)
    return {pk: list(said.values()) for pk, said in found.items()}


def _said(response: Response) -> Said:
    comments: list[Answer] = response.comments  # type: ignore[attr-defined]
    themes: list[Theme] = [theme for comment in comments for theme in comment.standing]  # type: ignore[attr-defined]
    of_tone = {tone: _names(theme for theme in themes if theme.tone == tone) for tone in Tone}
    return Said(response, [each.text for each in comments], of_tone[Tone.PRAISE], of_tone[Tone.CRITICISM])


def _names(themes: Iterable[Theme]) -> list[str]:
    return list(dict.fromkeys(str(theme.cause or theme.get_topic_display()) for theme in themes))
