"""The demo's sales leads: one of each state that a newcomer should find."""

import pytest

from cases.models import Lead
from config import demo_leads
from crm import consent
from tests import factories

pytestmark = pytest.mark.django_db


def test_there_is_one_that_waits_one_talked_about_one_won_and_one_returned(channel, lead):
    factories.UserFactory(username="agent")
    factories.UserFactory(role="sales")
    cases = [factories.CaseFactory(channel=channel) for _ in range(6)]
    consent.forbid(customer=cases[-1].customer, how="Said so", by=lead)
    factories.StakeholderFactory(customer=cases[0].customer)
    demo_leads.load()
    assert list(Lead.objects.order_by("pk").values_list("state", flat=True)) == ["new", "talking", "won", "returned"]
    assert Lead.objects.order_by("pk").first().case == cases[0]
    assert not Lead.objects.filter(case=cases[-1]).exists()
    assert not Lead.objects.filter(message=None).exists()


def test_without_people_who_sell_or_cases_it_hands_over_what_it_can(db):
    factories.UserFactory(username="agent")
    demo_leads.load()
    assert not Lead.objects.exists()
