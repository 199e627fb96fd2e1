"""Errors that are put into the notebooks' cells on purpose: each must be noticed.

A notebook's cells run once, in order, on a small data set. At a cell that a mutation
changes, the process forks: the child runs the changed cell and those that follow, and
must meet an assert. So no training is repeated, and no error reaches another.
"""

import os
import sys
import tomllib
from pathlib import Path

import pytest
from test_notebooks import code_cells

from gtzan_lib import store
from gtzan_lib.data.sources import open_dataset

pytestmark = pytest.mark.slow

FOLLOWING = 12  # cells that a changed one may be noticed in
QUICK = ("01_pack", "02_pool_mse")  # of the normal run; GTZAN_THOROUGH=1 has all
BY_NOTEBOOK = tomllib.loads(
    Path(__file__).with_name("mutations.toml").read_text("utf-8")
)


def sources(notebook):
    path = store.PROJECT / "notebooks" / f"{notebook}.ipynb"
    return [cell.source for cell in code_cells(path)]


def run(source, notebook, namespace):
    exec(compile(source, notebook, "exec"), namespace)


def is_noticed(changed, notebook, namespace):
    """Tell whether one of some cells meets an assert; run them in a child process."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status) == 1
    code = 0
    try:
        for source in changed:
            run(source, notebook, namespace)
    except AssertionError:
        code = 1
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        code = 2  # an error of another kind: the mutation is no good
    finally:
        os._exit(code)


def test_each_finds_its_text_once():
    for notebook, changes in BY_NOTEBOOK.items():
        text = "\n".join(sources(notebook))
        assert all(text.count(old) == 1 and old != new for old, new in changes)


@pytest.mark.parametrize("notebook", BY_NOTEBOOK)
def test_every_mutation_meets_an_assert(
    notebook, fifteen_source, thorough, monkeypatch
):
    if notebook not in QUICK and not thorough:
        pytest.skip("set GTZAN_THOROUGH to 1 to change this notebook, too")
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    torch.set_num_threads(1)  # a child has no threads of its parent
    cells, unnoticed = sources(notebook), []
    open_dataset(fifteen_source)
    given = {"data": str(fifteen_source), "epochs": 12}
    namespace = {"display": lambda *shown: None, "__name__": "notebook"}  # IPython's
    last = max(
        i for old, _ in BY_NOTEBOOK[notebook] for i, c in enumerate(cells) if old in c
    )
    for i, source in enumerate(cells[: last + 1]):
        for old, new in BY_NOTEBOOK[notebook]:
            if old in source:
                changed = [source.replace(old, new), *cells[i + 1 : i + FOLLOWING]]
                if not is_noticed(changed, notebook, namespace):
                    unnoticed.append((old, new))
        run(source, notebook, namespace)
        if i == 0:  # the parameters
            namespace |= {k: v for k, v in given.items() if k in namespace}
    assert not unnoticed
