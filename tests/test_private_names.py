"""The package uses other libraries by their public interface alone."""

import ast
import importlib
import inspect
import pkgutil
import re

import pytest

import gtzan_lib
from gtzan_lib.store import PROJECT

MODULES = [
    module.name
    for module in pkgutil.walk_packages(gtzan_lib.__path__, "gtzan_lib.")
    if not module.ispkg and module.name != "gtzan_lib.__main__"
]


def is_private(name):
    return name.startswith("_") and not name.endswith("__")


def imported(tree):
    """Return the names of a module that other libraries gave it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            origin = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for path, alias in zip(origin, node.names, strict=True):
            if not path.startswith("gtzan_lib"):
                yield path, alias.asname or alias.name.split(".")[0]


def root(node):
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def faults(source):
    """Return what a module does to the private, or to any, names of others."""
    tree = ast.parse(source)
    theirs = list(imported(tree))
    faults = [path for path, _ in theirs if any(map(is_private, path.split(".")))]
    foreign = {name for _, name in theirs}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            is_set = isinstance(node.ctx, (ast.Store, ast.Del))
            is_private_use = is_private(node.attr)
            if root(node) in foreign:
                is_fault = is_set or is_private_use
            else:  # of an object that may be anybody's
                is_fault = is_set and is_private_use and root(node) != "self"
        else:
            is_fault = isinstance(node, ast.Call) and root(node.func) == "setattr"
        if is_fault:
            faults.append(ast.unparse(node))
    return faults


@pytest.mark.parametrize(
    "source",
    [
        "import a\na.upload = 1",
        "import a\na._b()",
        "from a import B as C\nC.method = 1",
        "from a._b import c",
        "from a import _b",
        "def f(field):\n    field._b = 1",
        "import a\nsetattr(a, '_b', 1)",
        "import a\na.things['b'].c = 1",
    ],
)
def test_a_fault_is_found(source):
    assert faults(source)


@pytest.mark.parametrize("path", sorted((PROJECT / "gtzan_lib").rglob("*.py")), ids=str)
def test_a_module_leaves_the_names_of_others_alone(path):
    assert faults(path.read_text()) == []


def classes():
    for name in MODULES:
        module = importlib.import_module(name)
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == name:
                yield kind


@pytest.mark.parametrize("kind", list(classes()), ids=lambda kind: kind.__qualname__)
def test_a_class_overrides_nothing_private_of_another_library(kind):
    source = inspect.getsource(kind)
    ours = set(re.findall(r"\b(?:self\.|def )(_\w+)", source)) | set(vars(kind))
    for base in kind.__mro__[1:]:
        if not base.__module__.startswith(("gtzan_lib", "builtins")):
            theirs = set(re.findall(r"\b_\w+", inspect.getsource(base)))
            assert {name for name in ours & theirs if is_private(name)} == set()
