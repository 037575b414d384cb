"""A web server on this machine that can be told to misbehave."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Behaviour:
    """What the server does, and what it was asked.

    Args:
        content: what it serves at every address.
        ranges: whether it can begin in the middle.
        breaks: after how many bytes the connections break, one after the other; the rest do not.
        status: its answer, if not the content.
        says_length: whether it says how long the content is.
        content_length: what it says of the length, instead of the truth.
        content_range: what it says of a range, instead of the truth.
        asked: the ``Range`` of each request, or "".
    """

    content: bytes = b""
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    status: int = 200
    says_length: bool = True
    content_length: str | None = None
    content_range: str | None = None
    asked: list[str] = field(default_factory=list)


@contextlib.contextmanager
def serve(behaviour: Behaviour) -> Iterator[str]:
    """Serve on a free port of the loopback interface, and give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            behaviour.asked.append(asked)
            if behaviour.status != 200:
                self.send_error(behaviour.status)
                return
            wanted = re.match(r"bytes=(\d+)-", asked) if behaviour.ranges else None
            begin, total = int(wanted[1]) if wanted else 0, len(behaviour.content)
            if wanted and begin >= total:
                self.send_error(416)
                return
            self.send_response(206 if wanted else 200)
            if wanted:
                said = behaviour.content_range
                self.send_header("Content-Range", f"bytes {begin}-{total - 1}/{total}" if said is None else said)
            if behaviour.says_length:
                self.send_header("Content-Length", behaviour.content_length or str(total - begin))
            self.end_headers()
            end = begin + behaviour.breaks.pop(0) if behaviour.breaks else total
            with contextlib.suppress(ConnectionError):  # who has enough hangs up
                self.wfile.write(behaviour.content[begin:end])

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/weights.pth"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
