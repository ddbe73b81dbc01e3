"""Run the application, and stop it without losing a request."""

import signal
import socket
import time
from types import FrameType
from typing import Any

import uvicorn

from recsys_lib.checks import check_integer, check_number
from recsys_pipeline.serve.application import create_application

READY = "serving"
"""First word of the line with the address of the service."""


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
            self.should_exit = True
        return await super().on_tick(counter)


def serve(
    folder: Any, host: str = "127.0.0.1", port: int = 8000, *, drain: float = 2.0, **options: Any
) -> None:
    """Serve an exported model until SIGTERM or SIGINT.

    Args:
        folder: what ``export`` wrote.
        host, port: where to listen; port 0 takes a free one.
        drain: seconds for which requests are taken after the signal.
        **options: as for ``create_application``.

    Raises:
        ValueError: as ``create_application``; a port or a drain out of range.
        OSError: the address is taken, or not of this machine.
    """
    check_integer("port", port, 0, 65535)
    check_number("drain", drain, 0)
    application = create_application(folder, **options)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Stated as TCP: else asyncio leaves Nagle's algorithm on, and the body of an answer waits 40 ms
    # until the client has acknowledged its head.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        config = uvicorn.Config(application, log_level="warning", access_log=False)
        server = Server(config, drain)
        # From here on connections wait in the listener until the loop takes them; none is refused.
        listener.listen(config.backlog)
        shown = f"[{host}]" if family == socket.AF_INET6 else host
        print(f"{READY} {folder} on http://{shown}:{listener.getsockname()[1]}", flush=True)
        signal.signal(signal.SIGTERM, server.handle_exit)
        signal.signal(signal.SIGINT, server.handle_exit)
        server.run(sockets=[listener])
