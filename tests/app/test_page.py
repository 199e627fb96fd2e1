"""The page in a browser: what it says is what ``gtzan predict`` says."""

import base64
import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from visitor import assert_untouched, predicted

from gtzan_lib import store
from gtzan_lib.app import browser as files_of_page
from gtzan_lib.app import classifier, words
from gtzan_lib.data import synthetic as sample
from gtzan_lib.data.audio import SAMPLE_RATE
from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError, UserError

pytestmark = pytest.mark.slow

KEPT = store.runs_folder()  # not a test's own


@pytest.fixture(scope="session")
def runtime():
    """Whether onnxruntime-web can be had, without which these tests are skipped."""
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GTZAN_RUNS", str(KEPT))
            return files_of_page.runtime()
    except UserError as error:
        pytest.skip(str(error))


def opened(browser, url, without=False):
    """Yield a page in a browser, which has asked nothing of anybody else at the end."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    if without:
        context.route("**/ort.mjs", lambda route: route.abort())
    tab, asked, faults = context.new_page(), [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: faults.append(error))
    tab.on("console", lambda message: faults.append(message.text))
    tab.goto(url)
    said = "The program that serves this page names songs" if without else "Ready."
    tab.get_by_text(said).wait_for(timeout=120_000)
    yield tab
    context.close()
    ours = (url.rpartition("/")[0], "data:", "blob:")
    assert [address for address in asked if not address.startswith(ours)] == []
    usual = ("the server responded with", "net::ERR_FAILED")
    assert [f for f in faults if not any(each in str(f) for each in usual)] == []


@pytest.fixture
def tab(browser, runtime, page):
    """The page of ``gtzan app``."""
    yield from opened(browser, f"{page.url}/")


@pytest.fixture
def tab_without(browser, page):
    """The same where the browser cannot run the network."""
    yield from opened(browser, f"{page.url}/", without=True)


@pytest.fixture(scope="module")
def site(runtime, tmp_path_factory):
    """The address of the page's static files on a plain web server."""
    folder = tmp_path_factory.mktemp("site")
    files_of_page.write(folder)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = partial(Quiet, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/song.html"
        server.shutdown()


@pytest.fixture
def static(browser, site):
    """The page of static files."""
    yield from opened(browser, site)


def choose(tab, path):
    """Choose a file as a person would, and return the text of the answer."""
    tab.locator("#file").set_input_files(path)
    return new_answer(tab)


def new_answer(tab):
    """Return the text of the answer, once it is there."""
    tab.locator("#progress").wait_for(state="hidden", timeout=120_000)
    return tab.inner_text("#answer").replace("\N{NO-BREAK SPACE}", " ")


def numbers(tab):
    """Return what the page gives as JSON of the answer that it shows."""
    with tab.expect_download() as download:
        tab.get_by_role("link", name="All numbers").click()
    return json.loads(Path(download.value.path()).read_text("utf-8"))


def write_odd(folder):
    """Write made-up songs of odd kinds; return their paths."""
    y = {genre: sample.synthesise(genre, 0) for genre in ("disco", "jazz")}
    high = soxr.resample(y["disco"], SAMPLE_RATE, 48_000)
    wide = np.stack([high, -high], axis=1)  # channels that cancel each other
    gap = np.concatenate([y["disco"], 0 * y["disco"], y["jazz"]])
    rate, short = SAMPLE_RATE, y["jazz"][: 2 * SAMPLE_RATE]
    soundfile.write(folder / "wide.wav", wide, 48_000, "PCM_24")
    soundfile.write(folder / "gap.wav", gap, rate, "FLOAT")
    soundfile.write(folder / "short.wav", short, rate, "PCM_U8")
    soundfile.write(folder / "wavex.wav", y["jazz"], rate, "PCM_16", format="WAVEX")
    soundfile.write(folder / "low.flac", y["jazz"][::2], 11_025)
    soundfile.write(folder / "stereo.mp3", wide[:, [0, 0]], 48_000)
    content = (folder / "wavex.wav").read_bytes()
    (folder / "cut.wav").write_bytes(content[: len(content) // 2])
    return sorted(folder.iterdir())


def test_without_a_network_it_says_what_predict_says(static, files, tmp_path, capsys):
    static.context.set_offline(True)
    paths = write_odd(tmp_path)
    for name in ("disco.wav", "classical.flac", "metal.ogg", "long.mp3"):
        paths.append(files / name)
    genres = set()
    for path in paths:
        choose(static, path)
        found, expected = numbers(static), predicted(path, capsys)
        loss = 0.1 if path.suffix in (".wav", ".flac") else 1  # points
        assert found.pop("file") == path.name
        assert found.pop("picture")
        same = ("genre", "answer", "worth", "warnings", "described", "learned", "top2")
        if loss == 1:  # their rounded percentages may differ
            same = ("genre", "warnings", "described", "learned")
        assert {k: found[k] for k in same} == {k: expected[k] for k in same}
        assert found.keys() == expected.keys() - {"file"}
        assert found["percentages"] == pytest.approx(expected["percentages"], abs=loss)
        assert len(found["windows"]) == len(expected["windows"])
        for ours, theirs in zip(found["windows"], expected["windows"], strict=True):
            assert ours["start"] == pytest.approx(theirs["start"], abs=0.1)
            assert ours["percentages"] == pytest.approx(theirs["percentages"], abs=loss)
        ours, theirs = (
            {other["track"]: other["similarity"] for other in each["similar"]}
            for each in (found, expected)
        )
        assert ours == pytest.approx(theirs, abs=0.01)
        genres.add(found["genre"])
    assert len(genres) > 2
    assert None in genres


def test_what_cannot_be_named_gets_predict_s_sentence(static, tmp_path):
    y = sample.synthesise("disco", 0)
    y[9] = np.nan
    songs = {
        "nan.wav": (y, "FLOAT"),
        "none.wav": (y[:0], "PCM_16"),
        "blink.wav": (y[:999], "PCM_16"),
        "silent.wav": (0 * y[10:], "PCM_16"),
        "hour.wav": (np.zeros(3600 * 8000), "PCM_16"),
    }
    for name, (samples, kind) in songs.items():
        rate = 8000 if name == "hour.wav" else SAMPLE_RATE
        soundfile.write(tmp_path / name, samples, rate, kind)
        with pytest.raises(DataError) as error:
            classifier.shipped_classifier().predict_file(tmp_path / name)
        assert choose(static, tmp_path / name) == (
            str(error.value).replace(f"{tmp_path}/", "")
        )


@pytest.mark.parametrize("which", ["tab", "tab_without"])
def test_a_song_shows_what_predict_says(request, which, page, files, capsys):
    tab = request.getfixturevalue(which)
    text = choose(tab, files / "disco.wav")
    answer = predicted(files / "disco.wav", capsys)
    assert answer["genre"] is not None
    expected = answer["percentages"]
    shown = {
        line.inner_text().split()[0]: float(line.locator("data").get_attribute("value"))
        for line in tab.locator("#answer .bars li").all()
    }
    assert shown == pytest.approx(expected, abs=0.1)
    assert list(shown) == sorted(expected, key=expected.get, reverse=True)
    assert text.startswith(f"{answer['answer'].capitalize()}\n")
    assert answer["worth"] in text
    assert "disco.wav, 0:30 min, WAV, 22,050 Hz, 1 channel" in text
    for other in answer["similar"]:
        said = f"{other['genre']}, {other['in_words']} {other['track']}"
        assert said in text
    assert "Genre over time" not in text
    duration = "document.querySelector('#player audio').duration"
    tab.wait_for_function(f"{duration} > 0")
    assert tab.evaluate(duration) == pytest.approx(30)
    assert_untouched(page)


@pytest.mark.parametrize("which", ["tab", "tab_without"])
def test_after_a_bad_file_the_page_goes_on(request, page, which, files):
    """A file that the browser cannot decode goes to the program."""
    tab = request.getfixturevalue(which)
    text = choose(tab, files / "notes.mp3")
    alert = tab.get_by_role("alert").inner_text()
    assert alert.startswith("The file notes.mp3 cannot be decoded")
    assert text.strip() == alert
    assert "%" in choose(tab, files / "classical.flac")


def test_however_a_song_is_given_it_is_answered(tab, files, tmp_path):
    def said(words):
        tab.get_by_text(words).first.wait_for(timeout=60_000)

    soundfile.write(tmp_path / "a.aiff", sample.synthesise("disco", 0), SAMPLE_RATE)
    assert "a.aiff, 0:30 min, AIFF" in choose(tab, tmp_path / "a.aiff")  # the program
    text = choose(tab, files / "metal.ogg")
    assert text.startswith("This does not sound like any of the ten genres\n")
    assert "%" not in text
    assert tab.locator("#answer .bars").count() == 0
    assert "in 3 windows of 30 s" in choose(tab, files / "long.mp3")
    assert len(tab.locator("#answer .cells i").all()) == 30
    tab.get_by_role("button", name="metal").click()
    said("A synthetic clip made by this project's code")
    content = base64.b64encode((files / "metal.ogg").read_bytes()).decode()
    tab.evaluate(DROP, content)
    said("dropped.ogg, 0:30 min, OGG")
    tab.get_by_role("button", name="Record").click()
    tab.wait_for_timeout(2000)
    tab.get_by_role("button", name="Stop").click()
    said("recording.wav, 0:02 min, WAV, 44,100 Hz, 1 channel")


DROP = """content => {
    const bytes = Uint8Array.from(atob(content), c => c.charCodeAt());
    const given = new DataTransfer();
    given.items.add(new File([bytes], "dropped.ogg"));
    const options = { dataTransfer: given, bubbles: true, cancelable: true };
    document.querySelector(".drop").dispatchEvent(new DragEvent("drop", options));
}"""


def test_the_last_song_that_was_chosen_is_answered(tab, files):
    tab.locator("#file").set_input_files(files / "long.mp3")
    assert "disco.wav" in choose(tab, files / "disco.wav")
    tab.locator("#file").set_input_files(files / "long.mp3")
    tab.get_by_role("button", name="Cancel").click()
    assert "disco.wav" in new_answer(tab)
    assert "classical.flac" in choose(tab, files / "classical.flac")


def test_the_keyboard_is_enough(tab, files):
    choosers = []  # heard from the start: a busy browser may open one late
    tab.on("filechooser", lambda chooser: choosers.append(chooser))
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.id") == "file"
    for tenths in range(900):
        if choosers:
            break
        if tenths % 200 == 0:  # a busy browser may miss a press
            tab.keyboard.press("Space")
        tab.wait_for_timeout(100)
    choosers[0].set_files(files / "disco.wav")
    new_answer(tab)
    assert tab.evaluate("document.activeElement.tagName") == "H2"


def test_everything_fits_the_screen_and_keeps_nobody_out(tab, files, barriers):
    assert barriers(tab) == []
    choose(tab, files / "long.mp3")
    for width in (400, 1200):
        tab.set_viewport_size({"width": width, "height": 844})
        assert tab.evaluate("document.documentElement.scrollWidth") == width
        for part in (".bars", "div.time", "img", "#player audio", "h2"):
            box = tab.locator(f"#answer {part}").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
    assert "What it is not good for" in tab.inner_text("#model")
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        assert barriers(tab) == []


@pytest.fixture
def of_worker(static):
    """Call a function of worker.js, with what it knows as ``known``."""
    static.evaluate("""async () => {
        window.worker = await import(new URL("worker.js", location));
        window.known = await (await fetch("known.json")).json();
    }""")
    return lambda code, values=None: static.evaluate(
        f"values => {{ const {{ known, worker }} = window; return {code}; }}", values
    )


def test_sentences_are_those_of_words(of_worker):
    facts = classifier.shipped_classifier().facts
    shares = st.lists(st.floats(0, 1), min_size=10, max_size=10).map(
        lambda p: (np.array(p) ** 4 + 1e-3) / (np.array(p) ** 4 + 1e-3).sum()
    )

    @settings(max_examples=200, derandomize=True, database=None, deadline=None)
    @given(shares, st.floats(0.1, 1800), st.integers(0, 3), st.booleans())
    def check(p, seconds, silent, is_damaged):
        track = {"seconds": seconds, "sample_rate": 44_100, "channels": 1 + silent}
        track |= {"format": "MP3", "is_damaged": is_damaged}
        learned = "rock.00001" if is_damaged else None
        values = [p.tolist(), track, learned, silent]
        said, minded = of_worker(
            "[worker.saying(known, values[0], values[1]), "
            "worker.warnings(known, values[1], values[2], values[3], 9)]",
            values,
        )
        answer = words.answer(dict(zip(GENRES, (100 * p).tolist(), strict=True)))
        assert said["answer"] == answer
        assert said["worth"] == words.worth(facts, p.max(), track)
        assert minded == words.warnings(track, learned, silent, 9)
        assert said["described"].startswith(classifier.clock(seconds) + " min, MP3")

    check()
