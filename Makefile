# make demo     installs everything and runs the main job on the shipped photos
# make test     installs everything and runs all tests
# make check    formatter, linter, types, layering
#
# VENV=DIR uses (or makes) an environment elsewhere, PYTHON=... the interpreter that makes it,
# WORKERS=N the number of test processes.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= 2

BIN := $(VENV)/bin
STAMP := $(VENV)/.amodal-installed

# Several processes share the cores: one thread each, or they wait for one another.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: install demo test check format clean lint-page test-page

install: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("amodal needs Python 3.11 or newer, found " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@# Some systems ship venv without ensurepip: then the outer pip installs pip into the environment.
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV) && $(PYTHON) -m pip --python $(BIN)/python install pip; }
	$(BIN)/python -m pip install --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: install
	$(BIN)/amodal demo --out demo-out

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory lint-page

test: install test-page
	@$(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS)

# The annotation page by itself, in TypeScript. Node is needed to work on it, not to use it.
ifeq ($(shell command -v npm),)
lint-page test-page:
	@echo "no npm: $@ is left out"
else
lint-page: web/node_modules
	cd web && npm run --silent lint
test-page: web/node_modules
	cd web && npm test --silent
endif

web/node_modules: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf build dist demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
