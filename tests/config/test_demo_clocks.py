"""The demo's hours and promises."""

import pytest

from cases.models import Clock
from channels_app.models import ChannelPromise
from config import demo_clocks
from crm.models import Calendar
from tests import factories

pytestmark = pytest.mark.django_db


def test_skylark_has_hours_and_promises_in_public_once(lead, channel, archive, client):
    case = factories.CaseFactory(channel=channel)
    for _ in range(2):
        demo_clocks.load()
    assert set(Calendar.objects.values_list("name", flat=True)) == {"Social desk", "Letters and phone"}
    assert ChannelPromise.objects.get().channel == channel
    assert Clock.objects.filter(case=case).count() == 3
    page = client.get("/promise/skylark/").content.decode()
    assert "6:00–23:00" in page
    assert "Christmas Day" in page
