"""Reading CSV tables: those that people wrote, and those that come with the project."""

import warnings
from pathlib import Path

import pandas as pd

from gtzan_lib import store
from gtzan_lib.errors import DataError


def read_table(
    path: Path, columns: tuple[str, ...], sha256: str | None = None
) -> pd.DataFrame:
    """Return some columns of a CSV file as text.

    ``DataError`` if it cannot be read, or has another sum than is published (``sha256``
    of a table that results know by its name alone).
    """
    if not path.is_file():
        raise DataError(f"the table {path} cannot be read: there is no such file")
    if sha256 and store.sha256(path) != sha256:
        raise DataError(f"{path} is not the published table: restore the file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # too long a row
            table = pd.read_csv(
                path,
                dtype=str,
                na_filter=False,
                index_col=False,
                encoding="utf-8-sig",
                compression=None,  # by its name: it may be small and endless
            )
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise DataError(f"the table {path} cannot be read: {error}") from error
    if lacking := [name for name in columns if name not in table]:
        raise DataError(f"the table {path} lacks the column {lacking[0]}")
    return table[list(columns)]
