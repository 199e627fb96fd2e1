"""Results on disk: each folder is either whole and unharmed, or not there at all.

A *sealed folder* holds files, a ``provenance.json`` for people, and a ``manifest.json``
with the key they were made for (data hash, parameters, fingerprint of the code, package
versions) and the SHA-256 sum of every file. It is made under another name and renamed
once it is complete, and used again only while key and sums still agree.
"""

import errno
import hashlib
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path

import numpy as np
from filelock import FileLock

from gtzan_lib import fingerprint
from gtzan_lib.errors import UserError

PROJECT = Path(__file__).resolve().parent.parent
IS_CLONE = (PROJECT / "Snakefile").is_file()  # and not where a wheel is installed
MANIFEST, PROVENANCE = "manifest.json", "provenance.json"
KEY, CHECKPOINT = "key.json", "checkpoint.safetensors"
SCRATCH = (KEY, CHECKPOINT)  # in a folder that is being made, not in a whole one
CANNOT_WRITE = (errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS)
PACKAGES = ("librosa", "numpy", "pillow", "scikit-learn", "scipy", "soundfile", "torch")


def runs_folder() -> Path:
    """Return where results go: ``$GTZAN_RUNS``, or ``runs/`` of the clone or of here.

    ``UserError`` if that is no folder.
    """
    here = PROJECT if IS_CLONE else Path.cwd()
    folder = Path(os.environ.get("GTZAN_RUNS") or here / "runs").resolve()
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file: set GTZAN_RUNS to a folder")
    return folder


def sha256(path: Path) -> str:
    """Return the SHA-256 sum of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: Path, value: object) -> None:
    """Write ``value`` as JSON, whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def read_json(path: Path) -> dict | None:
    """Return the JSON object in ``path``, or None where there is no readable one."""
    try:
        value = json.loads(path.read_text("utf-8")) if path.is_file() else None
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def write_array(
    path: Path,
    dtype: type,
    shape: tuple[int, ...],
    make: Callable[[slice], np.ndarray],
    step: int,
    threads: int = 1,
) -> None:
    """Write an array that need not fit into memory, as ``numpy.load`` reads it.

    ``make`` returns the part for a slice of the first axis, ``step`` long; so many
    threads call it. (Of a mapped file, a full disk would end the process.)
    """
    from joblib import Parallel, delayed

    descr = np.lib.format.dtype_to_descr(np.dtype(dtype))
    facts = {"descr": descr, "shape": shape, "fortran_order": False}
    slices = (slice(start, start + step) for start in range(0, shape[0], step))
    parts = Parallel(threads, prefer="threads", return_as="generator")(
        delayed(make)(part) for part in slices
    )
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, facts)
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype))


def versions(*packages: str) -> dict[str, str]:
    """Return the installed version of each package."""
    return {name: metadata.version(name) for name in packages}


def provenance(started: float) -> dict:
    """Return what traces a result, whose work ``started`` at a ``time.time()``."""
    return {
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": versions(*PACKAGES),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "threads": os.environ.get("OMP_NUM_THREADS", str(os.cpu_count())),
        "started": datetime.fromtimestamp(started, UTC).isoformat(timespec="seconds"),
        "seconds": round(time.time() - started, 2),
    }


def read_key(folder: Path) -> dict | None:
    """Return the key that a sealed folder was made for; None where it has none."""
    key = (read_json(folder / MANIFEST) or {}).get("key")
    return key if isinstance(key, dict) else None


def is_whole(folder: Path, key: dict | None = None, holds: str = PROVENANCE) -> bool:
    """Tell whether a sealed folder is complete, unharmed and made for ``key``, or any.

    It is not if it has a file that its manifest does not name, or a link.
    """
    manifest = read_json(folder / MANIFEST) or {}
    made_for, files = manifest.get("key"), manifest.get("files")
    if not (isinstance(made_for, dict) and isinstance(files, dict)):
        return False
    if key not in (None, made_for) or holds not in files:
        return False
    there = _files(folder)
    try:
        return there.keys() == files.keys() and all(
            sha256(there[name]) == digest for name, digest in files.items()
        )
    except OSError:
        return False


def _files(folder: Path) -> dict[str, Path]:
    """Return the regular files of a sealed folder by name; links are not followed.

    Names of a manifest, which may be a stranger's, are looked up here, never joined.
    """
    found = {}
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if Path(place, name).is_symlink()]
        for path in (Path(place, name) for name in [*names, *links]):
            is_ours = path.name not in (MANIFEST, *SCRATCH) or place != str(folder)
            if is_ours and not path.name.startswith("."):
                name = path.relative_to(folder).as_posix()
                is_regular = path.is_file() and not path.is_symlink()
                found[name if is_regular else f"{name} is a link"] = path
    return found


def seal(
    folder: Path,
    key: dict,
    make: Callable[[Path], dict | None],
    holds: str = PROVENANCE,
) -> Path:
    """Return ``folder``, made by ``make`` unless it is whole, made for ``key``.

    That is everything the result depends on, as JSON values. ``make`` is called with a
    folder to write into, after an interruption again with the same one, to go on from
    its ``checkpoint.safetensors``; what it returns is added to ``provenance.json``. A
    folder without the file that it ``holds`` is made again. Another process waits
    meanwhile. ``UserError`` if the disk is full or read-only; what was there stays.
    """
    partial = folder.with_name(folder.name + ".partial")
    with _writing(folder):
        if is_whole(folder, key, holds):
            return folder
        if not is_whole(partial, key):
            _make_partial(partial, key, make)
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    return folder


def copy(folder: Path, target: Path, but: str = "") -> None:
    """Copy a whole sealed folder to the place of what is at ``target``, as ``seal``.

    Files whose names match the pattern ``but`` stay behind.
    """
    arriving = target.with_name(target.name + ".arriving")
    with _writing(target):
        shutil.rmtree(arriving, ignore_errors=True)
        manifest = read_json(folder / MANIFEST)
        files = {k: v for k, v in manifest["files"].items() if not fnmatch(k, but)}
        for name, path in _files(folder).items():
            if name in files:
                (arriving / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, arriving / name, follow_symlinks=False)
        write_json(arriving / MANIFEST, manifest | {"files": files})
        shutil.rmtree(target, ignore_errors=True)
        arriving.replace(target)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Let no other process write a folder meanwhile; say if it cannot be written."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            yield
    except OSError as error:
        if error.errno not in CANNOT_WRITE:
            raise
        words = "free some space, or set GTZAN_RUNS to a folder that you can write to"
        raise UserError(f"cannot write {folder} ({error.strerror}): {words}") from error


def _make_partial(folder: Path, key: dict, make: Callable[[Path], dict | None]) -> None:
    started = time.time()
    if read_json(folder / KEY) != key:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write_json(folder / KEY, key)
    facts = make(folder) or {}
    write_json(folder / PROVENANCE, key | provenance(started) | facts)
    sums = {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in SCRATCH
    }
    write_json(folder / MANIFEST, {"key": key, "files": sums})
    for name in SCRATCH:  # only now: until here, a crash goes on from them
        (folder / name).unlink(missing_ok=True)


def _commit() -> str:
    """Return the git commit of the project, marked where code that computes differs."""
    if not IS_CLONE:
        return f"unknown (version {metadata.version('gtzan-lib')})"
    outside = [f":(exclude)gtzan_lib/{folder}" for folder in fingerprint.OUTSIDE]
    computing = ["gtzan_lib/*/*", *outside]

    def git(*command: str) -> str:
        take = {"capture_output": True, "text": True, "check": True, "timeout": 10}
        return subprocess.run(["git", *command], cwd=PROJECT, **take).stdout.strip()

    try:
        is_changed = git("status", "--porcelain", "--", *computing)
        return git("rev-parse", "HEAD") + "-dirty" * bool(is_changed)
    except (OSError, subprocess.SubprocessError):
        return "unknown (not a git checkout)"
