import ast
import os
import subprocess
import sys

import papermill
import pytest

from gtzan_lib import parameters
from gtzan_lib.errors import ParameterError
from gtzan_lib.parameters import Parameters
from gtzan_lib.store import PROJECT

NAMES = parameters.NOTEBOOKS["03_train_cnn"]
GOOD = {name: getattr(Parameters(), name) for name in NAMES} | {"epochs": 30}


def test_good_values_come_back_and_the_paths_that_papermill_injects_are_taken():
    cells = ["# Parameters\nPAPERMILL_INPUT_PATH = 'a'\nPAPERMILL_OUTPUT_PATH = 'b'\n"]
    for other in ({"other": 1}, {"In": cells}):
        checked = parameters.check("03_train_cnn", GOOD | other)
        assert checked == Parameters(epochs=30)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (
            {"epochs": 1e3},
            r"epochs must be a whole number from 1 to 100000; got 1000\.0",
        ),
        *(({"epochs": x}, "epochs must be a whole number") for x in (0, True, "30")),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"recipe": "papr"}, "recipe must be one of: paper, corrected, .*; got 'papr'"),
        ({"model": None}, "model must be one of: lenet"),
        ({"device": ["cpu"]}, "device must be one of: auto, cpu"),
        ({"data": "/no/such/folder"}, "kaggle, or an existing folder with your copy"),
        ({"data": ""}, "data must be one of"),
        ({"split": 3}, "split must be one of: random, .*-folds, or an existing CSV"),
        ({"model": "svm"}, "model svm takes encoder texture or features; got 'pool'"),
        ({"encoder": "texture"}, "model lenet takes encoder pool or .* or bands; got"),
        ({"recipe": "augmented"}, "model lenet is trained by recipe paper or .*; got"),
        ({"device": "cuda"}, "no device cuda here: choose auto or cpu"),
        ({"In": ["# Parameters\nepoch = 5\n"]}, r"epoch \(did you mean epochs"),
    ],
)
def test_what_cannot_be_is_named_with_what_is_allowed(given, reason):
    with pytest.raises(ParameterError, match=reason) as caught:
        parameters.check("03_train_cnn", GOOD | given)
    assert "\n" not in str(caught.value)


def test_a_name_that_is_missing_is_named_and_factors_divide_the_picture():
    values = {name: GOOD[name] for name in GOOD if name != "epochs"}
    with pytest.raises(ParameterError, match="the parameter epochs is missing"):
        parameters.check("03_train_cnn", values)
    for factor in (3, 16, 144):
        parameters.check("02_pool_mse", {"data": "sample", "factor": factor})
    for factor in (0, -4, 5, 32, 288, 4.0):
        with pytest.raises(ParameterError, match="divides 288 and 432"):
            Parameters(factor=factor)


def test_a_users_matplotlibrc_has_no_influence(tmp_path):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\n")
    program = (
        "from gtzan_lib import parameters\n"
        "parameters.check('05_results', {'data': 'sample', 'profile': 'quick'})\n"
        "import matplotlib; print(matplotlib.rcParams['text.usetex'])"
    )
    environment = os.environ | {"MPLCONFIGDIR": str(tmp_path)}
    said = subprocess.check_output([sys.executable, "-c", program], env=environment)
    assert said.endswith(b"\nFalse\n")


@pytest.mark.parametrize("path", sorted((PROJECT / "notebooks").glob("*.ipynb")))
def test_of_the_sample_a_notebook_says_where_gtzans_page_is(path, capsys, tmp_path):
    names = parameters.NOTEBOOKS[path.stem]
    given = {name: getattr(Parameters(), name) for name in names}
    parameters.check(path.stem, given | {"data": str(tmp_path)})
    assert capsys.readouterr().out == ""
    parameters.check(path.stem, given)
    said = capsys.readouterr().out
    assert said.startswith("The outputs are of a synthetic sample")
    assert [*PROJECT.glob(said.split()[-1])]


def test_a_model_in_closed_form_has_no_recipe_and_no_epochs():
    p = Parameters(model="svm", encoder="texture", epochs=7)
    assert (p.facts["recipe"], p.facts["epochs"]) == ("closed-form", 1)
    same = Parameters(recipe="closed-form", model="svm", encoder="texture")
    assert same.facts == p.facts


@pytest.mark.parametrize("path", sorted((PROJECT / "notebooks").glob("*.ipynb")))
def test_a_notebooks_cell_repeats_the_defaults_and_checks_them(path):
    declared = papermill.inspect_notebook(str(path))
    names = parameters.NOTEBOOKS[path.stem]
    defaults = {name: ast.literal_eval(x["default"]) for name, x in declared.items()}
    assert tuple(declared) == names
    assert defaults == {name: getattr(Parameters(), name) for name in names}
    assert all(fact["help"] for fact in declared.values())
    assert f'parameters.check(\\"{path.stem}\\", globals())' in path.read_text("utf-8")
