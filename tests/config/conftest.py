import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import embedded, places


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of the test's own. Not tmp_path: that lies in a folder nobody but its owner may pass through."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    top = Path(tempfile.mkdtemp(prefix="hark-test-"))
    top.chmod(0o711)
    folder = top / "state"
    yield folder
    if folder.exists():
        embedded.stop(folder)
        shutil.rmtree(places.sockets(folder), ignore_errors=True)
    shutil.rmtree(top)


@pytest.fixture
def as_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root lends the database another account")
