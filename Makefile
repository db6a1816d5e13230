PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DOCS_READY := .venv/.docs-ready
TYPES := .venv/types.txt

.DEFAULT_GOAL := help

help: ## list what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

setup: $(READY) ## make the environment in .venv from the locked dependencies

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $(READY)

$(DOCS_READY): requirements-docs.lock $(READY)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-docs.lock
	@touch $(DOCS_READY)

demo: setup ## recommend, explain, train and test on a real dataset, beside baselines
	$(BIN)/python -m taskaware.studies.demo

# The processes that the tests start read compiled modules instead of compiling each for themselves.
# The check of types fills the time in which tests wait, and so do three processes on two cores.
test: export PYTHONDONTWRITEBYTECODE =
test: setup ## check style, layers, types, docs and behaviour
	$(BIN)/ruff check taskaware tests benchmarks experiments conftest.py
	$(BIN)/ruff format --check taskaware tests benchmarks experiments conftest.py
	$(BIN)/lint-imports
	@$(BIN)/mypy >$(TYPES) 2>&1 & types=$$!; \
	  $(BIN)/python -m pytest -n 3 --dist worksteal; tests=$$?; \
	  wait $$types; typed=$$?; echo "Types:"; cat $(TYPES); exit $$((tests | typed))

fuzz: setup ## ten thousand odd tables and two thousand damaged files
	$(BIN)/python -m benchmarks.fuzz --tables 10000 --artefacts 2000

chaos: setup ## killed studies and saves, savers beside readers, bad jobs, the same command twice at once
	$(BIN)/python -m benchmarks.chaos --kills 100 --jobs 1200

dist: setup ## build wheel and sdist in dist/, install the wheel into an empty environment, and try it
	$(BIN)/python -m benchmarks.dist

docs: $(DOCS_READY) ## build the site in build/docs; INTERSPHINX=1 also links names of jax, numpy, ... (needs a network)
	$(BIN)/python -m sphinx -W --keep-going --quiet $(if $(INTERSPHINX),-t intersphinx) \
	  -c docs/site -d build/doctrees . build/docs
	@echo "The site is in build/docs; open build/docs/index.html"

notebooks: setup ## execute the notebooks and write their outputs into them
	$(BIN)/python -m benchmarks.notebooks --write

bench: bench-recommend bench-predict bench-trainer bench-runner bench-search bench-service bench-quality ## all benchmarks

bench-recommend: setup ## time from call to answer
	$(BIN)/python benchmarks/recommend.py

bench-predict: setup ## time and memory of predictions for a million rows
	$(BIN)/python benchmarks/predict.py

bench-trainer: setup ## candidates per second beside scikit-learn and, where it is installed, PyTorch
	$(BIN)/python benchmarks/trainer.py

bench-runner: setup ## overhead of each engine, two processes beside one, the store under load
	$(BIN)/python benchmarks/runner.py

bench-search: setup ## evaluations per second of searches, beside a plain loop and, where it is installed, PyGlove
	$(BIN)/python benchmarks/search.py

bench-service: setup ## the service under load: recommendations and predictions
	$(BIN)/python benchmarks/service.py

bench-quality: setup ## worth in trainings on tasks held out
	$(BIN)/python benchmarks/quality.py
	$(BIN)/python benchmarks/evaluator.py

lock: setup ## lock the dependencies anew (needs uv)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra docs --constraint requirements.lock --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet -o requirements-docs.lock

clean: ## remove the environment and what was built
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache

.PHONY: help setup demo test chaos fuzz dist docs notebooks bench bench-recommend bench-predict bench-trainer bench-runner \
  bench-search bench-service bench-quality lock clean
