"""Telling one of us: the bell, the list, and what each wants to hear of."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases import live as desk
from channels_app import live
from channels_app.models import LiveEvent
from crm import notices
from crm.models import Notice, NoticeChoice
from crm.models.staff import Role
from crm.notices import Word
from tests import factories

pytestmark = pytest.mark.django_db


def tell(*users, kind="mention", text="Case #7 needs you.", **facts):
    return notices.tell(users, kind, text, **facts)


# --- who is told


def test_each_is_told_once_and_who_did_it_knows_already(agent, colleague):
    made = tell(agent, colleague, colleague.pk, url="/cases/7/", by=agent)
    assert [(n.user, n.text, n.url, n.by) for n in made] == [(colleague, "Case #7 needs you.", "/cases/7/", agent)]


def test_who_has_left_is_not_told(agent):
    agent.is_active = False
    agent.save()
    assert tell(agent) == []


def test_the_same_about_the_same_record_is_not_told_again_while_it_is_unread(agent, case):
    tell(agent, about=case, text="Case #7 needs you.")
    assert tell(agent, about=case, text="Case #7 needs you more.") == []
    Notice.objects.update(read_at=timezone.now())
    assert len(tell(agent, about=case)) == 1


def test_after_a_minute_it_is_told_again(agent, case):
    tell(agent, about=case)
    Notice.objects.update(at=timezone.now() - timedelta(seconds=61))
    assert len(tell(agent, about=case)) == 1


def test_another_kind_another_record_and_other_words_about_none_are_news(agent, case):
    tell(agent, about=case)
    tell(agent, about=case, kind="wake")
    tell(agent, about=factories.CaseFactory())
    tell(agent, text="One")
    tell(agent, text="Two")
    tell(agent, text="Two")
    assert Notice.objects.count() == 5


def test_what_nobody_wants_to_hear_is_not_kept(agent):
    factories.NoticeChoiceFactory(user=agent, kind="mention", in_app=False, mail="never")
    assert tell(agent) == []
    assert len(tell(agent, kind="wake")) == 1


def test_what_is_wanted_by_mail_alone_is_not_in_the_bell(agent):
    factories.NoticeChoiceFactory(user=agent, kind="mention", in_app=False, mail="daily")
    tell(agent)
    assert notices.unread_of([agent.pk]) == {}
    assert not notices.of(agent).exists()
    assert Notice.objects.get().mailed_at is None


def test_a_hundred_are_told_for_what_one_costs(case):
    def cost(n):
        words = [Word(factories.UserFactory().pk, "wake", "Case #7 is back.", "/cases/7/", case) for _ in range(n)]
        with CaptureQueriesContext(connection) as captured:
            notices.tell_each(words)
        return len(captured)

    assert cost(1) == cost(100)


# --- the bell


@pytest.fixture
def followed(agent):
    live.numbers([f"user:{agent.pk}"])  # a page of hers is open
    return agent


def rung():
    return list(LiveEvent.objects.filter(kind="notice").order_by("number").values_list("data", flat=True))


def test_the_bell_rings_with_what_is_new_and_how_many_there_are(followed, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        tell(followed, text="One")
        tell(followed, text="Two")
    assert [(data["unread"], data["text"]) for data in rung()] == [(1, "One"), (2, "Two")]
    assert rung()[1]["url"] == reverse("crm:notice", args=[Notice.objects.latest("pk").pk])


def test_reading_is_told_to_ones_other_pages_without_words(followed, django_capture_on_commit_callbacks):
    (notice, _) = tell(followed, text="One") + tell(followed, text="Two")
    with django_capture_on_commit_callbacks(execute=True):
        notices.read(notice=notice)
        notices.read(notice=notice)
        notices.read_all(by=followed)
    assert rung() == [{"unread": 1}, {"unread": 0}]


@pytest.mark.parametrize("role", Role.values)
def test_every_role_has_a_bell_and_follows_its_own_stream_from_where_it_was_drawn(client, role):
    person = factories.UserFactory(role=role)
    tell(person)
    client.force_login(person)
    page = client.get("/profile/").content.decode()
    assert 'data-live="/ws/live/"' in page
    assert f'hx-get="{reverse("channels_app:bell")}"' in page
    bell = client.get(reverse("channels_app:bell")).content.decode()
    assert f'data-stream="user:{person.pk}" data-number="0"' in bell
    assert ">1</span>" in bell
    assert live.may_follow(person, f"user:{person.pk}")
    assert not live.may_follow(person, f"user:{person.pk + 1}")


def test_an_empty_bell_shows_no_number(client, agent):
    client.force_login(agent)
    assert " hidden>" in client.get(reverse("channels_app:bell")).content.decode()


def test_who_does_no_longer_answer_hears_of_notices_but_of_no_case(agent, case, django_capture_on_commit_callbacks):
    type(case).objects.update(owner=agent, state="open")
    agent.role = "executive"
    agent.save()
    live.numbers([f"user:{agent.pk}"])
    with django_capture_on_commit_callbacks(execute=True):
        desk.cases_changed([case.pk])
        tell(agent)
    assert set(LiveEvent.objects.filter(stream=f"user:{agent.pk}").values_list("kind", flat=True)) == {"notice"}


# --- the list


@pytest.fixture
def mine(client, agent):
    client.force_login(agent)
    return client


def test_opening_one_marks_it_read_and_goes_there(mine, agent):
    (notice,) = tell(agent, url="/queue/?owner=me")
    response = mine.get(reverse("crm:notice", args=[notice.pk]))
    assert response["Location"] == "/queue/?owner=me"
    notice.refresh_from_db()
    assert notice.read_at


def test_it_never_leads_to_another_site(mine, agent):
    (notice,) = tell(agent, url="https://evil.example/")
    assert mine.get(reverse("crm:notice", args=[notice.pk]))["Location"] == "/notices/"


def test_somebody_elses_is_not_found(mine, colleague):
    (notice,) = tell(colleague)
    assert mine.get(reverse("crm:notice", args=[notice.pk])).status_code == 404
    assert "Case #7" not in mine.get("/notices/").content.decode()
    notice.refresh_from_db()
    assert notice.read_at is None


def test_the_list_can_be_narrowed_to_a_kind_and_to_what_is_not_read(mine, agent):
    tell(agent, kind="wake", text="It is back.")
    (read,) = tell(agent, kind="mention", text="You were named.")
    notices.read(notice=read)
    assert "You were named." not in mine.get("/notices/?kind=wake").content.decode()
    assert "You were named." not in mine.get("/notices/?show=unread").content.decode()
    assert "It is back." in mine.get("/notices/?show=unread&kind=wake").content.decode()
    assert "It is back." in mine.get("/notices/?kind=nonsense").content.decode()


def test_an_empty_list_says_what_will_come(mine):
    assert "Nothing for you yet." in mine.get("/notices/").content.decode()
    assert "No notice fits this filter." in mine.get("/notices/?show=unread").content.decode()


def test_marking_all_read_can_be_undone_and_leaves_what_was_read_before(mine, agent, colleague):
    (before,) = tell(agent, text="Zero")
    notices.read(notice=before)
    tell(agent, text="One")
    tell(agent, text="Two")
    tell(colleague)
    page = mine.post(reverse("crm:notices_read"), follow=True)
    assert "2 notices marked read." in page.content.decode()
    assert notices.unread_of([agent.pk, colleague.pk]) == {colleague.pk: 1}
    at = Notice.objects.get(text="Two").read_at
    undo = f"{reverse('crm:notices_unread')}?at={notices.microseconds(at)}"
    assert undo in page.content.decode()
    mine.post(undo)
    assert notices.unread_of([agent.pk]) == {agent.pk: 2}
    before.refresh_from_db()
    assert before.read_at


@pytest.mark.parametrize("moment", ["", "0", "x", "²", "9" * 16, "9" * 30])
def test_a_moment_that_is_none_undoes_nothing(mine, agent, moment):
    tell(agent)
    notices.read_all(by=agent)
    assert mine.post(f"/notices/unread/?at={moment}").status_code == 302
    assert notices.unread_of([agent.pk]) == {}


def test_the_list_costs_the_same_with_one_and_with_twenty(mine, agent):
    def cost():
        with CaptureQueriesContext(connection) as captured:
            mine.get("/notices/")
        return len(captured)

    factories.NoticeFactory(user=agent, by=factories.UserFactory())
    few = cost()
    for _ in range(20):
        factories.NoticeFactory(user=agent, by=factories.UserFactory())
    assert cost() == few


def test_the_list_goes_on_where_a_page_ended(mine, agent):
    for n in range(60):
        factories.NoticeFactory(user=agent, text=f"Notice number {n}.")
    first = mine.get("/notices/").content.decode()
    assert "Notice number 59." in first
    assert "Notice number 9." not in first
    following = Notice.objects.order_by("-pk")[49].pk
    assert "Notice number 9." in mine.get(f"/notices/?after={following}").content.decode()


# --- what each wants to hear


def test_without_a_choice_everything_is_in_the_bell_and_nothing_is_mailed(mine):
    form = mine.get("/profile/notices/").context["form"]
    assert {(row["in_app"].value(), row["mail"].value()) for row in form.rows()} == {(True, "never")}
    assert len(form.rows()) == len(Notice.Kind)


def test_the_matrix_is_stored_kind_by_kind_and_may_be_stored_again(mine, agent):
    data = {f"{kind}_mail": "never" for kind in Notice.Kind.values} | {"wake_mail": "daily", "mention_in_app": "on"}
    for _ in range(2):
        assert mine.post("/profile/notices/", data).status_code == 302
    stored = {choice.kind: (choice.in_app, choice.mail) for choice in NoticeChoice.objects.filter(user=agent)}
    assert stored["wake"] == (False, "daily")
    assert stored["mention"] == (True, "never")
    assert len(stored) == len(Notice.Kind)


def test_a_way_that_is_none_is_said_beside_the_field(mine):
    response = mine.post("/profile/notices/", {"wake_mail": "by pigeon"})
    assert response.status_code == 422
    assert not NoticeChoice.objects.exists()


# --- for how long


def test_read_ones_are_forgotten_after_ninety_days_and_unread_ones_stay(agent):
    long_ago = timezone.now() - timedelta(days=91)
    factories.NoticeFactory(user=agent, at=long_ago, read_at=long_ago)
    unread = factories.NoticeFactory(user=agent, at=long_ago)
    assert notices.forget_old() == 1
    assert Notice.objects.get() == unread
