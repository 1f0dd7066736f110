"""A Redis database of the test's own: those of other tests, running beside it, see nothing of what it does."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings as configured
from django.test import override_settings

from crm.handoff import wire

FIRST = 8  # what lies below is for those who run the whole of Hark


@contextmanager
def own_wire() -> Iterator[str]:
    """Within, `crm.handoff.wire()` is connected to an empty database, whose URL this is."""
    number = FIRST + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    url = f"{configured.REDIS_URL.partition('?')[0]}?db={number}"
    with override_settings(REDIS_URL=url):
        wire.cache_clear()
        wire().flushdb()
        yield url
        wire().flushdb()
        wire().close()
        wire.cache_clear()
