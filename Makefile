# make report   the whole pipeline, on the embedded sample; CLUSTER=slurm sends its jobs
# make check    lint, contracts between folders, and the tests that are quick
# make test     the same, slow tests, the pipeline on the sample, notebook regression
# make lab      JupyterLab on the notebooks
# (without make: gtzan report, gtzan test --quick, gtzan test, gtzan lab)
# make keep     put the finished report of RESULTS=runs/<data>-<hash> into report/
# make app      the page that names the genre of a track, on this computer
# make bench    how fast it is, as ratios
# Each sets up what it needs in .venv first.

PYTHON ?= python3
DATA ?= sample
PROFILE ?= quick
CORES ?= all
CLUSTER ?=

# Caches of Snakemake, numba and Jupyter go to the results where there is no home.
ifneq ($(shell test -w "$$HOME" && echo writable),writable)
export HOME := $(abspath $(or $(GTZAN_RUNS),runs))/.home
$(shell mkdir -p "$(HOME)")
endif

# A clone that was moved: the scripts of its .venv name the old place.
$(shell test ! -e .venv/ready || grep -qsF "$(CURDIR)/.venv" .venv/bin/gtzan || rm -rf .venv)

# Some containers forbid bytecode: then every process compiles all that it imports.
unexport PYTHONDONTWRITEBYTECODE

SHELL = bash
export CLUSTER CORES DATA PROFILE
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: report check test keep lab app bench notebooks lock
report: .venv/ready
	@python -m gtzan_lib report

check: .venv/ready
	@python -m gtzan_lib test --quick

test: .venv/ready
	@python -m gtzan_lib test

keep: .venv/ready
	python -m gtzan_lib keep-report "$(RESULTS)"

lab: .venv/ready
	@python -m gtzan_lib lab

app: .venv/ready
	python -m gtzan_lib app

bench: .venv/ready
	python tests/benchmarks/speed.py "$$DATA"

# Execute the notebooks with their default parameters and keep the outputs of the second
# time, when all results are there and no progress is shown.
notebooks: .venv/ready
	export GTZAN_RUNS=$$(mktemp -d) && \
		python -c "from gtzan_lib.data.sources import open_dataset; open_dataset('sample')" && \
		jupyter execute notebooks/*.ipynb && jupyter nbconvert --to notebook --execute \
		--inplace --ExecutePreprocessor.record_timing=False notebooks/*.ipynb

# Resolve all that pyproject.toml names anew. torch pins the CUDA packages that it needs.
lock: .venv/ready
	uv pip compile --quiet --universal --upgrade --fork-strategy fewest --no-header \
		--no-annotate --python-version 3.11 pyproject.toml --all-extras --group dev \
		--output-file new.lock
	grep -vE '^(nvidia-|cuda-|triton)' new.lock > requirements.lock
	rm new.lock

# torch by pip, whose configuration may name this machine's own build; the rest by uv.
# Neither compiles all modules: what most jobs import is, at the end, on two cores.
COMPILED_1 = torch._dynamo, pandas, sklearn.decomposition, gtzan_lib.report.pages
COMPILED_2 = snakemake.cli, papermill, ipykernel.kernelapp, seaborn, scipy.signal, numba
UV_PIP = .venv/bin/uv pip install --python .venv --quiet
.venv/ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
		|| { echo "Python 3.11 to 3.14 is needed: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --disable-pip-version-check --no-deps --no-compile \
		--constraint requirements.lock torch uv
	$(UV_PIP) --requirement requirements.lock
	$(UV_PIP) --no-build-isolation --no-deps --editable .
	.venv/bin/python -c "import $(COMPILED_1)" & \
		.venv/bin/python -c "import $(COMPILED_2)" && wait
	touch $@
