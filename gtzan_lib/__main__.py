"""The command line: ``gtzan COMMAND``, or ``python -m gtzan_lib COMMAND``.

Each command is a function here, and its arguments are in ``commands.toml``.
"""

import argparse
import contextlib
import dataclasses
import json
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from gtzan_lib.errors import UserError, printable, sentences
from gtzan_lib.parameters import Parameters

ARGUMENTS = Path(__file__).with_name("commands.toml")
TYPES = {"Path": Path, "int": int, "float": float}
TRAINED = ("recipe", "model", "encoder", "split", "epochs", "device")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0 for good, 1 for found wanting, 2 for refused."""
    options = _parser().parse_args(arguments)
    with contextlib.suppress(AttributeError):  # none, or a test's
        sys.stdout.reconfigure(errors="backslashreplace")  # a name stops no other
    with sentences() as status:
        try:
            status.code = options.command(options) or 0
        except ModuleNotFoundError as error:
            extra = "page" if options.command in (app, song_page) else "report"
            raise UserError(
                f"this needs the package {error.name}, too: install the extra "
                f"{extra}, as in pip install 'gtzan-lib[{extra}]'"
            ) from None
    return status.code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gtzan",
        description="Genres of songs, and the report behind them.",
        epilog="examples:",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = metadata.version("gtzan-lib")
    parser.add_argument("--version", action="version", version=version)
    parser.set_defaults(command=lambda options: parser.print_help())
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, own in tomllib.loads(ARGUMENTS.read_text("utf-8")).items():
        function = globals()[name.replace("-", "_")]
        example = f"gtzan {name} {own.pop('example')}".rstrip()
        parser.epilog += f"\n  {example}"
        about = {"description": function.__doc__, "epilog": f"example: {example}"}
        command = commands.add_parser(name, help=function.__doc__, **about)
        command.set_defaults(command=function)
        formats = command.add_mutually_exclusive_group() if "--json" in own else None
        for argument, kind in own.items():
            kind |= {"type": TYPES[kind["type"]]} if "type" in kind else {}
            is_format = argument in ("--json", "--csv")
            (formats if is_format else command).add_argument(argument, **kind)
        for p in dataclasses.fields(Parameters):
            if name == "train" and p.name in TRAINED:
                kind = {"default": p.default, "type": type(p.default)}
                about = f"{p.metadata['help']} (default: {p.default})"
                command.add_argument(f"--{p.name}", **kind, help=about)
    return parser


def _say(options: argparse.Namespace, as_json: object, words: object) -> None:
    print(json.dumps(as_json) if options.json else words)


def predict(options: argparse.Namespace) -> int:
    """Name the genre of songs: files, folders or patterns."""
    from gtzan_lib.app import songs
    from gtzan_lib.app.classifier import Classifier

    paths = songs.find(options.files)
    form = "json" if options.json else "csv" if options.csv else "words"
    return 0 if songs.name_all(Classifier(), paths, form) else 2


def app(options: argparse.Namespace) -> None:
    """Serve the page that names the genre of a song in the browser."""
    from gtzan_lib.app.server import serve

    serve(options.host, options.port, options.allow_host)


def song_page(options: argparse.Namespace) -> None:
    """Write the page that names songs in the browser, for any web server."""
    from gtzan_lib.app import browser

    print(browser.write(options.folder))


def verify(options: argparse.Namespace) -> int:
    """Compare the pictures of a copy of GTZAN with the published ones."""
    from gtzan_lib.data.sources import folder_of
    from gtzan_lib.data.verify import verify

    found = verify(folder_of(str(options.path)))
    as_json = dataclasses.asdict(found) | {"is_published": found.is_published}
    _say(options, as_json, found.as_text())
    return 0 if found.is_published else 1


def train(options: argparse.Namespace) -> None:
    """Train one model for each of some seeds, as notebook 03_train_cnn does."""
    from gtzan_lib import store
    from gtzan_lib.data.sources import open_dataset
    from gtzan_lib.experiments import runs

    store.versions(*store.PACKAGES)  # before anything else, if one is missing
    facts = {name: getattr(options, name) for name in TRAINED}
    every = [Parameters(options.data, **facts, seed=seed) for seed in options.seeds]
    dataset = open_dataset(options.data)
    for p in every:
        run = runs.train(dataset, p, progress=not options.json, weights=True)
        accuracy = run.metric("accuracy")
        words = f"{run.folder}: test accuracy {accuracy['value']:.3f}"
        _say(options, {"folder": str(run.folder), "accuracy": accuracy}, words)


def judge(options: argparse.Namespace) -> None:
    """Say how good the model is on clips of your own, by their labels.csv."""
    from gtzan_lib.app import judge
    from gtzan_lib.app.classifier import Classifier
    from gtzan_lib.report.derived import plain

    found = judge.judge(Classifier(), options.folder)
    _say(options, plain(found), judge.as_text(found))


def ship(options: argparse.Namespace) -> None:
    """Fit the model that comes with the project anew, on GTZAN's audio."""
    from gtzan_lib.app import shipped, songs

    tracks, embeddings = shipped.hear(songs.find(options.audio))
    print(shipped.ship(tracks, embeddings, options.elsewhere))


def report(options: argparse.Namespace) -> int:
    """Make the whole report in a clone, where there is no make."""
    from gtzan_lib.report import clone

    return clone.report(*options.settings)


def test(options: argparse.Namespace) -> int:
    """Check all of a clone, where there is no make."""
    from gtzan_lib.report import clone

    return clone.test(options.quick)


def lab(options: argparse.Namespace) -> int:
    """Open a clone's notebooks in JupyterLab, where there is no make."""
    from gtzan_lib.report import clone

    return clone.lab()


def check_report(options: argparse.Namespace) -> int:
    """Derive a report's numbers again; say what does not follow or is outdated."""
    from gtzan_lib.report import keep

    folder = options.folder or keep.REPORT
    if options.mend:
        keep.mend(folder)
    wrong, outdated = keep.check(folder), keep.outdated(folder)
    words = wrong or ["every number follows from the tables"]
    words = [*words, *(f"outdated: {name}" for name in outdated)]
    if outdated:
        words += [f"make report would make {len(outdated)} runs of the report anew"]
    else:
        words += ["the report is current: this code made every run of it"]
    print(*words, sep="\n")
    return 1 if wrong or (options.current and outdated) else 0


def keep_report(options: argparse.Namespace) -> None:
    """Copy a finished report to where it is committed."""
    from gtzan_lib.report import keep

    print(keep.keep(options.results, options.to or keep.REPORT))


def folds(options: argparse.Namespace) -> None:
    """Write the splits as CSV files, one a protocol, for any library to use."""
    from gtzan_lib.data import splits
    from gtzan_lib.data.sources import open_dataset

    data = open_dataset(options.data) if options.data else None
    done = splits.write_protocols(options.folder, data)
    print(*(f"{name}: {what}" for name, what in done.items()), sep="\n")


def evaluate(options: argparse.Namespace) -> None:
    """Judge predictions of any model under the protocols that `folds` writes."""
    from gtzan_lib.report import predictions
    from gtzan_lib.report.derived import plain

    tables = predictions.read(options.predictions)
    found = predictions.judge(options.predictions, tables)
    if options.out:
        predictions.write(found, options.out)
    _say(options, plain(found), predictions.as_text(found))


def runs(options: argparse.Namespace) -> int:
    """Save all finished training runs in a folder, or restore them from it."""
    from gtzan_lib import store
    from gtzan_lib.experiments.runs import copy_finished

    source, target = store.runs_folder(), options.folder
    if options.action == "restore":
        source, target = target, source
    copied, damaged = copy_finished(source, target, not options.no_weights)
    words = [
        *(f"damaged, not copied: {printable(n)}" for n in damaged),
        *map(printable, copied),
    ]
    words += [f"{len(copied)} copied from {source} to {target}; others were there"]
    print(*words, sep="\n")
    return 1 if damaged else 0


def softmax(options: argparse.Namespace) -> None:
    """Tell from a printed loss and accuracy whether softmax was applied twice."""
    from gtzan_lib.evaluation import softmax_twice

    found = softmax_twice.diagnose(options.classes, options.loss, options.accuracy)
    _say(options, softmax_twice.as_json(found), softmax_twice.as_text(found))


if __name__ == "__main__":
    sys.exit(main())
