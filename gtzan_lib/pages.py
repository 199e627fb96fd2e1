"""Pages: what the executed notebooks need to be read as HTML.

Used by the pipeline: ``python -m gtzan_lib.pages MAIN_RUN PAGE ...``.
"""

import re
import sys
from pathlib import Path


def link_pages(page: str, main_run: str) -> str:
    """Return a page whose links to notebooks lead to the pages made of them.

    Parameters
    ----------
    page : str
        HTML as nbconvert writes it.
    main_run : str
        The run whose page stands for notebook 3, which has a page for every run.
    """
    page = page.replace(
        'href="03_train_cnn.ipynb"', f'href="03_train_cnn-{main_run}.html"'
    )
    return re.sub(r'href="(\d\d_\w+)\.ipynb"', r'href="\1.html"', page)


if __name__ == "__main__":
    for path in map(Path, sys.argv[2:]):
        linked = link_pages(path.read_text(encoding="utf-8"), sys.argv[1])
        path.write_text(linked, encoding="utf-8")
