import resource
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import psutil
import pytest
from visitor import (
    FILE,
    HEAVY,
    SLOW,
    ask,
    assert_untouched,
    changed,
    form,
    get,
    heavily,
    post,
    raw,
    served,
    stall,
    temporary,
)

from gtzan_lib.app import server, workers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """The page with narrow limits: seconds, a queue of one, files of 9 MB at most."""
    folder = tmp_path_factory.mktemp("strict")
    command = changed(
        limits_SILENT_SECONDS=1,
        limits_REQUEST_SECONDS=4,
        workers_SECONDS=10,
        workers_analyse=heavily,
        workers_AT_ONCE=1,
        workers_WAITING=1,
        workers_MEMORY_BYTES=500_000_000,
    )
    size = 9_000_000
    with served(
        "--allow-host=gtzan.example",
        command=command,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
        **temporary(folder),
    ) as (process, url):
        yield SimpleNamespace(url=url, temporary=folder, process=process, before={})


def test_other_names_are_allowed(strict):
    assert raw(strict.url, get(host="gtzan.example:80")) == 200
    origin = {"Host": "GTZAN.example", "Origin": "https://gtzan.example"}
    assert raw(strict.url, post(form("a", FILE), **origin)) == 422
    assert raw(strict.url, get(host="evil.example")) == 421


def test_a_full_disk_is_a_sentence(strict):
    response = ask(strict.url, "a.wav", b"\0" * 9_500_000)
    assert response.status_code == 507
    assert response.json()["error"] == server.DISK.format("File too large")
    assert_untouched(strict)


def test_stalled_uploads_are_ended(strict, files):
    content = post(form("a.wav", (files / "disco.wav").read_bytes()))
    started = time.monotonic()
    for part in (b"GET / HT", content[:100], content[:99_999]):
        connection = stall(strict.url, part)
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 408 ")
    assert stall(strict.url, b"").recv(1) == b""  # nothing said, nothing answered
    assert time.monotonic() - started < 15
    assert_untouched(strict)


def test_answers_that_nobody_reads_are_ended(strict):
    host, port = strict.url.removeprefix("http://").split(":")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((host, int(port)))
        request = b"GET /model.onnx HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        connection.sendall(20 * request)
        time.sleep(8)
        connection.settimeout(60)
        answers = connection.makefile("rb").read()  # until the page's end is closed
    assert answers.count(b"HTTP/1.1 200 OK") < 20
    assert raw(strict.url, get()) == 200


def received(connection):
    try:
        return connection.recv(999)
    except TimeoutError:
        return b""


def test_slow_uploads_are_ended(strict):
    parts = (b"GET / HT", post(form("a.wav", b"\0" * 999))[:300])
    connections = [stall(strict.url, part) for part in parts]
    started = time.monotonic()
    for connection in connections:
        connection.settimeout(0.3)
    answers = [b"", b""]
    while not all(answers):
        for n, connection in enumerate(connections):
            if not answers[n] and not (answer := received(connection)):
                connection.sendall(b"x")
            elif not answers[n]:
                answers[n] = answer
    assert all(answer.startswith(b"HTTP/1.1 408 ") for answer in answers)
    assert 3 < time.monotonic() - started < 8
    assert_untouched(strict)


def test_what_needs_too_much_is_ended_and_others_wait(strict, files):
    good = (files / "disco.wav").read_bytes()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask, strict.url, "slow.wav", SLOW)
        time.sleep(1)
        waiting = stall(strict.url, post(form("disco.wav", good)))
        time.sleep(0.5)
        refused = ask(strict.url, "disco.wav", good)
        waiting.close()  # which leaves the queue
        time.sleep(0.5)
        last = pool.submit(ask, strict.url, "disco.wav", good)
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "30"
    assert refused.json()["error"] == workers.FULL
    assert last.result().status_code == 200
    assert first.result().json()["error"] == workers.ENDED[TimeoutError]
    assert first.result().status_code == 422
    ended = ask(strict.url, "heavy.wav", HEAVY)
    assert ended.json()["error"] == workers.ENDED[MemoryError]
    assert ask(strict.url, "disco.wav", good).status_code == 200
    workers_now = psutil.Process(strict.process.pid).children()
    max(workers_now, key=lambda child: child.memory_info().rss).kill()
    assert ask(strict.url, "disco.wav", good).status_code == 200
    assert_untouched(strict)
