"""Promises on screen: in the row, in the case, in the lists of what is at risk and broken."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import RequestFactory
from django.utils import timezone

from cases import promises
from cases.forms import Offered, QueueForm
from cases.models import Case, Clock
from cases.promises.showing import clocks_of
from cases.templatetags.promises import next_promise, promise_clock, span, state_of
from cases.templatetags.queue_rows import draw
from cases.views.queue import KEY, STANDING
from tests import factories

pytestmark = pytest.mark.django_db


def opened(channel, minutes, **facts):
    case = factories.CaseFactory(channel=channel, opened_at=timezone.now() - timedelta(minutes=minutes), **facts)
    promises.settle([case.pk])
    return Case.objects.with_row().get(pk=case.pk)


def listed(query, user):
    form = QueueForm(query, user=user, offered=Offered())
    return set(form.narrow(Case.objects.visible_to(user)).values_list("pk", flat=True))


@pytest.mark.parametrize(
    ("minutes", "state", "words"),
    [
        (10.1, "kept", "Acknowledge in 49 min"),
        (50.1, "risk", "Acknowledge at risk, 9 min"),
        (65.1, "broken", "Acknowledge late, 5 min"),
    ],
)
def test_a_row_says_which_promise_ends_when_in_a_shape_and_in_words(channel, minutes, state, words):
    case = opened(channel, minutes)
    row = draw([case])
    assert f'class="promise promise--{state}"' in row
    assert f">{words}</span>" in row
    assert f'data-due="{case.due_at.isoformat(timespec="seconds")}"' in row
    assert 'data-promise="Acknowledge"' in row


def test_a_case_without_a_promise_says_nothing(channel):
    assert next_promise(factories.CaseFactory(channel=channel)) == ""


def test_times_are_rounded_down_to_their_largest_unit():
    said = {20: "1 min", 59 * 60 + 59: "59 min", 3600: "1 h", 86_399: "23 h", 86_400: "1 d", 90 * 86_400: "90 d"}
    assert {seconds: span(seconds) for seconds in said} == said


def test_at_the_very_second_it_is_due_it_is_not_late():
    now = timezone.now()
    assert state_of(now, now, now) == "risk"
    assert state_of(now, now, now + timedelta(seconds=1)) == "broken"


def test_a_case_shows_what_runs_what_pauses_and_what_was_late(channel):
    case = opened(channel, 90)
    request = RequestFactory().get("/")
    assert [clock.kind for clock in clocks_of(case, request)["clocks"]] == ["acknowledge", "answer", "resolve"]
    promises.watch()
    Case.objects.filter(pk=case.pk).update(state="waiting", waiting_since=timezone.now())
    factories.DeliveryFactory(case=case, by=factories.UserFactory())
    promises.settle([case.pk])
    shown = {clock.kind: str(promise_clock(clock)) for clock in clocks_of(case, request)["clocks"]}
    assert set(shown) == {"acknowledge", "resolve"}
    assert "Acknowledge was late" in shown["acknowledge"]
    assert "promise--paused" in shown["resolve"]
    assert "Resolve pauses, 2 d left" in shown["resolve"]


def test_the_filter_finds_what_is_at_risk_and_what_is_broken(channel, lead):
    fine, at_risk, broken = (opened(channel, minutes).pk for minutes in (10, 50, 70))
    assert listed({}, lead) == {fine, at_risk, broken}
    assert listed({"promise": "at_risk"}, lead) == {at_risk}
    assert listed({"promise": "broken"}, lead) == {broken}
    assert listed({"promise": "nonsense"}, lead) == {fine, at_risk, broken}


def test_what_was_answered_is_in_neither(channel, lead):
    case = opened(channel, 70)
    Case.objects.filter(pk=case.pk).update(state="waiting", waiting_since=timezone.now())
    promises.settle([case.pk])
    assert listed({"promise": "broken", "state": "all"}, lead) == set()
    assert Clock.objects.filter(case=case, broken_at__isnull=False).exists()


def test_both_are_views_that_stand_for_everybody():
    assert {view.query for view in STANDING} >= {"promise=at_risk", "promise=broken"}


def test_the_filters_read_an_index(channel, lead):
    opened(channel, 70)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    for promise in ("at_risk", "broken"):
        form = QueueForm({"promise": promise}, user=lead, offered=Offered())
        plan = form.narrow(Case.objects.visible_to(lead)).only(*KEY).order_by(*KEY).explain()
        assert "Index Only Scan using queue_needs_us" in plan
