# The Fine-Tuning Case Files. `make course` and `make test` each work on a fresh clone.

PYTHON ?= python3
# A package index with CPU builds of torch and torchvision; empty: the usual index.
TORCH_INDEX ?=
# One case for `make evidence`; empty: all.
CASE ?=
# More options for pytest and JupyterLab.
TEST_ARGS ?=
LAB_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --progress-bar off

.DEFAULT_GOAL := help
.PHONY: help course test test-slow lab notebooks report site evidence evidence-check bench lint \
	clean

help:
	@echo "make course     install, run every notebook at full pace, write report/"
	@echo "make lab        open JupyterLab on your own copies of the notebooks (my_work/)"
	@echo "make test       install and run the tests"
	@echo "make test-slow  every notebook on one core with 2 GB at quick pace, and other long tests"
	@echo "make notebooks  execute and publish notebooks/*.ipynb from notebooks/source"
	@echo "make report     write report/ again from the results that are there"
	@echo "make site       write site/: the course as web pages, with verdicts and glossary"
	@echo "make evidence   run what data/evidence records, resuming (CASE=name for one)"
	@echo "make evidence-check  run one recorded run again, at random, and compare (CASE=name)"
	@echo "make bench      time the parts of the course"
	@echo "make lint       check the style of the code"
	@echo "make clean      remove .venv, report/ and site/; never my_work/"
	@echo ""
	@echo "PYTHON=python3.12 chooses the interpreter; TORCH_INDEX=URL an index of torch builds."

course: $(VENV)/.runtime
	@$(BIN)/ftlearn fetch
	@$(BIN)/ftlearn run all --pace full; ran=$$?; \
	$(BIN)/ftlearn report --pace full && exit $$ran

test: $(VENV)/.test
	@$(BIN)/ftlearn fetch
	@$(BIN)/python -m pytest $(TEST_ARGS)

test-slow: $(VENV)/.test
	@$(BIN)/ftlearn fetch
	@$(BIN)/python -m pytest -m slow $(TEST_ARGS)

lab: $(VENV)/.runtime
	@$(BIN)/ftlearn fetch
	@$(BIN)/ftlearn lab $(LAB_ARGS)

notebooks: $(VENV)/.runtime
	@$(BIN)/ftlearn fetch
	@$(BIN)/ftlearn build all

report: $(VENV)/.runtime
	@$(BIN)/ftlearn report --pace full

site: $(VENV)/.runtime
	@$(BIN)/ftlearn site

evidence: $(VENV)/.runtime
	@$(BIN)/ftlearn fetch
	@$(BIN)/ftlearn evidence $(CASE)

evidence-check: $(VENV)/.runtime
	@$(BIN)/ftlearn fetch
	@$(BIN)/ftlearn evidence --check $(CASE)

bench: $(VENV)/.runtime
	@$(BIN)/ftlearn fetch
	@$(BIN)/ftlearn bench

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV) report site build dist *.egg-info .pytest_cache .ruff_cache

$(VENV)/.base: constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	echo "The course needs Python 3.10 or newer; '$(PYTHON)' is older or absent."; \
	echo "Name another one, for instance: make $(firstword $(MAKECMDGOALS)) PYTHON=python3.12"; \
	exit 1; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
ifneq ($(strip $(TORCH_INDEX)),)
	@echo "Installing torch from $(TORCH_INDEX) ..."
	@$(PIP) --no-deps --index-url $(TORCH_INDEX) -c constraints.txt torch torchvision
endif
	@touch $@

$(VENV)/.runtime: $(VENV)/.base pyproject.toml
	@echo "Installing the course; the first time this takes a few minutes ..."
	@$(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/.base pyproject.toml
	@echo "Installing the course and its test tools; the first time this takes a few minutes ..."
	@$(PIP) -c constraints.txt -e ".[test]"
	@touch $@ $(VENV)/.runtime

$(VENV)/.dev: $(VENV)/.base pyproject.toml
	@echo "Installing the course and its development tools ..."
	@$(PIP) -c constraints.txt -e ".[dev]"
	@touch $@ $(VENV)/.test $(VENV)/.runtime
