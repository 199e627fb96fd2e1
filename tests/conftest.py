"""What the tests share: a tiny data set, a runs folder of its own, and real GTZAN."""

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

from gtzan_lib.data import pictures as spectrogram
from gtzan_lib.data.genres import GENRES
from gtzan_lib.data.sources import open_dataset

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-quic")
MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


def pytest_configure(config):
    """Give every worker its own cache of what numba compiles, which librosa uses.

    Two that fill one cache at once may crash (numba, issue 10128).
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    has_cache = config.pluginmanager.hasplugin("cacheprovider")
    folder = config.cache.mkdir(f"numba-{worker}") if has_cache else mkdtemp()
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def pytest_collection_modifyitems(items):
    """Mark what opens a browser as slow."""
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("slow")


settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def runs_folder(tmp_path, monkeypatch):
    """Give every test a runs folder of its own."""
    monkeypatch.setenv("GTZAN_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def write_tiny(folder: Path, pictures_per_genre: int = 3) -> Path:
    """Write pictures of GTZAN's kind, each genre with a pattern of its own."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices(spectrogram.PLOT_SHAPE)
    for k, genre in enumerate(GENRES):
        path = folder / "images_original" / genre
        path.mkdir(parents=True)
        for i in range(pictures_per_genre):
            wave = np.sin(rows / (3 + k) + rng.uniform(0, 6)) + np.sin(
                columns / (20 - k)
            )
            noisy = 128 + 50 * wave + rng.normal(0, 10, wave.shape)
            indices = noisy.clip(0, 255).astype(np.uint8)
            picture = Image.fromarray(spectrogram.draw(indices)).convert("RGBA")
            picture.save(path / f"{genre}{i:05d}.png", compress_level=1)
    return folder


@pytest.fixture(scope="session")
def tiny_source(tmp_path_factory):
    """The template of the tiny data set; tests that change files take ``tiny``."""
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def tiny(tiny_source):
    """A data set of 30 small-file pictures, three a genre."""
    return open_dataset(tiny_source)


@pytest.fixture(scope="session")
def five_source(tmp_path_factory):
    """The folder of a data set of five pictures a genre, for splits in three."""
    return write_tiny(tmp_path_factory.mktemp("five"), 5)


@pytest.fixture(scope="session")
def fifteen_source(tmp_path_factory):
    """The folder of a data set of fifteen pictures a genre: two batches train."""
    return write_tiny(tmp_path_factory.mktemp("fifteen"), 15)


@pytest.fixture
def five(five_source):
    """A data set of 50 pictures, five a genre."""
    return open_dataset(five_source)


@pytest.fixture(scope="session")
def thorough():
    """Whether to try all that there is, not a tenth of it: set GTZAN_THOROUGH to 1."""
    return bool(os.environ.get("GTZAN_THOROUGH"))


@pytest.fixture(scope="session")
def gtzan():
    """The folder of real GTZAN; tests that need it are skipped without GTZAN_DIR."""
    if not os.environ.get("GTZAN_DIR"):
        pytest.skip("needs real GTZAN: set GTZAN_DIR to its folder")
    return Path(os.environ["GTZAN_DIR"])


@pytest.fixture(scope="module")
def browser():
    """A browser without a window; tests that need it are skipped without Chromium."""
    if CHROMIUM is None:
        pytest.skip("needs the browser chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, *MICROPHONE]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def barriers():
    """What finds, on the page of a tab, what axe-core says keeps people out.

    Folded parts are opened. Found are rules that do not hold, each with a place.
    """
    from axe_playwright_python.sync_playwright import Axe

    def find(tab):
        tab.evaluate("for (const d of document.querySelectorAll('details')) d.open = 1")
        rules = Axe().run(tab).response["violations"]
        return [(rule["id"], rule["nodes"][0]["html"]) for rule in rules]

    return find
