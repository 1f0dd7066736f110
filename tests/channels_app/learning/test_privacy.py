"""What was read of a person's messages: shown to them, and taught to nobody once they are erased."""

from __future__ import annotations

import pytest

from channels_app.learning import trials
from channels_app.learning.agreement import agreements
from channels_app.learning.correcting import correct
from channels_app.models import Correction, Message
from crm.privacy import holders, people
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer():
    return factories.CustomerFactory()


@pytest.fixture
def message(said, agent, archive, customer):
    """A message of theirs, of which one aspect was put right."""
    message = said(identity=factories.IdentityFactory(place=archive.place, customer=customer))
    correct(message=message, aspect="intent", now="idea", by=agent)
    return message


def test_their_copy_says_what_was_read_how_surely_and_what_was_put_right(message, customer):
    (row,) = holders.named("messages").rows(people.person(customer))
    assert (row["intent"], row["intent_confidence"], row["corrected"]) == ("idea", 1, "intent")
    assert (row["urgency"], row["urgency_confidence"], row["topic"]) == ("medium", 0.5, "product")
    assert set(row) == set(holders.named("messages").columns)


def test_erased_they_teach_nothing_and_what_was_counted_stays_true(message, customer):
    assert len(trials.gather()) == 1
    for _done in holders.named("messages").erase(people.person(customer)):
        pass
    erased = Message.objects.get()
    assert (erased.text, erased.reasons, erased.intent_reasons, erased.intent) == ("", "", "", "idea")
    assert trials.gather() == []
    assert Correction.objects.count() == 1
    assert next(each for each in agreements() if each.aspect == "intent").all.looked_at == 1
