"""Bodies that arrive: how long they may be, and how long they may take."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

from fastapi.responses import JSONResponse, Response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SECONDS = 10.0
"""A client that has sent half of a request holds its connection at most so long."""
SECONDS_AT_THE_END = 1.0
"""So long once the service stops."""


class Refusal(JSONResponse):
    """The answer to a body that is not used: the place of what is wrong, and what was expected.

    Args:
        status: of the answer.
        message, kind: what was expected, and what kind of fault it is.
        place: in the body; None: its end is missing, without which the connection cannot go on.
    """

    def __init__(
        self, status: int, message: str, kind: str, place: tuple[str | int, ...] | None = None
    ):
        detail = {"loc": ["body", *(place or ())], "msg": message, "type": kind}
        headers = {"connection": "close"} if place is None else {}
        super().__init__({"detail": [detail]}, status, headers)


class TooLong(Refusal):
    """413, at once. What the client is still sending is thrown away until it has read the answer.

    A connection that is closed with bytes unread is reset, and the client would see no answer.

    Args:
        arrivals: says how long.
    """

    def __init__(self, arrivals: "Arrivals"):
        super().__init__(413, f"expected at most {arrivals.max_bytes} bytes", "size")
        self.arrivals = arrivals

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer, and read on."""
        head = {"type": "http.response.start", "status": 413, "headers": self.raw_headers}
        await send(head)
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError), self.arrivals.limited() as limit:
            async with limit:
                while (await receive()).get("more_body"):
                    pass
        await send({"type": "http.response.body", "body": b""})


class Arrivals:
    """Reads the bodies of requests.

    Args:
        max_bytes: of a body.
        seconds: in which it arrives.
    """

    def __init__(self, max_bytes: int, seconds: float = SECONDS):
        self.max_bytes, self.seconds = max_bytes, seconds
        self._open: set[asyncio.Timeout] = set()

    @contextlib.contextmanager
    def limited(self) -> Iterator[asyncio.Timeout]:
        """A time limit of ``seconds``, which ends soon after ``hasten``."""
        timeout = asyncio.timeout(self.seconds)
        self._open.add(timeout)
        try:
            yield timeout
        finally:
            self._open.discard(timeout)

    def hasten(self) -> None:
        """The service stops: what has not arrived in a second is given up."""
        latest = asyncio.get_running_loop().time() + SECONDS_AT_THE_END
        for timeout in self._open:
            timeout.reschedule(min(latest, timeout.when() or latest))

    async def body(self, scope: MutableMapping[str, Any], receive: Receive) -> bytes | Response:
        """The bytes of a request; or the answer to one that is too long or does not arrive.

        Args:
            scope, receive: the request's, as ASGI has them.
        """
        stated = [int(value) for name, value in scope["headers"] if name == b"content-length"]
        size, parts, more = 0, [], True
        if max(stated, default=0) > self.max_bytes:
            return TooLong(self)
        try:
            with self.limited() as limit:
                async with limit:
                    while more:
                        message = await receive()
                        if message["type"] == "http.disconnect":  # nobody reads the answer
                            wanted = "expected a whole body, the client has left"
                            return Refusal(400, wanted, "disconnect")
                        parts.append(message.get("body", b""))
                        more = message.get("more_body", False)
                        size += len(parts[-1])
                        if size > self.max_bytes:
                            return TooLong(self)
        except TimeoutError:
            wanted = f"expected the whole body within {self.seconds:g} s"
            return Refusal(408, wanted, "timeout")
        return b"".join(parts)
