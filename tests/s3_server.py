"""An S3 server on loopback, and a proxy before it that misbehaves when it's told to."""

from __future__ import annotations

import http.client
import itertools
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from pipelines import object_store

__all__ = ["Faults", "s3_server"]

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass
class Faults:
    """What the proxy does wrong; each is a function of a request's running number.

    Attributes:
        unavailable: Whether it answers 503.
        cut: Whether it closes the connection in the middle of the answer's body.
        slow: Seconds that it waits.
        down: Until when (``time.monotonic``) it refuses everything with 503.
        seen: Requests so far.
    """

    unavailable: Callable[[int], bool] = lambda number: False
    cut: Callable[[int], bool] = lambda number: False
    slow: Callable[[int], float] = lambda number: 0.0
    down: float = 0.0
    seen: Iterator[int] = field(default_factory=itertools.count)


class _Proxy(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True


def _handler(upstream: tuple[str, int], faults: Faults) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _forward(self) -> None:
            number = next(faults.seen)
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            if self.headers.get("transfer-encoding", "").lower() == "chunked":
                body = self._chunks()
            time.sleep(faults.slow(number))
            if faults.unavailable(number) or time.monotonic() < faults.down:
                self._answer(503, [], b"<Error><Code>SlowDown</Code></Error>")
                return
            connection = http.client.HTTPConnection(*upstream, timeout=60)
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in _HOP_BY_HOP
            }
            connection.request(self.command, self.path, body=body, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
            if self.command == "HEAD":
                self._answer(
                    answer.status, answer.getheaders(), b"", answer.getheader("content-length")
                )
            elif faults.cut(number) and len(content) > 1000:
                self._answer(answer.status, answer.getheaders(), content[:500], str(len(content)))
                self.close_connection = True
            else:
                self._answer(answer.status, answer.getheaders(), content)
            connection.close()

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _forward  # noqa: N815

        def _chunks(self) -> bytes:
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(parts)

        def _answer(
            self,
            status: int,
            headers: list[tuple[str, str]],
            content: bytes,
            length: str | None = None,
        ) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", length or str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


@contextmanager
def s3_server(mirrors: Path, *buckets: str) -> Iterator[Faults]:
    """S3 with some buckets behind a proxy; what it yields makes the proxy misbehave.

    Args:
        mirrors: Where local mirrors of remote folders lie.
        buckets: Their names.
    """
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    # Its memory is one for all servers of a process.
    reset = http.client.HTTPConnection(*server.get_host_and_port())
    reset.request("POST", "/moto-api/reset")
    reset.getresponse().read()
    faults = Faults()
    proxy = _Proxy(("127.0.0.1", 0), _handler(server.get_host_and_port(), faults))
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    patch = pytest.MonkeyPatch()
    patch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{proxy.server_address[1]}")
    patch.setenv("AWS_ACCESS_KEY_ID", "test")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "secret-that-must-not-be-written")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # The default slows a client down for minutes once it was throttled.
    patch.setenv("AWS_RETRY_MODE", "standard")
    patch.setenv("PROOFMILL_MIRRORS", str(mirrors))
    _forget()
    client = boto3.client("s3")
    for bucket in buckets:
        client.create_bucket(Bucket=bucket)
    try:
        yield faults
    finally:
        proxy.shutdown()
        proxy.server_close()
        server.stop()
        patch.undo()
        _forget()


def _forget() -> None:
    from pipelines import files

    object_store.s3_client.cache_clear()
    object_store.store_of.cache_clear()
    files.mirrors.cache_clear()
