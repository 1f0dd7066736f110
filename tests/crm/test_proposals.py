"""Proposals: who they are made for, on what, and what a person said no to."""

import re
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crm import decisions, jobs, merging
from crm.matching import blocking, learning, proposals, refusals, rules
from crm.matching.again import look_again
from crm.matching.candidates import candidates
from crm.matching.duplicates import persons
from crm.matching.learning import count_all, stale
from crm.models import Commonness, Customer, Identity, IdentityLink, MatchRule
from tests.factories import IdentityFactory, IdentityLinkFactory

pytestmark = pytest.mark.django_db
GIVEN = "Anna Bert Carla David Elena Frank Greta Hugo Irene Jonas".split()
SYLLABLES = ("bran", "del", "for", "gat", "hol", "kin")


@pytest.fixture(scope="module", autouse=True)
def crowd(kept):
    """Two hundred others, so that one name is rare and another is not; everybody counted."""
    families = [f"{one}{two}{three}".title() for one in SYLLABLES for two in SYLLABLES for three in SYLLABLES]
    with kept():
        for n in range(200):
            known(GIVEN[n % 10], "Miller" if n % 10 == 0 else families[n], counted=False)
        count_all()


def known(given="Maria", family="Cantwell", *, counted=True, **facts):
    """A customer we know, by their number in another system."""
    customer = Customer.objects.create(
        name=f"{given} {family}", given_name=given, family_name=family, known_at="2026-01-02T03:04Z", **facts
    )
    IdentityFactory(
        kind="external", place="shop", value=f"no {customer.pk}", customer=customer, matched_at="2026-01-02T03:04Z"
    )
    if counted:
        count_all()
    return customer


def wrote(handle, place="chirp", **facts):
    """Somebody who wrote to us: a handle with the record its first message opened."""
    customer = Customer.objects.create(name=facts.get("display_name") or handle)
    identity = IdentityFactory(value=handle.lower(), handle=handle, place=place, **facts)
    IdentityLinkFactory(identity=identity, customer=customer, method="first_contact")
    return identity


def proposed():
    return [(link.identity.handle, link.customer) for link in IdentityLink.objects.proposed().order_by("id")]


def work():
    """What the job does, until nothing is left to look for."""
    while proposals.propose_for_new():
        pass


def owner(identity):
    return IdentityLink.objects.confirmed().get(identity=identity).customer


# --- what is proposed


def test_a_new_handle_is_proposed_to_the_customer_whose_name_it_holds():
    maria, handle = known(), wrote("MariaCantwell")
    work()
    link = IdentityLink.objects.get(state="proposed")
    assert (link.identity, link.customer, link.method) == (handle, maria, "matched")
    assert link.evidence == "The handle @MariaCantwell holds their first and last name: maria cantwell"
    assert link.points == [{"says": link.evidence, "weight": pytest.approx(13, abs=1)}]
    assert 0.75 <= link.score <= 1
    assert Identity.objects.to_match().count() == 0


def test_a_name_that_many_have_is_proposed_to_nobody():
    known(family="Miller")
    wrote("Miller")
    work()
    assert proposed() == []


def test_a_common_name_is_found_by_both_its_parts():
    for n in range(2 * blocking.COMMON):
        known("Peter" if n % 2 else "Maria", "Miller" if n % 2 else f"Sten{SYLLABLES[n % 6]}", counted=False)
    maria = known("Maria", "Miller")
    assert [one.customer_id for one in candidates(wrote("miller_maria"))] == [maria.pk]


def test_two_customers_of_one_name_are_left_to_a_person():
    known(born_on=date(1950, 1, 2))
    known(born_on=date(1999, 7, 8))
    wrote("MariaCantwell")
    work()
    assert proposed() == []


def test_a_handle_without_a_record_is_proposed_too():
    maria = known()
    IdentityFactory(value="mariacantwell")
    work()
    assert proposed() == [("mariacantwell", maria)]


def test_the_display_name_leads_to_them_where_the_handle_says_nothing():
    maria = known()
    wrote("zq_77", display_name="Maria Cantwell")
    work()
    assert proposed() == [("zq_77", maria)]
    assert "The display name “Maria Cantwell”" in IdentityLink.objects.get(state="proposed").evidence


def test_a_typing_mistake_in_a_name_is_forgiven_where_the_date_of_birth_is_theirs():
    maria = known(born_on=date(1971, 6, 24))
    second = known("Maria", "Cantwel", born_on=date(1971, 6, 24))
    Identity.objects.filter(links__customer=second).update(matched_at=None)
    work()
    assert proposed() == [(second.links.get().identity.handle, maria)]
    said = [point["says"] for point in IdentityLink.objects.get(state="proposed").points]
    assert said[0] == "Same date of birth: 1971-06-24"
    assert "Name differs by one letter: Cantwel / Cantwell" in said


def test_a_profile_that_leads_to_their_page_is_followed_both_ways():
    maria = known()
    IdentityFactory(value="mc", place="photos", profile_url="https://www.Photos.example/mc/", customer=maria)
    wrote("zq_77", profile_links=["https://photos.example/mc"])
    work()
    assert ("zq_77", maria) in proposed()


def test_the_same_odd_handle_on_another_network_is_proposed():
    first = wrote("zqxwvutsrp")
    second = wrote("ZqxWvutsrp", place="photos")
    work()
    assert proposed() == [("ZqxWvutsrp", owner(first))]
    assert IdentityLink.objects.get(state="proposed").identity == second


def test_an_address_somebody_brought_and_somebody_wrote_from_is_found():
    maria = known()
    address = IdentityFactory(kind="email", place="", value="m@x.example", handle="m@x.example")
    writer = Customer.objects.create(name="m@x.example")
    IdentityLinkFactory(identity=address, customer=writer, method="first_contact")
    IdentityLinkFactory(identity=address, customer=maria, method="import", state="proposed", score=1.0)
    work()
    link = IdentityLink.objects.get(state="proposed")
    assert (link.customer, link.method) == (maria, "import")
    assert link.points[0]["says"] == "Same e-mail address: m@x.example"


def test_who_is_merged_away_or_erased_is_proposed_to_nobody():
    gone, erased = known(), known("Bert", "Quillan")
    Customer.objects.filter(pk=gone.pk).update(merged_into=erased)
    Customer.objects.filter(pk=erased.pk).update(erased_at="2026-01-02T03:04Z")
    wrote("MariaCantwell")
    wrote("BertQuillan")
    work()
    assert proposed() == []


def test_an_identity_that_was_erased_says_nothing_any_more():
    maria = known()
    handle = IdentityFactory(value="mariacantwell", handle="", erased_at="2026-01-02T03:04Z")
    work()
    assert proposed() == []
    IdentityLinkFactory(identity=handle, customer=maria)
    assert _record(maria).aliases == ()


def test_a_date_of_birth_that_stands_for_unknown_leads_to_nobody():
    Customer.objects.filter(given_name__in=GIVEN).update(born_on=date(1900, 1, 1))
    someone = known("Quirin", "Zaunseil", born_on=date(1900, 1, 1))
    found = blocking.candidates({1: _record(someone)}, learning.world_for([_record(someone)]))
    assert found == {1: []}


def _record(customer):
    return proposals.loading.of_customers([customer.pk])[customer.pk]


def test_candidates_are_shown_the_best_first_even_where_none_is_proposed():
    first, second = known(born_on=date(1950, 1, 2)), known("Marian", "Cantwell")
    found = candidates(wrote("MariaCantwell"))
    assert [one.customer_id for one in found[:2]] == [first.pk, second.pk]


# --- when


def test_a_customer_who_comes_in_later_finds_the_handle_that_wrote_before():
    wrote("MariaCantwell")
    work()
    assert proposed() == []
    maria = known()
    Identity.objects.filter(links__customer=maria).update(matched_at=None)
    work()
    assert proposed() == [("MariaCantwell", maria)]


def test_a_customer_whose_name_changed_is_looked_for_again():
    maria = known("Maria", "Miller")
    wrote("MariaCantwell")
    work()
    assert proposed() == []
    Customer.objects.filter(pk=maria.pk).update(name="Maria Cantwell", family_name="Cantwell")
    assert Identity.objects.to_match().filter(links__customer=maria).exists()
    work()
    assert proposed() == [("MariaCantwell", maria)]


def test_a_change_that_does_not_say_who_they_are_starts_no_search():
    maria = known()
    Customer.objects.filter(pk=maria.pk).update(tier="key", about="Likes tea.")
    assert Identity.objects.to_match().count() == 0


def test_a_proposal_that_no_longer_holds_is_taken_back():
    maria, handle = known(), wrote("MariaCantwell")
    work()
    Customer.objects.filter(pk=maria.pk).update(name="Maria Delgado", given_name="Maria", family_name="Delgado")
    look_again(customers=[owner(handle).pk])
    work()
    assert proposed() == []
    assert not IdentityLink.objects.filter(customer=maria, identity=handle).exists()


def test_a_second_look_adds_nothing_and_keeps_the_proposal():
    known()
    handle = wrote("MariaCantwell")
    work()
    before = IdentityLink.objects.get(state="proposed")
    look_again(customers=[owner(handle).pk])
    work()
    assert IdentityLink.objects.get(state="proposed") == before


def test_the_clock_nudges_the_search_only_where_there_is_something_to_look_for(nudges):
    Identity.objects.update(matched_at="2026-01-02T03:04Z")
    with CaptureQueriesContext(connection) as queries:
        jobs.match_new()
    assert (nudges, len(queries)) == ([], 1)


def test_the_search_for_new_handles_stands_behind_what_people_wait_for(django_capture_on_commit_callbacks, nudges):
    wrote("MariaCantwell")
    with django_capture_on_commit_callbacks(execute=True):
        jobs.match_new()
    assert nudges == [("crm.jobs.propose",)]
    jobs.propose()
    assert Identity.objects.to_match().count() == 0


def test_one_identity_that_breaks_the_search_does_not_hold_up_the_others(monkeypatch):
    maria, bad = known(), wrote("Broken")
    wrote("MariaCantwell")
    sound = proposals.propose
    monkeypatch.setattr(
        proposals, "propose", lambda pks: 1 / 0 if bad.pk in pks else sound(pks)  # stands in for a bug of ours
    )  # fmt: skip
    work()
    assert proposed() == [("MariaCantwell", maria)]
    assert Identity.objects.to_match().count() == 0


def test_names_are_counted_anew_when_they_are_a_day_old_or_there_are_more():
    assert not stale()
    Commonness.objects.update(counted_at="2026-01-02T03:04Z")
    assert stale()
    jobs.count_names()
    assert not stale()
    Customer.objects.bulk_create([Customer(name=f"New Person{n}") for n in range(30)])
    assert stale()


def test_a_name_nobody_has_any_more_is_no_longer_counted():
    Customer.objects.filter(family_name="Miller").delete()
    count_all()
    assert not Commonness.objects.filter(kind="name", piece="miller").exists()


# --- what a person said


def rejected(handle, customer, agent):
    link = IdentityLink.objects.get(identity=handle, customer=customer)
    return decisions.reject(link=link, by=agent)


def test_a_rejected_pair_is_never_proposed_again_by_any_of_their_identities(agent):
    maria, first = known(), wrote("MariaCantwell")
    work()
    rejected(first, maria, agent)
    second = IdentityFactory(value="cantwellmaria", place="photos", customer=owner(first))
    work()
    assert proposed() == []
    assert not IdentityLink.objects.filter(identity=second, customer=maria).exists()


def test_a_rejected_pair_is_not_proposed_the_other_way_round(agent):
    maria, handle = known(), wrote("MariaCantwell")
    work()
    rejected(handle, maria, agent)
    look_again(customers=[maria.pk, owner(handle).pk])
    work()
    assert proposed() == []


def test_a_rejected_pair_stays_apart_after_either_was_merged(agent):
    maria, handle = known(), wrote("MariaCantwell")
    work()
    rejected(handle, maria, agent)
    survivor, other = known("Maria", "Cantwell"), wrote("zq_77")
    merging.merge(survivor=survivor, absorbed=maria, by=agent, reason="The same person")
    merging.merge(survivor=owner(other), absorbed=owner(handle), by=agent, reason="The same person")
    assert survivor.pk in refusals.of_customers([owner(handle).pk])[owner(handle).pk]
    look_again(customers=[survivor.pk, owner(handle).pk])
    work()
    assert proposed() == []


def test_a_link_somebody_took_back_is_not_proposed_again(agent):
    maria, handle = known(), IdentityFactory(value="mariacantwell")
    link = IdentityLinkFactory(identity=handle, customer=maria, method="by_hand")
    decisions.withdraw(link=link, by=agent, why="It is her sister's.")
    work()
    assert proposed() == []


def test_an_identity_that_is_nobodys_is_not_proposed_to_whom_it_was_refused(agent):
    maria, handle = known(), IdentityFactory(value="mariacantwell")
    work()
    rejected(handle, maria, agent)
    Identity.objects.filter(pk=handle.pk).update(matched_at=None)
    work()
    assert proposed() == []


def test_another_customer_may_still_be_proposed_after_a_rejection(agent):
    maria, handle = known(born_on=date(1950, 1, 2)), wrote("MariaCantwell")
    work()
    rejected(handle, maria, agent)
    other = known(born_on=date(1999, 7, 8))
    look_again(customers=[owner(handle).pk])
    work()
    assert proposed() == [("MariaCantwell", other)]


# --- rules


def rule(evidence, admin, *, on=True):
    return MatchRule.objects.create(
        evidence=evidence, enabled_at="2026-01-02T03:04Z" if on else None, enabled_by=admin if on else None
    )


@pytest.fixture
def writer():
    """Somebody who wrote from an address they proved to hold, and which a customer we know gave us too."""
    maria = known()
    address = IdentityFactory(
        kind="email", place="", value="m@x.example", handle="m@x.example", verified_at="2026-01-02T03:04Z"
    )
    IdentityLinkFactory(identity=address, customer=Customer.objects.create(name="m@x.example"), method="first_contact")
    IdentityLinkFactory(identity=address, customer=maria, method="import", state="proposed", score=1.0)
    handle = IdentityFactory(value="zq_77", customer=owner(address))
    return maria, address, handle


def test_nothing_is_confirmed_by_itself_without_a_rule(writer, lead):
    rule("same_verified_email", lead, on=False)
    work()
    maria, address, handle = writer
    assert owner(address) != maria
    assert owner(handle) != maria


def test_an_address_that_was_proved_is_accepted_where_a_rule_says_so(writer, lead):
    rule("same_verified_email", lead)
    work()
    maria, address, handle = writer
    assert owner(address) == owner(handle) == maria
    assert (
        "By rule: Same verified e-mail address" in IdentityLink.objects.get(identity=address, customer=maria).evidence
    )


def test_an_address_nobody_proved_is_left_to_a_person(writer, lead):
    rule("same_verified_email", lead)
    maria, address, _handle = writer
    Identity.objects.filter(pk=address.pk).update(verified_at=None)
    work()
    assert owner(address) != maria


def test_a_households_address_is_left_to_a_person(writer, lead):
    rule("same_verified_email", lead)
    maria, address, _handle = writer
    IdentityLinkFactory(identity=address, customer=known("Bert"), method="import", state="proposed", score=1.0)
    work()
    assert owner(address) != maria


def test_what_speaks_against_it_leaves_it_to_a_person(writer, lead):
    rule("same_verified_email", lead)
    maria, address, _handle = writer
    Customer.objects.filter(pk=owner(address).pk).update(born_on=date(1950, 1, 2))
    Customer.objects.filter(pk=maria.pk).update(born_on=date(1999, 7, 8))
    work()
    assert owner(address) != maria


def test_profiles_that_lead_to_each_other_are_accepted_where_a_rule_says_so(lead):
    maria = known()
    IdentityFactory(
        value="mc", place="photos", profile_url="https://photos.example/mc", profile_links=["https://chirp.example/zq"],
        customer=maria,
    )  # fmt: skip
    handle = wrote("zq_77", profile_url="https://chirp.example/zq", profile_links=["https://photos.example/mc"])
    rule("same_verified_phone", lead)
    work()
    assert owner(handle) != maria
    rule("declared_both_ways", lead)
    look_again(customers=[owner(handle).pk])
    IdentityLink.objects.filter(state="proposed").delete()
    work()
    assert owner(handle) == maria


def test_a_mere_likeness_is_never_accepted_by_a_rule(lead):
    for evidence in MatchRule.Evidence.values:
        rule(evidence, lead)
    maria, handle = known(), wrote("MariaCantwell")
    work()
    assert owner(handle) != maria
    assert proposed() == [("MariaCantwell", maria)]
    assert not rules.holds(MatchRule.objects.first(), _record(maria), _record(owner(handle)))


# --- what it costs


def test_it_costs_as_many_queries_for_twenty_identities_as_for_one():
    known()
    counts = []
    for many in (1, 20):
        handles = [
            wrote(f"{GIVEN[n % 10]}Cantwell{many}{n}", profile_links=["https://x.example"]).pk for n in range(many)
        ]
        with CaptureQueriesContext(connection) as queries:
            proposals.propose(handles)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 40


def test_the_index_speaks_of_the_names_as_the_look_up_does():
    """Else PostgreSQL would not take it: the plan names it, though a small table is cheaper read whole."""
    count_all()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {blocking.BY_NAME}", [["cantwell"]])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "customer_match_keys" in plan
    assert not re.search("Seq Scan on crm_", plan)


def test_duplicates_are_grouped_into_persons():
    first, second = known(born_on=date(1971, 6, 24)), known(family="Cantwel", born_on=date(1971, 6, 24))
    groups = persons(list(Customer.objects.values_list("pk", flat=True)))
    assert {first.pk, second.pk} in groups
    assert sum(len(group) for group in groups) == Customer.objects.count()
