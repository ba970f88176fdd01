# Two commands for everybody: make demo, make test. The rest is for developers.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= demo/result

.PHONY: help setup demo test check format bench lock clean

help:
	@echo "make demo [DATA=folder] [OUT=folder]  set up, run the pipeline, say where the report is"
	@echo "make test    set up and run the tests"
	@echo "make check   format, lint, types, import contracts, tests"
	@echo "make bench   run the benchmarks and print their table"
	@echo "make setup   only set up $(VENV); make lock: renew requirements/dev.lock (needs uv)"

setup: $(READY)

$(READY): requirements/dev.lock pyproject.toml requirements/check_machine.py
	@$(PYTHON) requirements/check_machine.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (about 1 GB, some minutes on a slow line) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
ifdef DATA
	@$(BIN)/pomona run "$(DATA)" --out "$(OUT)" --overwrite
else
	@test -d demo/fruit || $(BIN)/pomona sample demo/fruit
	@$(BIN)/pomona run demo/fruit --out "$(OUT)" --overwrite
endif

test: setup
	@$(BIN)/python -m pytest

check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: setup
	@$(BIN)/python -m benchmarks

lock:
	uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header -c requirements/constraints.txt \
	  -o requirements/dev.lock

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
