"""What is read together leaves one by one, and only where all that was read still holds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from crm import consent, merging, reachable
from crm.models import Identity, IdentityLink
from surveys import claiming, inviting, mailing
from surveys.models import Invitation, Wave
from tests import factories
from tests.surveys.letters import mail_server, planned, somebody  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


def as_planned(address="maria@example.com", **facts):
    """As a plan writes it: with the address it is to go to."""
    customer = somebody(address)
    return planned(customer, identity=Identity.objects.get(value=address), **facts)


def test_many_are_read_together_and_claimed_and_noted_one_by_one(django_assert_num_queries):
    """So that a sender who dies holds up one: two queries each."""
    wave = factories.WaveFactory()
    for n in range(20):
        as_planned(f"m{n}@example.com", wave=wave)
    with django_assert_num_queries(2 + 3 + 20 * 2):
        inviting.send_due()
    assert len(mail.outbox) == 20


def test_many_reminders_are_read_together_too(django_assert_num_queries):
    wave = factories.WaveFactory(remind_days=5, reminders=1)
    for n in range(20):
        as_planned(f"m{n}@example.com", wave=wave)
    Invitation.objects.update(state="sent", sent_at=timezone.now() - timedelta(days=6))
    with django_assert_num_queries(2 + 3 + 20):
        inviting.send_due()
    assert len(mail.outbox) == 20


def refuse(invitation):
    consent.record(customer=invitation.customer, purpose="survey", state="refused", how="Rang us", by=None)


def forbid(invitation):
    consent.forbid(customer=invitation.customer, how="Rang us", by=None)


def close_the_address(invitation):
    reachable.close(identity=invitation.identity, why="550")


def take_the_address_away(invitation):
    IdentityLink.objects.update(state="rejected")


def pause(invitation):
    Wave.objects.update(state="paused", paused_at=timezone.now())


def put_off(invitation):
    Invitation.objects.update(due_at=timezone.now() + timedelta(hours=1))


def send_it(invitation):
    claiming.claim(invitation.pk)


def merge_them(invitation):
    """Into one who wants no surveys."""
    other = somebody(None, known_at=timezone.now())
    consent.record(customer=other, purpose="survey", state="refused", how="Rang us", by=None)
    merging.merge(survivor=other, absorbed=invitation.customer, by=factories.UserFactory())


SINCE = [refuse, forbid, close_the_address, take_the_address_away, pause, put_off, send_it, merge_them]


@pytest.mark.parametrize("change", SINCE)
def test_what_changed_since_they_were_read_together_counts(change):
    invitation = as_planned()
    (read,) = claiming.together([invitation.pk])
    change(invitation)
    inviting.send(invitation.pk, read=read)
    assert mail.outbox == []


@pytest.mark.parametrize("change", [*SINCE[:5], merge_them])
def test_what_changed_since_reminders_were_read_together_counts(change):
    invitation = as_planned(wave__remind_days=5, wave__reminders=1)
    Invitation.objects.update(state="sent", sent_at=timezone.now() - timedelta(days=6))
    (read,) = claiming.together([invitation.pk])
    change(invitation)
    inviting.remind(invitation.pk, read=read)
    assert mail.outbox == []


def test_where_nothing_changed_it_leaves():
    """Or the two tests above would show nothing."""
    invitation = as_planned(wave__remind_days=5, wave__reminders=1)
    inviting.send(invitation.pk, read=claiming.together([invitation.pk])[0])
    Invitation.objects.update(sent_at=timezone.now() - timedelta(days=6))
    inviting.remind(invitation.pk, read=claiming.together([invitation.pk])[0])
    assert [mailing.named_by(found.from_email).nth for found in mail.outbox] == [1, 2]


def test_an_address_that_was_closed_since_gives_way_to_another():
    invitation = as_planned()
    (read,) = claiming.together([invitation.pk])
    close_the_address(invitation)
    factories.IdentityFactory(kind="email", place="", value="work@example.com", customer=invitation.customer)
    inviting.send(invitation.pk, read=read)
    assert [found.to for found in mail.outbox] == [["work@example.com"]]


@pytest.mark.django_db(transaction=True)
def test_of_two_senders_who_read_the_same_one_sends_it():
    """The second waits for the first, and finds it taken."""
    for n in range(20):
        as_planned(f"m{n}@example.com")
    pks = list(Invitation.objects.values_list("pk", flat=True))
    start = Barrier(2, timeout=60)

    def send_all(_):
        read = claiming.together(pks)
        start.wait()
        for each in read:
            inviting.send(each.pk, read=each)
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(send_all, range(2)))
    assert sorted(found.to[0] for found in mail.outbox) == sorted(f"m{n}@example.com" for n in range(20))
