"""The demo: a fictional railway and airline, its care team, and two weeks of posts that came in before you did.

Loaded once. Everything goes the way real things go: posts through the inbox, resolutions through `cases.resolution`;
only the dates are set back afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from cases import assignment, promises, replies, resolution
from cases.models import Case, Cause, Priority, Rule
from channels_app import inbox, naming
from channels_app.models import Channel, Message, RawEvent
from channels_app.platforms.base import RawPayload
from channels_app.simulation.history import history
from channels_app.simulation.people import cast
from channels_app.simulation.store import Store
from channels_app.simulation.stories import stories
from channels_app.simulation.world import World
from config import (
    demo_alike,
    demo_causes,
    demo_clocks,
    demo_customers,
    demo_exchange,
    demo_leads,
    demo_links,
    demo_moving,
    demo_networks,
    demo_outreach,
    demo_people,
    demo_private,
    demo_reading,
    demo_recognition,
    demo_rights,
    demo_rules,
    demo_story,
    demo_surveys,
    demo_words,
)
from crm.models import Activity, Customer, Membership, SavedView, Team, Tier, User
from crm.models.staff import Role

SEED, DAYS, POSTS = 7, 14, 900
PASSWORD = "look-and-see"  # noqa: S105 - printed on the terminal of whoever starts the demo
PEOPLE = (
    # user name, first name, last name, role, teams, time zone
    ("agent", "Ana", "Ruiz", Role.AGENT, ("Travel care", "Bookings"), "Europe/Madrid"),
    ("agent2", "Ben", "Okafor", Role.AGENT, ("Travel care",), "Europe/London"),
    ("agent3", "Chiara", "Lombardi", Role.AGENT, ("Bookings", "Languages"), "Europe/Rome"),
    ("lead", "Lea", "Brandt", Role.LEAD, ("Travel care", "Bookings", "Languages"), "Europe/Berlin"),
    ("executive", "Esther", "Vance", Role.EXECUTIVE, (), "Europe/London"),
    ("sales", "Sam", "Lindgren", Role.SALES, (), "Europe/Stockholm"),
    ("support", "Uri", "Katz", Role.SUPPORT, (), "Asia/Jerusalem"),
    ("admin", "Ada", "Moreau", Role.ADMIN, (), "Europe/Paris"),
)
LOGINS = tuple((name, PASSWORD, role) for name, _, _, role, _, _ in PEOPLE)
TEAMS = {
    "Travel care": "Journeys under way: delays, cancellations, bags, stations and airports",
    "Bookings": "Before and after the journey: tickets, payments, refunds, the app",
    "Languages": "Whoever writes in another language than English",
}
CAUSES = {
    "On the way": ("Delay", "Cancellation", "Overbooking", "On board", "Staff"),
    "Baggage": ("Lost or late", "Damaged", "Left behind"),
    "Money": ("Refund late", "Charged wrongly", "Voucher or points"),
    "Digital": ("App or website", "Login"),
    "Information": ("Question answered", "Praise passed on", "Interest in an offer"),
}
CAUSE_OF_TOPIC = {
    "delay": "Delay", "cancellation": "Cancellation", "overbooking": "Overbooking", "on board": "On board",
    "staff": "Staff", "phone": "Staff", "baggage": "Lost or late", "lost property": "Left behind",
    "refund": "Refund late", "payment": "Charged wrongly", "voucher": "Voucher or points",
    "loyalty": "Voucher or points", "app": "App or website", "sales": "Interest in an offer",
}  # fmt: skip
UNHAPPY, NOT_ENGLISH = ["negative"], ["es", "de", "fr", "it", "ar", "he", "pt", "nl"]
RULES: tuple[tuple[str, dict[str, Any], str | None, Priority], ...] = (
    # name, conditions, team, priority
    (
        "Somebody may be in danger",
        {"words": ["injured", "ambulance", "police", "lawyer", "medication", "insulin"]},
        "Travel care",
        Priority.URGENT,
    ),
    ("Hours matter", {"urgencies": ["high"], "sure_at_least": 70}, "Travel care", Priority.URGENT),
    ("Key customer, unhappy", {"sentiments": UNHAPPY, "tiers": ["key"]}, "Travel care", Priority.URGENT),
    ("Not in English", {"languages": NOT_ENGLISH}, "Languages", Priority.NORMAL),
    (
        "Money",
        {"words": ["refund*", "charged", "invoice*", "voucher*", "fee", "fees", "payment*"]},
        "Bookings",
        Priority.NORMAL,
    ),
    (
        "App and booking",
        {"words": ["app", "website", "password", "log in", "booking", "seats", "points"]},
        "Bookings",
        Priority.NORMAL,
    ),
    ("About money, read surely", {"topics": ["price"], "sure_at_least": 70}, "Bookings", Priority.NORMAL),
    ("Valued customer, unhappy", {"sentiments": UNHAPPY, "tiers": ["valued"]}, None, Priority.HIGH),
    ("Unhappy", {"sentiments": UNHAPPY}, None, Priority.HIGH),
    ("Praise", {"sentiments": ["positive"]}, None, Priority.LOW),
)
VIEWS = (
    ("Urgent", "state=needs_us&priority=1"),
    ("Wants to buy", "state=unresolved&wants=purchase"),
    ("In Spanish", "state=needs_us&language=es"),
    ("Waiting for the customer", "state=waiting"),
)
BY_HAND = (
    ("phone", "Phone", "phone", "Mr Abernathy", "phone", "+441134960123",
     "Called about the lift at York station: he uses a wheelchair and was told twice that it works. It does not."),
    ("letter", "Letters", "post", "Winifred Osgood-Delacroix of Little Snoring", "external", "C-20931",
     "Two pages by hand. Thanks the guard of the 9:14 to Norwich, who found her late husband's watch."),
    ("visit", "Desk at Leeds", "desk", "Kofi Mensah", "email", "kofi.mensah@example.com",
     "Came to the desk: charged for a seat he had cancelled in time. Has the confirmation with him."),
)  # fmt: skip
# what an administrator finds among the dead letters
CUT_OFF = b'{"seq": 901, "kind": "message", "id": "h7-cut-off", "text": "@skylark my suitcase is still in Gen'
TIER_OF_VALUE = {"silver": Tier.VALUED, "gold": Tier.VALUED, "platinum": Tier.KEY}


def is_loaded() -> bool:
    return Channel.objects.filter(key="skylark").exists()


def load(say: Callable[[str], None] = lambda _: None) -> bool:
    """Load the demo unless it is there. Safe to run again after being killed in the middle."""
    if is_loaded():
        return False
    _desk(say)
    _customers(say)
    _around_cases(say)
    say("what they put right of how Hark read it")
    demo_reading.load()
    _surveys(say)
    _elsewhere(say)
    return True


def _desk(say: Callable[[str], None]) -> None:
    """Who works here, what was posted, and what they did about it."""
    say("people, teams, rules and causes")
    with transaction.atomic():
        _people()
        _causes()
        _rules()
        channel = _channels()
    with transaction.atomic():
        demo_clocks.load()
        demo_rules.load()
    say(f"{POSTS} posts of the last {DAYS} days")
    with transaction.atomic():
        _posts(channel)
    inbox.work_off(channel)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # or each of the many small changes to come is planned for empty tables
    say("what the team has done about them")
    with transaction.atomic():
        _tiers()
        _work(channel)
    _contacts()


def _customers(say: Callable[[str], None]) -> None:
    say("their accounts, orders and consents")
    with transaction.atomic():
        demo_customers.load()
        demo_exchange.listen()
    say("who they are elsewhere")
    with transaction.atomic():
        demo_links.load()
    say("what other systems bring and are told")
    with transaction.atomic():
        demo_exchange.load()


def _around_cases(say: Callable[[str], None]) -> None:
    say("what they hand over, ask, promise and set aside")
    for part in (demo_people, demo_private, demo_story, demo_words, demo_rights):
        with transaction.atomic():
            part.load()
    with transaction.atomic():
        promises.watch()  # before somebody snoozes: a promise at risk would wake them
        demo_moving.load()
        demo_rules.load_checklists()


def _surveys(say: Callable[[str], None]) -> None:
    """The calls that follow them, too."""
    say("two years of surveys, and what came of them")
    with transaction.atomic():
        demo_surveys.load()
    while naming.catch_up():  # what they wrote in those years did not come through the inbox
        pass
    say("who calls them, and what comes of it")
    with transaction.atomic():
        demo_outreach.load()
        demo_leads.load()
        demo_recognition.load()


def _elsewhere(say: Callable[[str], None]) -> None:
    say("which words go with which cause")
    with transaction.atomic():
        demo_causes.load()
    say("where else they could be heard")
    demo_networks.load()
    demo_networks.listen()
    say("what many of them say at once")
    demo_alike.load()


def _people() -> None:
    teams = {name: Team.objects.create(name=name, purpose=purpose) for name, purpose in TEAMS.items()}
    for username, first, last, role, joined, zone in PEOPLE:
        user = User.objects.create_user(
            username, f"{username}@skylark.example", PASSWORD, first_name=first, last_name=last, role=role,
            time_zone=zone, is_staff=role == Role.ADMIN, is_superuser=role == Role.ADMIN,
        )  # fmt: skip
        Membership.objects.bulk_create([Membership(user=user, team=teams[name]) for name in joined])
    lead = User.objects.get(username="lead")
    SavedView.objects.bulk_create(
        [SavedView(name=name, query=query, owner=lead, shared_at=timezone.now()) for name, query in VIEWS]
    )


def _causes() -> None:
    for name, below in CAUSES.items():
        top = Cause.objects.create(name=name)
        Cause.objects.bulk_create([Cause(name=child, parent=top) for child in below])


def _rules() -> None:
    teams = {team.name: team for team in Team.objects.all()}
    for order, (name, conditions, team, priority) in enumerate(RULES, 1):
        Rule.objects.create(
            name=name, position=10 * order, team=teams[team] if team else None, priority=priority, **conditions
        )


def _channels() -> Channel:
    team = Team.objects.get(name="Travel care")
    for key, name, place, *_ in BY_HAND:
        Channel.objects.create(key=key, name=name, platform="by_hand", place=place, brand="Skylark", team=team)
    return Channel.objects.create(
        key="skylark", name="@skylark on Chirp", platform="simulator", place="chirp", our_handle="skylark",
        brand="Skylark", team=team,
    )  # fmt: skip


def _posts(channel: Channel) -> None:
    """The past is planted in the simulated network too, so that its people can be answered."""
    path = Path(settings.HARK_STATE_DIR) / "simulator.sqlite3"
    path.parent.mkdir(parents=True, exist_ok=True)
    store = Store(path)
    past = history(SEED, datetime.now(UTC), DAYS, POSTS)
    World(SEED, store).remember(past)
    store.close()
    payloads = [RawPayload(json.dumps(event, ensure_ascii=False).encode(), "the demo's past") for event in past]
    payloads.append(RawPayload(CUT_OFF, "the demo's past, cut off on the way"))
    inbox.keep(channel=channel, payloads=payloads, cursor={"after": POSTS})


def _tiers() -> None:
    """What Skylark's books say about its customers, known since a year ago; the others since they first wrote."""
    first = Message.objects.filter(identity__links__customer=OuterRef("pk")).order_by("occurred_at")
    Customer.objects.update(created_at=Coalesce(Subquery(first.values("occurred_at")[:1]), "created_at"))
    since = timezone.now() - timedelta(days=365)
    for person in cast():
        Customer.objects.filter(links__identity__place="chirp", links__identity__value=person.key).update(
            tier=TIER_OF_VALUE.get(person.value, Tier.STANDARD), city=person.city, language=person.language,
            known_at=since if person.value in TIER_OF_VALUE else None,
        )  # fmt: skip


def _work(channel: Channel) -> None:
    """Agents own what they answered, and have resolved most of it."""
    chance, now = Random(SEED), timezone.now()
    agents = {team.pk: list(team.members.filter(role=Role.AGENT)) for team in Team.objects.all()}
    causes = {cause.name: cause for cause in Cause.objects.exclude(parent=None)}
    topics = _topics(channel)
    for case in Case.objects.filter(channel=channel).exclude(first_answered_at=None).select_related("thread"):
        owner = chance.choice(agents[case.team_id])
        Message.objects.filter(case_entry__case=case, direction="out").update(sent_by=owner)
        if case.state == Case.State.WAITING or chance.random() < 0.6 or now - case.last_message_at > timedelta(hours=5):
            assignment.take(case=case, by=owner)
        if now - case.last_message_at > timedelta(hours=5):
            name = CAUSE_OF_TOPIC.get(topics.get(case.thread.external_id, ""), "Question answered")
            resolution.resolve(case=case, cause=causes[name], by=owner)
            _set_back(case, case.last_message_at + timedelta(minutes=chance.randint(4, 90)))


def _topics(channel: Channel) -> dict[str, str]:
    """Thread → topic of the story behind it, from what the network sent."""
    known = stories()
    events = (
        json.loads(bytes(body))
        for body in RawEvent.objects.filter(channel=channel, state=RawEvent.State.STORED).values_list("body", flat=True)
    )
    return {event["thread"]: known[event["story"]].topic for event in events if event.get("story") in known}


def _set_back(case: Case, at: datetime) -> None:
    Case.objects.filter(pk=case.pk).update(resolved_at=at)
    log = Activity.objects.filter(subject_kind="cases.case", subject_id=case.pk)
    log.filter(verb="resolved").update(at=at)
    log.filter(verb="taken").update(at=case.first_answered_at)


def _contacts() -> None:
    """A call, a letter and a visit, as agents wrote them down; and one note."""
    now, agent = timezone.now(), User.objects.get(username="agent")
    for number, (key, _, _, name, kind, value, text) in enumerate(BY_HAND, 1):
        channel = Channel.objects.get(key=key)
        said = {
            "id": f"demo-{key}", "at": (now - timedelta(minutes=25 * number)).isoformat(), "name": name, "text": text,
            "kind_of_identity": kind, "identity": value,
        }  # fmt: skip
        inbox.keep(channel=channel, payloads=[RawPayload(json.dumps(said).encode(), "written by agent")])
        inbox.work_off(channel)
    lift = Case.objects.filter(channel__key="phone").first()
    if lift:
        assignment.take(case=lift, by=agent)
        replies.note(
            case=lift, text="Rang the station: the part is due on Thursday. A ramp is there until then.", by=agent
        )
