"""The page: a track is uploaded, its genres come back in percentages.

It asks nothing of any other computer. A visitor never names a file: an upload gets a
name from this program, in a folder that is its own, and is deleted in every case. Used
by ``make app`` and ``python -m gtzan_lib app``.
"""

import asyncio
import contextlib
import logging
import re
import shutil
import socket
import tempfile
from collections.abc import Iterable
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from gtzan_lib.app import limits, workers
from gtzan_lib.app.answer import model_html, page_html
from gtzan_lib.app.classifier import MAX_SECONDS
from gtzan_lib.app.limits import Refused
from gtzan_lib.errors import UserError
from gtzan_lib.experiments.runs import Run

EXAMPLES = ("classical", "disco", "metal", "reggae")
FILES = {"/page.css": "text/css", "/page.js": "text/javascript"}
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src data:; media-src blob: data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "microphone=(self)",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NOT_A_FORM = "The upload is not a form with one file, in the field named file."
DISK = "The file cannot be kept while it is analysed, as this computer says: {}."
UNKNOWN_FAULT = (
    "This could not be answered, through a fault of this program; what went wrong is "
    "written where the program was started."
)
HTTP_FAULTS = {
    404: "There is no such page.",
    405: "The address does not take this method.",
}


def serve(run: Run, host: str, port: int, names: Iterable[str] = ()) -> None:
    """Serve the page until the program is interrupted.

    Parameters
    ----------
    run : Run
        The model that answers.
    host : str
        The address to listen on: 127.0.0.1 for this computer alone.
    port : int
        The port to listen on; 0 for any that is free.
    names : iterable of str
        Names, besides those of this computer for itself and ``host``, that visitors
        may call the page by.

    Raises
    ------
    UserError
        If the address or port cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"cannot listen on {host}, port {port} ({error}): choose others with "
            "--host and --port"
        ) from error
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    port = listener.getsockname()[1]
    at = f"[{host}]" if ":" in host else host
    with listener, tempfile.TemporaryDirectory(prefix="gtzan-app-") as folder:
        page = make_app(run, Path(folder))
        settings = uvicorn.Config(
            limits.Guard(page, [*limits.LOOPBACK, at, *names]),
            http=limits.Connection,
            ws="none",
            h11_max_incomplete_event_size=limits.OTHER_BYTES,
            headers=list(HEADERS.items()),
            proxy_headers=False,
            server_header=False,
            log_level="error",
            timeout_graceful_shutdown=1,
        )
        print(f"The page is at http://{at}:{port} (Ctrl+C ends it)", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[listener])


def make_app(run: Run, folder: Path) -> FastAPI:
    """Return the page as an application.

    Parameters
    ----------
    run : Run
        The model that answers.
    folder : Path
        An empty folder for uploads, which belongs to this application alone.
    """
    model, examples = model_html(run), {}

    @contextlib.asynccontextmanager
    async def started(app):
        app.state.workers = workers.Workers(run.folder)
        first = asyncio.ensure_future(example_of(EXAMPLES[0]))  # loads the model
        yield
        first.cancel()
        app.state.workers.close()

    app = FastAPI(
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=started,
    )

    async def example_of(genre: str) -> dict:
        if genre not in examples:
            examples[genre] = await app.state.workers.answer(workers.example, genre)
        return examples[genre]

    def shown(status=200, headers=None, **values):
        content = page_html(
            model,
            examples=EXAMPLES,
            max_bytes=limits.FILE_BYTES,
            max_minutes=MAX_SECONDS // 60,
            **values,
        )
        return HTMLResponse(content, status, headers)

    async def uploaded(request: Request) -> dict:
        app.state.workers.check()
        async with _received(request, folder) as (name, path):
            ask = app.state.workers.answer
            try:
                answer = await ask(workers.analyse, str(path), request.receive)
            except UserError as error:
                raise Refused(422, str(error).replace(str(path), name)) from None
        return {"file": name} | answer

    @app.get("/")
    async def start():
        return shown()

    @app.post("/")
    async def ask_as_person(request: Request):
        return shown(answer=await uploaded(request))

    @app.post("/api/predict")
    async def ask_as_program(request: Request):
        return JSONResponse(await uploaded(request))

    @app.get("/example/{genre}")
    async def ask_for_example(genre: str):
        if genre not in EXAMPLES:
            raise HTTPException(404)
        return shown(answer=await example_of(genre))

    for address, kind in FILES.items():
        content = Path(__file__).with_name(address[1:]).read_bytes()
        answer = Response(content, media_type=kind)
        app.add_api_route(address, lambda answer=answer: answer)

    async def refuse(request: Request, error: Exception):
        if isinstance(error, HTTPException):
            sentence = HTTP_FAULTS.get(error.status_code, str(error.detail))
            error = Refused(error.status_code, sentence, error.headers)
        elif isinstance(error, ClientDisconnect):  # nobody reads this
            error = Refused(400, NOT_A_FORM)
        elif not isinstance(error, Refused):  # which uvicorn logs
            error = Refused(500, UNKNOWN_FAULT)
        if request.url.path.startswith("/api/"):
            return limits.refusal(request.scope, error)
        return shown(error.status, error.headers, error=str(error))

    for kind in (Refused, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(kind, refuse)
    return app


@contextlib.asynccontextmanager
async def _received(request: Request, folder: Path):
    """Yield the name and the path of an upload, which is deleted in the end."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(415, NOT_A_FORM)
    with contextlib.ExitStack() as kept:
        try:
            async with request.form(max_files=1, max_fields=0) as form:
                upload = form.get("file")
                if upload is None:
                    raise Refused(400, NOT_A_FORM)
                if not upload.filename:
                    raise Refused(400, "Choose a file first.")
                if upload.size > limits.FILE_BYTES:
                    raise Refused(413, limits.too_large(is_upload=True))
                file = kept.enter_context(tempfile.NamedTemporaryFile(dir=folder))
                await asyncio.to_thread(shutil.copyfileobj, upload.file, file)
                file.flush()
        except OSError as error:
            raise Refused(507, DISK.format(error.strerror)) from None
        name = re.split(r"[/\\]", upload.filename)[-1][:200]
        yield "".join(c for c in name if c.isprintable()), file.name
