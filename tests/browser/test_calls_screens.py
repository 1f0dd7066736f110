"""Every screen of calls and of what comes of them, for the role that needs it: axe finds nothing serious."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from cases.models import Lead
from crm.models import User
from surveys.models import ActionPlan, Advocate, Call, Caller, CallRule, GroupRequest, Loop
from surveys.outreach import rules
from tests import factories
from tests.browser.conftest import let_work
from tests.browser.looking import faults_of
from tests.browser.test_desk_screens import WORDS, one_heading

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def eva(desk) -> User:
    return factories.UserFactory(username="eva", first_name="Eva", last_name=WORDS[3][:60], role="executive")


@pytest.fixture(scope="module")
def uri(desk) -> User:
    return factories.UserFactory(username="uri", first_name="Uri", last_name="Katz", role="support")


@pytest.fixture(scope="module")
def awkward(desk, eva, uri) -> list[Call]:
    """A first and a second call of each of four people, whose names and words are hard to set."""
    lea = User.objects.get(username="lea")
    rules.defaults()
    calls = []
    for number, words in enumerate(WORDS):
        group = factories.SupportGroupFactory(name=words[:60], purpose=words[:200], members=[uri])
        calls += _loop(words, group, eva, ended=bool(number % 2))
        factories.CallFactory(owner=None, to="executive", loop__customer__name=words[:90])
        factories.RecognitionFactory(person=eva, by=lea, words=words[:500])
        factories.AdvocateFactory(customer=calls[-1].customer)
        factories.LeadFactory(case__customer=calls[-1].customer, case__subject=words[:200], what=words[:300])
    Caller.objects.create(user=eva, countries=["GB", "DE"])
    let_work(desk)
    return calls


def _loop(words: str, group, eva: User, *, ended: bool) -> list[Call]:
    """Answered, called, asked; of every second one also answered by the group, with something to tell."""
    now = timezone.now()
    customer = factories.CustomerFactory(name=words[:90])
    factories.IdentityFactory(kind="phone", place="", value=f"+4477009{group.pk:05}", customer=customer)
    first = factories.CallFactory(
        loop__customer=customer, owner=eva, to="executive", group="promoter", state="done", ended_at=now
    )
    response = factories.ResponseFactory(invitation__customer=customer, score=9, finished_at=now)
    factories.AnswerFactory(response=response, question__kind="text", text=words)
    factories.FollowUpFactory(call=first, response=response)
    attempt = factories.CallAttemptFactory(call=first, by=eva, note=f"{words} #tag-{group.pk}")
    factories.HeardFactory(attempt=attempt)
    request = factories.GroupRequestFactory(
        attempt=attempt, hashtag__tag=f"tag-{group.pk}", hashtag__group=group, quote=words[:900]
    )
    again = factories.CallFactory(
        loop=first.loop, customer=customer, kind="second", owner=eva, to="executive", due_at=now - timedelta(1)
    )
    if ended:
        plan = factories.ActionPlanFactory(title=words[:100], group=group, outcome=words, state="done", ended_at=now)
        answer = factories.GroupAnswerFactory(group=group, kind="change", text=words, plan=plan, change_from=now.date())
        GroupRequest.objects.filter(pk=request.pk).update(answer=answer)
    else:
        factories.ActionPlanFactory(title=words[:100], group=group, detail=words)
    return [first, again]


def of_calls(calls: list[Call]) -> Iterator[str]:
    yield from ("/calls/", "/calls/?show=pool", "/requests/", "/loops/")
    yield from (call.get_absolute_url() for call in calls)
    yield Loop.objects.earliest("pk").get_absolute_url()
    yield reverse("surveys:scorecard", args=[calls[0].owner_id])


def of_leads() -> Iterator[str]:
    yield from ("/calls/?show=all", "/calls/?show=all&overdue=on&country=GB", "/loops/", "/loops/?state=closed")
    yield from ("/improvements/", "/scorecards/", "/advocates/", "/scorecards/thanks/")
    yield from (plan.get_absolute_url() for plan in ActionPlan.objects.order_by("pk"))
    yield from ("/settings/calls/", "/settings/calls/rules/new/", "/settings/hashtags/", "/settings/callers/")
    yield from (f"/settings/calls/rules/{CallRule.objects.earliest('pk').pk}/", "/settings/calling-hours/")
    yield from (request.get_absolute_url() for request in GroupRequest.objects.order_by("pk")[:2])


def of_deeds(calls: list[Call]) -> Iterator[str]:
    """Leads to sales, and the pages on which a lead gives, sets, invites and tells."""
    yield from ("/leads/", "/leads/?state=new")
    yield from (lead.get_absolute_url() for lead in Lead.objects.order_by("pk"))
    yield reverse("surveys:call_give", args=[Call.objects.live().earliest("pk").pk])
    yield reverse("surveys:caller", args=[calls[0].owner_id])
    yield from (reverse("surveys:advocate_invite", args=[each.pk]) for each in Advocate.objects.order_by("pk")[:2])
    yield from (reverse("surveys:improvement_asked", args=[plan.pk]) for plan in ActionPlan.objects.order_by("pk"))


def test_no_screen_of_who_calls_has_a_serious_fault(sit, awkward):
    assert faults_of(sit("eva", reduced_motion="reduce"), of_calls(awkward), first=one_heading) == {}


def test_nor_has_what_leads_see_and_set(sit, awkward):
    assert faults_of(sit("lea", reduced_motion="reduce"), of_leads(), first=one_heading) == {}


def test_nor_have_the_pages_of_what_leads_do(sit, awkward):
    assert faults_of(sit("lea", reduced_motion="reduce"), of_deeds(awkward), first=one_heading) == {}


def test_nor_has_what_groups_are_asked(sit, awkward):
    own = [request.get_absolute_url() for request in GroupRequest.objects.order_by("pk")]
    screen = sit("uri", reduced_motion="reduce")
    assert faults_of(screen, ["/requests/", "/improvements/", *own], first=one_heading) == {}
