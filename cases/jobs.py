"""Background steps of the case desk."""

from cases import (
    absences,
    commitments,
    drafts,
    handover,
    leads,
    live,
    offers,
    promises,
    questions,
    routing,
    rules_engine,
    snooze,
)
from cases.alike import answering, grouping, heads
from cases.likely import learning
from cases.models import Case
from cases.wording import guard
from channels_app.models import Channel
from crm import handoff


def route_message(channel_id: int) -> None:
    """Route what is ready on the channel. The name is the step's: one message or a thousand, it is one run."""
    routing.route(Channel.objects.get(pk=channel_id))


def keep_stories() -> None:
    """Each minute: end hand-overs nobody can accept, and say once what is due: promises, answers of groups."""
    handover.sweep()
    commitments.remind()
    questions.remind()


def customer_changed(*customer_ids: int) -> None:
    """Who these customers are has changed (linked, merged, erased …): the pages of their open cases fetch it."""
    found = Case.objects.unresolved().filter(customer__in=customer_ids)
    cases = list(found.order_by("pk").values_list("pk", flat=True))
    rules_engine.customers_changed(customer_ids)
    live.cases_changed(cases)
    live.customers_changed(cases)
    handoff.pass_on("customer_settled", *customer_ids)


def watch_waiting() -> None:
    """Twice a minute: rules about cases that have waited for so long."""
    rules_engine.watch_waiting()


def offer_cases() -> None:
    """Every few seconds: offer what waits in teams whose cases are offered, and take back what was not answered."""
    offers.push()


def keep_absences() -> None:
    """Each minute: who goes, who comes back, who has left."""
    absences.keep()
    leads.free_of_who_left()


def watch_promises() -> None:
    """Every five seconds: promises that came to be at risk, or are broken."""
    promises.watch()


def recompute_promises(*channel_ids: int) -> None:
    """The hours of these channels have changed: what runs there is due at another time."""
    promises.recompute(channel_ids)


def sweep_promises() -> None:
    """Each minute: hours that have changed without what runs by them."""
    promises.sweep()


def forget_words() -> None:
    """Each hour: drafts nobody went on with, and wordings nobody will be compared with any more."""
    drafts.forget_old()
    guard.forget()
    grouping.forget()


def learn_causes() -> None:
    """Each hour: which words go with which cause, from what is resolved by now."""
    learning.learn()


def keep_floods() -> None:
    """Every two seconds: heads that do not say yet how many stand behind them; answers to many that are due."""
    anew = sorted(heads.settle_stale())
    for at in range(0, len(anew), live.MOST_ROWS):  # so few at a time that each row is told
        live.cases_changed(anew[at : at + live.MOST_ROWS])
    answering.nudge_due()


def answer_flood(pk: int) -> None:
    """One answer to many, case by case."""
    answering.work(pk)


def sweep_floods() -> None:
    """Each minute: nobody stands behind a head that is gone."""
    live.cases_changed(heads.sweep())


def wake() -> None:
    """Every ten seconds: cases that were snoozed until now."""
    snooze.wake_due()
