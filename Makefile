# Everything runs in its own environment, .venv. The first target of a fresh clone builds it: with
# `uv` when that is on the PATH, else with `python -m venv` and pip. bookmaker/environment.sh does it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

# Without byte-code caches importing TensorFlow takes ten seconds instead of four, in every kernel.
unexport PYTHONDONTWRITEBYTECODE

VENV ?= .venv
PY := $(VENV)/bin/python
UV := $(shell command -v uv 2>/dev/null)
WORKERS ?= 2
# Each of the workers computes in one thread: two of two threads wait for each other on two cores.
ONE_THREAD := TF_NUM_INTRAOP_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# `make test` runs what changed since it was green, as tests/green.json records it, and a tenth of
# the rest; FULL=1 runs all, but of labs those that changed and of replays a sixth; FULL=1 WEEKLY=1
# runs these, too. What passes is recorded. `python -m bookmaker changed` chooses, says how many
# and about how long they take, and lists the notebooks, labs where their data are.
# Kernels are forked from a process that has imported TensorFlow; COLD=1 starts each by itself, as
# builds do.
CHOSEN ?= build/chosen.json
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg \
    --nbval-cell-timeout 300

# nbgrader's course; `make clean` keeps it.
COURSE ?= build/course

INPUTS := requirements.txt constraints.txt pyproject.toml
READER := $(VENV)/.reader-ready
DEVELOPER := $(VENV)/.developer-ready

.PHONY: help lab check test choose site bench assignment roster collect grade formgrader feedback export \
    manual slides book format lint lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

lab: $(READER) ## set up the environment and open your copy of the book, work/, in JupyterLab
	@$(PY) -m recsys_book lab $(LAB_ARGS)

check: $(DEVELOPER) ## in two minutes: style, types, lessons, and fast tests of what was touched
	@$(PY) -m bookmaker hooks

test: choose lint ## style, types, and tests, notebooks, mutants, grading that changed (FULL=1: all)
# The longest files first and in this order, so that no worker is left with one of them at the end.
# A worker that is killed is replaced once: what killed it would kill the next one, too.
# A run that PYTEST_ARGS narrows proves nothing about the rest, and records nothing.
	@set --; \
	while IFS= read -r one; do set -- "$$@" "$$one"; done < "$(CHOSEN).notebooks"; \
	RECSYS_PROGRESS=0 RECSYS_KEEP_PROGRESS=0 $(ONE_THREAD) $(PY) -m pytest \
	    -n $(WORKERS) --max-worker-restart 1 --dist loadfile --no-loadscope-reorder $(NBVAL) \
	    -p bookmaker.gate.chosen_tests $(if $(COLD),,--warm-kernels) --chosen "$(CHOSEN)" \
	    "$$@" tests $(PYTEST_ARGS)

# First of all, so that who waits knows for what and how long.
choose: $(DEVELOPER)
	@mkdir -p "$$(dirname "$(CHOSEN)")"
	@$(PY) -m bookmaker changed --chosen "$(CHOSEN)" --workers $(WORKERS) $(if $(FULL),--all) \
	    $(if $(WEEKLY),--weekly) > "$(CHOSEN).notebooks"

site: $(DEVELOPER) ## build the website in build/site/html (REPOSITORY=address, for its buttons)
	@$(PY) -m bookmaker site --repository "$(REPOSITORY)"

bench: $(READER) ## print the benchmark table
	@$(PY) -m benchmarks

assignment: $(DEVELOPER) ## release all exercises, or LESSON=name (DUE=2026-12-08, SEED=n, FORCE=1, COURSE=folder)
	@$(PY) -m bookmaker assignment $(LESSON) --course "$(COURSE)" $(if $(SEED),--seed $(SEED)) \
	    $(if $(FORCE),--force) $(if $(DUE),--due "$(DUE)")

roster: $(DEVELOPER) ## import the students of ROSTER=file.csv into the course
	@$(PY) -m bookmaker roster "$(ROSTER)" --course "$(COURSE)"

collect: $(DEVELOPER) ## file the notebooks in SUBMISSIONS=folder (LESSON=name if they do not tell, NEWEST=1)
	@$(PY) -m bookmaker collect "$(SUBMISSIONS)" --course "$(COURSE)" \
	    $(if $(LESSON),--lesson "$(LESSON)") $(if $(NEWEST),--newest)

grade: $(DEVELOPER) ## grade what was collected and is new, or LESSON=name only
	@$(PY) -m bookmaker grade $(LESSON) --course "$(COURSE)"

formgrader: $(DEVELOPER) ## open nbgrader's formgrader on the course: points for open answers
	@$(PY) -m bookmaker formgrader --course "$(COURSE)" --lab-args="$(LAB_ARGS)"

feedback: $(DEVELOPER) ## write a page for each student and lesson that is graded
	@$(PY) -m bookmaker feedback $(LESSON) --course "$(COURSE)"

export: $(DEVELOPER) ## write the grades as CSV, for Canvas and Moodle too
	@$(PY) -m bookmaker export --course "$(COURSE)"

manual: $(DEVELOPER) ## write the manual for instructors, with all solutions, into build/manual
	@$(PY) -m bookmaker manual

slides: $(DEVELOPER) ## write slides for every lesson into build/slides
	@$(PY) -m bookmaker slides

book: $(DEVELOPER) ## rebuild notebooks whose text changed (CHANGED=1: whose inputs did), or LESSON=name
	@$(PY) -m bookmaker links
	@$(PY) -m bookmaker cells $(LESSON)
	@$(PY) -m bookmaker build $(if $(LESSON),--force $(LESSON)) $(if $(CHANGED),--changed)
	@$(PY) -m bookmaker ledger
	@$(PY) -m bookmaker index
	@$(PY) -m bookmaker course

format: $(DEVELOPER) ## format library, tests and the lessons' code
	@$(PY) -m ruff check --fix --quiet . || true
	@$(PY) -m ruff format .
	@$(PY) -m bookmaker format

lint: $(DEVELOPER) ## check style and types of library and tests
	@$(PY) -m bookmaker hooks ruff-check ruff-format mypy

lock: ## renew constraints.txt, the exact versions that CI uses (needs uv)
	@uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
	    --no-annotate --no-header --upgrade --quiet --output-file constraints.txt

clean: ## remove the environment, caches and build products; your copies and the course stay
	[ ! -d "$(VENV)" ] || { touch "$(VENV)/.half-made"; rm -f $(READER) $(DEVELOPER); }
	[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name course -exec rm -rf {} +
	rm -rf "$(VENV)" dist .pytest_cache .ruff_cache .mypy_cache .hypothesis recsys_lib.egg-info
	find . -path ./work -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
	find chapters -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +

# Builds the environment, renews its packages, and heals what a kill left half-made.
environment = VENV="$(VENV)" UV="$(UV)" PYTHON="$(PYTHON)" GOALS="$(MAKECMDGOALS)" \
    bash bookmaker/environment.sh

$(READER): $(PY) $(INPUTS)
	@$(environment) book $@

$(DEVELOPER): $(PY) $(INPUTS)
	@$(environment) test,instructor,browser,site $@ $(READER)

# Its Python is missing, or gone since: whatever was ready is not.
$(PY):
	@rm -f $(READER) $(DEVELOPER)
