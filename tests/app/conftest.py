"""The running page, and tracks to upload to it."""

from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from visitor import (
    served,
    temporary,
    tree,
)

from gtzan_lib.data import synthetic as sample
from gtzan_lib.data.audio import SAMPLE_RATE


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Synthetic tracks to upload: 30 s, 95 s, and no music at all."""
    folder = tmp_path_factory.mktemp("files")
    clips = [sample.synthesise(genre, 0) for genre in ("disco", "classical", "metal")]
    soundfile.write(folder / "disco.wav", clips[0], SAMPLE_RATE)
    soundfile.write(folder / "classical.flac", clips[1], SAMPLE_RATE)
    soundfile.write(folder / "metal.ogg", clips[2], SAMPLE_RATE)
    soundfile.write(folder / "long.mp3", np.concatenate(clips), SAMPLE_RATE)
    soundfile.write(folder / "hour.flac", np.tile(clips[0], 60), SAMPLE_RATE)
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
