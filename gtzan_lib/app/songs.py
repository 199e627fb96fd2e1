"""Naming many songs on the command line: files in; words, JSON or CSV out.

Used by ``gtzan predict``.
"""

import csv
import glob
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from tqdm import tqdm

from gtzan_lib.app import words
from gtzan_lib.app.classifier import Classifier
from gtzan_lib.data.genres import GENRES
from gtzan_lib.errors import DataError, UserError, printable

AUDIO = (
    *(".aac", ".aif", ".aiff", ".ape", ".au", ".caf", ".flac", ".m4a", ".mka", ".mp3"),
    *(".mp4", ".oga", ".ogg", ".opus", ".tta", ".wav", ".wma", ".wv"),
)
COLUMNS = ("file", "answer", "genre", *GENRES, "warnings", "error")


def find(names: Iterable[str]) -> list[Path]:
    """Return the files that are meant by files, folders and patterns, each once.

    A folder means the audio files in it and below, by their names' endings. What is
    none of these three is returned as it is, to be refused by its name. ``DataError``
    if a name is empty, a folder holds no audio, or nothing matches a pattern.
    """
    paths = []
    for name in names:
        if not name:  # else it means the folder of here
            raise DataError("the name of a song is empty")
        matching = [name]
        if glob.has_magic(name) and not os.path.exists(name):  # noqa: PTH110
            matching = sorted(glob.glob(name))  # noqa: PTH207
            if not matching:
                raise DataError(f"there is no file that matches {name}")
        for path in map(Path, matching):  # os.path knows names that no file can have
            paths += _audio_in(path) if os.path.isdir(path) else [path]  # noqa: PTH112
    return list(dict.fromkeys(paths))


def _audio_in(folder: Path) -> list[Path]:
    audio = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in AUDIO and path.is_file()
        if "/." not in f"/{path.relative_to(folder).as_posix()}"
    ]
    if not audio:
        raise DataError(
            f"there is no audio in the folder {folder}: no file ends in .wav, .mp3, "
            ".m4a or the like"
        )
    return audio


def name_all(classifier: Classifier, paths: list[Path], form: str) -> bool:
    """Name songs, print the answers, and tell whether all were named.

    One that cannot be named stops no other. ``form`` is words, csv or json, which
    prints one object: ``files``, then what is known of the ``model``.
    """
    table = csv.DictWriter(sys.stdout, COLUMNS, extrasaction="ignore")
    if form == "csv":
        table.writeheader()
    answers = []
    hidden = None if len(paths) > 1 else True  # None: shown in terminals
    for path in tqdm(paths, unit="song", disable=hidden, file=sys.stderr, leave=False):
        answer = {"file": str(path).encode(errors="backslashreplace").decode()}
        try:
            answer |= classifier.predict_file(path).as_json()
        except UserError as error:
            answer["error"] = str(error)
        except (OSError, MemoryError, ValueError) as error:  # ends no other answer
            answer["error"] = f"{printable(answer['file'])} cannot be named: {error}"
        answers.append(answer)
        with tqdm.external_write_mode(sys.stdout):
            if form == "csv":
                shares = answer.get("percentages", {}).items()
                row = {"warnings": " ".join(answer.get("warnings", []))}
                table.writerow(answer | row | {g: f"{p:.2f}" for g, p in shares})
            elif form == "words" and "error" not in answer:
                print(_text(answer), flush=True)
            if "error" in answer and form != "json":
                print(f"error: {answer['error']}", file=sys.stderr)
    named = [answer for answer in answers if "error" not in answer]
    if form == "json":
        facts = {k: v for k, v in classifier.facts.items() if k != "elsewhere"}
        print(json.dumps({"files": answers, "model": facts}, indent=2))
    elif form == "words" and named:
        print((len(named) == 1 and named[0]["worth"]) or words.worth(classifier.facts))
    return len(named) == len(answers)


def _text(answer: dict) -> str:
    """Return an answer for people: words first, then facts, shares and warnings."""
    ranking = sorted(answer["percentages"].items(), key=lambda pair: -pair[1])
    shares = [f"{genre} {words.percent(p / 100)}" for genre, p in ranking if p >= 1]
    lines = [f"{printable(answer['file'])}: {answer['answer']}", answer["described"]]
    lines += [", ".join(shares)] if answer["genre"] else []
    return "\n  ".join([*lines, *(f"Mind: {each}" for each in answer["warnings"])])
