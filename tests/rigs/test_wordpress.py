"""What only WordPress does, on a real one. What every network does stands in test_contract.py."""

from __future__ import annotations

import pytest

from channels_app.platforms.base import EventKind, Measures, Moderation, Outgoing
from channels_app.platforms.errors import AccessRevoked, Duplicate, Forbidden, ParentGone, Rejected
from tests.rigs.reading import Reader
from tests.rigs.wordpress import ARTICLE, COMMENTS, WordPress

ONLY = ["wordpress"]
MANY_LINKS = "https://one.example https://two.example https://three.example"  # WordPress holds them back


def reply(to: str, text: str = "We are looking for it.", key: str = "k") -> Outgoing:
    return Outgoing(key, text, to, "", "mail:maria@customer.test")


def now(rig: WordPress, id: str):
    """The comment as our platform reads it again; None where it is gone."""
    payload = rig.platform().fetch_item(id)
    return rig.platform().parse(payload.body)[0] if payload else None


def do(rig: WordPress, kind: Measures, id: str, **more: bool) -> None:
    """Twice is once."""
    for _ in range(2):
        rig.platform().moderate(Moderation(kind, id, "", "spam", **more))


def everybody_sees(rig: WordPress, id: str) -> bool:
    return id in [said.id for said in rig.thread(id)]


def status(rig: WordPress, id: str) -> str:
    return rig.owner("GET", f"{COMMENTS}/{id}", params={"context": "edit"})["status"]


# --- what becomes of a comment


def test_a_deletion_and_an_edit_are_noticed_when_the_comment_is_read_again(rig: WordPress):
    asked = rig.post("My bag is lots")
    assert now(rig, asked).text == "My bag is lots"
    rig.edit(asked, "My bag is lost")
    assert now(rig, asked).text == "My bag is lost"
    rig.delete(asked)
    assert now(rig, asked) is None


@pytest.mark.parametrize(
    ("kind", "there"), [(Measures.HIDE, "hold"), (Measures.REPORT, "spam")], ids=lambda it: str(it)
)
def test_a_comment_is_taken_from_sight_and_given_back(rig: WordPress, kind: Measures, there: str):
    rude = rig.post(f"Liars ({there})")
    assert everybody_sees(rig, rude)
    do(rig, kind, rude)
    assert (status(rig, rude), everybody_sees(rig, rude)) == (there, False)
    do(rig, kind, rude, undo=True)
    assert (status(rig, rude), everybody_sees(rig, rude)) == ("approved", True)


def test_what_was_taken_for_spam_by_others_is_read_as_deleted(rig: WordPress):
    asked = rig.post("Buy this")
    rig.owner("POST", f"{COMMENTS}/{asked}", json={"status": "spam"})
    assert now(rig, asked) is None


def test_a_comment_of_ours_is_deleted_and_comes_back_and_nobody_elses_is(rig: WordPress):
    asked = rig.post("Where is my bag?")
    ours = rig.platform().send(reply(asked)).external_id
    do(rig, Measures.DELETE, ours)
    assert (everybody_sees(rig, ours), now(rig, ours)) == (False, None)
    do(rig, Measures.DELETE, ours, undo=True)
    assert everybody_sees(rig, ours)
    with pytest.raises(Rejected):
        do(rig, Measures.DELETE, asked)
    assert everybody_sees(rig, asked)


# --- what comes in


def test_a_comment_that_waits_for_approval_comes_in_and_is_answered_once_it_is_approved(rig: WordPress):
    reader = Reader(rig)
    held = rig.post(MANY_LINKS)
    [event] = reader.until(held)
    assert (event.kind, event.extra["status"], everybody_sees(rig, held)) == (EventKind.MESSAGE, "hold", False)
    with pytest.raises(Rejected, match="approve it there"):
        rig.platform().send(reply(held))
    do(rig, Measures.HIDE, held, undo=True)
    rig.platform().send(reply(held))
    assert [said.text for said in rig.answers_to(held)] == ["We are looking for it."]


def test_more_comments_than_a_page_come_once_each_oldest_first(rig: WordPress):
    """Many of them in the same second, which is as exact as WordPress is."""
    reader = Reader(rig)
    said = [rig.post(f"Number {number}") for number in range(105)]
    assert [event.external_id for event in reader.until(*said)] == said
    assert reader.read() == []


def test_who_wrote_it_is_known_by_the_address_they_left(rig: WordPress):
    otto = rig.comment("I left my hat", name="Otto <b>Brandt</b>", mail="Otto@Customer.test")
    author = now(rig, otto).author
    assert (author.key, author.name) == ("mail:otto@customer.test", "Otto Brandt")
    assert rig.platform().profile(author.key) == author
    assert rig.platform().profile("mail:nobody@customer.test") is None


def test_what_stands_above_a_comment_is_read_oldest_first(rig: WordPress):
    asked = rig.post("Which train?")
    ours = rig.platform().send(reply(asked, "The next one.")).external_id
    thanks = rig.answer(ours, "Thanks")
    above = [rig.platform().parse(each.body)[0].external_id for each in rig.platform().fetch_context(thanks)]
    assert above == [asked, ours]


# --- what we say


def test_the_same_words_again_are_refused_and_name_those_that_stand_there(rig: WordPress):
    text = 'C:\\new\\table & 1 < 2 > 0, "so" – é 👩🏽‍🔧\n\n<script>alert(1)</script> &amp; &#092;'
    asked = rig.post("What stands on the sign?")
    sent = rig.platform().send(reply(asked, text))
    with pytest.raises(Duplicate) as refused:
        rig.platform().send(reply(asked, text, key="another"))
    assert refused.value.external_id == sent.external_id
    assert rig.platform().find_sent(reply(asked, text)) == sent
    [said] = rig.answers_to(asked)
    assert "<script>alert(1)</script> &amp; &#092;" in said.text
    assert now(rig, sent.external_id).text == text


def test_a_reply_as_long_as_may_be_arrives_and_a_longer_one_is_refused(rig: WordPress):
    longest = rig.platform().capabilities.text_limit
    asked = rig.post("Tell me everything")
    sent = rig.platform().send(reply(asked, "&" * longest))
    assert now(rig, sent.external_id).text == "&" * longest
    with pytest.raises(Rejected):
        rig.platform().send(reply(asked, "a" * (longest + 1)))


def test_below_a_closed_article_nothing_is_sent(rig: WordPress):
    asked = rig.post("Still there?")
    article = f"/wp/v2/posts/{ARTICLE}"
    rig.owner("POST", article, json={"comment_status": "closed"})
    try:
        with pytest.raises(Forbidden, match="closed"):
            rig.platform().send(reply(asked))
    finally:
        rig.owner("POST", article, json={"comment_status": "open"})
    rig.delete(asked)
    with pytest.raises(ParentGone):
        rig.platform().send(reply(asked))


# --- our key


def test_an_account_that_may_not_moderate_is_told_what_it_lacks(rig: WordPress):
    rig.owner("POST", f"/wp/v2/users/{rig.made['brand']}", json={"roles": ["author"]})
    try:
        assert rig.platform().check().missing == ("moderate_comments",)
        with pytest.raises(AccessRevoked, match="moderate"):
            rig.platform().fetch_since({}, limit=5)
    finally:
        rig.owner("POST", f"/wp/v2/users/{rig.made['brand']}", json={"roles": ["editor"]})
    assert rig.platform().check().missing == ()


def test_a_wrong_password_is_said_to_be_wrong(rig: WordPress):
    wrong = rig.platform(rig.wrong_access())
    with pytest.raises(AccessRevoked, match="password is wrong"):
        wrong.check()
    with pytest.raises(AccessRevoked):
        wrong.fetch_since({}, limit=5)
    asked = rig.post("Hello?")
    with pytest.raises(AccessRevoked):
        wrong.send(reply(asked))
    assert rig.answers_to(asked) == []
