"""How an account is: from figures, each with its reason, the same for list and page."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import accounts
from cases.accounts import Figures, judge
from cases.models import Case
from crm import accounts as crm_accounts
from crm.accounts import Condition
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def acme():
    return factories.AccountFactory(name="Acme Corp")


@pytest.fixture
def mira(acme):
    """A stakeholder's identity, by whom messages are."""
    seat = factories.StakeholderFactory(account=acme)
    return factories.IdentityFactory(customer=seat.customer)


def health(account):
    return accounts.health([account], timezone.now())[account.pk]


def case_of(identity, **facts):
    customer = identity.links.get().customer
    return factories.CaseFactory(customer=customer, identity=identity, message=False, **facts)


def says(identity, mood, n=1, **facts):
    for _ in range(n):
        factories.MessageFactory(identity=identity, sentiment=mood, **facts)


def ago(**span):
    return timezone.now() - timedelta(**span)


# --- what is counted


def test_an_account_of_which_nothing_is_known_is_not_called_good(acme):
    found = health(acme)
    assert found.condition == Condition.UNKNOWN
    assert found.reasons == (
        "No stakeholder is known and no order is under way, so there is nothing to judge by.",
    )  # fmt: skip
    assert found.people == 0


def test_a_quiet_account_is_good_and_says_what_was_looked_at(acme, mira):
    found = health(acme)
    assert found.condition == Condition.GOOD
    assert found.reasons == (
        "No case of their people is open.",
        "Nobody of theirs has written in the last 30 days.",
    )
    assert found.people == 1


def test_a_case_that_waits_a_day_is_watched_and_three_days_a_risk(acme, mira):
    case = case_of(mira, waiting_since=ago(hours=23))
    for since, condition in (
        (ago(hours=23), Condition.GOOD), (ago(hours=25), Condition.WATCH), (ago(hours=73), Condition.AT_RISK),
    ):  # fmt: skip
        Case.objects.filter(pk=case.pk).update(waiting_since=since)
        assert health(acme).condition == condition
    assert health(acme).reasons[0].startswith("1 case of their people is not resolved; the longest wait")


def test_a_case_that_waits_for_the_customer_waits_for_nobody_of_ours(acme, mira):
    case_of(mira, waiting_since=ago(days=9), state="waiting", owner=factories.UserFactory())
    found = health(acme)
    assert found.condition == Condition.GOOD
    assert found.reasons[0] == "1 case of their people is not resolved; none waits for us."


def test_a_resolved_case_is_not_counted(acme, mira):
    factories.resolved(case_of(mira, waiting_since=ago(days=9)), factories.UserFactory())
    assert accounts.figures([acme.pk], timezone.now())[acme.pk].unresolved == 0


def test_somebody_in_two_roles_is_one_person_and_each_case_one_case(acme, mira):
    factories.StakeholderFactory(account=acme, customer=mira.links.get().customer, role="reseller")
    case_of(mira)
    says(mira, "negative", 3)
    factories.OrderFactory(customer=mira.links.get().customer, account=acme)
    found = accounts.figures([acme.pk], timezone.now())[acme.pk]
    assert (found.people, found.unresolved, found.read, found.negative, found.orders) == (1, 1, 3, 3, 1)


def test_only_what_people_wrote_lately_and_could_be_read_makes_the_share(acme, mira):
    says(mira, "negative", 2)
    says(mira, "positive", 1)
    says(mira, "neutral", 1)
    says(mira, "unknown", 5)
    says(mira, "negative", 3, occurred_at=ago(days=31))
    says(mira, "negative", 3, direction="out")
    says(factories.IdentityFactory(customer=factories.CustomerFactory()), "negative", 3)
    rejected = factories.IdentityLinkFactory(customer=mira.links.get().customer, state="rejected").identity
    says(rejected, "negative", 3)
    found = accounts.figures([acme.pk], timezone.now())[acme.pk]
    assert (found.negative, found.read) == (2, 4)


def test_who_left_was_merged_or_erased_counts_for_nothing(acme, mira):
    for facts in (
        {"left_on": "2026-01-01"},
        {"customer__erased_at": NOW},
        {"customer__merged_into": mira.links.get().customer},
    ):
        seat = factories.StakeholderFactory(account=acme, **facts)
        identity = factories.IdentityFactory(customer=seat.customer)
        case_of(identity, waiting_since=ago(days=9))
        says(identity, "negative", 9)
    assert health(acme).condition == Condition.GOOD
    assert health(acme).people == 1


def test_orders_of_the_account_count_and_private_ones_do_not(acme, mira):
    customer = mira.links.get().customer
    late = timezone.localdate() - timedelta(days=20)
    factories.OrderFactory(customer=customer, promised_on=late)
    factories.OrderFactory(customer=customer, account=acme, promised_on=late, state="delivered")
    factories.OrderFactory(customer=customer, account=acme)
    found = health(acme)
    assert found.condition == Condition.GOOD
    assert "1 order is under way, not late." in found.reasons


# --- what the figures mean


@pytest.mark.parametrize(
    ("negative", "read", "condition"),
    [
        (0, 20, Condition.GOOD), (10, 20, Condition.GOOD), (11, 20, Condition.WATCH), (14, 20, Condition.WATCH),
        (15, 20, Condition.AT_RISK), (4, 4, Condition.GOOD), (5, 5, Condition.AT_RISK),
    ],
)  # fmt: skip
def test_more_than_half_negative_is_watched_and_more_than_seven_in_ten_a_risk(negative, read, condition):
    assert judge(Figures(people=1, negative=negative, read=read), NOW).condition == condition


def test_a_share_says_its_base_and_too_few_messages_say_that_they_are(acme):
    said = judge(Figures(people=1, negative=6, read=9), NOW).reasons[0]
    assert said == "6 of 9 messages in the last 30 days are negative (67 %)."
    few = judge(Figures(people=1, negative=1, read=1), NOW).reasons
    assert "1 of 1 message in the last 30 days is negative: too few to judge by." in few


@pytest.mark.parametrize(
    ("late", "days", "condition"), [(1, 1, Condition.WATCH), (1, 7, Condition.AT_RISK), (2, 1, Condition.AT_RISK)]
)
def test_a_late_order_is_watched_and_two_or_a_week_are_a_risk(late, days, condition):
    today = timezone.localdate(NOW)
    found = judge(Figures(orders=4, late=late, promised_on=today - timedelta(days=days)), NOW)
    assert found.condition == condition


def test_the_worst_decides_and_stands_first():
    known = Figures(people=3, unresolved=1, waits_since=NOW - timedelta(days=2), read=10, negative=9)
    found = judge(known, NOW)
    assert found.condition == Condition.AT_RISK
    assert found.reasons[0].startswith("9 of 10 messages")
    assert found.reasons[1].startswith("1 case")


# --- one definition


def test_list_and_page_say_the_same(as_user, agent, acme, mira):
    case_of(mira, waiting_since=ago(days=4))
    client = as_user(agent)
    listed = dict(client.get("/accounts/").context["rows"])[acme]
    assert client.get(acme.get_absolute_url()).context["health"] == listed
    assert listed.condition == Condition.AT_RISK


def test_it_is_the_same_for_who_sees_no_cases(as_user, acme, mira):
    case_of(mira, waiting_since=ago(days=4))
    sales = factories.UserFactory(role="sales")
    assert dict(as_user(sales).get("/accounts/").context["rows"])[acme].condition == Condition.AT_RISK


def test_twenty_accounts_cost_as_many_queries_as_one(acme, mira):
    many = [acme]
    for _ in range(19):
        seat = factories.StakeholderFactory()
        case_of(factories.IdentityFactory(customer=seat.customer))
        many.append(seat.account)
    for some in ([acme], many):
        with CaptureQueriesContext(connection) as queries:
            accounts.health(some, timezone.now())
        assert len(queries) == 4
    with CaptureQueriesContext(connection) as queries:
        assert accounts.health([], timezone.now()) == {}
    assert len(queries) == 0


def test_the_case_desk_tells_it_without_crm_knowing_the_case_desk(acme):
    assert crm_accounts.health([acme], timezone.now()) == accounts.health([acme], timezone.now())


# --- its panel


def test_open_cases_of_its_people_stand_on_the_account_as_far_as_one_may_see_them(
    as_user, agent, stranger, channel, acme, mira
):
    mine = case_of(mira, channel=channel, subject="Where is my bag?")
    factories.resolved(case_of(mira, channel=channel, subject="Solved long ago"), agent)
    factories.CaseFactory(channel=channel, subject="Of nobody there")
    page = as_user(agent).get(f"/cases/of-account/{acme.pk}/").content.decode()
    assert "Where is my bag?" in page
    assert f"/cases/{mine.pk}/" in page
    assert "Solved long ago" not in page
    assert "Of nobody there" not in page
    for person in (stranger, factories.UserFactory(role="sales")):
        assert "No open case that you may see." in as_user(person).get(f"/cases/of-account/{acme.pk}/").content.decode()
