# Everything a newcomer needs: make demo, make test. Only Python 3.11+, make and a package index are assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
# uv finds it, or fetches it; pyenv's is found only where it stands.
PYTHON312 ?= $(firstword $(wildcard $(or $(PYENV_ROOT),$(HOME)/.pyenv)/versions/3.12.*/bin/python) 3.12)
STAMP := $(VENV)/.ready

.PHONY: setup demo dev docs test quick-tests test-long lint types nightly focus-validate second-opinion bench-peers lock clean

setup: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $(STAMP)

# Type checkers do not follow the editable finder; they follow these links.
build/typing/meterbook: $(STAMP)
	mkdir -p $@
	for room in assets pipelines sql rate_cards reports; do ln -sfn ../../../$$room $@/$$room; done

demo: setup
	$(BIN)/meterbook demo demo

dev: setup
	mkdir -p .dagster && cp dagster.yaml .dagster/dagster.yaml
	DAGSTER_HOME=$(CURDIR)/.dagster METERBOOK=$${METERBOOK:-$(CURDIR)/demo} $(BIN)/dagster dev -w workspace.yaml

docs: setup
	$(BIN)/python -m meterbook.pipelines.tables && $(BIN)/python -m meterbook.pipelines.formats
	$(BIN)/python -m meterbook.pipelines.telemetry_contract

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup build/typing/meterbook
	$(BIN)/mypy

# Two processes on two cores: threads of their own would only wait for each other. Bytecode is kept: tests take seconds to compile.
ALONE := PYTHONDONTWRITEBYTECODE= METERBOOK_THREADS=1 POLARS_MAX_THREADS=1 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

# Types are checked while tests run: one process by itself would leave the other core idle for half a minute.
test: lint
	$(MAKE) --no-print-directory --jobs 2 types quick-tests

quick-tests: setup
	$(ALONE) $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not nightly and not long"

# Whole books, browsers and properties of money: what is submitted has to pass these too.
test-long: setup
	$(ALONE) $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "long and not nightly"

# The official validator of FOCUS files needs a Python of its own; where there is none the nightly tests skip it, with that reason.
build/focus-validator/.ready: tests/focus_validator/requirements.txt $(STAMP)
	$(UV) venv --quiet --clear --python $(PYTHON312) build/focus-validator
	$(UV) pip install --quiet --python build/focus-validator/bin/python --require-hashes -r $<
	touch $@

focus-validate: setup build/focus-validator/.ready
	METERBOOK_FOCUS=1 $(BIN)/pytest tests/focus_validator

# AutoETS is large, and nothing else needs what it brings: an environment of its own, with all of ours at the same versions.
build/forecast/.ready: tests/second_opinion/requirements.txt $(STAMP)
	$(UV) venv --quiet --clear --python $(BIN)/python build/forecast
	$(UV) pip install --quiet --python build/forecast/bin/python --require-hashes -r $<
	$(UV) pip install --quiet --python build/forecast/bin/python --no-deps --no-build-isolation --editable .
	touch $@

second-opinion: setup build/forecast/.ready
	build/forecast/bin/python -m pytest tests/second_opinion

# What meterbook is measured beside: an environment of its own, with all of ours at the same versions.
build/peers/.ready: tests/bench_peers/requirements.txt $(STAMP)
	$(UV) venv --quiet --clear --python $(BIN)/python build/peers
	$(UV) pip install --quiet --python build/peers/bin/python --require-hashes -r $<
	$(UV) pip install --quiet --python build/peers/bin/python --no-deps --no-build-isolation --editable .
	touch $@

bench-peers: setup build/peers/.ready
	build/peers/bin/python -m pytest tests/bench_peers
	build/peers/bin/meterbook bench peers

nightly: lint types
	-$(MAKE) build/focus-validator/.ready
	-$(MAKE) build/forecast/.ready
	-$(MAKE) build/peers/.ready
	test ! -e build/forecast/.ready || build/forecast/bin/python -m pytest tests/second_opinion
	test ! -e build/peers/.ready || build/peers/bin/python -m pytest tests/bench_peers
	METERBOOK_NIGHTLY=1 $(ALONE) $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lock:
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --extra ui --extra gpu --extra notify --extra email --extra dev --no-emit-index-url --no-emit-find-links --no-header pyproject.toml build-requirements.in -o requirements.lock
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --extra forecast --constraint requirements.lock --no-emit-index-url --no-emit-find-links --no-header pyproject.toml build-requirements.in tests/second_opinion/requirements.in -o tests/second_opinion/requirements.txt
	$(UV) pip compile --universal --python-version 3.11 --generate-hashes --extra bench --constraint requirements.lock --no-emit-index-url --no-emit-find-links --no-header pyproject.toml build-requirements.in tests/bench_peers/requirements.in -o tests/bench_peers/requirements.txt

clean:
	rm -rf $(VENV) build demo .dagster
