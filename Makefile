# Two commands for everybody: make demo, make test. The rest is for developers.
PYTHON ?= python3
VENV := .venv
KERAS := .venv-keras
FINETUNE := .venv-finetune
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= demo/result
TSC := node_modules/.bin/tsc
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
RUNTIME := src/pomona/serving/static/vendor/VERSION

.PHONY: help setup web java stores demo test test-keras test-finetune recogniser lint lint-page check format bench lock clean

help:
	@echo "make demo [DATA=folder] [OUT=folder]  set up, run the pipeline, say where the report is"
	@echo "make test    set up and run the tests"
	@echo "make test-keras  the tests that compare with Keras, in $(KERAS)"
	@echo "make recogniser DATA=folder STRANGERS=folder  make a default recogniser anew, in $(FINETUNE)"
	@echo "make test-finetune  the tests that need PyTorch, in $(FINETUNE)"
	@echo "make lint    format, lint, types, import contracts; make check: these and the tests"
	@echo "make lint-page  only the types of the phone app's JavaScript (needs npm)"
	@echo "make bench   run the benchmarks and print their table"
	@echo "make java    fetch Java into the user's cache, where none that fits is here"
	@echo "make web     fetch what the phone app needs to recognise by itself (needs npm)"
	@echo "make setup   only set up $(VENV); make lock: renew requirements/dev.lock (needs uv)"

setup: $(READY) web java

# Without it everything works but recognition on the phone: no reason to stop a set-up.
web:
	@if ! command -v npm > /dev/null; then \
	  echo "No npm here: the phone app will ask the server. Install Node.js 20, then run 'make web'."; \
	else $(MAKE) --no-print-directory $(RUNTIME) || \
	  echo "The phone app will ask the server. To mend it, read npm's words above, then run 'make web'."; fi

# Says nothing where a Java that fits is on the PATH, in JAVA_HOME or in the user's cache.
java: $(READY)
	@$(BIN)/python -m pomona.spark.java

$(RUNTIME): package.json package-lock.json tools/copy_runtime.mjs
	@echo "Fetching the phone app's runtime (npm, about 175 MB, of which 4 stay in the package) ..."
	@$(NPM_CI)
	@node tools/copy_runtime.mjs

$(READY): requirements/dev.lock pyproject.toml requirements/check_machine.py
	@$(PYTHON) requirements/check_machine.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (about 1 GB, some minutes on a slow line) ..."
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

PHOTO := examples/fruit/photographs/Royal-Gala/Royal-Gala_021.jpg

demo: setup
ifdef DATA
	@$(BIN)/pomona run "$(DATA)" --out "$(OUT)"
else
	@echo "1. Features, a PCA and a classifier, from $$(find examples/fruit/frames -name '*.jpg' | wc -l) frames of 18 fruits"
	@$(BIN)/pomona run examples/fruit/frames --out "$(OUT)" --classifier logistic --fresh
	@echo
	@echo "2. Which fruit is on a photograph, by the recogniser that comes with Pomona"
	@$(BIN)/pomona predict $(PHOTO) --top 3
endif
	@echo
	@echo "Look at $(OUT)/report/index.html. Then take the phone app in your hand:"
	@echo "  $(BIN)/pomona serve                                        # this machine, camera and all"
	@echo "  $(BIN)/pomona serve --host 0.0.0.0 --tls-self-signed       # your phone too: scan the code it shows"

# Azurite, for the tests of Azure's dialect; without npm they say that they are skipped.
stores:
	@if command -v npm > /dev/null; then $(MAKE) --no-print-directory tests/stores/node_modules/.ready || \
	  echo "The tests of Azure's dialect will be skipped."; fi

tests/stores/node_modules/.ready: tests/stores/package-lock.json
	@echo "Fetching Azurite for the tests (npm, about 190 MB) ..."
	@cd tests/stores && $(NPM_CI)
	@touch $@

# Two at a time, a file on one side only: one Spark, one browser and one server serve it all.
test: setup stores
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# FOLDER,LOCK,GIGABYTES: an environment of its own for what is too heavy for everybody.
define install
@test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
@echo "Installing into $(1) (about $(3) GB) ..."
@$(1)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $(2)
@$(1)/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
@touch $@
endef

test-keras: $(KERAS)/.ready
	@$(KERAS)/bin/python -m pytest tests/backbones tests/presets

$(KERAS)/.ready: requirements/keras.lock pyproject.toml
	$(call install,$(KERAS),$<,3)

# Docs: docs/how-to/default-recogniser.md
RECIPE = $(FINETUNE)/bin/python -m recipes.default_recogniser
LEFT_OUT = openimages6 proyecto mslearn commons psolymos iotbanana
# glibc gives large arrays back after each use and clears them anew, which takes a third of the time.
recogniser: export MALLOC_MMAP_MAX_ = 0
recogniser: export MALLOC_TRIM_THRESHOLD_ = 100000000000
recogniser: $(FINETUNE)/.ready
	@test -n "$(DATA)" -a -n "$(STRANGERS)" || { echo "Say where the pictures are: make recogniser DATA=folder STRANGERS=folder"; exit 2; }
	@$(RECIPE) pack "$(DATA)" "$(STRANGERS)" --out build/pack.parquet
	@$(RECIPE) train build/pack.parquet --out build/measured.npz --minutes 15 --hold-back $(addprefix --leave-out ,$(LEFT_OUT))
	@$(RECIPE) train build/pack.parquet --out build/shipped.npz --minutes 22 --learning-rate 3e-4 $(addprefix --start ,$(START))
	@$(RECIPE) package build/pack.parquet build/shipped.npz build/measured.npz $(ARGS)

test-finetune: $(FINETUNE)/.ready
	@$(FINETUNE)/bin/python -m pytest tests/recipes

$(FINETUNE)/.ready: requirements/finetune.lock pyproject.toml
	$(call install,$(FINETUNE),$<,6)

lint: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory lint-page

# Three sorts of JavaScript, each with the names its place has: page, workers, Node.
lint-page:
	@if ! command -v npm > /dev/null; then \
	  echo "No npm here: the types of the phone app's JavaScript are not checked."; \
	else \
	  { test -x $(TSC) || $(NPM_CI); } && $(TSC) && $(TSC) -p tsconfig.workers.json && \
	  $(TSC) -p tsconfig.tools.json && echo "JavaScript: types are right"; fi

check: lint test

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(BIN)/python tools/stamp_shell.py
	@$(BIN)/python tools/write_schemas.py
	@$(BIN)/python tools/write_cli_reference.py

bench: setup
	@$(BIN)/python -m benchmarks

# TensorFlow is half a gigabyte that only `pomona backbones pull` needs.
LOCK := uv pip compile pyproject.toml --extra fast --extra onnxruntime --extra serve --group dev --universal \
  --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

lock:
	$(LOCK) -c requirements/constraints.txt -o requirements/dev.lock
	$(LOCK) --extra keras -c requirements/dev.lock -o requirements/keras.lock
	$(LOCK) --group finetune -c requirements/dev.lock -o requirements/finetune.lock

clean:
	rm -rf $(VENV) $(KERAS) $(FINETUNE) demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
