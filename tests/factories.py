"""Records for tests. Each factory makes a valid row with as little as possible; tests say what matters to them."""

import json
from datetime import timedelta
from typing import ClassVar

import factory
from django.utils import timezone

from cases.models import (
    Approval,
    Case,
    CaseLink,
    CaseMessage,
    CaseThread,
    Cause,
    CauseSign,
    CauseSuggestion,
    CheckedItem,
    ChecklistItem,
    Clock,
    Commitment,
    Deed,
    Draft,
    Flood,
    FloodAnswer,
    FloodMember,
    FloodReply,
    GroupQuestion,
    HandOver,
    Lead,
    Lent,
    Note,
    NoteFile,
    Offer,
    Opening,
    Override,
    Rule,
    RuleRun,
    Template,
    TemplateText,
    Wording,
)
from channels_app.models import (
    App,
    Attachment,
    Attempt,
    Channel,
    ChannelPromise,
    Correction,
    Credential,
    Delivery,
    FittedModel,
    LexiconWord,
    Look,
    Measure,
    Message,
    Module,
    ModuleQuestion,
    Policy,
    RawEvent,
    Reaction,
    Receipt,
    Rereading,
    Search,
    Thread,
    Training,
)
from channels_app.reading.linear import LinearModel, checksum
from crm import sealing
from crm.models import (
    Absence,
    Account,
    ApiToken,
    Calendar,
    Consent,
    ConsentChange,
    Customer,
    Holiday,
    Identity,
    IdentityLink,
    IdentityRequest,
    Import,
    Membership,
    Notice,
    NoticeChoice,
    Order,
    Period,
    Persona,
    PrivacyRequest,
    Product,
    RefusedRow,
    SavedView,
    Scope,
    Skill,
    Stakeholder,
    SupportGroup,
    Team,
    User,
    Webhook,
    WebhookEvent,
)
from crm.tokens import BEGINNING, hashed
from crm.webhooks import signing
from surveys.models import (
    ActionPlan,
    Advocate,
    AdvocateLetter,
    AdvocateReason,
    Answer,
    Call,
    Caller,
    CallingHours,
    CallRule,
    CallText,
    Condition,
    Flag,
    FollowUp,
    GroupAnswer,
    GroupRequest,
    Hashtag,
    Heard,
    Invitation,
    Loop,
    OutreachSettings,
    PlanAnswer,
    Question,
    Recognition,
    Response,
    Survey,
    Theme,
    Told,
    Version,
    Wave,
)
from surveys.models import Attempt as CallAttempt

PASSWORD = "correct horse battery"


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    first_name = factory.Faker("first_name")
    last_name = factory.Faker("last_name")
    role = "agent"
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def teams(self, create, teams, **kwargs):
        if create and teams:
            Membership.objects.bulk_create([Membership(user=self, team=team) for team in teams])


class TeamFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")


class ChannelFactory(factory.django.DjangoModelFactory):
    """A channel of the simulator, which can reply; `platform="archive"` only listens."""

    class Meta:
        model = Channel

    key = factory.Sequence(lambda n: f"channel-{n}")
    name = factory.Sequence(lambda n: f"@brand{n} on Chirp")
    platform = "simulator"
    place = "chirp"
    our_handle = "brand"
    team = factory.SubFactory(TeamFactory)


class AppFactory(factory.django.DjangoModelFactory):
    """What a network calls us by; `secrets={"app_secret": …}` are sealed."""

    class Meta:
        model = App

    class Params:
        secrets: ClassVar[dict[str, str]] = {}

    network = "meta"
    name = "Skylark’s app"
    sealed = factory.LazyAttribute(lambda made: sealing.seal(json.dumps(made.secrets)))
    made_by = factory.SubFactory(UserFactory)


class CredentialFactory(factory.django.DjangoModelFactory):
    """What opens a channel; `secrets={"access_token": …}` are sealed."""

    class Meta:
        model = Credential

    class Params:
        secrets: ClassVar[dict[str, str]] = {}

    channel = factory.SubFactory(ChannelFactory)
    sealed = factory.LazyAttribute(lambda made: sealing.seal(json.dumps(made.secrets)))
    connected_by = factory.SubFactory(UserFactory)


class SearchFactory(factory.django.DjangoModelFactory):
    """Words we listen for on a network."""

    class Meta:
        model = Search

    channel = factory.SubFactory(ChannelFactory)
    name = factory.Sequence(lambda n: f"Trains {n}")
    words = factory.Sequence(lambda n: f"skylark train{n}")
    made_by = factory.SubFactory(UserFactory)


def own_channel(**more):
    """A channel of one's own that only calls us, with its secret."""
    app = AppFactory(network="own_channel", secrets={"secret": signing.new_secret()})
    return CredentialFactory(app=app, channel=ChannelFactory(platform="own_channel", place="chat", **more)).channel


class CustomerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Customer

    name = factory.Faker("name")


class IdentityFactory(factory.django.DjangoModelFactory):
    """A handle with its confirmed customer; `customer=None` leaves it alone."""

    class Meta:
        model = Identity
        skip_postgeneration_save = True

    kind = "handle"
    place = "chirp"
    value = factory.Sequence(lambda n: f"handle{n}")
    handle = factory.SelfAttribute("value")

    @factory.post_generation
    def customer(self, create, customer, **kwargs):
        if create and customer:
            IdentityLinkFactory(identity=self, customer=customer)


class IdentityLinkFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = IdentityLink

    identity = factory.SubFactory(IdentityFactory)
    customer = factory.SubFactory(CustomerFactory)
    state = "confirmed"
    method = "by_hand"
    score = factory.LazyAttribute(lambda link: 0.8 if link.state == "proposed" else None)


class AccountFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Account

    name = factory.Sequence(lambda n: f"Account {n} Ltd")


class PersonaFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Persona

    name = factory.Sequence(lambda n: f"Persona {n}")


class StakeholderFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Stakeholder

    account = factory.SubFactory(AccountFactory)
    customer = factory.SubFactory(CustomerFactory)


class OrderFactory(factory.django.DjangoModelFactory):
    """A customer's own order, on its way; `account=…` makes it that account's."""

    class Meta:
        model = Order

    customer = factory.SubFactory(CustomerFactory)
    number = factory.Sequence(lambda n: f"A-{1000 + n}")


class PrivacyRequestFactory(factory.django.DjangoModelFactory):
    """A copy that was made, with its file; `file=None`: without."""

    class Meta:
        model = PrivacyRequest

    customer = factory.SubFactory(CustomerFactory)
    kind = "export"
    state = "done"
    by = factory.SubFactory(UserFactory, role="lead")
    file = factory.django.FileField(filename="copy.zip", data=b"PK")
    file_until = factory.LazyFunction(lambda: timezone.now() + timedelta(days=7))


class ProductFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Product

    customer = factory.SubFactory(CustomerFactory)
    name = factory.Sequence(lambda n: f"Product {n}")


class ConsentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Consent

    customer = factory.SubFactory(CustomerFactory)
    purpose = "survey"
    state = "given"


class ConsentChangeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ConsentChange

    customer = factory.SubFactory(CustomerFactory)
    purpose = "survey"
    to = "given"
    how = "Ticked it in the app"
    by = factory.SubFactory(UserFactory)


class IdentityRequestFactory(factory.django.DjangoModelFactory):
    """A link that was sent and not answered."""

    class Meta:
        model = IdentityRequest

    identity = factory.SubFactory(IdentityFactory)
    asked_by = factory.SubFactory(UserFactory)
    asked_as = "@brand"


class ThreadFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Thread

    channel = factory.SubFactory(ChannelFactory)
    external_id = factory.Sequence(lambda n: f"thread-{n}")


class MessageFactory(factory.django.DjangoModelFactory):
    """A customer's message, read and routed already; a factory for what a page shows, not for the inbox."""

    class Meta:
        model = Message

    channel = factory.SelfAttribute("thread.channel")
    thread = factory.SubFactory(ThreadFactory)
    external_id = factory.Sequence(lambda n: f"post-{n}")
    direction = "in"
    identity = factory.SubFactory(IdentityFactory)
    text = "My train is late again and nobody says why."
    occurred_at = factory.LazyFunction(lambda: timezone.now() - timedelta(minutes=10))
    sentiment = "negative"
    language = "en"
    read_at = factory.LazyFunction(timezone.now)
    routed_at = factory.LazyFunction(timezone.now)


class CorrectionFactory(factory.django.DjangoModelFactory):
    """A mood that was read wrongly; the message stands as it was read."""

    class Meta:
        model = Correction

    message = factory.SubFactory(MessageFactory)
    aspect = "sentiment"
    was = "neutral"
    now = "negative"
    was_confidence = 0.6
    reader = "2"
    by = factory.SubFactory(UserFactory)


class LexiconWordFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = LexiconWord

    language = "en"
    aspect = "topic"
    value = "price"
    words = factory.Sequence(lambda n: f"fee{n}")
    added_by = factory.SubFactory(UserFactory, role="lead")


class FittedModelFactory(factory.django.DjangoModelFactory):
    """A whole one that says nothing of its own: it reads as Hark does without a model."""

    class Meta:
        model = FittedModel

    version = factory.Sequence(lambda n: f"fit-{n}")
    base = "lists"
    fitted_by = factory.SubFactory(UserFactory, role="lead")
    body = factory.LazyAttribute(lambda row: LinearModel(row.version).dumps())
    sha256 = factory.LazyAttribute(lambda row: checksum(row.body))
    report = factory.LazyFunction(lambda: {"verdict": "better", "this": {}, "in_use": {}, "in_use_version": "lists"})


class TrainingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Training

    asked_by = factory.SubFactory(UserFactory, role="lead")


class RereadingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Rereading

    version = "2"
    started_by = factory.SubFactory(UserFactory, role="lead")
    up_to = 100
    reached = 101
    total = 100


class ReactionFactory(factory.django.DjangoModelFactory):
    """Somebody likes a message."""

    class Meta:
        model = Reaction

    message = factory.SubFactory(MessageFactory)
    who = "bob"
    at = factory.LazyFunction(timezone.now)


class ReceiptFactory(factory.django.DjangoModelFactory):
    """What became of a message nobody knows yet."""

    class Meta:
        model = Receipt

    channel = factory.SubFactory(ChannelFactory)
    external_id = factory.Sequence(lambda n: f"m{n}")
    state = "read"
    at = factory.LazyFunction(timezone.now)


class LookFactory(factory.django.DjangoModelFactory):
    """A message that was read again."""

    class Meta:
        model = Look

    message = factory.SubFactory(MessageFactory)
    looked_at = factory.LazyFunction(timezone.now)


class CauseFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Cause

    name = factory.Sequence(lambda n: f"Cause {n}")


class CauseSignFactory(factory.django.DjangoModelFactory):
    """A word that stood in three resolved cases of a cause."""

    class Meta:
        model = CauseSign

    sign = factory.Sequence(lambda n: f"word {n}")
    cause = factory.SubFactory(CauseFactory)
    cases = 3


class CauseSuggestionFactory(factory.django.DjangoModelFactory):
    """The likeliest cause was chosen."""

    class Meta:
        model = CauseSuggestion

    case = factory.SubFactory("tests.factories.CaseFactory")
    first = factory.SubFactory(CauseFactory)
    chosen = factory.SelfAttribute("first")
    place = 1


class ChecklistItemFactory(factory.django.DjangoModelFactory):
    """Something to be done in each case of a cause, not required."""

    class Meta:
        model = ChecklistItem

    cause = factory.SubFactory(CauseFactory)
    text = factory.Sequence(lambda n: f"Step {n}")


class CheckedItemFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = CheckedItem

    case = factory.SubFactory("tests.factories.CaseFactory")
    item = factory.SubFactory(ChecklistItemFactory)
    by = factory.SubFactory(UserFactory)


class RuleRunFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RuleRun

    rule = factory.SubFactory("tests.factories.RuleFactory")
    case = factory.SubFactory("tests.factories.CaseFactory")
    event = "message"
    occasion = factory.Sequence(lambda n: f"message:{n}")
    done = "priority high"


class RuleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Rule

    name = factory.Sequence(lambda n: f"Rule {n}")


class CaseFactory(factory.django.DjangoModelFactory):
    """A new case with one message of its customer (`message=False`: without)."""

    class Meta:
        model = Case
        skip_postgeneration_save = True

    customer = factory.SubFactory(CustomerFactory)
    channel = factory.SubFactory(ChannelFactory)
    thread = factory.SubFactory(ThreadFactory, channel=factory.SelfAttribute("..channel"))
    identity = factory.LazyAttribute(lambda case: IdentityFactory(customer=case.customer))
    team = factory.SelfAttribute("channel.team")
    subject = "My train is late again"
    sentiment = "negative"
    opened_at = factory.LazyFunction(lambda: timezone.now() - timedelta(minutes=10))
    waiting_since = factory.SelfAttribute("opened_at")
    last_message_at = factory.SelfAttribute("opened_at")

    @factory.post_generation
    def message(self, create, words, **kwargs):
        """What the customer said first; False for nothing yet."""
        if create and words is not False:
            text = words or "My train is late again and nobody says why."
            message = MessageFactory(thread=self.thread, identity=self.identity, text=text, occurred_at=self.opened_at)
            CaseMessage.objects.create(case=self, message=message)


def resolved(case: Case, by: User, cause: Cause | None = None) -> Case:
    """The same case, resolved."""
    Case.objects.filter(pk=case.pk).update(
        state="resolved", resolved_at=timezone.now(), resolved_by=by, cause=cause or CauseFactory(), owner=by
    )
    case.refresh_from_db()
    return case


class DeliveryFactory(factory.django.DjangoModelFactory):
    """A reply on its way in a case: `DeliveryFactory(case=case, by=agent)`."""

    class Meta:
        model = Delivery

    class Params:
        case = factory.SubFactory(CaseFactory)
        by = factory.SubFactory(UserFactory)

    message = factory.LazyAttribute(
        lambda d: MessageFactory(
            thread=d.case.thread, identity=d.case.identity, direction="out", sent_by=d.by, external_id=None,
            text="We are looking into it.", occurred_at=timezone.now(), sentiment="unknown",
        )
    )  # fmt: skip

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        delivery = super()._create(model_class, *args, **kwargs)
        case = Case.objects.filter(thread=delivery.message.thread).first()
        if case:
            CaseMessage.objects.get_or_create(case=case, message=delivery.message)
        return delivery


class OpeningFactory(factory.django.DjangoModelFactory):
    """What a case began with, and no earlier one was like."""

    class Meta:
        model = Opening

    message = factory.LazyFunction(lambda: CaseFactory().entries.get().message)
    same = factory.Sequence(lambda n: n)


class FloodFactory(factory.django.DjangoModelFactory):
    """Cases that are alike, none of which stands there yet."""

    class Meta:
        model = Flood

    team = factory.SubFactory(TeamFactory)


class FloodMemberFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = FloodMember

    case = factory.SubFactory(CaseFactory)
    flood = factory.LazyAttribute(lambda member: FloodFactory(team=member.case.team, head=member.case))


class FloodAnswerFactory(factory.django.DjangoModelFactory):
    """One answer to many that is over."""

    class Meta:
        model = FloodAnswer

    like = factory.SubFactory(CaseFactory)
    flood = factory.LazyAttribute(lambda answer: FloodMemberFactory(case=answer.like).flood)
    text = "Your suitcases are on the flight at noon."
    by = factory.SubFactory(UserFactory)
    starts_at = factory.LazyFunction(timezone.now)
    ended_at = factory.LazyFunction(timezone.now)
    state = "done"


class FloodReplyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = FloodReply

    answer = factory.SubFactory(FloodAnswerFactory)
    case = factory.SelfAttribute("answer.like")
    refusal = "It did not wait for us any more when its turn came."
    done_at = factory.LazyFunction(timezone.now)


class NoteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Note

    case = factory.SubFactory(CaseFactory)
    by = factory.SubFactory(UserFactory)
    text = "Rang the station."


class HandOverFactory(factory.django.DjangoModelFactory):
    """Handed over by who has the case, to a colleague who has not accepted it yet."""

    class Meta:
        model = HandOver

    case = factory.SubFactory(CaseFactory, owner=factory.SubFactory(UserFactory), state="open")
    by = factory.SelfAttribute("case.owner")
    to = factory.SubFactory(UserFactory)
    story = "Her train was cancelled and she slept at the station."
    next_step = "Find out what the hotel would have cost."


class CommitmentFactory(factory.django.DjangoModelFactory):
    """Promised until tomorrow, and standing."""

    class Meta:
        model = Commitment

    case = factory.SubFactory(CaseFactory)
    text = "We call back with the price of the hotel."
    until = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))
    by = factory.SubFactory(UserFactory)


class SupportGroupFactory(factory.django.DjangoModelFactory):
    """A group that answers day and night; `members=[user]`."""

    class Meta:
        model = SupportGroup
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Group {n}")

    @factory.post_generation
    def members(self, create, members, **kwargs):
        if create and members:
            self.members.set(members)


class GroupQuestionFactory(factory.django.DjangoModelFactory):
    """Asked a moment ago, and waiting for an answer that is due in eight hours."""

    class Meta:
        model = GroupQuestion

    case = factory.SubFactory(CaseFactory)
    group = factory.SubFactory(SupportGroupFactory)
    by = factory.SubFactory(UserFactory)
    text = "Was the second payment taken?"
    due_at = factory.LazyFunction(lambda: timezone.now() + timedelta(hours=8))


class LeadFactory(factory.django.DjangoModelFactory):
    """Handed to sales a moment ago and due tomorrow; nobody has it."""

    class Meta:
        model = Lead

    case = factory.SubFactory(CaseFactory)
    customer = factory.SelfAttribute("case.customer")
    message = factory.LazyAttribute(lambda lead: entry.message if (entry := lead.case.entries.first()) else None)
    what = "Forty seats a month to Lisbon"
    handed_by = factory.SubFactory(UserFactory)
    due_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))


class SavedViewFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SavedView

    name = factory.Sequence(lambda n: f"View {n}")
    owner = factory.SubFactory(UserFactory)
    query = "state=needs_us"


class ApiTokenFactory(factory.django.DjangoModelFactory):
    """A token that may do everything, for an administrator; `text` is what its system sends."""

    class Meta:
        model = ApiToken

    class Params:
        text = factory.Sequence(lambda n: f"hark_{n:07}-and-the-rest-of-it")

    name = factory.Sequence(lambda n: f"System {n}")
    user = factory.SubFactory(UserFactory, role="admin")
    created_by = factory.SelfAttribute("user")
    scopes = factory.LazyFunction(lambda: list(Scope.values))
    source = "shop"
    prefix = factory.LazyAttribute(lambda token: token.text[:BEGINNING])
    token_hash = factory.LazyAttribute(lambda token: hashed(token.text))


class WebhookFactory(factory.django.DjangoModelFactory):
    """A webhook whose secret is `signing.in_force(webhook)[0]`. Nobody is told until `telling.listeners_changed()`."""

    class Meta:
        model = Webhook

    name = factory.Sequence(lambda n: f"System {n}")
    url = "https://hooks.example/hark"
    events = factory.LazyFunction(lambda: ["customer.changed"])
    secret = factory.LazyFunction(lambda: signing.sealed(signing.new_secret()))
    created_by = factory.SubFactory(UserFactory, role="admin")


class WebhookEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = WebhookEvent

    webhook = factory.SubFactory(WebhookFactory)
    type = "customer.changed"
    data = factory.LazyFunction(lambda: {"id": 17, "name": "Ann Mercer"})


class RawEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RawEvent

    channel = factory.SubFactory(ChannelFactory)
    body = b"{}"
    origin = "a test"


class ImportFactory(factory.django.DjangoModelFactory):
    """A file of customers that was checked; no file lies behind it."""

    class Meta:
        model = Import

    what = "customers"
    source = "crm"
    name = "customers.csv"
    size = 1000
    encoding = "utf-8"
    delimiter = ","
    header = factory.LazyFunction(lambda: ["id", "name"])
    columns = factory.LazyFunction(lambda: {"id": ["id"], "name": ["name"]})
    state = "checked"
    rows = 10
    by = factory.SubFactory(UserFactory, role="lead")


class RefusedRowFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RefusedRow

    run = factory.SubFactory(ImportFactory)
    number = factory.Sequence(lambda n: n + 1)
    cells = factory.LazyFunction(lambda: ["17", "Ann"])
    sentence = "Name is missing."


class CalendarFactory(factory.django.DjangoModelFactory):
    """Nine to six on weekdays in Madrid; `week=()` for none, or (weekday, opens, closes) in minutes."""

    class Meta:
        model = Calendar
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Hours {n}")
    time_zone = "Europe/Madrid"

    @factory.post_generation
    def week(self, create, week, **kwargs):
        days = [(day, 540, 1080) for day in range(5)] if week is None else week
        Period.objects.bulk_create([Period(calendar=self, weekday=d, opens=o, closes=c) for d, o, c in days])


class HolidayFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Holiday

    calendar = factory.SubFactory(CalendarFactory)
    on = "2026-12-25"
    name = "Christmas"


class ChannelPromiseFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ChannelPromise

    channel = factory.SubFactory(ChannelFactory)


def published_promise(**facts) -> ChannelPromise:
    """Of a channel of the brand Skylark, in office hours unless `facts` say otherwise."""
    facts.setdefault("calendar", CalendarFactory())
    return ChannelPromiseFactory(channel__brand="Skylark", published_at=timezone.now(), **facts)


class ClockFactory(factory.django.DjangoModelFactory):
    """A promise to answer that runs; due in four hours, at risk in three."""

    class Meta:
        model = Clock

    case = factory.SubFactory(CaseFactory)
    kind = "answer"
    promised = 4 * 3600
    warned = 3600
    started_at = factory.LazyFunction(timezone.now)
    running_since = factory.SelfAttribute("started_at")
    due_at = factory.LazyAttribute(lambda clock: clock.started_at + timedelta(seconds=clock.promised))
    risk_at = factory.LazyAttribute(lambda clock: clock.due_at - timedelta(seconds=clock.warned))


class TemplateFactory(factory.django.DjangoModelFactory):
    """A template with one English text; `text=False`: with none."""

    class Meta:
        model = Template
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Template {n}")

    @factory.post_generation
    def text(self, create, text, **kwargs):
        if create and text is not False:
            words = text or "Hello {customer|there}, we are sorry about [[what went wrong]]. {agent}"
            TemplateText.objects.create(template=self, language="en", text=words)


class DraftFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Draft

    case = factory.SubFactory(CaseFactory)
    user = factory.SubFactory(UserFactory)
    kind = "reply"
    text = "We have asked the depot and"


class OverrideFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Override

    case = factory.SubFactory(CaseFactory)
    message = factory.LazyAttribute(lambda o: DeliveryFactory(case=o.case, by=o.by).message)
    by = factory.SubFactory(UserFactory)
    likeness = 0.9
    people = 4
    why = "The same train, the same answer"


class WordingFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Wording

    message = factory.LazyAttribute(lambda w: DeliveryFactory(case=CaseFactory(customer=w.customer)).message)
    customer = factory.SubFactory(CustomerFactory)
    bands = factory.LazyFunction(lambda: list(range(32)))


class PolicyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Policy

    channel = factory.SubFactory(ChannelFactory)
    version = 1
    who = "Trained agents, by first name."
    how = "Plainly."
    never = "No personal data in public."
    made_by = factory.SubFactory(UserFactory, role="lead")


class ModuleFactory(factory.django.DjangoModelFactory):
    """A base module in force, with two questions whose right choice is the first (`questions=0`: none)."""

    class Meta:
        model = Module
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Module {n}")
    content = "Keep what you promise."
    in_force_at = factory.LazyFunction(timezone.now)

    @factory.post_generation
    def questions(self, create, number, **kwargs):
        for n in range(2 if number is None else number):
            ModuleQuestionFactory(module=self, text=f"Question {n}?")


class ModuleQuestionFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ModuleQuestion

    module = factory.SubFactory(ModuleFactory, questions=0)
    text = "What do we promise?"
    choices = factory.LazyFunction(lambda: ["Right", "Wrong", "Also wrong"])
    right = 0


class AttemptFactory(factory.django.DjangoModelFactory):
    """A certificate, valid for a year."""

    class Meta:
        model = Attempt

    module = factory.SubFactory(ModuleFactory)
    user = factory.SubFactory(UserFactory)
    right = 2
    asked = 2
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=365))


class ApprovalFactory(factory.django.DjangoModelFactory):
    """A reply that waits in a case."""

    class Meta:
        model = Approval

    case = factory.SubFactory(CaseFactory)
    answer_to = factory.LazyAttribute(lambda a: a.case.entries.select_related("message").first().message)
    text = "It comes at noon."
    by = factory.SubFactory(UserFactory)
    why = "Not certified for Chirp."


class CaseLinkFactory(factory.django.DjangoModelFactory):
    """Two cases, linked by somebody; `one` is the older."""

    class Meta:
        model = CaseLink

    one = factory.SubFactory(CaseFactory)
    other = factory.SubFactory(CaseFactory)
    by = factory.SubFactory(UserFactory)


class DeedFactory(factory.django.DjangoModelFactory):
    """Taken by who did it, and not undone."""

    class Meta:
        model = Deed

    action = "take"
    by = factory.SubFactory(UserFactory)
    before = factory.LazyFunction(lambda: [{"id": 1, "state": "new", "owner_id": None}])
    after = factory.LazyFunction(lambda: [{"id": 1, "state": "open", "owner_id": 1}])


class NoticeFactory(factory.django.DjangoModelFactory):
    """Not read, and in no mail."""

    class Meta:
        model = Notice

    user = factory.SubFactory(UserFactory)
    kind = "mention"
    text = "Ana Ruiz mentions you in a note to case #7."
    url = "/queue/"


class NoticeChoiceFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = NoticeChoice

    user = factory.SubFactory(UserFactory)
    kind = "mention"
    mail = "hourly"


class SkillFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Skill

    name = factory.Sequence(lambda n: f"Skill {n}")


class AbsenceFactory(factory.django.DjangoModelFactory):
    """Planned: it begins tomorrow and lasts a week."""

    class Meta:
        model = Absence

    user = factory.SubFactory(UserFactory)
    starts_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))
    ends_at = factory.LazyAttribute(lambda absence: absence.starts_at + timedelta(days=7))


class OfferFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Offer

    case = factory.SubFactory(CaseFactory)
    user = factory.SubFactory(UserFactory)
    reasons = factory.LazyFunction(lambda: [{"kind": "load", "load": 3, "cap": 8}])
    until = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=3))


class LentFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Lent

    absence = factory.SubFactory(AbsenceFactory)
    case = factory.SubFactory(CaseFactory)


class CaseThreadFactory(factory.django.DjangoModelFactory):
    """The private thread of a public case."""

    class Meta:
        model = CaseThread

    case = factory.SubFactory(CaseFactory)
    thread = factory.SubFactory(ThreadFactory, channel=factory.SelfAttribute("..case.channel"))


class AttachmentFactory(factory.django.DjangoModelFactory):
    """A plain text that is kept; `file=""` and a `source_url`: one that is still to be fetched."""

    class Meta:
        model = Attachment

    message = factory.SubFactory(MessageFactory)
    file = factory.django.FileField(filename="ticket.txt", data=b"Seat 12A")
    name = "ticket.txt"
    content_type = "text/plain"
    size = 8
    sha256 = "0" * 64


class NoteFileFactory(AttachmentFactory):
    class Meta:
        model = NoteFile
        exclude = ["message"]

    note = factory.SubFactory(NoteFactory)


class MeasureFactory(factory.django.DjangoModelFactory):
    """A mute that holds, about a message of a case: `MeasureFactory(case=case, by=agent)`."""

    class Meta:
        model = Measure

    class Params:
        case = factory.SubFactory(CaseFactory)

    kind = "mute"
    message = factory.LazyAttribute(lambda measure: measure.case.entries.earliest("pk").message)
    channel = factory.SelfAttribute("message.channel")
    identity = factory.SelfAttribute("message.identity")
    reason = "spam"
    state = "in_force"
    by = factory.SubFactory(UserFactory)


# --- surveys


class SurveyFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Survey

    name = factory.Sequence(lambda n: f"How are we doing {n}")


class VersionFactory(factory.django.DjangoModelFactory):
    """One in the making, without questions, in English."""

    class Meta:
        model = Version

    survey = factory.SubFactory(SurveyFactory)
    languages = factory.LazyFunction(lambda: ["en"])
    wording = factory.LazyFunction(
        lambda: {"en": {"title": "How are we doing?", "intro": "Three questions.", "thanks": "Thank you."}}
    )


class QuestionFactory(factory.django.DjangoModelFactory):
    """The recommendation, unless another `kind` is said: `QuestionFactory(version=v, kind="text", key="why")`."""

    class Meta:
        model = Question

    version = factory.SubFactory(VersionFactory)
    position = factory.LazyAttribute(lambda made: made.version.questions.count() + 1)
    kind = "nps"
    key = factory.LazyAttribute(lambda made: f"{made.kind}{made.position}" if made.kind != "nps" else "nps")
    choices = factory.LazyAttribute(lambda made: ["yes", "no"] if made.kind == "choice" else [])
    permission = factory.LazyAttribute(lambda made: "call" if made.kind == "consent" else "")
    wording = factory.LazyAttribute(
        lambda made: {
            "en": {"text": f"What about {made.key}?", "choices": {key: key.capitalize() for key in made.choices}}
        }
    )


class ConditionFactory(factory.django.DjangoModelFactory):
    """Asked of detractors alone: `ConditionFactory(question=q, about=nps)`."""

    class Meta:
        model = Condition

    question = factory.SubFactory(QuestionFactory)
    test = "at_most"
    values = factory.LazyFunction(lambda: [6])


class WaveFactory(factory.django.DjangoModelFactory):
    """One that runs. Its version has been sent, with the recommendation and a comment."""

    class Meta:
        model = Wave

    name = factory.Sequence(lambda n: f"Wave {n}")
    version = factory.LazyFunction(lambda: sent_version())
    seed = "seven"
    opens_at = factory.LazyFunction(lambda: timezone.now() - timedelta(days=1))
    closes_at = factory.LazyAttribute(lambda made: made.opens_at + timedelta(days=21))
    next_on = factory.LazyAttribute(lambda made: (made.opens_at + timedelta(days=182)).date())
    state = "running"
    planned_at = factory.SelfAttribute("opens_at")


def sent_version(**facts):
    """The recommendation and why, frozen."""
    version = VersionFactory(**facts)
    QuestionFactory(version=version)
    QuestionFactory(version=version, kind="text", key="why")
    version.sent_at = timezone.now()
    version.save()
    return version


class InvitationFactory(factory.django.DjangoModelFactory):
    """Sent a moment ago, of a running wave; `case=…, wave=None` for one after a case."""

    class Meta:
        model = Invitation

    customer = factory.SubFactory(CustomerFactory)
    wave = factory.SubFactory(WaveFactory)
    version = factory.LazyAttribute(lambda made: made.wave.version if made.wave else sent_version())
    state = "sent"
    sent_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=30))


class ResponseFactory(factory.django.DjangoModelFactory):
    """A finished one: `ResponseFactory(score=9)`, `ResponseFactory(invitation__wave=wave, score=3)`."""

    class Meta:
        model = Response

    invitation = factory.SubFactory(InvitationFactory, state="answered", ended_at=factory.LazyFunction(timezone.now))
    score = 9
    language = "en"
    finished_at = factory.LazyFunction(timezone.now)


class AnswerFactory(factory.django.DjangoModelFactory):
    """A comment, unless another question is named."""

    class Meta:
        model = Answer

    response = factory.SubFactory(ResponseFactory)
    question = factory.LazyAttribute(
        lambda made: made.response.invitation.version.questions.filter(kind="text").first()
    )
    text = "The train was late again."


class FlagFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Flag

    response = factory.SubFactory(ResponseFactory)
    kind = "fast"
    why = "Answered in 4 seconds, where reading alone takes 30."


class ThemeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Theme

    answer = factory.SubFactory(AnswerFactory)
    topic = "product"
    tone = "criticism"
    suggested = True


class ActionPlanFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = ActionPlan

    title = factory.Sequence(lambda n: f"Send a courier {n}")
    owner = factory.SubFactory(UserFactory)
    due_on = factory.LazyFunction(lambda: (timezone.now() + timedelta(days=14)).date())


class PlanAnswerFactory(factory.django.DjangoModelFactory):
    """One comment behind a plan."""

    class Meta:
        model = PlanAnswer

    plan = factory.SubFactory(ActionPlanFactory)
    answer = factory.SubFactory(AnswerFactory)


class LoopFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Loop

    customer = factory.SubFactory(CustomerFactory)


class CallFactory(factory.django.DjangoModelFactory):
    """Somebody's of care, and due tomorrow; `owner=None`: in the pool."""

    class Meta:
        model = Call

    loop = factory.SubFactory(LoopFactory)
    customer = factory.SelfAttribute("loop.customer")
    to = "care"
    owner = factory.SubFactory(UserFactory)
    owned_since = factory.LazyAttribute(lambda call: timezone.now() if call.owner else None)
    due_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=1))


class FollowUpFactory(factory.django.DjangoModelFactory):
    """Thanks that are owed in a call: `FollowUpFactory(call=call, response=response, step="share")`."""

    class Meta:
        model = FollowUp

    call = factory.SubFactory(CallFactory)
    response = factory.LazyAttribute(lambda made: ResponseFactory(invitation__customer=made.call.customer))
    step = "thank"


class CallRuleFactory(factory.django.DjangoModelFactory):
    """Care calls everybody within a week."""

    class Meta:
        model = CallRule

    name = factory.Sequence(lambda n: f"Rule {n}")
    position = factory.Sequence(lambda n: n)
    to = "care"


class CallerFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Caller

    user = factory.SubFactory(UserFactory)


class CallAttemptFactory(factory.django.DjangoModelFactory):
    """Reached, by the owner of the call."""

    class Meta:
        model = CallAttempt

    call = factory.SubFactory(CallFactory)
    by = factory.SelfAttribute("call.owner")
    outcome = "reached"


class HeardFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Heard

    attempt = factory.SubFactory(CallAttemptFactory)
    topic = "product"
    tone = "criticism"


class OutreachSettingsFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = OutreachSettings

    id = 1


class CallingHoursFactory(factory.django.DjangoModelFactory):
    """Everywhere: nine to six on weekdays."""

    class Meta:
        model = CallingHours

    calendar = factory.SubFactory(CalendarFactory)


class CallTextFactory(factory.django.DjangoModelFactory):
    """What a promoter is asked, in a language of its own each."""

    class Meta:
        model = CallText

    key = "ask_promoter"
    language = "en"
    text = "What may never change?"


class HashtagFactory(factory.django.DjangoModelFactory):
    """`HashtagFactory(tag="billing", group__members=[user])`."""

    class Meta:
        model = Hashtag

    tag = factory.Sequence(lambda n: f"topic-{n}")
    group = factory.SubFactory(SupportGroupFactory)


class GroupRequestFactory(factory.django.DjangoModelFactory):
    """Asked a moment ago after a call, and due in two weeks; `hashtag__group=group` for a group of one's own."""

    class Meta:
        model = GroupRequest

    attempt = factory.SubFactory(CallAttemptFactory)
    loop = factory.SelfAttribute("attempt.call.loop")
    customer = factory.SelfAttribute("attempt.call.customer")
    hashtag = factory.SubFactory(HashtagFactory)
    group = factory.SelfAttribute("hashtag.group")
    quote = "They were charged twice for one seat."
    due_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=14))


class GroupAnswerFactory(factory.django.DjangoModelFactory):
    """No, because …"""

    class Meta:
        model = GroupAnswer

    group = factory.SubFactory(SupportGroupFactory)
    kind = "no"
    text = "The law asks us for the second invoice."
    by = factory.SubFactory(UserFactory)


class ToldFactory(factory.django.DjangoModelFactory):
    """To be told in writing; `how="call"`: in their next second call."""

    class Meta:
        model = Told

    plan = factory.SubFactory(ActionPlanFactory)
    customer = factory.SubFactory(CustomerFactory)
    how = "written"


class RecognitionFactory(factory.django.DjangoModelFactory):
    """Thanks by name; `customer`, `case`, `call` or `plan` for what they are for."""

    class Meta:
        model = Recognition

    person = factory.SubFactory(UserFactory)
    words = "You stayed with them until the refund was there."
    by = factory.SubFactory(UserFactory)


class AdvocateFactory(factory.django.DjangoModelFactory):
    """A candidate; in any other state somebody has moved them there."""

    class Meta:
        model = Advocate

    customer = factory.SubFactory(CustomerFactory)
    moved_by = factory.Maybe("is_candidate", None, factory.SubFactory(UserFactory))

    class Params:
        is_candidate = factory.LazyAttribute(lambda made: made.state == "candidate")

    state = "candidate"


class AdvocateReasonFactory(factory.django.DjangoModelFactory):
    """They praised us in a post of theirs."""

    class Meta:
        model = AdvocateReason

    advocate = factory.SubFactory(AdvocateFactory)
    kind = "praised"
    message = factory.LazyAttribute(
        lambda made: MessageFactory(
            identity=IdentityFactory(customer=made.advocate.customer), sentiment="positive", text="What a team!"
        )
    )
    at = factory.LazyFunction(timezone.now)


class AdvocateLetterFactory(factory.django.DjangoModelFactory):
    """An invitation that waits for its mail."""

    class Meta:
        model = AdvocateLetter

    advocate = factory.SubFactory(AdvocateFactory, state="invited")
    kind = "invite"
    text = "Would you tell others about us?"
    by = factory.SubFactory(UserFactory)
