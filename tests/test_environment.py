"""One lock for every way of installing, and nothing used that it does not pin."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata

import pytest

from gtzan_lib.store import PROJECT

TOLD = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))
LOCK = (PROJECT / "requirements.lock").read_text("utf-8")


def names(lines):
    """Return the package names of requirement lines, normalised."""
    found = [re.match(r"[A-Za-z0-9][\w.-]*", line)[0] for line in lines]
    return {name.lower().replace("_", "-") for name in found}


OPTIONAL = TOLD["project"]["optional-dependencies"]
BASE, EXTRAS = (
    names(TOLD["project"]["dependencies"]),
    {k: names(v) for k, v in OPTIONAL.items()},
)
GROUPS = [
    each
    for group in TOLD["dependency-groups"].values()
    for each in group
    if isinstance(each, str)
]
DIRECT = BASE.union(names(GROUPS), *EXTRAS.values())
distributions = cache(metadata.packages_distributions)


def imported(*folders):
    """Return the packages that the library's modules import, at whatever place."""
    modules = set()
    for path in (p for f in folders for p in (PROJECT / "gtzan_lib").glob(f)):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                modules.add(node.module.split(".")[0])
    for module in modules - set(sys.stdlib_module_names) - {"gtzan_lib"}:
        yield module, names(distributions()[module])


def test_the_lock_alone_has_versions():
    lines = LOCK.splitlines()
    assert all("==" in line for line in lines)
    assert names(lines) >= DIRECT
    lists = [TOLD["project"]["dependencies"], GROUPS, TOLD["build-system"]["requires"]]
    lists += OPTIONAL.values()
    assert not [line for each in lists for line in each if "==" in line]


def test_what_is_installed_is_what_the_lock_says():
    pins = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, flags=re.MULTILINE))
    for name in DIRECT:
        assert metadata.version(name).split("+")[0] == pins[name], name


def test_what_is_imported_is_declared():
    every = BASE.union(*EXTRAS.values())
    for module, packages in imported("**/*.py"):
        assert packages & every, module
    for module, packages in imported("app/[ln-sw]*.py"):
        assert packages & (BASE | EXTRAS["page"] | {"onnx"}), module
    for module, packages in imported("evaluation/*.py", "report/predictions.py"):
        assert packages & (BASE | {"matplotlib"}), module


SONG = """
import math, struct, wave
with wave.open("song.wav", "wb") as song:
    song.setparams((1, 2, 22050, 0, "NONE", ""))
    notes = (math.sin(n / 20 + math.sin(n / 3000)) for n in range(110250))
    song.writeframes(b"".join(struct.pack("<h", int(9000 * note)) for note in notes))
"""
TYPED = """
from pathlib import Path
import gtzan_lib
song = gtzan_lib.predict(Path("song.wav"))
genre: str | None = song.genre
shares: dict[str, float] = song.percentages
words: str = song.in_words()
print(genre, len(shares), bool(words))
"""


@pytest.mark.slow
def test_a_wheel_alone_names_a_song_and_judges_predictions(tmp_path):
    def run(*command, status=0):
        take = {"capture_output": True, "text": True, "cwd": tmp_path}
        done = subprocess.run(list(map(str, command)), **take)
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    uv, env = (sys.executable, "-m", "uv", "--offline", "--quiet"), tmp_path / "env"
    files = ["gtzan_lib", "pyproject.toml", "README.md", "LICENSE"]
    tree = ["git", "-C", PROJECT, "ls-files", "-zco", "--exclude-standard", *files]
    for name in filter(None, run(*tree).split("\0")):
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_bytes((PROJECT / name).read_bytes())
    build = ["build", "--wheel", "--no-build-isolation", "--python", sys.executable]
    run(*uv, *build, "--out-dir", tmp_path, tmp_path / "source")
    run(*uv, "venv", "--python", sys.executable, env)
    (wheel,) = tmp_path.glob("*.whl")
    install = ["pip", "install", "--python", env, "--constraint"]
    run(*uv, *install, PROJECT / "requirements.lock", wheel)
    scripts = env / ("Scripts" if sys.platform == "win32" else "bin")
    python, gtzan = scripts / "python", scripts / "gtzan"
    run(python, "-c", SONG)
    assert "0:05 min, WAV, 22,050 Hz, 1 channel" in run(gtzan, "predict", "song.wav")
    (tmp_path / "typed.py").write_text(TYPED)
    assert run(python, "typed.py").split()[1:] == ["10", "True"]
    mypy = (sys.executable, "-m", "mypy", "--strict", "--python-executable")
    run(*mypy, python, "typed.py")
    assert "artist-folds" in run(gtzan, "folds", "folds")
    assert "leakage" in run(gtzan, "evaluate", PROJECT / "report" / "predictions.csv")
    twice = run(gtzan, "softmax", "--classes=10", "--loss=1.83", "--accuracy=0.62")
    assert twice.startswith("twice")
    assert "gtzan-lib[page]" in run(gtzan, "app", status=2)
    assert "gtzan-lib[report]" in run(gtzan, "train", "sample", status=2)
    assert "needs a clone" in run(gtzan, "report", status=2)
