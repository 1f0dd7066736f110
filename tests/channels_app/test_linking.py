"""Who wrote it: known identities lead to their customers, new ones get a provisional customer, each once."""

import pytest

from channels_app import inbox
from channels_app.models import Channel
from crm.models import Customer, Identity, IdentityLink
from tests import factories
from tests.channels_app.posts import at_once, keep, message, post, take_in

pytestmark = pytest.mark.django_db


def owners(identity):
    return list(IdentityLink.objects.filter(identity=identity, state="confirmed").values_list("customer", flat=True))


def orphans():
    return Customer.objects.filter(links=None)


def test_a_known_identity_leads_to_its_customer(archive):
    customer = factories.CustomerFactory(name="Ann Ruiz")
    known = factories.IdentityFactory(place="twitter", value="ann", customer=customer)
    take_in(archive, post(1, author="@Ann"))
    assert message(archive, 1).identity == known
    assert owners(known) == [customer.pk]
    assert Customer.objects.get() == customer


def test_a_new_handle_gets_a_provisional_customer_and_says_on_what_evidence(archive):
    take_in(archive, post(1, author="Ann", name="Ann Ruiz"))
    link = IdentityLink.objects.get()
    assert (link.state, link.method, link.evidence, link.by) == (
        "confirmed", "first_contact", "First seen on Archive", None,
    )  # fmt: skip
    assert (link.customer.name, link.customer.is_provisional) == ("Ann Ruiz", True)
    assert link.identity == message(archive, 1).identity


def test_a_handle_known_by_nobody_yet_gets_its_customer_now(archive):
    lonely = factories.IdentityFactory(place="twitter", value="ann", customer=None)
    take_in(archive, post(1, author="ann"))
    assert message(archive, 1).identity == lonely
    assert len(owners(lonely)) == 1


@pytest.mark.parametrize("state", ["rejected", "withdrawn", "proposed"])
def test_a_link_that_is_not_confirmed_is_no_owner_so_the_handle_gets_one(archive, state):
    link = factories.IdentityLinkFactory(identity__place="twitter", identity__value="ann", state=state)
    take_in(archive, post(1, author="ann"))
    (owner,) = owners(link.identity)
    assert owner != link.customer_id


def test_the_same_handle_in_any_case_is_one_person_as_first_written(archive):
    take_in(archive, post(1, author="AnnRuiz"), post(2, author="annruiz"), post(3, author="@ANNRUIZ"))
    identity = Identity.objects.get()
    assert (identity.value, identity.handle) == ("annruiz", "AnnRuiz")
    assert Customer.objects.count() == 1


def test_the_same_handle_on_another_network_is_another_person(archive, team):
    other = factories.ChannelFactory(platform="archive", place="elsewhere", team=team)
    take_in(archive, post(1))
    take_in(other, post(1))
    assert Customer.objects.count() == 2


def test_the_same_handle_on_two_channels_of_one_network_is_one_person(archive, team):
    other = factories.ChannelFactory(platform="archive", place="twitter", team=team)
    take_in(archive, post(1))
    take_in(other, post(2))
    assert Customer.objects.count() == 1


def test_a_phone_number_is_the_same_person_everywhere(team):
    by_hand = [factories.ChannelFactory(platform="by_hand", place=place, team=team) for place in ("phone", "visit")]
    for number, channel in enumerate(by_hand):
        contact = {"id": number, "at": "2026-11-20T12:00Z", "name": "Ann", "text": "Hello"}
        take_in(channel, contact | {"kind_of_identity": "phone", "identity": "+441632960000"})
    assert (Identity.objects.get().place, Customer.objects.count()) == ("", 1)


@pytest.mark.parametrize(
    ("kind", "ways"),
    [
        ("phone", ["+441632960000", "+44 1632 960000", "0044 (1632) 960-000"]),
        ("email", ["Ann.Ruiz@Example.com", "ann.ruiz@example.com", " ANN.RUIZ@EXAMPLE.COM"]),
    ],
)
def test_an_address_written_in_many_ways_is_one_person(team, kind, ways):
    desk = factories.ChannelFactory(platform="by_hand", place="desk", team=team)
    for number, way in enumerate(ways):
        contact = {"id": number, "at": "2026-11-20T12:00Z", "name": "Ann", "text": "Hello"}
        take_in(desk, contact | {"kind_of_identity": kind, "identity": way})
    assert (Identity.objects.count(), Customer.objects.count()) == (1, 1)
    assert Identity.objects.get().label in ("+44 1632 960000", "Ann.Ruiz@example.com")


@pytest.mark.parametrize(
    ("kind", "text"), [("phone", "ask at the desk"), ("phone", "020 7946"), ("email", "ann at home")]
)
def test_an_address_nobody_can_read_is_kept_as_it_came(team, kind, text):
    desk = factories.ChannelFactory(platform="by_hand", place="desk", team=team)
    row = {
        "id": 1,
        "at": "2026-11-20T12:00Z",
        "name": "Ann",
        "text": "Hello",
        "kind_of_identity": kind,
        "identity": text,
    }
    (raw,) = take_in(desk, row)
    assert (raw.state, Identity.objects.get().value) == ("stored", text)


def test_a_batch_with_many_posts_of_one_new_person_makes_one_customer(archive):
    take_in(archive, *[post(n) for n in range(20)])
    assert (Customer.objects.count(), Identity.objects.count(), IdentityLink.objects.count()) == (1, 1, 1)


def test_whom_we_address_before_they_ever_write_is_the_same_person_when_they_do(archive):
    take_in(archive, post(1, "@ann we found your bag.", ours=True))
    take_in(archive, post(2, author="Ann", name="Ann Ruiz"))
    assert message(archive, 1).identity == message(archive, 2).identity
    assert Customer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_meet_the_same_new_people_make_one_customer_of_each(team):
    handles = [f"person{n}" for n in range(30)]
    channels = [factories.ChannelFactory(platform="archive", place="twitter", team=team) for _ in range(4)]
    for order, channel in enumerate(channels):
        turned = handles[::-1] if order % 2 else handles
        keep(channel, *[post(handle, author=handle) for handle in turned])
    at_once(*[lambda pk=channel.pk: inbox.drain(Channel.objects.get(pk=pk)) for channel in channels])
    assert Identity.objects.count() == len(handles)
    assert IdentityLink.objects.filter(state="confirmed").count() == len(handles)
    assert Customer.objects.count() == len(handles)
    assert not orphans().exists()
    assert {message(channel, handle).identity.value for channel in channels for handle in handles} == set(handles)


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_find_the_same_handles_without_an_owner_give_them_one(team):
    for n in range(30):
        factories.IdentityFactory(place="twitter", value=f"person{n}", customer=None)
    channels = [factories.ChannelFactory(platform="archive", place="twitter", team=team) for _ in range(4)]
    for channel in channels:
        keep(channel, *[post(n, author=f"person{n}") for n in range(30)])
    at_once(*[lambda pk=channel.pk: inbox.drain(Channel.objects.get(pk=pk)) for channel in channels])
    assert IdentityLink.objects.filter(state="confirmed").count() == Customer.objects.count() == 30
    assert not orphans().exists()
