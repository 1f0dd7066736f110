"""Records for tests. Each factory makes a valid row with as little as possible; tests say what matters to them."""

from datetime import timedelta

import factory
from django.utils import timezone

from cases.models import Case, CaseMessage, Cause, Note, RoutingRule
from channels_app.models import Channel, Delivery, Message, RawEvent, Thread
from crm.models import (
    Account,
    ApiToken,
    Consent,
    ConsentChange,
    Customer,
    Identity,
    IdentityLink,
    IdentityRequest,
    Import,
    Membership,
    Order,
    Persona,
    PrivacyRequest,
    Product,
    RefusedRow,
    SavedView,
    Scope,
    Stakeholder,
    Team,
    User,
    Webhook,
    WebhookEvent,
)
from crm.tokens import BEGINNING, hashed
from crm.webhooks import signing

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


class CauseFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Cause

    name = factory.Sequence(lambda n: f"Cause {n}")


class RuleFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RoutingRule

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


class NoteFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Note

    case = factory.SubFactory(CaseFactory)
    by = factory.SubFactory(UserFactory)
    text = "Rang the station."


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
