"""Nothing says any more what somebody said who was erased: neither the numbers of their words nor those who said it."""

import pytest

from cases import routing
from cases.alike import grouping
from cases.models import Case, Flood, FloodMember, Opening
from channels_app.models import Message
from crm.privacy import asking, working
from tests import factories
from tests.cases.conftest import converse

pytestmark = pytest.mark.django_db
FLIGHT = "Skylark left my suitcase behind in Lisbon and nobody answers the phone since Monday morning"


@pytest.fixture
def flood(channel):
    talks = [converse(channel) for _ in range(3)]
    for minute, talk in enumerate(talks):
        talk.customer_says(FLIGHT, minute)
    routing.route(channel)
    return [talk.case() for talk in talks]


def erase(customer):
    lead = factories.UserFactory(role="lead")
    request = asking.ask_for_erasure(customer=customer, confirmed=str(customer.pk), reason="person", by=lead)
    working.work(request.pk)
    request.refresh_from_db()
    assert request.state == "done", request.trouble


def test_who_is_erased_stands_in_no_flood_any_more(flood):
    first, second, third = flood
    erase(second.customer)
    assert set(FloodMember.objects.values_list("case", flat=True)) == {first.pk, third.pk}
    assert not Case.objects.get(pk=second.pk).behind


def test_where_the_first_of_a_flood_is_erased_others_are_found_by_the_words_of_the_next(flood, channel):
    erase(flood[0].customer)
    assert Opening.objects.get().message == flood[1].entries.get().message
    talk = converse(channel)
    talk.customer_says(FLIGHT, 9)
    talk.route()
    assert FloodMember.objects.filter(case=talk.case(), flood=Flood.objects.get()).exists()


def test_words_that_are_no_longer_kept_are_not_compared_with(flood, channel):
    Message.objects.update(text="", url="", reasons="", erased_at="2026-01-01T00:00Z")
    talk = converse(channel)
    talk.customer_says(FLIGHT, 9)
    assert not talk.route().behind
    grouping.forget()
    assert Opening.objects.get().message == talk.said[0]
