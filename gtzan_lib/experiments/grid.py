"""The grid, ``grid.toml``: which training runs a profile's report is made of."""

from functools import cache
from itertools import product

from gtzan_lib.data import splits
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.errors import DataError, ParameterError
from gtzan_lib.experiments import runs
from gtzan_lib.experiments.run import Run
from gtzan_lib.parameters import FACTS, Parameters
from gtzan_lib.registry import GRID

ALONE = {"split": ["random"], "model": ["lenet"], "encoder": ["pool"]}  # if not said


def needed(dataset: Dataset, profile: str) -> list[Parameters]:
    """Return the parameters of every run of a profile's report, each once.

    Left out are splits that the data set cannot have (see ``why_not``), and encoder
    ``features`` where there is no table. ``ParameterError`` if a row is wrong.
    """
    every = (p for runs in _rows(dataset, profile) for p in runs)
    return list({str(p.facts): p for p in every}.values())


def row(dataset: Dataset, profile: str, **facts) -> list[Parameters]:
    """Return the runs of the first row that has some with these ``facts``, by seed."""
    fitting = (
        [p for p in every if facts.items() <= p.facts.items()]
        for every in _rows(dataset, profile)
    )
    return next(filter(None, fitting), [])


def finished(dataset: Dataset, profile: str) -> list[Run]:
    """Return the whole, current runs that a profile's report is made of, by name."""
    found = (runs.finished(dataset, p) for p in needed(dataset, profile))
    return sorted((run for run in found if run), key=lambda run: run.name)


def has_page(p: Parameters, profile: str) -> bool:
    """Tell whether a run is trained by a notebook of its own, which becomes a page.

    So is seed 0 where there are epochs; profiles whose ``pages`` are ``main`` have
    those of main rows alone.
    """
    if p.seed > 0 or p.facts["recipe"] == "closed-form":
        return False
    return not is_short(profile) or is_main(p.facts)


def is_main(facts: dict) -> bool:
    """Tell whether a run's facts are those of seed 0 in a row that is ``main``."""
    mains = [made for made in GRID["rows"] if made.get("main")]
    every = [p.facts for made in mains for p in _runs(made, {"seeds": 1})]
    same = [n for n in FACTS if n != "epochs"]
    return any(all(each[n] == facts[n] for n in same) for each in every)


def is_short(profile: str) -> bool:
    """Tell whether a profile's notebooks and trainings are short, few have a page."""
    return GRID["profiles"][profile]["pages"] == "main"


def curve_seeds(profile: str) -> int:
    """Return how many seeds the learning curves of a profile's report have."""
    return GRID["profiles"][profile]["curves"]


@cache
def why_not(dataset: Dataset, name: str) -> str:
    """Tell why a data set cannot have a split; empty where it can.

    Where no two pictures are the same, random-unique is random, and adds nothing.
    """
    if name == "random-unique":
        is_random = len(splits.every_track(dataset)) == len(dataset.tracks)
        return "no two pictures are the same: it is random" if is_random else ""
    try:
        splits.split(dataset, name, seed=0)
    except DataError as error:
        return str(error)
    return ""


def _rows(dataset: Dataset, profile: str) -> list[list[Parameters]]:
    has_table, rows = dataset.features_path.is_file(), []
    for number, made in enumerate(GRID["rows"], start=1):
        try:
            every = _runs(made, made.get(profile, {"seeds": 0}))
        except (ParameterError, KeyError, TypeError) as error:
            raise ParameterError(f"row {number} of grid.toml: {error}") from None
        some = [p for p in every if has_table or p.encoder != "features"]
        rows.append([p for p in some if not why_not(dataset, p.split)])
    return rows


def _runs(made: dict, amount: dict) -> list[Parameters]:
    known = {"recipe", "main", *ALONE, *GRID["profiles"], "seeds", "first", "epochs"}
    if unknown := {*made, *amount} - known:
        raise ParameterError(f"there is no setting {unknown.pop()}")
    own = {k: v for k, v in (made | amount).items() if k in ("recipe", "epochs")}
    first = amount.get("first", 0)
    lists = ALONE | {k: made[k] for k in ALONE if k in made}
    lists["seed"] = range(first, first + amount["seeds"])
    every = product(*lists.values())
    return [Parameters(**own, **dict(zip(lists, each, strict=True))) for each in every]
