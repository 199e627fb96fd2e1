"""Which runs the report needs: how many seeds and epochs of what, by profile."""

from dataclasses import dataclass, fields, replace

from gtzan_lib import registry
from gtzan_lib.data.gtzan import Dataset
from gtzan_lib.errors import ParameterError
from gtzan_lib.experiments import suite
from gtzan_lib.parameters import Parameters


@dataclass(frozen=True)
class Profile:
    """Epochs of each recipe, and seeds.

    Epochs are fixed beforehand: 1,800 is the paper's text, and the accuracy of recipes
    corrected and augmented had levelled off on a validation part of other splits'
    training pictures. ``paper_short`` are those of recipe paper, to save time, for
    later seeds, variants and other splits: its loss still falls. ``seeds``
    are those of what is compared, ``variant_seeds`` of the paper's network with
    something changed, and ``all_seeds`` of the paper's own.
    """

    paper: int
    paper_short: int
    corrected: int
    augmented: int
    seeds: int
    variant_seeds: int
    all_seeds: int

    def __post_init__(self):
        for each in fields(self):
            value = getattr(self, each.name)
            try:
                kind = "seeds" if each.name.endswith("seeds") else "epochs"
                Parameters(**{kind: value})
            except ParameterError as error:
                raise ParameterError(str(error).replace(kind, each.name, 1)) from None


PROFILES = {  # quick has the defaults of the notebooks, whose runs nbval reads again
    "quick": Profile(100, 20, 40, 8, seeds=1, variant_seeds=1, all_seeds=1),
    "paper": Profile(1800, 300, 100, 60, seeds=5, variant_seeds=3, all_seeds=5),
    "record": Profile(1800, 300, 100, 60, seeds=5, variant_seeds=5, all_seeds=20),
}
MAIN = (  # recipe, model and encoder of the runs that always have a page, split random
    ("paper", "lenet", "pool"),
    ("corrected", "lenet", "pool"),
    ("augmented", "crnn", "bands"),
)
VARIANTS = [name for name in registry.MODELS if name.startswith("lenet-")]


def profile(name: str, changes: dict) -> Profile:
    """Return a profile with some numbers changed, or raise ``ParameterError``."""
    if name not in PROFILES:
        raise ParameterError(
            f"profile must be one of {', '.join(PROFILES)}; got {name}"
        )
    names = [each.name for each in fields(Profile)]
    for change in changes:
        if change not in names:
            raise ParameterError(
                f"config must be data, profile or {', '.join(names)}; got {change}"
            )
    return replace(PROFILES[name], **changes)


def needed_runs(dataset: Dataset, profile: Profile) -> list[Parameters]:
    """Return the parameters of every training run that has epochs, each once.

    What is solved in closed form is fitted by notebook 06, which takes seconds.
    """
    needed: dict[Parameters, None] = {}

    def add(recipe, epochs, seeds, first=0, **facts):
        for seed in range(first, seeds):
            needed[Parameters(recipe=recipe, epochs=epochs, seed=seed, **facts)] = None

    seeds, few = profile.seeds, suite.few(profile.seeds)
    add("paper", profile.paper, seeds)
    add("corrected", profile.corrected, profile.all_seeds)
    for encoder in registry.CODES:
        add("corrected", profile.corrected, few, encoder=encoder)
    epochs = vars(profile) | {"paper": profile.paper_short}
    for split, names in suite.needed(dataset).items():
        for name in names:
            recipe, model, encoder = suite.MODELS[name]
            if recipe in epochs:  # not in closed form
                facts = {"model": model, "encoder": encoder, "split": split}
                n_seeds = suite.seeds_of(name, split, seeds)
                add(recipe, epochs[recipe], n_seeds, **facts)
    for model in VARIANTS if seeds > 1 else ():  # one seed compares nothing
        add("paper", profile.paper_short, profile.variant_seeds, model=model)
        add("corrected", profile.corrected, few, model=model)
    if profile.all_seeds > seeds:  # as long as recipe paper, for the record
        add("corrected", profile.paper_short, seeds)
    add("paper", profile.paper_short, profile.all_seeds, first=seeds)
    return list(needed)


def is_main(facts: dict) -> bool:
    """Tell whether a run's facts are those of seed 0 of a configuration in ``MAIN``."""
    of_run = tuple(map(facts.get, ("recipe", "model", "encoder")))
    return of_run in MAIN and facts["split"] == "random" and facts["seed"] == 0


def has_page(run: Parameters, profile: Profile) -> bool:
    """Tell whether a run is trained by a notebook of its own, which becomes a page.

    So is seed 0 of all configurations, but with one seed only of those in ``MAIN``.
    Split ``all`` tests nothing that a page could show.
    """
    is_longest = run.recipe != "paper" or run.epochs == profile.paper
    is_shown = profile.seeds > 1 or (is_main(run.facts) and is_longest)
    return run.seed == 0 and run.split != "all" and is_shown
