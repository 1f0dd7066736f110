"""What a customer says on a rig before the tests look at it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

from tests.rigs.reading import Reader
from tests.rigs.rig import Picture, Rig
from tests.rigs.words import png

# beyond the Basic Multilingual Plane; joined and coloured emoji; both directions; marks that follow; no spaces
MANY_SCRIPTS = "Zug 🚆 👩🏽‍🔧 🇩🇪 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𠜎 – العربية עברית – e\u0301 ı – 列車が遅れています"
MARKUP = 'Is <b>this</b> & "that" true? <script>alert(1)</script><img src=x onerror=alert(1)> 1 < 2'
PICTURE = Picture("train.png", "image/png", png(), "A train that stands still")


class Posts:
    """Ids by what they are for. All are said, and have arrived, when the first is given; two of the same moment."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def __getitem__(self, name: str) -> str:
        return self._said[name]

    @cached_property
    def _said(self) -> dict[str, str]:
        plain = ("seen", "answered", "lost", "killed", "raced", "long", "shut", "cut")
        said = {name: self.rig.post(f"My train is late ({name})") for name in plain}
        said["many scripts"] = self.rig.post(MANY_SCRIPTS)
        said["markup"] = self.rig.post(MARKUP)
        if self.rig.customer_pictures:
            said["picture"] = self.rig.post("Look at this", picture=PICTURE)
        if self.rig.customer_edits:
            said["edited"] = self.rig.post("The train is late")
        if self.rig.customer_deletes:
            said["deleted"] = self.rig.post("I take this back")
        with ThreadPoolExecutor(2) as both:
            said |= zip(("one", "two"), both.map(self.rig.post, ("First of two", "Second of two")), strict=True)
        wanted = set(said.values())
        self.rig.wait_until("all of it has arrived", lambda: wanted <= arrived(self.rig), within=3 * self.rig.hop)
        return said


def arrived(rig: Rig) -> set[str]:
    """The ids of all that our platform finds there."""
    return {event.external_id for event in Reader(rig).found}
