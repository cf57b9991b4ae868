# Two commands do everything on a fresh machine: `make demo` and `make test`.
# They need Python 3.11+, git and make; the rest is installed into .venv and a cache outside of this folder.

# The first that runs and is new enough; a name on PATH may be a shim of something that is not installed.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$name; break; fi; done)
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: help demo test coverage test-peers lint format docs bench lock build clean

help: ## Show what can be made.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.ready: requirements.lock pyproject.toml tools/devenv.py
	@echo "setting up $(VENV) with $(PYTHON)"
	@$(PYTHON) tools/devenv.py $(VENV)
	@touch $@

demo: $(VENV)/.ready ## From YAML in git to bots in sync: check, build, serve, reconcile, break, find, mend.
	@$(RUN) python tools/demo.py

test: $(VENV)/.ready ## Every test that a newcomer's machine can run.
	@$(RUN) python -m pytest -n auto -m "not peers" tests

coverage: $(VENV)/.ready ## The same, and which lines they reach.
	@$(RUN) python -m pytest -n auto -m "not peers" --cov --cov-report=term:skip-covered tests

test-peers: $(VENV)/.ready ## The heavy real peers: the agents' own programs, a Kubernetes API, Vault.
	@$(RUN) python -m pytest -m peers tests

lint: $(VENV)/.ready ## Style, types, import contracts, dependencies, generated pages, and our own registry.
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) lint-imports
	@$(RUN) deptry .
	@cd tools && $(subst $(BIN),../$(BIN),$(RUN)) ../$(BIN)/python -m docgen --check
	@$(RUN) molthub check --strict

format: $(VENV)/.ready ## Format the code.
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

docs: $(VENV)/.ready ## Generate the reference pages anew.
	@cd tools && ../$(BIN)/python -m docgen

bench: $(VENV)/.ready ## Time the line, beside the nearest tools, as ratios of one run.
	@$(RUN) python tools/bench

lock: ## Choose the newest versions and write requirements.lock.
	@$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
		--all-extras --group dev --output-file requirements.lock --upgrade pyproject.toml

build: $(VENV)/.ready ## Build the wheel and the source distribution into dist/.
	@$(RUN) python -m build --no-isolation

clean: ## Remove what was made here; the cache outside stays.
	@rm -rf $(VENV) site demo dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
