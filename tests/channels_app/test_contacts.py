"""A contact written down by hand: how the customer is recognised the next time."""

import pytest
from django.urls import reverse

from channels_app.forms import ContactForm
from channels_app.models import Message
from crm.models import Identity
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def phone(team):
    return factories.ChannelFactory(key="phone", name="Phone", platform="by_hand", place="phone", team=team)


def written(phone, kind, value):
    said = {"channel": phone.pk, "name": "Ann Ruiz", "text": "My train is late.", "said_at": "2026-11-20T12:00"}
    return said | {"identity_kind": kind, "identity_value": value}


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        ("email", "ann at home", "is not an e-mail address"),
        ("phone", "12", "is not a phone number"),
        ("phone", "020 7946 0958", "which country"),
    ],
)
def test_an_address_that_is_none_is_told_beside_the_field(phone, kind, value, sentence):
    form = ContactForm(written(phone, kind, value))
    assert not form.is_valid()
    assert sentence in form.errors["identity_value"][0]


def test_an_address_known_already_leads_to_its_customer(phone, agent, as_user):
    known = factories.IdentityFactory(
        kind="email", place="", value="ann@example.com", customer=factories.CustomerFactory()
    )
    as_user(agent).post(reverse("channels_app:log_contact"), written(phone, "email", "Ann@Example.com"))
    assert Message.objects.get().identity == known


@pytest.mark.parametrize("typed", ["CU-1001", "cu-1001"])
def test_a_customer_number_of_another_system_leads_to_its_customer(phone, agent, as_user, typed):
    known = factories.IdentityFactory(
        kind="external", place="erp", value="CU-1001", customer=factories.CustomerFactory()
    )
    as_user(agent).post(reverse("channels_app:log_contact"), written(phone, "external", typed))
    assert Message.objects.get().identity == known


def test_a_number_that_two_systems_use_is_guessed_for_neither(phone, agent, as_user):
    two = {factories.IdentityFactory(kind="external", place=place, value="1001") for place in ("erp", "shop")}
    as_user(agent).post(reverse("channels_app:log_contact"), written(phone, "external", "1001"))
    assert Message.objects.get().identity not in two
    assert Identity.objects.count() == 3
