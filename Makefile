# Everything a person or a CI machine does here. Each target sets up what it needs by itself.
#
#   make demo    the street on soundworld: prepare, pack, train two models, measure, report, search, describe
#   make test    all tests
#   make check   formatting, lint, types, layers
#   make bench   every figure of docs/numbers.md (QUICK=1 for a short run)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
JOBS ?= 2
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup demo test check format bench clean

help:
	@sed -n 's/^#   //p' Makefile

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(READY)

demo: $(READY)
	$(BIN)/audiolect demo --out demo --overwrite

test: $(READY)
	$(BIN)/python -m pytest --numprocesses $(JOBS)

check: $(READY)
	$(BIN)/ruff format --check src tests bench
	$(BIN)/ruff check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format src tests bench
	$(BIN)/ruff check --fix src tests bench

bench: $(READY)
	$(BIN)/python bench/all.py $(if $(QUICK),--quick) --write docs/numbers.md

clean:
	rm -rf $(VENV) demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
