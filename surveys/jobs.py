"""Background steps of the surveys. Each reads again what is to be done, and may run twice."""

from __future__ import annotations

from django.utils import timezone

from crm import handoff
from surveys import after_case, inviting, planning, quality, themes, waves
from surveys.models import Answer

INVITE = "surveys.jobs.send_invitations"


def invite() -> None:
    """Every few seconds: nudge what is due, behind what people wait for."""
    if inviting.is_due():
        handoff.nudge(INVITE, queue="default")


def send_invitations() -> None:
    """A batch; where there is more, the next stands in line again, so that others come in between."""
    if inviting.send_due() >= inviting.BATCH:
        handoff.nudge(INVITE, queue="default")


def sweep_invitations() -> None:
    """Each minute: what a dead sender left behind, and what needs not be sent any more."""
    inviting.sweep()


def find_cases() -> None:
    """Each hour: resolved cases nobody was nudged for."""
    after_case.plan()


def case_resolved(*case_ids: int) -> None:
    """These cases are resolved: ask how it went, in a while."""
    after_case.plan(case_ids)


def suggest_themes(response_id: int = 0) -> None:
    """What the comments of this response, or of all that wait, are about. A sweep too: what was not nudged is found."""
    if response_id:
        themes.suggest(Answer.objects.to_theme().filter(response=response_id))
    while themes.catch_up() == themes.BATCH:
        pass


def plan_wave(wave_id: int) -> None:
    """A slice of the plan of a wave; where there is more, the next stands in line again."""
    if planning.plan(wave_id):
        handoff.nudge(waves.PLAN, wave_id, queue="default")


def sweep_waves() -> None:
    """Each minute: waves that are over, links that have run out, plans that broke off."""
    waves.sweep()


def catch_up_waves() -> None:
    """Each hour: nudge the search for who has to be asked and could not be when their wave was planned."""
    handoff.nudge("surveys.jobs.catch_up", queue="default")


def catch_up() -> None:
    planning.catch_up(timezone.now())


def flag_who_left() -> None:
    """Each hour: who left near the end, once their link has ended."""
    quality.sweep()
