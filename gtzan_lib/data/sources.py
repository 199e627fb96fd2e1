"""Opening a data set by the parameter ``data`` of every notebook.

Apart from ``gtzan``, so that results do not depend on the code of the sample.
"""

from pathlib import Path

from gtzan_lib import store
from gtzan_lib.data.gtzan import PUBLISHED, SYNTHETIC, Dataset, find_layout, open_folder
from gtzan_lib.errors import DataError
from gtzan_lib.fingerprint import fingerprint

KAGGLE = "andradaolteanu/gtzan-dataset-music-genre-classification"
KAGGLE_INPUT = Path("/kaggle/input")  # where Kaggle's notebooks have their data sets


def open_dataset(source: str | Path) -> Dataset:
    """Open the pictures of ``"sample"``, ``"kaggle"``, or a folder in its layout.

    ``DataError`` as ``gtzan.open_folder``, or if ``"kaggle"`` is not as published.
    """
    dataset = open_folder(find_layout(folder_of(source)))
    if source == "kaggle" and dataset.name != PUBLISHED:
        raise DataError(
            f"the copy in {dataset.folder} is not the published one; see what "
            f"differs with: python -m gtzan_lib verify {dataset.folder}"
        )
    return dataset


def folder_of(source: str | Path) -> str | Path:
    """Return the folder of a ``source``; the sample is made, Kaggle's downloaded."""
    words = {"sample": _sample_folder, "kaggle": _kaggle_folder}
    return words[source]() if source in words else source


def _sample_folder() -> Path:
    from gtzan_lib.data.synthetic import TABLES, make_sample

    key = {"data": SYNTHETIC, "code_sha256": fingerprint("data.synthetic")}
    key["files_sha256"] = {TABLES.name: store.sha256(TABLES)}
    return store.seal(store.runs_folder() / "sample", key, make_sample)


def _kaggle_folder() -> str | Path:
    name = KAGGLE.rpartition("/")[2]
    for place in (KAGGLE_INPUT / "datasets" / KAGGLE, KAGGLE_INPUT / name):
        if place.is_dir():
            return place
    import kagglehub

    try:
        return kagglehub.dataset_download(KAGGLE)
    except Exception as error:  # of many libraries
        reason = str(error).strip().split("\n")[0] or type(error).__name__
        raise DataError(
            f"Kaggle's edition of GTZAN cannot be downloaded ({reason}): connect to "
            "the network, or give the folder of a copy in place of kaggle"
        ) from None
