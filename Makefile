# Everything a developer runs. Each target installs what it needs into .venv and is quick when nothing changed.
# ARGS passes more on: make run ARGS='ask "How do I add a model?"', make test ARGS='tests/unit -k paths'.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

ARGS ?=
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
TRAIN_PY := .venv-train/bin/python
# Stamps: written when an installation is complete, older than pyproject.toml when it has to be made again.
RUN := .venv/.ready-to-run
DEV := .venv/.ready-to-develop
TRAIN := .venv-train/.ready

.PHONY: help run test check static format bench soak package screenshots builtin-model system

help: ## say what each target does
	@echo "Latchkey. make run and make test are all the set-up there is; the first one compiles llama.cpp (about five minutes)."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: $(RUN) ## open the window (without a display: chat in the terminal)
	@$(PY) -m desktop $(ARGS)

# Two processes halve the time on two cores; more of them would want more memory than a small machine has.
test: $(DEV) ## run the tests
	$(PY) -m pytest -n 2 --dist worksteal $(ARGS)

check: static test ## everything that must be green: format, lint, types, import contracts, tests

static: $(DEV) ## the part of check that runs nothing: format, lint, types, import contracts
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo

format: $(DEV) ## format the code and mend what ruff can mend
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

bench: $(RUN) ## measure speed against a bare llama.cpp loop in the same run
	@$(PY) -m desktop bench $(ARGS)

soak: $(DEV) ## the long tests: hours of use, and the evaluation of the built-in model
	$(PY) -m pytest -m soak --timeout=3600 $(ARGS)

package: $(DEV) ## build wheel and sdist, install the wheel in a fresh environment elsewhere, ask it a question
	rm -rf dist
	$(PY) -m build --outdir dist .
	PYTHON="$(CURDIR)/$(PY)" packaging/try_wheel.sh dist

screenshots: $(RUN) ## write pictures of the window, both themes
	$(PY) packaging/screenshots.py $(ARGS)

builtin-model: $(TRAIN) $(RUN) ## train, convert and quantize the built-in model (PyTorch, up to 90 minutes)
	$(TRAIN_PY) packaging/builtin_model/build.py $(ARGS)

# What stands below installs.

system:
	@packaging/system_packages.sh

# A dangling link counts as missing, so a Python that was upgraded away is replaced.
$(PY): | system
	@python=$$(packaging/find_python.sh) || { \
	    echo "Latchkey needs Python 3.11 or newer with the venv module. Install one, or name it: make PYTHON=/path/to/python3" >&2; \
	    exit 1; }; \
	echo "Making .venv with $$python"; \
	"$$python" -m venv --clear .venv

# pip keeps the llama.cpp it compiled in its cache, so a second .venv takes seconds.
# LLAMA_OPENSSL is off: the worker has no business with the network.
$(RUN): pyproject.toml $(PY) | system
	@ls -d .venv/lib/python3.*/site-packages/llama_cpp >/dev/null 2>&1 || { \
	    echo "Installing into .venv. llama.cpp is compiled for this machine: about five minutes on two cores, the first time."; \
	    echo "pip says 'still running...' while it works."; }
	CMAKE_ARGS="-DLLAMA_OPENSSL=OFF" $(PIP) install --editable .
	@touch $@

$(DEV): $(RUN)
	$(PIP) install --quiet --editable '.[dev]'
	@touch $@

$(TRAIN_PY): | system
	@"$$(packaging/find_python.sh)" -m venv --clear .venv-train

$(TRAIN): packaging/builtin_model/requirements.txt $(TRAIN_PY)
	$(TRAIN_PY) -m pip --disable-pip-version-check install --requirement packaging/builtin_model/requirements.txt
	@touch $@
