# Every target sets itself up: a .venv with the pinned dependencies and this checkout in it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Test processes side by side: more than there are processors, as much of the time they wait.
WORKERS ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo inbox pages serve test check format torture bench pictures screenshots catalogues lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Broadsheet needs Python 3.11 or newer; this is %d.%d. Try: make PYTHON=python3.11 ..." % sys.version_info[:2]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

demo: $(STAMP) ## do the whole main job on the sample workspace, into a local inbox
	@$(BIN)/broadsheet demo

# The demo keeps its database and its mails apart from the workspace's own; inbox and pages show those.
inbox: $(STAMP) ## read the demo's mails in a browser
	@BROADSHEET_STATE=.broadsheet/demo $(BIN)/broadsheet inbox

pages: $(STAMP) ## the pages behind the links in the demo's mails, on http://127.0.0.1:8000
	@BROADSHEET_STATE=.broadsheet/demo $(BIN)/broadsheet serve

serve: $(STAMP) ## the console on a year of made-up history, on http://127.0.0.1:8000/console/
	@$(BIN)/broadsheet demo --serve

# Side by side; then what failed there once more, alone; then, alone, those that measure time, as others would make them
# late. Pytest ends with 1 if tests failed and with more if it was interrupted; a file that can't be read stands among what
# failed without a "::". Neither is mended by a second time.
PYTEST = $(BIN)/python -m pytest
FAILED := .pytest_cache/v/cache/lastfailed

test: $(STAMP) ## run the whole test suite
	@rm -f $(FAILED); \
	$(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not clock"; code=$$?; \
	if [ $$code -eq 1 ]; then \
		twice=$$($(BIN)/python -c 'import json; print(*json.load(open("$(FAILED)")), sep="\n")'); \
		if echo "$$twice" | grep -v "::"; then exit 2; fi; \
		printf 'Failed side by side, so run once more, alone:\n%s\n' "$$twice"; \
		$(PYTEST) --verbose --last-failed --last-failed-no-failures none -m "not clock"; code=$$?; \
	fi; \
	if [ $$code -gt 1 ]; then exit $$code; fi; \
	$(PYTEST) -m clock || code=1; \
	if [ -n "$$twice" ]; then printf 'Run a second time, see above what came of it:\n%s\n' "$$twice"; fi; \
	exit $$code

check: $(STAMP) ## format, lint, types, layers, migrations
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/lint-imports
	BROADSHEET_STATE=.broadsheet/check DJANGO_SETTINGS_MODULE=broadsheet.settings $(BIN)/python -m django makemigrations --check --dry-run

format: $(STAMP) ## put the code into its standard form
	$(BIN)/ruff format src tests benchmarks docs
	$(BIN)/ruff check --fix src tests benchmarks docs

torture: $(STAMP) ## kill senders, cut connections, lock the database, and count every copy (half an hour)
	$(BIN)/python -m tests.sending.torture
	LONG=1 $(BIN)/python -m pytest -s tests/sending/test_pace.py tests/cluster/test_workers.py tests/cluster/test_cut_off.py

bench: $(STAMP) ## measure, and print the figures
	$(BIN)/python -m benchmarks

pictures: $(STAMP) ## draw the pictures in docs/pictures anew (needs Chromium)
	$(BIN)/python docs/make_pictures.py

screenshots: $(STAMP) ## take a picture of every screen of the console (needs Chromium)
	$(BIN)/python docs/make_screenshots.py

catalogues: $(STAMP) ## gather the messages of pages and notices, and compile their translations
	$(BIN)/python docs/make_catalogues.py

lock: ## pin the newest dependencies that fit pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-emit-index-url --no-emit-find-links --upgrade --custom-compile-command "make lock" \
		--output-file requirements.lock pyproject.toml

clean: ## remove the .venv, caches and local state
	rm -rf $(VENV) .broadsheet .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
