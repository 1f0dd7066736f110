"""Which posts read as if somebody wants to buy: offered to who reads the case, and found where it stands."""

from types import SimpleNamespace

import pytest

from cases import buying


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hi, I’d like to book a group of 12 to Porto.", "’d like to book"),
        ("we are looking to buy 200 tickets", "looking to buy"),
        ("Where can I buy a yearly pass?", "Where can I buy"),
        ("What does the lounge pass cost?", "What does the lounge pass cost"),
        ("How much is a monthly pass now?", "How much is a"),
        ("Could you send a quote for 40 seats", "a quote for"),
        ("Do you sell gift cards?", "Do you sell"),
        ("Ich möchte zwanzig Karten für Freitag bestellen.", "möchte zwanzig Karten für Freitag bestellen"),
        ("Was kostet die Jahreskarte?", "Was kostet"),
        ("Quiero comprar un abono.", "Quiero comprar"),
        ("¿Cuánto cuesta el abono?", "Cuánto cuesta"),
        ("Je voudrais acheter un abonnement", "voudrais acheter"),
        ("Combien coûte la carte ?", "Combien coûte"),
        ("Not sure whom to ask, I want to buy ten", "want to buy"),
    ],
)
def test_what_reads_as_if_somebody_wants_to_buy_is_found_with_its_words(text, words):
    assert buying.phrase(text) == words


@pytest.mark.parametrize(
    "text",
    [
        "",
        "My train is late again and nobody says why.",
        "I never want to book with you again.",
        "I don't want to buy another ticket, I want my money back.",
        "No quiero comprar nada.",
        "Ich kann das nicht buchen. Kann ich nicht kaufen?",
        "How much longer does this take?",
        "I bought a ticket and it does not work.",
        "Ich will umbuchen.",
        "How much is my refund?",
    ],
)
def test_what_does_not_is_left_alone(text):
    assert buying.phrase(text) == ""


def line(text, kind="message", other=False, ours=False, erased=None):
    post = SimpleNamespace(text=text, is_ours=ours, erased_at=erased)
    return SimpleNamespace(kind=kind, item=post, by_other_customer=other)


def test_only_what_the_customer_of_the_case_said_counts_and_the_newest_first():
    wants = "I want to buy"
    others = [line(wants, "note"), line(wants, other=True), line(wants, ours=True), line("", erased="now")]
    said = [line("I want to order"), line("I want to book"), line("Thanks"), *others]
    assert [post.text for post in buying.posts(said)] == ["Thanks", "I want to book", "I want to order"]
    post, words = buying.likely(buying.posts(said))
    assert (post.text, words) == ("I want to book", "want to book")
    assert buying.likely(buying.posts(others)) is None


def test_a_long_post_is_read_as_fast_as_it_is_long():
    text = "I will not, und ich will " * 2_000
    assert buying.phrase(text) == ""
