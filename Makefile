# Needs python3 (3.11 or later), pip and make; everything else is installed below .venv, per interpreter:
#   PYTHON=python3.12 make test

PYTHON ?= python3
PYTEST_ARGS ?=
FAST_TESTS := tests/core tests/structure tests/stablehlo

TAG := $(shell $(PYTHON) -c 'import sys; print(sys.implementation.cache_tag)')
ifeq ($(TAG),)
$(error '$(PYTHON)' does not run. Set PYTHON to an interpreter, 3.11 or later)
endif
VENV := .venv/$(TAG)
BENCH_VENV := .venv/$(TAG)-bench
PIP := -m pip install --quiet --disable-pip-version-check

.PHONY: demo test check format bench clean

# Runs the examples and writes their figures.
demo: $(VENV)/.installed-demo
	$(VENV)/bin/python examples/run_all.py

# All tests.
test: $(VENV)/.installed-test
	$(VENV)/bin/python -m pytest -n auto $(PYTEST_ARGS)

# Before each commit, about a minute: format, lint, types, layers, fast tests.
check: $(VENV)/.installed-dev
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python
	$(VENV)/bin/lint-imports
	$(VENV)/bin/python -m pytest -q -n auto -m "not slow" $(FAST_TESTS)

format: $(VENV)/.installed-dev
	$(VENV)/bin/ruff check --fix --exit-zero .
	$(VENV)/bin/ruff format .

# Times numax beside JAX, which lives in an environment of its own.
bench: $(BENCH_VENV)/.installed-bench
	$(BENCH_VENV)/bin/python benchmarks/run_all.py

clean:
	rm -rf .venv .hypothesis .pytest_cache .ruff_cache .import_linter_cache build dist *.egg-info
	find numax tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV)/.installed-%: pyproject.toml setup.py $(wildcard numax/*.[ch])
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP) --editable '.[$*]'
	touch $@

$(BENCH_VENV)/.installed-%: pyproject.toml setup.py $(wildcard numax/*.[ch])
	test -x $(BENCH_VENV)/bin/python || $(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python $(PIP) --editable '.[$*]'
	touch $@

.PRECIOUS: $(VENV)/.installed-% $(BENCH_VENV)/.installed-%
