# Everything a person or a machine does with the project. `make help` tells what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
FEAST := .venv-feast
PROD := .venv-prod
export DO_NOT_TRACK := true
export GX_ANALYTICS_ENABLED := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install run up test test-crash test-spark test-soak test-feast test-fuzz bench bench-quick bench-large check format lock clean test-prod test-security audit

help:  ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMP): requirements.lock setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if (3, 11) <= v[:2] < (3, 14) else f"Python 3.11, 3.12 or 3.13 is needed; $(PYTHON) is {v[0]}.{v[1]}. Name another: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv==0.13.8
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

install: $(STAMP)  ## Create .venv from the lock file (the other targets do it when needed)

run: $(STAMP)  ## The main job: three simulated weeks, the last night through Airflow, then how it went
	$(BIN)/ctr demo --env demo

up: $(STAMP)  ## Start Airflow, the MLflow pages and the report pages on this machine, until Ctrl-C
	$(BIN)/ctr up

test: $(STAMP)  ## Run all tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-crash: $(STAMP)  ## Kill nine commands CRASH_KILLS times in all (216), and run each again: half an hour to an hour
	$(BIN)/python -m pytest -m long -s -o timeout=0 tests/crash $(PYTEST_ARGS)

test-soak: $(STAMP)  ## Run a year of small nights (half an hour; goes on with CTR_SOAK_FOLDER=...)
	$(BIN)/python -m pytest -m long tests/reliability/test_year_of_nights.py $(PYTEST_ARGS)

test-feast: $(STAMP)  ## Test the Feast repository; Feast wants other versions, so in an environment of its own
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(FEAST)
	$(BIN)/uv pip install --quiet --python $(FEAST)/bin/python --require-hashes -r requirements-feast.lock
	$(BIN)/uv pip install --quiet --python $(FEAST)/bin/python --no-deps -e .
	$(FEAST)/bin/python -m pytest tests/jobs/test_feast.py

test-spark: $(STAMP)  ## Run the tests that start Apache Spark (needs Java 17, 21 or 25)
	$(BIN)/python -m pytest -m spark tests/engines $(PYTEST_ARGS)

bench: $(STAMP)  ## Measure the pipeline beside other ways to do its work; some 20 minutes on 2 cores, and as much again to make its data
	$(BIN)/python -m bench

bench-quick: $(STAMP)  ## The same on small sizes, under five minutes
	$(BIN)/python -m bench --quick

bench-large: $(STAMP)  ## Nights of 5 and 20 million and ETL of 20 million: hours, 24 GB of memory, about 100 GB of disk
	$(BIN)/python -m bench --large

test-fuzz: $(STAMP)  ## Ten times as much generated bad input as in `make test`, other each time, and what became of it
	$(BIN)/python -m pytest tests/fuzz --hypothesis-profile=fuzz -o timeout=0 $(PYTEST_ARGS)

# What production needs asks for another python-dateutil than everything else, so it has an environment of its own.
$(PROD)/.installed: $(STAMP) requirements-prod.lock
	$(BIN)/uv venv --quiet --allow-existing --python $(BIN)/python $(PROD)
	$(BIN)/uv pip install --quiet --python $(PROD)/bin/python --require-hashes -r requirements-prod.lock
	$(BIN)/uv pip install --quiet --python $(PROD)/bin/python --no-deps -e .
	@touch $@

test-prod: $(PROD)/.installed  ## Test PostgreSQL, object storage and an MLflow server (needs PostgreSQL's packages)
	$(PROD)/bin/python -m pytest tests/production $(PYTEST_ARGS)

test-security: $(STAMP)  ## Attack nights of a hostile log and a running stack as well, with a browser where there is one (minutes)
	$(BIN)/python -m pytest -m "long or not long" tests/security $(PYTEST_ARGS)

audit: $(PROD)/.installed  ## Compare the locked packages with the published advisories (needs the internet)
	$(PROD)/bin/python .ci/audit requirements.lock requirements-prod.lock

check: $(STAMP)  ## Formatting, lint, types and import direction
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## Format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(STAMP)  ## Resolve the versions anew and write the lock files
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade setup.cfg --extra dev -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade setup.cfg --extra dev --extra feast -o requirements-feast.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade setup.cfg --extra dev --extra prod --extra test-prod -o requirements-prod.lock

clean:  ## Remove the state folder var/ (tables, models, reports); the environment stays
	rm -rf var
