"""The demo: what a newcomer finds, and that it is loaded once."""

from __future__ import annotations

from html import unescape

import pytest
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import timezone

from cases.models import Case, Rule
from channels_app import naming
from channels_app.models import Channel, Correction, Delivery, FittedModel, LexiconWord, Message, RawEvent
from config import demo, demo_customers, demo_rules
from crm import accounts, consent, glance, handoff, merging
from crm.models import (
    Account,
    Activity,
    ApiToken,
    Consent,
    Customer,
    IdentityLink,
    Import,
    Merge,
    Order,
    PrivacyRequest,
    Purpose,
    SavedView,
    Stakeholder,
    User,
    Webhook,
)
from surveys.models import ActionPlan, Attempt, Call, GroupAnswer, GroupRequest, Loop, Told
from surveys.outreach import hours, loops
from tests.conftest import IN_MEMORY


@pytest.fixture(scope="module")
def whole(django_db_setup, django_db_blocker, tmp_path_factory):
    """The demo, loaded once for all these tests, since it takes its time; afterwards the tables are emptied."""
    test_only = {
        "CHANNEL_LAYERS": IN_MEMORY,
        "HARK_STATE_DIR": tmp_path_factory.mktemp("state"),
        "MEDIA_ROOT": tmp_path_factory.mktemp("files"),
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    }
    with django_db_blocker.unblock(), override_settings(**test_only), pytest.MonkeyPatch.context() as patch:
        patch.setattr(handoff, "_enqueue", lambda job, args, queue: None)
        demo.load()
        yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def loaded(whole, db):
    """The same, and what a test does to it is undone."""


def test_every_role_can_sign_in_and_lands_on_a_page_of_theirs(loaded):
    for username, password, role in demo.LOGINS:
        client = Client()
        assert client.login(username=username, password=password), username
        assert client.get("/", follow=True).status_code == 200, username
        assert User.objects.get(username=username).role == role


def test_every_post_has_its_case_and_the_queue_has_work_in_every_state(loaded):
    assert not Message.objects.filter(direction="in", overheard=False, case_entry=None).exists()
    assert not Message.objects.filter(routed_at=None).exists()
    assert set(Case.objects.values_list("state", flat=True)) >= {"new", "open", "waiting", "resolved"}
    assert Case.objects.needing_us().filter(rule__isnull=False).count() > 10
    assert Rule.objects.in_force().count() == len(demo.RULES) + len(demo_rules.RULES)
    assert RawEvent.objects.dead_letters().count() == 1
    assert not Delivery.objects.on_their_way().exists()  # nothing leaves by itself when Hark is started


def test_resolved_cases_have_causes_and_believable_times(loaded):
    for case in Case.objects.filter(state="resolved"):
        assert case.opened_at <= case.last_message_at <= case.resolved_at
        assert case.cause


def test_customers_are_known_by_tier_and_one_speaks_on_each_channel(loaded):
    assert set(Customer.objects.values_list("tier", flat=True)) == {"standard", "valued", "key"}
    assert set(Case.objects.values_list("channel__key", flat=True)) == {"skylark", "phone", "letter", "visit", "warble"}


def test_an_angry_consumer_is_seen_to_decide_for_an_account_with_6500_servers(loaded):
    mira = demo_customers.whom()["mira_on_rails"]
    assert Case.objects.unresolved().of_customer(mira).filter(sentiment="negative").exists()
    seen = glance.of(mira)
    assert [(s.account.name, s.influence) for s in seen.stakes] == [("Acme Corp", "decides")]
    assert "6,500 servers" in seen.stakes[0].account.runs
    assert {order.account is None for order in seen.late} == {True, False}  # a private one, and one of the account's
    client = Client()
    client.login(username="agent", password=demo.PASSWORD)
    assert "6,500 servers" in client.get(f"/customers/{mira.pk}/panel/").content.decode()


def test_one_person_buys_for_one_account_resells_through_another_and_orders_for_themselves(loaded):
    priya = demo_customers.whom()["priya_menon"]
    assert {stake.role for stake in glance.stakes(priya)} == {"buyer", "reseller"}
    assert priya.orders.filter(account=None).exists()


def test_accounts_are_in_every_condition_or_say_that_nothing_is_known(loaded):
    found = accounts.health(Account.objects.all(), timezone.now())
    assert {health.condition for health in found.values()} >= {"at_risk", "good", "unknown"}
    assert all(health.reasons for health in found.values())
    assert {account.kind for account in Account.objects.all()} == {"buyer", "partner", "reseller"}


def test_one_may_not_be_contacted_and_others_said_what_they_want(loaded):
    assert demo_customers.whom()["oldbeardedtom"].do_not_contact_at
    assert set(Consent.objects.values_list("state", flat=True)) == {"given", "refused"}


def test_there_are_matches_to_decide_on_a_conflict_and_a_merge_that_can_be_undone(loaded):
    links = IdentityLink.objects.proposed()
    found = links.filter(method="matched")
    assert found.count() >= 3
    assert all(link.points and link.customer.name for link in found)
    assert links.conflicts().count() == 3  # one from the desk, two from the imported list
    merge = Merge.objects.in_force().get()
    merging.undo(merge=merge, by=User.objects.get(username="lead"))
    assert Customer.objects.standing().filter(name="Hazel Nuttall").count() == 2


def test_every_day_it_tells_of_has_passed(loaded):
    now = timezone.now()
    assert not IdentityLink.objects.filter(created_at__gt=now).exists()
    assert not Activity.objects.filter(at__gt=now).exists()
    assert not Order.objects.filter(placed_at__gt=now).exists()
    assert not Stakeholder.objects.filter(since_on__gt=timezone.localdate()).exists()


def test_a_list_of_customers_has_views_for_everyone(loaded):
    assert SavedView.objects.of("customers").exclude(shared_at=None).count() >= 2


def test_an_import_shows_what_is_refused_and_what_waits(loaded):
    run = Import.objects.get()
    assert (run.state, run.made, run.refused, run.parked) == ("done", 7, 3, 2)
    assert Customer.objects.filter(name="Xiomara Quintanilla Bautista", city="Zaragoza").exists()


def test_one_was_forgotten_and_one_has_a_copy(loaded):
    copy, erasure = PrivacyRequest.objects.order_by("pk")
    assert (copy.kind, copy.state, erasure.kind, erasure.state) == ("export", "done", "erasure", "done")
    assert copy.is_kept
    assert erasure.receipt
    assert not Customer.objects.filter(name__contains="signalman").exists()


def test_a_webhook_has_a_log_and_sends_nothing_more(loaded):
    webhook = Webhook.objects.get()
    assert webhook.disabled_at
    assert set(webhook.sent.values_list("state", flat=True)) == {"sent", "given_up"}
    assert {token.opens for token in ApiToken.objects.all()} == {True, False}


def test_of_every_message_it_is_known_what_it_is_about(loaded):
    assert naming.waiting() == 0
    assert Message.objects.exclude(topics="").count() > 100


def test_loading_it_again_changes_nothing(loaded):
    before = (Message.objects.count(), User.objects.count())
    assert demo.load() is False
    assert (Message.objects.count(), User.objects.count()) == before


# --- calls


def test_one_loop_can_be_followed_from_the_survey_to_what_changed(loaded):
    told_of = Told.objects.filter(at__isnull=False, call__owner__username="executive").select_related("plan")
    whole = [each for each in told_of if {step.step for step in loops.story(each.call.loop)} == set(loops.Step)]
    assert whole
    loop = whole[0].call.loop
    assert loop.state == Loop.State.CLOSED
    happened = [each.at for each in loops.story(loop)]
    assert happened == sorted(happened)
    assert whole[0].plan.state == ActionPlan.State.DONE


def test_the_first_page_of_an_executive_has_a_whole_loop_and_what_their_call_changed(loaded):
    client = Client()
    client.force_login(User.objects.get(username="executive"))
    page = client.get("/", follow=True)
    assert page.redirect_chain[-1][0] == "/calls/"
    came_of = page.context["came_of"]
    assert [each.step for each in came_of.steps] == list(loops.Step)
    assert [each.at for each in came_of.steps] == sorted(each.at for each in came_of.steps)
    assert came_of.has_shipped
    shown = page.content.decode()
    assert "What your call changed" in shown
    assert came_of.said in unescape(shown)


def test_an_executive_has_people_to_call_and_something_to_tell(loaded):
    own = Call.objects.live().filter(owner__username="executive")
    assert {Call.Kind.FIRST, Call.Kind.SECOND} == set(own.values_list("kind", flat=True))
    assert own.filter(kind=Call.Kind.FIRST).count() <= 10
    assert Call.objects.in_pool().exists()
    assert Call.objects.filter(to=Call.To.SALES, owner__username="sales").exists()


def test_groups_are_waited_for_have_answered_and_ask_back(loaded):
    assert set(GroupAnswer.objects.values_list("kind", flat=True)) == set(GroupAnswer.Kind.values)
    waiting = GroupRequest.objects.waiting()
    assert waiting.filter(asked_back_at__isnull=False).exists()
    assert waiting.filter(due_at__gt=timezone.now()).exists()
    assert ActionPlan.objects.exclude(group=None).filter(state__in=ActionPlan.OPEN).exists()


def test_nobody_is_called_against_their_will_at_night_or_in_the_future(loaded):
    for call in Call.objects.live().select_related("customer"):
        assert consent.may_contact(call.customer, Purpose.CALL), call
    now = timezone.now()
    for attempt in Attempt.objects.select_related("call__customer"):
        assert attempt.at <= now
        assert hours.window(attempt.call.customer, attempt.at).now, attempt.at


def test_what_groups_were_asked_was_asked_in_order(loaded):
    for request in GroupRequest.objects.select_related("attempt", "answer"):
        assert request.attempt.at <= request.asked_at < request.due_at
        assert request.answer is None or request.asked_at < request.answer.at


def test_channels_stand_in_every_state_and_none_asks_a_real_network(loaded):
    states = {
        c.platform: (bool(c.paused_at), bool(c.broken_at)) for c in Channel.objects.filter(credential__isnull=False)
    }
    assert states == {"own_channel": (False, False), "mastodon": (True, False), "bluesky": (True, True)}
    assert not Channel.objects.to_poll(timezone.now()).filter(credential__isnull=False).exists()
    assert not Channel.objects.in_trouble(timezone.now()).exists()


def test_what_was_found_waits_to_be_looked_at_is_in_the_queue_or_not_for_us(loaded):
    found = Message.objects.filter(found_by__isnull=False)
    assert found.filter(overheard=True).count() == found.count() == 6
    assert found.filter(case_entry__isnull=False).count() == found.filter(dismissed_at__isnull=False).count() == 1


def test_a_lead_sees_what_was_put_right_over_weeks_and_a_model_with_its_report(loaded):
    right = Correction.objects.in_force()
    assert right.of_mistakes().exists()
    assert right.confirming().exists()
    assert len(set(right.dates("at", "week"))) >= 2
    model = FittedModel.objects.get()
    assert not model.is_live
    assert model.report["examples"] >= 100
    assert LexiconWord.objects.get().brand == "Skylark"
