"""Who is erased has liked nothing any more."""

import pytest

from channels_app.models import Reaction
from channels_app.privacy import beside
from crm.privacy import people
from tests import factories

pytestmark = pytest.mark.django_db


def test_signs_they_put_to_what_others_said_go_too():
    channel = factories.ChannelFactory()
    customer = factories.CustomerFactory()
    factories.IdentityFactory(place=channel.place, value="ann", customer=customer)
    said = factories.MessageFactory(thread__channel=channel)
    theirs = factories.ReactionFactory(message=said, who="ann")
    factories.ReactionFactory(message=said, who="bob")
    factories.ReactionFactory(message__thread__channel__place="elsewhere", who="ann")
    assert list(beside.signs(people.person(customer))) == [theirs]
    assert Reaction.objects.count() == 3
