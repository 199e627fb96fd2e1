"""Tables of the notebooks and the one of the README: rows of texts by column.

Paper, sections 3.3.2 to 5. Used by notebooks 04_autoencoder to 06_beyond and by the
README's front page.
"""

from collections.abc import Callable

import pandas as pd

from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.encoders import features
from gtzan_lib.evaluation.metrics import with_interval
from gtzan_lib.experiments import groups
from gtzan_lib.experiments.run import Run

# What the paper prints of a training, by the words for it and ours.
PRINTED = {
    "first loss": "first_loss",
    "last loss": "last_loss",
    "train accuracy": "train_accuracy",
    "test accuracy": "test_accuracy",
    "top-2": "top2",
}


def side_by_side(results: dict) -> list[dict]:
    """Set the paper's numbers above ours (``derived.derive``), one row a source."""
    rows = []
    for section, printed in _trainings(results["paper"]).items():
        name = f"the paper, {section}"
        name += f" ({printed['epochs']} epochs)" if "epochs" in printed else ""
        cells = {word: printed.get(key, "") for word, key in PRINTED.items()}
        rows.append({"": name, "seeds": ""} | cells)
    for row in results["configurations"]:
        cells = {word: _ours(row, key) for word, key in PRINTED.items()}
        rows.append({"": row["name"], "seeds": str(row["seeds"])} | cells)
    return rows


def _trainings(paper: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Return the sections of the paper that tell of a training."""
    return {name: p for name, p in paper.items() if "test_accuracy" in p}


def _ours(row: dict, key: str) -> str:
    estimate = row.get(key.removeprefix("test_"))
    return estimate["text"] if isinstance(estimate, dict) else row[f"{key}_text"]


def front_page(content: dict) -> str:
    """Return the README's table of a record (``record.read``), as Markdown.

    The paper's numbers; ours of its network with softmax applied twice, and once; and
    the most accurate model of notebook 06 on the random split and on artist splits.
    """
    data, made, words = content["data"], content["made"], list(PRINTED)[1:]
    trainings = _trainings(content["paper"]).values()
    cells = [[p[PRINTED[w]] for p in trainings if PRINTED[w] in p] for w in words]
    rows = [["the paper", "", *map(_listed, cells)]]
    ours = {row["recipe"]: row for row in content["configurations"] if row["headline"]}
    for recipe, softmax in {"paper": "twice", "corrected": "once"}.items():
        if recipe in ours:
            row = ours[recipe]
            name = f"ours, softmax applied {softmax}, {row['epochs']:,} epochs"
            cells = [_ours(row, PRINTED[word]) for word in words]
            rows.append([name, str(row["seeds"]), *cells])
    for where, splits in {
        "the random split": ("random",),
        "unheard artists": ("artist", "artist-trainval"),
    }.items():
        rivals = [row for row in content["beyond"] if row["split"] in splits]
        if rivals:
            best = max(rivals, key=lambda row: row["accuracy"]["value"])
            name = f"best on {where}: {best['name']}, split {best['split']}"
            accuracies = [best[key]["text"] for key in ("accuracy", "top2")]
            rows.append([name, str(best["seeds"]), "", "", *accuracies])
    about = (
        f"{data['name']}, {data['pictures']} pictures, SHA-256 {data['sha256'][:10]}; "
        f"commit {made['commit'][:10]}; 95 % intervals in brackets."
    )
    return "\n".join([about, "", *_markdown(["", "seeds", *words], rows), ""])


def _listed(words: list[str]) -> str:
    """Return words as a list in a sentence: "0.45, 0.40 and 0.50"."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def _markdown(header: list[str], rows: list[list[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return [f"|{'|'.join(f' {c} ' if c else ' ' for c in row)}|" for row in lines]


def models(trained: dict[str, list[Run]]) -> list[dict]:
    """Return a row a model (runs, one a seed): accuracy, top-2, hip-hop and reggae."""
    columns = {
        "accuracy": ("accuracy", 3),
        "top-2": ("top2", 3),
        "hip-hop called reggae": ("called:hiphop:reggae", 2),
        "reggae called hip-hop": ("called:reggae:hiphop", 2),
    }
    return [
        {"model": name, "seeds": str(len(group))}
        | {
            column: with_interval(groups.over_seeds(group, metric), digits)
            for column, (metric, digits) in columns.items()
        }
        for name, group in trained.items()
    ]


def ladder(rungs: dict[str, dict[str, list[Run]]], first: str) -> list[dict]:
    """Return a row a model and split: accuracy, and its change from the first split.

    Parameters
    ----------
    rungs : dict of dict of list of Run
        By split and model, one a seed.
    first : str
        The split that the others are compared with (see ``groups.change``).

    Returns
    -------
    list of dict
        ``model``, ``split``, ``accuracy`` and ``change`` (estimates).
    """
    return [
        {
            "model": name,
            "split": split,
            "accuracy": groups.over_seeds(group, "accuracy"),
            "change": groups.change(group, rungs[first][name], "accuracy"),
        }
        for split, by_name in rungs.items()
        for name, group in by_name.items()
        if name in rungs[first]
    ]


def ladder_table(rows: list[dict]) -> list[dict]:
    """Return the rows of ``ladder`` as texts, one a model, two columns a split."""
    table = {}
    for row in rows:
        cells = table.setdefault(row["model"], {"model": row["model"]})
        cells[row["split"]] = with_interval(row["accuracy"], 3)
        if row["split"] != rows[0]["split"]:
            cells[f"{row['split']}, change"] = with_interval(row["change"], 3)
    return list(table.values())


def calibration(rows: list[dict]) -> list[dict]:
    """Return the rows of ``suite.calibrated`` as texts, before and after."""

    def both(row: dict, text: Callable[[dict], str]) -> str:
        return f"{text(row['before'])}, {text(row['after'])}"

    return [
        {
            "model": row["model"],
            "tests": str(len(row["labels"])),
            "temperature": f"{row['temperature']:.2f}",
            "calibration error": f"{row['before']['error']['value']:.3f}, "
            + with_interval(row["after"]["error"], 3),
            "by chance": f"{row['by_chance']['error']:.3f}",
            "of all together": both(row, lambda r: f"{r['together']:.3f}"),
            "by chance, together": f"{row['by_chance']['together']:.3f}",
            "prediction set": both(row, lambda r: f"{r['size']['value']:.1f}"),
            "true genre in it": both(row, lambda r: f"{r['hits']['value']:.2f}"),
        }
        for row in rows
    ]


def encoder_accuracies(
    trained: dict[str, list[Run]], paper: dict[str, Run]
) -> list[dict]:
    """Return a row an encoder with how well networks classify from its codes.

    ``trained`` has runs of recipe ``corrected`` by encoder, one a seed, and ``paper``
    one run of recipe ``paper`` each.
    """
    rows = []
    for name, group in trained.items():
        row = {"encoder": name}
        for title, metric in (("accuracy", "accuracy"), ("top-2", "top2")):
            gain = groups.difference(group, trained["pool"], metric)
            row[title] = with_interval(groups.over_seeds(group, metric), 3)
            row[f"{title}, against pool"] = (
                "" if name == "pool" else with_interval(gain, 3)
            )
        row["recipe paper"] = with_interval(paper[name].metric("accuracy"))
        row["recipe paper, top-2"] = with_interval(paper[name].metric("top2"))
        rows.append(row)
    return rows


def error_and_accuracy(errors: list[dict], trained: dict[str, list[Run]]) -> list[dict]:
    """Return ``name``, ``mse`` and ``accuracy`` (an estimate) of each encoder.

    Of what ``record.encoder_errors`` returns and of runs by encoder, one a seed;
    average pooling stands with its error by nearest upsampling.
    """
    mse = {row["encoder"]: row["mse"] for row in errors}
    return [
        {
            "name": name,
            "mse": mse["nearest" if name == "pool" else name],
            "accuracy": groups.over_seeds(group, "accuracy"),
        }
        for name, group in trained.items()
    ]


def feature_agreement(dataset: Dataset, n_tracks: int) -> pd.DataFrame:
    """Compare features computed from audio with the data set's table of them.

    Of at most ``n_tracks`` tracks, evenly spread over those with audio: of each
    ``feature`` the ``correlation``, and the ``largest difference`` in standard
    deviations of its column. Empty where there is no table or no audio.
    """
    tracks = [t for t in dataset.tracks if dataset.audio_path(t).is_file()]
    if not tracks or not dataset.features_path.is_file():
        return pd.DataFrame()
    names = list(features.COLUMNS)
    table = pd.DataFrame(features.read_table(dataset), dataset.tracks, names)
    tracks = tracks[:: max(1, len(tracks) // n_tracks)][:n_tracks]
    rows = [features.of_track(dataset, track) for track in tracks]
    computed = pd.DataFrame(rows, tracks, names)
    largest = (computed - table.loc[tracks]).abs().max() / table.std(ddof=0)
    correlation = computed.corrwith(table.loc[tracks])
    agreement = {"correlation": correlation, "largest difference": largest}
    return pd.DataFrame(agreement).rename_axis("feature").reset_index()
