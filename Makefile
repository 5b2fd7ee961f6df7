# Every target sets itself up: a .venv with the pinned dependencies and this checkout in it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test check format serve bench lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Broadsheet needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.11 ..." % sys.version_info[:2]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: $(STAMP) ## do the whole main job on the sample workspace, into a local inbox
	@$(BIN)/broadsheet demo

test: $(STAMP) ## run the whole test suite
	$(BIN)/python -m pytest

check: $(STAMP) ## format, lint, types, layers
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/broadsheet-migrations-check

format: $(STAMP) ## put the code into its standard form
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix src tests benchmarks

serve: $(STAMP) ## the web pages on http://127.0.0.1:8000
	$(BIN)/broadsheet serve

bench: $(STAMP) ## measure, and print the figures
	$(BIN)/python -m benchmarks

lock: ## pin the newest dependencies that fit pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --no-emit-find-links --upgrade --custom-compile-command "make lock" \
		--output-file requirements.lock pyproject.toml

clean: ## remove the .venv, caches and local state
	rm -rf $(VENV) .broadsheet .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
