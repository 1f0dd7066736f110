"""The cast: Skylark's customers. All of them are invented."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from random import Random
from typing import NamedTuple


class Temper(StrEnum):
    PATIENT = "patient"
    ORDINARY = "ordinary"
    SHORT = "short"


class Mood(StrEnum):
    BAD = "bad"
    EVEN = "even"
    GOOD = "good"


class Habit(NamedTuple):
    """How long someone waits for an answer (seconds, at normal speed) and how often they insist."""

    waits: float
    insists: int


HABITS = {
    Temper.PATIENT: Habit(waits=600, insists=2),
    Temper.ORDINARY: Habit(waits=300, insists=3),
    Temper.SHORT: Habit(waits=140, insists=3),
}

EMOJI = {
    Mood.BAD: ("😡", "😤", "🙄", "😩", "🤦", "😠"),
    Mood.EVEN: ("🤔", "✈️", "🚆", "🙏", "👀"),
    Mood.GOOD: ("❤️", "😊", "🎉", "🙌", "👏", "🥰"),
}
TAGS = {Mood.BAD: ("#travelfail", "#stuck", "#notgoodenough"), Mood.EVEN: ("#travel",), Mood.GOOD: ("#happytraveller",)}


@dataclass(frozen=True, slots=True)
class Person:
    """One customer. `value` is what Skylark's own books would say; the network does not know it."""

    key: str
    handle: str
    name: str
    city: str
    language: str
    temper: Temper
    value: str  # standard, silver, gold or platinum
    style: str  # plain, emoji, lower, loud or tags
    followers: int

    @property
    def habit(self) -> Habit:
        return HABITS[self.temper]

    def say(self, text: str, mood: Mood, rng: Random) -> str:
        """The same sentence in this person's manner of writing."""
        if self.style == "emoji":
            return f"{text} {rng.choice(EMOJI[mood])}" + (rng.choice(EMOJI[mood]) if rng.random() < 0.4 else "")
        if self.style == "tags":
            return f"{text} {rng.choice(TAGS[mood])}"
        if self.style == "lower":
            return " ".join(_lower(word) for word in text.split())
        if self.style == "loud" and mood is Mood.BAD:
            return _loud(text)
        return text


def _lower(word: str) -> str:
    """Flight numbers and booking references keep their capitals."""
    return word if word.isupper() and len(word) > 1 else word.lower()


def _loud(text: str) -> str:
    """The last sentence in capitals, where the script has them."""
    head, stop, tail = text.rstrip(".!").rpartition(". ")
    return f"{head}{stop}{tail.upper()}!!"


# handle, name, city, language, temper, value, style, followers
_TABLE = """
mira_on_rails      | Mira Castellan          | Leeds      | en | short    | gold     | emoji | 412
dgrantham          | Desmond Grantham        | Bristol    | en | patient  | platinum | plain | 96
theo.okafor        | Theo Okafor             | London     | en | ordinary | silver   | plain | 1840
pennywhistle88     | Penny Whitlock          | York       | en | ordinary | standard | lower | 233
kasia_w            | Katarzyna Wiśniewska    | Manchester | en | ordinary | silver   | emoji | 540
JonasOnTheMove     | Jonas Lindqvist         | Malmö      | en | patient  | gold     | plain | 2210
ruth_abernethy     | Ruth Abernethy          | Edinburgh  | en | short    | platinum | plain | 71
bigsam_travels     | Sam Oduya               | Birmingham | en | short    | standard | loud  | 9120
hazel.nutt         | Hazel Nuttall           | Sheffield  | en | patient  | standard | emoji | 188
priya_menon        | Priya Menon             | Leicester  | en | ordinary | gold     | plain | 1320
cormac_b           | Cormac Breslin          | Dublin     | en | ordinary | silver   | lower | 367
TheRealLotte       | Lotte van der Meulen    | Utrecht    | en | short    | standard | tags  | 4400
avp_subramanian    | Anantha Padmanabhan Venkatasubramanian | Reading | en | patient | gold | plain | 150
yusuf.k            | Yusuf Karaca            | Cardiff    | en | ordinary | standard | plain | 87
gracegoesplaces    | Grace Adeyemi           | Lisbon     | en | patient  | silver   | emoji | 15300
oldbeardedtom      | Tom Hathersage          | Derby      | en | short    | standard | loud  | 24
nadia_pt           | Nadia Petrova           | Sofia      | en | ordinary | standard | plain | 310
mo_al_h            | Mo Hakimi               | Luton      | en | short    | silver   | emoji | 702
fionnuala_oc       | Fionnuala O'Connell-Mac Giolla Phádraig | Cork | en | patient | standard | plain | 58
drwhitcombe        | Dr Elaine Whitcombe     | Cambridge  | en | short    | platinum | plain | 1190
skate_or_dylan     |                         | Brighton   | en | ordinary | standard | lower | 611
jess_and_the_twins | Jess Farrow             | Nottingham | en | short    | silver   | emoji | 276
marekzawada        | Marek Zawada            | Kraków     | en | ordinary | standard | plain | 143
auntie_bee         | Beatrice Mbeki-Sloane   | Bath       | en | patient  | gold     | plain | 39
LeoTheLate         | Leo Marchetti           | Turin      | en | short    | silver   | tags  | 1530
saoirse_runs       | Saoirse Kavanagh        | Galway     | en | ordinary | standard | emoji | 455
hiroshi_tb         | Hiroshi Tabata          | Amsterdam  | en | patient  | platinum | plain | 820
commuter_of_carlow | Declan Roche            | Carlow     | en | short    | standard | tags  | 1875
wendy_wanders      | Wendy Ashgrove ✈️       | Exeter     | en | patient  | silver   | emoji | 3320
pjmcallister       | P. J. McAllister        | Glasgow    | en | ordinary | standard | plain | 12
elif_travels       | Elif Demirtaş           | Rotterdam  | en | ordinary | silver   | emoji | 990
quietcoachcarl     | Carl Brandreth          | Swindon    | en | short    | gold     | plain | 204
nomad_noor         | Noor Siddiqui           | Bradford   | en | patient  | standard | emoji | 2740
svenja.reist       | Svenja Oberhauser       | Graz       | en | ordinary | silver   | plain | 188
trev_the_bev       | Trevor Beverley         | Hull       | en | short    | standard | loud  | 66
olivia_kw          | Olivia Kwarteng         | Coventry   | en | ordinary | gold     | plain | 477
baz_from_stoke     | Barry Tunstall          | Stoke      | en | short    | standard | lower | 131
linhnguyen.art     | Linh Nguyễn             | Paris      | en | patient  | standard | emoji | 5210
HarrietHolloway    | Harriet Holloway        | Oxford     | en | ordinary | platinum | plain | 640
matteo_r           | Matteo Ranieri          | Milan      | en | ordinary | silver   | lower | 350
zee_tshabalala     | Zanele Tshabalala       | London     | en | short    | gold     | tags  | 7600
grandpa_ivor       | Ivor Penhaligon         | Truro      | en | patient  | standard | plain | 9
lucia_romero_v     | Lucía Romero Vidal      | Valencia   | es | short    | silver   | emoji | 620
javi.ferrer        | Javier Ferrer           | Barcelona  | es | ordinary | gold     | plain | 1410
carmen_ibz         | María del Carmen Ibáñez de la Fuente y Montalbán | Sevilla | es | patient | standard | plain | 47
nacho_viajero      | Nacho Beltrán           | Bilbao     | es | short    | standard | loud  | 2950
ximena.tr          | Ximena Trujillo         | Madrid     | es | ordinary | platinum | emoji | 388
lena_unterwegs     | Lena Brückner           | Hamburg    | de | ordinary | silver   | plain | 530
freifrau_von_hw    | Maximiliane Freifrau von Hohenstein-Wittelsberg | München | de | short | platinum | plain | 77
tobi_pendelt       | Tobias Krämer           | Köln       | de | short    | standard | tags  | 1240
jule.sonnenschein  | Jule Sonnenberg         | Leipzig    | de | patient  | standard | emoji | 205
ottokar_w          | Ottokar Weißmüller      | Nürnberg   | de | ordinary | gold     | plain | 18
laila_hadid        | ليلى حديد               | عمّان      | ar | ordinary | gold     | emoji | 3150
omar.alsharif      | عمر الشريف              | دبي        | ar | short    | platinum | plain | 870
salma_k            | سلمى خوري               | بيروت      | ar | patient  | silver   | plain | 265
yazan_travels      | يزن النابلسي            | الرياض     | ar | short    | standard | emoji | 5900
noa_bendavid       | נועה בן דוד             | תל אביב    | he | short    | gold     | emoji | 1720
avi.shamir         | אבי שמיר                | חיפה       | he | ordinary | standard | plain | 94
tamar_on_track     | תמר גולדפרב-אזולאי      | ירושלים    | he | patient  | silver   | plain | 430
itai_k             | איתי כרמלי              | באר שבע    | he | short    | standard | plain | 610
"""


# Who passes on what others say. They are on the network, not in Skylark's books, and begin nothing by themselves.
_PASSING = """
maddie_on_tour     | Madeleine Ashworth-Pryce | Leeds     | en | short    | standard | plain | 860
gus_the_guard      | Gus Fairweather         | Crewe      | en | patient  | standard | plain | 145
tanvi.writes       | Tanvi Deshmukh          | Slough     | en | ordinary | standard | plain | 3900
pauliepockets      | Paul Nkemelu            | Luton      | en | short    | standard | plain | 58
rosalind.q         | Rosalind Quayle         | Douglas    | en | patient  | standard | plain | 212
bartek_biega       | Bartłomiej Szczepański  | Wrocław    | en | ordinary | standard | plain | 677
the_real_aoife_mac | Aoife Mac Giolla Bhríde-Fitzmaurice of Ballyjamesduff | Cavan | en | short | standard | plain | 31
dina.travels       | دينا عبد الرحمن السيد   | القاهرة    | en | ordinary | standard | plain | 2480
kwabena_k          | Kwabena Asare           | Accra      | en | patient  | standard | plain | 1130
sofi_en_ruta       | Sofía Larrañaga         | Vitoria    | en | short    | standard | plain | 405
shira_ba_rakevet   | שירה אלמוג              | נתניה      | en | patient  | standard | plain | 96
ollie.unplugged    | Oliver Stanhope         | Brighton   | en | ordinary | standard | plain | 12800
notmybaggage       |                         |            | en | short    | standard | plain | 7
"""


def _person(key: str, row: str) -> Person:
    handle, name, city, language, temper, value, style, followers = (cell.strip() for cell in row.split("|"))
    return Person(key, handle, name, city, language, Temper(temper), value, style, int(followers))


@cache
def cast() -> tuple[Person, ...]:
    """Everybody, always in the same order."""
    return tuple(_person(f"u{1000 + number}", row) for number, row in enumerate(_TABLE.strip().splitlines(), start=1))


@cache
def passers_by() -> tuple[Person, ...]:
    """Always in the same order."""
    return tuple(_person(f"v{1000 + number}", row) for number, row in enumerate(_PASSING.strip().splitlines(), start=1))


@cache
def by_handle() -> dict[str, Person]:
    return {person.handle: person for person in cast()}


@cache
def passing_by_handle() -> dict[str, Person]:
    return {person.handle: person for person in passers_by()}
