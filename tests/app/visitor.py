"""A visitor of the page without a browser: the requests that Gradio's page makes."""

import html
import json
import re
import secrets
import subprocess
import sys
from contextlib import contextmanager

import httpx


@contextmanager
def served(*options):
    """Run ``python -m gtzan_lib app`` on a free port; yield the page's address."""
    command = [sys.executable, "-m", "gtzan_lib", "app", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, re.search(r"http://\S+", process.stdout.readline())[0]
        finally:
            process.terminate()


class Visitor:
    """One visit to the page at an address."""

    def __init__(self, url):
        self.http = httpx.Client(base_url=f"{url}/gradio_api", timeout=120)
        self.session = secrets.token_hex(6)

    def upload(self, name, content):
        """Return the response to an upload: the path where the page keeps it."""
        return self.http.post("/upload", files={"files": (name, content)})

    def answer(self, path):
        """Return the page's answer for an uploaded file, as HTML."""
        file = {"path": path, "meta": {"_type": "gradio.FileData"}}
        event = {"data": [file], "fn_index": 0, "session_hash": self.session}
        self.http.post("/queue/join", json=event).raise_for_status()
        parameters = {"session_hash": self.session}
        events = self.http.get("/queue/data", params=parameters).text.split("\n\n")
        messages = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
        (last,) = (m for m in messages if m["msg"] == "process_completed")
        if not last["success"]:
            raise RuntimeError(last["output"])
        return last["output"]["data"][0]

    def ask(self, name, content):
        """Upload a file and return the answer as HTML."""
        return self.answer(self.upload(name, content).raise_for_status().json()[0])


def shares(answer):
    """Return the probabilities of the genres in an answer's HTML, by genre."""
    found = re.findall(r'class="genre">(\w+)<.*?<data value="([\d.]+)"', answer)
    return {genre: float(p) for genre, p in found}


def shown_name(answer):
    """Return the name that an answer calls its track by."""
    return html.unescape(re.search(r'class="facts"><b>(.*?)</b>', answer)[1])
