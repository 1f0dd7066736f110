"""The demo: what a newcomer finds, and that it is loaded once."""

from __future__ import annotations

import pytest
from django.test import Client

from cases.models import Case, RoutingRule
from channels_app.models import Delivery, Message, RawEvent
from config import demo
from crm.models import Customer, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def loaded(settings, tmp_path):
    settings.HARK_STATE_DIR = tmp_path
    demo.load()


def test_every_role_can_sign_in_and_lands_on_a_page_of_theirs(loaded):
    for username, password, role in demo.LOGINS:
        client = Client()
        assert client.login(username=username, password=password), username
        assert client.get("/", follow=True).status_code == 200, username
        assert User.objects.get(username=username).role == role


def test_every_post_has_its_case_and_the_queue_has_work_in_every_state(loaded):
    assert not Message.objects.filter(direction="in", case_entry=None).exists()
    assert not Message.objects.filter(routed_at=None).exists()
    assert set(Case.objects.values_list("state", flat=True)) >= {"new", "open", "waiting", "resolved"}
    assert Case.objects.needing_us().filter(rule__isnull=False).count() > 10
    assert RoutingRule.objects.in_force().count() == len(demo.RULES)
    assert RawEvent.objects.dead_letters().count() == 1
    assert not Delivery.objects.exists()


def test_resolved_cases_have_causes_and_believable_times(loaded):
    for case in Case.objects.filter(state="resolved"):
        assert case.opened_at < case.last_message_at <= case.resolved_at
        assert case.cause


def test_customers_are_known_by_tier_and_one_speaks_on_each_channel(loaded):
    assert set(Customer.objects.values_list("tier", flat=True)) == {"standard", "valued", "key"}
    assert set(Case.objects.values_list("channel__key", flat=True)) == {"skylark", "phone", "letter", "visit"}


def test_loading_it_again_changes_nothing(loaded):
    before = (Message.objects.count(), User.objects.count())
    assert demo.load() is False
    assert (Message.objects.count(), User.objects.count()) == before
