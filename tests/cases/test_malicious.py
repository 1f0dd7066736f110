"""Malicious messages: who decides what, that nothing is dropped, and that all of it can be taken back."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.urls import reverse

from cases import assignment, conversation, malicious, routing
from cases.models import Case, CaseMessage
from channels_app import measures
from channels_app.models import Measure, Message
from channels_app.platforms.base import Idempotency
from channels_app.simulation.faults import Fault, Order
from crm.errors import Refused
from crm.models import Activity, Notice
from tests import factories
from tests.channels_app.conftest import connect, fake, network  # noqa: F401 - fixtures
from tests.channels_app.fake_platform import FakePlatform
from tests.channels_app.simulated import simulated  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(channel):
    return factories.CaseFactory(channel=channel)


def first(case):
    return case.entries.earliest("pk").message


def taken(case, by, kind="mute", reason="spam", **facts):
    return malicious.take(case=case, message=first(case), kind=kind, reason=reason, by=by, **facts)


def more_from(case, text="Buy followers now", **facts):
    """The author of the case's first message writes again, and it is routed. Returns its case."""
    facts = {"thread": case.thread, "identity": case.identity, "routed_at": None, **facts}
    message = factories.MessageFactory(text=text, **facts)
    routing.route(message.channel)
    return CaseMessage.objects.get(message=message).case


def elsewhere(case):
    return factories.ThreadFactory(channel=case.channel)


def verbs(case):
    return list(Activity.objects.about(case).order_by("pk").values_list("verb", flat=True))


# --- who decides


@pytest.mark.parametrize("kind", ["mute", "hide"])
def test_muting_and_hiding_hold_at_once(case, agent, kind):
    assert taken(case, agent, kind).state == "in_force"


@pytest.mark.parametrize("kind", ["block", "report"])
def test_blocking_and_reporting_wait_for_a_second_person(case, agent, colleague, kind, nudges):
    measure = taken(case, agent, kind, detail="Third time")
    assert (measure.state, measure.to_tell_since, nudges) == ("proposed", None, [])
    malicious.second(measure=measure, by=colleague)
    assert (measure.state, measure.seconded_by) == ("in_force", colleague)
    assert measure.to_tell_since


def test_nobody_seconds_or_refuses_their_own(case, agent):
    measure = taken(case, agent, "block")
    for act in (malicious.second, malicious.refuse):
        with pytest.raises(measures.SecondMustBeAnother):
            act(measure=measure, by=agent)
    assert Measure.objects.get().state == "proposed"


def test_the_second_person_may_refuse(case, agent, colleague):
    measure = taken(case, agent, "block")
    malicious.refuse(measure=measure, by=colleague, why="Rude, not malicious")
    assert (measure.state, measure.to_tell_since) == ("refused", None)
    assert taken(case, agent, "block").pk != measure.pk  # it may be proposed again


def test_a_measure_is_taken_once_per_message(case, agent, colleague):
    taken(case, agent)
    with pytest.raises(measures.TakenAlready):
        taken(case, colleague)


@pytest.mark.parametrize(("kind", "reason"), [("mute", ""), ("", "spam"), ("shoot", "spam")])
def test_without_a_reason_nothing_is_done(case, agent, kind, reason):
    with pytest.raises(measures.NoReason):
        taken(case, agent, kind, reason)


def test_our_own_words_are_not_malicious(case, agent):
    ours = factories.DeliveryFactory(case=case, by=agent).message
    with pytest.raises(measures.OurOwnWords):
        malicious.take(case=case, message=ours, kind="hide", reason="spam", by=agent)


def test_a_message_of_another_case_is_not_dealt_with_here(case, agent):
    with pytest.raises(malicious.NotInThisCase):
        malicious.take(
            case=case, message=first(factories.CaseFactory()), kind="hide", reason="spam", by=agent
        )  # fmt: skip


def test_leads_hear_of_one_that_waits(case, agent, lead):
    taken(case, agent, "report")
    notice = Notice.objects.get(user=lead)
    assert "It waits for a second person" in notice.text
    assert notice.url.startswith(reverse("cases:malicious"))
    assert not Notice.objects.filter(user=agent).exists()


def test_everything_stands_in_the_log_of_the_case(case, agent, colleague):
    measure = taken(case, agent, "block")
    malicious.second(measure=measure, by=colleague)
    malicious.lift(measure=measure, by=agent, why="They said sorry")
    assert verbs(case) == ["block proposed", "author blocked", "measure lifted"]


# --- nothing is dropped


def test_a_muted_author_calls_nobody_and_is_read_all_the_same(case, agent):
    taken(case, agent)
    later = more_from(case, thread=elsewhere(case))
    assert later.state == "aside"
    assert first(later).text == "Buy followers now"
    assert not Case.objects.needing_us().exists()
    assert later in Case.objects.unresolved()


def test_the_case_it_was_said_in_is_set_aside_where_nobody_has_it(case, agent):
    taken(case, agent)
    case.refresh_from_db()
    assert case.state == "aside"


def test_a_case_somebody_has_stays_theirs(case, agent, colleague):
    assignment.take(case=case, by=colleague)
    taken(case, agent)
    assert more_from(case).state == "open"


def test_what_waits_for_the_customer_is_set_aside_by_their_next_words(case, agent):
    taken(case, agent)
    Case.objects.update(state="waiting", owner=None)
    assert more_from(case).state == "aside"


def test_a_resolved_case_does_not_come_back_to_who_had_it(case, agent):
    taken(case, agent)
    factories.resolved(case, agent)
    assert more_from(case).state == "aside"


def test_somebody_else_of_that_customer_calls_us(case, agent):
    taken(case, agent)
    other = factories.IdentityFactory()
    factories.IdentityLinkFactory(identity=other, customer=case.customer)
    assert more_from(case, identity=other).state == "new"


def test_on_another_channel_they_are_not_muted(case, agent):
    taken(case, agent)
    thread = factories.ThreadFactory(channel=factories.ChannelFactory(team=case.team))
    assert more_from(case, thread=thread).state == "new"


def test_a_set_aside_case_can_be_taken_and_worked(case, agent):
    taken(case, agent)
    assert assignment.take(case=case, by=agent).state == "open"


def test_cases_set_aside_stand_in_a_view_of_their_own(case, agent, as_user):
    taken(case, agent)
    client = as_user(agent)
    assert case.subject not in client.get(reverse("cases:queue")).content.decode()
    page = client.get(reverse("cases:queue"), {"state": "aside"}).content.decode()
    assert case.subject in page
    assert "Set aside" in page


# --- taken back


def test_lifting_a_mute_brings_the_cases_back(case, agent):
    measure = taken(case, agent)
    later = more_from(case, thread=elsewhere(case))
    malicious.lift(measure=measure, by=agent, why="A mistake")
    assert {c.state for c in (case, later) if not c.refresh_from_db()} == {"new"}
    assert verbs(later) == ["brought back"]
    assert more_from(case, thread=elsewhere(case)).state == "new"


def test_not_as_long_as_they_are_muted_for_something_else(case, agent):
    measure = taken(case, agent)
    later = more_from(case, thread=elsewhere(case))
    taken(later, agent)
    malicious.lift(measure=measure, by=agent, why="A mistake")
    later.refresh_from_db()
    assert later.state == "aside"


def test_lifting_needs_a_reason_but_taking_back_at_once_does_not(case, agent, colleague):
    measure = taken(case, agent, "hide")
    with pytest.raises(measures.NoReason):
        malicious.lift(measure=measure, by=colleague)
    malicious.lift(measure=measure, by=agent)
    assert measure.state == "lifted"
    with pytest.raises(measures.NotWaiting, match="This is lifted by now"):
        malicious.lift(measure=measure, by=agent, why="Again")


def test_a_hidden_message_is_folded_and_says_who_and_why(case, agent, as_user):
    measure = taken(case, agent, "hide", "abuse")
    url = reverse("cases:conversation", args=[case.pk])
    page = as_user(agent).get(url).content.decode()
    assert '<details class="folded">' in page
    assert f"Hidden by {agent}: Abuse or hate" in page
    assert first(case).text in page  # it can be opened
    malicious.lift(measure=measure, by=agent)
    assert "folded" not in as_user(agent).get(url).content.decode()
    assert conversation.of_case(case).entries


# --- on the network


def told(measure):
    measures.tell(measure.pk)
    measure.refresh_from_db()
    return measure


def test_the_network_does_it_and_undoes_it(simulated, agent, colleague, lead):  # noqa: F811
    case = simulated.says("spam.bot", "Buy followers now")
    store, post = simulated.store, first(case)
    hidden, blocked, reported = (taken(case, agent, kind) for kind in ("hide", "block", "report"))
    for measure in (blocked, reported):
        malicious.second(measure=measure, by=colleague)
    for measure in (hidden, blocked, reported):
        assert told(measure).told_at
        told(measure)  # twice is once
    assert store.moderated("hide") == {post.external_id}
    assert store.moderated("block") == store.moderated("report") == {post.identity.value}
    for measure in (hidden, blocked, reported):
        malicious.lift(measure=measure, by=lead, why="A mistake")
        assert (told(measure).told_at, measure.to_tell_since) == (None, None)
    assert not any(store.moderated(kind) for kind in ("hide", "block", "report"))


def test_muting_is_ours_alone(simulated, agent):  # noqa: F811
    case = simulated.says("spam.bot", "Buy followers now")
    assert taken(case, agent).to_tell_since is None


def test_what_the_network_says_is_kept_and_it_is_asked_again(simulated, agent, nudges):  # noqa: F811
    case = simulated.says("spam.bot", "Buy followers now")
    measure = taken(case, agent, "hide")
    simulated.simulator.faults.order(Order(Fault.BUSY, on="moderation"))
    assert told(measure).trouble == "The simulator is busy (status 503)."
    assert measure.to_tell_since
    assert told(measure).told_at
    assert measure.trouble == ""


def test_what_it_refuses_is_not_asked_again(simulated, agent):  # noqa: F811
    case = simulated.says("spam.bot", "Buy followers now")
    measure = taken(case, agent, "hide")
    simulated.simulator.faults.order(Order(Fault.REFUSE, on="moderation"))
    assert "refused" in told(measure).trouble
    assert not Measure.objects.to_tell().exists()


def test_the_sweep_finds_what_was_not_told(case, agent, nudges, django_capture_on_commit_callbacks):
    measure = taken(case, agent, "hide")
    with django_capture_on_commit_callbacks(execute=True):
        measures.sweep()
    assert nudges[-1] == (measures.JOB, measure.pk)


def test_a_network_that_cannot_is_not_asked(connect, team, agent):  # noqa: F811
    connect(FakePlatform(Idempotency.NATIVE))
    case = factories.CaseFactory(channel=factories.ChannelFactory(platform="fake", team=team))
    measure = taken(case, agent, "hide")
    assert (measure.state, measure.to_tell_since) == ("in_force", None)


def test_one_that_was_lifted_before_the_network_was_told_is_undone_there_too(case, agent):
    measure = taken(case, agent, "hide")
    malicious.lift(measure=measure, by=agent)
    assert measure.to_tell_since  # the first request may be under way


# --- two at once


def race(*acts):
    """Run them at the same moment, each on a connection of its own. What each came to."""
    line = Barrier(len(acts), timeout=60)

    def run(act):
        line.wait()
        try:
            act()
        except Refused as refusal:
            return type(refusal)
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_second_at_once_one_does(case, agent, colleague, lead):
    for _ in range(5):
        measure = taken(case, agent, "block")
        came = race(
            lambda m=measure: malicious.second(measure=Measure.objects.get(pk=m.pk), by=colleague),
            lambda m=measure: malicious.second(measure=Measure.objects.get(pk=m.pk), by=lead),
        )
        assert sorted(came, key=str) == sorted([None, measures.NotWaiting], key=str)
        measure.refresh_from_db()
        assert measure.seconded_by in (colleague, lead)
        malicious.lift(measure=measure, by=lead, why="Next round")


@pytest.mark.django_db(transaction=True)
def test_seconding_against_lifting_ends_lifted_and_undone(case, agent, colleague):
    for _ in range(5):
        measure = taken(case, agent, "block")
        came = race(
            lambda m=measure: malicious.second(measure=Measure.objects.get(pk=m.pk), by=colleague),
            lambda m=measure: malicious.lift(measure=Measure.objects.get(pk=m.pk), by=agent, why="No"),
        )
        measure.refresh_from_db()
        assert measure.state == "lifted"
        assert came[1] is None
        assert came[0] in (None, measures.NotWaiting)
        assert bool(measure.to_tell_since) is (came[0] is None)  # told to undo only where it may have been done


# --- the pages


def test_the_form_beside_a_message_does_it_and_can_be_undone(case, agent, as_user):
    client, url = as_user(agent), reverse("cases:measure", args=[first(case).pk])
    form = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in form
    assert f'hx-post="{url}"' in form
    answer = client.post(url, {"kind": "mute", "reason": "spam"}, headers={"HX-Request": "true"}).content.decode()
    undo = reverse("cases:measure_lift", args=[Measure.objects.get().pk])
    assert f'hx-post="{undo}"' in answer
    assert client.post(undo, headers={"HX-Request": "true"}).status_code == 200
    assert Measure.objects.get().state == "lifted"


def test_a_form_without_a_reason_is_refused(case, agent, as_user):
    client, url = as_user(agent), reverse("cases:measure", args=[first(case).pk])
    assert client.post(url, {"kind": "mute"}).status_code == 422
    assert client.post(url, {"kind": "mute"}, headers={"HX-Request": "true"}).status_code == 422
    assert not Measure.objects.exists()


def test_the_list_shows_what_waits_first_and_filters(case, agent, colleague, as_user):
    taken(case, agent, "hide")
    waits = taken(case, agent, "block")
    client, url = as_user(colleague), reverse("cases:malicious")
    page = client.get(url).content.decode()
    assert page.index("Waiting for a second person") < page.index("What was done")
    assert reverse("cases:measure_second", args=[waits.pk]) in page
    assert "Hide the message" not in rows(client.get(url, {"state": "proposed"}))
    assert "Block the author" not in rows(client.get(url, {"kind": "hide"}))


def rows(response):
    page = response.content.decode()
    return page[page.index('<ul class="malicious">') :]


def test_one_seconds_from_the_list_and_a_refusal_is_a_sentence(case, agent, colleague, as_user):
    measure = taken(case, agent, "block")
    url = reverse("cases:measure_second", args=[measure.pk])
    page = as_user(agent).post(url, follow=True).content.decode()
    assert "a second person has to look at it" in page
    assert "It holds now." in as_user(colleague).post(url, follow=True).content.decode()


def test_an_agent_sees_measures_of_their_own_cases_only(case, agent, stranger, as_user):
    measure = taken(case, agent, "block")
    client = as_user(stranger)
    assert case.identity.label not in client.get(reverse("cases:malicious")).content.decode()
    for name in ("measure_second", "measure_refuse", "measure_lift"):
        assert client.post(reverse(f"cases:{name}", args=[measure.pk])).status_code == 404


@pytest.mark.parametrize("size", [1, 20])
def test_a_long_list_asks_no_more_than_a_short_one(channel, lead, agent, as_user, size, django_assert_max_num_queries):
    for _ in range(size):
        case = factories.CaseFactory(channel=channel)
        taken(case, agent, "block")
        taken(case, agent, "hide")
    client = as_user(lead)
    client.get(reverse("cases:malicious"))
    with django_assert_max_num_queries(10):
        assert client.get(reverse("cases:malicious")).status_code == 200


def test_leads_take_the_list_away(case, agent, lead, as_user):
    taken(case, agent, "hide", detail="Third time")
    response = as_user(lead).get(reverse("cases:malicious_export"), {"as": "csv", "query": "kind=hide"})
    table = b"".join(response.streaming_content).decode()
    assert "Third time" in table
    assert str(case.pk) in table
    assert Message.objects.count() == 1
