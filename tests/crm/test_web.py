"""What every page shares: who may enter, refusals as sentences, paging without counting."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.messages import get_messages
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpResponse, QueryDict
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path, reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import config.urls
from crm.errors import Refused
from crm.models import Customer
from crm.models.staff import LEADING_ROLES, Role
from crm.web import RefusalMiddleware, came_from, keyset_page, public, roles, without
from tests import factories

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEY = ("created_at", "id")
QUICKLY = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


# --- paging


@pytest.fixture
def customers(db):
    """23 of them, first seen at one of four moments: what the pages cut through is full of ties."""
    made = [factories.CustomerFactory(created_at=NOON + timedelta(seconds=n * 7 % 4)) for n in range(23)]
    return sorted(made, key=lambda customer: (customer.created_at, customer.pk))


def cut(after="", *, size=5, newest_first=False, rows=None, **query):
    asked = QueryDict(mutable=True)
    asked.update({"after": after, **query})
    found = Customer.objects.all() if rows is None else rows
    return keyset_page(found, asked, key=KEY, size=size, newest_first=newest_first)


def walk(size, newest_first):
    pages, after = [], ""
    for _ in range(30):  # more than there are rows: a page that stands still is a failure, not an endless test
        page = cut(after, size=size, newest_first=newest_first)
        pages.append(page.rows)
        if not page.next_query:
            break
        after = QueryDict(page.next_query)["after"]
    return pages


@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest first", "newest first"])
@pytest.mark.parametrize("size", [1, 5, 22, 23, 24])
def test_the_pages_hold_every_row_once_and_in_order(customers, size, newest_first):
    pages = walk(size, newest_first)
    assert [row for page in pages for row in page] == (customers[::-1] if newest_first else customers)
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)


def test_an_empty_list_is_one_page_without_a_next(db):
    assert (cut().rows, cut().next_query) == ([], "")


def test_rows_that_come_while_somebody_pages_neither_repeat_nor_hide_others(customers):
    first = cut(newest_first=True)
    factories.CustomerFactory(created_at=NOON + timedelta(days=1))
    rest = cut(QueryDict(first.next_query)["after"], size=50, newest_first=True)
    assert first.rows + rest.rows == customers[::-1]


def test_the_place_keeps_the_filter_it_stands_in(customers):
    query = QueryDict(cut(q="ann", tier="key").next_query)
    assert (query["q"], query["tier"]) == ("ann", "key")


def test_a_page_is_one_query_without_offset_or_count(customers):
    place = QueryDict(cut().next_query)["after"]
    with CaptureQueriesContext(connection) as queries:
        cut(place)
    (query,) = queries.captured_queries
    assert "OFFSET" not in query["sql"].upper()
    assert "COUNT(" not in query["sql"].upper()
    assert "LIMIT 6" in query["sql"].upper()


@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest first", "newest first"])
def test_a_page_walks_the_index_from_its_place(customers, newest_first):
    place = QueryDict(cut(newest_first=newest_first).next_query)["after"]
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as queries:
        cut(place, newest_first=newest_first)
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + queries.captured_queries[0]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "using customer_newest" in plan
    assert "Index Cond: (ROW(created_at, id)" in plan
    assert "Sort" not in plan


@pytest.mark.parametrize(
    "after",
    ["x", "~", "~~", "2026-11-20", "yesterday~1", "2026-13-45~1", "2026-11-20~one", "1~2~3", "\x00~1"],
)
def test_a_place_that_cannot_be_read_starts_from_the_top(customers, after):
    assert cut(after).rows == customers[:5]


@QUICKLY
@given(after=st.text(max_size=30) | st.builds("{}~{}".format, st.datetimes(timezones=st.timezones()), st.integers()))
def test_no_place_somebody_types_breaks_the_page(customers, after):
    assert set(cut(after).rows) <= set(customers)


def test_a_querystring_can_leave_out_names_and_what_is_empty():
    query = QueryDict("state=new&owner=&after=1&case=2&ids=1&ids=2")
    assert without(query, "after", "case") == "state=new&ids=1&ids=2"


# --- refusals


class NotToday(Refused):
    sentence = "{who} cannot do this today."


def test_a_refusal_is_the_finished_sentence():
    assert str(NotToday(who="Ana")) == "Ana cannot do this today."
    assert NotToday(who="Ana").facts == {"who": "Ana"}


def refuse(request):
    raise NotToday(who="<b>Ana</b>")


urlpatterns = [path("refuse/", refuse), *config.urls.urlpatterns]


@pytest.fixture
def refused(settings, as_user, agent):
    """`refused(...)` is the answer to a form whose view refuses."""
    settings.ROOT_URLCONF = __name__
    return lambda **headers: as_user(agent).post("/refuse/", headers=headers)


def test_a_refusal_in_a_panel_is_the_sentence_alone_with_422(refused):
    answer = refused(**{"HX-Request": "true"})
    assert answer.status_code == 422
    assert "&lt;b&gt;Ana&lt;/b&gt; cannot do this today." in answer.content.decode()
    assert "data-refusal" in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_a_refusal_of_a_plain_form_is_a_message_on_the_page_it_stood_on(refused, client):
    answer = refused(referer="http://testserver/customers/?q=ann")
    assert (answer.status_code, answer.url) == (302, "http://testserver/customers/?q=ann")
    assert [(m.level_tag, str(m)) for m in get_messages(answer.wsgi_request)] == [
        ("error", "<b>Ana</b> cannot do this today.")
    ]
    assert "&lt;b&gt;Ana&lt;/b&gt; cannot do this today." in client.get(answer.url).content.decode()


def test_what_is_no_refusal_is_left_to_others(rf):
    assert RefusalMiddleware(lambda request: HttpResponse()).process_exception(rf.get("/"), ValueError()) is None


@pytest.mark.parametrize(
    ("referer", "back"),
    [
        ("http://testserver/queue/", "http://testserver/queue/"),
        ("https://evil.example/queue/", "/otherwise/"),
        ("//evil.example/", "/otherwise/"),
        ("javascript:alert(1)", "/otherwise/"),
        ("", "/otherwise/"),
    ],
)
def test_one_is_sent_back_only_to_pages_of_ours(referer, back):
    assert came_from(RequestFactory().get("/", headers={"Referer": referer}), "/otherwise/") == back
    assert came_from(RequestFactory().post("/", {"next": referer}), "/otherwise/") == back


# --- who may enter


@pytest.mark.parametrize("role", Role.values)
def test_a_page_for_some_roles_is_closed_to_the_others(rf, role):
    view = roles(*LEADING_ROLES)(lambda request: HttpResponse("in"))
    request = rf.get("/")
    request.user = factories.UserFactory.build(role=role)
    if role in LEADING_ROLES:
        assert view(request).content == b"in"
    else:
        with pytest.raises(PermissionDenied):
            view(request)


def test_a_guarded_view_says_whom_it_lets_in():
    assert roles("lead", "admin")(lambda request: HttpResponse()).roles == {"lead", "admin"}


def test_a_closed_page_says_so_in_words(as_user, agent):
    answer = as_user(agent).get(reverse("crm:teams"))
    assert answer.status_code == 403
    assert "<h1" in answer.content.decode()


def test_who_is_not_signed_in_is_asked_to_and_comes_back(client):
    answer = client.get(reverse("crm:customers"), {"q": "ann"})
    assert answer.url == f"{reverse('login')}?next=/customers/%3Fq%3Dann"


def test_a_public_page_needs_no_login():
    view = public(lambda request: HttpResponse())
    assert (view.is_public, view.login_required) == (True, False)


# --- the reader's time


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "Fri 20 Nov 2026, 12:00 (UTC)"),
        ("Asia/Tokyo", "Fri 20 Nov 2026, 21:00 (Asia/Tokyo)"),
        ("America/New_York", "Fri 20 Nov 2026, 07:00 (America/New_York)"),
    ],
)
def test_times_are_shown_in_the_readers_own_zone(as_user, agent, zone, shown):
    agent.time_zone = zone
    agent.save()
    customer = factories.CustomerFactory(created_at=NOON)
    assert shown in as_user(agent).get(customer.get_absolute_url()).content.decode()


def test_the_readers_zone_ends_with_the_request(as_user, agent):
    agent.time_zone = "Asia/Tokyo"
    agent.save()
    as_user(agent).get(reverse("crm:profile"))
    assert timezone.get_current_timezone_name() == "UTC"
