"""Cases of teams that are offered them: each to the best person, by turns, until somebody says yes.

Nobody is asked twice about one case. When everybody who fits was asked, it stays in the queue, for anyone to take.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from cases.models import Case, Offer
from cases.models.asked import CaseQuerySet
from cases.models.story import OfferQuerySet
from cases.offers import telling
from cases.offers.deciding import lapses_at
from cases.offers.fitting import Answerer, Fit, Need, best
from cases.offers.roster import needs_of, who_could
from crm.models import Team

LOCK = 13  # the first half of our advisory locks
AT_ONE_TIME = 3  # offers one person has before them: more would lapse unread, and keep cases from colleagues
CONSIDERED = 500  # cases of one run, from the top of the queue
State = Offer.State


def push() -> int:
    """Every few seconds: close what is over, then offer what waits. Returns how many offers were made."""
    _close(Offer.objects.to_lapse(timezone.now()), State.LAPSED, "offer lapsed")
    _close(Offer.objects.pointless(), State.WITHDRAWN)
    return len(_offer_what_waits())


@transaction.atomic
def _close(over: OfferQuerySet, state: State, verb: str = "") -> None:
    """One that is being answered just now is left alone: the answer counts."""
    locked = over.select_related("user").order_by("pk").select_for_update(of=("self",), skip_locked=True)
    offers = list(locked[:CONSIDERED])
    Offer.objects.filter(pk__in=[offer.pk for offer in offers]).update(state=state, decided_at=timezone.now())
    if verb:
        telling.log(verb, {offer.case_id: str(offer.user) for offer in offers})
    telling.changed(offers)


@transaction.atomic
def _offer_what_waits() -> list[Offer]:
    """Two runs at once would fill one person's desk twice: the second goes home."""
    if not _alone():
        return []
    cases = list(_waiting().order_by("rank", "turn_at", "id").select_related("channel")[:CONSIDERED])
    if not cases:
        return []
    needs = needs_of(cases)
    people = who_could({need.team for need in needs}, needs)
    chosen = _choose(needs, people, _asked(cases))
    free = Case.objects.filter(pk__in=chosen, state=Case.State.NEW).order_by("pk")
    still = {case.pk: case for case in free.select_for_update(of=("self",), skip_locked=True)}
    until = lapses_at()
    made = Offer.objects.bulk_create(
        [
            Offer(case=still[pk], user=fit.user, reasons=fit.why, until=until)
            for pk, fit in chosen.items()
            if pk in still
        ]
    )
    telling.offered(made)
    return made


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [LOCK])
        return bool(cursor.fetchone()[0])


def _waiting() -> CaseQuerySet:
    offered = Offer.objects.filter(case=OuterRef("pk"), state=State.OFFERED)
    waiting = Case.objects.filter(state=Case.State.NEW, team__mode=Team.Mode.PUSH).under_one_head()
    return waiting.exclude(Exists(offered))


def _asked(cases: Sequence[Case]) -> dict[int, set[int]]:
    """Who has answered, or not answered in time, about which of these cases."""
    asked: dict[int, set[int]] = defaultdict(set)
    decided = Offer.objects.filter(case__in=cases, state__in=(State.ACCEPTED, State.DECLINED, State.LAPSED))
    for case, user in decided.values_list("case_id", "user_id"):
        asked[case].add(user)
    return asked


def _choose(needs: Iterable[Need], people: Sequence[Answerer], asked: dict[int, set[int]]) -> dict[int, Fit]:
    """Case → to whom. What one is offered counts for the next case."""
    chosen = {}
    for need in needs:
        free = [one for one in people if one.offered < AT_ONE_TIME and one.user.pk not in asked[need.case]]
        if fits := best(need, free):
            chosen[need.case] = fits[0]
            person = next(one for one in free if one.user.pk == fits[0].user.pk)
            person.load, person.offered = person.load + 1, person.offered + 1
    return chosen
