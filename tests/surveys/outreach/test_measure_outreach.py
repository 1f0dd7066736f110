"""The command that measures what many answers are owed leaves nothing behind."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from crm.models import Customer, User
from surveys.models import Call, Loop, Response

pytestmark = pytest.mark.django_db

PAGES = (
    "my calls", "everybody's calls", "far down in them", "a call", "loops", "a loop", "requests", "improvements",
    "leads", "advocates",
)  # fmt: skip


def test_what_responses_are_owed_is_measured_and_rolled_back(lead):
    out = StringIO()
    call_command("measure_outreach", responses=30, as_json=True, stdout=out)
    figures = json.loads(out.getvalue().splitlines()[-1])
    assert (figures["responses"], figures["calls"], figures["given"]) == (30, 30, 30)
    assert figures["queries_per_batch"] <= 40
    assert set(figures["pages"]) == {f"page: {name}" for name in PAGES}
    assert max(figures["pages"].values()) <= 35, figures["pages"]
    assert [model.objects.count() for model in (Customer, Response, Loop, Call)] == [0, 0, 0, 0]
    assert User.objects.get() == lead


def test_somebody_has_to_answer_for_it(db):
    with pytest.raises(CommandError):
        call_command("measure_outreach", responses=1)
