"""What the record says of a customer, as surveys see it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from crm.models import Customer, IdentityLink
from surveys import facts
from tests.factories import (
    CaseFactory,
    CauseFactory,
    ChannelFactory,
    CustomerFactory,
    IdentityFactory,
    MessageFactory,
    ProductFactory,
    StakeholderFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def of(customer):
    return facts.known([customer.pk])[customer.pk]


def resolved(customer, cause, days_ago=0):
    when = timezone.now() - timedelta(days=days_ago)
    return CaseFactory(customer=customer, state="resolved", cause=cause, resolved_at=when, resolved_by=UserFactory())


def test_the_record_says_country_tier_and_language():
    assert of(CustomerFactory(country="DE", tier="key", language="de")) == {
        "country": "DE", "tier": "key", "language": "de", "languages": ["de"], "account": "no",
    }  # fmt: skip


def test_what_nobody_knows_is_missing():
    assert of(CustomerFactory()) == {"tier": "standard", "account": "no"}


def test_somebody_in_an_account_is_known_to_be():
    customer = StakeholderFactory().customer
    assert of(customer)["account"] == "yes"


def test_where_and_in_what_they_write_comes_of_their_messages():
    customer = CustomerFactory(language="en")
    identity = IdentityFactory(customer=customer)
    for place, language in (("chirp", "es"), ("mail", "en"), ("chirp", "es")):
        MessageFactory(identity=identity, channel=ChannelFactory(place=place), language=language)
    assert of(customer)["channel"] == ["chirp", "mail"]
    assert of(customer)["languages"] == ["en", "es"]


def test_a_handle_that_may_be_theirs_says_nothing_of_them():
    customer = CustomerFactory()
    message = MessageFactory(identity=IdentityFactory(customer=None))
    IdentityLink.objects.create(identity=message.identity, customer=customer, state="proposed", score=60)
    assert "channel" not in of(customer)


def test_products_they_gave_back_are_not_theirs():
    customer = ProductFactory(name="Season ticket").customer
    ProductFactory(customer=customer, name="Railcard", state="ended")
    assert of(customer)["product"] == ["Season ticket"]


def test_the_cause_is_that_of_the_case_resolved_last_with_the_one_above():
    customer = CustomerFactory()
    trains = CauseFactory(name="Trains")
    late = CauseFactory(name="Late", parent=trains)
    resolved(customer, CauseFactory(name="Refund"), days_ago=9)
    resolved(customer, late, days_ago=1)
    assert of(customer)["case_cause"] == [str(late.pk), str(trains.pk)]


def test_many_customers_are_read_in_as_many_queries_as_one(django_assert_num_queries):
    people = [StakeholderFactory(customer__country="ES").customer.pk for _ in range(10)]
    for asked in (people[:1], people):
        with django_assert_num_queries(len(facts.FACTS)):
            assert set(facts.known(asked)) == set(asked)


@pytest.mark.parametrize("name", facts.FACTS)
def test_every_fact_finds_the_customers_it_is_known_of(name):
    late = CauseFactory(name="Late")
    everything = CustomerFactory(country="DE", language="de")
    MessageFactory(identity=IdentityFactory(customer=everything))
    ProductFactory(customer=everything)
    resolved(everything, late)
    CustomerFactory()
    found = set(Customer.objects.filter(facts.FACTS[name].on_record()).values_list("pk", flat=True))
    assert set(facts.FACTS[name].read(list(Customer.objects.values_list("pk", flat=True)))) == found


@pytest.mark.parametrize("name", facts.FACTS)
def test_every_value_of_a_fact_is_offered_in_words(name):
    customer = CustomerFactory(country="DE", language="de")
    MessageFactory(identity=IdentityFactory(customer=customer), channel=ChannelFactory(place="chirp"))
    ProductFactory(customer=customer, name="Season ticket")
    resolved(customer, CauseFactory(name="Late"))
    said = of(customer)[name]
    offered = dict(facts.FACTS[name].choices())
    assert {said} <= set(offered) if isinstance(said, str) else set(said) <= set(offered)


def test_values_are_called_by_their_words():
    assert facts.FACTS["tier"].called(["key", "lost"]) == ["Key", "lost"]
