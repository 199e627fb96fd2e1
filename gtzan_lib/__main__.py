"""The command line: ``gtzan COMMAND``, or ``python -m gtzan_lib COMMAND``."""

import argparse
import dataclasses
import json
import os
import sys
from pathlib import Path

from gtzan_lib.errors import UserError
from gtzan_lib.parameters import Parameters

TRAINED = ("recipe", "model", "encoder", "split", "epochs", "device")  # by train
EXAMPLES = {  # one a command, in the order of the help
    "predict": "gtzan predict song.mp3 albums/ 'live/*.flac'",
    "app": "gtzan app --port 8000",
    "render": "gtzan render song.mp3 -o song.png",
    "verify": "gtzan verify path/to/gtzan",
    "train": "gtzan train sample --model crnn --encoder bands --recipe augmented",
    "ship": "gtzan ship runs/gtzan-ad601fae/03_train/... --data path/to/gtzan",
    "check-report": "gtzan check-report report",
    "keep-report": "gtzan keep-report runs/gtzan-ad601fae",
    "compare": "gtzan compare report runs/gtzan-ad601fae",
    "folds": "gtzan folds folds",
    "evaluate": "gtzan evaluate predictions.csv --out evaluation",
    "runs": "gtzan runs save path/to/folder",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0 for good, 1 for found wanting, 2 for refused."""
    options = _parser().parse_args(arguments)
    try:
        status = options.command(options)
        sys.stdout.flush()
        return status
    except UserError as error:
        print(f"error: {str(error).strip()}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def verify(options: argparse.Namespace) -> int:
    """Compare a copy of GTZAN with the published one."""
    from gtzan_lib.data.sources import open_dataset
    from gtzan_lib.data.verify import verify

    is_word = str(options.path) == "sample" and not options.path.exists()
    found = verify(open_dataset("sample").folder if is_word else options.path)
    as_json = dataclasses.asdict(found) | {"is_published": found.is_published}
    print(json.dumps(as_json, indent=2) if options.json else found.as_text())
    return 0 if found.is_published else 1


def render(options: argparse.Namespace) -> int:
    """Draw the spectrogram picture that the network sees of an audio file."""
    from PIL import Image

    from gtzan_lib.app.classifier import MAX_SECONDS, windows_of
    from gtzan_lib.data import pictures as spectrogram
    from gtzan_lib.data.audio import read_audio

    target = options.output or options.audio.with_suffix(".png")
    if target.exists() and not options.force:
        raise UserError(f"{target} exists; give another with -o, or --force")
    windows, _ = windows_of(read_audio(options.audio, MAX_SECONDS).y)
    picture = Image.fromarray(spectrogram.render(windows[0]))
    try:
        picture.save(target)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot write {target}: {error}") from error
    print(json.dumps({"picture": str(target)}) if options.json else target)
    return 0


def train(options: argparse.Namespace) -> int:
    """Train one model for each of some seeds, as notebook 03_train_cnn does."""
    from gtzan_lib.data.sources import open_dataset
    from gtzan_lib.experiments import runs

    facts = {name: getattr(options, name) for name in TRAINED}
    every = [Parameters(**facts, seed=seed) for seed in options.seeds]
    dataset = open_dataset(Parameters(data=options.data).data)
    for p in every:
        run = runs.train(dataset, p, progress=not options.json)
        accuracy = run.metric("accuracy")
        as_json = json.dumps({"folder": str(run.folder), "accuracy": accuracy})
        words = f"{run.folder}: test accuracy {accuracy['value']:.3f}"
        print(as_json if options.json else words)
    return 0


def predict(options: argparse.Namespace) -> int:
    """Name the genre of songs: files, folders or patterns."""
    from gtzan_lib.app import songs
    from gtzan_lib.app.classifier import Classifier
    from gtzan_lib.app.shipped import FOLDER
    from gtzan_lib.experiments.runs import open_run

    paths = songs.find(options.files)
    form = "json" if options.json else "csv" if options.csv else "words"
    all_named = songs.name_all(Classifier(open_run(options.run or FOLDER)), paths, form)
    return 0 if all_named else 2


def app(options: argparse.Namespace) -> int:
    """Serve the page that names the genre of an uploaded track."""
    from gtzan_lib.app.server import serve
    from gtzan_lib.app.shipped import FOLDER
    from gtzan_lib.experiments.runs import open_run

    run, names = open_run(options.run or FOLDER), options.allow_host
    serve(run, options.host, options.port, names)
    return 0


def ship(options: argparse.Namespace) -> int:
    """Make a run the model that comes with the project."""
    from gtzan_lib.app import shipped, unheard
    from gtzan_lib.data.sources import open_dataset
    from gtzan_lib.experiments.runs import open_run

    run, data = open_run(options.run), open_dataset(options.data)
    folder = shipped.ship(run, data, artists=unheard.measure(run, data))
    print(json.dumps({"folder": str(folder)}) if options.json else folder)
    return 0


def check_report(options: argparse.Namespace) -> int:
    """Derive a report's numbers again; say what does not follow or is outdated."""
    from gtzan_lib.report import keep as report

    folder = options.folder or report.REPORT
    if options.mend:
        report.mend(folder)
    wrong, outdated = report.check(folder), report.outdated(folder)
    words = wrong or ["every number follows from the runs"]
    if outdated:
        words += [f"outdated: {name}" for name in outdated]
        words += [f"make report would make {len(outdated)} runs of the report anew"]
    else:
        words += ["the report is current: this code made every run of it"]
    as_json = json.dumps({"wrong": wrong, "outdated": outdated})
    print(as_json if options.json else "\n".join(words))
    return 1 if wrong or (options.current and outdated) else 0


def keep_report(options: argparse.Namespace) -> int:
    """Copy a finished report to where it is committed."""
    from gtzan_lib.report import keep as report

    kept = report.keep(options.results, options.to or report.REPORT)
    print(json.dumps({"folder": str(kept)}) if options.json else kept)
    return 0


def compare(options: argparse.Namespace) -> int:
    """Say what changed between two results; 1 where by more than the intervals."""
    from gtzan_lib.report import compare
    from gtzan_lib.report.derived import plain

    found = compare.compare(*map(compare.read, (options.first, options.second)))
    as_json = json.dumps(plain(found), indent=2)
    print(as_json if options.json else compare.as_text(found))
    return 0 if found["agree"] else 1


def folds(options: argparse.Namespace) -> int:
    """Write the splits as CSV files, one a protocol, for any library to use."""
    from gtzan_lib.data import protocols
    from gtzan_lib.data.sources import open_dataset

    data = open_dataset(options.data) if options.data else None
    done = protocols.write(options.folder, data)
    words = "\n".join(f"{name}: {what}" for name, what in done.items())
    print(json.dumps(done) if options.json else words)
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Judge predictions of any model under the protocols that `folds` writes."""
    from gtzan_lib.report import predictions
    from gtzan_lib.report.derived import plain

    tables, wrong = predictions.read(options.predictions)
    if wrong:
        words = "\n".join(f"error: {sentence}" for sentence in wrong)
        print(words, file=sys.stderr)
        return 2
    found = predictions.judge(options.predictions, tables)
    if options.out:
        predictions.write(found, options.out)
    as_json = json.dumps(plain(found), indent=2)
    print(as_json if options.json else predictions.as_text(found))
    return 0


def runs(options: argparse.Namespace) -> int:
    """Save all finished training runs in a folder, or restore them from it."""
    from gtzan_lib import store
    from gtzan_lib.experiments.runs import copy_finished

    source, target = store.runs_folder(), options.folder
    if options.action == "restore":
        source, target = target, source
    copied, damaged = copy_finished(source, target)
    as_json = json.dumps({"copied": copied, "damaged": damaged})
    words = [*(f"damaged, not copied: {name}" for name in damaged), *copied]
    words += [f"{len(copied)} copied from {source} to {target}; others were there"]
    print(as_json if options.json else "\n".join(words))
    return 1 if damaged else 0


def _arguments() -> dict[str, list[tuple]]:
    """Return the arguments of each command: names, and what argparse takes."""
    of_train = []
    for each in dataclasses.fields(Parameters):
        about = f"{each.metadata['help']} (default: {each.default})"
        kind = {"default": each.default, "type": type(each.default), "help": about}
        if each.name in TRAINED:
            of_train.append((f"--{each.name}", kind))
    path = {"type": Path}
    run = path | {"help": "folder of a training run (default: the shipped model)"}
    allowed = "name that others call this computer by; may be repeated"
    names = {"action": "append", "default": [], "metavar": "NAME", "help": allowed}
    songs = {"nargs": "+", "help": "audio files, folders or patterns; PNG files"}
    audio = path | {"help": "audio file; of one over 31 s, the first 30"}
    optional = path | {"nargs": "?"}
    return {
        "predict": [
            ("files", songs),
            ("--run", run),
            ("--csv", {"action": "store_true", "help": "a table"}),
        ],
        "app": [
            ("--run", run),
            ("--host", {"default": "127.0.0.1", "help": "address to listen on"}),
            ("--port", {"default": 7860, "type": int}),
            ("--allow-host", names),
        ],
        "render": [
            ("audio", audio),
            ("-o", "--output", path | {"help": "PNG file to write"}),
            ("--force", {"action": "store_true", "help": "overwrite it"}),
        ],
        "verify": [("path", path | {"help": "folder of a copy, or sample"})],
        "train": [
            ("data", {"help": "sample, kaggle, or the folder of a copy of GTZAN"}),
            *of_train,
            ("--seeds", {"type": int, "nargs": "+", "default": [0]}),
        ],
        "ship": [
            ("run", path | {"help": "folder of a training run"}),
            ("--data", {"required": True, "help": "what it was trained on"}),
        ],
        "check-report": [
            ("folder", optional | {"help": "default: report"}),
            ("--mend", {"action": "store_true", "help": "make what follows anew"}),
            ("--current", {"action": "store_true", "help": "1 if runs are outdated"}),
        ],
        "keep-report": [
            ("results", path | {"help": "runs/<data>-<hash>"}),
            ("--to", path | {"help": "folder (default: report)"}),
        ],
        "runs": [
            ("action", {"choices": ["save", "restore"]}),
            ("folder", path | {"help": "where they are kept, such as a git worktree"}),
        ],
        "compare": [
            ("first", path | {"help": "results.json, or a folder that holds it"}),
            ("second", path | {"help": "another"}),
        ],
        "folds": [
            ("folder", path | {"help": "where to write them"}),
            ("--data", {"help": "of this copy (default: of the published tracks)"}),
        ],
        "evaluate": [
            ("predictions", path | {"help": "CSV: protocol, track, ten genres"}),
            ("--out", path | {"help": "folder for evaluation.html and .json"}),
        ],
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gtzan",
        description="Genres of songs, and the report behind them.",
        epilog="\n".join(["examples:", *(f"  {one}" for one in EXAMPLES.values())]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    arguments = _arguments()
    for name, example in EXAMPLES.items():
        command = globals()[name.replace("-", "_")]
        about = {"help": command.__doc__, "description": command.__doc__}
        sub = commands.add_parser(name, **about, epilog=f"example: {example}")
        sub.set_defaults(command=command)
        if command is not app:
            sub.add_argument("--json", action="store_true", help="JSON for programs")
        for *names, what in arguments[name]:
            sub.add_argument(*names, **what)
    return parser


if __name__ == "__main__":
    sys.exit(main())
