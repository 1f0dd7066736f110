"""What customers want, where people see it: the queue, its filter and its file, search, listening."""

import csv
import io

import pytest
from django.urls import reverse

from tests import factories
from tests.cases.conftest import converse

pytestmark = pytest.mark.django_db

ROWS = {"HX-Request": "true", "HX-Target": "rows"}


@pytest.fixture
def mixed(channel):
    """Cases of several kinds, by name."""
    kinds = {
        "angry": ("complaint", "price", "high"), "asking": ("question", "product", "low"),
        "buying": ("purchase", "none", "low"), "unread": ("", "", ""),
    }  # fmt: skip
    return {
        name: factories.CaseFactory(channel=channel, subject=name, intent=intent, topic=topic, urgency=urgency).pk
        for name, (intent, topic, urgency) in kinds.items()
    }


# --- the queue


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("wants=complaint", {"angry"}), ("wants=question", {"asking"}), ("about=product", {"asking"}),
        ("about=none", {"buying"}), ("urgency=high", {"angry"}), ("urgency=low", {"asking", "buying"}),
        ("wants=complaint&about=price&urgency=high&mood=negative", {"angry"}), ("wants=question&urgency=high", set()),
        ("wants=rage", {"angry", "asking", "buying", "unread"}),  # what cannot be read is left out
    ],
)  # fmt: skip
def test_the_queue_is_filtered_by_what_they_want(mixed, agent, as_user, query, names):
    page = as_user(agent).get(f"/queue/?{query}").context["page"]
    assert {case.pk for case in page.rows} == {mixed[name] for name in names}


def test_such_a_filter_is_kept_as_a_view(mixed, agent, as_user):
    client = as_user(agent)
    client.post(reverse("crm:save_view"), {"page": "queue", "name": "Now", "query": "urgency=high"})
    assert client.get("/queue/?urgency=high").context["views"].title == "Now"


def rows_of(client):
    return client.get("/queue/", headers=ROWS).content.decode()


def test_a_row_says_what_they_want_and_marks_where_hours_matter(mixed, agent, as_user):
    html = rows_of(as_user(agent))
    assert "Complaint · Price" in html
    assert "Question · Product" in html
    assert "Now · Complaint" in html
    assert html.count("Hours matter") == 1


def test_a_row_of_which_nothing_was_read_says_nothing_of_it(channel, agent, as_user):
    factories.CaseFactory(channel=channel, intent="other", topic="none", urgency="low")
    assert 'class="wants' not in rows_of(as_user(agent))


def test_the_head_of_a_case_says_it_too(mixed, agent, as_user):
    assert "Complaint · Price" in as_user(agent).get(f"/cases/{mixed['angry']}/").content.decode()


def test_the_exported_queue_has_a_column_for_each(mixed, lead, as_user):
    answer = as_user(lead).get("/queue/export/?query=wants%3Dcomplaint")
    [row] = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))
    assert (row["wants"], row["about"], row["urgency"]) == ("complaint", "price", "high")


# --- search and listening


def test_search_is_narrowed_by_it_with_words_and_without(mixed, agent, as_user):
    client = as_user(agent)
    for query in ("wants=complaint", "q=train&about=price", "urgency=high"):
        hits = client.get(f"/search/?{query}").context["hits"]
        assert [case.pk for _hit, case, _message in hits] == [mixed["angry"]]


def test_what_searches_found_is_filtered_by_it_and_says_it(channel, agent, as_user):
    search = factories.SearchFactory(channel=channel)
    for intent, urgency in (("purchase", "low"), ("complaint", "high")):
        converse(channel).customer_says(
            f"I say {intent}", overheard=True, found_by=search, intent=intent, topic="none", urgency=urgency
        )
    client = as_user(agent)
    found = client.get("/listening/?wants=purchase").content.decode()
    assert "I say purchase" in found
    assert "I say complaint" not in found
    assert "Wants to buy" in found
    assert "I say complaint" in client.get("/listening/?urgency=high").content.decode()
