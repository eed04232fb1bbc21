"""Counterparts that give secrets back, in whatever form: the worst that can answer."""

import json
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override

from tests.canaries import forms_of


@dataclass
class Heard:
    """What a parrot was told: the line and the headers, which hold secrets, and the bodies."""

    lines: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class Parrot:
    """A parrot at a URL on loopback."""

    url: str
    heard: Heard


@contextmanager
def parrot(secrets: Sequence[str], *, status: int, page: str) -> Iterator[Parrot]:
    """Answer every request with *status* and a *page* in which `@` is the *secrets*.

    JSON where the page is an object's or a text's, else HTML.
    """
    heard = Heard()
    echo = " ".join(form for secret in secrets for form in forms_of(secret))

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.lines += [self.requestline, *map(": ".join, self.headers.items())]
            heard.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            said = json.dumps(echo)[1:-1] if page[0] in '{"' else echo
            body = page.replace("@", said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json" if page[0] in '{"' else "text/html")
            self.send_header("X-Echo", echo.replace("\n", " ").encode().decode("latin-1"))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST  # noqa: N815 - the library's name

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        @override
        def handle_error(self, request: object, client_address: object) -> None:
            """Whoever asked has gone: nobody's fault."""

    with Server(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield Parrot(f"http://127.0.0.1:{server.server_address[1]}", heard)
        finally:
            server.shutdown()


@contextmanager
def mail_parrot(secret: str) -> Iterator[int]:
    """Refuse every sign-in with a text that has *secret* in it; yield the port."""
    echo = " ".join(forms_of(secret))

    class Answer(socketserver.StreamRequestHandler):
        @override
        def handle(self) -> None:
            self.wfile.write(b"220 parrot\r\n")
            for line in self.rfile:
                verb = line[:4].upper()
                if verb == b"EHLO":
                    self.wfile.write(b"250-parrot\r\n250 AUTH PLAIN LOGIN\r\n")
                elif verb == b"AUTH":
                    text = f"535-5.7.8 you said {line.decode().strip()}\r\n535 5.7.8 that is {echo}"
                    self.wfile.write(text.encode() + b"\r\n")
                elif verb == b"QUIT":
                    return
                else:
                    self.wfile.write(b"250 OK\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
