"""The command that measures the drivers counts right, names what was left to it, and leaves nothing behind."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from channels_app.models import Message
from config.management.commands import measure_drivers
from crm.models import Customer
from surveys.models import Response, Wave

pytestmark = pytest.mark.django_db


def test_drivers_are_measured_and_rolled_back(monkeypatch):
    monkeypatch.setattr(measure_drivers, "UNNAMED", 20)
    out = StringIO()
    call_command("measure_drivers", people=30, messages=200, as_json=True, stdout=out)
    figures = json.loads(out.getvalue().splitlines()[-1])
    assert (figures["all_queries"], figures["comments_queries"], figures["messages_queries"]) == (4, 3, 4)
    assert 10 <= figures["heard"] <= 30
    assert figures["named_per_second"] > 0
    assert [model.objects.count() for model in (Customer, Wave, Response, Message)] == [0, 0, 0, 0]
