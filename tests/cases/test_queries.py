"""What a page costs: a fixed number of queries, with one row and with twenty; no offset, no count over the cases."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases.models import Case, CaseMessage
from channels_app.models import MessageVersion
from crm.models import Membership
from crm.models.activity import log
from tests import factories
from tests.cases.conftest import at

pytestmark = pytest.mark.django_db

# of every figure two are for the session and who it belongs to
QUERIES = {
    "/queue/": 13,
    "/queue/ rows": 8,
    "/queue/ more": 8,
    "/queue/?case={case}": 46,
    "/queue/?q=train": 15,
    "/queue/?owner=nobody&team={team}&channel={channel}&mood=negative": 11,
    "/cases/{case}/": 38,
    "/cases/{case}/pane/": 38,
    "/cases/{case}/conversation/": 19,
    "/customers/": 9,
    "/customers/{customer}/": 10,
    "/customers/{customer}/panel/": 9,
    "/cases/of-customer/{customer}/": 7,
    "/channels/of-customer/{customer}/": 10,
    "/customers/{customer}/accounts/": 4,
    "/customers/{customer}/orders/": 5,
    "/accounts/": 10,
    "/accounts/{account}/": 11,
    "/accounts/{account}/orders/": 5,
    "/cases/of-account/{account}/": 6,
    "/settings/personas/": 3,
    "/find/?q=cleo": 19,
    "/channels/": 3,
    "/settings/rules/": 6,
    "/settings/causes/": 6,
    "/settings/teams/": 4,
    "/settings/hours/": 4,
    "/cases/{case}/templates/": 8,
    "/drafts/": 4,
    "/leads/": 3,
    "/settings/templates/": 5,
    "/settings/desk/overrides/": 3,
}


def fill(n, user):
    """n of everything a page may list. Returns the pks the addresses above name."""
    for _ in range(n):
        owner = factories.UserFactory(teams=[factories.TeamFactory()])
        channel = factories.ChannelFactory(team=owner.teams.get())
        Membership.objects.create(user=user, team=channel.team)
        factories.RuleFactory().channels.set([channel])
        factories.HolidayFactory()
        factories.CauseFactory(parent=factories.CauseFactory())
        factories.SavedViewFactory(owner=user)
        factories.TemplateFactory().channels.set([channel])
        case = factories.CaseFactory(channel=channel, owner=owner, state="open", rule=factories.RuleFactory())
        factories.DraftFactory(case=case, user=user)
        factories.OverrideFactory(case=case, by=owner)
    return one_case_of_everything(n, user)


def one_case_of_everything(n, user):
    customer = factories.CustomerFactory(name="Cleo Vance")
    case = factories.CaseFactory(customer=customer, channel=factories.ChannelFactory(team=Case.objects.first().team))
    for minute in range(n):
        identity = factories.IdentityFactory(customer=customer, handle=f"cleo{minute}")
        said = factories.MessageFactory(thread=case.thread, identity=identity, edited_at=at(minute))
        CaseMessage.objects.create(case=case, message=said)
        MessageVersion.objects.create(message=said, text="At first")
        factories.MessageFactory(thread=case.thread)  # somebody else's
        factories.MessageFactory(identity=identity)  # on another channel
        delivery = factories.DeliveryFactory(case=case, by=factories.UserFactory(), state="failed")
        factories.NoteFactory(case=case, by=factories.UserFactory())
        facts = {"state": "lost", "ended_at": at(minute), "outcome": "Too dear"} if minute else {}
        factories.LeadFactory(case=case, owner=factories.UserFactory(role="sales"), handed_by=user, **facts)
        log("taken", case, by=delivery.message.sent_by)
        log("changed", customer, by=delivery.message.sent_by)
        elsewhere = factories.ChannelFactory(team=case.team)
        factories.CaseFactory(customer=customer, identity=identity, channel=elsewhere, rule=factories.RuleFactory())
    return {
        "case": case.pk, "customer": customer.pk, "team": case.team_id, "channel": case.channel_id,
        "account": an_account(n, case).pk,
    }  # fmt: skip


def an_account(n, case):
    """Of n stakeholders with open cases, orders and products; the case's customer is one of them, and of others too."""
    account = factories.AccountFactory(owner=factories.UserFactory(role="sales"))
    for _ in range(n):
        persona, who = factories.PersonaFactory(), factories.CustomerFactory()
        factories.StakeholderFactory(account=account, customer=who, persona=persona)
        factories.StakeholderFactory(account=account, customer=who, role="buyer", left_on="2026-01-01")
        factories.StakeholderFactory(customer=case.customer, persona=persona)
        factories.CaseFactory(customer=who, channel=case.channel)
        for owner in (who, case.customer):
            factories.OrderFactory(customer=owner, account=account, promised_on="2026-01-01")
            factories.ProductFactory(customer=owner, account=account)
        log("changed", account, by=factories.UserFactory())
    return account


def count_rows():
    """As autovacuum does. In tables it takes for empty, PostgreSQL looks into an index anew for each row, which takes
    longer than a search may after all that thousands of other tests left there.
    """
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crm_customer, crm_identity, crm_identitylink")


def ask(client, page, pks):
    """The SQL of one request. "… rows" is what HTMX asks for that target."""
    address, _, target = page.partition(" ")
    headers = {"HX-Request": "true", "HX-Target": target} if target else {}
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address.format(**pks), headers=headers)
    assert response.status_code == 200
    return [query["sql"] for query in captured]


def numbered(queries):
    return "\n".join(f"{n}. {sql[:160]}" for n, sql in enumerate(queries, 1))


@pytest.mark.parametrize("size", [1, 20])
@pytest.mark.parametrize("role", ["agent", "lead"])
def test_a_page_costs_the_same_with_one_row_and_with_twenty(client, role, size):
    user = factories.UserFactory(role=role, teams=[factories.TeamFactory()])
    pks = fill(size, user)
    count_rows()
    client.force_login(user)
    client.get("/queue/")  # the first visit ever to a team's queue begins its stream
    pages = [page for page in QUERIES if role == "lead" or "settings" not in page]
    asked = {page: ask(client, page, pks) for page in pages}
    wrong = {
        page: (len(sql), QUERIES[page]) for page, sql in asked.items() if len(sql) != QUERIES[page] - spared(role, page)
    }
    assert wrong == {}, "\n".join(f"{page}\n{numbered(asked[page])}" for page in wrong)


def spared(role, page):
    """A lead sees every case, so need not ask for teams; the queue asks for them anyhow, to follow their streams."""
    return role == "lead" and page.startswith(("/cases/", "/channels/of-customer/", "/drafts/"))


def test_the_queue_asks_thirteen_things(client, agent):
    """Eight; one for the channels in trouble above it; one to read the rows that an index has found; and one for each
    small table they point to: joining those took longer to plan than it saved."""
    assert QUERIES["/queue/"] <= 13


@pytest.mark.parametrize("role", ["agent", "lead"])
@pytest.mark.parametrize("page", [page for page in QUERIES if page.startswith(("/queue/", "/cases/{", "/customers/"))])
def test_no_page_counts_the_table_or_walks_over_what_it_does_not_show(client, page, role):
    user = factories.UserFactory(role=role, teams=[factories.TeamFactory()])
    pks = fill(2, user)
    client.force_login(user)
    for sql in ask(client, page, pks):
        assert not re.search(r"\bOFFSET\b", sql)
        # the open cases of one customer may be counted: an index leads to them; so may what is cut at a limit
        capped = re.search(r"LIMIT \d+\) subquery$", sql)
        assert capped or not re.search(r"COUNT\(", sql, re.IGNORECASE) or '"customer_id" IN' in sql


def test_every_list_of_cases_ends_somewhere(client, agent):
    pks = fill(1, agent)
    client.force_login(agent)
    for page in ("/queue/", "/queue/ rows", "/queue/ more", "/queue/?q=train", "/cases/of-customer/{customer}/"):
        lists = [sql for sql in ask(client, page, pks) if 'FROM "cases_case"' in sql and "ORDER BY" in sql]
        assert lists
        assert all(re.search(r"LIMIT \d+$", sql) for sql in lists)
