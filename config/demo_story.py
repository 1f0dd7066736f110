"""The demo's support groups, hand-overs, promises and questions: one of each kind that a newcomer should find."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from cases import assignment, commitments, handover, questions, repeats
from cases.models import Case, CaseMessage
from crm.models import SupportGroup, User

GROUPS = (
    # name, what they know, minutes
    ("Billing", "Charges, refunds, vouchers and what the bank says", 240),
    ("Rolling stock", "Trains and aircraft: what broke, and until when", 480),
    ("Legal", "Claims, contracts and what we may promise", 960),
)


def load() -> None:
    """On cases of Ana's that wait or are being worked on; as many of the lines as there are cases for."""
    people = {user.username: user for user in User.objects.filter(username__in=["agent", "agent2", "support", "lead"])}
    groups = _groups(people["support"])
    cases = list(Case.objects.unresolved().filter(owner=people["agent"]).order_by("-opened_at")[:5])
    cases += _taken(people["agent"], 5 - len(cases))
    for case, tell in zip(cases, (_handed_over, _taken_over, _promised, _asked, _answered), strict=False):
        tell(case, people, groups)


def _groups(member: User) -> dict[str, SupportGroup]:
    found = {}
    for name, purpose, minutes in GROUPS:
        group, _made = SupportGroup.objects.get_or_create(
            name=name, defaults={"purpose": purpose, "answer_minutes": minutes}
        )
        group.members.add(member)
        found[name] = group
    return found


def _taken(by: User, number: int) -> list[Case]:
    free = Case.objects.needing_us().filter(owner=None, team__in=by.team_ids).order_by("-opened_at")
    return [assignment.take(case=case, by=by) for case in free[: max(0, number)]]


def _handed_over(case: Case, people: dict[str, User], groups: dict[str, SupportGroup]) -> None:
    """Waits for Ben to accept it."""
    handover.hand_over(
        case=case, to=people["agent2"], by=people["agent"], story=handover.story_so_far(case),
        promised="We say today whether the night in the hotel is paid", next_step="Ask Billing for the hotel's invoice",
        promised_until=timezone.now() + timedelta(hours=6),
    )  # fmt: skip


def _taken_over(case: Case, people: dict[str, User], groups: dict[str, SupportGroup]) -> None:
    """Ben had it, and Ana took it over; the customer had to say it again all the same."""
    given = handover.hand_over(
        case=case, to=people["agent2"], by=people["agent"], story=handover.story_so_far(case),
        next_step="Ring the station: is the lift out of order again?",
    )  # fmt: skip
    handover.accept(handover=given, by=people["agent2"])
    case.refresh_from_db()
    back = handover.hand_over(
        case=case, to=people["agent"], by=people["agent2"], promised="A ramp is there until Thursday",
        promised_until=timezone.now() + timedelta(days=2), next_step="Tell the customer when the part has come",
        story="The lift is broken and the part is on its way. The station has put up a ramp. The customer knows.",
    )  # fmt: skip
    handover.accept(handover=back, by=people["agent"])
    said = CaseMessage.objects.filter(case=case, message__direction="in").select_related("message").last()
    if said:
        repeats.mark(case=case, message=said.message, by=people["agent"])


def _promised(case: Case, people: dict[str, User], groups: dict[str, SupportGroup]) -> None:
    """One promise kept, one that stands."""
    soon, agent = timezone.now() + timedelta(hours=3), people["agent"]
    kept = commitments.promise(case=case, text="We look for the bag at the depot", until=soon, by=agent)
    commitments.keep(commitment=kept, by=agent)
    commitments.promise(case=case, text="We call back before the evening", until=soon, by=agent)


def _asked(case: Case, people: dict[str, User], groups: dict[str, SupportGroup]) -> None:
    questions.ask(
        case=case, group=groups["Rolling stock"], by=people["agent"],
        text="Is the air conditioning of this unit known to be broken, and when will it be repaired?",
    )  # fmt: skip


def _answered(case: Case, people: dict[str, User], groups: dict[str, SupportGroup]) -> None:
    text = "Was this ticket charged twice? The customer sees two payments on the same day."
    asked = questions.ask(case=case, group=groups["Billing"], by=people["agent"], text=text)
    answer = "One is a reservation of the amount, not a payment. It lapses by itself within three working days."
    questions.answer(question=asked, text=answer, by=people["support"])
