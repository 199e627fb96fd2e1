"""The command line: ``python -m gtzan_lib verify|render|predict``."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from gtzan_lib.errors import UserError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0 for good, 1 for found wanting, 2 for refused."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def verify(options: argparse.Namespace) -> int:
    """Compare a copy of GTZAN with the published one."""
    from gtzan_lib.verify import verify

    found = verify(options.path)
    as_json = dataclasses.asdict(found) | {"is_published": found.is_published}
    print(json.dumps(as_json, indent=2) if options.json else found.as_text())
    return 0 if found.is_published else 1


def render(options: argparse.Namespace) -> int:
    """Draw the spectrogram picture of an audio file."""
    from PIL import Image

    from gtzan_lib.prediction import picture_of

    target = options.output or options.audio.with_suffix(".png")
    if target.exists() and not options.force:
        raise UserError(f"{target} exists; give another with -o, or --force")
    picture = Image.fromarray(picture_of(options.audio))
    try:
        picture.save(target)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write {target}: {error}") from error
    print(json.dumps({"picture": str(target)}) if options.json else target)
    return 0


def predict(options: argparse.Namespace) -> int:
    """Print the genres of files by percentage; a bad file does not stop the others."""
    from gtzan_lib.data import GENRES
    from gtzan_lib.evaluation import percentages, softmax
    from gtzan_lib.prediction import predict_file
    from gtzan_lib.runs import open_run

    run, results = open_run(options.run), []
    for path in options.files:
        try:
            logits = predict_file(run, path)
        except UserError as error:
            results.append({"file": str(path), "error": str(error)})
            print(f"error: {error}", file=sys.stderr)
            continue
        shares = dict(zip(GENRES, softmax(logits).tolist(), strict=True))
        results.append({"file": str(path), "percentages": shares})
        if not options.json:
            print(f"{path}: {', '.join(percentages(logits))}")
    if options.json:
        print(json.dumps({"run": run.provenance, "files": results}, indent=2))
    return 2 if any("error" in result for result in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gtzan_lib")
    commands = parser.add_subparsers(required=True)
    for command in (verify, render, predict):
        sub = commands.add_parser(command.__name__, help=command.__doc__)
        sub.add_argument("--json", action="store_true", help="print JSON for programs")
        sub.set_defaults(command=command)
        if command is verify:
            sub.add_argument("path", type=Path, help="folder of a copy of GTZAN")
        elif command is render:
            sub.add_argument("audio", type=Path, help="WAV, FLAC, OGG, MP3 or AU file")
            sub.add_argument("-o", "--output", type=Path, help="PNG file to write")
            sub.add_argument("--force", action="store_true", help="overwrite it")
        else:
            sub.add_argument("files", type=Path, nargs="+", help="PNG or audio files")
            sub.add_argument("--run", type=Path, required=True, help="a run's folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
