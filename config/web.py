"""`python -m config.web FD`: the web process, on a socket that its parent listens on.

uvicorn's own `--fd` takes every socket for a unix one. For such a one nobody switches off Nagle's algorithm, and each
small answer on a kept connection waits 40 ms for the other side's acknowledgement.
"""

import contextlib
import socket
import sys

import uvicorn


def main(fd: int) -> None:
    listener = socket.socket(fileno=fd)  # asks the system what kind it is
    options = uvicorn.Config("config.asgi:application", log_level="warning", timeout_graceful_shutdown=5)
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C: it has closed its lines, and says it again
        uvicorn.Server(options).run(sockets=[listener])


if __name__ == "__main__":
    main(int(sys.argv[1]))
