"""The browser counts as the server does: static/js/counting.js against tests/counting.json."""

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parent.parent.parent
VECTORS = json.loads((ROOT / "tests/counting.json").read_text())
COUNT_ALL = """vectors => Object.fromEntries(Object.entries(vectors).map(([text, lengths]) =>
    [text, Object.fromEntries(Object.keys(lengths).map(how => [how, globalThis.count(text, how)]))]))"""


def test_the_browser_counts_every_vector_as_the_server_does(browser):
    source = (ROOT / "static/js/counting.js").read_text()
    assert source.count("export const length =") == 1
    page = browser.new_page()
    page.add_script_tag(content=source.replace("export const length =", "globalThis.count ="), type="module")
    page.wait_for_function("globalThis.count")
    assert page.evaluate(COUNT_ALL, VECTORS) == VECTORS
    page.close()
