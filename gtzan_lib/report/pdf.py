"""The PDF: its figures, drawn from finished runs, and its typesetting.

``report/paper.typ`` is the text; every number in it comes from ``results.json``, and
every figure is one of ``FIGURES``, which the start page shows too. The pipeline calls
``python -m gtzan_lib.paper figures DATA`` and ``python -m gtzan_lib.paper pdf FOLDER``.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from gtzan_lib.report import claims
from gtzan_lib.evaluation import seeds as comparison
from gtzan_lib.report import record as results
from gtzan_lib.experiments import runs
from gtzan_lib import store
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.data.sources import open_dataset
from gtzan_lib.errors import DataError

SOURCE = store.PROJECT / "report" / "paper.typ"
PDF = "paper.pdf"


@dataclass(frozen=True)
class Shown:
    """A figure of the report.

    Attributes
    ----------
    number : str
        The paper's number of the figure that it is the counterpart of; may be empty.
    caption : str
    alt : str
        What it shows, for those who cannot see it.
    page : str
        The page that draws it too; a run's page where it is empty.
    """

    number: str
    caption: str
    alt: str
    page: str = ""


FIGURES = {
    "estimates": Shown(
        "",
        "Test accuracy and top-2 of every configuration, with 95 % intervals. Dashed: "
        "what the paper says. Intervals of several seeds are over seeds, the others "
        "from the number of test pictures.",
        "Two panels of points with horizontal error bars, one row a configuration; "
        "vertical dashed lines mark the paper's accuracies and its top-2.",
        "05_results",
    ),
    "curves": Shown(
        "4 and 5",
        "Loss and accuracy by epoch, the first seed of each recipe. Behind two "
        "softmaxes the loss cannot fall below 1.46, whatever the network learns.",
        "Two panels of curves over the epochs, on a logarithmic axis: loss at left, "
        "accuracy at right; solid for training and dashed for test pictures, with "
        "another marker for each recipe.",
        "05_results",
    ),
    "confusion-paper": Shown(
        "7",
        "Confusion matrix of the recipe paper (softmax twice). A row is a true genre, "
        "a column what the network called it; numbers count test pictures, shades are "
        "shares of a row.",
        "A ten by ten table of genres with a count in each cell; recognised pictures "
        "are on the diagonal.",
        "05_results",
    ),
    "confusion-corrected": Shown(
        "7",
        "Confusion matrix of the recipe corrected (softmax once), the test pictures of "
        "all seeds added up.",
        "A ten by ten table of genres with a count in each cell; recognised pictures "
        "are on the diagonal.",
        "05_results",
    ),
    "encoders": Shown(
        "",
        "What a code loses, and how well a network classifies from it (recipe "
        "corrected, 95 % intervals).",
        "Points with vertical error bars, one marker an encoder: mean squared error on "
        "a logarithmic axis against test accuracy.",
        "04_autoencoder",
    ),
    "ladder": Shown(
        "",
        "Models of the table by split, with the same seeds: on the paper's split, on "
        "one without identical pictures on both sides, and on unheard artists (in "
        "artist-trainval the validation tracks train, too). From random to artist not "
        "only the artists change: there are fewer tracks to train, no faulty ones, and "
        "others to test.",
        "Lines with error bars, one a model with its own marker, and a point for each "
        "split, the random one at left and the artist splits at right.",
        "06_beyond",
    ),
    "reliability": Shown(
        "",
        "How often a prediction is right, by how sure the model is, before and after a "
        "temperature fitted on validation tracks; points are of all seeds together, "
        "errors are means over seeds.",
        "A panel a model: confidence against accuracy, with the diagonal of perfect "
        "calibration.",
        "06_beyond",
    ),
    "genres": Shown(
        "1",
        "One spectrogram a genre. Time runs to the right over 30 seconds, mel "
        "frequency upwards; brighter is louder.",
        "Ten spectrogram pictures in two rows, one for each genre.",
        "01_pack",
    ),
    "encoded": Shown(
        "2",
        "A picture, its 4 x 4 averages, and three ways back to full size, each with "
        "its squared error.",
        "Upper row: an original spectrogram and three reconstructions. Lower row: the "
        "small encoded picture and three maps of squared errors.",
        "02_pool_mse",
    ),
    "network": Shown(
        "3",
        "The network, layer by layer, with the number of weights and output shapes.",
        "A row of boxes from the input to ten outputs, labelled with layers, weights "
        "and shapes.",
    ),
    "hiphop-reggae": Shown(
        "6",
        "A spectrogram of hip-hop and one of reggae, drawn at random.",
        "Two spectrogram pictures side by side.",
        "05_results",
    ),
}


def draw_figures(dataset: Dataset) -> Path:
    """Draw ``FIGURES`` from the finished runs of a data set; return their folder.

    A figure whose runs are missing is left out.
    """
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    folder = dataset.results / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    with plt.rc_context({"svg.hashsalt": "gtzan", "savefig.dpi": 110}):
        for name, figure in _figures(dataset):
            path = folder / f"{name}.svg"
            figure.savefig(path, metadata={"Date": None, "Creator": None})
            plt.close(figure)
    return folder


def _figures(dataset: Dataset):
    """Yield the name and figure of each of ``FIGURES`` that can be drawn."""
    import matplotlib.pyplot as plt

    from gtzan_lib.experiments import suite as beyond
    from gtzan_lib.experiments import ensembles as fusion
    from gtzan_lib.models import build as models
    from gtzan_lib.data import packing
    from gtzan_lib.report import plots
    from gtzan_lib.encoders import pooling

    name, images, codes = dataset.name, packing.pack(dataset), pooling.pool(dataset)
    yield "genres", plots.genre_gallery(dataset, images)
    again = {m: pooling.upsample(codes[:1], 4, m)[0] for m in pooling.UPSAMPLING}
    title = f"{dataset.tracks[0]}: {name}"
    yield "encoded", plots.original_and_encoded(images[0], codes[0], again, title)
    shape = pooling.Pooling.shape
    layers = models.layer_table(models.build("lenet", shape, seed=0), shape)
    yield "network", plots.architecture(layers, f"lenet, {name}")
    yield (
        "hiphop-reggae",
        plots.two_genres(dataset, images, ("hiphop", "reggae")),
    )
    found, _ = runs.find_runs(dataset)
    if not found:
        return
    everything = [*found, *fusion.find(dataset, found)]
    rows = comparison.summary(comparison.group_runs(comparison.of_the_paper(found)))
    yield "estimates", plots.estimates(rows, f"Test accuracy and top-2: {name}")
    main = comparison.headline(rows)
    if main:
        yield "curves", plots.training_curves({r["name"]: r["runs"][0] for r in main})
    for row in main:
        counts = comparison.added_confusion(row["runs"])
        seeds = "1 seed" if row["seeds"] == 1 else f"{row['seeds']} seeds"
        title = f"{name}\n{row['name']}, {seeds}"
        recipe = row["runs"][0].provenance["recipe"]
        with plt.rc_context({"font.size": 13}):  # two stand side by side
            figure = plots.confusion(counts, title)
        yield f"confusion-{recipe}", figure
    points = _encoder_points(dataset, found)
    if len(points) > 1:
        title = f"Error and accuracy: {name}"
        yield "encoders", plots.error_against_accuracy(points, title)
    rungs = beyond.climbing(everything)
    if len(rungs) > 1:
        title = f"Leakage ladder: {name}"
        yield "ladder", plots.ladder(beyond.ladder(rungs, "random"), title)
    three_way = beyond.by_split(everything).get("three-way", {})
    three_way = {k: v for k, v in three_way.items() if k in beyond.TRUSTED}
    if three_way:
        title = f"Reliability, split three-way: {name}"
        yield "reliability", plots.reliability(beyond.calibrated(three_way), title)


def _encoder_points(dataset: Dataset, found: list[runs.Run]) -> list[dict]:
    """Return ``name``, ``mse`` and ``accuracy`` of the networks' encoders."""
    points = []
    for row in results.encoders(dataset):
        encoder = {"nearest": "pool"}.get(row["encoder"], row["encoder"])
        chosen = claims.select(found, recipe="corrected", encoder=encoder)
        if chosen:
            accuracy = comparison.over_seeds(chosen, comparison.ACCURACY)
            points.append({"name": encoder, "mse": row["mse"], "accuracy": accuracy})
    return points


def figures_of(folder: Path) -> list[dict]:
    """Return the figures that a folder of results holds, in the order of ``FIGURES``.

    Returns
    -------
    list of dict
        ``name`` and what ``Shown`` has.
    """
    return [
        {"name": name} | asdict(shown)
        for name, shown in FIGURES.items()
        if (folder / "figures" / f"{name}.svg").is_file()
    ]


def compile_pdf(folder: Path, source: Path = SOURCE) -> bytes:
    """Typeset the report of a folder of results; the same files give the same bytes.

    Parameters
    ----------
    folder : Path
        Holds ``results.json`` and ``figures``.
    source : Path
        The text.

    Raises
    ------
    DataError
        If results are missing or the text has an error.
    """
    import typst

    results.read(folder)
    figures = figures_of(folder)
    files = {
        "main.typ": source.read_bytes(),
        "results.json": (folder / results.FILE).read_bytes(),
        "figures.json": json.dumps(figures).encode(),
    }
    for figure in figures:
        path = f"figures/{figure['name']}.svg"
        files[path] = (folder / path).read_bytes()
    try:
        return typst.compile(files, ignore_system_fonts=True)
    except typst.TypstError as error:
        raise DataError(f"{source} cannot be typeset: {error.diagnostic}") from error


def main(what: str, where: str) -> None:
    """Draw the figures of a data set, or typeset the PDF of a folder of results."""
    if what == "figures":
        draw_figures(open_dataset(where))
    else:
        folder = Path(where)
        (folder / PDF).write_bytes(compile_pdf(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
