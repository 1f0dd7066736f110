"""The commands that measure with real processes: they run, and fail where a page does not hear of everything."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from crm.models import User
from tests import factories
from tests.processes.stack import Stack

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def filled(prepared, django_db_blocker) -> Iterator[Stack]:
    """Filled once: neither command changes what the other measures."""
    with django_db_blocker.unblock(), Stack(prepared) as stack:
        factories.UserFactory(username="lead", role="lead", teams=[factories.TeamFactory()])
        stack.manage("fill", "--cases", "400", "--messages", "800")
        yield stack


def test_every_open_page_hears_of_every_change(filled):
    filled.begin("live", "measure_live", "--agents", "6", "--teams", "2", "--changes", "5", "--seconds", "2")
    filled.finish("live")
    said = filled.processes["live"].last_words()
    assert re.search(r"events +│ +30 ", said)  # ten changes, three pages each
    assert re.search(r"gaps +│ +0 ", said)
    assert User.objects.filter(username__startswith="live-").count() == 6


def test_pages_are_compared_with_a_page_that_asks_nothing(filled):
    filled.begin("bench", "bench", "--times", "2", "--only", "/queue/?state=resolved")
    filled.finish("bench")
    said = filled.processes["bench"].last_words()
    assert re.search(
        r"/queue/\?state=resolved +│ +\d+ │ +False │ +False │ +[\d.]+ │ +[\d.]+ │ +[\d.]+ │ +[\d.]+ ", said
    )


def test_what_a_network_calls_for_is_answered_and_becomes_messages_once(filled):
    filled.begin("hooks", "measure_webhooks", "--rate", "40", "--seconds", "2", "--within", "20000")
    filled.finish("hooks")
    first, again = filled.processes["hooks"].last_words(8000).split("again")
    for said in (first, again):
        assert re.search(r"answered 200 +│ +80 ", said)
        assert re.search(r"messages +│ +80 ", said)
    assert re.search(r"rows known already +│ +80 ", again)
