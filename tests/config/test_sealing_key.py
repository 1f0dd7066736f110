"""Secrets are sealed with a key of their own: without it Hark starts with its embedded database alone."""

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from config import prepare


@pytest.mark.parametrize(
    ("debug", "embedded", "is_set", "starts"),
    [
        (False, True, False, True),
        (True, False, False, True),
        (False, False, True, True),
        (False, False, False, False),
    ],
)
def test_with_a_database_of_ones_own_there_has_to_be_a_key(settings, debug, embedded, is_set, starts):
    settings.DEBUG, settings.DATABASE_IS_EMBEDDED, settings.SEALING_KEY_IS_SET = debug, embedded, is_set
    if starts:
        call_command("check")
        prepare.may_start()
        return
    with pytest.raises(SystemCheckError, match=r"(?s)hark\.E001.*There is no key"):
        call_command("check")
    with pytest.raises(prepare.NotReady, match="Set HARK_SEALING_KEY"):
        prepare.may_start()
