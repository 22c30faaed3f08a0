# Everything a new machine needs is CPython 3.11 or later, pip and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test check bench clean

demo: $(INSTALLED)  ## train, segment, measure and compare on simulated cases, into demo/
	$(BIN)/myoseg demo -o demo

test: $(INSTALLED)  ## the test suite
	PATH="$(abspath $(BIN)):$$PATH" scripts/test

check: $(INSTALLED)  ## what CI runs: lint, types, import contracts, tests with coverage
	PATH="$(abspath $(BIN)):$$PATH" scripts/check

bench: $(VENV)/.peers  ## the benchmarks, each against a named peer
	PATH="$(abspath $(BIN)):$$PATH" scripts/bench

# torch goes first and at its pinned version: the packages that need it then keep it.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $(INSTALLED)

$(VENV)/.peers: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[bench]"
	touch $(VENV)/.peers

clean:
	rm -rf $(VENV) demo
