"""Asks an ASGI application without a network."""

import asyncio
import json


def ask(application, path, body=None, **options):
    """One request, as ``asked``, from outside of a loop."""
    return asyncio.run(asked(application, path, body, **options))


async def asked(application, path, body=None, chunk=None, ends=True, leaves=False, headers=()):
    """One request; returns the status, the headers, and the answer, read from JSON or a text.

    Args:
        application: what is asked.
        path: where.
        body: sent as JSON, bytes as they are; without one it is a GET.
        chunk: bytes of the body in one message; default: all.
        ends: whether the body's end arrives.
        headers: further ones, as pairs of bytes.
        leaves: whether the client closes the connection where it does not.
    """
    content = (
        b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    )
    size = chunk or max(len(content), 1)
    parts = [content[start : start + size] for start in range(0, max(len(content), 1), size)]
    waiting = [
        {"type": "http.request", "body": part, "more_body": not ends or number + 1 < len(parts)}
        for number, part in enumerate(parts)
    ]
    sent = []

    async def receive():
        if not waiting and not ends and not leaves:
            await asyncio.Event().wait()
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET" if body is None else "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"content-type", b"application/json"), *headers],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1),
    }
    await application(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    answer = b"".join(message.get("body", b"") for message in sent[1:]).decode()
    is_json = headers.get("content-type", "").startswith("application/json")
    return sent[0]["status"], headers, json.loads(answer) if is_json else answer
