"""Which code a result depends on, and a hash of what that code does.

A result depends on the modules that compute it and on all that those import inside of
this package. Modules at its root, and ``report`` and ``app``, only store and show.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
OUTSIDE = ("report", "app")  # folders; modules at the root are outside, too
# As they were at import: editing a file does not change the code that is running.
SOURCES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path.read_text("utf-8")
    for path in sorted([*PACKAGE.glob("*.py"), *PACKAGE.glob("*/*.py")])
}


def reached_by(*modules: str) -> list[str]:
    """Return modules, such as ``"encoders.pooling"``, with all that they import."""
    reached, waiting = set(), list(modules)
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += _imports(SOURCES[name])
    return sorted(reached)


def files_of(source: str, *modules: str) -> list[Path]:
    """Return the files that a piece of code, and modules beside it, import or are.

    With a module goes the TOML file of its name, where there is one.
    """
    names = reached_by(*_imports(source), *modules)
    paths = [PACKAGE / name.replace(".", "/") for name in names]
    files = [path.with_suffix(kind) for path in paths for kind in (".py", ".toml")]
    return [file for file in files if file.is_file()]


def computes(module: str) -> bool:
    """Tell whether a module is inside the boundary: whether it can change a number."""
    folder, dot, _ = module.partition(".")
    return bool(dot) and folder not in OUTSIDE


def fingerprint(*modules: str) -> str:
    """Return a hash of what modules do, and what they import: 64 hexadecimal digits.

    Comments, docstrings, layout and the version of Python do not count.
    """
    digest = hashlib.sha256()
    for name in filter(computes, reached_by(*modules)):
        digest.update(f"{name}\n{_what_it_does(SOURCES[name])}\n".encode())
    return digest.hexdigest()


@cache
def _imports(source: str) -> tuple[str, ...]:
    """Return the modules of this package that a source imports."""
    named = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            named += [f"{node.module}.{alias.name}" for alias in node.names]
            named.append(node.module)
        elif isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
    ours = (name.removeprefix("gtzan_lib.") for name in named)
    return tuple(dict.fromkeys(name for name in ours if name in SOURCES))


@cache
def _what_it_does(source: str) -> str:
    """Return a module's syntax tree as text, without docstrings and empty fields.

    Written here because ``ast.dump`` is another for each version of Python.
    """

    def text(node: object) -> str:
        if isinstance(node, list):
            return f"[{','.join(map(text, node))}]"
        if not isinstance(node, ast.AST):
            return repr(node)
        fields = dict(ast.iter_fields(node))
        match node:
            case ast.AST(body=[ast.Expr(ast.Constant(str())), *rest]):
                fields["body"] = rest
        full = {k: v for k, v in fields.items() if v is not None and v != []}
        inside = ",".join(f"{name}={text(value)}" for name, value in full.items())
        return f"{type(node).__name__}({inside})"

    return text(ast.parse(source))
