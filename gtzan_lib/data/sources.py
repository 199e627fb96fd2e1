"""Opening a data set by the parameter ``data`` of every notebook.

Apart from ``gtzan``, so that results do not depend on the code of the sample.
"""

from pathlib import Path

from gtzan_lib import store
from gtzan_lib.data.gtzan import (
    PUBLISHED,
    SYNTHETIC,
    Dataset,
    find_layout,
    open_folder,
)
from gtzan_lib.errors import DataError
from gtzan_lib.fingerprint import fingerprint

KAGGLE = "andradaolteanu/gtzan-dataset-music-genre-classification"


def open_dataset(source: str | Path) -> Dataset:
    """Open the pictures of a data set.

    Parameters
    ----------
    source : str or Path
        ``"sample"`` for the embedded synthetic sample (made when it is missing),
        ``"kaggle"`` to download the Kaggle edition of GTZAN, or the path of a folder
        in that layout: its root, ``Data`` or ``images_original``.

    Raises
    ------
    DataError
        If the folder is not in the Kaggle layout, holds anything but the pictures of
        the ten genres, or is called published without being it.
    """
    if source == "sample":
        return open_folder(_sample_folder())
    if source == "kaggle":
        return _open_kaggle()
    return open_folder(find_layout(source))


def _sample_folder() -> Path:
    from gtzan_lib.data.synthetic import make_sample

    key = {"data": SYNTHETIC, "code_sha256": fingerprint("data.synthetic")}
    return store.seal(store.runs_folder() / "sample", key, make_sample)


def _open_kaggle() -> Dataset:
    import kagglehub

    dataset = open_folder(find_layout(kagglehub.dataset_download(KAGGLE)))
    if dataset.name != PUBLISHED:
        raise DataError(
            f"the download in {dataset.folder} is not the published one; see what "
            f"differs with: python -m gtzan_lib verify {dataset.folder}"
        )
    return dataset
