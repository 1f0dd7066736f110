"""Who moved between two waves and what lay in between: against a naive count, at the edges, and on its page."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from datetime import timedelta
from statistics import mean, variance

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.models import CaseMessage
from surveys import movement
from surveys.between import Asked, Place
from surveys.models import Flag, SurveySettings
from surveys.movement import Mean
from surveys.segments import Cut
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now()
CALM = settings(
    max_examples=12, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
OPENED = NOW - timedelta(days=240)  # the first wave; people answer on its second day, and on that of the last one
LAST = 182


def day(n):
    return OPENED + timedelta(days=n)


@pytest.fixture
def waves(db):
    SurveySettings.objects.create(pk=1, least=2)
    first = factories.WaveFactory(opens_at=OPENED, name="Spring")
    return first, factories.WaveFactory(opens_at=day(LAST), version=first.version, name="Autumn")


@pytest.fixture
def both(waves):
    return Asked(*waves)


class Crowd:
    """Makes people, and what happens to them, with few rows."""

    def __init__(self, waves):
        self.waves = waves
        self.channel = factories.ChannelFactory()
        self.agent, self.colleague = factories.UserFactory(), factories.UserFactory()
        self.causes = [factories.CauseFactory(), factories.CauseFactory()]

    def person(self, first=None, last=None):
        """`first` and `last`: a score, "silent" for no answer, None for who was not asked."""
        customer = factories.CustomerFactory()
        self.identity = factories.IdentityFactory(customer=customer)
        for wave, said, at in zip(self.waves, (first, last), (day(1), day(LAST + 1)), strict=True):
            if said is not None:
                self._asked(customer, wave, said, at)
        return customer

    def _asked(self, customer, wave, said, at):
        if said == "silent":
            factories.InvitationFactory(customer=customer, wave=wave, state="expired", sent_at=at, ended_at=at)
            return
        factories.ResponseFactory(
            invitation__customer=customer, invitation__wave=wave, score=said, started_at=at, finished_at=at,
            invitation__sent_at=wave.opens_at,
        )  # fmt: skip

    def case(self, customer, *, said=(), handed=(), pending=(), returned=(), broken=(), cause=None):
        """`said`: (day, mood) of each message; hand-overs by how they ended, and promises broken, by day."""
        case = factories.CaseFactory(
            customer=customer, channel=self.channel, identity=self.identity, message=False, owner=self.agent,
            state="open", cause=cause, opened_at=day(0),
        )  # fmt: skip
        for at, mood in said:
            CaseMessage.objects.create(case=case, message=self.message(at, mood, thread=case.thread))
        for at in handed:
            self._handed(case, state="accepted", decided_at=day(at), decided_by=self.colleague)
        for at in returned:
            self._handed(case, state="returned", decided_at=day(at), decided_by=self.colleague, why="No time")
        for at in pending:
            self._handed(case, at=day(at))
        for at in broken:
            factories.ClockFactory(
                case=case, running_since=None, due_at=None, risk_at=None, started_at=day(0), broken_at=day(at),
                ended_at=day(at), end="broken",
            )  # fmt: skip
        return case

    def _handed(self, case, **facts):
        factories.HandOverFactory(case=case, by=self.agent, to=self.colleague, **facts)

    def message(self, at, mood="negative", **facts):
        facts.setdefault("thread", None)
        thread = facts.pop("thread") or factories.ThreadFactory(channel=self.channel)
        return factories.MessageFactory(
            identity=self.identity, occurred_at=day(at), sentiment=mood, thread=thread, **facts
        )


@pytest.fixture
def crowd(waves):
    return Crowd(waves)


def counts(found):
    return {(was.value, became.value): cell.people for (was, became), cell in found.cells.items()}


# --- who stands where


def test_each_person_stands_in_one_place_of_each_wave(crowd, both):
    for first, last in ((9, 10), (10, 7), (9, 0), (8, 9), (6, 6), (9, "silent"), (None, 3), ("silent", 8)):
        crowd.person(first, last)
    found = movement.movement(both)
    assert counts(found) == {
        ("promoter", "promoter"): 1, ("promoter", "passive"): 1, ("promoter", "detractor"): 1,
        ("passive", "promoter"): 1, ("detractor", "detractor"): 1, ("promoter", "silent"): 1,
        ("unasked", "detractor"): 1, ("silent", "passive"): 1,
    }  # fmt: skip
    assert (found.people, found.up, found.down, found.stayed) == (5, 1, 2, 2)


def test_who_answered_neither_wave_is_nowhere(crowd, both):
    crowd.person("silent", "silent")
    crowd.person("silent", None)
    crowd.person()
    assert movement.movement(both).cells == {}


def test_who_was_never_sent_their_invitation_was_not_asked(crowd, both):
    customer = crowd.person(None, 9)
    factories.InvitationFactory(
        customer=customer, wave=both.first, state="cancelled", sent_at=None, ended_at=NOW, reason="No address"
    )
    assert counts(movement.movement(both)) == {("unasked", "promoter"): 1}


def test_an_answer_that_looks_wrong_is_none_until_it_is_asked_for(crowd, waves, both):
    customer = crowd.person(9, 3)
    Flag.objects.create(response=customer.invitations.get(wave=both.last).response, kind="fast", why="Too fast.")
    assert counts(movement.movement(both)) == {("promoter", "silent"): 1}
    assert counts(movement.movement(Asked(*waves, Cut(trusted=False)))) == {("promoter", "detractor"): 1}


def test_people_of_one_country_can_be_looked_at_alone(crowd, waves):
    crowd.person(9, 9)
    german = crowd.person(9, 3)
    type(german).objects.filter(pk=german.pk).update(country="DE")
    assert counts(movement.movement(Asked(*waves, Cut(country="DE")))) == {("promoter", "detractor"): 1}


def test_fewer_people_than_the_smallest_base_show_nothing(crowd, both):
    crowd.person(9, 3)
    found = movement.movement(both)
    assert not found.shown
    assert not found.cell(Place.PROMOTER, Place.DETRACTOR).shown
    crowd.person(9, 3)
    found = movement.movement(both)
    assert found.shown
    assert found.cell(Place.PROMOTER, Place.DETRACTOR).shown


# --- what they lived through


def test_ten_angry_messages_of_one_case_are_one_bad_experience(crowd, both):
    customer = crowd.person(9, 7)
    crowd.case(customer, said=[(20 + n, "negative") for n in range(10)], cause=crowd.causes[0])
    cell = movement.movement(both).cell(Place.PROMOTER, Place.PASSIVE)
    assert (cell.bad.total, cell.several, cell.no_longer_delighted) == (1, 0, 1)
    assert [(because.cause, because.n) for because in cell.causes] == [(crowd.causes[0], 1)]


def test_a_conversation_without_a_case_is_one_experience(crowd, both):
    crowd.person(9, 7)
    thread = factories.ThreadFactory(channel=crowd.channel)
    crowd.message(20, thread=thread)
    crowd.message(21, thread=thread)
    crowd.message(40)
    cell = movement.movement(both).cell(Place.PROMOTER, Place.PASSIVE)
    assert (cell.bad.total, cell.several, cell.no_longer_delighted) == (2, 1, 0)
    assert [(because.cause, because.n) for because in cell.causes] == [(None, 2)]


def test_only_what_lies_between_a_persons_two_answers_counts(crowd, both):
    customer = crowd.person(9, 3)
    days = (0, 1, LAST + 1, LAST + 2)  # they answered on days 1 and LAST + 1
    for at in days:
        crowd.case(customer, said=[(at, "negative")], handed=[at], broken=[at])
    cell = movement.movement(both).cell(Place.PROMOTER, Place.DETRACTOR)
    assert (cell.bad.total, cell.handed.total, cell.broken.total) == (1, 1, 1)


def test_what_is_not_negative_or_not_theirs_or_not_accepted_does_not_count(crowd, both):
    customer = crowd.person(9, 3)
    crowd.case(customer, said=[(9, "positive"), (10, "neutral"), (11, "unknown")], pending=[12])
    crowd.message(13, direction="out", sent_by=crowd.agent)
    factories.MessageFactory(occurred_at=day(14))
    perhaps = factories.IdentityFactory()
    factories.IdentityLinkFactory(identity=perhaps, customer=customer, state="proposed")
    factories.MessageFactory(identity=perhaps, occurred_at=day(14))
    crowd.case(customer, returned=[15])
    cell = movement.movement(both).cell(Place.PROMOTER, Place.DETRACTOR)
    assert (cell.bad.total, cell.handed.total, cell.broken.total) == (0, 0, 0)


def test_no_longer_delighted_are_only_promoters_who_became_passive(crowd, both):
    crowd.person(9, 7)
    crowd.person(9, 3)
    crowd.person(8, 3)
    found = movement.movement(both)
    assert [cell.no_longer_delighted for cell in found.same if cell.no_longer_delighted] == [1]
    assert found.no_longer_delighted == 1


@given(st.lists(st.integers(0, 9), min_size=2, max_size=60))
def test_a_mean_has_the_interval_of_a_mean(values):
    found = Mean(len(values), sum(values), sum(value * value for value in values))
    reach = 1.959964 * math.sqrt(variance(values) / len(values))
    assert found.mean == pytest.approx(mean(values), abs=0.006)
    assert found.low == pytest.approx(max(0, mean(values) - reach), abs=0.006)
    assert found.high == pytest.approx(mean(values) + reach, abs=0.006)


# --- the people of a cell


def test_a_cell_leads_to_its_people_and_to_what_each_lived_through(crowd, both):
    lucky = crowd.person(9, 7)
    unlucky = crowd.person(9, 7)
    crowd.case(unlucky, said=[(20, "negative")], handed=[21, 22], broken=[23])
    crowd.case(unlucky, said=[(30, "negative")])
    crowd.person(9, 9)
    everybody = movement.people(both, Place.PROMOTER, Place.PASSIVE)
    assert set(everybody) == {lucky, unlucky}
    assert list(movement.people(both, Place.PROMOTER, Place.PASSIVE, "several")) == [unlucky]
    assert list(movement.people(both, Place.PROMOTER, Place.PASSIVE, "few")) == [lucky]
    facts = movement.lived(both, [lucky.pk, unlucky.pk])
    assert [(f.bad, f.handed, f.broken) for f in (facts[lucky.pk], facts[unlucky.pk])] == [(0, 0, 0), (2, 2, 1)]
    assert facts[lucky.pk].since == day(1)


# --- against a naive count

SAID = st.sampled_from([None, "silent", 0, 3, 6, 7, 8, 9, 10])
DAY = st.integers(-3, LAST + 10)
CASE = st.fixed_dictionaries({
    "said": st.lists(st.tuples(DAY, st.sampled_from(["negative", "negative", "positive", "neutral"])), max_size=3),
    "handed": st.lists(DAY, max_size=2), "broken": st.lists(DAY, max_size=2), "cause": st.sampled_from([None, 0, 1]),
})  # fmt: skip
PERSON = st.fixed_dictionaries({
    "first": SAID, "last": SAID, "cases": st.lists(CASE, max_size=3), "loose": st.lists(DAY, max_size=2),
})  # fmt: skip


def naive(people):
    """The same worked out by hand: (was, became) → [people, several, bad, handed, broken, causes]."""
    cells = {}
    for person in people:
        places = [_place(person["first"]), _place(person["last"])]
        if all(place in ("silent", "unasked") for place in places):
            continue
        # a wave without an answer of theirs lasts from its opening to its close
        since = 1 if isinstance(person["first"], int) else 0
        until = LAST + 1 if isinstance(person["last"], int) else LAST + 21
        bad, handed, broken, causes = 0, 0, 0, Counter()
        for case in person["cases"]:
            if any(mood == "negative" and since < at <= until for at, mood in case["said"]):
                bad += 1
                causes[case["cause"]] += 1
            handed += sum(since < at <= until for at in case["handed"])
            broken += sum(since < at <= until for at in case["broken"])
        for at in person["loose"]:
            if since < at <= until:
                bad += 1
                causes[None] += 1
        cell = cells.setdefault(tuple(places), [0, 0, [], [], [], Counter()])
        cell[0] += 1
        cell[1] += bad >= 2
        for sums, n in zip(cell[2:5], (bad, handed, broken), strict=True):
            sums.append(n)
        cell[5] += causes
    return cells


def _place(said):
    if said is None or said == "silent":
        return said or "unasked"
    return "promoter" if said > 8 else "passive" if said > 6 else "detractor"


@CALM
@given(people=st.lists(PERSON, min_size=1, max_size=10))
def test_all_cells_agree_with_a_naive_count(people, crowd, waves):
    first = factories.WaveFactory(opens_at=OPENED, version=waves[0].version)
    last = factories.WaveFactory(opens_at=day(LAST), version=waves[0].version)
    crowd.waves = (first, last)
    for person in people:
        customer = crowd.person(person["first"], person["last"])
        for case in person["cases"]:
            cause = None if case["cause"] is None else crowd.causes[case["cause"]]
            crowd.case(customer, **{**case, "cause": cause})
        for at in person["loose"]:
            crowd.message(at)
    asked = Asked(first, last)
    found, expected = movement.movement(asked), naive(people)
    assert counts(found) == {where: cell[0] for where, cell in expected.items()}
    for where, (n, several, bad, handed, broken, causes) in expected.items():
        cell = found.cell(*map(Place, where))
        assert (cell.people, cell.several) == (n, several)
        for got, values in ((cell.bad, bad), (cell.handed, handed), (cell.broken, broken)):
            assert (got.n, got.total, got.squares) == (n, sum(values), sum(value * value for value in values))
        named = {because.cause and crowd.causes.index(because.cause): because.n for because in cell.causes}
        assert named == dict(causes)
        assert movement.people(asked, cell.was, cell.became).count() == n
        assert movement.people(asked, cell.was, cell.became, "several").count() == several


# --- the pages


@pytest.fixture
def executive(db):
    return factories.UserFactory(role="executive")


def moved(crowd, n):
    """`n` promoters who became passive after two bad experiences, with a hand-over; and `n` who stayed after none."""
    for _ in range(n):
        unlucky = crowd.person(9, 7)
        crowd.case(unlucky, said=[(20, "negative")], handed=[21], broken=[22], cause=crowd.causes[0])
        crowd.case(unlucky, said=[(30, "negative")], cause=crowd.causes[1])
        crowd.person(10, 9)


def read(response):
    return list(csv.DictReader(b"".join(response.streaming_content).decode("utf-8-sig").splitlines()))


def test_flow_table_and_file_carry_the_same_numbers(crowd, executive, as_user):
    moved(crowd, 3)
    client = as_user(executive)
    page = client.get("/surveys/results/movement/")
    found, flow = page.context["found"], page.context["flow"]
    fell, stayed = found.cell(Place.PROMOTER, Place.PASSIVE), found.cell(Place.PROMOTER, Place.PROMOTER)
    assert {(band.source, band.target): band.people for band in flow.bands} == counts(found)
    assert (fell.people, fell.bad.mean, fell.handed.mean, fell.broken.mean) == (3, 2.0, 1.0, 1.0)
    assert (stayed.people, stayed.bad.mean) == (3, 0.0)
    [row] = page.context["picture"].rows
    assert row.of is fell
    assert row.beside == 0
    lines = {(each["from"], each["to"]): each for each in read(client.get("/surveys/results/movement/export/"))}
    line = lines["Promoter", "Passive"]
    assert (line["people"], line["several bad experiences"], line["bad experiences a person"]) == ("3", "3", "2.0")
    assert line["causes"] == "; ".join(f"{cause}: 3" for cause in crowd.causes)


def test_a_number_leads_to_its_people(crowd, executive, as_user):
    moved(crowd, 3)
    client = as_user(executive)
    words = client.get("/surveys/results/movement/").content.decode().replace("&amp;", "&")
    addresses = re.findall(r'href="(/surveys/results/movement/people/\?[^"]+)"', words)
    [several] = [address for address in addresses if "became=passive" in address and "why=several" in address]
    people = client.get(several)
    assert len(people.context["rows"]) == 3
    assert {(lived.scored, lived.scores, lived.bad) for _customer, lived in people.context["rows"]} == {(9, 7, 2)}
    for address in addresses:
        assert client.get(address).status_code == 200


def test_the_people_can_be_taken_away_as_a_file_by_who_leads(crowd, lead, as_user):
    moved(crowd, 2)
    lines = read(as_user(lead).get("/surveys/results/movement/people/export/?was=promoter&became=promoter"))
    assert [(each["score before"], each["score after"], each["bad experiences"]) for each in lines] == [
        ("10", "9", "0")
    ] * 2


def test_the_earlier_wave_comes_first_whichever_way_they_are_chosen(crowd, waves, lead, as_user):
    moved(crowd, 2)
    first, last = waves
    page = as_user(lead).get(f"/surveys/results/movement/?before={last.pk}&wave={first.pk}")
    assert (page.context["found"].asked.first, page.context["found"].asked.last) == waves


def test_waves_of_different_kinds_are_not_compared(waves, lead, as_user):
    pulse = factories.WaveFactory(version=factories.sent_version(survey__kind="pulse"), opens_at=day(90))
    page = as_user(lead).get(f"/surveys/results/movement/?wave={pulse.pk}")
    assert "There are no two waves of one kind to compare yet." in page.content.decode()
    page = as_user(lead).get(f"/surveys/results/movement/?wave={waves[1].pk}&before={pulse.pk}")
    assert page.context["form"].pair == waves


def test_too_few_people_are_told_and_no_figure_of_them(crowd, lead, as_user):
    crowd.person(9, 7)
    page = as_user(lead).get("/surveys/results/movement/")
    assert "1 person has answered both waves: too few." in page.content.decode()
    assert read(as_user(lead).get("/surveys/results/movement/export/")) == []


def test_one_wave_alone_shows_no_movement_and_no_error(db, lead, as_user):
    factories.WaveFactory()
    client = as_user(lead)
    assert "There are no two waves" in client.get("/surveys/results/movement/").content.decode()
    assert "Nobody went this way." in client.get("/surveys/results/movement/people/").content.decode()
    assert read(client.get("/surveys/results/movement/people/export/")) == []


@pytest.mark.parametrize("path", ["", "people/?was=promoter&became=passive"])
def test_the_pages_cost_the_same_however_many_moved(path, crowd, lead, as_user):
    def cost():
        client = as_user(lead)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/surveys/results/movement/{path}").status_code == 200
        return len(queries)

    moved(crowd, 2)
    few = cost()
    moved(crowd, 20)
    assert cost() == few


def test_a_long_list_of_people_goes_on_by_itself(crowd, lead, as_user):
    for _ in range(51):
        crowd.person(9, 9)
    client = as_user(lead)
    page = client.get("/surveys/results/movement/people/?was=promoter&became=promoter").context["page"]
    more = client.get(f"/surveys/results/movement/people/?{page.next_query}", headers={"HX-Request": "true"})
    assert (len(page.rows), len(more.context["rows"])) == (50, 1)
    assert "<html" not in more.content.decode()
