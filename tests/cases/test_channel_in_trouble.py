"""Where answers wait, who works the queue is told why, and whom to ask."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from channels_app import health
from channels_app.models import Channel
from tests import factories

pytestmark = pytest.mark.django_db
QUEUE = reverse("cases:queue")
WAIT = "Answers on @skylark on Chirp wait:"


def shut(channel):
    health.shut(channel, "Chirp does not let us in any more.")


def test_the_queue_says_that_a_channel_is_shut_and_whom_to_ask(as_user, agent, colleague, channel):
    Channel.objects.update(owner=colleague)
    shut(channel)
    said = as_user(agent).get(QUEUE).content.decode()
    assert WAIT in said
    assert "Chirp does not let us in any more." in said
    assert "Ask Ben Okafor." in said


def test_so_does_the_pane_of_its_cases_and_no_other(as_user, agent, case):
    other = factories.CaseFactory(channel=factories.ChannelFactory(team=case.channel.team))
    shut(case.channel)
    assert WAIT in as_user(agent).get(reverse("cases:pane", args=[case.pk])).content.decode()
    assert WAIT not in as_user(agent).get(reverse("cases:pane", args=[other.pk])).content.decode()


def test_one_that_fails_for_a_moment_is_nobodys_concern_and_one_that_fails_for_longer_is(as_user, agent, channel):
    now = timezone.now()
    Channel.objects.update(failing_since=now - timedelta(minutes=9), trouble="Down.")
    assert WAIT not in as_user(agent).get(QUEUE).content.decode()
    Channel.objects.update(failing_since=now - timedelta(minutes=11))
    assert WAIT in as_user(agent).get(QUEUE).content.decode()
    Channel.objects.update(paused_at=now)
    assert WAIT not in as_user(agent).get(QUEUE).content.decode()


def test_an_administrator_is_led_to_where_it_is_mended(as_user, channel):
    shut(channel)
    said = as_user(factories.UserFactory(role="admin")).get(QUEUE).content.decode()
    assert f'href="/channels/{channel.pk}/"' in said
    assert "See to it" in said


def test_many_do_not_push_the_queue_off_the_screen(as_user, agent, team):
    for _each in range(9):
        shut(factories.ChannelFactory(team=team))
    said = as_user(agent).get(QUEUE).content.decode()
    assert (said.count("Answers on @brand"), "And others: see all channels" in said) == (3, True)


def test_it_comes_and_goes_without_loading_the_page(as_user, agent, channel):
    ask = {"HX-Request": "true", "HX-Target": "troubled"}
    url = reverse("channels_app:troubled")
    assert WAIT not in as_user(agent).get(url, headers=ask).content.decode()
    shut(channel)
    assert WAIT in as_user(agent).get(url, headers=ask).content.decode()


@pytest.mark.parametrize("troubled", [0, 1, 9])
def test_it_costs_one_query_however_many(team, troubled, django_assert_num_queries):
    for _each in range(troubled):
        shut(factories.ChannelFactory(team=team, owner=factories.UserFactory()))
    with django_assert_num_queries(1):
        shown = [str(channel.owner) for channel in health.troubled()["troubled"]]
    assert len(shown) == min(troubled, health.SHOWN)
