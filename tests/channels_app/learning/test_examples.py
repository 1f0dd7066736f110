"""What to put right next."""

from __future__ import annotations

import pytest

from channels_app.learning import aspects, examples
from channels_app.learning.correcting import correct
from channels_app.models import Message
from channels_app.privacy.messages import silence
from tests import factories

pytestmark = pytest.mark.django_db


def texts(aspect, user, **asked):
    return [message.text for message in examples.least_certain(aspect, user=user, **asked)]


def test_the_least_certain_comes_first_for_each_aspect(said, lead):
    said("surely", intent_confidence=0.9, urgency_confidence=0.1), said("hardly", intent_confidence=0.2)
    assert texts("intent", lead) == ["hardly", "surely"]
    assert texts("urgency", lead) == ["surely", "hardly"]


def test_what_somebody_looked_at_or_nobody_read_or_said_is_not_there(said, lead, agent):
    said("open")
    correct(message=said("looked at"), aspect="intent", now="idea", by=agent)
    said("not read", intent=""), said("ours", direction="out", sent_by=agent), said("waits", read_at=None)
    silence(Message.objects.filter(pk=said("erased").pk))
    assert texts("intent", lead) == ["open"]
    assert "looked at" in texts("topic", lead)


def test_it_can_be_asked_for_one_class(said, lead):
    said("an idea", intent="idea"), said("a complaint")
    assert texts("intent", lead, value="idea") == ["an idea"]


def test_who_does_not_know_customers_sees_none(said):
    said()
    assert texts("intent", factories.UserFactory(role="support")) == []


def test_it_looks_among_the_newest_only(said, lead, monkeypatch):
    monkeypatch.setattr(examples, "NEWEST", 2)
    for text in ("first", "second", "third"):
        said(text)
    assert sorted(texts("intent", lead)) == ["second", "third"]


def test_mistakes_of_one_kind_are_found_by_their_last_word(said, lead, agent, colleague):
    wrong, mended = said("wrong"), said("mended")
    correct(message=wrong, aspect="intent", now="idea", by=agent)
    correct(message=mended, aspect="intent", now="idea", by=agent)
    correct(message=mended, aspect="intent", now="complaint", by=colleague)
    found = examples.mistaken("intent", was="complaint", now="idea", user=lead)
    assert [each.message.text for each in found] == ["wrong"]


def test_an_aspect_nobody_knows_is_refused(lead):
    with pytest.raises(aspects.NoSuchAspect):
        examples.least_certain("weather", user=lead)
