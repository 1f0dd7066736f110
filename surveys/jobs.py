"""Background steps of the surveys. Each reads again what is to be done, and may run twice."""

from __future__ import annotations

from django.utils import timezone

from crm import handoff
from surveys import after_case, inviting, planning, quality, themes, waves
from surveys.advocates import finding, writing
from surveys.models import Answer
from surveys.outreach import assigning, clock, follow_ups, instead, loops, merged, shipping, withdrawing

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


def customers_changed(*customer_ids: int) -> None:
    """Who these customers are, or what they allow, has changed: nobody is called against their will, nor twice."""
    merged.put_right(customer_ids)
    follow_ups.cancel_forbidden(customer_ids)
    withdrawing.withdraw_forbidden(customer_ids)


def keep_calls() -> None:
    """Each minute: calls of people who left or are away, and calls that are overdue."""
    now = timezone.now()
    assigning.release_absent(now)
    assigning.escalate(now)


def sweep_follow_ups() -> None:
    """Every five minutes: what is owed and was not written down, what may not be any more, what waits in the pool."""
    merged.sweep()
    follow_ups.sweep_forbidden()
    withdrawing.sweep_forbidden()
    follow_ups.owe_missed()
    assigning.assign_pool()


def assign_pool() -> None:
    """Somebody can take more."""
    assigning.assign_pool()


def write_instead(call_id: int = 0) -> None:
    """Mail to who was not reached by phone: this one, or all that wait. A sweep too."""
    instead.mail_all([call_id] if call_id else instead.to_mail())


def watch_requests() -> None:
    """Every few minutes: what groups are asked and have not answered, ahead of its day and behind it."""
    clock.remind(timezone.now())


def tell_improvements(plan_id: int = 0) -> None:
    """Everybody who asked for what has come: for this one now, or for all that wait. A sweep too."""
    waiting = shipping.sweep(timezone.now())
    for pk in [plan_id] if plan_id else waiting:
        shipping.carry_on(pk)


def settle_loops() -> None:
    """Every few minutes: loops in which nobody has anything left to do."""
    loops.settle()


def find_advocates() -> None:
    """Each hour: customers who praise us or help others."""
    finding.find(timezone.now())


def write_to_advocates(letter_id: int = 0) -> None:
    """Invitations and thanks that leave by mail: this one, or all that wait. A sweep too."""
    if letter_id:
        writing.mail(letter_id)
    else:
        writing.mail_all()
