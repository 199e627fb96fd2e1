"""What a connection and a request may cost the page, and from where they may come.

Both stand around uvicorn's public interface: ``Connection`` is its setting ``http``,
``Guard`` the application that it is given. Used by ``gtzan_lib.app.server``.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import ClassVar

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

try:
    import resource
except ImportError:
    resource = None

SILENT_SECONDS = 20  # without a byte, after which a connection is ended
REQUEST_SECONDS = 180  # for a request to come whole
CONNECTIONS = 200
if resource:  # not on Windows; each has a file, too, and the page a hundred
    OPEN_FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[0] % 2**63  # -1: no limit
    CONNECTIONS = min(CONNECTIONS, max(10, (OPEN_FILES - 100) // 2))
FILE_BYTES = 100 * 2**20
BYTES_IN_FLIGHT = 2**30  # of all requests that are not whole yet
SLICE = 4096  # bytes that are parsed before it is known whether a body is chunked
OTHER_BYTES = 2**16  # headers, and what a request holds besides its file
API = "/api/predict"
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

CHUNKED = "Say how long the upload is (Content-Length), and send it as one piece."
TOO_LARGE = "The limit is 100 MB for a file, and 64 KB for anything else."
FOREIGN = "Only the page itself may ask: open it, and choose a song there."
UNKNOWN_NAME = "Open the address that was printed, or start with --allow-host NAME."
STALLED = "The request was ended: it stalled for 20 s, or took longer than 3 minutes."
_ENDED = (
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    f"Content-Length: {len(STALLED)}\r\n\r\n{STALLED}"
).encode()


class Connection(H11Protocol):
    """A connection that may be silent for 20 s, and take 3 minutes for a request.

    That holds not while the page works on an answer. Where there are too many, or too
    many bytes, the slowest goes. What follows a request before its answer is not read.
    """

    current: ClassVar[ContextVar["Connection"]] = ContextVar("current")
    everyone: ClassVar[set["Connection"]] = set()
    unsent = 0

    def wait(self) -> None:
        """Begin to wait for a request."""
        self.is_waiting, self.taken = True, 0
        self.began = self.moved = time.monotonic()

    def connection_made(self, transport) -> None:
        """Make room for one more."""
        super().connection_made(transport)
        self.wait()
        self.everyone.add(self)
        self.make_room()
        self.look()

    def make_room(self) -> None:
        """End the slowest of those that wait, while there is too much of anything."""
        while waiting := [one for one in self.everyone if one.is_waiting or one.unsent]:
            taken = sum(one.taken for one in waiting)
            if len(self.everyone) <= CONNECTIONS and taken <= BYTES_IN_FLIGHT:
                break
            slowest = min(waiting, key=Connection.pace)
            self.everyone.discard(slowest)
            slowest.transport.abort()

    def pace(self) -> float:
        """Return bytes a second of this request; the first kilobyte is a gift."""
        return (1000 + self.taken) / (time.monotonic() - self.began + 0.001)

    def data_received(self, data: bytes) -> None:
        """Take bytes; what they begin knows to which connection it belongs."""
        self.moved = time.monotonic()
        self.taken += len(data)
        self.make_room()
        self.current.set(self)
        for start in range(0, len(data), SLICE):
            one = self.cycle
            if one and not (one.more_body or one.response_complete):
                one.keep_alive = False
                break
            is_chunked = (b"transfer-encoding", b"chunked") in (self.headers or ())
            if is_chunked or self.transport.is_closing():
                break  # refused by Guard: a chunk of a byte costs as much as a body
            super().data_received(data[start : start + SLICE])

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; nobody waits for an answer to its first half."""
        super().send_400_response(msg)
        if self.cycle:
            self.cycle.disconnected = True

    def shutdown(self) -> None:
        """End with the page, at once: nobody waits for who waits for an answer."""
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Look no more."""
        self.timer.cancel()
        self.everyone.discard(self)
        super().connection_lost(exc)

    def look(self) -> None:
        """End the connection if it stalls; otherwise look again in a second."""
        self.timer, now = self.loop.call_later(1, self.look), time.monotonic()
        before, self.unsent = self.unsent, self.transport.get_write_buffer_size()
        self.taken += max(0, before - self.unsent)
        self.moved = now if before != self.unsent else self.moved
        is_silent = now - self.moved > SILENT_SECONDS
        if is_silent and (self.unsent or self.transport.is_closing()):  # nobody reads
            self.transport.abort()
        elif self.is_waiting and (is_silent or now - self.began > REQUEST_SECONDS):
            if self.moved > self.began:  # else a browser's, opened in advance
                self.transport.write(_ENDED)
            self.transport.close()


class Guard:
    """Refuses foreign and large requests to an app that is called by ``hosts``."""

    def __init__(self, app: Starlette, hosts: Iterable[str]):
        self._app, self._hosts = app, {host.lower() for host in hosts}

    async def __call__(self, scope, receive, send):
        """Have a request answered, as ASGI says, or refuse it."""
        connection, taken = Connection.current.get(), 0
        is_upload = scope["method"] == "POST" and scope["path"] == API
        limit = OTHER_BYTES + FILE_BYTES * is_upload

        async def counted():
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413, TOO_LARGE)
            connection.is_waiting = message.get("more_body", False)
            return message

        async def closing(message):
            """Send; where the request is not read whole, linger and then close."""
            if connection.is_waiting and message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            elif connection.is_waiting and not message.get("more_body"):
                await send(message | {"more_body": True})
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(10):
                        while (await receive()).get("more_body"):
                            pass
                message = message | {"body": b""}
            await send(message)

        try:
            self._check(Headers(scope=scope), limit)
            while not is_upload and (await counted()).get("more_body"):
                pass
            await self._app(scope, counted, closing)
        except HTTPException as error:
            refuse = self._app.exception_handlers[HTTPException]
            response = await refuse(Request(scope), error)
            await response(scope, receive, closing)
        finally:
            connection.wait()

    def _check(self, headers: Headers, limit: int) -> None:
        """Refuse a request for its headers alone."""
        host = headers.get("host", "").lower()
        if re.sub(r":\d+$", "", host) not in self._hosts:
            raise HTTPException(421, UNKNOWN_NAME)
        origin = headers.get("origin", f"http://{host}").lower()
        if origin not in (f"http://{host}", f"https://{host}"):
            raise HTTPException(403, FOREIGN)
        if "transfer-encoding" in headers:
            raise HTTPException(411, CHUNKED)
        head = sum(len(name) + len(value) for name, value in headers.raw)
        if head > OTHER_BYTES or int(headers.get("content-length", 0)) > limit:
            raise HTTPException(413, TOO_LARGE)
