# make run   creates .venv, loads the bundled example submissions, serves on http://127.0.0.1:8080
# make test  the whole test suite
# The first Python that runs and is new enough.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then command -v $$p; break; fi; done)
VENV   ?= .venv
BIN    := $(VENV)/bin
STORE  ?= var/store
HOST   ?= 127.0.0.1
PORT   ?= 8080

# `make test` can run against another installation, from another folder: CI tests the wheel that way.
TEST_PYTHON ?= $(abspath $(BIN))/python
TEST_FOLDER ?= .
WORKERS     ?= 2
# The packages are named for the examples in their docstrings.
PYTEST       = cd $(TEST_FOLDER) && $(TEST_PYTHON) -m pytest -n $(WORKERS) --dist loadgroup --pyargs tests codelists dsd converters service

.PHONY: run load test test-long lint types imports licences check lock benchmarks clean

run: $(STORE)/.loaded
	$(BIN)/ilms serve --host $(HOST) --port $(PORT) --store $(STORE)

load: $(STORE)/.loaded

# The example database comes from the bundled workbooks through the converter and the rules.
$(STORE)/.loaded: $(VENV)/.installed $(wildcard converters/examples/submissions/*)
	$(BIN)/ilms load --bundled --report summary --store $(STORE)
	@touch $@

$(VENV)/.installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, with its venv module: install it, or say make run PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[server,postgres,s3,dev]'
	@touch $@

# pysdmx reads what we write (tests, benchmarks); its pins are older than ours, hence an environment of its own.
.venv-pysdmx/.installed: tests/oracles/pysdmx.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, with its venv module"; exit 1; }
	$(PYTHON) -m venv .venv-pysdmx
	.venv-pysdmx/bin/python -m pip install --quiet --disable-pip-version-check -r tests/oracles/pysdmx.txt
	@touch $@

ifeq ($(TEST_PYTHON),$(abspath $(BIN))/python)
test test-long: $(VENV)/.installed-dev
endif

test:
	$(PYTEST) -m "not long" $(ARGS)

test-long:
	$(PYTEST) -m long $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports

licences: $(VENV)/.installed-dev
	$(BIN)/python .ci/licences.py

check: lint types imports licences

benchmarks: $(VENV)/.installed-dev .venv-pysdmx/.installed
	for script in benchmarks/*.py; do $(BIN)/python $$script $(ARGS) || exit 1; done

# The one place where versions are chosen; review the diff.
lock: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --upgrade --all-extras --strip-extras --no-header --no-annotate --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o constraints.txt pyproject.toml

clean:
	rm -rf $(VENV) .venv-pysdmx var dist build
