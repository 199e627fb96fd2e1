"""The command line: ``gtzan COMMAND``, or ``python -m gtzan_lib COMMAND``."""

import argparse
import dataclasses
import json
import sys
from importlib import metadata
from pathlib import Path

from gtzan_lib.errors import printable, sentences
from gtzan_lib.parameters import Parameters

PARSER = argparse.ArgumentParser(
    prog="gtzan",
    description="Genres of songs, and the report behind them.",
    epilog="examples:",
    formatter_class=argparse.RawDescriptionHelpFormatter,
)
PARSER.add_argument(
    "--version", action="version", version=metadata.version("gtzan-lib")
)
PARSER.set_defaults(command=lambda options: PARSER.print_help())
COMMANDS = PARSER.add_subparsers(metavar="COMMAND")


def _argument(*names: str, **kind):
    return names, kind


def _path(*names: str, **kind):
    return _argument(*names, type=Path, **kind)


def _command(example: str, *arguments):
    """Make a function a command, with an example and its arguments."""

    def add(function):
        name, about = function.__name__.replace("_", "-"), function.__doc__
        whole = f"gtzan {name} {example}"
        PARSER.epilog += f"\n  {whole}"
        sub = COMMANDS.add_parser(
            name, help=about, description=about, epilog=f"example: {whole}"
        )
        sub.set_defaults(command=function)
        if name != "app":
            formats = sub.add_mutually_exclusive_group()
            formats.add_argument(
                "--json", action="store_true", help="JSON for programs"
            )
        for names, kind in arguments:
            (formats if names == ("--csv",) else sub).add_argument(*names, **kind)
        return function

    return add


def _of_parameters(*names: str):
    """Return options that are parameters of a training run."""
    for each in dataclasses.fields(Parameters):
        if each.name in names:
            about = f"{each.metadata['help']} (default: {each.default})"
            kind = {"default": each.default, "type": type(each.default)}
            yield _argument(f"--{each.name}", **kind, help=about)


TRAINED = ("recipe", "model", "encoder", "split", "epochs", "device")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0 for good, 1 for found wanting, 2 for refused."""
    options = PARSER.parse_args(arguments)
    with sentences() as status:
        status.code = options.command(options) or 0
    return status.code


def _say(options: argparse.Namespace, as_json: object, words: object) -> None:
    print(json.dumps(as_json) if options.json else words)


@_command(
    "song.mp3 albums/ 'live/*.flac'",
    _argument("files", nargs="+", help="audio files, folders or patterns"),
    _argument("--csv", action="store_true", help="a table"),
)
def predict(options: argparse.Namespace) -> int:
    """Name the genre of songs: files, folders or patterns."""
    from gtzan_lib.app import songs
    from gtzan_lib.app.classifier import Classifier

    paths = songs.find(options.files)
    form = "json" if options.json else "csv" if options.csv else "words"
    return 0 if songs.name_all(Classifier(), paths, form) else 2


_NAME = "name that others call this computer by; may be repeated"


@_command(
    "--port 8000",
    _argument("--host", default="127.0.0.1", help="address to listen on"),
    _argument("--port", default=7860, type=int),
    _argument("--allow-host", action="append", default=[], metavar="NAME", help=_NAME),
)
def app(options: argparse.Namespace) -> None:
    """Serve the page that names the genre of an uploaded track."""
    from gtzan_lib.app.server import serve

    serve(options.host, options.port, options.allow_host)


@_command("path/to/gtzan", _path("path", help="sample, kaggle, or a copy's folder"))
def verify(options: argparse.Namespace) -> int:
    """Compare the pictures of a copy of GTZAN with the published ones."""
    from gtzan_lib.data.sources import folder_of
    from gtzan_lib.data.verify import verify

    is_word = str(options.path) in ("sample", "kaggle") and not options.path.exists()
    found = verify(folder_of(str(options.path)) if is_word else options.path)
    as_json = dataclasses.asdict(found) | {"is_published": found.is_published}
    _say(options, as_json, found.as_text())
    return 0 if found.is_published else 1


@_command(
    "sample --model crnn --encoder bands --recipe augmented",
    _argument("data", help="sample, kaggle, or the folder of a copy of GTZAN"),
    *_of_parameters(*TRAINED),
    _argument("--seeds", type=int, nargs="+", default=[0]),
)
def train(options: argparse.Namespace) -> None:
    """Train one model for each of some seeds, as notebook 03_train_cnn does."""
    from gtzan_lib.data.sources import open_dataset
    from gtzan_lib.experiments import runs

    facts = {name: getattr(options, name) for name in TRAINED}
    every = [Parameters(**facts, seed=seed) for seed in options.seeds]
    dataset = open_dataset(Parameters(data=options.data).data)
    for p in every:
        run = runs.train(dataset, p, progress=not options.json, weights=True)
        accuracy = run.metric("accuracy")
        words = f"{run.folder}: test accuracy {accuracy['value']:.3f}"
        _say(options, {"folder": str(run.folder), "accuracy": accuracy}, words)


@_command("songs/", _path("folder", help="clips and their labels.csv"))
def judge(options: argparse.Namespace) -> None:
    """Say how good the model is on clips of your own, by their labels.csv."""
    from gtzan_lib.app import judge
    from gtzan_lib.app.classifier import Classifier

    found = judge.judge(Classifier(), options.folder)
    _say(options, found, judge.as_text(found))


@_command(
    "path/to/gtzan/genres_original --elsewhere songs/",
    _argument("audio", nargs="+", help="folders of GTZAN's audio"),
    _path("--elsewhere", help="clips that are not GTZAN's, and their labels.csv"),
)
def ship(options: argparse.Namespace) -> None:
    """Fit the model that comes with the project anew, on GTZAN's audio."""
    from gtzan_lib.app import shipped, songs

    heard = shipped.hear(songs.find(options.audio))
    folder = shipped.ship(heard, options.elsewhere)
    _say(options, {"folder": str(folder)}, folder)


@_command(
    "report",
    _path("folder", nargs="?", help="default: report"),
    _argument("--current", action="store_true", help="1 if runs are outdated"),
    _argument("--mend", action="store_true", help="make what follows anew"),
)
def check_report(options: argparse.Namespace) -> int:
    """Derive a report's numbers again; say what does not follow or is outdated."""
    from gtzan_lib.report import keep as report

    folder = options.folder or report.REPORT
    if options.mend:
        report.mend(folder)
    wrong, outdated = report.check(folder), report.outdated(folder)
    words = wrong or ["every number follows from the tables"]
    words = [*words, *(f"outdated: {name}" for name in outdated)]
    if outdated:
        words += [f"make report would make {len(outdated)} runs of the report anew"]
    else:
        words += ["the report is current: this code made every run of it"]
    _say(options, {"wrong": wrong, "outdated": outdated}, "\n".join(words))
    return 1 if wrong or (options.current and outdated) else 0


@_command(
    "runs/gtzan-ad601fae",
    _path("results", help="runs/<data>-<hash>"),
    _path("--to", help="folder (default: report)"),
)
def keep_report(options: argparse.Namespace) -> None:
    """Copy a finished report to where it is committed."""
    from gtzan_lib.report import keep as report

    kept = report.keep(options.results, options.to or report.REPORT)
    _say(options, {"folder": str(kept)}, kept)


@_command(
    "folds",
    _path("folder", help="where to write them"),
    _argument("--data", help="of this copy (default: of the published tracks)"),
)
def folds(options: argparse.Namespace) -> None:
    """Write the splits as CSV files, one a protocol, for any library to use."""
    from gtzan_lib.data import protocols
    from gtzan_lib.data.sources import open_dataset

    data = open_dataset(options.data) if options.data else None
    done = protocols.write(options.folder, data)
    _say(options, done, "\n".join(f"{name}: {what}" for name, what in done.items()))


@_command(
    "predictions.csv --out evaluation",
    _path("predictions", help="CSV: protocol, track, ten genres"),
    _path("--out", help="folder for evaluation.html and .json"),
)
def evaluate(options: argparse.Namespace) -> int:
    """Judge predictions of any model under the protocols that `folds` writes."""
    from gtzan_lib.report import predictions
    from gtzan_lib.report.derived import plain

    tables, wrong = predictions.read(options.predictions)
    if wrong:
        print(*(f"error: {sentence}" for sentence in wrong), sep="\n", file=sys.stderr)
        return 2
    found = predictions.judge(options.predictions, tables)
    if options.out:
        predictions.write(found, options.out)
    _say(options, plain(found), predictions.as_text(found))
    return 0


@_command(
    "save path/to/folder",
    _argument("action", choices=["save", "restore"]),
    _path("folder", help="where they are kept, such as a git worktree"),
    _argument("--no-weights", action="store_true", help="save the small files only"),
)
def runs(options: argparse.Namespace) -> int:
    """Save all finished training runs in a folder, or restore them from it."""
    from gtzan_lib import store
    from gtzan_lib.experiments.runs import copy_finished

    source, target = store.runs_folder(), options.folder
    if options.action == "restore":
        source, target = target, source
    copied, damaged = copy_finished(source, target, not options.no_weights)
    words = [*(f"damaged, not copied: {printable(n)}" for n in damaged), *copied]
    words += [f"{len(copied)} copied from {source} to {target}; others were there"]
    _say(options, {"copied": copied, "damaged": damaged}, "\n".join(words))
    return 1 if damaged else 0


@_command(
    "--classes 10 --loss 1.83 --accuracy 0.62",
    _argument("--classes", required=True, type=int, help="how many there are"),
    _argument("--loss", required=True, type=float, help="mean cross-entropy, in nats"),
    _argument("--accuracy", required=True, type=float, help="share from 0 to 1"),
)
def softmax(options: argparse.Namespace) -> None:
    """Tell from a printed loss and accuracy whether softmax was applied twice."""
    from gtzan_lib.evaluation import softmax_twice

    found = softmax_twice.diagnose(options.classes, options.loss, options.accuracy)
    _say(options, softmax_twice.as_json(found), softmax_twice.as_text(found))


if __name__ == "__main__":
    sys.exit(main())
