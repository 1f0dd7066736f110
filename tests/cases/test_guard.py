"""No stock replies: nearly the same words to several people are stopped, or sent for a reason that is written down."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from cases import identify, replies
from cases.models import Case, DeskSettings, Override, Wording
from cases.wording import guard, likeness
from channels_app.models import Delivery, Message
from crm import merging
from crm.models import Activity
from tests import factories

HTMX = {"HX-Request": "true"}
STOCK = (
    "Hi {name}, we are very sorry that your train was late again today. Please write to us with the number of your"
    " ticket, so that our team can look into it and give you back a part of the fare."
)
OTHER = "The lift in the station is repaired since noon, and a colleague waits for you at platform four with the ramp."


# --- how alike two texts are (no database)


def test_what_is_said_of_one_person_alone_does_not_count():
    said = "Hi Jane, your ticket 4471: see https://x.example/a1 and write to @skylark. Ana"
    one = likeness.words_of(said, ["Jane", "Ana"])
    two = likeness.words_of("Dear Mr Abernathy!\nYour ticket #98-12: see https://x.example/zz and write to @us.", [])
    assert one == two == ["your", "ticket", "see", "and", "write", "to"]


@pytest.mark.parametrize("text", ["Thank you!", "We are on it.", "", "😀😀😀", "Hi Jane, see https://x.example/1 2 3"])
def test_a_few_words_are_nobodys_stock_reply(text):
    assert likeness.shingles(likeness.words_of(text, ["Jane"])) == frozenset()


def test_languages_without_spaces_are_compared_sign_by_sign():
    assert len(likeness.shingles(likeness.words_of("列车晚点我们非常抱歉"))) == 9


def test_likeness_is_the_share_of_pieces_that_both_have():
    assert likeness.likeness({"a b", "b c", "c d"}, {"b c", "c d", "d e"}) == 0.5
    assert likeness.likeness({"a b"}, set()) == likeness.likeness(set(), set()) == 0


def test_bands_fit_the_database_and_are_the_same_in_every_process():
    found = likeness.bands(frozenset({"we are", "are sorry"}))
    assert len(found) == likeness.BANDS
    assert all(-(2**63) <= band < 2**63 for band in found)
    assert found[:2] == likeness.bands(frozenset({"are sorry", "we are"}))[:2]
    assert likeness.bands(frozenset()) == []


@given(st.lists(st.text(alphabet="abcdefgh", min_size=1, max_size=4), min_size=25, max_size=60), st.integers(0, 24))
@settings(deadline=None)
def test_texts_that_differ_in_one_word_are_always_candidates(words, at):
    """1 - (1 - s^3)^32 is above 0.999999 for the least likeness this can have."""
    changed = [*words[:at], "zzz", *words[at + 1 :]]
    one, two = likeness.shingles(words), likeness.shingles(changed)
    if likeness.likeness(one, two) >= 0.7:
        assert set(likeness.bands(one)) & set(likeness.bands(two))


# --- the warning

db = pytest.mark.django_db


def customers_case(channel, name, mood="neutral"):
    case = factories.CaseFactory(channel=channel, customer__name=name)
    Message.objects.filter(case_entry__case=case).update(sentiment=mood)
    return case


def to_three(channel, by, text=STOCK):
    for name in ("Jane Doe", "Karl Lang", "Lena Vogt"):
        replies.reply(case=customers_case(channel, name), text=text.format(name=name.split()[0]), by=by, why="a test")


@db
def test_three_others_may_get_the_same_and_the_fourth_is_stopped(channel, agent):
    to_three(channel, agent)
    assert not Override.objects.exists()
    with pytest.raises(guard.StockReply, match=r"^3 others got nearly the same words; the closest is 100 % alike"):
        replies.reply(case=customers_case(channel, "Mia Roth"), text=STOCK.format(name="Mia"), by=agent)
    assert Delivery.objects.count() == 3


@db
def test_a_colleagues_words_count_too(channel, agent, colleague):
    to_three(channel, colleague)
    with pytest.raises(guard.StockReply):
        replies.reply(case=customers_case(channel, "Mia Roth"), text=STOCK.format(name="Mia"), by=agent)


@db
def test_a_changed_word_or_two_do_not_hide_it(channel, agent):
    to_three(channel, agent)
    text = STOCK.format(name="Mia").replace("very sorry", "so sorry")
    with pytest.raises(guard.StockReply, match=r"the closest is 90 % alike"):
        replies.reply(case=customers_case(channel, "Mia Roth"), text=text, by=agent)


@db
def test_words_of_ones_own_are_nobodys_business(channel, agent):
    to_three(channel, agent)
    assert replies.reply(case=customers_case(channel, "Mia Roth"), text=OTHER, by=agent)


@db
def test_the_same_customer_may_hear_the_same_again(channel, agent):
    case = customers_case(channel, "Mia Roth")
    for _ in range(5):
        replies.reply(case=case, text=STOCK.format(name="Mia"), by=agent)


@db
def test_two_records_of_one_person_are_one_of_the_others(channel, agent):
    cases = [customers_case(channel, f"Jane {n}") for n in range(3)]
    for case in cases:
        replies.reply(case=case, text=STOCK.format(name="Jane"), by=agent)
    merging.merge(survivor=cases[0].customer, absorbed=cases[1].customer, by=agent)
    assert replies.reply(case=customers_case(channel, "Mia"), text=STOCK.format(name="Mia"), by=agent)


@db
def test_what_was_sent_before_the_time_the_desk_looks_back_is_forgotten(channel, agent):
    to_three(channel, agent)
    Wording.objects.update(at=timezone.now() - timedelta(hours=25))
    assert replies.reply(case=customers_case(channel, "Mia"), text=STOCK.format(name="Mia"), by=agent)
    Wording.objects.filter(message__delivery__isnull=False).update(at=timezone.now() - timedelta(hours=26))
    guard.forget()
    assert not Wording.objects.exists()


@db
def test_the_desk_says_how_many_and_how_alike(channel, agent):
    DeskSettings.objects.create(pk=1, guard_people=2, guard_likeness=100, undo_seconds=0)
    to_three(channel, agent, text=OTHER)
    changed = OTHER.replace("noon", "nine")
    assert replies.reply(case=customers_case(channel, "Mia"), text=changed, by=agent)
    with pytest.raises(guard.StockReply):
        replies.reply(case=customers_case(channel, "Nia"), text=OTHER, by=agent)


@db
def test_short_answers_are_never_judged(channel, agent):
    for n in range(6):
        replies.reply(case=customers_case(channel, f"Jane {n}"), text="Thank you, gladly!", by=agent)


@db
def test_what_is_written_down_by_hand_was_said_and_is_not_judged(agent, team):
    phone = factories.ChannelFactory(platform="by_hand", team=team)
    for n in range(6):
        replies.reply(case=customers_case(phone, f"Jane {n}"), text=OTHER, by=agent)
    assert not Wording.objects.exists()


@db
def test_harks_own_question_who_somebody_is_is_the_same_for_everybody(channel, agent):
    for n in range(6):
        identify.ask_who(case=customers_case(channel, f"Jane {n}"), by=agent)
    assert not Wording.objects.exists()


@db
def test_erased_words_are_compared_with_nothing(channel, agent):
    to_three(channel, agent)
    Message.objects.filter(direction="out").update(text="", url="", reasons="", erased_at=timezone.now())
    assert replies.reply(case=customers_case(channel, "Mia"), text=STOCK.format(name="Mia"), by=agent)


# --- all the same, because


@db
def test_a_reason_sends_it_and_stands_in_the_log(channel, agent):
    to_three(channel, agent)
    case = customers_case(channel, "Mia Roth")
    delivery = replies.reply(case=case, text=STOCK.format(name="Mia"), by=agent, why=" The same train. ")
    override = Override.objects.get()
    assert (override.case, override.message, override.by) == (case, delivery.message, agent)
    assert (override.people, override.likeness, override.why) == (3, 1.0, "The same train.")
    assert Activity.objects.about(case).filter(verb="sent much the same", detail="The same train.").exists()


@db
def test_a_reason_given_without_need_is_not_written_down(channel, agent):
    replies.reply(case=customers_case(channel, "Mia"), text=OTHER, by=agent, why="Just so")
    assert not Override.objects.exists()


@db
def test_to_somebody_unhappy_no_reason_gets_around_it(channel, agent):
    to_three(channel, agent)
    case = customers_case(channel, "Mia Roth", mood="negative")
    with pytest.raises(guard.StockReplyToAnUnhappy, match=r"This customer is unhappy"):
        replies.reply(case=case, text=STOCK.format(name="Mia"), by=agent, why="I must")
    assert replies.reply(case=case, text=OTHER, by=agent)


@db
def test_the_last_thing_they_said_decides_whether_they_are_unhappy(channel, agent):
    to_three(channel, agent)
    case = customers_case(channel, "Mia Roth", mood="negative")
    kinder = factories.MessageFactory(
        thread=case.thread, identity=case.identity, sentiment="positive", occurred_at=timezone.now()
    )
    case.entries.create(message=kinder)
    assert replies.reply(case=case, text=STOCK.format(name="Mia"), by=agent, why="They asked for the address")


# --- on the screen


def send(client, case, **more):
    return client.post(f"/cases/{case.pk}/reply/", {"text": STOCK.format(name="Mia"), **more}, headers=HTMX)


@db
def test_the_warning_shows_how_many_the_closest_and_what_was_typed(channel, agent, as_user):
    to_three(channel, agent)
    answer = send(as_user(agent), customers_case(channel, "Mia Roth"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Nearly the same went to 3 others. The closest, 100 % alike:" in page
    assert page.count("a part of the fare.") == 2  # the closest, and what was typed
    assert 'name="why"' in page


@db
def test_the_reason_is_asked_for_and_then_it_goes(channel, agent, as_user):
    to_three(channel, agent)
    case = customers_case(channel, "Mia Roth")
    assert send(as_user(agent), case, why="   ").status_code == 422
    assert send(as_user(agent), case, why="The same train").status_code == 200
    assert Case.objects.get(pk=case.pk).state == "waiting"


@db
def test_to_somebody_unhappy_no_reason_is_asked_for(channel, agent, as_user):
    to_three(channel, agent)
    page = send(as_user(agent), customers_case(channel, "Mia", mood="negative")).content.decode()
    assert "No reason gets around this." in page
    assert 'name="why"' not in page


@db
def test_leads_see_who_sent_what_to_whom_and_why(lead, as_user):
    override = factories.OverrideFactory(why="=cmd()", case__customer__name="Mia <Roth>")
    client = as_user(lead)
    page = client.get("/settings/desk/overrides/").content.decode()
    assert "Mia &lt;Roth&gt;" in page
    assert "90 %" in page
    file = b"".join(client.get("/settings/desk/overrides/export/?as=csv").streaming_content).decode()
    assert f"{override.case_id}," in file
    assert "'=cmd()" in file


@db
def test_nothing_to_show_says_so(lead, as_user):
    assert "Nobody has sent a stock reply." in as_user(lead).get("/settings/desk/overrides/").content.decode()


@db
def test_a_reply_costs_the_guard_one_question_however_much_was_sent(channel, agent, django_assert_num_queries):
    case = Case.objects.select_related("customer").get(pk=customers_case(channel, "Mia").pk)
    to_three(channel, agent, OTHER)
    for _ in range(2):
        with django_assert_num_queries(1):
            guard.check(case=case, text=STOCK, by=agent, desk=DeskSettings(pk=1))
        to_three(channel, agent, "Completely different words were chosen here for each of these very patient people.")
