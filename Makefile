# make install   .venv in this checkout, everything pinned by constraints.txt
# make run       a node, a second AE as PACS, the sample sent to it; ARGS="FILE…" sends your own
# make page      the reading page for browsers, from its TypeScript (part of run and test)
# make test      ARGS="tests/unit -k name" runs a part
# make lint      style, format, types, import rules: the same as the commit hook
# make bench     every measure of benchmarks/, one after the other; ARGS="receive" runs one

SHELL := /bin/bash
.PHONY: install page run test lint bench

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PINNED := -c constraints.txt
UV := uv==0.13.9
LOG := .venv/install.log
HAS_GPU := $(wildcard /proc/driver/nvidia/version /dev/nvidiactl)

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or later is needed: make install PYTHON=python3.11"; exit 2; }
	@echo "Installing into .venv, once: about 350 MB to download, 1.7 GB on disk, one to three minutes."
	@echo "1/3 environment"
	@$(PYTHON) -m venv .venv
	@echo "2/3 torch $(if $(HAS_GPU),for the GPU of this machine,without CUDA: there is no GPU here)"
	@$(if $(HAS_GPU),true,$(CPU_TORCH))
	@echo "3/3 the project and its libraries; the larger ones:"
	@set -o pipefail; $(PIP) install --progress-bar off $(PINNED) -e '.[dev]' 2>$(LOG) | $(LARGER_ONES) \
	  || { cat $(LOG); echo "make install failed: mend what stands above and run it again."; exit 2; }
	@touch $@
	@echo "Installed."

# On Linux the index's plain torch brings gigabytes of CUDA packages. Where pip's own settings lead to no other build,
# uv gets the CPU one, from where torch's makers publish it (docs/decisions/0001-torch-without-cuda.md).
TORCH_OF_PIP = $(PIP) install --dry-run --no-deps --ignore-installed --quiet --report - $(PINNED) torch 2>/dev/null
CPU_TORCH = if [ "$$(uname -s)" = Linux ] && ! $(TORCH_OF_PIP) | grep -q '"version": "[^"]*+cpu"'; then \
	  $(PIP) install --quiet $(UV) \
	  && $(BIN)/uv pip install --quiet --python $(BIN)/python --torch-backend=cpu $(PINNED) torch 2>>$(LOG) \
	  || echo "No CPU build of torch could be had: the full one follows, some GB more (docs/decisions/0001)."; fi
LARGER_ONES = sed -n -u -E -e 's/^ *(Downloading|Using cached) ([^ ]*\/)?([A-Za-z0-9_.]+)-[^ ]* \(([0-9.]+ MB)\).*/    \3 \4/p' \
	  -e 's/^Installing collected packages.*/    unpacking/p'

page: install
	@$(BIN)/python -m dicom_node.page.build

run: page
	@$(BIN)/dicom-node demo $(ARGS)

test: page
	@$(BIN)/python -m pytest $(ARGS)

lint: install
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: install
	@$(BIN)/python -m benchmarks $(ARGS)
