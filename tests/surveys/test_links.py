"""The link by which a survey is answered: made from an invitation, and from nothing that stands in the database."""

import pytest
from django.core.signing import Signer

from surveys import links
from tests import factories
from tests.rows import rows_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def invitation(db):
    return factories.InvitationFactory()


def test_a_link_leads_to_its_invitation_and_is_the_same_each_time(invitation, settings):
    settings.HARK_URL = "https://hark.example"
    other = factories.InvitationFactory()
    assert links.link(invitation) == links.link(invitation) != links.link(other)
    assert links.link(invitation) == f"https://hark.example/s/{links.token(invitation)}/"
    assert links.find(links.token(invitation)) == invitation


def test_a_score_can_be_chosen_beforehand(invitation):
    assert links.link(invitation, score=0) == links.link(invitation) + "?score=0"


@pytest.mark.parametrize("change", [str.upper, lambda t: t[:-1], lambda t: t[1:], lambda t: t + "A", lambda t: ""])
def test_a_link_that_was_changed_leads_nowhere(invitation, change):
    assert links.find(change(links.token(invitation))) is None


@pytest.mark.parametrize("signed", ["", "not base64!", "QUJD", "~" * 22, "a.b.c"])
def test_something_else_with_our_signature_leads_nowhere(signed):
    assert links.find(links.signer.sign(signed)) is None


def test_the_number_in_the_database_does_not_make_a_link(invitation):
    number = links.token(invitation).split(".")[0]
    assert links.find(number) is None
    assert links.find(Signer(salt="crm.private_links", sep=".").sign(number)) is None


def test_another_key_ends_all_links(invitation, settings, monkeypatch):
    made = links.token(invitation)
    monkeypatch.setattr(links, "signer", Signer(key="another", salt="surveys.links", sep="."))
    assert links.find(made) is None


def test_no_link_stands_in_the_database(invitation):
    token = links.token(invitation)
    kept = str(rows_of(type(invitation)))
    assert token not in kept
    assert token.split(".")[1] not in kept


@pytest.mark.parametrize("made", [links.link, links.stop_link, links.preferences_link, links.unsubscribe_link])
def test_each_of_its_links_is_hidden_wherever_it_stands(invitation, made):
    said = f"Tell us: {made(invitation)} Thank you."
    assert links.is_in(said)
    assert links.hide(said) == f"Tell us: {links.HIDDEN} Thank you."
    assert links.hide(said.encode()) == links.hide(said).encode()
    assert links.token(invitation) not in links.hide(said.replace("/", "\\/"))


def test_a_hidden_link_is_put_back_as_it_leaves(invitation):
    said = f"Tell us: {links.link(invitation, score=9)}"
    assert links.show(links.hide(said), invitation) == f"Tell us: {links.link(invitation)}"
    assert links.show(links.hide(said), None) == f"Tell us: {links.HIDDEN}"


@pytest.mark.parametrize("said", ["", "https://example.com/s/", "https://example.com/s/short.token/", "/s/ and so on"])
def test_nothing_else_is_hidden(said):
    assert not links.is_in(said)
    assert links.hide(said) == said
    assert links.hide(said.encode()) == said.encode()
