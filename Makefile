# Everything a developer runs. Each target installs what it needs into .venv and is quick when nothing changed.
# ARGS passes more on: make run ARGS='ask "How do I add a model?"', make test ARGS='tests/unit -k paths'.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

ARGS ?=
# With another Python (make PYTHON=/path/to/python3.13 test) everything lies in an environment of its own.
ifneq ($(PYTHON),)
    VENV := .venv-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' || echo unusable)
else
    VENV := .venv
endif
export PYTHON VENV
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
TRAIN_PY := .venv-train/bin/python
# Stamps: written when an installation is complete, older than pyproject.toml when it has to be made again.
RUN := $(VENV)/.ready-to-run
DEV := $(VENV)/.ready-to-develop
TRAIN := .venv-train/.ready
LLAMA := $(VENV)/.llama-cpp
# What goes into a bundle, and nothing that developing needs.
BUNDLE_PY := .venv-bundle/bin/python
BUNDLE := .venv-bundle/.ready
# llama.cpp's plug-in for graphics cards, on Linux. VULKAN=no leaves it out.
VULKAN ?= $(if $(filter Linux,$(shell uname -s)),build/plugins/libggml-vulkan.so)
PLUGIN := $(filter-out no,$(VULKAN))

.PHONY: help run test check static format bench soak package bundle deb appimage flatpak-tree screenshots builtin-model real-model system FORCE

help: ## say what each target does
	@echo "Latchkey. make run and make test are all the set-up there is; the first one compiles llama.cpp (six to ten minutes)."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: $(RUN) ## open the window (without a display: chat in the terminal)
	@$(PY) -m desktop $(ARGS)

# Two processes halve the time on two cores; more of them would want more memory than a small machine has.
# The real model is fetched before, since tests have no network; REAL_MODEL=no leaves its tests out, and says which.
test: $(DEV) ## run the tests (REAL_MODEL=no: without those that need the real model)
ifeq ($(REAL_MODEL),no)
	$(PY) -m pytest -n 2 --dist worksteal -m "not soak and not real_model" $(ARGS)
else
	@$(PY) packaging/real_model.py --quiet && $(PY) packaging/minilm.py --quiet || { \
	    echo "Without them: make $@ REAL_MODEL=no" >&2; exit 1; }
	$(PY) -m pytest -n 2 --dist worksteal $(ARGS)
endif

real-model: $(DEV) ## fetch the real models that the tests use into a cache folder, once (98 and 46 MB)
	@$(PY) packaging/real_model.py
	@$(PY) packaging/minilm.py

check: static test ## everything that must be green: format, lint, types, import contracts, tests

static: $(DEV) ## the part of check that runs nothing: format, lint, types, import contracts
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-logo

format: $(DEV) ## format the code and mend what ruff can mend
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

bench: $(RUN) ## measure speed against a bare llama.cpp loop in the same run
	@$(PY) -m desktop bench $(ARGS)

soak: $(DEV) ## the long tests: hours of use, and the evaluation of the built-in model
	@$(PY) packaging/real_model.py --quiet
	@$(PY) packaging/minilm.py --quiet
	$(PY) -m pytest -m soak --timeout=3600 $(ARGS)

package: $(DEV) ## build wheel and sdist, install the wheel in a fresh environment elsewhere, ask it a question
	rm -rf dist
	$(PY) -m build --outdir dist .
	PYTHON="$(CURDIR)/$(PY)" packaging/try_wheel.sh dist

bundle: $(BUNDLE) $(PLUGIN) ## build the folder that runs where there is no Python, Qt or compiler (VULKAN=no: no graphics cards)
	$(BUNDLE_PY) packaging/bundle/build.py $(if $(PLUGIN),--vulkan $(PLUGIN)) $(ARGS)

deb: bundle ## build a package for Debian and Ubuntu of it, into dist/
	$(BUNDLE_PY) packaging/linux/deb.py

appimage: bundle ## build an AppImage of it, into dist/ (packaging/README.md names what that takes)
	$(BUNDLE_PY) packaging/linux/appimage.py

flatpak-tree: bundle ## lay it out for flatpak-builder, in build/flatpak-tree
	rm -rf build/flatpak-tree
	$(BUNDLE_PY) packaging/linux/installed_tree.py build/bundle/latchkey build/flatpak-tree

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
	echo "Making $(VENV) with $$python"; \
	"$$python" -m venv --clear $(VENV)

# Quick where $(VENV) holds the llama.cpp that belongs to this compiler and machine; the file changes only where it did not.
$(LLAMA): FORCE $(PY) | system
	@$(PY) packaging/llama_wheel.py

$(RUN): pyproject.toml $(LLAMA) $(PY) | system
	$(PIP) install --quiet --editable .
	@touch $@

$(DEV): $(RUN)
	$(PIP) install --quiet --editable '.[dev]'
	@touch $@

$(BUNDLE_PY): | system
	@"$$(packaging/find_python.sh)" -m venv --clear .venv-bundle

# llama.cpp first: pip would compile another one.
$(BUNDLE): pyproject.toml packaging/llama_wheel.py $(BUNDLE_PY)
	$(BUNDLE_PY) packaging/llama_wheel.py --portable
	$(BUNDLE_PY) -m pip --disable-pip-version-check install --quiet '.[bundle]'
	@touch $@

build/plugins/libggml-vulkan.so: pyproject.toml packaging/bundle/gpu_plugin.sh | $(BUNDLE)
	PYTHON="$(CURDIR)/$(BUNDLE_PY)" sh packaging/bundle/gpu_plugin.sh vulkan

$(TRAIN_PY): | system
	@"$$(packaging/find_python.sh)" -m venv --clear .venv-train

$(TRAIN): packaging/builtin_model/requirements.txt $(TRAIN_PY)
	$(TRAIN_PY) -m pip --disable-pip-version-check install --requirement packaging/builtin_model/requirements.txt
	@touch $@
