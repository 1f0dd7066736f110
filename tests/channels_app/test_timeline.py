"""One timeline of a customer: every channel, every identity, and what happened meanwhile."""

import re
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from channels_app import timeline
from channels_app.timeline import Wanted, page_of
from crm import consent
from crm.models import Activity
from crm.models.activity import log
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)


def ago(**span):
    return NOW - timedelta(**span)


@pytest.fixture
def ann():
    return factories.CustomerFactory(name="Ann Mercer")


@pytest.fixture
def handle(ann):
    return factories.IdentityFactory(value="annie", customer=ann)


@pytest.fixture
def say(handle, channel):
    thread = factories.ThreadFactory(channel=channel)

    def say(text, **facts):
        return factories.MessageFactory(**{"thread": thread, "identity": handle, "text": text, **facts})

    return say


@pytest.fixture
def ask(as_user, agent, ann):
    """What the page answers; `lines` are the texts in the order in which they stand."""

    def ask(by=agent, headers=None, **query):
        answer = as_user(by).get(reverse("channels_app:timeline", args=[ann.pk]), query, headers=headers)
        assert answer.status_code == 200
        return answer

    return ask


def lines(answer):
    return [entry.text or entry.item.text for entry in answer.context["page"].entries]


# --- what stands in it


def test_everything_under_every_identity_on_every_channel_newest_first(ask, ann, say):
    mail = factories.IdentityFactory(kind="email", place="", value="ann@example.com", customer=ann)
    letters = factories.ThreadFactory(channel=factories.ChannelFactory(name="Letters"))
    say("First, on Chirp", occurred_at=ago(days=3))
    say("Second, by letter", identity=mail, thread=letters, occurred_at=ago(days=2))
    say("Our answer", direction="out", occurred_at=ago(days=1))
    factories.MessageFactory(text="Somebody else's")
    assert lines(ask()) == ["Our answer", "Second, by letter", "First, on Chirp"]


def test_what_a_handle_said_that_is_not_confirmed_as_theirs_is_not_theirs(ask, ann, say):
    for state in ("proposed", "rejected", "withdrawn"):
        link = factories.IdentityLinkFactory(customer=ann, state=state)
        say(f"Of a {state} handle", identity=link.identity)
    assert lines(ask()) == []


def test_what_happened_stands_between_what_was_said(ask, ann, say, agent, lead, channel):
    case = factories.CaseFactory(customer=ann, channel=channel, message=False, opened_at=ago(hours=10))
    say("Where is my bag?", occurred_at=ago(hours=11))
    order = factories.OrderFactory(
        customer=ann, number="SK-1", what="A 100 % wool hat", placed_at=ago(hours=9), account=factories.AccountFactory()
    )
    log("linked", ann, by=agent, detail="@annie")
    Activity.objects.update(at=ago(hours=8))
    factories.resolved(case, lead, factories.CauseFactory(name="Lost bag"))
    assert lines(ask()) == [
        f"Case #{case.pk} resolved by Lea Brandt: Lost bag",
        "Linked by Ana Ruiz: @annie",
        f"Ordered for {order.account}: SK-1, A 100 % wool hat",
        f"Case #{case.pk} opened",
        "Where is my bag?",
    ]


def test_a_change_of_consent_stands_in_it_with_who_and_how(ask, ann, agent):
    consent.forbid(customer=ann, how="Letter of her solicitor", by=agent)
    assert "Letter of her solicitor" in lines(ask())[0]
    assert "Ana Ruiz" in lines(ask())[0]


def test_cases_one_may_not_see_are_left_out_and_all_else_is_not(ask, ann, say, stranger, channel):
    factories.CaseFactory(customer=ann, channel=channel, message=False)
    say("Hello")
    for person in (stranger, factories.UserFactory(role="sales")):
        page = ask(by=person)
        assert lines(page) == ["Hello"]
    assert "of-message" not in page.content.decode()  # sales may not open cases


def test_an_empty_timeline_says_what_will_stand_there(ask):
    assert "Nothing yet. What they write, and what we answer, will stand here." in ask().content.decode()
    assert "Take a filter away to see more." in ask(q="zzz").content.decode()


# --- filters


@pytest.fixture
def varied(say, ann, handle, agent):
    letters = factories.ChannelFactory(name="Letters")
    say("In public, lately", occurred_at=ago(days=1))
    say("In private", private=True, occurred_at=ago(days=2))
    say("Our answer", direction="out", occurred_at=ago(days=3))
    say("By letter, 50% off", thread=factories.ThreadFactory(channel=letters), occurred_at=ago(days=4))
    say("Long ago", occurred_at=ago(days=40))
    log("changed", ann, by=agent)
    return letters


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"direction": "out"}, ["Our answer"]),
        ({"private": "yes"}, ["In private"]),
        ({"private": "no", "period": "7"}, ["In public, lately", "Our answer", "By letter, 50% off"]),
        ({"q": "LETTER"}, ["By letter, 50% off"]),
        ({"q": "50%"}, ["By letter, 50% off"]),
        ({"q": "_"}, []),
        ({"period": "7", "direction": "in", "private": "no"}, ["In public, lately", "By letter, 50% off"]),
        ({"show": "happened"}, ["Changed by Ana Ruiz"]),
        ({"show": "said", "period": "365", "q": "ago"}, ["Long ago"]),
        ({"show": "happened", "q": "ago"}, []),
    ],
)
def test_each_filter_leaves_what_it_says(ask, varied, query, found):
    assert lines(ask(**query)) == found


def test_a_channel_can_be_chosen_from_those_they_wrote_on(ask, varied, channel):
    other = factories.ChannelFactory(name="Never used")
    assert lines(ask(channel=varied.pk)) == ["By letter, 50% off"]
    page = ask()
    assert {pk for pk, _ in page.context["form"]["channel"].field.choices} == {"", channel.pk, varied.pk}
    assert len(lines(ask(channel=other.pk))) == 6  # not theirs: left out, never an error


@pytest.mark.parametrize(
    "query",
    [
        {"channel": "9" * 40}, {"direction": "up"}, {"private": "maybe"}, {"period": "999999999999"}, {"q": "\x00"},
        {"after": "nonsense"}, {"after": "2026-01-01~0~1"}, {"after": "2026-01-01T00:00:00+00:00~-1~1"},
        {"after": f"2026-01-01T00:00:00+00:00~0~{'9' * 30}"}, {"after": "~~"}, {"show": "x"},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_left_out(ask, varied, query):
    assert len(lines(ask(**query))) == 6


# --- paging


def all_pages(ann, user, wanted=None, size=3):
    found, after = [], ""
    for _ in range(100):
        page = page_of(ann, wanted or Wanted(), user=user, after=after, size=size)
        found.append([entry.key for entry in page.entries])
        if not page.after:
            return found
        after = page.after
    raise AssertionError("the pages do not end")


def test_pages_follow_each_other_without_gap_or_double_though_much_happened_at_once(ann, say, agent, channel):
    for n in range(4):  # four messages, four deeds, four orders and four cases of one moment
        say(f"At once {n}", occurred_at=NOW)
        factories.OrderFactory(customer=ann, placed_at=NOW)
        log("changed", ann, by=agent)
        factories.CaseFactory(customer=ann, channel=channel, message=False, opened_at=NOW)
    say("Before", occurred_at=ago(hours=1))
    Activity.objects.update(at=NOW)
    whole = page_of(ann, Wanted(), user=agent, size=100)
    assert len(whole.entries) == 17
    assert whole.after == ""
    for size in (1, 3, 16, 17):
        pages = all_pages(ann, agent, size=size)
        assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)
        assert [key for page in pages for key in page] == [entry.key for entry in whole.entries]


def test_the_link_to_what_is_older_keeps_the_filter_and_brings_lines_alone(ask, say):
    for n in range(25):
        say(f"Bag {n:02}", occurred_at=ago(hours=n))
    say("Something else")
    first = ask(q="bag", direction="in")
    href = re.search(r'rel="next" href="([^"]+)"', first.content.decode())[1].replace("&amp;", "&")
    query = QueryDict(href.split("?")[1])
    assert (query["q"], query["direction"]) == ("bag", "in")
    rest = ask(headers={"HX-Request": "true", "HX-Target": "timeline-older"}, **query.dict())
    assert lines(first) + lines(rest) == [f"Bag {n:02}" for n in range(25)]
    assert "<ol" not in rest.content.decode()
    assert "+" in unquote(href) or "Z" in href  # the moment's zone survives the address


def test_the_filter_changes_the_list_alone(ask, say):
    say("Hello")
    page = ask(headers={"HX-Request": "true", "HX-Target": "timeline-list"}).content.decode()
    assert 'id="timeline-list"' in page
    assert "<form" not in page


# --- cost


@pytest.mark.parametrize("target", ["", "timeline-list", "timeline-older"])
def test_it_costs_the_same_with_1_and_with_20_of_everything(as_user, agent, ann, say, channel, target):
    client, counts = as_user(agent), []
    for n in (1, 19):
        for _ in range(n):
            say("Hello", sent_by=agent, direction="out")
            factories.OrderFactory(customer=ann, account=factories.AccountFactory())
            log("changed", ann, by=factories.UserFactory())
            case = factories.CaseFactory(customer=ann, channel=channel, message=False)
            factories.resolved(case, factories.UserFactory(), factories.CauseFactory(parent=factories.CauseFactory()))
        with CaptureQueriesContext(connection) as queries:
            client.get(
                reverse("channels_app:timeline", args=[ann.pk]), headers={"HX-Request": "true", "HX-Target": target}
            )
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_every_source_cuts_its_rows(ann, agent):
    with CaptureQueriesContext(connection) as queries:
        page_of(ann, Wanted(), user=agent)
    listed = [query["sql"] for query in queries if "ORDER BY" in query["sql"]]
    assert len(listed) == 1 + len(timeline.SOURCES)
    assert all(sql.endswith(f"LIMIT {timeline.PAGE + 1}") for sql in listed)
