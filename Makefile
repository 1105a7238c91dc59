# All that a person types. `make` alone lists it. Python >= 3.11, make and git are all that the machine must have.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

PY := .venv/bin/python
# Stages are `python -m ...` commands of dvc.yaml: the environment's python must be the first that they find.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# No tool sends statistics about its use.
export DO_NOT_TRACK := 1
export DVC_NO_ANALYTICS := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true
export GX_ANALYTICS_ENABLED := false

# An environment whose interpreter is gone (upgraded, uninstalled) is made again.
ifneq ($(wildcard .venv/.locked),)
  $(shell $(PY) -c '' 2>/dev/null || rm -f .venv/.locked)
endif

.PHONY: help run new flow lessons schedule publish compare ui test mutants chaos calibrate check inventory docs bench bench-quick public lock clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

run: .venv/.locked  ## run what params.yaml describes, only the stages that a change touches (ARGS: as for dvc repro)
	@if [ -z "$(ARGS)" ]; then $(PY) -m pipelines.run; else \
	  $(PY) -m stages.own_data.outside; \
	  if [ ! -d data/check ] || [ params.yaml -nt data/check ]; then $(PY) -m stages.check; fi; \
	  $(PY) -m pipelines.running.recovery; \
	  $(PY) -m dvc repro $(ARGS); fi
	@if [ -z "$(ARGS)$${MLFLOW_TRACKING_URI:-}" ] && [ ! -f mlflow.db ] && grep -q sqlite:///mlflow.db params.yaml; then \
	  $(PY) -m pipelines.publish; fi
	@printf '\nReport:     data/report/report.html (open it in a browser)\nDashboard:  make ui\n'

# NAME and DATA of the command line reach the recipe as environment variables: no mark in them means anything to the shell.
new: .venv/.locked  ## write the lines of params.yaml for data of your own (ARGS="NAME PATH [--target COLUMN] [--write]")
	@$(PY) -m pipelines.new $(if $(findstring command,$(origin DATA)),$(ARGS) -- "$$NAME" "$$DATA",$(or $(ARGS),--help))

flow: .venv/.locked  ## the same as a Prefect flow: stages in parallel, retries, logs and a table of results
	@$(PY) -m pipelines.flow $(ARGS)

lessons: .venv/.locked  ## run the lecture: every concept as a small experiment on one page (ARGS: as for make run)
	@$(PY) -m pipelines.run $(or $(ARGS),pipelines/lessons/dvc.yaml)
	@printf '\nThe lecture:   data/lecture/lecture.html (open it in a browser)\nDashboard:     make ui\n'

schedule: .venv/.locked  ## serve the flow on the cron line in params.yaml, until ctrl-c
	@$(PY) -m pipelines.schedule $(ARGS)

publish: .venv/.locked  ## log the results to MLflow (again: adds nothing; on an empty server: brings all back)
	@$(PY) -m pipelines.publish $(ARGS)

compare: .venv/.locked  ## say which held-out scores moved since a version (ARGS="<commit or tag>"; default: the accepted one; --accept)
	@$(PY) -m pipelines.compare $(ARGS)

ui: .venv/.locked  ## open the MLflow dashboard on this machine, until ctrl-c
	@$(PY) -m pipelines.ui $(ARGS)

test: .venv/.locked  ## run the tests (ARGS="-k knn" for some of them)
	@$(PY) -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

mutants: .venv/.locked  ## seed small faults one at a time and run the tests that must find each (ARGS="'same repeats'" for some)
	@nice -n 5 $(PY) -m tests.mutants $(ARGS)

chaos: .venv/.locked  ## kill commands at each of their changes of a file; every next run must recover (ARGS="--points 50" for fewer)
	@nice -n 5 $(PY) -m tests.chaos $(ARGS)

calibrate: .venv/.locked  ## check coverage, rejection rates and power on simulated data sets (ARGS=--write: keep the tables of docs/honesty.md)
	@$(PY) -m benchmarks.calibration $(ARGS)

check: .venv/.locked  ## lint and check types
	@$(PY) -m ruff check
	@$(PY) -m mypy

inventory: .venv/.locked  ## regenerate the generated parts of README.md and docs/ (tree, components, data sets, parameters, decisions)
	@$(PY) -m docs.inventory

docs: inventory  ## build the documentation as a site, build/docs/index.html; any warning (a broken link) is an error
	@rm -rf build/docs
	@$(PY) -m sphinx -c docs -d build/doctrees -b html -q -W --keep-going . build/docs
	@echo "Documentation: build/docs/index.html (open it in a browser)"

bench: .venv/.bench  ## measure against other libraries, results checked (ARGS="knn svm" for some; ARGS=--run: make run too)
	@$(PY) -m benchmarks $(ARGS)

bench-quick: .venv/.bench  ## kNN, SVM and MLP against other libraries in under a minute
	@$(PY) -m benchmarks --quick $(ARGS)

public: .venv/.locked  ## run public comparisons, minutes to hours, and write docs/public.md (ARGS="reviews yeast" for some)
	@$(PY) -m benchmarks.public $(ARGS)

clean:  ## delete the outputs and the tools' caches; results come back from DVC's cache with `make run`
	find data -mindepth 1 -maxdepth 1 -type d ! -name raw -exec rm -rf {} +
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info dvc_plots
	find stages pipelines tests -name __pycache__ -type d -prune -exec rm -rf {} +

# ---------------------------------------------------------------- the environment
# The stamp is written last, so an interrupted installation is repeated. Why two locks, and why setuptools goes first:
# docs/decisions/0001-two-locks.md
.venv/.locked: requirements.lock requirements-torch.lock
	@if ! $(PY) -m pip --version >/dev/null 2>&1; then PATH="$${PATH#*:}"; \
	  for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; done; \
	  if [ -z "$${found:-}" ]; then \
	    echo "error: no Python 3.11 or newer found (python3 is $$(python3 --version 2>&1)); install one, or name it: make PYTHON=/path/to/python" >&2; \
	    exit 1; fi; \
	  "$$found" -m venv --clear .venv; fi
	@echo "Installing the locked packages into .venv (once; about three minutes) ..."
	@sed -n '/^setuptools==/,/[^\\]$$/p' requirements.lock > .venv/first.lock
	@$(PIP) --no-deps --require-hashes -r .venv/first.lock
	@$(PIP) --no-deps --require-hashes --no-build-isolation --use-pep517 -r requirements.lock
	@$(PIP) -c requirements-torch.lock torch
	@touch $@

# The libraries that `make bench` compares with; nothing else needs them.
.venv/.bench: .venv/.locked requirements-bench.lock
	@echo "Installing the libraries to compare with ..."
	@$(PIP) --no-deps --require-hashes -r requirements-bench.lock
	@touch $@

PIP := $(PY) -m pip --disable-pip-version-check install -qq --no-input --progress-bar off

UV := $(PY) -m uv pip compile -q --universal --python-version 3.11 --no-header --no-annotate --no-emit-index-url
lock:  ## resolve the locks anew from pyproject.toml and requirements.in (ARGS=--upgrade for newer versions)
	@echo "torch ; sys_platform == 'never'" | $(UV) $(ARGS) --generate-hashes --no-emit-package torch --override - \
	  --extra dev --extra docs -o requirements.lock pyproject.toml requirements.in
	@sed -n 's/^ *"\(torch==[0-9.]*\)",.*/\1/p' pyproject.toml | $(UV) $(ARGS) -c requirements.lock -o requirements-torch.lock -
	@$(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["bench"], sep="\n")' \
	  | $(UV) $(ARGS) --generate-hashes -c requirements.lock \
	  $$(sed -n 's/^\([A-Za-z0-9._-]*\)==.*/--no-emit-package \1/p' requirements.lock) -o requirements-bench.lock -
	@echo "requirements.lock: $$(grep -c == requirements.lock) packages; requirements-torch.lock: $$(grep -c == requirements-torch.lock)," \
	  "requirements-bench.lock: $$(grep -c == requirements-bench.lock)"
