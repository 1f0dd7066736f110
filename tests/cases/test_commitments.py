"""What we promised this customer stands on the case until it is kept, or dropped with a reason."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from cases import commitments, repeats, resolution
from cases.models import Case, Commitment
from crm.models import Activity, Notice
from tests import factories

NOW = timezone.now()


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def promise(case, by, text="A call back", until=None):
    return commitments.promise(case=case, text=text, until=until, by=by)


@pytest.mark.django_db
def test_a_promise_stands_and_says_who_gave_it(case, agent):
    made = promise(case, agent, "  A call back\x00 ", NOW)
    assert (made.text, made.until, made.by, made.stands) == ("A call back", NOW, agent, True)
    assert list(Activity.objects.about(case).values_list("verb", "detail")) == [("promised", "A call back")]


@pytest.mark.django_db
def test_an_empty_promise_is_none(case, agent):
    with pytest.raises(commitments.NothingPromised):
        promise(case, agent, " ")


@pytest.mark.django_db
def test_a_case_is_not_resolved_while_a_promise_stands(case, agent, cause):
    made = promise(case, agent)
    with pytest.raises(commitments.StillStands, match=r"^We promised this customer: “A call back”. Keep it, or drop"):
        resolution.resolve(case=case, cause=cause, by=agent)
    commitments.keep(commitment=made, by=agent)
    assert resolution.resolve(case=case, cause=cause, by=agent).state == "resolved"


@pytest.mark.django_db
def test_resolving_many_leaves_those_with_a_promise(channel, agent, cause):
    bound, free = factories.CaseFactory(channel=channel), factories.CaseFactory(channel=channel)
    made = promise(bound, agent)
    assert resolution.resolve_many(cases=[bound.pk, free.pk], cause=cause, by=agent) == 1
    assert (fresh(bound).state, fresh(free).state) == ("new", "resolved")
    commitments.drop(commitment=made, why="Not needed", by=agent)
    assert resolution.resolve_many(cases=[bound.pk], cause=cause, by=agent) == 1


@pytest.mark.django_db
def test_a_promise_is_dropped_with_a_reason_only(case, agent):
    made = promise(case, agent)
    with pytest.raises(commitments.NoReason):
        commitments.drop(commitment=made, why=" ", by=agent)
    dropped = commitments.drop(commitment=made, why="She found it herself", by=agent)
    assert (dropped.stands, dropped.why, dropped.ended_by) == (False, "She found it herself", agent)


@pytest.mark.django_db
def test_what_has_ended_is_not_ended_again_and_says_by_whom(case, agent, colleague):
    made = promise(case, agent)
    commitments.keep(commitment=fresh(made), by=agent)
    for act in (commitments.keep, lambda **who: commitments.drop(why="No", **who)):
        with pytest.raises(commitments.EndedAlready, match=r"^“A call back” was kept already, by Ana Ruiz.$"):
            act(commitment=made, by=colleague)


@pytest.mark.django_db
def test_keeping_can_be_undone_and_dropping_cannot(case, agent):
    made = promise(case, agent)
    commitments.keep(commitment=made, by=agent)
    assert commitments.undo_keep(commitment=made, by=agent).stands
    commitments.drop(commitment=made, why="No", by=agent)
    with pytest.raises(commitments.NotKept):
        commitments.undo_keep(commitment=made, by=agent)


@pytest.mark.django_db
def test_nothing_is_promised_kept_or_undone_in_a_resolved_case(case, agent, cause):
    made = promise(case, agent)
    commitments.keep(commitment=made, by=agent)
    resolution.resolve(case=case, cause=cause, by=agent)
    for act in (lambda: promise(case, agent), lambda: commitments.undo_keep(commitment=made, by=agent)):
        with pytest.raises(commitments.CaseIsOver, match=r"This case is resolved. Reopen it before you change"):
            act()


@pytest.mark.parametrize(
    ("hours", "at_risk", "overdue"),
    [(8, False, False), (2.1, False, False), (2, True, False), (0.1, True, False), (0, False, True), (-1, False, True)],
)
def test_a_promise_is_at_risk_in_the_last_quarter_of_its_time_and_then_overdue(hours, at_risk, overdue):
    until = NOW + timedelta(hours=hours)
    made = Commitment(text="A call", at=until - timedelta(hours=8), until=until)
    assert (made.is_at_risk(NOW), made.is_overdue(NOW)) == (at_risk, overdue)
    made.kept_at = NOW
    assert not made.is_at_risk(NOW)
    assert not made.is_overdue(NOW)


def test_a_promise_without_a_time_is_never_late():
    made = Commitment(text="A call", at=NOW - timedelta(days=900))
    assert not made.is_at_risk(NOW)
    assert not made.is_overdue(NOW)


@pytest.mark.django_db
def test_who_has_the_case_hears_once_that_a_promise_is_due(case, agent):
    made = factories.CommitmentFactory(case=case, until=NOW - timedelta(minutes=1), text="Ann's refund")
    factories.CommitmentFactory(case=case)
    assert commitments.remind() == 0  # nobody has the case
    Case.objects.filter(pk=case.pk).update(owner=agent, state="open")
    assert commitments.remind() == 1
    notice = Notice.objects.get(user=agent)
    assert (notice.kind, notice.url) == ("promise", f"/cases/{case.pk}/")
    assert "Ann" not in notice.text
    assert (commitments.remind(), Notice.objects.count()) == (0, 1)
    assert fresh(made).told_at


@pytest.mark.django_db
def test_reminding_costs_the_same_however_many(channel, agent, asked):
    def remind(size):
        for _ in range(size):
            case = factories.CaseFactory(channel=channel, owner=agent, state="open")
            factories.CommitmentFactory(case=case, until=NOW)
        return asked(lambda: commitments.remind() == size or pytest.fail("not all"))

    assert remind(1) == remind(20) <= 14


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(5))
@pytest.mark.parametrize("many", [False, True])
def test_promising_against_resolving_never_leaves_a_promise_on_a_closed_case(case, agent, cause, attempt, many):
    start = Barrier(2, timeout=60)

    def rush(act):
        start.wait()
        try:
            act()
        except (commitments.CaseIsOver, commitments.StillStands) as refusal:
            return type(refusal).__name__
        finally:
            connection.close()

    def resolve():
        if many:
            resolution.resolve_many(cases=[case.pk], cause=cause, by=agent)
        else:
            resolution.resolve(case=fresh(case), cause=cause, by=agent)

    with ThreadPoolExecutor(2) as pool:
        promised, done = pool.map(rush, [lambda: promise(fresh(case), agent), resolve])
    if fresh(case).state == "resolved":
        assert promised == "CaseIsOver"
        assert Commitment.objects.count() == 0
    else:
        assert Commitment.objects.standing().count() == 1
        assert many or done == "StillStands"


# --- said again


@pytest.mark.django_db
def test_what_the_customer_had_to_say_again_is_marked_and_counted_and_unmarked(case, agent):
    first = case.entries.get().message
    later = factories.MessageFactory(thread=case.thread, identity=case.identity)
    case.entries.create(message=later)
    for message, count in ((first, 1), (later, 2), (first, 1)):
        repeats.mark(case=case, message=message, by=agent)
        assert fresh(case).repeats == count
    marked = case.entries.get(message=later)
    assert (marked.repeated_by, marked.repeated_at is not None) == (agent, True)


@pytest.mark.django_db
def test_counting_anew_brings_both_counts_in_line(case, channel, agent):
    other = factories.CaseFactory(channel=channel, repeats=3, hand_overs=4)
    case.entries.update(repeated_at=NOW, repeated_by=agent)
    factories.HandOverFactory(case=case, by=agent, state="accepted", decided_at=NOW)
    factories.HandOverFactory(case=case, by=agent, state="returned", decided_at=NOW)
    repeats.recount([case.pk, other.pk])
    assert [(fresh(each).repeats, fresh(each).hand_overs) for each in (case, other)] == [(1, 1), (0, 0)]


@pytest.mark.django_db
def test_what_we_say_is_not_said_again_by_the_customer(case, agent):
    delivery = factories.DeliveryFactory(case=case, by=agent)
    with pytest.raises(repeats.OurOwnWords):
        repeats.mark(case=case, message=delivery.message, by=agent)
