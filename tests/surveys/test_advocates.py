"""Advocates: who is found and why, as a plain script finds it again; who is asked, and only as they allow."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crm import consent, merging
from crm.models import Customer, IdentityLink
from crm.privacy import asking, working
from surveys import jobs
from surveys.advocates import finding, letters, moving, writing
from surveys.models import Advocate, AdvocateLetter, AdvocateReason
from tests import factories

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
HELP = "Go to the blue counter, they print a new ticket for you at once."


@pytest.fixture
def lead():
    return factories.UserFactory(role="lead", first_name="Lea", last_name="Marsh")


def find():
    return finding.find(timezone.now())


def handle(customer):
    return factories.IdentityFactory(customer=customer)


def praise(customer, *, days_ago=3, **facts):
    facts = {"sentiment": "positive", "topics": "service", "text": "What a team!", **facts}
    return factories.MessageFactory(
        identity=handle(customer), occurred_at=timezone.now() - days_ago * DAY, **facts
    )  # fmt: skip


def a_post(**facts):
    return factories.MessageFactory(text="My ticket is gone, what now?", **facts)


def helps(customer, post=None, **facts):
    post = post or a_post(identity=handle(factories.CustomerFactory()))
    facts = {"sentiment": "neutral", "text": HELP, **facts}
    return factories.MessageFactory(
        identity=handle(customer), thread=post.thread, parent_external_id=post.external_id, **facts
    )


def promotes(customer, *, score=9, tone="praise", at=None):
    at = at or timezone.now() - DAY
    response = factories.ResponseFactory(invitation__customer=customer, score=score, finished_at=at)
    factories.ThemeFactory(answer__response=response, topic="service", tone=tone)
    return response


def found():
    """Customer → the kinds of their reasons, sorted."""
    kinds = defaultdict(list)
    for customer, kind in AdvocateReason.objects.values_list("advocate__customer", "kind"):
        kinds[customer].append(kind)
    return {pk: sorted(of_one) for pk, of_one in kinds.items()}


# --- finding


def test_a_promoter_who_says_what_they_like_is_a_candidate_and_it_says_why():
    customer = factories.CustomerFactory()
    response = promotes(customer)
    assert find() == 1
    advocate = Advocate.objects.get()
    reason = advocate.reasons.get()
    assert (advocate.customer, advocate.state, reason.kind, reason.response) == (
        customer, "candidate", "promoter", response,
    )  # fmt: skip


@pytest.mark.parametrize(("score", "tone"), [(8, "praise"), (10, "criticism")])
def test_a_score_alone_is_not_enough_nor_are_words_without_it(score, tone):
    promotes(factories.CustomerFactory(), score=score, tone=tone)
    assert find() == 0


def test_who_praises_us_twice_in_public_is_one_who_does_so_once_is_not():
    often, once = factories.CustomerFactory(), factories.CustomerFactory()
    praise(often)
    praise(often)
    praise(once)
    assert find() == 1
    assert found() == {often.pk: ["praised", "praised"]}


@pytest.mark.parametrize(
    "facts",
    [{"private": True}, {"sentiment": "negative"}, {"topics": ""}, {"days_ago": 200}, {"deleted_at": timezone.now()}],
)
def test_what_is_no_public_praise_of_something_does_not_count(facts):
    customer = factories.CustomerFactory()
    praise(customer)
    praise(customer, **facts)
    assert find() == 0


def test_who_helps_two_other_customers_is_one():
    customer = factories.CustomerFactory()
    helps(customer)
    helps(customer)
    assert find() == 1
    assert found() == {customer.pk: ["helped", "helped"]}


@pytest.mark.parametrize(
    "facts",
    [{"text": "Me too!"}, {"text": HELP + " Or not?"}, {"sentiment": "negative"}, {"private": True}],
)
def test_a_short_word_a_question_and_a_complaint_are_no_help(facts):
    customer = factories.CustomerFactory()
    helps(customer)
    helps(customer, **facts)
    assert find() == 0


def test_answering_us_or_oneself_or_praise_is_no_help():
    customer = factories.CustomerFactory()
    helps(customer)
    helps(customer, a_post(identity=handle(customer)))
    helps(customer, a_post(direction="out", identity=handle(factories.CustomerFactory())))
    helps(customer, a_post(sentiment="positive", identity=handle(factories.CustomerFactory())))
    assert find() == 0


def test_a_handle_that_is_not_theirs_for_certain_speaks_for_nobody():
    customer, other = factories.CustomerFactory(), factories.CustomerFactory()
    for _n in range(2):
        message = praise(customer)
        factories.IdentityLinkFactory(identity=message.identity, customer=other, state="proposed")
    IdentityLink.objects.filter(customer=customer).update(state="rejected")
    assert find() == 0


@pytest.mark.parametrize("why", ["forbidden", "erased", "detractor"])
def test_who_may_not_be_contacted_or_was_disappointed_since_is_not_found(why, lead):
    customer = factories.CustomerFactory()
    promotes(customer, at=timezone.now() - 5 * DAY)
    if why == "detractor":
        factories.ResponseFactory(invitation__customer=customer, score=2, finished_at=timezone.now() - DAY)
    elif why == "forbidden":
        consent.forbid(customer=customer, how="By phone", by=lead)
    else:
        Customer.objects.filter(pk=customer.pk).update(erased_at=timezone.now())
    assert find() == 0


def test_looking_again_finds_nobody_twice_and_adds_what_is_new():
    customer = factories.CustomerFactory()
    promotes(customer)
    assert (find(), find()) == (1, 0)
    praise(customer)
    praise(customer)
    find()
    assert found() == {customer.pk: ["praised", "praised", "promoter"]}


@pytest.mark.parametrize("state", ["declined", "ended"])
def test_who_said_no_is_left_in_peace(state):
    customer = factories.CustomerFactory()
    factories.AdvocateFactory(customer=customer, state=state)
    promotes(customer)
    assert find() == 0
    assert found() == {}


@pytest.mark.parametrize("seed", range(5))
def test_candidates_are_those_that_a_plain_script_finds(seed):
    dice = random.Random(seed)
    said = defaultdict(lambda: defaultdict(int))
    for customer in factories.CustomerFactory.create_batch(6):
        for _n in range(dice.randint(0, 4)):
            deed = dice.choice([promotes, praise, helps])
            kind = {promotes: "promoter", praise: "praised", helps: "helped"}[deed]
            counts = dice.random() < 0.7
            if counts:
                deed(customer)
            else:
                deed(customer, **({"tone": "neutral"} if deed is promotes else {"private": True}))
            said[customer.pk][kind] += counts
    expected = {
        pk: sorted(kind for kind, n in of_one.items() for _n in range(n))
        for pk, of_one in said.items()
        if of_one["promoter"] >= 1 or of_one["praised"] >= 2 or of_one["helped"] >= 2
    }
    assert find() == len(expected)
    assert found() == expected


def test_twenty_cost_as_many_questions_as_one():
    promotes(factories.CustomerFactory())

    def asked():
        with CaptureQueriesContext(connection) as queries:
            find()
        return len(queries)

    one = asked()
    for _n in range(20):
        promotes(factories.CustomerFactory())
    assert asked() == one


def test_after_a_merge_the_advocate_goes_with_the_record_that_stands(lead):
    gone, stands = factories.CustomerFactory(), factories.CustomerFactory()
    advocate = factories.AdvocateFactory(customer=gone, state="advocate")
    merge = merging.merge(survivor=stands, absorbed=gone, by=lead, reason="Same person")
    advocate.refresh_from_db()
    assert advocate.customer == stands
    merging.undo(merge=merge, by=lead)
    advocate.refresh_from_db()
    assert advocate.customer == gone


def test_of_two_records_that_both_had_one_one_is_shown(lead):
    one, other = factories.AdvocateFactory(state="advocate"), factories.AdvocateFactory()
    merging.merge(survivor=one.customer, absorbed=other.customer, by=lead, reason="Same person")
    assert list(Advocate.objects.standing()) == [one]


# --- asking


@pytest.fixture
def advocate(lead):
    """A candidate with a mailbox who agreed to hear from us."""
    customer = factories.CustomerFactory(name="Sara")
    factories.IdentityFactory(kind="email", place="", value="sara@example.com", customer=customer)
    consent.record(customer=customer, purpose="marketing", state="given", how="By phone", by=lead)
    return factories.AdvocateFactory(customer=customer)


def send(letter):
    writing.mail(letter.pk)
    letter.refresh_from_db()


def test_an_invitation_leaves_by_mail_once(advocate, lead):
    letter = writing.invite(advocate=advocate, text="Would you?", by=lead)
    assert (advocate.state, advocate.moved_by) == ("invited", lead)
    send(letter)
    send(letter)
    writing.mail_all()
    assert [(each.to, each.body) for each in mail.outbox] == [(["sara@example.com"], "Would you?")]
    assert letter.sent_at


def test_who_did_not_agree_to_it_is_not_invited_but_may_be_thanked(advocate, lead):
    consent.record(customer=advocate.customer, purpose="marketing", state=None, how="Unclear", by=lead)
    with pytest.raises(consent.MayNotContact):
        writing.invite(advocate=advocate, text="Would you?", by=lead)
    advocate.refresh_from_db()
    assert (advocate.state, AdvocateLetter.objects.count()) == ("candidate", 0)
    send(writing.thank(advocate=advocate, text="Thank you.", by=lead))
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("purpose", ["marketing", "care_reply"])
def test_a_no_that_comes_before_it_leaves_stops_it(advocate, lead, purpose):
    letter = writing.invite(advocate=advocate, text="Would you?", by=lead)
    consent.record(customer=advocate.customer, purpose=purpose, state="refused", how="By phone", by=lead)
    send(letter)
    advocate.refresh_from_db()
    assert (mail.outbox, letter.sent_at, advocate.state) == ([], None, "candidate")
    assert letter.failed.startswith("They do not want this")


def test_whom_nothing_reaches_is_not_invited(lead):
    customer = factories.CustomerFactory()
    consent.record(customer=customer, purpose="marketing", state="given", how="By phone", by=lead)
    advocate = factories.AdvocateFactory(customer=customer)
    with pytest.raises(writing.NothingReachesThem):
        writing.invite(advocate=advocate, text="Would you?", by=lead)
    assert not AdvocateLetter.objects.exists()


def test_of_two_who_invite_at_once_the_second_is_told(advocate, lead):
    writing.invite(advocate=Advocate.objects.get(pk=advocate.pk), text="Would you?", by=lead)
    with pytest.raises(moving.HasMoved):
        writing.invite(advocate=advocate, text="Would you?", by=lead)


def test_thanks_are_said_once_a_month(advocate, lead):
    writing.thank(advocate=advocate, text="Thank you.", by=lead)
    with pytest.raises(writing.ThankedAlready):
        writing.thank(advocate=advocate, text="Thank you.", by=lead)
    AdvocateLetter.objects.update(at=timezone.now() - 31 * DAY)
    writing.thank(advocate=advocate, text="Thank you.", by=lead)


def test_a_letter_says_something(advocate, lead):
    with pytest.raises(writing.NoText):
        writing.thank(advocate=advocate, text=" \n", by=lead)


def test_a_letter_that_was_claimed_and_not_sent_is_never_sent_again(advocate, lead):
    letter = writing.thank(advocate=advocate, text="Thank you.", by=lead)
    AdvocateLetter.objects.update(claimed_at=timezone.now())
    send(letter)
    writing.mail_all()
    assert mail.outbox == []


@pytest.mark.parametrize(("language", "word"), [("de-CH", "Guten Tag"), ("fr", "Bonjour"), ("xx", "Hello")])
def test_the_words_we_propose_are_in_their_language(advocate, lead, language, word):
    advocate.customer.language = language
    for kind in AdvocateLetter.Kind:
        proposed = letters.proposed(advocate, kind, lead)
        assert proposed.startswith(word)
        assert proposed.endswith("Lea Marsh")


# --- what becomes of them


@pytest.mark.parametrize(("yes", "state"), [(True, "advocate"), (False, "declined")])
def test_a_yes_and_a_no_are_written_down_with_how_we_know(advocate, lead, yes, state):
    moving.answer(advocate=advocate, yes=yes, how="In a call on Monday", by=lead)
    assert (advocate.state, advocate.how, advocate.moved_by) == (state, "In a call on Monday", lead)


def test_nobody_is_an_advocate_without_having_said_so(advocate, lead):
    with pytest.raises(moving.SayHow):
        moving.answer(advocate=advocate, yes=True, how=" ", by=lead)


def test_it_ends_with_a_reason_and_can_be_taken_back(advocate, lead):
    writing.invite(advocate=advocate, text="Would you?", by=lead)
    moving.end(advocate=advocate, how="They moved to a competitor.", by=lead)
    with pytest.raises(moving.HasMoved):
        moving.answer(advocate=advocate, yes=True, how="By mail", by=lead)
    moving.take_up_again(advocate=advocate, by=lead)
    assert (advocate.state, advocate.how) == ("invited", "")


def test_a_candidate_that_ended_is_one_again_when_it_is_taken_back(advocate, lead):
    moving.end(advocate=advocate, how="By mistake", by=lead)
    assert moving.take_up_again(advocate=advocate, by=lead).state == "candidate"


# --- what is left of who was erased


def test_who_is_erased_is_no_advocate_and_thanks_name_them_no_more(advocate, lead):
    factories.AdvocateReasonFactory(advocate=advocate)
    factories.AdvocateLetterFactory(advocate=advocate, text="Dear Sara Lindqvist")
    Customer.objects.filter(pk=advocate.customer_id).update(name="Sara Lindqvist")
    theirs = factories.RecognitionFactory(customer=advocate.customer, words="You helped her.")
    other = factories.RecognitionFactory(words="As you did for Sara Lindqvist, so for all.")
    plain = factories.RecognitionFactory(words="Well done.")
    asked = asking.ask_for_erasure(
        customer=advocate.customer, confirmed=str(advocate.customer_id), reason="person", by=lead
    )  # fmt: skip
    working.work(asked.pk)
    assert not Advocate.objects.exists()
    assert not AdvocateLetter.objects.exists()
    for row in (theirs, other, plain):
        row.refresh_from_db()
    assert (theirs.words, bool(theirs.erased_at)) == ("", True)
    assert "Lindqvist" not in other.words
    assert other.words.startswith("As you did for")
    assert plain.words == "Well done."


def test_the_jobs_find_and_send(advocate, lead):
    promotes(factories.CustomerFactory())
    jobs.find_advocates()
    assert Advocate.objects.count() == 2
    writing.thank(advocate=advocate, text="Thank you.", by=lead)
    jobs.write_to_advocates()
    assert [each.body for each in mail.outbox] == ["Thank you."]
