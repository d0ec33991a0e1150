"""Receivers of notices on the loopback address: a web server and a mail server that keep what they get."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Webhook:
    """What was posted, as (path, body); `status` is what it answers, `drips` lets it answer a byte now and then."""

    port: int = 0
    status: int = 200
    drips: bool = False
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@contextmanager
def webhook() -> Iterator[Webhook]:
    """A web server that runs inside the block."""
    state = Webhook()
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            if state.drips:
                while not stopped.is_set():
                    self.wfile.write(b"H")
                    time.sleep(0.05)
                return
            self.send_response(state.status)
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as state.port:
        try:
            yield state
        finally:
            stopped.set()


@dataclass
class Mailbox:
    """Messages as they came over the line, headers included, and the addresses that each was for."""

    port: int = 0
    got: list[tuple[list[str], str]] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A mail server that takes everything, as much of SMTP as sending a message needs."""
    box = Mailbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            receivers: list[str] = []
            self.wfile.write(b"220 ready\r\n")
            while command := self.rfile.readline().decode().strip():
                verb = command.split(":")[0].upper()
                if verb == "RCPT TO":
                    receivers.append(command.split(":")[1].strip("<> "))
                if verb == "DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    box.got.append((receivers, b"".join(lines).decode()))
                self.wfile.write(b"221 bye\r\n" if verb == "QUIT" else b"250 fine\r\n")

    with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as box.port:
        yield box


@contextmanager
def serving(server: ThreadingHTTPServer | socketserver.ThreadingTCPServer) -> Iterator[int]:
    """A server's port, which it answers on inside the block."""
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
