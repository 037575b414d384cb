# Two commands: `make demo` shows the whole job on real pictures, `make test` runs every check there is.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Two processes of one thread each take half the time of one process of two threads.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test test-all check format install clean

demo: $(VENV)/installed
	$(BIN)/intarsia demo

test: check
	$(PYTEST) -m "not slow"

test-all: check
	$(PYTEST)

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Intarsia needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) demo runs .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
