"""The demo's calls: rules, people who call, groups with hashtags; what became of the last wave, and the one that runs.

What happened before is written in bulk (config/demo_called.py); what is under way went the way real things go, only
its dates are set back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from config import demo_called
from config.demo_called import DAY, Story, told
from config.filling_places import COUNTRIES, phone
from crm import consent
from crm.models import Activity, Calendar, Customer, Identity, IdentityLink, Notice, Purpose, SupportGroup, User
from crm.models.staff import Role
from surveys import plans
from surveys.models import (
    ActionPlan,
    Answer,
    Attempt,
    Call,
    Caller,
    CallRule,
    GroupRequest,
    Hashtag,
    Loop,
    OutreachSettings,
    Response,
    Wave,
)
from surveys.outreach import calling, follow_ups, requests, rules

ESTHER, SAM = "executive", "sales"
WITHOUT_A_NUMBER = 12  # every twelfth


def load() -> None:
    """To be called once, after the surveys. Where somebody has been called, nothing happens."""
    if Call.objects.exists():
        return
    now = timezone.now()
    rules.defaults()
    _callers()
    tags = _hashtags()
    waves = list(Wave.objects.filter(version__survey__kind="nps").order_by("-opens_at")[:2])
    _numbers()
    stories = _past(waves[1], tags, now)
    _ship(stories, now)
    _under_way(waves[0], now)
    _questions_back()
    _heard_long_ago(now)


def _heard_long_ago(now: datetime) -> None:
    """Of what all this told people, they have read all but the last week's."""
    kinds = [Notice.Kind.CALL, Notice.Kind.REQUEST, Notice.Kind.PLAN]
    old = Notice.objects.filter(kind__in=kinds, read_at=None).exclude(user__username__in=[ESTHER, SAM, "support"])
    old.update(read_at=now)


# --- who calls, and whom they ask


def _callers() -> None:
    """Three executives beside Esther, each for their part of Europe; who is told when nobody calls."""
    for row in told()["caller"]:
        user = User.objects.create_user(
            row["username"], f"{row['username']}@skylark.example", first_name=row["name"][0], last_name=row["name"][1],
            role=Role.EXECUTIVE, time_zone=row["zone"], languages=row["languages"],
        )  # fmt: skip
        Caller.objects.create(user=user, countries=row["countries"])
    Caller.objects.create(user=User.objects.get(username=ESTHER), countries=["GB", "IE", "US", "SE", "NO", "NL"])
    OutreachSettings.objects.create(pk=1, escalate_to=User.objects.get(username="lead"))


def _hashtags() -> dict[str, Hashtag]:
    """Each with the group that owns it. A group that is new answers on working days."""
    calendar = Calendar.objects.order_by("pk").first()
    owner, member = User.objects.get(username="lead"), User.objects.get(username="support")
    found = {}
    for tag, (name, about) in told()["tags"].items():
        group, _made = SupportGroup.objects.get_or_create(name=name, defaults={"purpose": about})
        group.owner, group.calendar = owner, group.calendar or calendar
        group.save(update_fields=["owner", "calendar"])
        group.members.add(member)
        found[tag] = Hashtag.objects.create(tag=tag, group=group, about=about)
    return found


def _numbers() -> None:
    """A telephone of nearly everybody who was ever asked."""
    people = Customer.objects.filter(invitations__isnull=False).exclude(links__identity__kind="phone").distinct()
    found = [each for each in people.order_by("pk") if each.country in COUNTRIES and each.pk % WITHOUT_A_NUMBER]
    numbers = [phone(each.country, each.pk) for each in found]
    phones = Identity.objects.bulk_create(
        [
            Identity(kind=Identity.Kind.PHONE, place="", value=number, handle=number, first_seen_at=each.created_at,
                     matched_at=each.created_at)
            for each, number in zip(found, numbers, strict=True)
        ]
    )  # fmt: skip
    IdentityLink.objects.bulk_create(
        [
            IdentityLink(
                identity=number, customer=each, method=IdentityLink.Method.IMPORT, evidence="In Skylark's books.",
                created_at=each.created_at,
            )
            for each, number in zip(found, phones, strict=True)
        ]
    )  # fmt: skip


# --- what became of the wave that is over


def _past(wave: Wave, tags: Mapping[str, Hashtag], now: datetime) -> list[Story]:
    asked = Response.objects.filter(invitation__wave=wave).to_follow_up().select_related("invitation__customer")
    answered = list(asked.order_by("finished_at", "pk"))
    against = consent.against((each.invitation.customer_id for each in answered), Purpose.CALL)
    answered = [each for each in answered if each.invitation.customer_id not in against]
    who = _who_calls(answered)
    star = next(each for each in answered if who[each.pk] == "executive" and _is_british(each.invitation.customer))
    _says(star, told()["star"]["comment"])
    stories = demo_called.Past(_owners(), tags, now).write(answered, who, star)
    for story in stories:
        if story.first.state == Call.State.CANCELLED and story.first.owner:
            consent.record(
                customer=story.loop.customer, purpose=Purpose.CALL, state="refused", how=story.first.reason,
                by=story.first.owner,
            )  # fmt: skip
    return stories


def _is_british(customer: Customer) -> bool:
    return customer.country == "GB" and customer.language == "en"


def _who_calls(answered: Sequence[Response]) -> dict[int, str]:
    standing = list(CallRule.objects.all())
    facts = follow_ups.facts_of({each.invitation.customer_id: each.group for each in answered})
    return {each.pk: rules.decide(standing, facts[each.invitation.customer_id]).to for each in answered}


def _owners() -> dict[str, User]:
    people = {user.username: user for user in User.objects.all()}
    found = {"executive": people[ESTHER], "sales": people[SAM], "care": people["agent"]}
    for row in told()["caller"]:
        found |= {f"executive {country}": people[row["username"]] for country in row["countries"]}
    return found | {"care DE": people["agent2"], "care FR": people["agent3"]}


def _says(response: Response, text: str) -> None:
    Answer.objects.filter(response=response, question__kind="text").update(text=text)


def _ship(stories: Sequence[Story], now: datetime) -> None:
    """One improvement has come, and everybody who asked for it heard so in the second call."""
    for row in told()["answers"].values():
        if "outcome" not in row:
            continue
        plan, at = ActionPlan.objects.get(title=row["plan"]), now + row["ships"] * DAY
        plans.done(plan=plan, outcome=row["outcome"], by=plan.owner)
        first = min(story.answer.at for story in stories if story.answer and story.answer.plan_id == plan.pk)
        ActionPlan.objects.filter(pk=plan.pk).update(ended_at=at, made_at=first, told_at=at, shipped_on=at.date())
        Activity.objects.about(plan).update(at=first)
        demo_called.shipped(stories, plan, at)


# --- what is under way


def _under_way(wave: Wave, now: datetime) -> None:
    """Owed as they came in; of those who have one, some calls were made in the last days."""
    answered = list(Response.objects.filter(invitation__wave=wave).to_follow_up().order_by("finished_at"))
    follow_ups.owe(answered)
    for call in Call.objects.filter(loop__calls__follow_ups__response__in=answered).distinct():
        at = _answered_at(call)
        Call.objects.filter(pk=call.pk).update(made_at=at, due_at=at + (call.due_at - call.made_at))
        Call.objects.filter(pk=call.pk).exclude(owner=None).update(owned_since=at)
        Loop.objects.filter(pk=call.loop_id).update(opened_at=at)
    for row in told()["now"]:
        _called(row, now)


def _answered_at(call: Call) -> datetime:
    first = call.follow_ups.select_related("response").order_by("response__finished_at").first()
    assert first is not None  # every call of this wave was made for a response
    return first.response.finished_at or call.made_at


def _called(row: Mapping[str, Any], now: datetime) -> None:
    """Somebody's next call, as it was written down a few days ago."""
    calls = Call.objects.live().filter(to=row["to"], kind=Call.Kind.FIRST, attempts=None).exclude(owner=None)
    ours = calls.filter(owner__username=ESTHER) if row["to"] == "executive" else calls
    for call in ours.select_related("owner", "customer").order_by("due_at"):
        at = demo_called.by_day(call.customer, now - row["days"] * DAY, now)
        if call.owner and call.made_at < at:
            heard = [(topic, tone) for topic, tone in row.get("heard", [])]
            attempt = calling.record(
                call=call, by=call.owner, outcome=row["outcome"], note=row["note"], at=at, heard=heard
            )
            _set_back(attempt, now)
            break


def _set_back(attempt: Attempt, now: datetime) -> None:
    """It was written down when it happened, and the groups were asked then."""
    passed = now - attempt.at
    Attempt.objects.filter(pk=attempt.pk).update(kept_at=attempt.at)
    for request in attempt.requests.all():
        GroupRequest.objects.filter(pk=request.pk).update(
            asked_at=attempt.at, due_at=max(request.due_at - passed, now + DAY)
        )


def _questions_back() -> None:
    """A group wants to know something before it answers."""
    waiting = GroupRequest.objects.waiting().filter(hashtag__tag="trains", asked_back_at=None)
    member = User.objects.get(username="support")
    request = waiting.order_by("-asked_at").first()
    if request:
        requests.ask_back(
            request=request, text="Which train was it, and on which day? The seat number would help.", by=member
        )
