"""Thank, engage, share: owed to everybody who answered and may be called, once, in one live call."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import jobs as case_jobs
from crm import consent, merging
from crm.models import Activity, Customer, Notice, Purpose
from surveys import jobs, quality, waves
from surveys.models import Call, Caller, FollowUp, Loop, Response
from surveys.outreach import follow_ups, merged
from tests import factories
from tests.surveys.asking import say, send, survey

pytestmark = pytest.mark.django_db


def answered(customer=None, **facts):
    customer = customer or factories.CustomerFactory()
    return factories.ResponseFactory(invitation__customer=customer, **facts)


def steps(call):
    return sorted(call.follow_ups.values_list("step", flat=True))


def refuse_calls(customer):
    consent.record(customer=customer, purpose=Purpose.CALL, state="refused", how="Said so", by=None)


class TestWithTheAnswer:
    """In the transaction of the last answer: both are kept, or neither."""

    def test_what_is_owed_is_there_before_anything_is_committed(self, nudges):
        say(send(survey("nps")), "nps", 9)
        response = Response.objects.get()
        assert response.finished_at
        assert sorted(response.follow_ups.values_list("step", flat=True)) == ["engage", "share", "thank"]

    @pytest.mark.parametrize(("module", "name"), [(follow_ups, "owe"), (quality, "flag"), (waves, "changed")])
    def test_where_one_part_fails_nothing_is_answered_and_nothing_owed(self, monkeypatch, module, name):
        invitation, works = send(survey("nps")), getattr(module, name)

        def breaks(*facts):
            works(*facts)
            raise OSError("No current")

        monkeypatch.setattr(module, name, breaks)
        with pytest.raises(OSError, match="No current"):
            say(invitation, "nps", 9)
        assert not Response.objects.exclude(finished_at=None).exists()
        assert [model.objects.count() for model in (Loop, Call, FollowUp)] == [0, 0, 0]
        monkeypatch.setattr(module, name, works)
        say(invitation, "nps", 9)
        assert FollowUp.objects.filter(response__finished_at__isnull=False).count() == 3


class TestOwing:
    def test_all_three_are_owed_in_one_call_of_a_new_loop(self):
        response = answered(score=9)
        [call] = follow_ups.owe([response])
        assert steps(call) == ["engage", "share", "thank"]
        assert (call.kind, call.state, call.group, call.owner) == ("first", "open", "promoter", None)
        assert call.loop.customer == call.customer == response.invitation.customer
        assert list(Call.objects.in_pool()) == [call]

    def test_they_are_owed_from_the_moment_of_the_last_answer(self):
        invitation = send(survey("nps"))
        say(invitation, "nps", 10)
        call = Call.objects.get()
        assert (call.customer, call.group, steps(call)) == (
            invitation.customer,
            "promoter",
            ["engage", "share", "thank"],
        )

    def test_nothing_is_owed_while_the_survey_is_unfinished(self):
        say(send(survey("nps", "text")), "nps", 10)
        assert not Call.objects.exists()

    def test_who_says_no_to_calls_within_the_survey_is_not_called(self):
        invitation = send(survey("nps", "consent"))
        say(invitation, "nps", 3)
        say(invitation, "consent2", False)
        assert Response.objects.get().finished_at
        assert not Call.objects.exists()

    def test_asked_twice_they_are_owed_once(self):
        response = answered()
        follow_ups.owe([response])
        assert follow_ups.owe([response, response]) == []
        assert FollowUp.objects.count() == 3

    @pytest.mark.parametrize(
        "facts",
        [
            {"score": None},
            {"finished_at": None},
            {"invitation__by": "elsewhere"},
            {"invitation__wave__imported": True},
        ],
    )
    def test_nothing_is_owed_for_what_is_not_ours_to_thank_for(self, facts):
        assert follow_ups.owe([answered(**facts)]) == []

    def test_nothing_is_owed_for_what_a_lead_left_out(self, lead):
        assert follow_ups.owe([answered(left_out_at=timezone.now(), left_out_by=lead)]) == []

    def test_nothing_is_owed_for_an_answer_about_a_case(self, case):
        response = answered(case.customer, invitation__case=case, invitation__wave=None)
        assert follow_ups.owe([response]) == []

    def test_a_rule_says_who_calls_and_by_when(self):
        rule = factories.CallRuleFactory(groups=["detractor"], to="sales", days=2)
        [call] = follow_ups.owe([answered(score=2)])
        assert (call.to, call.rule) == ("sales", rule)
        assert call.due_at - call.made_at == timedelta(days=2)


class TestAgainstConsent:
    def test_nothing_is_made_for_who_wants_no_calls(self):
        response = answered()
        refuse_calls(response.invitation.customer)
        assert follow_ups.owe([response]) == []
        assert not Loop.objects.exists()

    def test_nor_for_who_is_not_to_be_contacted_nor_who_was_erased(self):
        forbidden = answered(factories.CustomerFactory(do_not_contact_at=timezone.now()))
        erased = answered(factories.CustomerFactory(erased_at=timezone.now()))
        allowed = answered()
        [call] = follow_ups.owe([forbidden, erased, allowed])
        assert call.customer == allowed.invitation.customer

    def test_what_is_live_ends_with_the_sentence_when_they_say_no(self, nudges, django_capture_on_commit_callbacks):
        response = answered()
        [call] = follow_ups.owe([response])
        with django_capture_on_commit_callbacks(execute=True):
            refuse_calls(call.customer)
        assert ("cases.jobs.customer_changed", call.customer.pk) in nudges
        with django_capture_on_commit_callbacks(execute=True):
            case_jobs.customer_changed(call.customer.pk)
        assert ("surveys.jobs.customers_changed", call.customer.pk) in nudges
        jobs.customers_changed(call.customer.pk)
        call.refresh_from_db()
        assert (call.state, call.reason) == ("cancelled", "They do not want this: Calls.")
        assert set(call.follow_ups.values_list("reason", flat=True)) == {"They do not want this: Calls."}
        assert Activity.objects.about(call).filter(verb="cancelled").exists()

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"do_not_contact_at": timezone.now()}, "They asked not to be contacted under any circumstances."),
            ({"erased_at": timezone.now()}, "This customer was erased: there is nobody to contact."),
        ],
    )
    def test_the_sweep_finds_what_nobody_was_told_of(self, change, why):
        [call] = follow_ups.owe([answered()])
        [other] = follow_ups.owe([answered()])
        Customer.objects.filter(pk=call.customer_id).update(**change)
        assert follow_ups.sweep_forbidden() == 1
        assert follow_ups.sweep_forbidden() == 0
        call.refresh_from_db()
        other.refresh_from_db()
        assert (call.state, call.reason, other.state) == ("cancelled", why, "open")

    def test_what_was_done_by_then_stays_done(self):
        [call] = follow_ups.owe([answered()])
        call.follow_ups.filter(step="thank").update(done_at=timezone.now())
        refuse_calls(call.customer)
        follow_ups.cancel_forbidden([call.customer_id])
        assert call.follow_ups.get(step="thank").cancelled_at is None
        assert call.follow_ups.filter(cancelled_at__isnull=False).count() == 2

    @pytest.mark.parametrize("purpose", Purpose.values)
    @pytest.mark.parametrize("said", [None, "given", "refused"])
    def test_many_are_judged_as_one_is(self, purpose, said):
        customer = factories.CustomerFactory()
        if said:
            factories.ConsentFactory(customer=customer, purpose=purpose, state=said)
        assert (customer.pk not in consent.against([customer.pk], purpose)) == bool(
            consent.may_contact(customer, purpose)
        )


class TestJoining:
    def test_answers_of_one_customer_join_one_call(self):
        first = answered(score=9)
        second = answered(first.invitation.customer, score=2)
        [call] = follow_ups.owe([first])
        [again] = follow_ups.owe([second])
        assert again == call
        assert call.follow_ups.count() == 6
        call.refresh_from_db()
        assert call.group == "detractor"

    def test_whoever_has_the_call_hears_that_they_answered_again(self):
        owner = factories.UserFactory()
        first = answered()
        [call] = follow_ups.owe([first])
        Notice.objects.all().delete()
        follow_ups.owe([answered(first.invitation.customer)])
        assert [notice.text for notice in owner.notices.all()] == [
            f"The customer of call {call.pk} has answered again."
        ]

    def test_two_that_come_together_join_as_well(self):
        first = answered()
        assert len(follow_ups.owe([first, answered(first.invitation.customer)])) == 1
        assert Loop.objects.count() == 1

    def test_a_live_call_takes_them_in_however_old_it_is(self):
        first = answered()
        [call] = follow_ups.owe([first])
        Call.objects.update(made_at=timezone.now() - timedelta(days=90))
        assert follow_ups.owe([answered(first.invitation.customer)]) == [call]

    def test_who_was_called_lately_is_called_again_when_the_days_are_over(self):
        first = answered()
        [call] = follow_ups.owe([first])
        made = timezone.now() - timedelta(days=10)
        Call.objects.update(made_at=made, state="done", ended_at=timezone.now())
        [again] = follow_ups.owe([answered(first.invitation.customer)])
        assert again != call
        assert again.due_at == made + timedelta(days=30)

    def test_what_a_merged_record_answered_is_owed_to_who_stands_now(self, lead):
        response = answered()
        kept = factories.CustomerFactory()
        Customer.objects.filter(pk=response.invitation.customer_id).update(merged_into=kept)
        [call] = follow_ups.owe([response])
        assert call.customer == kept

    def test_two_records_with_a_call_each_are_called_once_after_they_are_merged(self, lead):
        one, other = answered(), answered()
        [kept], [left] = follow_ups.owe([one]), follow_ups.owe([other])
        merging.merge(survivor=kept.customer, absorbed=left.customer, by=lead)
        jobs.customers_changed(kept.customer_id)
        left.refresh_from_db()
        assert (left.state, left.reason[:24]) == ("cancelled", "Their records were merge")
        assert kept.follow_ups.filter(cancelled_at=None).count() == 6
        assert merged.sweep() == 0


class TestCancelling:
    def test_a_call_is_cancelled_with_the_reason(self, lead):
        [call] = follow_ups.owe([answered()])
        follow_ups.cancel(call=call, why="Called by the ministry.", by=lead)
        assert (call.state, call.reason) == ("cancelled", "Called by the ministry.")
        assert call.follow_ups.filter(cancelled_at=None).count() == 0

    def test_and_not_without_one_nor_twice(self, lead):
        [call] = follow_ups.owe([answered()])
        with pytest.raises(follow_ups.SayWhy):
            follow_ups.cancel(call=call, why="  ", by=lead)
        follow_ups.cancel(call=call, why="Known.", by=lead)
        with pytest.raises(follow_ups.OverAlready, match="it is “cancelled”"):
            follow_ups.cancel(call=call, why="Known.", by=lead)


class TestMissed:
    def test_what_was_missed_is_found_batch_by_batch(self):
        for _ in range(5):
            answered()
        assert follow_ups.owe_missed(batch=2) == 5
        assert follow_ups.owe_missed(batch=2) == 0
        assert FollowUp.objects.count() == 15

    def test_who_may_not_be_called_does_not_hold_up_the_others(self):
        for _ in range(3):
            refuse_calls(answered().invitation.customer)
        last = answered()
        assert follow_ups.owe_missed(batch=2) == 1
        assert Call.objects.get().customer == last.invitation.customer

    def test_nobody_is_thanked_for_what_they_have_forgotten(self):
        answered(finished_at=timezone.now() - timedelta(days=31))
        assert follow_ups.owe_missed() == 0

    def test_a_run_tells_callers_through_the_jobs(self):
        answered()
        jobs.sweep_follow_ups()
        assert Call.objects.count() == 1


PERSON = st.tuples(
    st.lists(st.sampled_from([None, 0, 8, 9]), min_size=1, max_size=3),  # what they answered, in turn
    st.sampled_from(["", "no calls", "no contact", "erased"]),
    st.sampled_from(["DE", "FR", ""]),
)


@given(people=st.lists(PERSON, max_size=5), caps=st.lists(st.integers(0, 3), max_size=3), late=st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_step_owed_has_one_live_call_which_is_somebodys_or_in_the_pool(people, caps, late):
    """Whoever answers what in whatever order; `late`: they said no after they had answered, not before."""
    with transaction.atomic():
        factories.CallRuleFactory(groups=["promoter"], to="executive")
        for cap in caps:
            user = factories.UserFactory(role="executive")
            factories.CallerFactory(user=user, per_week=cap, countries=["DE"])
        customers = [factories.CustomerFactory(country=country) for _scores, _no, country in people]
        for told in (False, True):
            if told == late:
                _say_no(customers, [no for _scores, no, _country in people])
            if not told:
                for customer, (scores, _no, _country) in zip(customers, people, strict=True):
                    for score in scores:
                        follow_ups.owe([answered(customer, score=score)])
        follow_ups.sweep_forbidden()
        for customer, (scores, no, _country) in zip(customers, people, strict=True):
            scored = [] if no else [score for score in scores if score is not None]
            live = FollowUp.objects.filter(call__in=Call.objects.live().filter(customer=customer), cancelled_at=None)
            assert live.count() == 3 * len(scored)
            assert Call.objects.live().filter(customer=customer).count() == bool(scored)
        for caller in Caller.objects.all():
            assert caller.user.calls.count() <= caller.per_week
        transaction.set_rollback(True)


def _say_no(customers, said):
    for customer, no in zip(customers, said, strict=True):
        if no == "no calls":
            refuse_calls(customer)
        elif no:
            field = {"no contact": "do_not_contact_at", "erased": "erased_at"}[no]
            Customer.objects.filter(pk=customer.pk).update(**{field: timezone.now()})


@pytest.mark.parametrize("joined", [False, True])
def test_a_batch_takes_as_many_queries_for_forty_as_for_one(joined):
    """With an executive who takes some, rules, accounts, and customers who answered before."""
    executive = factories.UserFactory(role="executive")
    factories.CallRuleFactory(groups=["promoter"], to="executive")
    factories.CallRuleFactory(groups=["detractor"], with_account=True, to="sales")
    seller = factories.UserFactory(role="sales")

    def some(number):
        made = []
        for n in range(number):
            response = answered(score=9 if n % 2 == 0 else 2)
            factories.StakeholderFactory(customer=response.invitation.customer, account__owner=seller)
            if joined:
                follow_ups.owe([response])
                response = answered(response.invitation.customer)
            made.append(response)
        return made

    def counted(responses):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            follow_ups.owe(responses)
        return len(asked)

    counted(some(2))
    assert counted(some(2)) == counted(some(40))
    assert Call.objects.filter(owner=executive).count() <= 10
    assert Notice.objects.filter(user=executive, kind="call").exists()


@pytest.mark.django_db(transaction=True)
def test_ten_that_owe_the_same_at_once_owe_it_once():
    customer = factories.CustomerFactory()
    responses = [answered(customer) for _ in range(3)]
    start = Barrier(10, timeout=60)

    def owe(_):
        start.wait()
        try:
            return len(follow_ups.owe(responses))
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        made = list(pool.map(owe, range(10)))
    assert sorted(made) == [0] * 9 + [1]
    assert (Call.objects.count(), FollowUp.objects.count(), Loop.objects.count()) == (1, 9, 1)
