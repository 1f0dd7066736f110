"""The page of results: what it shows, of whom, to whom, and what it costs."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from surveys import figures
from surveys.models import Invitation, SurveySettings
from tests import factories
from tests.surveys import naive
from tests.surveys.figured import answer, wave

pytestmark = pytest.mark.django_db
URL = "/surveys/results/"


@pytest.fixture
def executive(db):
    return factories.UserFactory(role="executive")


def shown(client, **query):
    page = client.get(URL, query)
    assert page.status_code == 200
    return page.context["figures"]


def words(page):
    return " ".join(page.content.decode().split())


def test_the_page_says_how_we_are_and_how_sure_that_is(as_user, executive):
    answers = answered_scores(wave("Spring", 30), [9] * 12 + [3] * 8)
    page = as_user(executive).get(URL)
    oracle = naive.nps([(score, 1.0) for score in answers])
    assert page.context["figures"].score.nps == round(oracle["nps"], 1) == 20.0
    assert "+20.0" in words(page)
    assert f"Between −{abs(round(oracle['low'], 1))} and +{round(oracle['high'], 1)}" in words(page)


def answered_scores(of, scores):
    for score in scores:
        answer(of, score)
    return scores


def test_below_the_smallest_base_no_figure_is_on_the_page(as_user, lead):
    answered_scores(wave("Spring", 30), [9] * 9)
    page = as_user(lead).get(URL)
    assert "9 answers: too few. Figures show from 10 on." in words(page)
    assert "+100" not in words(page)
    assert "100.0" not in words(page)


def test_leads_choose_the_smallest_base(as_user, lead):
    answered_scores(wave("Spring", 30), [9] * 9)
    SurveySettings.objects.create(pk=1, least=5)
    assert shown(as_user(lead)).score.nps == 100.0


def test_without_any_wave_the_page_says_what_to_do(as_user, lead):
    assert "Figures begin with the first answer" in words(as_user(lead).get(URL))


def test_the_newest_wave_that_says_something_is_shown_first(as_user, lead):
    old, new = wave("Spring", 200), wave("Autumn", 2)
    answered_scores(old, [9] * 10)
    answered_scores(new, [9] * 2)
    client = as_user(lead)
    assert shown(client).cut.wave == old
    assert shown(client, wave=new.pk).cut.wave == new
    assert shown(client, wave="nonsense").cut.wave == old
    answered_scores(new, [3] * 8)
    assert shown(client).cut.wave == new


def test_a_pulse_is_not_compared_with_half_yearly_waves(as_user, lead):
    half_yearly = wave("Spring", 30)
    pulse = wave("Pulse", 5, version=factories.sent_version(survey__kind="pulse"))
    answered_scores(half_yearly, [9] * 10)
    answered_scores(pulse, [1] * 10)
    client = as_user(lead)
    assert shown(client).cut.wave == half_yearly
    assert [point.name for point in shown(client).points] == ["Spring"]
    assert [point.name for point in shown(client, wave=pulse.pk).points] == ["Pulse"]


def test_a_change_is_called_one_only_beyond_chance(as_user, lead):
    spring, autumn = wave("Spring", 200), wave("Autumn", 20)
    answered_scores(spring, [9] * 10 + [3] * 10)
    answered_scores(autumn, [9] * 11 + [3] * 9)
    page = as_user(lead).get(URL)
    assert page.context["figures"].point.change.by == 10.0
    assert "+10.0 since Spring" in words(page)
    assert "Chance alone may do that." in words(page)
    answered_scores(autumn, [9] * 60)
    assert "Better, and more than chance would do." in words(as_user(lead).get(URL))


def test_a_change_skips_a_wave_of_which_nothing_is_shown(as_user, lead):
    for name, days, scores in (("First", 400, [9] * 10), ("Second", 200, [9]), ("Third", 20, [9] * 5 + [3] * 5)):
        answered_scores(wave(name, days), scores)
    found = shown(as_user(lead))
    assert (found.point.change.by, found.before.name) == (-100.0, "First")


def test_answers_can_be_cut_by_each_dimension(as_user, lead, cause):
    of, channel = wave("Spring", 30), factories.ChannelFactory(name="Post")
    account = factories.AccountFactory(name="Northwind")
    for _each in range(10):
        happy = answer(of, 10, country="GB", tier="key").invitation.customer
        answer(of, 0, country="DE")
        factories.StakeholderFactory(customer=happy, account=account)
        factories.StakeholderFactory(customer=happy, account=account, role="buyer")
        case = factories.CaseFactory(customer=happy, channel=channel, opened_at=of.opens_at - timedelta(days=9))
        factories.resolved(case, lead, cause)
        type(case).objects.filter(pk=case.pk).update(resolved_at=of.opens_at - timedelta(days=8))
    client = as_user(lead)
    asked = {"country": "GB", "tier": "key", "account": account.pk, "channel": channel.pk, "cause": cause.pk}
    for name, value in asked.items():
        found = shown(client, **{name: value})
        assert (found.score.n, found.score.nps) == (10, 100.0), name
        assert found.rates.answered == 10
    for name in ("account", "channel", "cause"):
        assert shown(client, **{name: 0}).score.nps == -100.0
    whole = shown(client)
    for part in whole.every_segment:
        assert sorted((line.score.n, line.score.nps) for line in part.lines) == [(10, -100.0), (10, 100.0)]
        assert {line.stands_out for line in part.lines} == {True}
    names = {part.dimension.key: {line.name for line in part.lines} for part in whole.every_segment}
    assert names["account"] == {"Northwind", "In no account"}
    assert names["cause"] == {"Delay", "No case resolved before"}
    assert names["channel"] == {"Post", "No case before"}


def test_what_came_after_somebody_was_asked_does_not_count_for_channel_and_category(as_user, lead):
    of = wave("Spring", 30)
    customers = [answer(of, 9).invitation.customer for _each in range(10)]
    factories.CaseFactory(customer=customers[0])  # opened today
    [line] = shown(as_user(lead)).segments(figures.DIMENSIONS["channel"]).lines
    assert (line.name, line.score.n) == ("No case before", 10)


def test_a_part_with_too_few_answers_shows_only_that_it_is_there(as_user, lead):
    of = wave("Spring", 30)
    for _each in range(10):
        answer(of, 9, country="GB")
    answer(of, 0, country="FR")
    page = as_user(lead).get(URL)
    [part] = [found for found in page.context["figures"].every_segment if found.dimension.key == "country"]
    assert [(line.key, line.score.nps) for line in part.too_few] == [("FR", None)]
    assert "1 other with fewer than 10 answers." in words(page)
    assert part.lines[0].rest is None  # or one could work out what the one said


def test_flagged_answers_are_left_out_and_shown_beside(as_user, lead):
    of = wave("Spring", 30)
    answered_scores(of, [9] * 10)
    for _each in range(10):
        answer(of, 0, flagged=True)
    found = shown(as_user(lead))
    assert (found.score.nps, found.score.n) == (100.0, 10)
    assert (found.with_flagged.nps, found.with_flagged.n) == (0.0, 20)
    assert shown(as_user(lead), flagged="with").score.nps == 0.0


def test_rates_count_those_who_were_reached(as_user, lead):
    of = wave("Spring", 30)
    answered_scores(of, [9] * 12)
    for _each in range(8):
        answer(of, 9, finished=False)
    sent = of.opens_at
    for state, facts in {"sent": {"opened_at": sent}, "bounced": {"reason": "No such box.", "ended_at": sent}}.items():
        for _each in range(20):
            factories.InvitationFactory(wave=of, version=of.version, state=state, sent_at=sent, **facts)
    factories.InvitationFactory(wave=of, version=of.version, state="planned", sent_at=None)
    found = shown(as_user(lead)).rates
    assert (found.asked, found.came_back, found.reached, found.opened) == (60, 20, 40, 20)
    assert (found.answered, found.response) == (20, 50.0)
    assert (found.finished, found.completion) == (12, 60.0)


def test_of_a_wave_asked_elsewhere_no_response_rate_is_said(as_user, lead):
    of = wave("Imported", 300, imported=True)
    answered_scores(of, [9] * 12)
    Invitation.objects.update(by="elsewhere")
    found = shown(as_user(lead)).rates
    assert (found.answered, found.response, found.completion) == (12, None, 100.0)


def test_who_left_is_counted_at_the_question_they_answered_last(as_user, lead):
    of = wave("Spring", 30)
    nps, why = of.version.questions.all()
    for n in range(20):
        response = answer(of, 9, finished=n < 12)
        if n < 15:
            factories.AnswerFactory(response=response, question=why)
    Invitation.objects.update(opened_at=timezone.now())
    for _each in range(5):
        factories.InvitationFactory(wave=of, version=of.version, opened_at=timezone.now())
    steps = [(step.question, step.answered, step.left, step.share) for step in shown(as_user(lead)).steps]
    assert steps == [(None, 25, 5, 20.0), (nps, 20, 5, 25.0), (why, 15, 3, 20.0)]


def test_answers_after_cases_are_figures_of_their_own(as_user, lead):
    answered_scores(wave("Spring", 30), [9] * 10)
    version = factories.sent_version(survey__kind="case")
    for _each in range(10):
        case = factories.CaseFactory()
        factories.ResponseFactory(
            score=2, invitation__case=case, invitation__wave=None, invitation__version=version,
            invitation__customer=case.customer,
        )  # fmt: skip
    client = as_user(lead)
    assert shown(client).score.nps == 100.0
    found = shown(client, wave="cases")
    assert (found.score.n, found.score.nps) == (10, -100.0)
    assert [(point.score.n, point.score.nps) for point in found.points] == [(10, -100.0)]


def test_why_counts_people_who_praised_and_criticised(as_user, lead):
    of = wave("Spring", 30)
    why = of.version.questions.get(key="why")
    for n in range(10):
        said = factories.AnswerFactory(response=answer(of, 9), question=why)
        factories.ThemeFactory(answer=said, topic="price", tone="praise" if n < 3 else "criticism")
        if n == 0:
            factories.ThemeFactory(answer=said, topic="support", dropped_at=timezone.now(), tone="criticism")
    [topic] = shown(as_user(lead)).topics
    assert (topic.topic, topic.praised, topic.criticised) == ("price", 3, 7)


def test_while_a_wave_is_open_the_glance_fetches_itself_again(as_user, lead):
    of = wave("Spring", 3)
    answered_scores(of, [9] * 10)
    client = as_user(lead)
    page = client.get(URL)
    assert 'hx-trigger="every 60s"' in page.content.decode()
    part = client.get(URL, headers={"HX-Request": "true", "HX-Target": "glance"}).content.decode().strip()
    assert part.startswith("<section") or 'id="glance"' in part
    assert "<html" not in part
    of.state, of.closed_at = "closed", timezone.now()
    of.save()
    assert "every 60s" not in client.get(URL).content.decode()


def test_a_filter_alone_fetches_the_figures_alone(as_user, lead):
    answered_scores(wave("Spring", 3), [9] * 10)
    part = as_user(lead).get(URL, headers={"HX-Request": "true", "HX-Target": "figures"}).content.decode()
    assert 'id="figures"' in part
    assert "<html" not in part


@pytest.mark.parametrize("query", ["account=x", "cause=99999", "wave=0", "country=%00", "flagged=maybe", "tier=rich"])
def test_a_filter_that_cannot_be_read_is_left_out(as_user, lead, query):
    answered_scores(wave("Spring", 3), [9] * 10)
    assert as_user(lead).get(f"{URL}?{query}").context["figures"].score.n == 10


@pytest.mark.parametrize("role", ["agent", "sales", "support"])
def test_others_see_no_figure(as_user, role):
    of = wave("Spring", 3)
    answered_scores(of, [9] * 10)
    person = factories.UserFactory(role=role)
    assert as_user(person).get(URL).status_code == 403
    hidden = figures.of_wave(of, user=person)
    assert (hidden.score.n, hidden.rates.asked) == (0, 0)


def test_the_page_costs_the_same_whatever_was_answered(as_user, lead):
    def cost():
        client = as_user(lead)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(URL).status_code == 200
        return len(queries)

    SurveySettings.objects.create(pk=1, least=2)
    one_more(0)
    cost()
    few = cost()
    for n in range(1, 20):
        one_more(n)
    assert cost() == few


def one_more(n):
    """A wave with two answers, from a country, in accounts and after cases of their own."""
    each = wave(f"Wave {n}", 400 - 10 * n)
    for _part in range(2):
        customer = answer(each, n % 11, country=f"{'ABCDEFGHIJKLMNOPQRSTUVWXYZ'[n]}A").invitation.customer
        factories.StakeholderFactory(customer=customer)
        factories.CaseFactory(customer=customer, opened_at=each.opens_at - timedelta(days=1))
