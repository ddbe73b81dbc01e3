"""Run the application, and stop it without losing a request."""

import asyncio
import functools
import http
import signal
import socket
import sys
import time
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from recsys_lib.checks import check_integer, check_number
from recsys_pipeline.serve.application import create_application
from recsys_pipeline.serve.arriving import SECONDS, Refusal

READY = "serving"
"""First word of the line with the address of the service."""
MAX_HEAD = 2**16
"""Bytes of a request's line and headers."""


class Protocol(HttpToolsProtocol):
    """One connection, which is closed where the head of a request does not arrive, or does not end.

    Bodies have limits of their own, see ``arriving``: they can be answered like any request.

    Args:
        *arguments: uvicorn's.
        seconds: in which a head arrives.
        **options: uvicorn's.
    """

    def __init__(self, *arguments: Any, seconds: float, **options: Any):
        super().__init__(*arguments, **options)
        self._seconds, self._size = seconds, 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the loop."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by the loop, with what has arrived."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:  # the head is whole
            self._end()
            return
        self._size += len(data)
        if self._size > MAX_HEAD:
            self._refuse(431, f"expected at most {MAX_HEAD} bytes of headers", "size")
        elif self._timer is None:
            self._wait()

    def _wait(self):
        message = f"expected the whole head of a request within {self._seconds:g} s"
        self._timer = self.loop.call_later(self._seconds, self._refuse, 408, message, "timeout")

    def _end(self):
        self._size = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status, message, kind):
        self._end()
        if not self.transport.is_closing():
            answer = Refusal(status, message, kind)
            phrase = http.HTTPStatus(status).phrase
            lines = [f"HTTP/1.1 {status} {phrase}".encode()]
            lines += [name + b": " + value for name, value in answer.raw_headers]
            self.transport.write(b"\r\n".join([*lines, b"", answer.body]))
            self.transport.close()


class Server(uvicorn.Server):
    """A server that takes requests for a while after it was told to stop.

    A balancer sends requests until it has seen that ``/health`` says 503, and a client that keeps
    its connection does not know yet that it must take another. A server that
    closes at once loses the requests that they have sent. A second signal stops without waiting.

    Args:
        config: uvicorn's configuration.
        drain: seconds for which requests are still taken.
    """

    def __init__(self, config: uvicorn.Config, drain: float):
        super().__init__(config)
        self.drain = drain
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called by uvicorn on SIGTERM and SIGINT."""
        if self._stop_at is None:
            self.config.app.state.draining = True  # type: ignore[union-attr]
            self._stop_at = time.monotonic() + self.drain
        else:
            self.should_exit = self.force_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop; uvicorn asks ten times a second."""
        if self._stop_at is not None and time.monotonic() >= self._stop_at:
            if not self.should_exit:
                self.config.app.state.arrivals.hasten()  # type: ignore[union-attr]
            self.should_exit = True
        return await super().on_tick(counter)


def serve(
    folder: Any,
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    drain: float = 2.0,
    receive_timeout: float = SECONDS,
    **options: Any,
) -> None:
    """Serve an exported model until SIGTERM or SIGINT.

    Args:
        folder: what ``export`` wrote.
        host, port: where to listen; port 0 takes a free one.
        drain: seconds for which requests are taken after the signal.
        receive_timeout: seconds in which the head of a request arrives, and then its body.
        **options: as for ``create_application``.

    Raises:
        ValueError: as ``create_application``; a port or a drain out of range.
        OSError: the address is taken, or not of this machine.
    """
    check_integer("port", port, 0, 65535)
    check_number("drain", drain, 0)
    application = create_application(folder, receive_timeout=receive_timeout, **options)
    # A thread that encodes a large request gives way so often, and the loop can answer others.
    sys.setswitchinterval(0.001)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Stated as TCP: else asyncio leaves Nagle's algorithm on, and the body of an answer waits 40 ms
    # until the client has acknowledged its head.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        config = uvicorn.Config(
            application,
            http=functools.partial(Protocol, seconds=receive_timeout),  # type: ignore[arg-type]
            interface="asgi3",
            ws="none",
            proxy_headers=False,
            date_header=False,
            server_header=False,
            lifespan="off",
            log_level="warning",
            access_log=False,
        )
        server = Server(config, drain)
        # From here on connections wait in the listener until the loop takes them; none is refused.
        listener.listen(config.backlog)
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        print(f"{READY} {folder} on http://{shown}:{listener.getsockname()[1]}", flush=True)
        signal.signal(signal.SIGTERM, server.handle_exit)
        signal.signal(signal.SIGINT, server.handle_exit)
        server.run(sockets=[listener])
