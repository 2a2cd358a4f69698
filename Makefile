# Each target first makes .venv from nothing but Python >= 3.11 with venv and pip.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
VENDOR := central/web/static/vendor/.ready

.PHONY: demo test lint check bench test-browser test-long wheel deb test-deb lock clean
.DELETE_ON_ERROR:

demo: $(READY) $(VENDOR)      ## plant, central and agent on loopback; DEMO_SECONDS=30 stops by itself
	@$(BIN)/edge-sim demo

# Most tests wait for something, so one more runs than there are processors; those that measure
# milliseconds run afterwards, in two: they wait for three quarters of their time. On a machine with
# noisy neighbours TIMING_WORKERS=1. COV=--cov measures branch coverage over both.
WORKERS ?= $(shell expr $$(nproc) + 1)
TIMING_WORKERS ?= 2
LOADFILE := --dist loadfile --no-loadscope-reorder

test: $(READY) $(VENDOR)      ## the default suite
	$(BIN)/python -m pytest -n $(WORKERS) $(LOADFILE) -m 'not browser and not long and not timing' $(COV) $(if $(COV),--cov-report=)
	$(BIN)/python -m pytest -n $(TIMING_WORKERS) $(LOADFILE) -m 'timing and not long' $(COV) $(if $(COV),--cov-append --cov-report=term:skip-covered)

lint: $(READY)                ## format, lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint                   ## all of that, and the tests with branch coverage
	$(MAKE) test COV=--cov

bench: $(READY)               ## counts bytes at the socket; prints a table
	$(BIN)/python -m tests.bench

test-browser: $(READY) $(VENDOR)  ## the page in headless Chromium (Debian's package chromium)
	$(BIN)/python -m pytest -m browser tests/browser

test-long: $(READY) $(VENDOR) ## the long forms: minutes
	$(BIN)/python -m pytest -m long --timeout=3600

$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

# htmx and uPlot, by the versions and hashes of package-lock.json; Node itself is a Python package.
$(VENDOR): $(READY) central/web/package-lock.json central/web/vendor.py
	$(BIN)/python central/web/vendor.py
	touch $@

lock:                         ## new lock files from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements/agent.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra central pyproject.toml -o requirements/central.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --extra central --extra web-build --extra dev pyproject.toml -o requirements/dev.txt

wheel: $(READY) $(VENDOR)     ## dist/*.whl, what a gateway or a server installs
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w dist .

ARCH ?= amd64 arm64
deb: wheel                    ## dist/gas-edge-agent_*.deb for Debian 12, 13 and Raspberry Pi OS, 64-bit; ARCH=arm64 for one
	$(BIN)/python systemd/debian/build.py --wheel $$(ls -t dist/gas_gateway-*.whl | head -1) $(addprefix --arch ,$(ARCH)) --out dist

test-deb: $(READY) $(VENDOR)  ## the package in clean debootstrap folders, as root: a new gateway, upgrade, downgrade, removal
	$(BIN)/python -m pytest -m long tests/systemd --timeout=3600

clean:
	rm -rf .venv .demo dist central/web/static/vendor central/web/node_modules
