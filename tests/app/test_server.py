import base64
import io
import json
import re
import resource
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import numpy as np
import psutil
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from visitor import (
    ask,
    changed,
    form,
    post,
    raw,
    resident,
    sentence,
    served,
    shares,
    shown_name,
    stall,
    temporary,
)

from gtzan_lib.__main__ import main
from gtzan_lib.app import limits, server
from gtzan_lib.data import pictures as spectrogram
from gtzan_lib.data import synthetic as sample
from gtzan_lib.data.audio import SAMPLE_RATE


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Synthetic tracks to upload: 30 s, 95 s, its picture, and no music at all."""
    folder = tmp_path_factory.mktemp("files")
    clips = [sample.synthesise(genre, 0) for genre in ("disco", "classical", "metal")]
    soundfile.write(folder / "disco.wav", clips[0], SAMPLE_RATE)
    soundfile.write(folder / "classical.flac", clips[1], SAMPLE_RATE)
    soundfile.write(folder / "metal.ogg", clips[2], SAMPLE_RATE)
    soundfile.write(folder / "long.mp3", np.concatenate(clips), SAMPLE_RATE)
    soundfile.write(folder / "hour.flac", np.tile(clips[0], 60), SAMPLE_RATE)
    Image.fromarray(spectrogram.render(clips[0])).save(folder / "disco.png")
    (folder / "notes.mp3").write_text("These are notes, but not of music.\n" * 99)
    return folder


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The running page: its address, process, and folder for temporary files."""
    folder = tmp_path_factory.mktemp("temporary")
    (folder / "other").mkdir()
    y = sample.synthesise("pop", 0)
    soundfile.write(folder / "other" / "private.wav", y, SAMPLE_RATE)
    (folder / "link.wav").symlink_to(folder / "other" / "private.wav")
    before = tree(folder)
    with served(**temporary(folder)) as (process, url):
        yield SimpleNamespace(url=url, temporary=folder, process=process, before=before)
    assert tree(folder) == before
    assert not list(folder.glob("gtzan-app-*"))


def tree(folder):
    """Return what a folder holds: sizes and times of change by path."""
    paths = [p for p in folder.rglob("*") if not p.name.startswith("gtzan-app-")]
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


def test_programs_get_what_predict_says(page, files, capsys):
    answer = ask(page.url, "disco.wav", (files / "disco.wav").read_bytes()).json()
    expected = predicted(files / "disco.wav", capsys)
    assert answer["file"] == "disco.wav"
    assert answer["facts"] == expected["facts"]
    assert answer["percentages"] == pytest.approx(expected["percentages"], abs=1e-5)
    assert len(answer["similar"]) == 5
    seen = Image.open(io.BytesIO(base64.b64decode(answer["picture"]["png"])))
    np.testing.assert_array_equal(seen, Image.open(files / "disco.png"))


FILE = b"This is not audio."


def get(address="/", host="localhost", method="GET", more=b""):
    lines = f"{method} {address} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    return lines.encode() + more + b"\r\n"


def hostile(private):
    """Yield requests of every kind that is refused, each with its status."""
    values = (private, "/etc/passwd", f"file://{private}", "http://localhost/page.css")
    values += ("..", "../other/private.wav", f"{private.parent}/../../link.wav")
    for value in values:  # a file is only what was sent, whatever it is called
        yield 422, post(form(value, FILE))
        yield 400, post(form(value, b"", "path"))
        field = f'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n{value}'
        yield 400, post(f"{field}\r\n--x--\r\n".encode())
        yield (
            415,
            post(json.dumps({"path": str(value)}).encode(), Content_Type="a/json"),
        )
        yield 422, post(form("a", FILE), f"/api/predict?path={value}&file={value}")
        yield 404, get(f"/{value}")
        yield 404, get(f"/example/{value}")
    yield 422, post(form("a\0b", FILE))
    yield 404, get("/example/%00")
    yield 404, get("/%2e%2e%2f%2e%2e%2fetc%2fpasswd")
    yield 404, post(form("a", FILE), "/gradio_api/upload")
    for address in ("/docs", "/redoc", "/openapi.json", "/static/", "/page.css/"):
        yield 404, get(address)
    yield 405, get(method="DELETE")
    yield 405, get("/page.css", method="POST")
    # No form of one file.
    yield 415, post(b"", Content_Type=None)
    yield 415, post(b"file=a", Content_Type="application/x-www-form-urlencoded")
    yield 400, post(b"", Content_Type="multipart/form-data")
    yield 400, post(b"--x--\r\n")
    yield 400, post(b"\0" * 999)
    yield 400, post(form("", b""))
    yield 422, post(form("a.wav", b""))
    yield 400, post(form("a", FILE)[:-7] + form("b", FILE))
    yield 400, post(form("a", FILE, "other"))
    yield 400, post(b"--x\r\nA: " + b"b" * 99_999)
    # Who asks, and for whom.
    yield 400, get().replace(b"Host", b"Guest")
    for host in ("evil.example", "localhost.evil", "127.0.0.1.", "a:b:c", "[::1", ""):
        yield 421, get(host=host)
        yield 421, post(form("a", FILE), Host=host)
    for origin in ("http://evil.example", "null", "http://localhost:1", "file://"):
        yield 403, post(form("a", FILE), Origin=origin)
        yield 403, get(more=f"Origin: {origin}\r\n".encode())
    # Sizes.
    yield 413, post(b"", length=limits.FILE_BYTES + 2 * limits.OTHER_BYTES)
    yield 413, post(b"", "/", "9" * 19)
    yield 400, post(b"", "/", "9" * 40)
    yield 413, post(b"{" * 65_537, "/api/other", Content_Type="application/json")
    yield 413, post(b"{}", "/example/disco", 150 << 20)
    chunked = b"Transfer-Encoding: chunked\r\n"
    chunks = b"fff0\r\n" + b"x" * 0xFFF0 + b"\r\n"
    yield 413, get("/page.js", more=chunked) + 2 * chunks
    yield 400, post(b"", length="-1")
    yield 413, get(more=b"A: " + b"b" * 60_000 + b"\r\nB: " + b"b" * 6_000 + b"\r\n")
    yield 400, b"\x16\x03\x01\0\r\n\r\n"


def test_every_hostile_request_is_refused(page, thorough):
    requests = list(hostile(page.temporary / "other" / "private.wav"))
    for number in range(10_000 if thorough else len(requests)):
        status, content = requests[number % len(requests)]
        assert raw(page.url, content) == status, content[:300]
    assert_untouched(page)
    assert httpx.get(page.url).status_code == 200


def test_no_answer_is_cut_from_a_file_of_another(page):
    """Neither what is said nor how tells whether a file exists."""
    private = page.temporary / "other" / "private.wav"
    there = ask(page.url, str(private), FILE).json()["error"]
    missing = ask(page.url, str(private.with_name("missing.wav")), FILE).json()["error"]
    assert there == missing.replace("missing.wav", "private.wav")
    assert str(page.temporary) not in there


def test_cut_off_uploads_leave_nothing(page, files, thorough):
    content = post(form("a.wav", (files / "disco.wav").read_bytes()))
    for number in range(500 if thorough else 50):
        stall(page.url, content[: len(content) * (number % 50) // 50 + 30]).close()
    assert_untouched(page)


def test_many_small_uploads_do_not_grow_memory(page, thorough):
    sizes = []
    for number in range(500 if thorough else 50):
        assert ask(page.url, "a", FILE).status_code == 422
        if number in (49, 499):
            sizes.append(resident(page.process))
    assert sizes[-1] <= 1.1 * sizes[0]
    assert_untouched(page)


def test_what_is_sent_beyond_the_limit_is_not_kept(page):
    response = ask(page.url, "a.wav", b"\0" * (limits.FILE_BYTES + 1), "/")
    assert response.status_code == 413
    assert sentence(response.text) == limits.TOO_LARGE
    chunks = (b"\0" * (1 << 20) for _ in range(500))
    form_type = {"content-type": "multipart/form-data; boundary=x"}
    response = httpx.post(
        f"{page.url}/api/predict", content=chunks, headers=form_type, timeout=60
    )
    assert response.status_code in (400, 413)
    assert_untouched(page)


def test_the_browser_is_told_to_load_nothing_from_elsewhere(page):
    for address in ("/", "/page.js", "/nowhere", "/api/nowhere"):
        headers = httpx.get(page.url + address).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"


def test_it_listens_to_this_computer_alone(page):
    connections = psutil.Process(page.process.pid).net_connections()
    listening = {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_stalled_connections_hinder_nobody(page, files):
    content = (files / "disco.wav").read_bytes()

    def seconds():
        started = time.perf_counter()
        assert ask(page.url, "a.wav", content).status_code == 200
        return time.perf_counter() - started

    usual = min(seconds() for _ in range(9))
    upload = post(form("a.wav", content))
    parts = (b"", b"GET / HT", upload[:100], upload[: len(upload) // 2])
    stalled = [stall(page.url, parts[n % 4]) for n in range(60)]
    assert min(seconds() for _ in range(9)) < 2 * usual
    for connection in stalled:
        connection.close()
    flood = [stall(page.url, b"GET") for _ in range(limits.CONNECTIONS + 100)]
    assert ask(page.url, "a.wav", content).status_code == 200
    for connection in flood:
        connection.close()
    assert_untouched(page)


def test_one_visitor_never_gets_anothers_answer(page, files, thorough):
    """Ten at a time upload, the very same file among them."""
    tracks = ["disco.wav", "classical.flac", "metal.ogg", "disco.png", "long.mp3"]
    contents = {track: (files / track).read_bytes() for track in tracks}
    alone = {t: ask(page.url, t, c).json()["percentages"] for t, c in contents.items()}

    def visit(track):
        return ask(page.url, track, contents[track]).json()

    asked = [tracks[n // 2 % 5] for n in range(200 if thorough else 20)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(visit, asked))
    assert [answer["file"] for answer in answers] == asked
    for track, answer in zip(asked, answers, strict=True):
        assert answer["percentages"] == pytest.approx(alone[track], abs=1e-5)
    assert alone["disco.wav"] == pytest.approx(alone["disco.png"], abs=1e-5)
    assert_untouched(page)


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """The page with narrow limits: seconds, a queue of one, files of 9 MB at most."""
    folder = tmp_path_factory.mktemp("strict")
    command = changed(
        limits_SILENT_SECONDS=1,
        limits_REQUEST_SECONDS=4,
        workers_SECONDS=3,
        workers_AT_ONCE=1,
        workers_WAITING=1,
        workers_MEMORY_BYTES=900_000_000,
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


def received(connection):
    try:
        return connection.recv(999)
    except TimeoutError:
        return b""


def test_slow_uploads_are_ended(strict):
    for part in (b"GET / HT", post(form("a.wav", b"\0" * 999))[:300]):
        connection = stall(strict.url, part)
        started = time.monotonic()
        connection.settimeout(0.3)
        while not (answer := received(connection)):
            connection.sendall(b"x")
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert 3 < time.monotonic() - started < 7
    assert_untouched(strict)


def clicks(minutes, channels=1, rate=SAMPLE_RATE):
    """Return a FLAC file of clicks: long, and few bytes."""
    y, file = np.zeros((minutes * 60 * rate, channels), np.int16), io.BytesIO()
    y[::20_000] = 9_999
    soundfile.write(file, y, rate, format="FLAC")
    return file.getvalue()


def test_a_track_that_needs_too_much_ends_its_process(strict, files):
    good = (files / "disco.wav").read_bytes()
    response = ask(strict.url, "slow.flac", clicks(29))
    assert response.status_code == 422
    assert "takes too long" in response.json()["error"]
    assert ask(strict.url, "disco.wav", good).status_code == 200
    assert_untouched(strict)


def test_a_small_file_of_many_samples_is_refused_at_once(page):
    silence, file = np.zeros((600_000, 8), np.int16), io.BytesIO()
    with soundfile.SoundFile(file, "w", 600_000, 8, format="FLAC") as sound:
        for _ in range(75):
            sound.write(silence)
    assert file.tell() < 1_000_000
    started = time.monotonic()
    response = ask(page.url, "bomb.flac", file.getvalue())
    assert response.status_code == 422
    assert "holds too much, 8 channels" in response.json()["error"]
    assert time.monotonic() - started < 2


@pytest.fixture
def tab(browser, page):
    """The page in a browser, which has asked nothing of anybody else at the end."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab, asked, faults = context.new_page(), [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: faults.append(error))
    tab.on("console", lambda message: faults.append(message.text))
    tab.goto(page.url)
    tab.get_by_text("The answer appears here.").wait_for()
    yield tab
    context.close()
    assert [u for u in asked if not u.startswith((page.url, "data:", "blob:"))] == []
    assert [f for f in faults if "the server responded with" not in str(f)] == []


def upload(tab, path):
    """Upload a file as a person would, and return the text of the answer."""
    tab.locator("#file").set_input_files(path)
    return new_answer(tab)


def new_answer(tab):
    """Return the text of the answer, once it is there."""
    tab.locator("#progress").wait_for(state="hidden", timeout=60_000)
    return tab.inner_text("#answer").replace("\N{NO-BREAK SPACE}", " ")


def test_an_upload_shows_what_predict_says(tab, page, files, capsys):
    text = upload(tab, files / "disco.wav")
    answer = predicted(files / "disco.wav", capsys)
    expected = answer["percentages"]
    shown = {
        line.inner_text().split()[0]: float(line.locator("data").get_attribute("value"))
        for line in tab.locator("#answer .bars li").all()
    }
    assert shown == pytest.approx(expected, abs=5e-5)
    assert list(shown) == sorted(expected, key=expected.get, reverse=True)
    assert text.startswith(f"{answer['answer'].capitalize()}\n")
    assert answer["worth"] in text
    assert "disco.wav, 0:30 min, WAV, 22,050 Hz, 1 channel" in text
    assert len(tab.locator("#answer .similar li").all()) == 5
    assert "Genre over time" not in text
    duration = "document.querySelector('#player audio').duration"
    tab.wait_for_function(f"{duration} > 0")
    assert tab.evaluate(duration) == pytest.approx(30)
    assert_untouched(page)


def test_a_long_track_is_shown_over_time(tab, files):
    text = upload(tab, files / "long.mp3")
    assert "Genre over time" in text
    assert "in 3 windows of 30 s" in text
    assert len(tab.locator("#answer .time rect").all()) == 30


def test_after_a_bad_file_the_page_goes_on(tab, files):
    text = upload(tab, files / "notes.mp3")
    alert = tab.get_by_role("alert").inner_text()
    assert alert.startswith("The file notes.mp3 cannot be decoded")
    assert text.strip() == alert
    assert "%" in upload(tab, files / "classical.flac")


def test_a_recording_is_answered(tab):
    tab.get_by_role("button", name="Record").click()
    tab.wait_for_timeout(2000)
    tab.get_by_role("button", name="Stop").click()
    tab.locator("#answer h2").wait_for(timeout=30_000)
    assert "recording.wav, 0:02 min, WAV, 44,100 Hz, 1 channel" in new_answer(tab)


def test_an_example_is_said_to_be_synthetic(tab):
    tab.get_by_role("link", name="metal").click()
    assert "A synthetic clip made by this project's code" in new_answer(tab)
    assert tab.locator("#answer audio").get_attribute("src").startswith("data:audio")


def test_a_dropped_file_is_answered(tab, files):
    content = base64.b64encode((files / "metal.ogg").read_bytes()).decode()
    drop = """content => {
        const bytes = Uint8Array.from(atob(content), c => c.charCodeAt());
        const given = new DataTransfer();
        given.items.add(new File([bytes], "dropped.ogg"));
        const options = { dataTransfer: given, bubbles: true, cancelable: true };
        document.querySelector(".drop").dispatchEvent(new DragEvent("drop", options));
    }"""
    tab.evaluate(drop, content)
    assert "dropped.ogg, 0:30 min, OGG" in new_answer(tab)


def test_the_keyboard_is_enough(tab, files):
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") == "file"
    with tab.expect_file_chooser() as chooser:
        tab.keyboard.press("Space")
    chooser.value.set_files(files / "disco.wav")
    new_answer(tab)
    assert tab.evaluate("document.activeElement.tagName") == "H2"


@pytest.mark.parametrize("width", [400, 1200])
def test_everything_fits_the_screen(tab, files, width):
    tab.set_viewport_size({"width": width, "height": 844})
    upload(tab, files / "long.mp3")
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    for part in (".bars", "div.time", "img", "#player audio", "h2"):
        box = tab.locator(f"#answer {part}").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    assert "What it is not good for" in tab.inner_text("#model")


def test_two_visitors_at_once_get_their_own_answers(browser, page, files):
    tracks = ("disco.wav", "metal.ogg")
    tabs = [browser.new_context().new_page() for _ in tracks]
    for tab, track in zip(tabs, tracks, strict=True):
        tab.goto(page.url)
        tab.locator("#file").set_input_files(files / track)
    for tab, track in zip(tabs, tracks, strict=True):
        tab.locator("#answer h2").wait_for(timeout=30_000)
        assert shown_name(tab.content()) == track
        tab.context.close()


def test_a_plain_form_does_without_script(browser, page, files):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(page.url)
    tab.locator("#file").set_input_files(files / "disco.wav")
    tab.get_by_role("button", name="Name its genre").click()
    tab.locator("#answer h2").wait_for(timeout=30_000)
    assert "disco.wav, 0:30 min" in tab.inner_text("#answer")
    tab.get_by_role("link", name="reggae").click()
    tab.get_by_text("It is not music.").wait_for(timeout=30_000)
    tab.locator("#file").set_input_files(files / "notes.mp3")
    tab.get_by_role("button", name="Name its genre").click()
    tab.get_by_role("alert").wait_for(timeout=30_000)
    context.close()


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """One second of sound in every format, and a picture: what is damaged below."""
    folder, y = tmp_path_factory.mktemp("originals"), sample.synthesise("rock", 0)
    for suffix in ("wav", "flac", "ogg", "mp3", "au"):
        soundfile.write(folder / f"a.{suffix}", y[:SAMPLE_RATE], SAMPLE_RATE)
    Image.fromarray(spectrogram.render(y)).save(folder / "a.png")
    if shutil.which("ffmpeg"):
        command = ["ffmpeg", "-v", "error", "-i", folder / "a.wav"]
        subprocess.run([*command, folder / "a.m4a"], check=True)
    return [path.read_bytes() for path in sorted(folder.iterdir())]


places = st.one_of(st.floats(0, 0.999), st.floats(0, 0.01))  # the header, every other
damages = st.one_of(
    st.tuples(st.just("cut"), places),
    st.tuples(st.just("write"), places, st.binary(min_size=1, max_size=8)),
    st.tuples(st.just("write"), places, st.sampled_from([b"\0" * 4, b"\xff" * 4])),
    st.tuples(st.just("insert"), places, st.binary(min_size=1, max_size=2000)),
    st.tuples(st.just("repeat"), places, places),
    st.tuples(st.just("join"), places, st.integers(0, 6)),
)
suffixes = st.sampled_from(
    ["", ".wav", ".mp3", ".m4a", ".PNG", ".png", ".raw", ".m3u8"]
)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=300)


def damaged(content, damage, originals):
    kind, place, *rest = damage
    at = int(place * len(content))
    if kind == "cut":
        return content[:at]
    if kind == "write":
        return content[:at] + rest[0] + content[at + len(rest[0]) :]
    if kind == "insert":
        return content[:at] + rest[0] + content[at:]
    if kind == "repeat":
        return content[:at] + content[int(rest[0] * len(content)) :]
    return content[:at] + originals[rest[0] % len(originals)][at:]


def test_damaged_and_hostile_files_get_a_sentence_or_an_answer(
    page, originals, thorough
):
    outcomes = {"answers": 0, "sentences": 0}

    @settings(
        max_examples=200 if thorough else 20,
        derandomize=True,
        database=None,
    )
    @given(
        st.integers(0, 6), st.lists(damages, min_size=1, max_size=3), names, suffixes
    )
    def check(original, damage, name, suffix):
        content = originals[original % len(originals)]
        for one in damage:
            content = damaged(content, one, originals)
        started = time.perf_counter()
        response = ask(page.url, name + suffix, content, "/")
        assert time.perf_counter() - started < 20
        if response.status_code == 200:
            outcomes["answers"] += 1
            assert sum(shares(response.text).values()) == pytest.approx(1, abs=1e-4)
        else:
            assert response.status_code == 422
            outcomes["sentences"] += 1
            text = sentence(response.text)
            assert re.fullmatch(r"\S.+\.", text)
            assert str(page.temporary) not in text

    check()
    assert_untouched(page)
    assert min(outcomes.values()) > 0
