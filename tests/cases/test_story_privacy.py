"""What the story of a case holds on a customer is theirs to read, and goes with them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from cases import retention
from cases.models import Case, Commitment, GroupQuestion, HandOver
from cases.privacy import story
from crm.privacy import holders
from crm.privacy.people import person as whole
from tests import factories

pytestmark = pytest.mark.django_db
KINDS = ("stories", "commitments", "questions")
SECRET = "Cleo's divorce"


@pytest.fixture
def told(case, agent):
    Case.objects.filter(pk=case.pk).update(owner=agent, state="open")
    case.refresh_from_db()
    factories.HandOverFactory(case=case, story=SECRET, next_step=SECRET, promised=SECRET)
    over = {"state": "returned", "decided_at": timezone.now(), "why": SECRET}
    factories.HandOverFactory(case=case, **over)
    factories.CommitmentFactory(case=case, text=SECRET)
    factories.CommitmentFactory(case=case, text=SECRET, dropped_at=timezone.now(), why=SECRET)
    factories.GroupQuestionFactory(case=case, text=SECRET)
    factories.GroupQuestionFactory(
        case=case, text=SECRET, answer=SECRET, answered_at=timezone.now(), answered_by=factories.UserFactory()
    )
    return case


def rows():
    return [list(model.objects.order_by("pk").values()) for model in (HandOver, Commitment, GroupQuestion)]


def test_all_of_it_is_in_their_copy(told):
    person = whole(told.customer)
    found = {name: list(holders.named(name).rows(person)) for name in KINDS}
    assert [len(found[name]) for name in KINDS] == [2, 2, 2]
    assert all(set(row) == set(holders.named(name).columns) for name in KINDS for row in found[name])
    assert str(found).count("divorce") == 10


def test_no_word_of_it_is_left_and_nobody_elses_is_touched(told, channel):
    other = factories.CaseFactory(channel=channel)
    factories.CommitmentFactory(case=other, text="Theirs")
    person = whole(told.customer)
    for name in KINDS:
        holder = holders.named(name)
        assert holder.count(person) == 2
        assert sum(holder.erase(person)) == 2
        assert holder.count(person) == 0
    assert "divorce" not in str(rows())
    assert list(other.commitments.values_list("text", flat=True)) == ["Theirs"]


def test_what_stood_or_waited_ends_with_them(told):
    person = whole(told.customer)
    for name in KINDS:
        list(holders.named(name).erase(person))
    assert not Commitment.objects.standing().exists()
    assert not GroupQuestion.objects.waiting().exists()


def test_cases_that_are_kept_no_longer_lose_these_words_too(told, agent):
    long_ago = timezone.now() - timedelta(days=2000)
    factories.resolved(told, agent)
    Case.objects.update(resolved_at=long_ago, subject="")
    told.entries.get().message.delete()
    before = timezone.now() - timedelta(days=1095)
    assert list(retention.closed(before)) == [told]
    retention.take_words(Case.objects.filter(pk=told.pk))
    assert "divorce" not in str(rows())
    assert list(retention.closed(before)) == []
    assert story.GONE not in SECRET
