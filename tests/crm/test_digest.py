"""Mails with what somebody has not read: when, to whom, and never twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from smtplib import SMTPServerDisconnected
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import digest, notices
from crm.models import Notice
from tests import factories

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 18, 12, 30, tzinfo=UTC)


@pytest.fixture
def ana(db):
    person = factories.UserFactory(first_name="Ana", email="ana@skylark.example", time_zone="Europe/Madrid")
    factories.NoticeChoiceFactory(user=person, kind="mention", mail="hourly")
    factories.NoticeChoiceFactory(user=person, kind="wake", mail="daily")
    return person


def told(person, kind="mention", at=NOON - timedelta(hours=1), **facts):
    return factories.NoticeFactory(user=person, kind=kind, at=at, **facts)


def send(now=NOON):
    return digest.send_due(now)


# --- when


@pytest.mark.parametrize(
    ("mail", "now", "until"),
    [
        ("hourly", datetime(2026, 11, 18, 12, 30, tzinfo=UTC), datetime(2026, 11, 18, 12, tzinfo=UTC)),
        ("daily", datetime(2026, 11, 18, 12, 30, tzinfo=UTC), datetime(2026, 11, 18, 7, tzinfo=UTC)),
        ("daily", datetime(2026, 11, 18, 6, 59, tzinfo=UTC), datetime(2026, 11, 17, 7, tzinfo=UTC)),
        ("daily", datetime(2026, 7, 18, 6, 0, tzinfo=UTC), datetime(2026, 7, 18, 6, tzinfo=UTC)),
        ("daily", datetime(2026, 10, 25, 7, 0, tzinfo=UTC), datetime(2026, 10, 25, 7, tzinfo=UTC)),
    ],
)
def test_what_is_from_before_the_full_hour_or_eight_in_the_morning_there_is_due(mail, now, until):
    assert digest.boundary(mail, now, ZoneInfo("Europe/Madrid")) == until


def test_an_hour_that_is_not_over_waits(ana):
    told(ana, at=NOON - timedelta(minutes=10))
    assert send() == 0
    assert send(NOON + timedelta(minutes=31)) == 1


def test_a_daily_one_waits_for_the_morning(ana):
    told(ana, kind="wake")
    assert send() == 0
    assert send(datetime(2026, 11, 19, 6, 55, tzinfo=UTC)) == 0
    assert send(datetime(2026, 11, 19, 7, 5, tzinfo=UTC)) == 1


# --- what


def test_it_is_one_mail_with_a_line_and_a_link_for_each(ana, settings):
    settings.HARK_URL = "https://hark.example"
    first, second = told(ana, text="Case #7 needs you."), told(ana, text="Case #8 does too.")
    assert send() == 1
    (sent,) = mail.outbox
    assert sent.to == ["ana@skylark.example"]
    assert sent.subject == "Hark: 2 notices for you"
    html = sent.alternatives[0][0]
    for notice in (first, second):
        for body in (sent.body, html):
            assert notice.text in body
            assert f"https://hark.example/notices/{notice.pk}/" in body
    assert "12:30" in sent.body  # 11:30 in UTC is half past twelve in Madrid
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"


def test_words_are_escaped_where_they_are_html_and_nowhere_else(ana):
    told(ana, text="Ben & Co <b> mention you.")
    send()
    assert "Ben & Co <b> mention you." in mail.outbox[0].body
    assert "Ben &amp; Co &lt;b&gt; mention you." in mail.outbox[0].alternatives[0][0]


def test_nothing_new_nothing_mailed(ana):
    told(ana, read_at=NOON)
    told(ana, kind="promise")  # of which nothing is wanted by mail
    told(ana, mailed_at=NOON - timedelta(minutes=40))
    told(ana, at=NOON - timedelta(days=9))
    assert send() == 0
    assert mail.outbox == []


def test_what_is_wanted_by_mail_alone_is_mailed(ana):
    ana.notice_choices.update(in_app=False)
    notices.tell([ana], "mention", "Case #7 needs you.")
    Notice.objects.update(at=NOON - timedelta(hours=1), read_at=NOON - timedelta(hours=1))
    assert send() == 1


@pytest.mark.parametrize("facts", [{"email": ""}, {"is_active": False}])
def test_who_cannot_be_reached_is_not_written_to(ana, facts):
    told(ana)
    type(ana).objects.filter(pk=ana.pk).update(**facts)
    assert send() == 0


def test_a_great_many_are_cut(ana):
    for _ in range(60):
        told(ana)
    send()
    assert "and 10 more." in mail.outbox[0].body
    assert not Notice.objects.filter(mailed_at=None).exists()


# --- never twice


def test_a_second_run_sends_nothing(ana):
    told(ana)
    assert [send(), send()] == [1, 0]
    assert len(mail.outbox) == 1


class Refusing(EmailBackend):
    def send_messages(self, messages):
        raise SMTPServerDisconnected("no")


def test_what_the_mail_server_refused_is_tried_again(ana, settings):
    told(ana)
    settings.EMAIL_BACKEND = f"{__name__}.Refusing"
    assert send() == 0
    assert Notice.objects.get().mailed_at is None
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send() == 1


class Dying(EmailBackend):
    def send_messages(self, messages):
        raise SystemExit


def test_who_dies_while_sending_never_mails_it_twice(ana, settings):
    told(ana)
    settings.EMAIL_BACKEND = f"{__name__}.Dying"
    with pytest.raises(SystemExit):
        send()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send() == 0
    assert notices.unread_of([ana.pk]) == {ana.pk: 1}  # the bell still has it


def test_finding_out_costs_the_same_for_one_and_for_twenty(ana):
    def cost(now):
        with CaptureQueriesContext(connection) as captured:
            send(now)
        return len(captured)

    told(ana, at=NOON)
    few = cost(NOON)  # not due yet
    for _ in range(20):
        person = factories.UserFactory(email="x@skylark.example")
        factories.NoticeChoiceFactory(user=person)
        told(person, at=NOON)
    assert cost(NOON) == few == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_that_mail_at_once_one_does(ana):
    for _ in range(10):
        told(ana)
    start = Barrier(2, timeout=60)

    def run():
        start.wait()
        try:
            return send()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run) for _ in range(2)]
        assert sum(each.result() for each in runs) == 1
    assert len(mail.outbox) == 1
