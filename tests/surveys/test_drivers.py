"""Who praises and who criticises what: against a naive count, at the edges, and on its page."""

from __future__ import annotations

import csv
import math
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels_app import naming
from surveys import drivers
from surveys.drivers import Asked, Likelier, Share, Source
from surveys.models import Flag, SurveySettings, Tone, Topic
from surveys.segments import Cut
from tests import factories

pytestmark = pytest.mark.django_db
NOW = timezone.now()
CALM = settings(
    max_examples=15, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
WORDS = {
    "product": "The seats of this train.", "price": "The price of a ticket.", "relationship": "Our account manager.",
    "support": "Your customer service.", "": "Hello to you.",
}  # fmt: skip


@pytest.fixture
def wave(db):
    SurveySettings.objects.create(pk=1, least=2)
    return factories.WaveFactory(opens_at=NOW - timedelta(days=10))


def answered(wave, score, *, themes=(), messages=(), weight=1.0):
    """Somebody of the wave: `themes` are (topic, tone), `messages` (topic, mood)."""
    response = factories.ResponseFactory(invitation__wave=wave, invitation__weight=weight, score=score)
    if themes:
        answer = factories.AnswerFactory(response=response)
        for topic, tone in themes:
            factories.ThemeFactory(answer=answer, topic=topic, tone=tone)
    for topic, mood in messages:
        wrote(response.invitation.customer, topic, mood)
    return response


def wrote(customer, topic, mood, *, days_ago=30, **facts):
    link = customer.links.first()
    identity = link.identity if link else factories.IdentityFactory(customer=customer)
    facts = {"text": WORDS[topic], "sentiment": mood, "occurred_at": NOW - timedelta(days=days_ago), **facts}
    message = factories.MessageFactory(identity=identity, **facts)
    naming.catch_up()
    return message


def line(found, tone, topic):
    [one] = [each for each in found.lines if (each.tone, each.topic) == (tone, topic)]
    return one


def counts(likelier):
    return likelier.tellers.said, likelier.tellers.people, likelier.others.said, likelier.others.people


# --- the ratio and its interval


def test_the_ratio_is_that_of_the_shares_with_the_interval_of_katz():
    """20 of 100 against 10 of 200: 4 times, ln 4 ± 1.96 · √(1/20 - 1/100 + 1/10 - 1/200)."""
    found = Likelier(Topic.PRICE, Tone.PRAISE, people(100, 20), people(200, 10), least=10)
    assert (found.ratio, found.low, found.high) == (4.0, 1.95, 8.22)
    assert found.certain
    assert not found.rounded


def test_where_nobody_else_said_it_half_a_person_did():
    found = Likelier(Topic.PRICE, Tone.PRAISE, people(20, 5), people(30, 0), least=10)
    assert found.rounded
    assert found.ratio == round((5.5 / 21) / (0.5 / 31), 2)
    assert 0 < found.low < found.ratio < found.high < math.inf


def test_where_everybody_said_it_the_interval_still_has_a_width():
    found = Likelier(Topic.PRICE, Tone.PRAISE, people(12, 12), people(15, 15), least=10)
    assert found.low < found.ratio < found.high


@pytest.mark.parametrize(
    ("tellers", "others", "shown"),
    [((9, 3), (50, 9), False), ((50, 9), (9, 3), False), ((10, 3), (10, 3), True), ((20, 0), (20, 0), False)],
)
def test_nothing_is_shown_of_too_few_people_or_where_nobody_said_it(tellers, others, shown):
    assert Likelier(Topic.PRICE, Tone.PRAISE, people(*tellers), people(*others), least=10).shown is shown


def people(n, said):
    return Share(n, said, float(n), float(said), float(n))


@given(
    tellers=st.lists(st.tuples(st.floats(1, 20), st.booleans()), min_size=1, max_size=40),
    others=st.lists(st.tuples(st.floats(1, 20), st.booleans()), min_size=1, max_size=40),
)
def test_with_weights_shares_are_weighted_and_bases_effective(tellers, others):
    """As a person would work it out by hand."""

    def told(rows):
        weights, saying = [weight for weight, _said in rows], [weight for weight, said in rows if said]
        return Share(len(rows), len(saying), sum(weights), sum(saying), sum(weight**2 for weight in weights))

    def by_hand(rows):
        whole = sum(weight for weight, _said in rows)
        return sum(weight for weight, said in rows if said) / whole, whole**2 / sum(weight**2 for weight, _said in rows)

    found = Likelier(Topic.PRICE, Tone.PRAISE, told(tellers), told(others), least=1)
    (p, m), (q, n) = by_hand(tellers), by_hand(others)
    half = 0.5 if p == 0 or q == 0 or (all(s for _w, s in tellers) and all(s for _w, s in others)) else 0
    a, b, m, n = p * m + half, q * n + half, m + 2 * half, n + 2 * half
    ratio, spread = (a / m) / (b / n), 1.959964 * math.sqrt(max(0, 1 / a - 1 / m + 1 / b - 1 / n))
    assert found.ratio == pytest.approx(ratio, abs=0.006, rel=1e-9)
    assert found.low == pytest.approx(math.exp(math.log(ratio) - spread), abs=0.006, rel=1e-6)
    assert found.high == pytest.approx(math.exp(math.log(ratio) + spread), abs=0.006, rel=1e-6)


# --- who said what


def test_promoters_who_praise_are_held_against_everybody_else(wave):
    for score in (9, 10, 9):
        answered(wave, score, themes=[("price", "praise")])
    answered(wave, 9)
    answered(wave, 7, themes=[("price", "praise")])
    answered(wave, 3)
    answered(wave, 8)
    found = line(drivers.drivers(Asked(Cut(wave))), Tone.PRAISE, Topic.PRICE)
    assert counts(found) == (3, 4, 1, 3)
    assert found.ratio == round((3 / 4) / (1 / 3), 2)


def test_detractors_who_criticise_are_held_against_everybody_else(wave):
    answered(wave, 0, themes=[("support", "criticism")])
    answered(wave, 6)
    answered(wave, 9, themes=[("support", "criticism"), ("support", "praise")][:1])
    answered(wave, 7)
    assert counts(line(drivers.drivers(Asked(Cut(wave))), Tone.CRITICISM, Topic.SUPPORT)) == (1, 2, 1, 2)


def test_a_message_of_the_same_person_counts_as_a_comment_does_and_nobody_counts_twice(wave):
    both = answered(wave, 9, themes=[("product", "praise")], messages=[("product", "positive")] * 2)
    wrote(both.invitation.customer, "price", "positive")
    answered(wave, 10)
    answered(wave, 2, messages=[("product", "negative")])
    answered(wave, 3)
    stranger = factories.IdentityFactory(customer=factories.CustomerFactory())
    factories.MessageFactory(identity=stranger, text=WORDS["product"], sentiment="positive")
    found = drivers.drivers(Asked(Cut(wave)))
    assert counts(line(found, Tone.PRAISE, Topic.PRODUCT)) == (1, 2, 0, 2)
    assert counts(line(found, Tone.PRAISE, Topic.PRICE)) == (1, 2, 0, 2)
    assert counts(line(found, Tone.CRITICISM, Topic.PRODUCT)) == (1, 2, 0, 2)
    assert (found.people, found.heard) == (4, 2)


def test_comments_and_messages_can_be_looked_at_alone(wave):
    answered(wave, 9, themes=[("product", "praise")])
    answered(wave, 9, messages=[("price", "positive")])
    comments, messages = (
        drivers.drivers(Asked(Cut(wave), Source.COMMENTS)),
        drivers.drivers(Asked(Cut(wave), Source.MESSAGES)),
    )
    assert [line(comments, Tone.PRAISE, topic).tellers.said for topic in (Topic.PRODUCT, Topic.PRICE)] == [1, 0]
    assert [line(messages, Tone.PRAISE, topic).tellers.said for topic in (Topic.PRODUCT, Topic.PRICE)] == [0, 1]


def test_what_was_written_long_before_or_after_or_by_us_or_under_a_proposed_link_does_not_count(wave):
    customer = answered(wave, 9).invitation.customer
    wrote(customer, "price", "positive", days_ago=183)
    wrote(customer, "price", "positive", days_ago=-1)
    wrote(customer, "price", "positive", direction="out", sent_by=factories.UserFactory())
    perhaps = factories.IdentityFactory()
    factories.IdentityLinkFactory(identity=perhaps, customer=customer, state="proposed")
    factories.MessageFactory(identity=perhaps, text=WORDS["price"], sentiment="positive")
    assert drivers.drivers(Asked(Cut(wave))).heard == 0
    wrote(customer, "price", "positive", days_ago=181)
    assert drivers.drivers(Asked(Cut(wave))).heard == 1


def test_a_theme_that_was_taken_away_is_not_said(wave):
    response = answered(wave, 9, themes=[("price", "praise")])
    response.answers.get().themes.update(dropped_at=NOW, decided_at=NOW, decided_by=factories.UserFactory())
    assert drivers.drivers(Asked(Cut(wave))).heard == 0


def test_answers_that_look_wrong_count_only_where_they_are_asked_for(wave):
    Flag.objects.create(response=answered(wave, 9, themes=[("price", "praise")]), kind="fast", why="Too fast.")
    answered(wave, 9)
    assert drivers.drivers(Asked(Cut(wave))).people == 1
    assert drivers.drivers(Asked(Cut(wave, trusted=False))).people == 2


# --- against a naive count

PERSON = st.fixed_dictionaries({
    "score": st.integers(0, 10),
    "weight": st.sampled_from([1.0, 2.0, 3.5]),
    "themes": st.sets(st.sampled_from([(t, w) for t in Topic.values for w in ("praise", "criticism")]), max_size=3),
    "messages": st.lists(
        st.tuples(st.sampled_from([*WORDS]), st.sampled_from(["positive", "negative", "neutral"])), max_size=3
    ),
})  # fmt: skip


@CALM
@given(crowd=st.lists(PERSON, min_size=1, max_size=14))
def test_all_figures_agree_with_a_naive_count(wave, crowd):
    wave = factories.WaveFactory(version=wave.version, opens_at=wave.opens_at)
    for person in crowd:
        themes = {topic: (topic, tone) for topic, tone in sorted(person["themes"])}  # a comment has a topic once
        person["themes"] = set(themes.values())
        answered(wave, person["score"], themes=person["themes"], messages=person["messages"], weight=person["weight"])
    found = drivers.drivers(Asked(Cut(wave)))
    for tone, mood, teller in (
        ("praise", "positive", lambda s: s >= 9),
        ("criticism", "negative", lambda s: s <= 6),
    ):
        for topic in Topic.values:
            said = [(topic, tone) in p["themes"] or (topic, mood) in p["messages"] for p in crowd]
            ours = [n for n, person in enumerate(crowd) if teller(person["score"])]
            rest = [n for n in range(len(crowd)) if n not in ours]
            got = line(found, tone, topic)
            assert counts(got) == (sum(said[n] for n in ours), len(ours), sum(said[n] for n in rest), len(rest))
            weight = sum(crowd[n]["weight"] for n in ours)
            percent = 100 * sum(crowd[n]["weight"] for n in ours if said[n]) / weight if weight else 0
            assert got.tellers.percent == pytest.approx(percent, abs=0.051)


# --- the page


@pytest.fixture
def executive(db):
    return factories.UserFactory(role="executive")


def crowd_of(wave, n):
    """`n` promoters, half of whom praise the price, and `n` detractors, a quarter of whom do."""
    for one in range(n):
        answered(wave, 9, themes=[("price", "praise")] if one % 2 else [], messages=[("support", "positive")])
        answered(wave, 2, themes=[("price", "praise")] if one % 4 == 1 else [], messages=[("support", "negative")])


def read(response):
    return list(csv.DictReader(b"".join(response.streaming_content).decode("utf-8-sig").splitlines()))


def test_chart_table_and_file_carry_the_same_numbers(wave, executive, as_user):
    crowd_of(wave, 8)
    client = as_user(executive)
    page = client.get(f"/surveys/results/drivers/?wave={wave.pk}")
    [found] = [each for each in page.context["found"].praise if each.topic == "price"]
    [row] = [each for each in page.context["pictures"][0]["picture"].rows if each.of.topic == "price"]
    assert counts(found) == (4, 8, 2, 8)
    assert row.of is found
    assert row.low < row.x < row.high
    words = page.content.decode()
    assert words.count(f"{found.ratio:.2f}") >= 2  # beside the picture, and in the table
    lines = read(client.get(f"/surveys/results/drivers/export/?{page.context['query']}"))
    [line_of_file] = [each for each in lines if (each["topic"], each["what they do"]) == ("Price", "Praise")]
    figures = [line_of_file[name] for name in ("times likelier", "at least", "at most", "said it", "of them said it")]
    assert figures == [str(found.ratio), str(found.low), str(found.high), "4", "2"]


def test_each_topic_leads_to_the_comments_it_counts(wave, lead, as_user):
    crowd_of(wave, 8)
    client = as_user(lead)
    page = client.get(f"/surveys/results/drivers/?wave={wave.pk}&source=comments")
    address = f"/surveys/comments/?topic=price&tone=praise&group=promoter&wave={wave.pk}"
    assert address in page.content.decode().replace("&amp;", "&")
    assert len(client.get(address).context["page"].rows) == 4


def test_the_published_pattern_stands_beside_only_where_it_is_asked_for(wave, lead, as_user):
    crowd_of(wave, 8)
    client, url = as_user(lead), f"/surveys/results/drivers/?wave={wave.pk}"
    assert "published: 5×" not in client.get(url).content.decode()
    asked = client.get(f"{url}&reference=on")
    assert "published: 5×" in asked.content.decode()
    rows = {each.of.topic: each for each in asked.context["pictures"][0]["picture"].rows}
    assert rows["price"].beside is not None
    assert rows["support"].beside is None  # nobody has published any


def test_too_few_people_are_told_and_no_figure_of_them(wave, lead, as_user):
    SurveySettings.objects.update(least=10)
    crowd_of(wave, 8)
    page = as_user(lead).get(f"/surveys/results/drivers/?wave={wave.pk}").content.decode()
    assert "too few people, 8 against 8. It shows from 10 on each side." in page
    lines = read(as_user(lead).get(f"/surveys/results/drivers/export/?wave={wave.pk}"))
    assert {each["times likelier"] for each in lines} == {each["said it"] for each in lines} == {""}


def test_the_page_says_how_many_messages_are_still_to_be_read(wave, lead, as_user):
    crowd_of(wave, 8)
    client, url = as_user(lead), f"/surveys/results/drivers/?wave={wave.pk}"
    assert "still to be read" not in client.get(url).content.decode()
    customer = wave.invitations.first().customer
    factories.MessageFactory.create_batch(2, identity=customer.links.first().identity, text=WORDS["price"])
    assert "What 2 messages are about is still to be read." in client.get(url).content.decode()
    assert "still to be read" not in client.get(f"{url}&source=comments").content.decode()


def test_before_anybody_has_answered_the_page_says_what_to_do(db, lead, as_user):
    assert "Nobody has answered yet." in as_user(lead).get("/surveys/results/drivers/").content.decode()


def test_the_page_costs_the_same_whoever_said_whatever(wave, lead, as_user):
    def cost():
        client = as_user(lead)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/surveys/results/drivers/?wave={wave.pk}").status_code == 200
        return len(queries)

    crowd_of(wave, 1)
    few = cost()
    crowd_of(wave, 20)
    assert cost() == few
