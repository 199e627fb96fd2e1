"""The page on this computer, and ``/api/predict`` for programs and odd files.

It asks nothing of any other computer, but has npm fetch what the page runs on. A
visitor never names a file: an upload gets a name from this program, in a folder that is
its own, and is deleted in every case. Used by ``make app`` and ``gtzan app``.
"""

import asyncio
import contextlib
import logging
import mimetypes
import re
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import uvicorn
from filelock import FileLock
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gtzan_lib.app import browser, limits, workers
from gtzan_lib.errors import UserError

HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"{browser.POLICY}; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
PREFIX = "gtzan-app-"
NO_FORM = "The upload is not a form with one file, in a field that is named file."
DISK = "The file cannot be kept while it is analysed, as this computer says: {}."
SENTENCES = {
    404: "There is no such page.",
    405: "This address does not take such a request.",
    500: "This could not be answered, through a fault of this program; what went wrong "
    "is written where the program was started.",
}


def serve(host: str, port: int, names: Iterable[str] = ()) -> None:
    """Serve the page until the program is interrupted.

    It listens on an address and a port, 0 for any that is free, if it can (otherwise
    ``UserError``), and may be called by names besides the address and loopback's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"cannot listen on {host}, port {port} ({error}): choose others with "
            "--host and --port"
        ) from error
    port, at = listener.getsockname()[1], f"[{host}]" if ":" in host else host
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # which deletes the uploads
    for name in {"SIGHUP", "SIGQUIT"} & {*dir(signal)}:
        own = getattr(signal, name)
        signal.signal(own, lambda *_: signal.raise_signal(signal.SIGTERM))
    with (
        listener,
        _uploads() as folder,
        contextlib.closing(workers.Workers()) as processes,
        contextlib.suppress(KeyboardInterrupt),
    ):
        page = make_app(processes, folder)
        settings = uvicorn.Config(
            limits.Guard(page, [*limits.LOOPBACK, at, *names]),
            http=limits.Connection,
            backlog=50,  # accepted at once, before there is any limit
            h11_max_incomplete_event_size=limits.OTHER_BYTES,
            ws="none",
            lifespan="off",
            headers=list(HEADERS.items()),
            proxy_headers=False,
            server_header=False,
            log_level="error",
            timeout_graceful_shutdown=1,
        )
        print(f"The page is at http://{at}:{port} (Ctrl+C ends it)", flush=True)
        uvicorn.Server(settings).run(sockets=[listener])


@contextlib.contextmanager
def _uploads() -> Iterator[Path]:
    """Yield a folder for uploads; remove it in the end, and those of killed pages."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        # Of a page that runs, the lock is held.
        with contextlib.suppress(OSError), FileLock(left / ".lock", timeout=0):
            shutil.rmtree(left, ignore_errors=True)
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as new,
        FileLock(Path(new, ".lock")),
    ):
        yield Path(new)


def make_app(processes: workers.Workers, folder: Path) -> Starlette:
    """Return the page; uploads are kept in a folder of its own."""
    fetching = asyncio.Lock()

    async def predict(request: Request):
        processes.check()
        async with _received(request, folder) as (name, path):
            try:
                found = await processes.answer(path, request.receive)
            except UserError as error:
                raise HTTPException(422, str(error).replace(path, name)) from None
        return JSONResponse({"file": name} | found)

    async def fetch(request: Request):
        """Return what is made, or fetched from npm, once the page asks for it."""
        name = request.url.path.lstrip("/")
        async with fetching:
            try:
                content = await asyncio.to_thread(browser.further, name)
            except (UserError, OSError) as error:
                raise HTTPException(503, str(error)) from None
        return _file(name, content)

    async def refuse(request: Request, error: Exception):
        status = getattr(error, "status_code", 500)
        sentence = (SENTENCES.get(status) or error.detail).rstrip(".") + "."
        headers = getattr(error, "headers", None)
        return JSONResponse({"error": sentence}, status, headers)

    routes = [Route(limits.API, predict, methods=["POST"])]
    for name, content in browser.files(limits.API).items():
        file = _file(name, content)
        routes.append(Route(f"/{name}", file, methods=["GET"]))
        if name == browser.START:
            routes.append(Route("/", file, methods=["GET"]))
    routes += [Route(f"/{name}", fetch) for name in browser.FURTHER]
    app = Starlette(routes=routes, exception_handlers={HTTPException: refuse})
    app.add_exception_handler(Exception, refuse)  # and uvicorn logs it
    app.router.redirect_slashes = False
    return app


def _file(name: str, content: bytes) -> Response:
    kinds = mimetypes.MimeTypes()  # Python's own: a system's may be odd
    return Response(content, media_type=kinds.guess_type(name)[0])


@contextlib.asynccontextmanager
async def _received(request: Request, folder: Path):
    """Yield the name and the path of an upload, which is deleted in the end."""
    if "multipart/form-data" not in request.headers.get("content-type", "").lower():
        raise HTTPException(415, NO_FORM)
    with contextlib.ExitStack() as kept:
        try:
            async with request.form(max_files=1, max_fields=0) as form:
                upload = form.get("file")
                if upload is None or not upload.filename:
                    raise HTTPException(400, NO_FORM)
                if upload.size > limits.FILE_BYTES:
                    raise HTTPException(413, limits.TOO_LARGE)
                # Windows opens no NamedTemporaryFile a second time.
                folder.mkdir(exist_ok=True)  # what cleans temporary folders took it
                own = kept.enter_context(tempfile.TemporaryDirectory(dir=folder))
                path = Path(own, "song")
                with path.open("wb") as file:
                    await asyncio.to_thread(shutil.copyfileobj, upload.file, file)
        except (ClientDisconnect, UnicodeError):
            raise HTTPException(400, NO_FORM) from None
        except OSError as error:
            raise HTTPException(507, DISK.format(error.strerror)) from None
        name = re.split(r"[/\\]", upload.filename)[-1][:200]
        yield "".join(c for c in name if c.isprintable()), str(path)
