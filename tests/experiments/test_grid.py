from pathlib import Path

import pandas as pd
import pytest
from small import train

from gtzan_lib import registry
from gtzan_lib.data.gtzan import PUBLISHED, Dataset, published_sums
from gtzan_lib.errors import ParameterError
from gtzan_lib.experiments import grid, runs, tables
from gtzan_lib.parameters import Parameters
from gtzan_lib.report import keep

GTZAN = Dataset(PUBLISHED, Path("/nowhere"), tuple(published_sums()), "")
PROFILES = tuple(registry.GRID["profiles"])


def facts_of(profile, dataset=GTZAN):
    return [p.facts for p in grid.needed(dataset, profile)]


def test_profile_record_is_what_the_committed_report_was_made_of():
    kept = pd.read_csv(keep.REPORT / tables.FOLDER / tables.FILES["runs"])
    kept = kept[(kept.recipe != "ensemble") & (kept.encoder != "features")]  # no table
    of_record = kept[[*Parameters().facts]].to_dict("records")
    assert sorted(facts_of("record"), key=str) == sorted(of_record, key=str)


@pytest.mark.parametrize(("profile", "n"), [("quick", 28), ("paper", 138)])
def test_no_run_is_in_a_profile_twice(profile, n):
    every = facts_of(profile)
    assert len({tuple(f.items()) for f in every}) == len(every) == n


def test_the_first_row_is_what_others_are_compared_with():
    row = grid.row(GTZAN, "record", recipe="corrected", model="lenet")
    assert [(p.seed, p.epochs) for p in row] == [(seed, 100) for seed in range(5)]
    assert grid.row(GTZAN, "record", model="lenet", split="three-way-unique") == []


def test_what_a_data_set_cannot_have_is_left_out_with_a_reason(tiny):
    assert {p.split for p in grid.needed(tiny, "paper")} == {"random"}
    assert grid.why_not(tiny, "random") == ""
    assert grid.why_not(tiny, "artist")
    same = "no two pictures are the same: it is random"
    assert grid.why_not(tiny, "random-unique") == same


@pytest.mark.parametrize("profile", PROFILES)
def test_pages_are_of_seed_0_and_quick_has_those_of_main_rows(profile):
    pages = [p for p in grid.needed(GTZAN, profile) if grid.has_page(p, profile)]
    main = [p for p in pages if grid.is_main(p.facts)]
    assert {(p.recipe, p.model) for p in main} == {
        *(("paper", "lenet"), ("corrected", "lenet"), ("augmented", "crnn"))
    }
    assert {p.seed for p in pages} == {0}
    assert (pages == main) == (profile != "paper")
    assert grid.curve_seeds(profile) == (1 if profile == "quick" else 3)


def test_runs_that_the_grid_does_not_ask_for_do_not_count(tiny, monkeypatch):
    asked = {"recipe": "corrected", "quick": {"seeds": 1, "epochs": 2}}
    monkeypatch.setitem(registry.GRID, "rows", [asked])
    for epochs in (1, 2):  # a trial, and quick's
        train(tiny, epochs=epochs)
    assert len(runs.find_runs(tiny)[0]) == 2
    assert [run.provenance["epochs"] for run in grid.finished(tiny, "quick")] == [2]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"quick": {"seeds": 1, "epoch": 3}}, "row 1 of grid.toml: .* setting epoch"),
        ({"recipes": ["paper"]}, "there is no setting recipes"),
        ({"quick": {"epochs": 3}}, "row 1 of grid.toml: 'seeds'"),
        ({"model": ["lenett"], "quick": {"seeds": 1}}, "model must be one of: lenet"),
    ],
)
def test_a_mistake_in_the_grid_is_one_sentence(row, reason, tiny, monkeypatch):
    monkeypatch.setitem(registry.GRID, "rows", [row])
    with pytest.raises(ParameterError, match=reason):
        grid.needed(tiny, "quick")
