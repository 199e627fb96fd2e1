import ast
import os
import subprocess
import sys

import papermill
import pytest

from gtzan_lib import parameters
from gtzan_lib.errors import ParameterError
from gtzan_lib.store import PROJECT

NAMES = parameters.names_of("03_train_cnn")
GOOD = {name: getattr(parameters.Parameters(), name) for name in NAMES}
GOOD["epochs"] = 30


def test_good_values_come_back():
    p = parameters.check("03_train_cnn", GOOD | {"other": 1})
    assert p == parameters.Parameters(epochs=30)
    assert {name: getattr(p, name) for name in GOOD} == GOOD


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("epochs", 1e3, r"epochs must be a whole number from 1 to 100000; got 1000\.0"),
        ("epochs", -5, "epochs must be a whole number from 1"),
        ("epochs", 0, "epochs must be a whole number from 1"),
        ("epochs", True, "epochs must be a whole number from 1"),
        ("epochs", "30", "epochs must be a whole number from 1"),
        ("seed", -1, "seed must be a whole number from 0"),
        (
            "recipe",
            "papr",
            "recipe must be one of: paper, corrected, .*; got 'papr'",
        ),
        ("model", None, "model must be one of: lenet"),
        ("device", ["cpu"], "device must be one of: auto, cpu"),
        ("data", "/no/such/folder", "kaggle, or an existing folder with your copy"),
        ("data", "", "data must be one of"),
        ("split", 3, "split must be one of: random, .*-folds, or an existing CSV"),
    ],
)
def test_an_impossible_value_is_named_with_what_is_allowed(name, value, reason):
    with pytest.raises(ParameterError, match=reason) as caught:
        parameters.check("03_train_cnn", GOOD | {name: value})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("factor", [3, 16, 144])
def test_factors_that_divide_the_picture(factor):
    parameters.check("02_pool_mse", {"data": "sample", "factor": factor})


@pytest.mark.parametrize("factor", [0, -4, 5, 32, 288, 4.0])
def test_factors_that_do_not(factor):
    with pytest.raises(ParameterError, match="divides 288 and 432"):
        parameters.check("02_pool_mse", {"data": "sample", "factor": factor})


def test_a_name_that_papermill_injected_must_be_known():
    cells = ["", "epochs = 30", "# Parameters\nepoch = 5\n", "x = 1"]
    with pytest.raises(
        ParameterError, match=r"no parameter epoch \(did you mean epochs"
    ):
        parameters.check("03_train_cnn", GOOD | {"In": cells})


def test_the_paths_that_papermill_injects_are_taken():
    cells = ["# Parameters\nPAPERMILL_INPUT_PATH = 'a'\nPAPERMILL_OUTPUT_PATH = 'b'\n"]
    assert parameters.check("03_train_cnn", GOOD | {"In": cells})


def test_a_users_matplotlibrc_has_no_influence(tmp_path):
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\n")
    program = (
        "from gtzan_lib import parameters\n"
        "parameters.check('05_results', {'data': 'sample', 'profile': 'quick'})\n"
        "import matplotlib; print(matplotlib.rcParams['text.usetex'])"
    )
    environment = os.environ | {"MPLCONFIGDIR": str(tmp_path)}
    said = subprocess.check_output([sys.executable, "-c", program], env=environment)
    assert said == b"False\n"


def test_a_name_that_is_missing_is_named():
    values = {name: GOOD[name] for name in GOOD if name != "epochs"}
    with pytest.raises(ParameterError, match="the parameter epochs is missing"):
        parameters.check("03_train_cnn", values)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"model": "svm"}, "model svm takes encoder texture or features; got 'pool'"),
        ({"encoder": "texture"}, "model lenet takes encoder pool or .* or bands; got"),
        ({"recipe": "augmented"}, "model lenet is trained by recipe paper or .*; got"),
        ({"device": "cuda"}, "no device cuda here: choose auto or cpu"),
    ],
)
def test_what_does_not_go_together_is_refused(values, reason):
    with pytest.raises(ParameterError, match=reason):
        parameters.check("03_train_cnn", GOOD | values)


def test_a_model_in_closed_form_has_no_recipe_and_no_epochs():
    p = parameters.Parameters(model="svm", encoder="texture", epochs=7)
    assert p.facts["recipe"] == "closed-form"
    assert p.facts["epochs"] == 1
    same = parameters.Parameters(recipe="closed-form", model="svm", encoder="texture")
    assert same.facts == p.facts
    with pytest.raises(ParameterError, match="lenet is trained by recipe paper or"):
        parameters.Parameters(recipe="closed-form")


@pytest.mark.parametrize("path", sorted((PROJECT / "notebooks").glob("*.ipynb")))
def test_a_notebooks_cell_repeats_the_defaults(path):
    declared = papermill.inspect_notebook(str(path))
    defaults = {name: ast.literal_eval(x["default"]) for name, x in declared.items()}
    p = parameters.Parameters()
    assert defaults == {
        name: getattr(p, name) for name in parameters.names_of(path.stem)
    }
