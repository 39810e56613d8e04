# `make bench`: environment, install, the main job on the embedded default.
# `make test`: environment, install, every check.
# `make soak`: hundreds of kills and interrupts, disks that fill up; some minutes.
# uv where it is present, pip alone where it is not.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null)

.PHONY: bench test check soak format schemas benchmark clean

bench: $(VENV)/.installed
	$(BIN)/llmroute bench

test: $(VENV)/.checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --dist loadgroup

check: test

soak: $(VENV)/.checks
	$(BIN)/pytest tests/soak -m soak -s -p no:cacheprovider

format: $(VENV)/.checks
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schemas: $(VENV)/.installed
	$(BIN)/python -m llmroute.config.json_schemas

benchmark: $(VENV)/.checks
	$(BIN)/python benchmarks/run.py

$(VENV)/bin/python:
ifdef UV
	$(UV) venv --python '>=3.11' $(VENV)
else
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "llmroute needs Python 3.11 or later; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
endif

# Bytecode is compiled while installing: without it every start pays seconds for litellm.
$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
ifdef UV
	$(UV) pip install --python $(BIN)/python --compile-bytecode -e .
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --compile -e .
endif
	touch $@

$(VENV)/.checks: requirements-dev.txt $(VENV)/.installed
ifdef UV
	$(UV) pip install --python $(BIN)/python --compile-bytecode -r requirements-dev.txt -e '.[bleu,embed]'
else
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --compile -r requirements-dev.txt -e '.[bleu,embed]'
endif
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
