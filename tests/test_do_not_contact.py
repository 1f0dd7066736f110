"""Nobody is contacted against their will: every way out and everything a customer may have said.

The ways out are the code's own list (`consent.SENDERS`). A call by which something could leave and that stands in no
way out fails here, and so does a way out that nobody runs here.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from cases import identify as asking
from cases import replies
from cases.models import Case
from channels_app import outbox
from channels_app.models import Delivery, Message, guard
from channels_app.platforms import registry
from channels_app.platforms.errors import TryLater
from crm import consent, identify, jobs, merging
from crm.errors import Refused
from crm.models import Customer, Identity, Purpose
from surveys import claiming, inviting
from surveys.advocates import writing
from surveys.models import ActionPlan, Advocate, Call, Invitation, Told
from surveys.outreach import calling, instead, told_in_writing
from tests import factories
from tests.channels_app.conftest import connect, fake, network  # noqa: F401 - fixtures
from tests.test_architecture import ORDER, ROOT, modules

for app in ORDER:  # so that every sender there is has put itself on the list
    for found in pkgutil.walk_packages([str(ROOT / app)], f"{app}."):
        if ".migrations" not in found.name:
            importlib.import_module(found.name)

# --- what could leave


LEAVING = {
    "EmailMessage", "EmailMultiAlternatives", "email_user", "mail_admins", "mail_managers", "send", "send_mail",
    "send_mass_mail", "send_message", "send_messages", "sendmail",
}  # fmt: skip
OVER_THE_NET = {"build_request", "handle_request", "patch", "post", "put", "request", "stream", "urlopen"}
CLIENTS = {"aiohttp", "http", "httpx", "requests", "smtplib", "socket", "urllib"}

NOT_TO_CUSTOMERS = {
    "crm.api.problems.broken": "Django's own signal inside this process, for its log",
    "channels_app.hooks.front._send": "what a network is answered that has called us: a status and a sentence of ours",
    "crm.digest._mail": "made here, sent by _send: notices for one of us, at the address of their own account",
    "crm.digest._send": "mail to one of us, about what has happened; no customer has an account",
    "crm.webhooks.guard.fetch": "a system that an administrator connected, or the wire of a channel: see below",
    "crm.webhooks.jobs.send": "the same: it calls crm.webhooks.sending",
    "channels_app.platforms.mastodon.__init__.MastodonPlatform.send": "a platform: called by the outbox, which asks",
    "channels_app.platforms.bluesky.account.BlueskyPlatform.send": "a platform: called by the outbox, which asks",
    "channels_app.platforms.bluesky.account.BlueskyPlatform.standing": "reads a post again; nothing is written",
    "channels_app.platforms.meta.account.Account._tell": "part of a platform: called by the outbox, which asks",
    "channels_app.platforms.wire.Wire._ask": "the wire itself, which platforms alone ask by: see below",
    "channels_app.platforms.simulator.SimulatorPlatform.send": "the wire itself, which only outbox.deliver sends by",
    "channels_app.consumers.LiveConsumer._pump": "to our own open pages: what has changed on them",
    "channels_app.platforms.email.outgoing.letter": "made here, handed in by EmailPlatform.send alone",
    "channels_app.platforms.email.smtp.hand_in": "the wire itself, which only outbox.deliver sends by",
    "surveys.mailing.letter": "made here, carried by inviting.send and inviting.remind alone",
    "surveys.wire.Wire.carry": "the wire itself, which senders alone send by: see below",
    "surveys.wire.plain": "made here, carried by senders alone: see below",
    "channels_app.platforms.simulator.SimulatorPlatform.moderate": "to the network, about a post or an author of whom"
    " it hides something; nothing is written to them",
    "channels_app.platforms.by_hand.ByHandPlatform.find_sent": "nothing leaves: it records what somebody said",
    "config.measuring_live._client": "pages of a measurement, which follow our own web process",
    "config.management.commands.measure_wave._send": "calls inviting.send, which asks, with its numbers measured",
    "config.supervisor.Supervisor._stop": "a signal to a process of ours",
    "config.up._answers": "asks our own web process whether it is there",
}


@dataclass
class Source:
    """The functions of one module: which let something leave, and which call which."""

    leaving: set[str] = field(default_factory=set)
    calls: dict[str, set[str]] = field(default_factory=dict)


def read(text: str) -> Source:
    tree, source = ast.parse(text), Source()
    imported = {name.split(".")[0] for node in ast.walk(tree) for name in _names(node)}
    names = LEAVING | (OVER_THE_NET if imported & CLIENTS else set())
    for path, node in _calls(tree, ()):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        here = ".".join(path)
        source.calls.setdefault(here, set()).add(called)
        if called in names:
            source.leaving.add(here)
    return source


def _names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def _calls(node: ast.AST, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], ast.Call]]:
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        below = (*path, child.name) if named else path
        if isinstance(child, ast.Call):
            yield below, child
        yield from _calls(child, below)


def allowed(function: str, source: Source, module: str, seen: frozenset[str] = frozenset()) -> bool:
    """A sender, listed as none, or called in its module by nothing but such."""
    path = f"{module}.{function}"
    if path in consent.SENDERS or path in NOT_TO_CUSTOMERS:
        return True
    callers = {by for by, called in source.calls.items() if function.split(".")[-1] in called and by != function}
    return bool(callers) and all(by not in seen and allowed(by, source, module, seen | {function}) for by in callers)


def sources() -> dict[str, Source]:
    paths = [path for app in ORDER for path in modules(app)]
    return {".".join(p.relative_to(ROOT).with_suffix("").parts): read(p.read_text()) for p in paths}


def forgotten(found: dict[str, Source]) -> set[str]:
    return {
        f"{module}.{function}"
        for module, source in found.items()
        for function in source.leaving
        if not allowed(function, source, module)
    }


def test_every_call_by_which_something_leaves_stands_in_a_sender_or_says_why_not():
    assert forgotten(sources()) == set()


def test_the_list_of_what_goes_to_no_customer_names_nothing_that_is_gone():
    leaving = {f"{module}.{function}" for module, source in sources().items() for function in source.leaving}
    assert set(NOT_TO_CUSTOMERS) <= leaving


@pytest.mark.parametrize(
    "text",
    [
        "def tell(customer):\n    send_mail('x', 'y', None, [customer.email])",
        "from django.core import mail\ndef tell(c):\n    mail.EmailMessage('x', to=[c]).send()",
        "import httpx\ndef tell(c):\n    httpx.post('https://sms.example', json={'to': c})",
        "import httpx\nclass Sms:\n    def tell(self, c):\n        self.wire.put('/', c)",
        "def tell(channel, out):\n    channel.connect().send(out)",
        "def _tell(c):\n    send_mail('x', 'y', None, [c])\ndef both(c):\n    _tell(c)",
    ],
)
def test_a_new_way_out_that_does_not_say_so_would_be_seen(text):
    assert forgotten({"surveys.outreach": read(text)})


def test_what_only_a_sender_calls_is_part_of_it(monkeypatch):
    source = read("def _mail(c):\n    send_mail('x', 'y', None, [c])\ndef invite(c):\n    _mail(c)")
    monkeypatch.setitem(consent.SENDERS, "surveys.invite", consent.Sender("surveys.invite", Purpose.SURVEY, "x"))
    assert allowed("_mail", source, "surveys")
    assert not allowed("_mail", read("def _mail(c):\n    send_mail('x', 'y', None, [c])"), "surveys")


def test_platforms_send_for_the_outbox_alone():
    ways = ("platform.send(", ".connect().send(", "platform.send_by_person(")
    using = {
        f"{path.relative_to(ROOT)}" for app in ORDER for path in modules(app)
        if "platforms" not in path.parts and any(way in path.read_text() for way in ways)
    }  # fmt: skip
    assert using
    assert all(path.startswith("channels_app/outbox") for path in using)


def test_the_wire_is_for_platforms_alone_and_others_are_asked_by_who_is_known():
    text = {f"{path.relative_to(ROOT)}": path.read_text() for app in ORDER for path in modules(app)}
    wired = {name for name, code in text.items() if "platforms.wire" in code or "platforms import wire" in code}
    assert wired
    assert all(name.startswith("channels_app/platforms/") for name in wired)
    assert {name for name, code in text.items() if "guard.fetch(" in code} == {
        "crm/webhooks/sending.py",  # records, to systems of ours
        "channels_app/files.py",  # asks for a file, and says nothing
        "channels_app/platforms/generic/__init__.py",  # the wire of an own channel, for outbox.deliver
    }


@pytest.mark.parametrize(("written", "by"), [("mailing.letter(", {"inviting"}), ("letters.letter(", {"instead"})])
def test_letters_are_written_for_those_who_ask_first(written, by):
    using = {path.stem for app in ORDER for path in modules(app) if written in path.read_text()}
    assert using == by


CARRYING = {"carry", "carry_to"}


def carrying(text: str) -> set[str]:
    """The functions of a module that send by the wire."""
    calls = _calls(ast.parse(text), ())
    return {
        ".".join(path) for path, node in calls if isinstance(node.func, ast.Attribute) and node.func.attr in CARRYING
    }


def test_the_wire_carries_for_senders_alone():
    paths = [path for app in ORDER for path in modules(app)]
    found = {
        f"{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}.{function}"
        for path in paths
        for function in carrying(path.read_text())
    }
    assert "surveys.outreach.instead.mail" in found
    assert found - {"surveys.wire.Wire.carry_to"} <= set(consent.SENDERS)
    assert carrying("def tell(wire, c):\n    wire.carry(c)") == {"tell"}
    assert carrying("def tell(wire, box, c):\n    wire.carry_to(box, c)") == {"tell"}


# --- what a customer may have said


@dataclass
class World:
    """A customer who wrote, known by a handle and a mailbox, and all that could reach them."""

    customer: Customer
    case: Case
    agent: Any
    network: Any
    shown: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Posts, mails, and numbers that somebody was about to call."""
        return len(self.network.posts) + len(mail.outbox) + len(self.shown)

    @property
    def question(self) -> Message:
        return Message.objects.filter(direction="in").select_related("channel").get()


def records(purpose: Purpose, state: str) -> Callable[[World], object]:
    return lambda world: consent.record(customer=world.customer, purpose=purpose, state=state, how="Said so", by=None)


def no_contact(world: World) -> None:
    consent.forbid(customer=world.customer, how="By letter", by=None)


def no_contact_though_agreed(world: World) -> None:
    for purpose in Purpose:
        records(purpose, "given")(world)
    no_contact(world)


def no_contact_and_lifted(world: World) -> None:
    no_contact(world)
    consent.lift(customer=world.customer, how="Rang us", by=None)


def erased(world: World) -> None:
    Customer.objects.filter(pk=world.customer.pk).update(erased_at=timezone.now())


def merged(world: World, say: Callable[[World], object]) -> None:
    survivor = factories.CustomerFactory()
    say(World(survivor, world.case, world.agent, world.network))
    merging.merge(survivor=survivor, absorbed=world.customer, by=world.agent)


def merged_into_no_contact(world: World) -> None:
    merged(world, no_contact)


def merged_into_refused(world: World) -> None:
    merged(world, records(Purpose.CARE_REPLY, "refused"))


def left_behind_by_a_merge(world: World) -> None:
    """A link that stayed with the absorbed record: the survivor of the survivor is asked all the same."""
    last, middle = factories.CustomerFactory(do_not_contact_at=timezone.now()), factories.CustomerFactory()
    Customer.objects.filter(pk=middle.pk).update(merged_into=last)
    Customer.objects.filter(pk=world.customer.pk).update(merged_into=middle)


NOTHING_LEAVES = [
    no_contact, no_contact_though_agreed, erased, merged_into_no_contact, left_behind_by_a_merge,
]  # fmt: skip
STATES: dict[str, Callable[[World], object]] = {
    "nobody asked": lambda world: None,
    **{f"{purpose} {state}": records(purpose, state) for purpose in Purpose for state in ("given", "refused")},
    **{said.__name__: said for said in (*NOTHING_LEAVES, no_contact_and_lifted, merged_into_refused)},
}


def leaves(purpose: Purpose, state: str) -> bool:
    """What the house says; not read from the code it holds to account."""
    if STATES[state] in NOTHING_LEAVES or state == f"{purpose} refused":
        return False
    if state == merged_into_refused.__name__:
        return purpose not in (Purpose.CARE_REPLY, Purpose.MARKETING)
    if purpose == Purpose.MARKETING:
        return state == "marketing given"
    return True


# --- the ways out, each really gone: what is said is said at the latest moment at which it has to count


def writes(world: World, say: Callable[[World], object]) -> None:
    say(world)
    delivery = outbox.write(answer_to=world.question, text="We are looking.", by=world.agent)
    outbox.deliver(delivery.pk)


def writes_in_parts(world: World, say: Callable[[World], object]) -> None:
    say(world)
    for part in outbox.write_parts(answer_to=world.question, text="We are looking.", by=world.agent):
        outbox.deliver(part.pk)


def delivers(world: World, say: Callable[[World], object]) -> None:
    delivery = outbox.write(answer_to=world.question, text="We are looking.", by=world.agent)
    say(world)
    outbox.deliver(delivery.pk)
    delivery.refresh_from_db()
    if delivery.state == Delivery.State.FAILED:
        raise consent.MayNotContact(why=delivery.reason)


def asks_who(world: World, say: Callable[[World], object]) -> None:
    say(world)
    outbox.deliver(asking.ask_who(case=world.case, by=world.agent).pk)


def sends_a_code(world: World, say: Callable[[World], object]) -> None:
    asked = identify.ask(identity=world.case.identity, by=world.agent, asked_as="@brand")
    identify.say_who(request=asked, text="sara@example.com", machine="m")
    say(world)
    with suppress(identify.LinkGone):
        jobs.send_code(asked.pk)
    asked.refresh_from_db()
    if asked.trouble:
        raise consent.MayNotContact(why=asked.trouble)


def invites(world: World, say: Callable[[World], object]) -> None:
    wave = factories.WaveFactory(reminders=1, remind_days=1)
    who = {"customer": world.customer, "identity": mailbox_of(world)}
    invitation = factories.InvitationFactory(wave=wave, state="planned", sent_at=None, **who)
    (read,) = claiming.together([invitation.pk])
    say(world)
    inviting.send(invitation.pk, read=read)
    ended(invitation)


def mailbox_of(world: World) -> Identity:
    return Identity.objects.get(kind="email", links__customer=world.customer)


def invites_in_private(world: World, say: Callable[[World], object]) -> None:
    """Who has no mailbox is asked where they wrote; what waits there is asked about once more as it leaves."""
    world.customer.links.filter(identity__kind="email").delete()
    wave = factories.WaveFactory(made_by=world.agent)
    invitation = factories.InvitationFactory(customer=world.customer, wave=wave, state="planned", sent_at=None)
    say(world)
    inviting.send(invitation.pk)
    for pk in Delivery.objects.values_list("pk", flat=True):
        outbox.deliver(pk)
    inviting.sweep()
    ended(invitation)


def reminds(world: World, say: Callable[[World], object]) -> None:
    long_ago = timezone.now() - timedelta(days=3)
    wave = factories.WaveFactory(reminders=1, remind_days=1)
    who = {"customer": world.customer, "identity": mailbox_of(world)}
    invitation = factories.InvitationFactory(wave=wave, sent_at=long_ago, **who)
    (read,) = claiming.together([invitation.pk])
    say(world)
    inviting.remind(invitation.pk, read=read)
    ended(invitation)


def ended(invitation: Invitation) -> None:
    invitation.refresh_from_db()
    if not invitation.is_open:
        raise consent.MayNotContact(why=invitation.reason)


def is_called(world: World, say: Callable[[World], object]) -> None:
    factories.IdentityFactory(kind="phone", place="", value="+34600100200", customer=world.customer)
    call = call_of(world)
    say(world)
    world.shown.append(calling.number(call, world.agent))


def call_of(world: World) -> Call:
    """In which nobody answered, often enough."""
    return factories.CallFactory(loop__customer=world.customer, owner=world.agent, state="not_reached", tries=2)


def is_written_to_instead(world: World, say: Callable[[World], object]) -> None:
    call = call_of(world)
    say(world)
    instead.write(call=call)
    for pk in Delivery.objects.values_list("pk", flat=True):
        outbox.deliver(pk)
    cancelled(call)


def is_mailed_instead(world: World, say: Callable[[World], object]) -> None:
    call = call_of(world)
    say(world)
    instead.mail(call.pk)
    cancelled(call)


def hears_that_it_has_come(world: World, say: Callable[[World], object]) -> None:
    told = factories.ToldFactory(customer=world.customer, plan=an_improvement(world))
    say(world)
    told_in_writing.write(told.pk)
    for pk in Delivery.objects.values_list("pk", flat=True):
        outbox.deliver(pk)
    not_told(told)


def an_improvement(world: World) -> ActionPlan:
    return factories.ActionPlanFactory(
        owner=world.agent, group=factories.SupportGroupFactory(), state="done", outcome="It is faster now.",
        ended_at=timezone.now(), shipped_on=timezone.localdate(),
    )  # fmt: skip


def not_told(told: Told) -> None:
    """Of a record that was merged nobody is told: the one that stands has its own row."""
    told.refresh_from_db()
    if told.at is None:
        raise consent.MayNotContact(why=told.reason or "Their record was merged.")


def cancelled(call: Call) -> None:
    call.refresh_from_db()
    if call.state == Call.State.CANCELLED:
        raise consent.MayNotContact(why=call.reason)


def invites_an_advocate(world: World, say: Callable[[World], object]) -> None:
    say(world)
    writing.invite(advocate=advocate_of(world), text="Would you speak up for us?", by=world.agent)
    all_letters_leave()


def thanks_an_advocate(world: World, say: Callable[[World], object]) -> None:
    say(world)
    writing.thank(advocate=advocate_of(world), text="Thank you.", by=world.agent)
    all_letters_leave()


def mails_an_advocate(world: World, say: Callable[[World], object]) -> None:
    letter = factories.AdvocateLetterFactory(advocate=advocate_of(world), kind="thank", by=world.agent)
    say(world)
    writing.mail(letter.pk)
    letter.refresh_from_db()
    if letter.failed:
        raise consent.MayNotContact(why=letter.failed)


def advocate_of(world: World) -> Advocate:
    return factories.AdvocateFactory(customer=world.customer)


def all_letters_leave() -> None:
    for pk in Delivery.objects.values_list("pk", flat=True):
        outbox.deliver(pk)
    writing.mail_all()


RUNS: dict[str, Callable[[World, Callable[[World], object]], None]] = {
    "channels_app.outbox.writing.write": writes,
    "channels_app.outbox.parts.write_parts": writes_in_parts,
    "channels_app.outbox.sending.deliver": delivers,
    "cases.identify.ask_who": asks_who,
    "crm.identify.send_code": sends_a_code,
    "surveys.inviting.send": invites,
    "surveys.inviting.remind": reminds,
    "surveys.outreach.calling.number": is_called,
    "surveys.outreach.instead.write": is_written_to_instead,
    "surveys.outreach.instead.mail": is_mailed_instead,
    "surveys.advocates.writing.invite": invites_an_advocate,
    "surveys.advocates.writing.thank": thanks_an_advocate,
    "surveys.advocates.writing.mail": mails_an_advocate,
    "surveys.outreach.told_in_writing.write": hears_that_it_has_come,
}
# what comes of a call, and takes the way of an answer: they have to allow both
AND_ALSO = dict.fromkeys(("surveys.outreach.instead.write", "surveys.outreach.instead.mail"), Purpose.CARE_REPLY)
AND_ALSO["surveys.advocates.writing.invite"] = Purpose.CARE_REPLY  # it asks for more than an answer, and takes its way


def test_every_sender_is_run_here_and_says_what_it_sends():
    assert set(RUNS) == set(consent.SENDERS)
    assert all(str(sender.says) for sender in consent.SENDERS.values())


@pytest.fixture
def world(db, agent, fake, network):  # noqa: F811
    customer = factories.CustomerFactory(name="Sara", known_at=timezone.now())
    handle = factories.IdentityFactory(place="fake", customer=customer)
    factories.IdentityFactory(kind="email", place="", value="sara@example.com", customer=customer)
    fake.our_handle = "brand"
    fake.save()
    factories.CallingHoursFactory(calendar__around_the_clock=True)  # the hour of the day forbids nothing here
    return World(customer, factories.CaseFactory(channel=fake, customer=customer, identity=handle), agent, network)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("path", sorted(consent.SENDERS))
def test_what_leaves_is_what_they_allow(world, path, state):
    sentence = ""
    try:
        RUNS[path](world, STATES[state])
    except Refused as refusal:
        sentence = str(refusal)
    purpose = consent.SENDERS[path].purpose
    expected = all(leaves(asked, state) for asked in (purpose, AND_ALSO.get(path, purpose)))
    assert world.left == (1 if expected else 0)
    assert bool(sentence) is not expected
    assert sentence == "" or sentence.endswith(".")


@pytest.mark.parametrize("state", STATES)
def test_a_survey_by_private_message_asks_for_both(world, state):
    """It is a survey, and it takes the way of an answer."""
    sentence = ""
    try:
        invites_in_private(world, STATES[state])
    except Refused as refusal:
        sentence = str(refusal)
    expected = leaves(Purpose.SURVEY, state) and leaves(Purpose.CARE_REPLY, state)
    assert (world.left, bool(sentence)) == (int(expected), not expected)


# --- the database's own say


def message_to(world: World) -> Message:
    return factories.MessageFactory(
        thread=world.case.thread, identity=world.case.identity, direction="out", external_id=None
    )


@pytest.mark.parametrize("state", STATES)
def test_the_database_refuses_exactly_what_the_code_refuses(world, state):
    waiting = Delivery.objects.create(message=message_to(world))
    STATES[state](world)
    expected = leaves(Purpose.CARE_REPLY, state)
    assert bool(consent.may_write_to(world.case.identity, Purpose.CARE_REPLY)) is expected
    soon = timezone.now()
    tried = {
        "a new one": lambda: Delivery.objects.create(message=message_to(world)),
        "many": lambda: Delivery.objects.bulk_create([Delivery(message=message_to(world))]),
        "one that waited": lambda: Delivery.objects.filter(pk=waiting.pk).update(state="sending", lease_until=soon),
    }
    for name, act in tried.items():
        refused = None
        try:
            with transaction.atomic():
                act()
        except IntegrityError as error:
            refused = consent.refusal_in(error)
        assert (name, refused is None) == (name, expected)


# --- to those who did not write to us


@pytest.mark.parametrize("state", STATES)
def test_who_did_not_write_to_us_is_answered_in_public_where_they_may_be_written_to(world, state):
    Message.objects.filter(pk=world.question.pk).update(overheard=True)
    writes_or_not(world, STATES[state], leaves(Purpose.CARE_REPLY, state), private=False)


@pytest.mark.parametrize("state", STATES)
def test_and_in_private_only_where_they_agreed_to_it(world, state):
    Message.objects.filter(pk=world.question.pk).update(overheard=True)
    writes_or_not(world, STATES[state], state == f"{Purpose.CARE_REPLY} given", private=True)


def writes_or_not(world: World, say: Callable[[World], object], may: bool, *, private: bool) -> None:
    say(world)
    with suppress(Refused):
        delivery = outbox.write(answer_to=world.question, text="May we help?", by=world.agent, private=private)
        outbox.deliver(delivery.pk)
    assert world.left == int(may)


def test_the_guard_knows_the_one_platform_whose_words_leave_nowhere():
    by_hand = {kind for kind, platform in registry.PLATFORMS.items() if platform.capabilities.written_by_hand}
    assert {f"channel.platform <> '{kind}'" in guard.SQL for kind in by_hand} == {True}
    assert len(by_hand) == guard.SQL.count("channel.platform <>")


@pytest.mark.parametrize("move", [{"state": "queued"}, {"state": "failed"}, {"reason": "x"}])
def test_what_only_waits_or_stops_is_not_in_the_way(world, move):
    waiting = Delivery.objects.create(message=message_to(world))
    no_contact(world)
    Delivery.objects.filter(pk=waiting.pk).update(**move)


@pytest.mark.parametrize("owned", ["by nobody", "by a proposal"])
def test_who_has_no_confirmed_owner_is_answered(world, owned):
    no_contact(world)
    identity = factories.IdentityFactory()
    if owned == "by a proposal":
        factories.IdentityLinkFactory(identity=identity, customer=world.customer, state="proposed")
    question = factories.MessageFactory(thread=world.case.thread, identity=identity)
    outbox.deliver(outbox.write(answer_to=question, text="Hello", by=world.agent).pk)
    assert world.left == 1


def forgets_to_ask(monkeypatch):
    monkeypatch.setattr(consent, "must_write_to", lambda identity, purpose: None)


def test_a_path_that_forgot_to_ask_is_stopped_with_the_same_sentence(world, monkeypatch):
    no_contact(world)
    forgets_to_ask(monkeypatch)
    with pytest.raises(consent.MayNotContact, match="Sara asked not to be contacted under any circumstances"):
        replies.reply(case=world.case, text="Hello", by=world.agent)
    assert not Message.objects.filter(direction="out").exists()


def test_a_delivery_whose_worker_forgot_to_ask_stops_with_it_too(world, monkeypatch):
    delivery = outbox.write(answer_to=world.question, text="Hello", by=world.agent)
    no_contact(world)
    forgets_to_ask(monkeypatch)
    outbox.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, world.left) == ("failed", 0)
    assert delivery.reason == "Sara asked not to be contacted under any circumstances."


def test_on_a_page_the_databases_refusal_is_the_sentence(world, monkeypatch, as_user):
    @transaction.atomic
    def writes_past_the_outbox(**facts):
        Delivery.objects.create(message=message_to(world))

    no_contact(world)
    monkeypatch.setattr(replies, "reply", writes_past_the_outbox)
    url = reverse("cases:reply", args=[world.case.pk])
    response = as_user(world.agent).post(url, {"text": "Hello"}, headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert "Sara asked not to be contacted" in response.content.decode()


def test_in_a_transaction_that_broke_the_refusal_asks_nothing_more(world):
    @transaction.atomic
    def breaks():
        try:
            Delivery.objects.create(message=message_to(world))
        except IntegrityError as error:
            transaction.set_rollback(True)
            raise consent.refusal_in(error) from error

    no_contact(world)
    with pytest.raises(consent.MayNotContact, match="may not be contacted"):
        breaks()


def test_another_broken_rule_is_not_taken_for_it(world):
    with pytest.raises(IntegrityError), consent.guarded():
        factories.ConsentFactory(purpose="spam")


# --- what waits, and what was said by hand


def test_a_reply_that_was_stopped_can_be_tried_again_once_they_may_be_written_to(world):
    delivery = outbox.write(answer_to=world.question, text="Hello", by=world.agent)
    no_contact(world)
    outbox.deliver(delivery.pk)
    with pytest.raises(consent.MayNotContact):
        outbox.try_again(delivery=delivery, by=world.agent)
    consent.lift(customer=world.customer, how="Rang us", by=None)
    outbox.deliver(outbox.try_again(delivery=delivery, by=world.agent).pk)
    delivery.refresh_from_db()
    assert (delivery.state, world.left) == ("sent", 1)


def test_a_reply_that_waits_for_its_next_try_does_not_go_out(world):
    delivery = outbox.write(answer_to=world.question, text="Hello", by=world.agent)
    world.network.next.append(TryLater("busy", after=0))
    outbox.deliver(delivery.pk)
    no_contact(world)
    Delivery.objects.update(not_before=timezone.now())
    outbox.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, world.left) == ("failed", 0)


def test_what_was_said_by_hand_is_written_down_whatever_they_asked_for(world, team, agent):
    desk = factories.ChannelFactory(platform="by_hand", place="desk", team=team)
    case = factories.CaseFactory(channel=desk, customer=world.customer, identity=world.case.identity)
    no_contact(world)
    delivery = replies.reply(case=case, text="Told her at the desk.", by=agent)
    outbox.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert (delivery.state, world.left) == ("sent", 0)


def test_the_composer_says_why_there_is_nothing_to_write(world, as_user):
    no_contact(world)
    html = as_user(world.agent).get(reverse("cases:case", args=[world.case.pk])).content.decode()
    blocked = html.partition('id="reply-blocked"')[2].partition("</div>")[0]
    assert "Sara asked not to be contacted under any circumstances." in blocked
