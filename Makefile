# Everything on a machine with only python3 (3.11 or newer) and make: `make demo`, `make test`.
# The tools live in .venv, which is made once and again when pyproject.toml changes.

# The first python that is new enough; `make PYTHON=/opt/python/bin/python3` takes another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input
STAMP := .venv/.made

.PHONY: help install test demo check format bench docs grammar kernel kernel-fuzz clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

install: $(STAMP) ## rulec and its tools in .venv

$(STAMP): pyproject.toml
	@test -n "$(PYTHON)" || { echo "rulec needs Python 3.11 or newer; no python3 here is" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make a virtual environment; on Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "making .venv; this takes a minute, and is done once"
	@$(PYTHON) -m venv .venv
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install --editable . --group dev
	@touch $@

# Many tests wait for packets, so there may be half as many more at a time as there are processors.
AT_ONCE = $$(( $$(nproc 2>/dev/null || echo 2) * 3 / 2 + 1 ))

test: $(STAMP) ## all tests; those with the real iptables need root, and say so
	@$(BIN)/python -m pytest --numprocesses $(AT_ONCE) tests

demo: $(STAMP) ## a short tour
	@sh examples/demo.sh $(BIN)/rulec

check: $(STAMP) ## style, types and floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(STAMP) ## the code in its one form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(STAMP) ## how fast it is, beside iptables-restore
	@$(BIN)/python -m tests.bench

docs: $(STAMP) ## the pages and schemas of docs/ that are written from the code
	@$(BIN)/python -m docs.generate

grammar: $(STAMP) ## rulec/syntax/tables.py, from the grammar
	@$(BIN)/python -m rulec.syntax.generate

N := 200000

kernel: $(STAMP) ## what only a running kernel shows, and a dump of a million connections; needs root
	@$(BIN)/python -m pytest --numprocesses $(AT_ONCE) tests/kernel
	@$(BIN)/python -m tests.bench --only hot

kernel-fuzz: $(STAMP) ## random rulesets and N packets, against the real kernel; needs root
	@$(BIN)/python -m tests.kernel.fuzz --packets $(N)

clean: ## away with .venv and what the tools left
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
