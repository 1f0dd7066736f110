"""Where the state folder is, and what in it (or beside it) the embedded servers' own account can reach."""

import hashlib
import os
import pwd
import secrets
import stat
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOCKET_PATH_LIMIT = 107  # bytes: sockaddr_un.sun_path holds 108 with its closing NUL
LONGEST_SOCKET = ".s.PGSQL.5432"
ASIDE = Path("/var/lib")
SHORT = Path("/tmp")  # noqa: S108 - not $TMPDIR: every terminal must find the same sockets


class CannotRun(RuntimeError):
    """A finished sentence for the person at the terminal: what is in the way, and what to do."""


@dataclass(frozen=True)
class Account:
    """Whom a server runs as. PostgreSQL refuses to run as root, so root lends it another account."""

    uid: int
    gid: int

    @property
    def lent(self) -> bool:
        return os.geteuid() == 0 and self.uid != 0

    @property
    def user(self) -> int | None:
        """For subprocess, as are the next two: None leaves the process as it is."""
        return self.uid if self.lent else None

    @property
    def group(self) -> int | None:
        return self.gid if self.lent else None

    @property
    def extra_groups(self) -> list[int] | None:
        return [] if self.lent else None

    def own(self, path: Path) -> None:
        if self.lent:
            os.chown(path, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Whether each existing folder on the way lets the account through, and the path itself too."""
        return all(self._passes(step.stat()) for step in (path, *path.parents) if step.exists())

    def _passes(self, found: os.stat_result) -> bool:
        return bool(found.st_mode & (stat.S_IXUSR if found.st_uid == self.uid else stat.S_IXOTH))


def state_folder() -> Path:
    """HARK_STATE_DIR, or var/ in the project."""
    return Path(os.environ.get("HARK_STATE_DIR") or ROOT / "var").expanduser().resolve()


def make_private(folder: Path, *, mode: int = 0o700) -> Path:
    """The folder, made with this mode if it is not there; one that is there keeps the mode it has."""
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)
    except OSError as error:
        raise CannotRun(f"{folder} cannot be made ({error.strerror}). Give HARK_STATE_DIR another folder.") from error
    return folder


def make_state(folder: Path) -> Path:
    """The state folder. Root's lets the database account pass through it, not look into it."""
    return make_private(folder, mode=0o711 if os.geteuid() == 0 else 0o700)


def account_for(state: Path) -> Account:
    """Whose the data are; for new data ourselves, or `nobody` where we are root."""
    data = state / "pg"
    if data.exists() and data.stat().st_uid != 0:
        return Account(data.stat().st_uid, data.stat().st_gid)
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def home(state: Path) -> Path:
    """The folder that holds pg/ and run/: the state folder, unless `nobody` cannot get there (a clone under /root).

    Once data exist they stay where they are: in the other case the state folder holds a link to them.
    """
    if (state / "pg").exists():
        return (state / "pg").resolve().parent
    return state if account_for(state).reaches(state) else ASIDE / f"hark-{_key(state)}"


def sockets(state: Path) -> Path:
    """The folder of both sockets; a short one where the path would not fit into a socket's address."""
    folder = home(state) / "run"
    fits = len(os.fsencode(folder / LONGEST_SOCKET)) <= SOCKET_PATH_LIMIT
    return folder if fits else SHORT / f"hark-{_key(state)}"


def make_sockets(state: Path) -> Path:
    """The socket folder, ours alone: a folder another user put in its place under /tmp is not used."""
    make_state(home(state))
    folder, account = make_private(sockets(state)), account_for(state)
    found = folder.lstat()
    if folder.is_symlink() or found.st_uid not in (os.geteuid(), account.uid):
        raise CannotRun(f"{folder} belongs to another user. Remove it, or give HARK_STATE_DIR a shorter path.")
    account.own(folder)
    return folder


def sizes(folders: Iterable[Path]) -> int:
    """Bytes in these files and folders together."""
    total = 0
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            with suppress(OSError):
                total += path.lstat().st_size
    return total


def database_password(state: Path) -> str:
    return once(state / "database_password", lambda: secrets.token_urlsafe(24))


def once(path: Path, make: Callable[[], str]) -> str:
    """What the file says; written by whoever comes first, whole before it has its name, and readable by us alone."""
    try:
        if not path.exists():
            descriptor, draft = tempfile.mkstemp(dir=make_state(path.parent), prefix=path.name)
            with os.fdopen(descriptor, "w") as file:
                file.write(make())
            with suppress(FileExistsError):
                os.link(draft, path)
            Path(draft).unlink()
        return path.read_text()
    except PermissionError as error:
        raise CannotRun(f"{path.parent} belongs to another user. Run as that user, or set HARK_STATE_DIR.") from error


def _key(state: Path) -> str:
    """Names what lies outside the state folder. Not by its path: a new clone in an old place is another Hark."""
    return hashlib.sha256(database_password(state).encode()).hexdigest()[:12]
