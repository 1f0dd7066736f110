"""What stays of a post's HTML: its words, and where its links really lead."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.platforms.html_text import text_of
from crm.leading import INVISIBLE, address_of


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>one<br>two</p><p>three</p>", "one\ntwo\n\nthree"),
        ("<p>one<br />\ntwo</p>\n<p>three</p>\n", "one\ntwo\n\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<ul><li>one</li> <li>two</li></ul>after", "- one\n- two\n\nafter"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("<pre>one\n  two</pre>", "one\ntwo"),
        ("one\ntwo&nbsp; three", "one two three"),
        ("5 &lt; 6 &amp; &lt;b&gt;", "5 < 6 & <b>"),
        ("<b>bold</b> <i>and</i> not", "bold and not"),
        ('glad <img class="emoji" src="https://t.example/pixel.gif" alt=":)">', "glad :)"),
        ("", ""),
    ],
)
def test_html_becomes_lines_of_text(html, text):
    assert text_of(html) == text


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>safe",
        "<svg onload=alert(1)><script>alert(2)</script></svg>safe",
        "<style>p{}</style><iframe src=https://x.example>no</iframe>safe",
        '<a href="javascript:alert(1)">safe</a>',
        '<a href="data:text/html,x">safe</a>',
        "<a href=/relative>safe</a>",
        "<template>no</template><title>no</title>safe",
    ],
)
def test_nothing_that_runs_is_left(html):
    assert text_of(html) == "safe"


def test_a_mention_and_a_hashtag_are_their_words():
    mention = (
        '<span class="h-card"><a href="https://h.example/@brand" class="u-url mention">@<span>brand</span></a></span>'
    )
    assert text_of(f'<p>{mention} help <a href="https://h.example/tags/x" rel="tag">#<span>x</span></a></p>') == (
        "@brand help #x"
    )


@pytest.mark.parametrize(
    ("link", "text"),
    [
        (
            '<a href="https://sky.example/a/long"><span class="invisible">https://</span>'
            '<span class="ellipsis">sky.example/a</span><span class="invisible">/long</span></a>',
            "https://sky.example/a/long",
        ),
        ('<a href="https://sky.example/a/long">sky.example/a…</a>', "https://sky.example/a/long"),
        ('<a href="https://www.sky.example/">Sky.example</a>', "https://www.sky.example/"),
        ('<a href="https://sky.example/x">our page</a>', "our page (https://sky.example/x)"),
        ('<a href="https://sky.example/x"></a>', "https://sky.example/x"),
        ('<a href="mailto:care@sky.example?subject=x">care@sky.example</a>', "care@sky.example"),
        ('<a href="mailto:care@sky.example">write</a>', "write (care@sky.example)"),
    ],
)
def test_a_link_is_kept_as_its_address(link, text):
    assert text_of(link) == text


@pytest.mark.parametrize(
    ("link", "text"),
    [
        ('<a href="https://evil.example/">https://bank.example</a>', "https://bank.example (https://evil.example/)"),
        ('<a href="https://bank.example@evil.example/">bank</a>', "bank (https://evil.example/)"),
        ('<a href="https://evil.example\\@bank.example/">bank</a>', "bank (https://evil.example/@bank.example/)"),
        ('<a href="https://аррӏе.com/">apple.com</a>', "apple.com (https://xn--80ak6aa92e.com/)"),
        ('<a href="https://evil.example/">bank.…</a>', "bank.… (https://evil.example/)"),
    ],
)
def test_a_link_that_says_another_address_is_seen_through(link, text):
    assert text_of(link) == text


@pytest.mark.parametrize("sign", ["\u200b", "\u200d", "\u202e", "\u2066", "\u00ad", "\ufeff", "\u061c", "\u3164"])
def test_no_invisible_sign_stays_in_an_address(sign):
    assert text_of(f'<a href="https://bank.example/{sign}x{sign}">go</a>') == "go (https://bank.example/x)"
    assert text_of(f"see https://bank{sign}.example/{sign}x now") == "see https://bank.example/x now"


def test_joined_emoji_and_persian_words_keep_what_joins_them():
    assert text_of("<p>👨‍👩‍👧 می‌خواهم</p>") == "👨‍👩‍👧 می‌خواهم"


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("https://sky.example:8443/a?b#c", "https://sky.example:8443/a?b#c"),
        ("HTTP://SKY.example/A", "http://sky.example/A"),
        ("https://müller.example/ü", "https://xn--mller-kva.example/ü"),
        ("https://[::1]:80/x", "https://[::1]:80/x"),
        ("https://[zz", ""),
        ("https:///x", ""),
        ("https://sky.example:port/", ""),
        ("ftp://sky.example", ""),
        ("", ""),
    ],
)
def test_an_address_is_a_web_address_or_nothing(href, address):
    assert address_of(href) == address


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 80_000 + "words",
        "<b><i>" * 40_000 + "words",
        "<blockquote><ul>" * 20_000 + "words",
        "<div></b>" * 40_000 + "words",
        "<" * 400_000 + "words",
    ],
)
def test_what_is_nested_without_end_is_read_all_the_same(html):
    assert len(text_of(html)) <= 400_000


def test_words_in_a_deep_nest_are_kept_and_nothing_of_its_markup():
    assert text_of("<div>" * 500 + "words &amp; more<script>" + "</div>" * 500) == "words & more"
    assert text_of("<div>" * 500 + '<a href="https://sky.example/">only words</a>') == "only words"


def test_ten_thousand_mentions_are_read():
    one = '<a href="https://h.example/@a" class="mention">@<span>a</span></a> '
    assert text_of(one * 5000).split() == ["@a"] * 5000


def test_endless_text_ends():
    assert len(text_of("x" * 1_000_000)) <= 100_001


def test_what_a_database_cannot_hold_is_left_out():
    assert text_of("a\x00b\ud800c") == "ab?c"


@given(st.text(alphabet="<>/&;ap divbr=\"'@#\n\u200b\u202ehttps:.x"))
def test_whatever_comes_becomes_text(html):
    text = text_of(html)
    assert json.dumps(text)
    assert "\n\n\n" not in text


@given(st.text(max_size=40))
def test_no_address_holds_an_invisible_sign(rest):
    assert not INVISIBLE.search(address_of(f"https://sky.example/{rest}"))
