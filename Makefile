# Every target sets up what it needs in .venv; nothing but python3 (3.11 or newer, with venv) and make is expected.
# Another interpreter: make PYTHON=python3.12 test

PYTHON ?= python3
VENV   ?= .venv
PYTEST_ARGS ?=

BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip --quiet --disable-pip-version-check
RUN     := $(VENV)/.installed
DEV     := $(VENV)/.installed-dev
BENCH   := $(VENV)/.installed-bench
WHEELS  := $(VENV)/.wheelhouse

.PHONY: help demo test test-slow lint docs bench clean
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1@\2/p' $(MAKEFILE_LIST) | tr '@' '\t'

demo: $(RUN) ## run the main job on synthetic data: one folder that may be published, one that may not
	@rm -rf demo
	$(BIN)/guard demo demo
	$(BIN)/guard release demo/open --policy cn-open-data --audience public --out demo/release
	$(BIN)/guard verify demo/release
	@echo
	@echo "The other half holds secrets, a secrecy mark and a line list of patients. The answer is no (exit 1):"
	$(BIN)/guard check demo/withheld --policy cn-open-data --audience public; \
	code=$$?; if [ $$code -ne 1 ]; then echo "expected exit 1, got $$code" >&2; exit 1; fi
	@echo
	@echo "Released: demo/release/public (send this on) and demo/release/evidence (keep this)."

test: $(DEV) $(WHEELS) ## run the test suite without the tests of gigabyte files
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist worksteal $(PYTEST_ARGS)

test-slow: $(DEV) $(WHEELS) ## run the tests of gigabyte files
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

lint: $(DEV) ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy scripts
	$(BIN)/lint-imports

docs: $(DEV) ## write the generated pages and the screen in the READMEs again
	$(BIN)/python scripts/make_docs.py

bench: $(BENCH) ## throughput side by side with the peers; writes docs/benchmarks.md
	$(BIN)/python scripts/bench.py $(BENCH_ARGS)

clean: ## remove everything that the other targets made
	rm -rf $(VENV) demo bench-data build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps make each installation run once; a changed pyproject.toml runs it again.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: python 3.11 or newer is needed; name one with make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The build runs Guard, to compile its loops; it is in an environment of its own until all that it needs is here.
$(RUN): pyproject.toml hatch_build.py | $(BIN)/python
	$(PIP) install --editable .
	$(PIP) install hatchling editables
	@touch $@

$(DEV): pyproject.toml $(RUN)
	$(PIP) install --no-build-isolation --editable '.[dev]'
	@touch $@

$(BENCH): pyproject.toml $(DEV)
	$(PIP) install --no-build-isolation --editable '.[dev,bench]'
	@touch $@

# What tests/test_packaging.py installs from, so that the test itself needs no network.
$(WHEELS): pyproject.toml $(DEV)
	@rm -rf $(VENV)/wheelhouse
	$(PIP) wheel --no-build-isolation --wheel-dir $(VENV)/wheelhouse .
	@rm -f $(VENV)/wheelhouse/disclosure_guard-*.whl
	@touch $@
