"""The people who work here: in and out, their password, their profile, their teams."""

import re

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crm.models import Activity, Team, User
from crm.models.staff import Role
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "a longer and better one"


def is_signed_in(client):
    return "_auth_user_id" in client.session


def shown(answer):
    return answer.content.decode()


# --- in and out


@pytest.mark.parametrize(
    ("role", "place"),
    [
        ("agent", "cases:queue"), ("lead", "cases:queue"), ("admin", "cases:queue"), ("executive", "surveys:calls"),
        ("sales", "crm:customers"), ("support", "cases:group_questions"),
    ],
)  # fmt: skip
def test_everyone_is_led_to_where_their_day_begins(client, role, place):
    user = factories.UserFactory(role=role)
    answer = client.post(reverse("login"), {"username": user.username, "password": PASSWORD}, follow=True)
    assert (answer.status_code, answer.redirect_chain[-1][0]) == (200, reverse(place))


def test_a_wrong_password_says_so_beside_the_form_and_keeps_the_name(client, agent):
    answer = client.post(reverse("login"), {"username": agent.username, "password": "wrong"})
    assert "Please enter a correct username and password" in shown(answer)
    assert 'value="ana"' in shown(answer)
    assert not is_signed_in(client)


def test_who_has_left_cannot_log_in(client, agent):
    User.objects.filter(pk=agent.pk).update(is_active=False)
    client.post(reverse("login"), {"username": agent.username, "password": PASSWORD})
    assert not is_signed_in(client)


def test_who_leaves_is_out_at_the_next_request(as_user, agent):
    client = as_user(agent)
    User.objects.filter(pk=agent.pk).update(is_active=False)
    assert client.get(reverse("crm:profile")).url.startswith(reverse("login"))


@pytest.mark.parametrize(
    ("wanted", "place"),
    [("/customers/?q=ann", "/customers/?q=ann"), ("https://evil.example/", "/"), ("//evil.example", "/")],
)
def test_after_the_login_one_is_where_one_wanted_to_be_if_that_is_here(client, agent, wanted, place):
    answer = client.post(reverse("login"), {"username": agent.username, "password": PASSWORD, "next": wanted})
    assert answer.url == place


def test_logging_out_takes_a_button_and_not_a_link(as_user, agent):
    client = as_user(agent)
    assert client.get(reverse("logout")).status_code == 405
    assert client.post(reverse("logout")).url == reverse("login")
    assert not is_signed_in(client)


def test_who_is_signed_in_is_not_asked_again(as_user, agent):
    assert as_user(agent).get(reverse("login")).url == "/"


def test_the_login_is_protected_against_forged_forms(agent):
    answer = Client(enforce_csrf_checks=True).post(reverse("login"), {"username": agent.username, "password": PASSWORD})
    assert answer.status_code == 403


# --- passwords


def change(client, **fields):
    known = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    return client.post(reverse("password_change"), known | fields)


def test_a_password_can_be_changed_and_one_stays_signed_in(as_user, agent):
    client = as_user(agent)
    assert change(client).url == reverse("password_change_done")
    agent.refresh_from_db()
    assert agent.check_password(NEW)
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"old_password": "wrong"}, "Your old password was entered incorrectly"),
        ({"new_password2": "another one here"}, "password fields didn’t match"),
        ({"new_password1": "short", "new_password2": "short"}, "at least 10 characters"),
        ({"new_password1": "password1234", "new_password2": "password1234"}, "too common"),
        ({"new_password1": "ana ruiz ana", "new_password2": "ana ruiz ana"}, ""),
    ],
)
def test_a_password_that_will_not_do_says_why_and_nothing_changes(as_user, agent, fields, sentence):
    agent.username = "ana ruiz ana"
    agent.save()
    answer = change(as_user(agent), **fields)
    assert sentence in shown(answer).replace("&#x27;", "'")
    agent.refresh_from_db()
    assert agent.check_password(PASSWORD)


def test_a_changed_password_ends_the_sessions_elsewhere(as_user, agent):
    elsewhere = Client()
    elsewhere.force_login(agent)
    change(as_user(agent))
    assert elsewhere.get(reverse("crm:profile")).url.startswith(reverse("login"))


def reset_link(client, address):
    client.post(reverse("password_reset"), {"email": address})
    (letter,) = mail.outbox
    return letter, re.search(r"https?://\S+", letter.body).group()


def test_a_forgotten_password_is_chosen_anew_by_mail(client, agent):
    User.objects.filter(pk=agent.pk).update(email="ana@skylark.example")
    letter, link = reset_link(client, "ANA@skylark.example")
    assert letter.to == ["ana@skylark.example"]
    assert "Hello Ana Ruiz," in letter.body
    assert "Your user name is ana." in letter.body
    form = client.get(link, follow=True)
    answer = client.post(form.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW})
    assert answer.url == reverse("password_reset_complete")
    assert client.login(username="ana", password=NEW)


def test_a_link_of_a_letter_works_once(client, agent):
    User.objects.filter(pk=agent.pk).update(email="ana@skylark.example")
    _, link = reset_link(client, "ana@skylark.example")
    form = client.get(link, follow=True)
    client.post(form.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW})
    client.session.flush()
    again = client.get(link, follow=True)
    assert 'name="new_password1"' not in shown(again)
    assert again.status_code == 200


def test_nobody_learns_which_addresses_are_known(client, agent):
    User.objects.filter(pk=agent.pk).update(email="ana@skylark.example")
    answers = [client.post(reverse("password_reset"), {"email": f"{who}@skylark.example"}) for who in ("ana", "bob")]
    assert [answer.url for answer in answers] == [reverse("password_reset_done")] * 2
    assert len(mail.outbox) == 1


def test_an_odd_name_in_a_letter_is_written_as_it_is(client):
    factories.UserFactory(username="o'brien", first_name="Seán <b>", last_name="O'Brien", email="sean@skylark.example")
    letter, _ = reset_link(client, "sean@skylark.example")
    assert "Hello Seán <b> O'Brien," in letter.body


# --- one's own profile


def profile(**fields):
    known = {
        "first_name": "Ana",
        "last_name": "Ruiz",
        "email": "ana@skylark.example",
        "time_zone": "UTC",
        "shortcuts": "on",
    }
    return {name: value for name, value in (known | fields).items() if value is not None}


def test_a_profile_is_saved_and_says_so(as_user, agent):
    answer = as_user(agent).post(
        reverse("crm:profile"), profile(time_zone="Europe/Madrid", first_name="Anna"), follow=True
    )
    agent.refresh_from_db()
    assert (agent.time_zone, agent.first_name) == ("Europe/Madrid", "Anna")
    assert "Saved." in shown(answer)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [({"time_zone": "Mars/Olympus"}, "Select a valid choice"), ({"email": "nowhere"}, "Enter a valid email address")],
)
def test_what_a_profile_cannot_be_is_said_beside_the_field(as_user, agent, fields, sentence):
    answer = as_user(agent).post(reverse("crm:profile"), profile(**fields))
    assert answer.status_code == 422
    assert sentence in shown(answer)
    agent.refresh_from_db()
    assert agent.time_zone == "UTC"


def test_shortcuts_can_be_switched_off_and_on_again(as_user, agent):
    client, url = as_user(agent), reverse("crm:profile")
    assert 'data-shortcuts="off"' not in shown(client.get(url))
    client.post(url, profile(shortcuts=None))
    agent.refresh_from_db()
    since = agent.shortcuts_off_at
    assert 'data-shortcuts="off"' in shown(client.get(url))
    client.post(url, profile(shortcuts=None))
    agent.refresh_from_db()
    assert agent.shortcuts_off_at == since
    client.post(url, profile())
    agent.refresh_from_db()
    assert agent.shortcuts_off_at is None


def test_nobody_gives_themselves_another_role(as_user, agent):
    as_user(agent).post(
        reverse("crm:profile"), profile(role="admin", is_superuser="on", is_staff="on", username="boss")
    )
    agent.refresh_from_db()
    assert (agent.role, agent.is_superuser, agent.is_staff, agent.username) == ("agent", False, False, "ana")


@pytest.mark.parametrize("role", Role.values)
def test_every_role_has_a_profile(as_user, role):
    assert as_user(factories.UserFactory(role=role)).get(reverse("crm:profile")).status_code == 200


# --- teams


def test_a_lead_makes_a_team_of_those_who_answer(as_user, lead, agent, colleague):
    sales = factories.UserFactory(role="sales")
    page = shown(as_user(lead).get(reverse("crm:team_new")))
    assert str(agent) in page
    assert str(sales) not in page
    fields = {"name": "Night", "purpose": "Answers at night.", "mode": "pull", "members": [agent.pk, colleague.pk]}
    assert as_user(lead).post(reverse("crm:team_new"), fields).url == reverse("crm:teams")
    team = Team.objects.get(name="Night")
    assert set(team.members.all()) == {agent, colleague}
    assert Activity.objects.about(team).get().by == lead


def test_a_team_without_a_name_or_with_anothers_is_not_saved(as_user, lead, team):
    for name in ("", team.name):
        assert as_user(lead).post(reverse("crm:team_new"), {"name": name}).status_code == 422
    assert Team.objects.count() == 1


def test_a_closed_team_keeps_when_it_closed_and_can_open_again(as_user, lead, team):
    client, url = as_user(lead), reverse("crm:team", args=[team.pk])
    client.post(url, {"name": team.name, "mode": "pull", "closed": "on"})
    team.refresh_from_db()
    closed_at = team.closed_at
    assert closed_at is not None
    client.post(url, {"name": "Renamed", "mode": "pull", "closed": "on"})
    team.refresh_from_db()
    assert (team.name, team.closed_at) == ("Renamed", closed_at)
    client.post(url, {"name": "Renamed", "mode": "pull"})
    team.refresh_from_db()
    assert team.closed_at is None


@pytest.mark.parametrize("role", ["agent", "executive", "sales", "support"])
def test_teams_are_for_those_who_lead(as_user, team, role):
    client = as_user(factories.UserFactory(role=role, teams=[team]))
    for url in (reverse("crm:teams"), reverse("crm:team_new"), reverse("crm:team", args=[team.pk])):
        assert client.get(url).status_code == 403
        assert client.post(url, {"name": "Mine"}).status_code in (403, 405)
    assert Team.objects.get().name == team.name


def test_the_teams_cost_the_same_number_of_queries_with_one_and_with_twenty(as_user, lead):
    client, counts = as_user(lead), []
    for more in (0, 19):
        for _ in range(more):
            factories.UserFactory(teams=[factories.TeamFactory()])
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("crm:teams"))
        counts.append(len(queries))
    assert counts[0] == counts[1]
