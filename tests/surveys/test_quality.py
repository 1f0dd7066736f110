"""What is odd about an answer is flagged with the reason, and a person decides what it counts."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm.models import Activity
from surveys import quality, reading_time
from surveys.models import Answer, Flag, Invitation, Response
from tests import factories
from tests.surveys.asking import asked, say, send, survey

pytestmark = pytest.mark.django_db


def flags(response=None):
    rows = Flag.objects.filter(response=response) if response else Flag.objects.all()
    return {flag.kind: flag.why for flag in rows}


def scaled(n, **facts):
    """A recommendation and `n` scales."""
    return send(survey("nps", *["scale"] * n), **facts)


def go_through(invitation, numbers, *, nps=7, seconds=None, **facts):
    stands = say(invitation, "nps", nps, seconds=seconds, **facts)
    for position, number in enumerate(numbers, start=2):
        stands = say(invitation, f"scale{position}", number, seconds=seconds, **facts)
    return stands.response


# --- the same everywhere


@pytest.mark.parametrize(
    ("numbers", "odd"),
    [
        ([3, 3, 3, 3], True),
        ([3, 3, 3], False),
        ([3, 3, 3, 4], False),
        ([3, 3, 3, None], False),
        ([3, 3, 3, 3, None], True),
        ([None] * 5, False),
    ],
)
def test_the_same_number_on_four_scales_is_flagged(db, numbers, odd):
    go_through(scaled(len(numbers)), numbers)
    assert flags() == ({"straight": f"The same number, 3, on all {4} scales."} if odd else {})


# --- too fast


def test_done_in_less_than_a_third_of_the_time_it_takes_to_read_is_flagged(db):
    version = survey("nps")
    asked(version, "text", key="long")
    words = {"en": {"text": "word " * 238}}  # a minute of reading
    version.questions.filter(key="long").update(wording=words)
    slow, fast = send(version), send(version, wave=None)
    for invitation, seconds in ((slow, 10.5), (fast, 9.5)):
        say(invitation, "nps", 9, seconds=seconds)
        say(invitation, "long", "Fine", seconds=seconds)
    assert flags(slow.response) == {}
    assert flags(fast.response) == {"fast": "Done in 19 s; to read it takes about 61 s."}


def test_what_was_not_timed_is_not_fast(db):
    go_through(scaled(1), [3])
    assert flags() == {}


def test_only_what_was_timed_is_compared(db):
    version = survey("nps")
    asked(version, "text", key="long")
    version.questions.filter(key="long").update(wording={"en": {"text": "word " * 238}})
    invitation = send(version)
    say(invitation, "nps", 9, seconds=2.0)
    say(invitation, "long", "Fine")
    assert flags() == {}


@pytest.mark.parametrize(("text", "words"), [("How was it today, my friend?", 6), ("你会向朋友推荐我们吗" * 6, 10)])
def test_scripts_without_spaces_take_time_too(db, text, words):
    question = factories.QuestionFactory.build(version=factories.VersionFactory(), wording={"en": {"text": text}})
    assert reading_time.seconds(question, "en") == pytest.approx(words / reading_time.WORDS_A_SECOND)


# --- left near the end


def left_after(n, of, **facts):
    invitation = scaled(of - 1, **facts)
    go_through(invitation, [1, 5, 2, 4, 3, 1, 2, 5][: n - 1])
    return invitation


def ends(invitation, ago=timedelta(hours=1)):
    Invitation.objects.filter(pk=invitation.pk).update(
        state="expired", ended_at=timezone.now() - ago, expires_at=timezone.now() - ago
    )


def test_left_with_seven_in_ten_done_is_flagged_once_the_link_has_ended(db):
    late, early, still_open = left_after(7, 10), left_after(6, 10), left_after(9, 10)
    for invitation in (late, early):
        ends(invitation)
    assert quality.sweep() == 2
    assert flags(late.response) == {"late": "Left with 70 % done, and did not come back."}
    assert flags(early.response) == flags(still_open.response) == {}
    assert quality.sweep() == 2
    assert Flag.objects.count() == 1


def test_a_link_that_ran_out_has_ended_whoever_noticed_it(db):
    late = left_after(7, 10)
    Invitation.objects.filter(pk=late.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    quality.sweep()
    assert set(flags()) == {"late"}


def test_the_sweep_looks_at_what_ended_lately_and_at_all_of_it(db, monkeypatch):
    monkeypatch.setattr(quality, "BATCH", 2)
    for _ in range(5):
        ends(left_after(7, 10))
    ends(left_after(7, 10), ago=timedelta(days=4))
    assert quality.sweep() == 5
    assert Flag.objects.count() == 5


def test_who_comes_back_and_finishes_did_not_leave(db):
    late = left_after(9, 10)
    factories_flag = Flag.objects.create(response=late.response, kind="late", why="Left")
    say(late, "scale10", 2)
    assert not Flag.objects.filter(pk=factories_flag.pk).exists()


# --- the same device


def test_the_third_answer_of_a_wave_from_one_device_flags_all_three(db):
    first = scaled(1)
    others = [send(first.version, wave=first.wave) for _ in range(3)]
    elsewhere = scaled(1)
    go_through(elsewhere, [3], device="one of another wave")
    go_through(first, [3], device="one")
    go_through(others[0], [2], device="one")
    go_through(others[1], [4], device="two")
    assert flags() == {}
    go_through(others[2], [4], device="one")
    assert set(Flag.objects.values_list("response__invitation", flat=True)) == {first.pk, others[0].pk, others[2].pk}
    assert set(flags().values()) == {"3 answers of this wave came from the same device."}


def test_answers_without_a_device_are_not_from_the_same(db):
    first = scaled(1)
    for invitation in (first, *(send(first.version, wave=first.wave) for _ in range(3))):
        go_through(invitation, [3])
    assert flags() == {}


# --- many at once


def test_many_are_looked_at_with_a_fixed_number_of_queries(db):
    def asks(n):
        responses = [go_through(scaled(4), [1, 2, 3, 4]) for _ in range(n)]
        Answer.objects.filter(question__kind="scale").update(number=4)
        with CaptureQueriesContext(connection) as seen:
            assert len(quality.flag(responses)) == n
        return len(seen)

    assert asks(1) == asks(15)


def test_to_look_again_changes_nothing(db):
    response = go_through(scaled(4), [3, 3, 3, 3])
    before = list(Flag.objects.values())
    assert quality.flag([response]) == []
    assert list(Flag.objects.values()) == before
    assert quality.flag([]) == []


# --- what a person decides


@pytest.fixture
def flagged(db):
    return Response.objects.get(pk=go_through(scaled(4), [3, 3, 3, 3]).pk)


def test_what_is_flagged_counts_once_somebody_lets_it_in(flagged, lead):
    assert not Response.objects.trusted().exists()
    quality.let_in(response=flagged, by=lead)
    assert Response.objects.trusted().get() == flagged
    assert (flagged.let_in_by, Activity.objects.latest("id").verb) == (lead, "let in")


def test_what_is_left_out_counts_no_more_and_either_is_undone(flagged, lead):
    quality.let_in(response=flagged, by=lead)
    quality.leave_out(response=flagged, by=lead)
    assert not Response.objects.trusted().exists()
    quality.undecide(response=flagged, by=lead)
    flagged.refresh_from_db()
    assert (flagged.left_out_at, flagged.left_out_by, flagged.let_in_at, flagged.let_in_by) == (None,) * 4


def test_two_who_decide_at_once_do_not_overrule_each_other(flagged, lead, agent):
    seen_before = Response.objects.get(pk=flagged.pk)
    quality.let_in(response=flagged, by=lead)
    with pytest.raises(quality.DecidedAlready):
        quality.leave_out(response=seen_before, by=agent)
    assert Response.objects.get().left_out_at is None
