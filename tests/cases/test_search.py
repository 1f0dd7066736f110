"""Searching cases by what was said in them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases import search as searching
from cases.models import Case, CaseMessage
from cases.search import Wanted
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Target": "hits"}


def said(channel, text, *, days=0, **facts):
    return factories.CaseFactory(
        channel=channel, message=text, subject=text[:60], opened_at=timezone.now() - timedelta(days=days), **facts
    )


def found(text, wanted=None, cases=None):
    hits = searching.search(
        searching.read(text), wanted or Wanted(), cases=Case.objects.all() if cases is None else cases, narrowed=False
    )
    return [hit.case for hit in hits]


def test_all_words_must_be_there_in_any_order_and_any_case(channel):
    both = said(channel, "My suitcase is late again")
    said(channel, "My train is late")
    assert found("LATE suitcase") == [both.pk]


def test_a_word_may_go_on_and_accents_do_not_count(channel):
    case = said(channel, "Las maletas llegarán mañana")
    assert found("malet") == found("manana") == [case.pk]


def test_a_phrase_stands_as_it_is(channel):
    case = said(channel, "I want my refund now, please")
    said(channel, "Please, no refund was ever mine; now I want")
    assert found('"my refund now"') == [case.pk]
    assert found('"refund my"') == []


def test_a_word_with_a_minus_must_not_be_there(channel):
    case = said(channel, "refund for a seat")
    said(channel, "refund as a voucher")
    assert found("refund -voucher") == found('refund -"a voucher"') == [case.pk]


def test_what_we_said_is_found_too_and_can_be_left_out(channel, agent):
    case = said(channel, "where is it")
    factories.DeliveryFactory(case=case, by=agent, message__text="A courier brings it tonight.")
    ours = factories.MessageFactory(
        thread=case.thread, identity=case.identity, direction="out", sent_by=agent, text="A courier brings it tonight."
    )
    CaseMessage.objects.create(case=case, message=ours)
    assert found("courier") == found("courier", Wanted(by_us=True)) == [case.pk]
    assert found("courier", Wanted(by_us=False)) == []


def test_channel_cause_handle_state_and_time_narrow_it(channel, agent, cause):
    mine = said(channel, "lost suitcase", days=3)
    factories.resolved(mine, agent, cause)
    other = said(factories.ChannelFactory(), "lost suitcase")
    handle = mine.identity.handle
    now = timezone.now()
    assert found("suitcase", Wanted(channel=channel.pk)) == [mine.pk]
    assert found("suitcase", Wanted(cause=cause.pk)) == [mine.pk]
    assert found("suitcase", Wanted(state="new")) == [other.pk]
    assert found("suitcase", Wanted(handle=f"@{handle}")) == [mine.pk]
    assert found("suitcase", Wanted(until=now - timedelta(days=2))) == [mine.pk]
    assert found("suitcase", Wanted(since=now - timedelta(days=2))) == [other.pk]


def test_what_fits_best_stands_first_and_the_newer_of_two_alike(channel):
    old = said(channel, "the lift at York is broken", days=300)
    new = said(channel, "the lift at York is broken", days=1)
    weak = said(channel, "a lift, long ago, was seen " + "and nothing else of note was there " * 8, days=1)
    assert found("lift york") == [new.pk, old.pk]
    assert found("lift")[-1] in {weak.pk, old.pk}
    assert found("lift")[0] == new.pk


def test_a_case_stands_once_with_its_best_message_and_the_number_of_others(channel):
    case = said(channel, "the lift and much else that was said on that long and dreary day in York")
    for text in ("lift lift lift", "once more the lift"):
        message = factories.MessageFactory(thread=case.thread, identity=case.identity, text=text)
        CaseMessage.objects.create(case=case, message=message)
    [hit] = searching.search(searching.read("lift"), Wanted(), cases=Case.objects.all(), narrowed=False)
    assert (hit.case, hit.more) == (case.pk, 2)
    assert hit.message != case.entries.order_by("id").first().message_id


def test_nobody_finds_a_case_they_may_not_see(channel, stranger, agent):
    case = said(channel, "confidential suitcase")
    assert found("suitcase", cases=Case.objects.visible_to(stranger)) == []
    assert found("suitcase", cases=Case.objects.visible_to(agent)) == [case.pk]


@pytest.mark.parametrize(
    ("text", "asked", "excerpt"),
    [
        ("My suitcase & hat", "suitcase", "My <mark>suitcase</mark> &amp; hat"),
        ("<b>late</b>", "late", "&lt;b&gt;<mark>late</mark>&lt;/b&gt;"),
        ("Llegarán mañana", "manana", "Llegarán <mark>mañana</mark>"),
        ("my  refund,\nnow", '"refund now"', "my <mark>refund, now</mark>"),
        ("trains and train", "train", "<mark>trains</mark> and <mark>train</mark>"),
        ("İstanbul ﬁne ﷺ", "fine", "İstanbul ﬁne ﷺ"),
    ],
)
def test_words_found_are_marked_and_nothing_else_is_markup(text, asked, excerpt):
    assert searching.excerpt(text, searching.read(asked)) == excerpt


def test_an_excerpt_begins_near_the_word_found():
    text = "word " * 100 + "suitcase " + "end " * 100
    shown = searching.excerpt(text, searching.read("suitcase"))
    assert "<mark>suitcase</mark>" in shown
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < 300


# --- the page


def test_a_number_leads_to_its_case(case, agent, as_user):
    for words in (str(case.pk), f"#{case.pk}"):
        assert as_user(agent).get("/search/", {"q": words}).url == f"/cases/{case.pk}/"


def test_the_page_shows_hits_with_what_was_found(channel, agent, as_user):
    said(channel, "My suitcase is late")
    page = as_user(agent).get("/search/", {"q": "suitcase"}).content.decode()
    assert "My <mark>suitcase</mark> is late" in page
    part = as_user(agent).get("/search/", {"q": "suitcase"}, headers=HTMX).content.decode()
    assert 'id="hits"' in part
    assert "<html" not in part


def test_a_filter_alone_lists_the_newest_cases_under_it(channel, agent, as_user):
    first, second = said(channel, "one", days=2), said(channel, "two", days=1)
    said(factories.ChannelFactory(team=channel.team), "three")
    hits = as_user(agent).get("/search/", {"channel": channel.pk}).context["hits"]
    assert [case for _, case, _ in hits] == [second, first]


@pytest.mark.parametrize(
    "query", [{"q": "-late"}, {"q": '""'}, {"q": "\x00' & | ! <->"}, {"since": "yesterday"}, {"page": "x"}]
)
def test_nothing_somebody_types_is_an_error_page(query, case, agent, as_user):
    assert as_user(agent).get("/search/", query).status_code == 200


def test_further_hits_stand_on_further_pages(channel, agent, as_user):
    cases = {said(channel, "late train").pk for _ in range(23)}
    client = as_user(agent)
    pages = [client.get("/search/", {"q": "late", "page": n}).context["hits"] for n in (1, 2, 3)]
    assert [len(page) for page in pages] == [20, 3, 0]
    assert {case.pk for page in pages for _, case, _ in page} == cases


@pytest.mark.parametrize("query", [{"q": "late"}, {"state": "open"}])
def test_a_search_costs_the_same_with_one_hit_and_with_twenty(query, channel, agent, as_user):
    def cost():
        client = as_user(agent)
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/search/", query).status_code == 200
        return len(queries)

    for _ in range(2):
        said(channel, "late train", owner=agent, state="open")
    cost()
    few = cost()
    for _ in range(20):
        said(channel, "late train", owner=agent, state="open")
    assert cost() == few
