"""What people say of Skylark among themselves: nobody tells Skylark, and whoever searches finds it."""

from __future__ import annotations

from .chance import chance
from .people import Person, cast

ASIDE = "aside"  # the act of such a post: GET /events leaves it out
SELDOM = 12  # heartbeats between two of them, on the average
SAID = (
    "Two hours in the cold at {city} station and no word. If your train is a Skylark, bring a blanket.",
    "Skylark lost my bag again. Third time. I buy cheap suitcases by now.",
    "Does anybody know whether Skylark refunds a missed connection? Their page is a maze.",
    "Honestly, the night train of Skylark is the best sleep I get all month.",
    "My mother waited at the gate with her walker for forty minutes. Skylark, never again.",
    "Skylark app crashed at the ticket check. Paid twice. Lovely.",
    "Anyone else stuck behind {city}? Skylark train, no heating, no announcement.",
    "Flying home with Skylark tonight. Window seat, dry sandwich, happy.",
    "Tip: do not take the last Skylark connection of the day. Ask me how I know.",
    "Skylark cancelled our group booking a day before the trip. Thirty children.",
)


def muttered(seed: int, number: int) -> tuple[Person, str] | None:
    """Who says what at heartbeat `number`; mostly nobody."""
    rng = chance(seed, "mutter", number)
    if rng.random() > 1 / SELDOM:
        return None
    return mutterer(seed, number)


def mutterer(seed: int, number: int) -> tuple[Person, str]:
    rng = chance(seed, "mutterer", number)
    person = rng.choice([person for person in cast() if person.language == "en"])
    return person, rng.choice(SAID).format(city=person.city or "the next")
