"""The running page, and visitors of it without a browser."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import numpy as np
import soundfile

from gtzan_lib.__main__ import main
from gtzan_lib.app import workers

ANALYSE = workers.analyse  # as it is, also where a page has another
FILE = b"This is not audio."
APP = [sys.executable, "-m", "gtzan_lib", "app", "--port", "0"]


@contextmanager
def served(*options, command=APP, **started):
    """Run the page on a free port; yield its process and address."""
    arguments = [*command, *options]
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, text=True, **started
    ) as process:
        try:
            url = re.search(r"http://\S+", process.stdout.readline())[0]
            assert ask(url, "a", FILE).status_code == 422  # once it has its model
            yield process, url
        finally:
            process.send_signal(signal.SIGTERM)


def changed(**values):
    """Return the command of a page with other constants: ``module_NAME=value``."""
    lines = ["import sys", "from gtzan_lib.__main__ import main"]
    for name, value in values.items():
        module, constant = name.split("_", 1)
        lines += [f"import gtzan_lib.app.{module} as {module}"]
        if callable(value):  # a function of this module
            here = str(Path(__file__).parent)
            lines += [f"sys.path.insert(0, {here!r})", "import visitor"]
            value = f"visitor.{value.__name__}"
        else:
            value = repr(value)
        lines += [f"{module}.{constant} = {value}"]
    lines += ["sys.exit(main(sys.argv[1:]))"]
    return [sys.executable, "-c", "\n".join(lines), "app", "--port", "0"]


SLOW = b"slow"  # what a file begins with that takes longer than any limit
HEAVY = b"heavy"  # and with more memory than the strict page gives


def heavily(path):
    """Analyse a file as the page does, but slow and heavy ones never."""
    began = Path(path).read_bytes()[:5]
    held = np.ones(700_000_000 * (began == HEAVY), np.uint8)
    if held.size or began.startswith(SLOW):
        time.sleep(600)
    return ANALYSE(path)


def ask(url, name, content):
    """Upload a file; return the response, JSON."""
    return httpx.post(
        f"{url}/api/predict", files={"file": (name, content)}, timeout=120
    )


def raw(url, content, seconds=10):
    """Send bytes; return the status of what comes back, or None for nothing."""
    host, port = re.match(r"http://([\d.]+):(\d+)", url).groups()
    with socket.create_connection((host, int(port)), timeout=seconds) as connection:
        try:
            connection.sendall(content)
            answer = b""
            while b"\r\n" not in answer and (more := connection.recv(65536)):
                answer += more
        except (ConnectionResetError, BrokenPipeError):
            return None
    status = re.match(rb"HTTP/1.1 (\d+)", answer)
    return int(status[1]) if status else None


def form(name, content, field="file"):
    """Return the body of a form of one file, by the boundary ``x``."""
    head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"'
    return b"--x\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n--x--\r\n"


def get(address="/", host="localhost", method="GET", more=b""):
    lines = f"{method} {address} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    return lines.encode() + more + b"\r\n"


def post(body, address="/api/predict", length=None, **headers):
    """Return the bytes of a request that posts a form by the boundary ``x``."""
    said = {
        "Host": "localhost",
        "Content-Type": "multipart/form-data; boundary=x",
        "Content-Length": len(body) if length is None else length,
        "Connection": "close",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in said.items() if value is not None]
    return "\r\n".join([f"POST {address} HTTP/1.1", *lines, "", ""]).encode() + body


def quiet(seconds, channels, rate):
    """Return a FLAC file of few bytes and many samples."""
    silence, file = np.zeros((rate, channels), np.int16), io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, channels, format="FLAC") as sound:
        for _ in range(seconds):
            sound.write(silence)
    return file.getvalue()


def stall(url, content):
    """Return a connection that sent some bytes and is silent from then on."""
    host, port = re.match(r"http://([\d.]+):(\d+)", url).groups()
    connection = socket.create_connection((host, int(port)), timeout=60)
    connection.sendall(content)
    return connection


def resident(process):
    """Return the resident bytes of the page, its worker processes included."""
    import psutil

    family = [psutil.Process(process.pid)]
    family += family[0].children(recursive=True)
    return sum(p.memory_info().rss for p in family)


def temporary(folder):
    """Return what a process needs to have its temporary files in a folder."""
    return {"env": os.environ | {"TMPDIR": str(folder)}}


def tree(folder):
    """Return what a folder holds: sizes and times of change by path."""
    paths = [p for p in folder.rglob("*") if not p.name.startswith((".", "gtzan-app"))]
    return {str(p): (p.lstat().st_size, p.lstat().st_mtime_ns) for p in paths}


def assert_untouched(page):
    """Assert that there are no uploads, and that all else is as it was."""
    deadline = time.monotonic() + 10
    while tree(page.temporary) != page.before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert tree(page.temporary) == page.before


def predicted(path, capsys):
    capsys.readouterr()
    assert main(["predict", str(path), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["files"][0]
