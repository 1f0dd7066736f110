"""Addresses and numbers in one form: the same one is one identity, and two that differ stay two."""

import pytest
from django.db import IntegrityError, transaction

from crm import addresses
from crm.models import Identity, IdentityLink
from tests import factories
from tests.channels_app.posts import at_once


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("maria@example.com", "maria@example.com"),
        ("  Maria@Example.COM ", "maria@example.com"),
        ("MARIA+trains@example.com", "maria+trains@example.com"),
        ("m.öller@exämple.de", "m.öller@exämple.de"),
        ("a@xn--exmple-cua.com", "a@exämple.com"),
        ("STRAßE@example.com", "straße@example.com"),
        ("maria\x00@example.com", "maria@example.com"),
    ],
)
def test_an_email_has_one_key_however_it_is_written(written, key):
    assert addresses.email(written) == key


def test_dots_and_tags_of_one_provider_are_not_guessed_away():
    assert addresses.email("ma.ria@gmail.com") != addresses.email("maria@gmail.com")


@pytest.mark.parametrize(
    "text", ["maria", "maria@", "@example.com", "maria@localhost", "a b@example.com", "a@b@example.com", "x" * 300]
)
def test_what_is_no_email_is_refused_in_a_sentence(text):
    with pytest.raises(addresses.NotAnAddress) as refusal:
        addresses.email(text)
    assert str(refusal.value).startswith("“")
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize(
    ("written", "country", "key"),
    [
        ("+44 20 7946 0958", "", "+442079460958"),
        ("+44 (0) 20 7946 0958", "", "+442079460958"),
        ("0044 20 7946 0958", "", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("020 7946 0958", "gb", "+442079460958"),
        ("+1 202-555-0143", "GB", "+12025550143"),
        ("+1 202 555 0143 ext. 7", "", "+12025550143;ext=7"),
        ("٠٢٠ ٧٩٤٦ ٠٩٥٨", "GB", "+442079460958"),
    ],
)
def test_a_number_has_one_key_however_it_is_written(written, country, key):
    assert addresses.phone(written, country) == key


def test_a_number_is_shown_as_people_abroad_would_dial_it():
    assert addresses.written("phone", "(020) 79460958", "GB").handle == "+44 20 7946 0958"


def test_a_number_without_its_country_asks_for_it():
    with pytest.raises(addresses.NeedsCountry, match="country"):
        addresses.phone("020 7946 0958")


def test_a_number_without_its_country_is_at_home_where_home_is_known(settings):
    settings.HOME_COUNTRY = "GB"
    assert addresses.phone("020 7946 0958") == "+442079460958"


@pytest.mark.parametrize("text", ["no number", "+44 12", "+999 1234 5678", "112", "+44" + "7" * 40])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(addresses.NotAPhone):
        addresses.phone(text, "GB")


@pytest.mark.parametrize("kind", ["email", "phone", "handle", "external"])
@pytest.mark.parametrize("text", ["", "  ", "\x00"])
def test_nothing_is_no_address(kind, text):
    with pytest.raises(addresses.Empty):
        addresses.written(kind, text)


def test_an_at_alone_is_no_handle():
    with pytest.raises(addresses.Empty):
        addresses.written("handle", "@")


def test_an_address_that_cannot_be_read_is_kept_as_it_came():
    assert addresses.as_it_came("phone", "ask at the desk").value == "ask at the desk"


@pytest.mark.django_db
def test_an_identity_is_made_once_and_keeps_how_it_was_first_written():
    first = addresses.identity("email", "", "Maria@Example.com")
    assert addresses.identity("email", "chirp", "maria@example.com") == first
    assert (first.value, first.handle, first.place) == ("maria@example.com", "Maria@example.com", "")


@pytest.mark.django_db
def test_a_handle_is_found_by_how_it_is_written_where_the_network_keeps_numbers():
    known = factories.IdentityFactory(place="chirp", value="u-4711", handle="AnnRuiz")
    assert addresses.identity("handle", "chirp", "@annruiz") == known
    assert addresses.identity("handle", "elsewhere", "@annruiz") != known


@pytest.mark.django_db
def test_a_handle_that_two_have_had_is_not_guessed():
    two = {factories.IdentityFactory(place="chirp", value=f"u-{n}", handle="Ann") for n in (1, 2)}
    assert addresses.identity("handle", "chirp", "ann") not in two


@pytest.mark.django_db
def test_ids_of_another_system_keep_their_case_and_their_system():
    one = addresses.identity("external", "shop", "aB12")
    assert addresses.identity("external", "shop", "AB12") != one
    assert addresses.identity("external", "bank", "aB12") != one


@pytest.mark.django_db
def test_a_customer_number_is_found_in_any_case_and_exactly_first():
    exact = addresses.identity("external", "shop", "aB12")
    other = addresses.identity("external", "shop", "AB12")
    assert Identity.objects.numbered("aB12") == [exact]
    assert Identity.objects.numbered("ab12") == [exact, other]
    assert Identity.objects.numbered("ab13") == []


@pytest.mark.django_db
def test_two_people_with_one_email_share_an_identity_with_one_confirmed_owner():
    ours = addresses.identity("email", "", "office@example.com")
    ann, ben = factories.CustomerFactory(), factories.CustomerFactory()
    factories.IdentityLinkFactory(identity=ours, customer=ann)
    assert addresses.identity("email", "", "Office@example.com") == ours
    with pytest.raises(IntegrityError, match="an_identity_has_one_confirmed_owner"), transaction.atomic():
        factories.IdentityLinkFactory(identity=ours, customer=ben)
    factories.IdentityLinkFactory(identity=ours, customer=ben, state="proposed")
    assert list(IdentityLink.objects.conflicts()) == []  # ann is provisional
    ann.known_at = ours.first_seen_at
    ann.save()
    assert IdentityLink.objects.conflicts().get().customer == ben


@pytest.mark.django_db(transaction=True)
def test_many_who_meet_a_new_address_at_once_make_one_identity():
    made = at_once(*[lambda: addresses.identity("phone", "", "+44 20 7946 0958").pk] * 6)
    assert len(set(made)) == Identity.objects.count() == 1
