"""Records for tests. Each factory makes a valid row with as little as possible; tests say what matters to them."""

from datetime import timedelta

import factory
from django.utils import timezone

from cases.models import Case, CaseMessage, Cause, Note, RoutingRule, SavedView
from channels_app.models import Channel, Delivery, Message, RawEvent, Thread
from crm.models import Customer, Identity, IdentityLink, Membership, Team, User

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


class RawEventFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = RawEvent

    channel = factory.SubFactory(ChannelFactory)
    body = b"{}"
    origin = "a test"
