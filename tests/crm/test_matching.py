"""How matching decides, on records alone: names, handles, evidence, and who is proposed."""

from datetime import date
from itertools import product

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.matching import affixes, links
from crm.matching.candidates import Candidate, choose
from crm.matching.clusters import clusters, contradict
from crm.matching.commonness import MET_AGAIN, World, met_again_of, world_of
from crm.matching.evidence import points
from crm.matching.handles import Reading
from crm.matching.names import name_key, short_forms, slips, words
from crm.matching.records import Alias, Record, names
from crm.matching.scoring import MARGIN, THRESHOLD, match, passes, probability
from crm.models.match_keys import plain

GIVEN = (
    "Anna Bert Carla David Elena Frank Greta Hugo Irene Jonas Karla Louis Maria Nadia Oscar Paula Quint Rosa".split()
)
SYLLABLES = ("bran", "del", "for", "gat", "hol", "kin", "mar", "nes", "pol", "rud", "sten", "tor", "vik", "wal")


def person(pk=1, given="Maria", family="Cantwell", **known):
    parts = names("", given, family)
    return Record(pk=pk, given=parts.given, family=parts.family, also=known.pop("also", parts.also), **known)


def bearer(handle="", place="chirp", **known):
    """Somebody of whom we have a handle."""
    aliases = (Alias(handle, place),) if handle else ()
    return Record(aliases=known.pop("aliases", aliases), is_known=False, **known)


def crowd(*more):
    """400 people, one in ten a Miller, the others with a last name of their own; and whoever else is told."""
    families = ["".join(syllables).title() for syllables in product(SYLLABLES, SYLLABLES, SYLLABLES[:3])]
    people = [
        person(pk, GIVEN[pk % len(GIVEN)], "Miller" if pk % 10 == 0 else families[pk % len(families)])
        for pk in range(100, 500)
    ]
    return [*people, *more]


def world(*more, handles=()):
    return world_of(crowd(*more), handles)


def held(handle, *people, handles=(), **known):
    """The match of a handle with the first of these people, among the crowd and all of them."""
    return match(bearer(handle, **known), people[0], world(*people, handles=handles))


def says(found):
    return [point.says for point in found.points]


# --- names


def test_a_name_is_read_without_case_accents_and_marks():
    assert words("José O'Brien-Díaz") == ("jose", "obrien", "diaz")
    assert name_key("@Van-Drew_NJ") == "vandrewnj"
    assert words("Łukasz Sørensen-Æbelø Groß") == ("lukasz", "sorensen", "aebelo", "gross")
    assert words("  ") == ()


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00", max_codepoint=0x24F), max_size=40))
@pytest.mark.django_db
def test_postgresql_reads_latin_names_as_python_does(text):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {plain('v.t')} FROM (SELECT %s::text) AS v(t)", [text])
        assert cursor.fetchone()[0] == " ".join(words(text))


def test_short_forms_lead_both_ways():
    assert "bill" in short_forms("william")
    assert "william" in short_forms("bill")
    assert short_forms("cantwell") == frozenset()


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("allen", "alen", 1), ("theodore", "theodroe", 1), ("cantwell", "kantwel", 2), ("lee", "leo", None),
        ("amy", "amy", 0),
    ],
)  # fmt: skip
def test_slips_are_counted_and_short_words_forgive_none(one, other, apart):
    assert slips(one, other) == apart


def test_the_parts_of_a_name_are_guessed_where_only_the_whole_is_known():
    found = names("Maria Elena Cantwell")
    assert (found.given, found.family, found.also) == (("maria",), ("cantwell",), ("elena",))


def test_a_web_address_is_the_same_however_it_is_written():
    assert links.address("HTTPS://www.Example.org/Me/?x=1") == links.address("example.org/me") == "example.org/me"
    assert links.address("not an address") == ""
    assert "https://www.example.org/me" in links.variants("example.org/me")


# --- what handles begin and end with


def handles_with(before, after=""):
    return [f"{before}{one.given[0]}{one.family[0]}{after}" for one in crowd()[:40]]


def learnt(handles):
    return world(handles=handles).affixes


def test_a_piece_before_many_names_is_learnt_and_not_its_part():
    found = learnt([*handles_with("club"), *handles_with("")])
    assert set(found.before) == {"club"}
    assert found.before["club"] == 0.5


def test_the_beginning_of_a_piece_is_not_learnt_for_it_even_where_names_seem_to_follow():
    others = [person(700 + n, f"Al{one.lower()}") for n, one in enumerate(GIVEN[:8])]
    found = world(*others, handles=[*handles_with("real"), *handles_with("")]).affixes
    assert set(found.before) == {"real"}


def test_figures_at_the_end_are_no_affix():
    assert learnt([*handles_with("", "77"), *handles_with("")]).after == {}


def test_a_piece_behind_many_names_is_learnt():
    assert set(learnt([*handles_with("", "official"), *handles_with("")]).after) == {"official"}


def test_a_given_name_that_many_bear_is_no_affix():
    handles = [f"{one.given[0]}{one.family[0]}" for one in crowd()]
    assert sum(handle.startswith("maria") for handle in handles) > 20
    assert learnt(handles) == affixes.Affixes()


def test_one_persons_name_behind_many_titles_is_no_affix():
    handles = [f"{title}quillfeather" for title in ("club", "the", "real", "dr", "its", "hey", "mr", "sir")]
    assert learnt([*handles, *handles_with("")]).after == {}


def test_bare_numbers_teach_nothing():
    assert affixes.learn([str(n) for n in range(10_000, 10_100)], {}, 0) == affixes.Affixes()


# --- a handle


def test_first_and_last_name_in_a_handle_are_proof_enough():
    found = held("MariaCantwell", person())
    assert passes(found)
    assert says(found) == ["The handle @MariaCantwell holds their first and last name: maria cantwell"]


def test_a_last_name_nobody_else_has_is_enough_and_one_that_many_have_is_not():
    assert passes(held("cantwell", person()))
    assert says(held("cantwell", person())) == [
        "The handle @cantwell holds their last name: cantwell, which no other customer has"
    ]
    common = held("miller", person(family="Miller"))
    assert not passes(common)
    assert "which 41 customers have" in says(common)[0]


def test_what_many_put_before_their_name_says_nothing_once_it_is_learnt():
    before = held("clubcantwell", person())
    after = held("clubcantwell", person(), handles=[*handles_with("club"), *handles_with("")])
    assert not passes(before)
    assert "“club” in it is not explained by their name" in says(before)
    assert passes(after)
    assert not any("team” in it" in sentence for sentence in says(after))


def test_another_first_name_before_a_rare_last_name_speaks_against():
    found = held("hugocantwell", person())
    assert not passes(found)
    assert "“hugo” in it is another name" in says(found)


def test_letters_their_name_does_not_explain_speak_against():
    assert not passes(held("cantwellquxy", person()))
    assert held("cantwell77", person()).odds > held("cantwellqx", person()).odds


def test_a_first_name_with_letters_that_look_like_an_initial_is_no_proof():
    """ "jacobs" is a last name, not Jacob S."""
    assert not passes(held("hugos", person(given="Hugo", family="Santerre")))


def test_initials_before_a_last_name_add_to_it():
    plain_name, initials = held("miller", person(family="Miller")), held("mmiller", person(family="Miller"))
    assert initials.odds > plain_name.odds
    assert "holds their name with initials: mmiller" in says(initials)[0]


def test_a_short_form_of_the_first_name_is_known():
    found = held("billcantwell", person(given="William"))
    assert passes(found)
    assert found.odds < held("williamcantwell", person(given="William")).odds


def test_a_short_first_name_is_read_before_the_last_name_only():
    ro = person(given="Ro", family="Khanna")
    assert passes(held("rokhanna", ro))
    assert not passes(held("ro", ro))


def test_last_names_of_several_words_are_read_as_one_and_in_part():
    assert passes(held("debbievandrewholm", person(given="Debbie", family="Vandrew Holm")))
    assert passes(held("debbie_holm", person(given="Debbie", family="Vandrew Holm")))


def test_where_they_are_is_no_stranger_in_a_handle():
    at_home, elsewhere = person(city="hull"), person(city="leeds")
    others = [person(600 + n, city=city) for n, city in enumerate(["hull", "leeds"] * 10)]
    assert held("cantwell_hull", at_home, *others).odds > held("cantwell_hull", elsewhere, *others).odds


def test_two_letters_are_a_place_at_the_end_alone():
    here = person(city="nl")
    assert "“nl” in it is where they are" in says(held("cantwell_nl", here))
    assert "“nl” in it is where they are" not in says(held("cantwnlell", here))


def test_a_website_of_the_same_name_adds_to_it():
    site = person(pages=frozenset({"cantwell.example.org"}))
    assert held("cantwell", site).odds - held("cantwell", person()).odds == pytest.approx(2.0)
    assert "Their website carries the same name: cantwell.example.org" in says(held("cantwell", site))
    page = person(pages=frozenset({"example.org/cantwell"}))
    assert held("cantwell", page).odds == held("cantwell", person()).odds


@pytest.mark.parametrize("handle", ["70063393423", "_", "@", "x", "", "UC9-_3", "日本", "a" * 400, "🌻"])
def test_a_handle_that_says_nothing_leads_to_nobody(handle):
    assert not passes(match(bearer(aliases=(Alias(handle, "chirp"),)), person(), world(person())))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_any_handle_can_be_read(handle):
    found = held("x" + handle, person(), person(2, "William", "Miller", also=("bill",), city="hull"))
    assert 0 <= found.score <= 1
    assert found.odds == pytest.approx(
        sum(point.weight for point in found.points) - world(*[person()] * 2).odds_against, abs=0.3
    )


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["mariacantwell", "cantwellm", "hugo_cantwell_hull", "bigmaria99", "mmiller", "teammariahull"]))
def test_the_pieces_of_a_handle_add_up_to_what_it_says(handle):
    someone = person(city="hull")
    told = Reading(Alias(handle), world(someone)).told_of(someone)
    found = [point for point in points(bearer(handle), someone, world(someone)) if point.kind != "own_site"]
    assert (told.weight if told else 0) == pytest.approx(sum(point.weight for point in found), abs=0.2)


# --- other evidence


def pair(mine, theirs, *more):
    return match(person(1, **mine), person(2, **theirs), world(person(1, **mine), person(2, **theirs), *more))


def test_an_address_they_share_is_proof_among_any_number():
    shared = {"emails": frozenset({"m@x.example"})}
    found = match(bearer(**shared), person(given="", family="", **shared), World(customers=1_000_000))
    assert passes(found)
    assert says(found) == ["Same e-mail address: m@x.example"]


def test_a_slip_in_an_address_is_seen_and_another_address_speaks_against():
    near = pair({"emails": frozenset({"maria25@x.example"})}, {"emails": frozenset({"maria52@x.example"})})
    assert "E-mail address differs by one letter: maria25@x.example / maria52@x.example" in says(near)
    other = pair({"emails": frozenset({"maria25@x.example"})}, {"emails": frozenset({"q@y.example"})})
    assert other.odds < near.odds
    assert "Different e-mail addresses" in says(other)


def test_dates_of_birth_speak_for_and_against():
    born = {"born_on": date(1971, 6, 24)}
    same, near, other = (
        pair(born, {"born_on": day}) for day in (date(1971, 6, 24), date(1971, 5, 24), date(1988, 1, 2))
    )
    assert same.odds > near.odds > other.odds
    assert "Same date of birth: 1971-06-24" in says(same)
    assert "Dates of birth differ in one part: 1971-06-24 / 1971-05-24" in says(near)
    assert "Different dates of birth: 1971-06-24 / 1988-01-02" in says(other)


def test_names_may_slip_be_short_or_stand_in_each_others_place():
    slip = pair({"family": "Cantwell"}, {"family": "Cantwel"})
    assert "Name differs by one letter: Cantwell / Cantwel" in says(slip)
    short = pair({"given": "William"}, {"given": "Bill"})
    assert "One name is short for the other: William / Bill" in says(short)
    crossed = pair({"given": "Quillan", "family": "Cantwell"}, {"given": "Cantwell", "family": "Quillan"})
    assert "Given and family name stand in each other's place" in says(crossed)
    other = pair({"given": "Hugo"}, {"given": "Irene"})
    assert "Different names: Hugo / Irene" in says(other)


def test_a_rare_city_says_more_than_a_common_one():
    many = [person(600 + n, city="london") for n in range(100)]
    rare, common = pair({"city": "hull"}, {"city": "hull"}, *many), pair({"city": "london"}, {"city": "london"}, *many)
    assert rare.odds > common.odds
    assert "Same city: Hull" in says(rare)
    assert "Different cities: Hull / London" in says(pair({"city": "hull"}, {"city": "london"}, *many))


def test_a_language_says_something_only_where_it_is_not_everybodys():
    many = [person(600 + n, language="en") for n in range(200)]
    rare, common = (
        pair({"language": "fi"}, {"language": "fi"}, *many),
        pair({"language": "en"}, {"language": "en"}, *many),
    )
    assert rare.odds > common.odds
    assert "One writes in Finnish, one in English" in says(pair({"language": "fi"}, {"language": "en"}, *many))


def test_a_profile_that_leads_to_their_page_is_evidence_and_both_ways_is_more():
    site = person(pages=frozenset({"cantwell.example.org"}))
    one_way = match(bearer("qq_xyz", links=frozenset({"cantwell.example.org"})), site, world(site))
    assert "The profile links to their page cantwell.example.org" in says(one_way)
    both = person(pages=frozenset({"cantwell.example.org"}), links=frozenset({"chirp.example/qq"}))
    found = match(
        bearer("qq_xyz", links=frozenset({"cantwell.example.org"}), pages=frozenset({"chirp.example/qq"})),
        both,
        world(both),
    )
    assert found.odds > one_way.odds
    assert says(found)[0].startswith("Each profile links to the other")


def test_the_same_odd_handle_on_another_network_is_evidence_and_a_common_one_is_not():
    odd = match(bearer("zqxwvutsrp"), bearer("ZqxWvutsrp", "photos", pk=2), world())
    assert passes(odd)
    assert says(odd) == ["Same handle on Photos: @zqxwvutsrp"]
    common = match(bearer("maria"), bearer("maria", "photos", pk=2), world())
    assert not passes(common)


def test_a_display_name_counts_once_beside_the_handle_that_says_the_same():
    alone = held("mariacantwell", person())
    shown = match(
        bearer(aliases=(Alias("mariacantwell"), Alias("Maria Cantwell", is_handle=False))), person(), world(person())
    )
    assert shown.odds == pytest.approx(alone.odds)


def test_one_name_shown_in_three_ways_counts_once():
    shown = (Alias("Maria Cantwell", "chirp", is_handle=False),)
    once, thrice = pair({}, {}), pair({"aliases": shown}, {"aliases": shown})
    assert thrice.odds - once.odds < 3
    assert len([point for point in thrice.points if point.weight > 0]) <= 2


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_it_makes_no_difference_who_is_held_against_whom(data):
    def drawn(pk):
        return person(
            pk, data.draw(st.sampled_from([*GIVEN, ""])), data.draw(st.sampled_from(["Miller", "Cantwell", "Cantwel"])),
            city=data.draw(st.sampled_from(["hull", "leeds", ""])),
            born_on=data.draw(st.sampled_from([None, date(1970, 1, 2)])),
            aliases=(Alias(data.draw(st.sampled_from(["mariacantwell", "miller", "annam"])), "chirp"),),
        )  # fmt: skip

    one, other = drawn(1), drawn(2)
    everybody = world(one, other)
    assert match(one, other, everybody).odds == pytest.approx(match(other, one, everybody).odds)


def test_weights_and_odds_are_one_sum():
    found = held("mariacantwell", person())
    assert found.odds == pytest.approx(sum(point.weight for point in found.points) - world(person()).odds_against)
    assert found.score == pytest.approx(probability(found.odds))


def test_how_often_a_name_is_met_again_is_estimated_within_bounds():
    assert met_again_of(1000, 150) == 0.3
    assert met_again_of(100, 90) == 0.5
    assert met_again_of(10_000, 50) == 0.1
    assert met_again_of(5, 1) == MET_AGAIN


# --- who is proposed


def candidate(pk, handle="mariacantwell", **known):
    someone = person(pk, **known)
    return Candidate(someone, match(bearer(handle), someone, world(someone)))


def test_of_two_customers_who_are_as_likely_none_is_proposed():
    twins = [candidate(1, born_on=date(1950, 1, 1)), candidate(2, born_on=date(1999, 7, 8))]
    assert choose(twins[:1], world()) is twins[0]
    assert choose(twins, world()) is None


def test_a_customer_recorded_twice_does_not_keep_the_handle_from_them():
    twice = [candidate(1, emails=frozenset({"m@x.example"})), candidate(2, emails=frozenset({"m@x.example"}))]
    assert choose(twice, world()) is twice[0]


def test_a_rival_who_is_far_behind_does_not_matter():
    best, second = candidate(1), candidate(2, given="Hugo")
    assert best.match.odds - second.match.odds > MARGIN
    assert choose([best, second], world()) is best


def test_nobody_is_proposed_below_the_threshold():
    unlikely = candidate(1, handle="hugocantwell")
    assert unlikely.match.score < THRESHOLD
    assert choose([unlikely], world()) is None


def test_customers_we_know_come_before_those_of_whom_we_have_a_handle():
    handle = Candidate(
        bearer("mariacantwell", "photos", pk=3),
        match(bearer("mariacantwell"), bearer("mariacantwell", "photos"), World(1000)),
    )
    known = candidate(1)
    assert choose(sorted([handle, known], key=lambda one: -one.match.odds), world()) is known


# --- groups


def test_a_chain_whose_ends_contradict_each_other_is_not_joined():
    likely = [((1, 2), 5.0), ((2, 3), 3.0)]
    assert clusters([1, 2, 3], likely, lambda one, other: {one, other} == {1, 3}) == [{1, 2}, {3}]
    assert clusters([1, 2, 3], likely, lambda one, other: False) == [{1, 2, 3}]


def test_the_likeliest_pair_is_joined_first():
    likely = [((1, 2), 2.0), ((2, 3), 9.0)]
    assert clusters([1, 2, 3], likely, lambda one, other: {one, other} == {1, 3}) == [{1}, {2, 3}]


def test_two_different_people_contradict_and_a_slip_does_not():
    one = {"given": "Maria", "family": "Cantwell", "born_on": date(1971, 6, 24)}
    assert contradict(pair(one, {"given": "Hugo", "family": "Delgat", "born_on": date(1988, 1, 2)}))
    assert not contradict(pair(one, one | {"family": "Cantwel"}))
