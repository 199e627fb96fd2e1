"""The page: a track is uploaded, its genres come back in percentages.

A Gradio page that is served on this computer. It asks nothing of any other, keeps no
file after the answer, and puts every upload into a folder of its own. Used by
``make app`` and ``python -m gtzan_lib app``.
"""

import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from gtzan_lib.app.answer import answer_html, error_html, model_html, sound_html
from gtzan_lib.app.classifier import MAX_SECONDS, Classifier
from gtzan_lib.app.shipped import Neighbours
from gtzan_lib.data import synthetic as sample
from gtzan_lib.data.audio import SAMPLE_RATE
from gtzan_lib.errors import UserError
from gtzan_lib.experiments.runs import Run
from gtzan_lib.training import memory

MAX_BYTES = 100 * 2**20
AT_ONCE = 2  # tracks analysed at the same time
WAITING = 50  # tracks that may wait for it
ABANDONED_SECONDS = 3600  # after which an upload that nobody asked about is deleted
UPLOAD = "upload-"  # what the names of uploads' folders begin with
EXAMPLES = ("classical", "disco", "metal", "reggae")

TITLE = "Which genre is this track?"
HEAD = f"""
<h1>{TITLE}</h1>
<p>Upload a song or record one. A small neural network looks at its spectrogram and says
which of ten genres it hears, in percentages. Up to {MAX_BYTES >> 20} MB and
{MAX_SECONDS // 60} minutes; the file is deleted as soon as the answer is there.</p>"""
WAITING_HTML = "<p>The answer appears here.</p>"
EXAMPLE_NOTE = "<p>A synthetic clip made by this project's code. It is not music.</p>"
UNKNOWN_FAULT = (
    "This file could not be analysed, through a fault of this program; what went wrong "
    "is written where the program was started."
)

# The browser is told to load nothing from elsewhere, whatever Gradio's page asks for.
POLICY = "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'"


class Answers:
    """What visitors ask for, answered from one model; nothing of a visit is kept.

    Parameters
    ----------
    run : Run
        The model that answers.
    folder : Path
        Where uploads are, each in a folder of its own.
    """

    def __init__(self, run: Run, folder: Path):
        self._classifier, self._neighbours = Classifier(run), Neighbours(run)
        self._folder = folder
        self.example(EXAMPLES[0])  # loads what the first visitor would wait for

    def uploaded(self, path: str | None) -> tuple[str, None]:
        """Return the answer for an upload as HTML, and nothing to clear its field."""
        if path is None:
            return WAITING_HTML, None
        path = Path(path)
        own = self._folder / path.relative_to(self._folder).parts[0]
        try:
            return self._answer(path.name, self._classifier.predict_file(path)), None
        except UserError as error:
            return error_html(str(error).replace(f"{path.parent}/", "")), None
        except Exception:
            logging.exception("an upload could not be analysed")
            return error_html(UNKNOWN_FAULT), None
        finally:
            shutil.rmtree(own, ignore_errors=True)

    def example(self, genre: str) -> str:
        """Return the answer for a clip of the synthetic sample as HTML."""
        y = sample.synthesise(genre, 0)
        facts = {"seconds": len(y) / SAMPLE_RATE, "sample_rate": SAMPLE_RATE}
        facts |= {"channels": 1, "format": "synthetic"}
        found = self._classifier.predict_audio(y, facts)
        return self._answer(f"synthetic {genre}", found, EXAMPLE_NOTE + sound_html(y))

    def _answer(self, name, found, note=""):
        similar = self._neighbours.nearest(found.embedding)
        return answer_html(name, found, similar, note)


def serve(run: Run, host: str, port: int) -> None:
    """Serve the page until the program is interrupted.

    Parameters
    ----------
    run : Run
        The model that answers.
    host : str
        The address to listen on: 127.0.0.1 for this computer alone.
    port : int
        The port to listen on; 0 for any that is free.

    Raises
    ------
    UserError
        If the address or port cannot be used.
    """
    import uvicorn

    memory.share_freed()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"cannot listen on {host}, port {port} ({error}): choose others with "
            "--host and --port"
        ) from error
    # A program that is told to end deletes the uploads, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with listener, tempfile.TemporaryDirectory(prefix="gtzan-app-") as folder:
        app = make_app(run, Path(folder).resolve())
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        port = listener.getsockname()[1]
        at = f"[{host}]" if ":" in host else host
        print(f"The page is at http://{at}:{port} (Ctrl+C ends it)", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


def make_app(run: Run, folder: Path):
    """Return the page as a FastAPI application.

    Parameters
    ----------
    run : Run
        The model that answers.
    folder : Path
        An empty folder for uploads, which belongs to this application alone.
    """
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio
    from fastapi import FastAPI, Request

    async def upload(request: Request, upload_id: str | None = None):
        return await _upload(request, upload_id, folder)

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.add_api_route("/gradio_api/upload", upload, methods=["POST"])
    app.add_middleware(_OnlyFromHere)
    return gradio.mount_gradio_app(
        app,
        _page(Answers(run, folder), model_html(run)),
        path="/",
        theme=gradio.themes.Default(
            font=[gradio.themes.Font("system-ui"), gradio.themes.Font("sans-serif")],
            font_mono=[gradio.themes.Font("monospace")],
        ),
        css_paths=Path(__file__).with_name("app.css"),
        max_file_size=MAX_BYTES,  # so that the browser does not even begin
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
    )


def _page(answers: Answers, about: str):
    """Return the page's fields and what they do."""
    import gradio as gr

    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        page.state_session_capacity = AT_ONCE  # Gradio keeps answers of this many
        gr.HTML(HEAD, elem_id="head")
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                upload = gr.File(label="A track: drop it here or click", height=170)
                record = gr.Audio(
                    label="Or record one",
                    sources=["microphone"],
                    editable=False,
                    buttons=[],
                )
                gr.HTML("<p>Or a synthetic clip, which is not music:</p>")
                with gr.Row():
                    examples = [gr.Button(g, size="sm", min_width=64) for g in EXAMPLES]
            with gr.Column(scale=3, min_width=300):
                answer = gr.HTML(WAITING_HTML, elem_id="answer")
        gr.HTML(about, elem_id="model")

        for field in (upload, record):
            _give_path(field)
        asked = {"concurrency_limit": AT_ONCE, "concurrency_id": "answers"}
        asked |= {"api_visibility": "private", "trigger_mode": "multiple"}
        upload.upload(answers.uploaded, upload, [answer, upload], **asked)
        record.stop_recording(answers.uploaded, record, [answer, record], **asked)
        for button, genre in zip(examples, EXAMPLES, strict=True):
            button.click(partial(answers.example, genre), None, answer, **asked)
    return page.queue(max_size=WAITING, api_open=False)


def _give_path(field) -> None:
    """Let a field give its function the path of an upload, and of nothing else.

    Gradio's own fields would also take the path of any file of this computer, when they
    are mounted, and the address of any other; and ``File`` leaves an empty file behind.
    """
    import gradio

    async def only_an_upload(path: str | None) -> str | None:
        if path is None or Path(path).resolve().is_relative_to(field.GRADIO_CACHE):
            return path
        raise gradio.Error("Upload a file first.", print_exception=False)

    field.async_move_resource_to_block_cache = only_an_upload
    field.preprocess = lambda payload: payload and payload.path


async def _upload(request, upload_id: str | None, folder: Path):
    """Take one upload into a folder of its own, as Gradio's own route does not.

    Gradio puts the same file from two visitors into the same place, so that deleting
    the one would delete the other.
    """
    from fastapi.responses import PlainTextResponse
    from gradio.route_utils import MultiPartException, upload_fn
    from gradio.routes import file_upload_statuses

    _delete_abandoned(folder)
    # Of the content's length alone, so that nothing too long is received at all.
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or int(length) > MAX_BYTES + 2**16:
        return PlainTextResponse(
            f"The file is larger than {MAX_BYTES >> 20} MB, which is the limit.", 413
        )
    if len(list(folder.glob(f"{UPLOAD}*"))) > WAITING:
        return PlainTextResponse("Too many visitors at once: try again later.", 503)
    own = tempfile.mkdtemp(prefix=UPLOAD, dir=folder)
    statuses = file_upload_statuses if upload_id else None
    try:
        files, _, _ = await upload_fn(
            request, own, MAX_BYTES, upload_id, upload_progress=statuses
        )
    except (MultiPartException, TypeError):  # the latter of a field without a file
        shutil.rmtree(own, ignore_errors=True)
        return PlainTextResponse("The upload is not in the form of a file.", 400)
    except BaseException:
        shutil.rmtree(own, ignore_errors=True)
        raise
    return files


def _delete_abandoned(folder: Path) -> None:
    for own in folder.glob(f"{UPLOAD}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - own.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(own, ignore_errors=True)


class _OnlyFromHere:
    """ASGI middleware that tells the browser to load nothing from elsewhere."""

    def __init__(self, app):
        self._app = app

    async def __call__(self, scope, receive, send):
        async def send_with_policy(message):
            if message["type"] == "http.response.start":
                policy = (b"content-security-policy", POLICY.encode())
                message["headers"] = [*message["headers"], policy]
            await send(message)

        await self._app(scope, receive, send_with_policy)
