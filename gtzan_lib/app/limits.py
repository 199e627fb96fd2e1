"""What a connection and a request may cost the page, and from where they may come.

Both stand around uvicorn's public interface: ``Connection`` is its ``http`` setting,
``Guard`` the application that it is given. Used by ``gtzan_lib.app.server``.
"""

import asyncio
import contextlib
import re
import time
from contextvars import ContextVar
from typing import ClassVar

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

SILENT_SECONDS = 20  # without a byte, after which a connection is ended
UPLOAD_SECONDS = 180  # for a whole request
LINGER_SECONDS = 10  # for a refused visitor to stop sending and read why
CONNECTIONS = 200
FILE_BYTES = 100 * 2**20
OTHER_BYTES = 2**16  # of any other request, and of what an upload has besides its file
UPLOADS = ("/", "/api/predict")
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

_STALLED = (
    "The upload was ended: nothing came for "
    f"{SILENT_SECONDS} s, or it took longer than {UPLOAD_SECONDS // 60} minutes."
).encode()
_ENDED = b"\r\n".join(
    [
        b"HTTP/1.1 408 Request Timeout",
        b"Content-Type: text/plain; charset=utf-8",
        b"X-Content-Type-Options: nosniff",
        b"Content-Length: %d" % len(_STALLED),
        b"Connection: close",
        b"",
        _STALLED,
    ]
)


class Refused(Exception):  # noqa: N818, it is an answer
    """A request that gets no answer but a status and a sentence."""

    def __init__(self, status: int, sentence: str, headers: dict | None = None):
        super().__init__(sentence)
        self.status, self.headers = status, headers


class Connection(H11Protocol):
    """A connection that is ended when the other side neither sends nor reads.

    While it waits for a request it may be silent for 20 s and take 3 minutes in all,
    headers included; while the page works on an answer it may be silent for as long
    as that takes. Where there are too many, the one that was silent longest goes.
    """

    current: ClassVar[ContextVar["Connection"]] = ContextVar("current")
    everyone: ClassVar[set["Connection"]] = set()

    def waits(self) -> None:
        """Begin to wait for a request."""
        self.is_waiting, self.began = True, time.monotonic()
        self.moved, self.unsent = self.began, 0

    def works(self) -> None:
        """End waiting: the request has come whole."""
        self.is_waiting = False

    def connection_made(self, transport) -> None:
        """Make room for one more."""
        super().connection_made(transport)
        self.waits()
        if len(self.everyone) >= CONNECTIONS:
            waiting = [other for other in self.everyone if other.is_waiting]
            silent = min(waiting, key=lambda other: other.moved, default=self)
            self.everyone.discard(silent)
            silent.transport.abort()
        self.everyone.add(self)
        self.look()

    def data_received(self, data: bytes) -> None:
        """Take bytes; what they begin knows which connection it belongs to."""
        self.moved = time.monotonic()
        self.current.set(self)
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self.timer.cancel()
        self.everyone.discard(self)
        super().connection_lost(exc)

    def look(self) -> None:
        """End the connection if it stalls; otherwise look again in a second."""
        now, unsent = time.monotonic(), self.transport.get_write_buffer_size()
        if unsent != self.unsent:
            self.moved, self.unsent = now, unsent
        is_silent = now - self.moved > SILENT_SECONDS
        is_late = now - self.began > UPLOAD_SECONDS
        if unsent and is_silent:
            self.transport.abort()
        elif self.is_waiting and (is_silent or is_late):
            if self.moved > self.began:  # else a browser's, opened in advance
                self.transport.write(_ENDED)
            self.transport.close()
        self.timer = self.loop.call_later(1, self.look)


class Guard:
    """ASGI middleware that refuses foreign and oversized requests.

    Parameters
    ----------
    app : ASGI application
    hosts : iterable of str
        Names that the page may be called by, without ports.
    """

    def __init__(self, app, hosts):
        self._app, self._hosts = app, {host.lower() for host in hosts}

    async def __call__(self, scope, receive, send):
        """Answer a request, or have it answered."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        connection, headers = Connection.current.get(), Headers(scope=scope)
        is_upload = scope["method"] == "POST" and scope["path"] in UPLOADS
        limit = OTHER_BYTES + FILE_BYTES * is_upload
        taken = 0

        async def counted():
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise Refused(413, too_large(is_upload))
            if not message.get("more_body"):
                connection.works()
            return message

        async def closing(message):
            """Send; where the request is not read whole, linger and then close."""
            if connection.is_waiting and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            elif connection.is_waiting and not message.get("more_body"):
                await send(message | {"more_body": True})
                await _drain(receive)
                message = message | {"body": b""}
            await send(message)

        try:
            self._check(headers, limit, is_upload)
            while not is_upload and (await counted()).get("more_body"):
                pass
            await self._app(scope, counted, closing)
        except Refused as refused:
            await refusal(scope, refused)(scope, receive, closing)
        finally:
            connection.waits()

    def _check(self, headers: Headers, limit: int, is_upload: bool) -> None:
        """Refuse a request for its headers alone."""
        host = headers.get("host", "")
        name = re.fullmatch(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(:\d+)?", host, re.IGNORECASE)
        if name is None or name[1].lower() not in self._hosts:
            raise Refused(
                421,
                "This page is not known by that name: open it at the address that the "
                "program printed, or start it with --allow-host NAME.",
            )
        origin = headers.get("origin", f"http://{host}")
        if origin.lower() not in (f"http://{host}".lower(), f"https://{host}".lower()):
            raise Refused(403, "Only the page itself may ask: open it, use its form.")
        head = sum(len(name) + len(value) for name, value in headers.raw)
        if head > OTHER_BYTES or int(headers.get("content-length", 0)) > limit:
            raise Refused(413, too_large(is_upload))


def too_large(is_upload: bool) -> str:
    """Return the sentence for what is larger than it may be."""
    if is_upload:
        return f"The file is larger than {FILE_BYTES >> 20} MB, which is the limit."
    return f"The request is larger than {OTHER_BYTES >> 10} KB, which is the limit."


def refusal(scope, refused: Refused):
    """Return a refusal as a response: JSON for programs, otherwise plain text."""
    if scope["path"].startswith("/api/"):
        content = {"error": str(refused)}
        return JSONResponse(content, refused.status, refused.headers)
    return PlainTextResponse(str(refused), refused.status, refused.headers)


async def _drain(receive) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body"):
                pass
