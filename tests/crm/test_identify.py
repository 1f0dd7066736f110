"""Who are you? Asked by a private link, answered by a code to a mailbox, and believed once."""

import itertools
import re
from datetime import timedelta
from smtplib import SMTPException

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crm import addresses, consent, identify, jobs, limits, merging, private_links
from crm.models import Activity, Allowance, Customer, Identity, IdentityLink, IdentityRequest
from tests import factories
from tests.channels_app.posts import at_once

pytestmark = pytest.mark.django_db

machines = itertools.count(1)


@pytest.fixture
def sara(db):
    """A provisional customer of whom we know a handle."""
    return factories.CustomerFactory(name="Sara")


@pytest.fixture
def handle(sara):
    return factories.IdentityFactory(value="sara_k", customer=sara)


@pytest.fixture
def maria(db):
    """A customer we know, with an address and a number."""
    maria = factories.CustomerFactory(name="Maria Keller", known_at=timezone.now())
    factories.IdentityFactory(kind="email", place="", value="maria@example.com", customer=maria)
    factories.IdentityFactory(kind="external", place="erp", value="C-20931", customer=maria)
    return maria


@pytest.fixture
def asked(handle, agent):
    return identify.ask(identity=handle, by=agent, asked_as="@skylark")


def say(asked, text, machine=None):
    """They say who they are, and the job goes round."""
    identify.say_who(request=asked, text=text, machine=machine or f"machine {next(machines)}")
    jobs.send_code(asked.pk)


def code():
    """The six digits of the newest mail."""
    return re.search(r"\b(\d{3}) (\d{3})\b", mail.outbox[-1].body).expand(r"\1\2")


def wrong():
    return f"{(int(code()) + 1) % 10**6:06}"


def tell(asked, typed, machine=None):
    identify.answer(request=now(asked), code=typed, machine=machine or f"machine {next(machines)}")


def now(asked):
    return IdentityRequest.objects.get(pk=asked.pk)


def owner(identity):
    return consent.owner_of(identity)


def page(asked, name="crm:identify"):
    return reverse(name, args=[private_links.token(asked)])


# --- the way through


def test_a_mailbox_we_know_shows_whose_the_handle_is(asked, handle, sara, maria):
    say(asked, "Maria@Example.com")
    tell(asked, code())
    assert owner(handle) == maria
    link = IdentityLink.objects.confirmed().get(identity=handle)
    today = timezone.now().strftime("%-d %b %Y")
    assert (link.method, link.evidence) == ("asked", f"Confirmed m…@example.com by a code on {today}")
    sara.refresh_from_db()
    assert sara.merged_into == maria
    assert now(asked).state == "answered"
    assert Identity.objects.get(kind="email").verified_at


def test_a_customer_number_sends_the_code_to_the_mailbox_on_that_record(asked, handle, maria):
    say(asked, "c-20931")
    assert mail.outbox[-1].to == ["maria@example.com"]
    tell(asked, code())
    assert owner(handle) == maria


def test_a_mailbox_nobody_knows_becomes_theirs_and_they_are_known(asked, handle, sara):
    say(asked, "Sara.K@Example.com")
    assert mail.outbox[-1].to == ["Sara.K@example.com"]
    tell(asked, f" {code()[:3]}-{code()[3:]} ")
    mailbox = Identity.objects.get(kind="email")
    assert (mailbox.value, mailbox.handle) == ("sara.k@example.com", "Sara.K@example.com")
    assert mailbox.verified_at
    assert owner(handle) == owner(mailbox) == sara
    sara.refresh_from_db()
    assert sara.known_at
    link = IdentityLink.objects.get(identity=mailbox)
    assert (link.method, link.state) == ("asked", "confirmed")
    assert link.evidence.startswith("Confirmed s…@example.com by a code on ")


def test_two_provisional_records_of_one_person_become_one_that_is_known(asked, handle, sara):
    other = factories.CustomerFactory(name="S. Keller")
    factories.IdentityFactory(kind="email", place="", value="s@example.com", customer=other)
    say(asked, "s@example.com")
    tell(asked, code())
    assert owner(handle) == other
    assert owner(handle).known_at


def test_a_provisional_record_of_the_mailbox_joins_whom_we_know_by_the_handle(asked, handle, sara):
    Customer.objects.filter(pk=sara.pk).update(known_at=timezone.now())
    other = factories.CustomerFactory(name="S. Keller")
    mailbox = factories.IdentityFactory(kind="email", place="", value="s@example.com", customer=other)
    say(asked, "s@example.com")
    tell(asked, code())
    assert owner(handle) == owner(mailbox) == sara


def test_two_whom_we_know_and_who_claim_one_handle_wait_for_a_person(asked, handle, sara, maria):
    Customer.objects.filter(pk=sara.pk).update(known_at=timezone.now())
    say(asked, "maria@example.com")
    tell(asked, code())
    assert owner(handle) == sara
    parked = IdentityLink.objects.conflicts().get()
    assert (parked.customer, parked.method) == (maria, "asked")
    assert now(asked).state == "answered"


def test_a_handle_and_a_mailbox_of_nobody_get_a_customer(agent):
    lonely = factories.IdentityFactory(value="lonely", customer=None)
    asked = identify.ask(identity=lonely, by=agent, asked_as="@skylark")
    say(asked, "lonely@example.com")
    tell(asked, code())
    assert owner(lonely) == owner(Identity.objects.get(kind="email"))
    assert owner(lonely).known_at


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """What was to happen on commit happens when the block ends."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def test_what_was_done_stands_in_the_log_and_the_open_cases_are_told(asked, agent, maria, nudges, committed):
    with committed():
        say(asked, "maria@example.com")
        tell(asked, code())
    verbs = [(deed.verb, deed.by) for deed in Activity.objects.order_by("id")]
    assert ("asked who they are", agent) in verbs
    assert ("identified", None) in verbs
    assert ("cases.jobs.customer_changed", maria.pk) in nudges


# --- what leaves, and what stays


def test_neither_the_link_nor_the_code_can_be_read_from_the_database(asked, maria):
    say(asked, "maria@example.com")
    kept = str(vars(now(asked)))
    token = private_links.token(asked)
    assert token not in kept
    assert token.partition(".")[2] not in kept
    assert code() not in kept


def test_a_link_made_with_another_key_is_none(asked, settings):
    token = private_links.token(asked)
    assert private_links.find(token) == asked
    assert private_links.find(token[:-1] + ("A" if token[-1] != "A" else "B")) is None
    assert private_links.find(token.partition(".")[0]) is None
    assert private_links.find("x") is None
    private_links.signer.key, key = "another", private_links.signer.key
    try:
        assert private_links.find(token) is None
    finally:
        private_links.signer.key = key


def test_a_code_mail_names_nobody_and_says_what_to_do_with_it(asked, maria):
    say(asked, "maria@example.com")
    sent = mail.outbox[-1]
    assert sent.subject == f"{code()[:3]} {code()[3:]} is your code for @skylark"
    assert "Maria" not in sent.body
    assert "Keller" not in sent.body
    assert private_links.token(asked) not in sent.body
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"


def test_what_they_wrote_is_forgotten_once_it_is_answered_withdrawn_or_run_out(handle, agent, maria):
    for end in ("answered", "withdrawn", "expired"):
        IdentityRequest.objects.all().delete()
        Allowance.objects.all().delete()
        asked = identify.ask(identity=handle, by=agent, asked_as="@skylark")
        say(asked, "maria@example.com")
        if end == "answered":
            tell(asked, code())
        elif end == "withdrawn":
            identify.withdraw(request=asked, by=agent)
        else:
            IdentityRequest.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
            jobs.sweep()
        assert (end, now(asked).claimed, now(asked).code_hash) == (end, "", "")


def test_the_counts_name_nobody(asked, maria):
    say(asked, "maria@example.com", machine="192.0.2.7")
    kept = str(list(Allowance.objects.values_list()))
    assert "maria" not in kept
    assert "192.0.2.7" not in kept


# --- the same for those we know and those we do not

UNKNOWN = ["nobody@example.com", "C-00000", "maria@example.com", "C-20931"]


@pytest.mark.parametrize("said", UNKNOWN)
def test_the_pages_say_the_same_whether_we_know_them_or_not(asked, client, maria, said):
    first = client.post(page(asked), {"who": said})
    assert (first.status_code, first["Location"]) == (302, page(asked, "crm:identify_code"))
    before = client.get(first["Location"]).content
    jobs.send_code(asked.pk)
    after = client.get(first["Location"]).content
    assert before == after
    assert b"maria" not in after
    assert b"example.com" not in after


def test_a_wrong_code_is_told_the_same_whether_one_went_out_or_not(handle, agent, maria, client):
    answers = []
    for said in UNKNOWN:
        Allowance.objects.all().delete()
        IdentityRequest.objects.all().delete()
        asked = identify.ask(identity=handle, by=agent, asked_as="@skylark")
        say(asked, said)
        tries = [client.post(page(asked, "crm:identify_code"), {"code": "x"}) for _ in range(6)]
        answers.append([(r.status_code, r.content.replace(private_links.token(asked).encode(), b"")) for r in tries])
    assert answers[0] == answers[1] == answers[2] == answers[3]


def test_nothing_is_mailed_before_they_are_answered(asked, maria):
    identify.say_who(request=asked, text="maria@example.com", machine="m")
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("C-00000", "No record has this number."),
        ("C-1", "Several records have this number."),
        ("C-2", "The record with this number has no e-mail address."),
        ("C-3", "The record with this number has no e-mail address."),
    ],
)
def test_the_agent_is_told_why_no_code_went_out(asked, said, why):
    for place in ("erp", "shop"):
        factories.IdentityFactory(kind="external", place=place, value="C-1", customer=factories.CustomerFactory())
    factories.IdentityFactory(kind="external", place="erp", value="C-2", customer=factories.CustomerFactory())
    odd = factories.CustomerFactory()
    factories.IdentityFactory(kind="external", place="erp", value="C-3", customer=odd)
    factories.IdentityFactory(kind="email", place="", value="ask at the desk", customer=odd)
    say(asked, said)
    assert (mail.outbox, now(asked).trouble, now(asked).state) == ([], why, "claimed")


def test_one_number_in_two_systems_is_one_person_where_both_say_so(asked, maria):
    factories.IdentityFactory(kind="external", place="shop", value="C-20931", customer=maria)
    say(asked, "C-20931")
    assert mail.outbox[-1].to == ["maria@example.com"]


def test_the_code_goes_to_a_verified_mailbox_before_any_other(asked, maria):
    factories.IdentityFactory(
        kind="email", place="", value="old@example.com", verified_at=timezone.now(), customer=maria
    )
    factories.IdentityFactory(kind="email", place="", value="new@example.com", customer=maria)
    say(asked, "C-20931")
    assert mail.outbox[-1].to == ["old@example.com"]


# --- whom we may not write to


@pytest.mark.parametrize("whose", ["the handle's", "the mailbox's"])
def test_no_code_goes_to_who_wants_no_contact_and_the_page_says_the_same(asked, sara, maria, agent, client, whose):
    consent.forbid(customer=sara if whose == "the handle's" else maria, how="By letter", by=agent)
    response = client.post(page(asked), {"who": "maria@example.com"})
    jobs.send_code(asked.pk)
    assert response.status_code == 302
    assert mail.outbox == []
    assert "not to be contacted" in now(asked).trouble


def test_who_wants_no_contact_is_not_asked(handle, sara, agent):
    consent.forbid(customer=sara, how="By letter", by=agent)
    with pytest.raises(consent.MayNotContact):
        identify.ask(identity=handle, by=agent, asked_as="@skylark")
    assert not IdentityRequest.objects.exists()


def test_the_link_of_somebody_erased_leads_nowhere(asked, sara, client):
    Customer.objects.filter(pk=sara.pk).update(erased_at=timezone.now())
    assert client.get(page(asked)).status_code == 410
    with pytest.raises(identify.LinkGone):
        identify.say_who(request=asked, text="a@example.com", machine="m")


def test_the_link_of_somebody_merged_meanwhile_leads_to_the_survivor(asked, handle, sara, maria, agent):
    survivor = factories.CustomerFactory(name="The survivor")
    merging.merge(survivor=survivor, absorbed=sara, by=agent)
    say(asked, "maria@example.com")
    tell(asked, code())
    assert owner(handle) == maria
    survivor.refresh_from_db()
    assert survivor.merged_into == maria


def test_a_mailbox_of_somebody_erased_gets_no_code(asked, maria):
    Customer.objects.filter(pk=maria.pk).update(erased_at=timezone.now())
    say(asked, "maria@example.com")
    assert (mail.outbox, "erased" in now(asked).trouble) == ([], True)


# --- used, run out, withdrawn, asked again


def test_a_link_works_once(asked, maria, client):
    say(asked, "maria@example.com")
    tell(asked, code())
    assert "Thank you" in client.get(page(asked)).content.decode()
    with pytest.raises(identify.LinkGone):
        say(asked, "maria@example.com")
    with pytest.raises(identify.LinkGone):
        tell(asked, code())


def test_a_link_runs_out_after_three_days_and_says_so_kindly(asked, client):
    assert abs(asked.expires_at - asked.asked_at - timedelta(days=3)) < timedelta(seconds=1)
    IdentityRequest.objects.update(expires_at=timezone.now())
    for method in (client.get, client.post):
        for name in ("crm:identify", "crm:identify_code"):
            response = method(page(asked, name), {"who": "a@example.com", "code": "1"})
            assert (response.status_code, "run out" in response.content.decode()) == (410, True)


def test_asking_again_withdraws_the_earlier_link(asked, handle, agent, client):
    newer = identify.ask(identity=handle, by=agent, asked_as="@skylark")
    assert now(asked).state == "withdrawn"
    assert client.get(page(asked)).status_code == 410
    assert client.get(page(newer)).status_code == 200


def test_a_withdrawn_link_stops_a_code_on_its_way(asked, agent, maria):
    say(asked, "maria@example.com")
    typed = code()
    identify.withdraw(request=asked, by=agent)
    with pytest.raises(identify.LinkGone):
        tell(asked, typed)
    identify.withdraw(request=asked, by=agent)
    assert Activity.objects.filter(verb="no longer asked who they are").count() == 1


def test_an_answered_question_cannot_be_withdrawn(asked, agent, maria, handle):
    say(asked, "maria@example.com")
    tell(asked, code())
    identify.withdraw(request=asked, by=agent)
    assert (now(asked).state, owner(handle)) == ("answered", maria)


def test_nobody_is_asked_more_than_three_times_a_day(handle, agent):
    for _ in range(3):
        identify.ask(identity=handle, by=agent, asked_as="@skylark")
    with pytest.raises(identify.AskedEnough, match="@sara_k was asked 3 times"):
        identify.ask(identity=handle, by=agent, asked_as="@skylark")
    IdentityRequest.objects.update(asked_at=timezone.now() - timedelta(days=1))
    identify.ask(identity=handle, by=agent, asked_as="@skylark")


# --- who opens links unasked


@pytest.mark.parametrize("name", ["crm:identify", "crm:identify_code"])
@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_a_scanner_that_opens_the_link_changes_nothing_and_learns_nothing(asked, sara, maria, name, method):
    say(asked, "maria@example.com")
    before = list(IdentityRequest.objects.values())
    response = getattr(Client(), method)(page(asked, name))
    shown = response.content.decode()
    assert list(IdentityRequest.objects.values()) == before
    for secret in ("Sara", "sara_k", "Maria", "maria", "example.com", "C-20931"):
        assert secret not in shown
    assert response.cookies == {}


@pytest.mark.parametrize("name", ["crm:identify", "crm:identify_code"])
def test_the_pages_are_kept_by_nobody_and_tell_no_other_page(asked, client, name):
    say(asked, "maria@example.com")
    for response in (client.get(page(asked, name)), client.post(page(asked, name), {}), client.get("/who/none/")):
        assert response["Cache-Control"] == "no-store"
        assert response["Referrer-Policy"] == "no-referrer"
        assert "noindex" in response["X-Robots-Tag"]
        assert b"<script" not in response.content


def test_the_pages_work_without_cookies(asked, maria):
    """A form that asked for a CSRF cookie would fail with Origin: null, which no-referrer makes browsers send."""
    strict = Client(enforce_csrf_checks=True, headers={"origin": "null"})
    assert strict.post(page(asked), {"who": "maria@example.com"}).status_code == 302
    jobs.send_code(asked.pk)
    assert strict.post(page(asked, "crm:identify_code"), {"code": code()}).status_code == 302
    assert now(asked).state == "answered"


@pytest.mark.parametrize("token", ["x", "a.b", "a" * 66, "%00", "é", "." * 66])
def test_an_address_that_is_no_link_says_so(client, token):
    response = client.get(f"/who/{token}/")
    assert response.status_code == 404


def test_the_second_page_without_the_first_leads_back(asked, client):
    assert client.get(page(asked, "crm:identify_code"))["Location"] == page(asked)


# --- many codes


def test_a_code_works_for_fifteen_minutes(asked, maria):
    say(asked, "maria@example.com")
    left = now(asked).code_expires_at - timezone.now()
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    IdentityRequest.objects.update(code_expires_at=timezone.now())
    with pytest.raises(identify.NeedsNewCode):
        tell(asked, code())


def test_five_wrong_codes_and_the_right_one_does_not_work_any_more(asked, handle, sara, maria):
    say(asked, "maria@example.com")
    for _ in range(4):
        with pytest.raises(identify.WrongCode):
            tell(asked, wrong())
    for typed in (wrong(), code()):
        with pytest.raises(identify.NeedsNewCode):
            tell(asked, typed)
    assert owner(handle) == sara
    assert now(asked).tries == 5


def test_a_new_code_ends_the_one_before(asked, maria):
    say(asked, "maria@example.com")
    first = code()
    say(asked, "maria@example.com")
    if first != code():
        with pytest.raises(identify.WrongCode):
            tell(asked, first)
    tell(asked, code())


def test_three_codes_and_no_more(asked, maria, client):
    for _ in range(3):
        say(asked, "maria@example.com")
    response = client.post(page(asked), {"who": "maria@example.com"})
    assert response.status_code == 429
    assert "as many codes as we may" in response.content.decode()
    assert len(mail.outbox) == 3


def test_an_empty_or_odd_code_is_a_wrong_one(asked, maria):
    say(asked, "maria@example.com")
    for typed in ("", "abc", "٣" * 6, "0" * 500):
        with pytest.raises((identify.WrongCode, identify.NeedsNewCode)):
            tell(asked, typed)
    tell(asked, code())


def test_a_code_belongs_to_its_own_link(agent, maria):
    one, other = (
        identify.ask(identity=factories.IdentityFactory(customer=factories.CustomerFactory()), by=agent, asked_as="@s")
        for _ in range(2)
    )
    say(one, "maria@example.com")
    typed = code()
    say(other, "nobody-knows@example.com")
    with pytest.raises(identify.WrongCode):
        tell(other, typed if typed != code() else wrong())


def handles(agent, number):
    for _ in range(number):
        identity = factories.IdentityFactory(customer=factories.CustomerFactory())
        yield identify.ask(identity=identity, by=agent, asked_as="@skylark")


def test_one_mailbox_gets_five_codes_a_day_whoever_asks(agent, maria):
    for asked in handles(agent, 5):
        say(asked, "maria@example.com")
    (sixth,) = handles(agent, 1)
    with pytest.raises(identify.TooOften):
        say(sixth, "MARIA@example.com")
    say(sixth, "C-20931")
    assert (len(mail.outbox), now(sixth).trouble) == (5, "Enough codes went to this mailbox within a day.")


def test_one_machine_asks_for_twenty_codes_an_hour(agent):
    for number, asked in enumerate(handles(agent, 20)):
        say(asked, f"person{number}@example.com", machine="192.0.2.7")
    (last,) = handles(agent, 1)
    with pytest.raises(identify.TooOften):
        say(last, "another@example.com", machine="192.0.2.7")
    say(last, "another@example.com", machine="192.0.2.8")


def test_one_machine_tries_forty_codes_an_hour(agent, maria):
    wrongs = 0
    with pytest.raises(identify.TooOften):  # noqa: PT012 - it counts until it is refused
        for number, asked in enumerate(handles(agent, 20)):
            say(asked, f"person{number}@example.com")
            for _ in range(5):
                try:
                    tell(asked, wrong(), machine="192.0.2.7")
                except (identify.WrongCode, identify.NeedsNewCode):
                    wrongs += 1
    assert wrongs == identify.TRIES_AN_HOUR


def test_the_code_of_one_mailbox_cannot_be_guessed_from_many_machines(agent, maria):
    wrongs = 0
    with pytest.raises(identify.TooOften):  # noqa: PT012
        for asked in handles(agent, 5):
            for _ in range(3):
                say(asked, "maria@example.com")
                for _ in range(5):
                    try:
                        tell(asked, wrong())
                    except (identify.WrongCode, identify.NeedsNewCode):
                        wrongs += 1
    assert wrongs <= identify.TRIES_A_DAY


def test_what_was_counted_is_forgotten_in_the_end(asked, maria):
    say(asked, "maria@example.com")
    assert Allowance.objects.exists()
    Allowance.objects.update(since=timezone.now() - limits.KEPT * 2)
    jobs.keep_no_longer()
    assert not Allowance.objects.exists()


def test_a_while_begins_anew_when_it_is_over():
    hour = timedelta(hours=1)
    assert [limits.spend("x", "me", most=2, per=hour) for _ in range(3)] == [True, True, False]
    Allowance.objects.update(since=timezone.now() - hour)
    assert limits.spend("x", "me", most=2, per=hour)


@pytest.mark.parametrize(
    ("address", "machine"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("a socket", ""),
    ],
)
def test_a_machine_is_counted_by_its_network_address(rf, address, machine):
    assert limits.machine(rf.get("/", REMOTE_ADDR=address)) == machine


# --- mail that does not go out


def test_a_code_that_the_mail_server_did_not_take_is_sent_by_the_sweep(asked, maria, monkeypatch, nudges, committed):
    def broken(*args):
        raise SMTPException("451 try again")

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", broken)
        say(asked, "maria@example.com")
    assert "mail server" in now(asked).trouble
    nudges.clear()
    with committed():
        jobs.sweep()
    assert ("crm.jobs.send_code", asked.pk) in nudges
    jobs.send_code(asked.pk)
    tell(asked, code())


def test_a_code_is_sent_once_however_often_the_job_runs(asked, maria):
    say(asked, "maria@example.com")
    for _ in range(3):
        jobs.send_code(asked.pk)
    assert len(mail.outbox) == 1
    tell(asked, code())


def test_a_job_for_a_request_that_is_gone_does_nothing():
    jobs.send_code(4711)


# --- at the same time


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_at_once_one_counts(agent):
    maria = factories.CustomerFactory(known_at=timezone.now())
    factories.IdentityFactory(kind="email", place="", value="maria@example.com", customer=maria)
    (asked,) = handles(agent, 1)
    say(asked, "maria@example.com")
    typed = code()

    def answer():
        try:
            tell(asked, typed)
        except identify.LinkGone:
            return "gone"
        return "done"

    assert sorted(at_once(*[answer] * 4)) == ["done", "gone", "gone", "gone"]
    assert IdentityLink.objects.confirmed().filter(identity=asked.identity).count() == 1
    assert Customer.objects.filter(merged_into=maria).count() == 1


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_are_counted_each(agent):
    (asked,) = handles(agent, 1)
    say(asked, "maria@example.com")
    guess = wrong()

    def answer():
        try:
            tell(asked, guess)
        except (identify.WrongCode, identify.NeedsNewCode) as refusal:
            return type(refusal).__name__

    answers = at_once(*[answer] * 8)
    assert answers.count("WrongCode") == 4
    assert now(asked).tries == 5


@pytest.mark.django_db(transaction=True)
def test_agents_who_ask_at_once_leave_one_link_that_works(agent):
    identity = factories.IdentityFactory(customer=factories.CustomerFactory())

    def ask():
        return identify.ask(identity=identity, by=agent, asked_as="@skylark").pk

    assert len(set(at_once(*[ask] * 3))) == 3
    assert IdentityRequest.objects.unanswered().count() == 1


@pytest.mark.django_db(transaction=True)
def test_workers_who_send_at_once_send_one_code(agent):
    (asked,) = handles(agent, 1)
    identify.say_who(request=asked, text="maria@example.com", machine="m")
    at_once(*[lambda: jobs.send_code(asked.pk)] * 4)
    assert len(mail.outbox) == 1
    tell(asked, code())


@pytest.mark.django_db(transaction=True)
def test_codes_asked_for_at_once_are_three_at_most(agent):
    (asked,) = handles(agent, 1)

    def ask(number):
        try:
            identify.say_who(request=asked, text=f"p{number}@example.com", machine=f"m{number}")
        except identify.NoMoreCodes:
            return "no more"
        return "asked"

    answers = at_once(*[lambda number=number: ask(number) for number in range(6)])
    assert sorted(answers) == ["asked"] * 3 + ["no more"] * 3


def test_the_address_is_masked_as_people_expect():
    assert addresses.masked("maria@example.com") == "m…@example.com"
