"""Web servers on loopback, and name servers that know one answer: what stands in for the rest of the internet."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Heard(BaseHTTPRequestHandler):
    """Keeps what it was asked, and answers as its server was told."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.heard.append((self.path, dict(self.headers), body))
        self.server.answer(self)

    do_GET = do_POST  # noqa: N815

    def log_message(self, *args):
        pass


def says(status=200, body=b"ok", **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def serving(answer=None, context=None):
    """A web server on loopback: `.port`, `.url`, and `.heard` as (path, headers, body)."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Heard)
    server.answer, server.heard, server.port = answer or says(), [], server.server_address[1]
    server.url, server.over = f"http://127.0.0.1:{server.port}/hook", threading.Event()
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def leads_to(*addresses):
    """A name server that knows one answer, and counts how often it was asked."""
    asked = []

    def resolve(host, port):
        asked.append(host)
        return list(addresses)

    resolve.asked = asked
    return resolve
