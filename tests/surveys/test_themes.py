"""Themes of comments: suggested in batches, corrected by a person, taken back exactly."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.models import Activity
from surveys import jobs, themes
from surveys.models import Answer, Theme
from surveys.themes import CONFIRMED, DROPPED, NEW, SUGGESTED, Standing
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def said():
    """`said("Too expensive")` is a comment."""
    wave = factories.WaveFactory()
    return lambda text, **facts: factories.AnswerFactory(text=text, response__invitation__wave=wave, **facts)


@pytest.fixture
def comment(said):
    return said("Far too expensive, but the crew was lovely")


def of(answer):
    """Topic or cause → tone, of what stands."""
    standing = Theme.objects.standing().filter(answer=answer)
    return {theme.topic or theme.cause.name: theme.tone for theme in standing}


# --- suggested


def test_what_a_comment_is_about_is_suggested_with_the_words_that_say_so(comment):
    themes.suggest([comment])
    assert of(comment) == {"price": "criticism", "support": "praise"}
    price = Theme.objects.get(topic="price")
    assert (price.words, price.suggested, price.decided_at) == ("expensive", True, None)


def test_causes_are_suggested_from_those_in_use(said):
    factories.CauseFactory(name="Refund late")
    factories.CauseFactory(name="Refund wrong", retired_at=timezone.now())
    comment = said("Still no refund")
    themes.suggest([comment])
    assert of(comment) == {"support": "criticism", "Refund late": "criticism"}


def test_a_comment_without_words_we_know_is_about_what_its_question_asks(said):
    version = factories.VersionFactory()
    question = factories.QuestionFactory(version=version, kind="text", key="price", topic="price")
    response = factories.ResponseFactory(invitation__version=version, invitation__wave=None)
    comment = factories.AnswerFactory(response=response, question=question, text="Terrible!")
    themes.suggest([comment])
    assert of(comment) == {"price": "criticism"}


def test_suggesting_again_changes_nothing(comment):
    themes.suggest([comment])
    before = list(Theme.objects.values())
    assert themes.suggest([comment]) == []
    assert list(Theme.objects.values()) == before


def test_what_was_taken_away_is_not_suggested_again(comment, lead):
    themes.suggest([comment])
    themes.drop(theme=Theme.objects.get(topic="price"), by=lead)
    themes.suggest([comment])
    assert of(comment) == {"support": "praise"}


def test_what_a_person_said_before_stays(comment, lead):
    themes.add(answer=comment, topic="price", tone="neutral", by=lead)
    themes.suggest([comment])
    assert of(comment) == {"price": "neutral", "support": "praise"}


def test_only_words_are_themed(said):
    response = said("Expensive").response
    nps = response.invitation.version.questions.get(kind="nps")
    number = factories.AnswerFactory(response=response, question=nps, text="", number=3)
    assert themes.suggest([number]) == []


def test_a_batch_costs_the_same_number_of_queries_whatever_its_size(said):
    def queries(n):
        comments = [said("Far too expensive, delayed, and a rude crew") for _ in range(n)]
        with CaptureQueriesContext(connection) as asked:
            themes.suggest(comments)
        return len(asked)

    assert queries(1) == queries(20) <= 7  # five and a savepoint
    assert Theme.objects.count() == 21 * 3


def test_no_comments_cost_no_reading(said):
    assert themes.suggest([]) == []


def test_the_sweep_finds_finished_ones_that_nobody_was_nudged_for(said):
    done, begun = said("too expensive"), said("too expensive", response__finished_at=None)
    jobs.suggest_themes()
    assert (of(done), of(begun)) == ({"price": "criticism"}, {})
    assert Answer.objects.to_theme().count() == 0


def test_the_sweep_goes_on_until_nothing_waits(said, monkeypatch):
    monkeypatch.setattr(themes, "BATCH", 2)
    comments = [said("too expensive") for _ in range(5)]
    jobs.suggest_themes()
    assert [of(comment) for comment in comments] == [{"price": "criticism"}] * 5


def test_a_nudge_is_about_its_response(said):
    one = said("too expensive")
    jobs.suggest_themes(one.response_id)
    assert of(one) == {"price": "criticism"}


# --- corrected


def test_a_person_confirms_a_suggestion(comment, lead):
    theme = factories.ThemeFactory(answer=comment)
    confirmed, was = themes.confirm(theme=theme, by=lead)
    assert (confirmed.decided_by, was) == (lead, Standing(SUGGESTED, "criticism"))
    assert Activity.objects.about(comment.response).get().verb == "theme confirmed"


def test_confirming_twice_leaves_who_did_it_first(comment, lead, agent):
    theme = factories.ThemeFactory(answer=comment)
    themes.confirm(theme=theme, by=lead)
    themes.confirm(theme=theme, by=agent)
    theme.refresh_from_db()
    assert theme.decided_by == lead


def test_a_theme_that_was_taken_away_meanwhile_is_not_confirmed(comment, lead, agent):
    theme = factories.ThemeFactory(answer=comment)
    themes.drop(theme=theme, by=lead)
    with pytest.raises(themes.TakenAway, match=r"Lea Brandt took “Product \(Criticism\)” away"):
        themes.confirm(theme=theme, by=agent)


def test_what_is_taken_away_stays_as_a_row_that_no_longer_counts(comment, lead):
    theme = factories.ThemeFactory(answer=comment)
    dropped, was = themes.drop(theme=theme, by=lead)
    assert (of(comment), dropped.decided_by, was.state) == ({}, lead, SUGGESTED)
    assert Theme.objects.count() == 1


def test_a_person_adds_a_topic_or_a_cause(comment, lead, cause):
    themes.add(answer=comment, topic="relationship", tone="praise", by=lead)
    theme, was = themes.add(answer=comment, cause=cause, tone="criticism", by=lead)
    assert of(comment) == {"relationship": "praise", "Delay": "criticism"}
    assert (theme.suggested, theme.decided_by, was.state) == (False, lead, NEW)


def test_adding_what_stands_there_changes_its_tone_and_confirms_it(comment, lead):
    factories.ThemeFactory(answer=comment, topic="price", tone="criticism")
    theme, was = themes.add(answer=comment, topic="price", tone="praise", by=lead)
    assert (of(comment), was) == ({"price": "praise"}, Standing(SUGGESTED, "criticism"))
    assert theme.decided_by == lead


def test_adding_what_was_taken_away_brings_it_back(comment, lead):
    theme = factories.ThemeFactory(answer=comment, topic="price")
    themes.drop(theme=theme, by=lead)
    assert themes.add(answer=comment, topic="price", tone="criticism", by=lead).was.state == DROPPED
    assert of(comment) == {"price": "criticism"}


def test_a_theme_is_a_topic_or_a_cause(comment, lead, cause):
    for about in ({}, {"topic": "price", "cause": cause}):
        with pytest.raises(themes.TopicOrCause):
            themes.add(answer=comment, tone="praise", by=lead, **about)


def test_a_cause_out_of_use_is_not_added(comment, lead):
    cause = factories.CauseFactory(name="Old", retired_at=timezone.now())
    with pytest.raises(themes.CauseRetired, match="“Old” is no longer used"):
        themes.add(answer=comment, cause=cause, tone="praise", by=lead)


# --- taken back


def undone(theme, was, by):
    themes.put_back(theme=theme, was=was, by=by)
    return Theme.objects.filter(pk=theme.pk).values("tone", "dropped_at", "decided_at", "decided_by").first()


def test_each_deed_can_be_taken_back(comment, lead):
    theme = factories.ThemeFactory(answer=comment, topic="price")
    as_it_was = {"tone": "criticism", "dropped_at": None, "decided_at": None, "decided_by": None}
    for deed in (themes.confirm, themes.drop):
        decided = deed(theme=theme, by=lead)
        assert undone(theme, decided.was, lead) == as_it_was
    decided = themes.add(answer=comment, topic="price", tone="praise", by=lead)
    assert undone(theme, decided.was, lead) == as_it_was


def test_a_confirmed_one_that_was_taken_away_is_confirmed_again(comment, lead):
    theme = factories.ThemeFactory(answer=comment)
    themes.confirm(theme=theme, by=lead)
    dropped = themes.drop(theme=theme, by=lead)
    assert dropped.was.state == CONFIRMED
    back = undone(theme, dropped.was, lead)
    assert (back["dropped_at"], back["decided_by"]) == (None, lead.pk)


def test_what_was_added_is_gone_again(comment, lead):
    added = themes.add(answer=comment, topic="price", tone="praise", by=lead)
    assert undone(added.theme, added.was, lead) is None


def test_what_was_brought_back_is_away_again(comment, lead):
    theme = factories.ThemeFactory(answer=comment, topic="price")
    themes.drop(theme=theme, by=lead)
    added = themes.add(answer=comment, topic="price", tone="praise", by=lead)
    assert undone(theme, added.was, lead)["dropped_at"] is not None
    assert of(comment) == {}
