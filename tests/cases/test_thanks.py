import pytest

from cases.thanks import is_bare_thanks


@pytest.mark.parametrize(
    "text", ["Thanks!", "@skylark thank you so much 🙏", "ok great, thanks for the quick help", "Gracias", "thx"]
)
def test_a_bare_thanks_is_recognised(text):
    assert is_bare_thanks(text)


@pytest.mark.parametrize(
    "text",
    ["", "👍", "thanks for nothing", "Thanks, but it is still broken", "Thank you. When will it arrive?", "great",
     "thanks for the reply but my bag is gone", "no thanks to you I missed my train"],
)  # fmt: skip
def test_what_says_more_is_not(text):
    assert not is_bare_thanks(text)
