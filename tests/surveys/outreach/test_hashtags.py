"""Hashtags: found in what people write, and owned by one group at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from crm.errors import Refused
from crm.models import Activity, SupportGroup
from surveys.models import Hashtag
from surveys.outreach import hashtags, quoting
from tests import factories

TAG = st.text("abzäßéжшबि日本語09-_", min_size=2, max_size=40).filter(
    lambda text: hashtags.found_in(f"#{text}") == [text]
)


# --- in text


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("They paid twice. #billing", ["billing"]),
        ("#Billing and #BILLING again", ["billing"]),
        ("(#billing), #crew!", ["billing", "crew"]),
        ("#billing's fault; #on-time- and #seat_map", ["billing", "on-time", "seat_map"]),
        ("#Gepäck, #часы, #हिन्दी and #払い戻し。", ["gepäck", "часы", "हिन्दी", "払い戻し"]),
        ("＃払い戻し", ["払い戻し"]),
        ("case #4711, our #1", []),
        ("#a and #" + "x" * 41, []),
        ("#" + "x" * 40, ["x" * 40]),
        ("https://skylark.test/help#refunds and www.skylark.test/#crew", []),
        ("ann#crew@skylark.test", []),
        ("a#b is C#sharp, &#x27; and ##twice", []),
        ("nothing", []),
    ],
)
def test_hashtags_are_found_in_words_of_any_script_and_not_in_addresses(text, tags):
    assert hashtags.found_in(text) == tags


def test_a_letter_and_its_accent_written_apart_are_the_same_tag():
    assert hashtags.found_in("#cafe\u0301 #caf\u00e9") == ["caf\u00e9"]


@given(st.lists(TAG, max_size=5))
def test_every_tag_written_among_words_is_found_once_in_order(tags):
    text = "They said: " + ", ".join(f"#{tag} was bad" for tag in tags)
    assert hashtags.found_in(text) == list(dict.fromkeys(tags))


@given(st.text())
def test_whatever_is_written_every_tag_found_is_one_that_can_be_kept(text):
    for tag, start, end in hashtags.places_in(text):
        assert 2 <= len(tag) <= 40
        assert text[start] in hashtags.SIGNS
        assert start + 2 <= end <= len(text)
        assert hashtags.found_in(f"#{tag}") == [tag]


# --- what a group is shown


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("Loves the crew. The #billing is wrong. Rang off.", "The #billing is wrong."),
        ("Loves the crew. They paid twice. #billing", "They paid twice. #billing"),
        ("They paid twice.\n#billing #crew", "They paid twice. #billing #crew"),
        ("They paid twice. #billing #crew We talked of trains too.", "They paid twice. #billing #crew"),
        ("They paid twice. #billing charged them. Bye.", "#billing charged them."),
        ("#billing Charged twice. Fine else.", "#billing Charged twice."),
        ("#billing", "#billing"),
        ("#billing is slow. Fine else. And #billing is dear!", "#billing is slow. And #billing is dear!"),
        ("二回払った。#billing", "二回払った。 #billing"),
    ],
)
def test_the_sentences_around_a_hashtag_are_its_quote(note, shown):
    assert quoting.quote(note, "billing") == shown


def test_one_endless_sentence_is_cut_around_its_hashtag():
    shown = quoting.quote("word " * 500 + "#billing" + " word" * 500, "billing")
    assert len(shown) <= 1000
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert "#billing" in shown


@given(st.text(max_size=50), st.text(max_size=1200))
def test_a_quote_always_fits_and_holds_its_hashtag(before, after):
    note = f"{before} #billing {after}"
    if "billing" in hashtags.found_in(note):
        shown = quoting.quote(note, "billing")
        assert len(shown) <= quoting.LONGEST
        assert "billing" in hashtags.found_in(shown)


# --- owned


@pytest.fixture
def group(db, agent):
    return factories.SupportGroupFactory(name="Billing", owner=agent)


@pytest.mark.django_db
def test_a_group_gets_a_hashtag_in_small_letters_and_it_is_logged(group, lead):
    made = hashtags.own(tag=" #Billing ", group=group, by=lead, about="Invoices")
    assert (made.tag, made.group, made.about) == ("billing", group, "Invoices")
    assert Activity.objects.about(group).get().detail == "#billing"


@pytest.mark.django_db
def test_who_answers_for_a_group_gives_it_hashtags_and_others_do_not(group, agent, colleague):
    assert hashtags.own(tag="billing", group=group, by=agent).group == group
    with pytest.raises(hashtags.NotYours, match="Only leads and Ana Ruiz change the hashtags of Billing"):
        hashtags.own(tag="refund", group=group, by=colleague)


@pytest.mark.django_db
@pytest.mark.parametrize("tag", ["", "#", "a", "x" * 41, "two words", "4711", "billing!", "-billing-"])
def test_what_no_note_would_find_is_no_hashtag(group, lead, tag):
    with pytest.raises(hashtags.NotATag, match="2 to 40"):
        hashtags.own(tag=tag, group=group, by=lead)


@pytest.mark.django_db
def test_a_hashtag_of_one_group_is_not_taken_by_another_until_it_is_retired(group, lead):
    tag = hashtags.own(tag="billing", group=group, by=lead)
    other = factories.SupportGroupFactory(name="Finance")
    with pytest.raises(hashtags.OwnedAlready, match="#billing belongs to Billing"):
        hashtags.own(tag="billing", group=other, by=lead)
    hashtags.retire(hashtag=tag, by=lead)
    assert hashtags.own(tag="billing", group=other, by=lead).group == other
    assert Hashtag.objects.get().retired_at is None


@pytest.mark.django_db
def test_a_closed_group_gets_no_hashtag(group, lead):
    group.closed_at = timezone.now()
    with pytest.raises(hashtags.GroupClosed, match="Billing is no longer asked"):
        hashtags.own(tag="billing", group=group, by=lead)


@pytest.mark.django_db
def test_a_retired_hashtag_asks_nobody_and_comes_back(group, lead):
    tag = factories.HashtagFactory(tag="billing", group=group)
    hashtags.retire(hashtag=tag, by=lead)
    assert hashtags.in_use() == []
    assert hashtags.unknown_in("#billing") == ["billing"]
    hashtags.restore(hashtag=tag, by=lead)
    assert hashtags.in_use() == [tag]
    assert hashtags.unknown_in("#billing") == []


@pytest.mark.django_db(transaction=True)
def test_of_two_groups_that_take_a_hashtag_at_once_one_has_it_and_the_other_is_told():
    lead = factories.UserFactory(role="lead")
    groups = [factories.SupportGroupFactory(name=name) for name in ("Billing", "Finance")]
    waiting = Barrier(2, timeout=60)

    def take(group: SupportGroup) -> str:
        waiting.wait()
        try:
            return hashtags.own(tag="billing", group=group, by=lead).group.name
        except Refused as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(take, groups))
    owner = Hashtag.objects.get().group.name
    assert said == sorted(
        [owner, f"#billing belongs to {owner}. It has to be retired there before another group can have it."]
    )
