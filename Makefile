# make demo   the whole loop, once, on photographs that come with the project
# make test   install what the tests need, and run them
# make test-fast   the tests that need no server and no browser: under a minute
# make bench  the benchmarks, and their table in docs/benchmarks.md; some: BENCH="infer listing"
# make check  everything that must hold: format, lint, types, imports, docs, limits, tests

PYTHON ?= python3
BIN := .venv/bin
# What is not compiled when it is installed is compiled once, when it is first used.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-fast bench check lint docs clean

demo: .venv/installed
	$(BIN)/annoloop demo

test: .venv/installed-dev
	$(BIN)/python tests/install_browser.py
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 3 --dist loadfile --no-loadscope-reorder
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under 90

test-fast: .venv/installed-dev
	$(BIN)/python -m pytest -q -n 3 -m "not server and not bucket and not browser and not slow"

bench: .venv/installed-dev
	$(BIN)/python benchmarks/run_all.py $(BENCH)

check: .venv/installed-dev
	$(MAKE) --jobs 2 lint test

lint: .venv/installed-dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check
	$(BIN)/python tests/limits.py

docs: .venv/installed-dev
	$(BIN)/python docs/generate.py

clean:
	rm -rf .venv

# uv is quick; where it cannot reach the package index as pip is set to, pip installs.
.venv/bin/uv:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "uv>=0.9,<1"

.venv/installed: .venv/bin/uv pyproject.toml
	$(BIN)/uv pip install --python $(BIN)/python --editable . \
	|| $(BIN)/python -m pip install --no-compile --editable .
	touch $@

.venv/installed-dev: .venv/installed pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --group dev \
	|| $(BIN)/python -m pip install --quiet --no-compile --group dev
	touch $@
