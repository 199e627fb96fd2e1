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
    corrected and augmented had levelled off on a validation part of the training
    pictures of splits not used here. ``encoders_paper`` are those of recipe paper with
    each encoder and on other splits; ``seeds`` are runs of what other recipes train.
    """

    paper: int
    corrected: int
    seeds: int
    encoders_paper: int
    augmented: int

    def __post_init__(self):
        for each in fields(self):
            value = getattr(self, each.name)
            try:
                kind = "seeds" if each.name == "seeds" else "epochs"
                Parameters(**{kind: value})
            except ParameterError as error:
                raise ParameterError(str(error).replace(kind, each.name, 1)) from None


PROFILES = {  # quick has the defaults of the notebooks, whose runs nbval reads again
    "quick": Profile(60, 60, seeds=1, encoders_paper=60, augmented=20),
    "paper": Profile(1800, 100, seeds=5, encoders_paper=300, augmented=60),
}
MAIN = (  # recipe, model and encoder of the runs that always have a page, split random
    ("paper", "lenet", "pool"),
    ("corrected", "lenet", "pool"),
    ("augmented", "crnn", "bands"),
)


def profile(name: str, changes: dict) -> Profile:
    """Return a profile with some of its numbers changed.

    Raises
    ------
    ParameterError
        If there is no such profile, it has no such number, or one is impossible.
    """
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

    def add(recipe, epochs, seeds=profile.seeds, **facts):
        for seed in range(seeds):
            needed[Parameters(recipe=recipe, epochs=epochs, seed=seed, **facts)] = None

    add("paper", profile.paper, seeds=1)
    for encoder in registry.CODES:
        add("paper", profile.encoders_paper, seeds=1, encoder=encoder)
        add("corrected", profile.corrected, encoder=encoder)
    for model in ("lenet-one-dense", "lenet-tanh"):
        add("corrected", profile.corrected, model=model)
    epochs = vars(profile) | {"paper": profile.encoders_paper}
    for split, names in suite.needed(dataset).items():
        for recipe, model, encoder in (suite.MODELS[name] for name in names):
            if recipe in epochs:  # not in closed form
                seeds = suite.seeds_of(split, profile.seeds)
                facts = {"model": model, "encoder": encoder, "split": split}
                add(recipe, epochs[recipe], seeds, **facts)
    return list(needed)


def has_page(run: Parameters, profile: Profile) -> bool:
    """Tell whether a run is trained by a notebook of its own, which becomes a page.

    It is the first seed of every configuration, but of a profile with one seed only of
    those in ``MAIN``.
    """
    is_main = (run.recipe, run.model, run.encoder) in MAIN and run.split == "random"
    is_longest = run.recipe != "paper" or run.epochs == profile.paper
    return run.seed == 0 and (profile.seeds > 1 or (is_main and is_longest))
