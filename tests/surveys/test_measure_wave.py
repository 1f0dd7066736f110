"""The command that measures a wave leaves nothing behind, and sends nothing."""

import json
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from crm.models import Customer
from surveys.models import Invitation, Wave

pytestmark = pytest.mark.django_db


def test_a_wave_is_measured_and_rolled_back(lead):
    out = StringIO()
    call_command("measure_wave", customers=40, send=3, as_json=True, stdout=out)
    figures = json.loads(out.getvalue().splitlines()[-1])
    assert (figures["customers"], figures["invited"], figures["sent"]) == (40, 40, 3)
    assert [model.objects.count() for model in (Customer, Wave, Invitation)] == [0, 0, 0]
    assert not mail.outbox


def test_somebody_has_to_answer_for_it(db):
    with pytest.raises(CommandError):
        call_command("measure_wave", customers=1)
