# `make demo` and `make test` need Python 3.13 and pip, or uv, nothing else.
PYTHON ?= python3.13
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test unit stories sim sweep plan status report pictures bench infra audit package sbom notice wheel lock fuzz
.PHONY: conformance lint clean clients

# Each line that begins with `## ` is shown by `make help`.
help:
	@sed -n 's/^## //p' Makefile

# Creates the virtual environment $(1), unless it exists: with PYTHON, or with uv if no PYTHON was named.
NO_PYTHON := Stillframe needs Python 3.13: install it, or uv (https://docs.astral.sh/uv), \
  or name one: make PYTHON=/path/to/python3.13 $(or $(firstword $(MAKECMDGOALS)),test)
new_venv = test -x $(1)/bin/python || { \
  if "$(PYTHON)" -c 'import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; \
  then "$(PYTHON)" -m venv $(1); \
  elif test "$(origin PYTHON)" = file && command -v uv >/dev/null; \
  then uv venv --quiet --seed --python 3.13 $(1); \
  else echo "$(NO_PYTHON)" >&2; exit 1; fi; }

$(STAMP): requirements-dev.txt
	@$(call new_venv,$(VENV))
	@echo "installing what requirements-dev.txt names into $(VENV) (once)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

## demo         a simulated subscription, the app, and a scenario with fifteen VMs
demo: $(STAMP)
	@$(PY) -m demo

## sim          the simulator and the app, until Ctrl-C
sim: $(STAMP)
	@$(PY) -m simulator

# make sweep SUBSCRIPTION=<id> [APP=<id>] [JSON=1] [ARGS=--csv]; several ids are quoted and separated by spaces.
# APP is the function app's resource id: its settings are read, including SUBSCRIPTIONS. Changes nothing.
## sweep        what a sweep finds and would do: make sweep SUBSCRIPTION=<id>; default: all that you can see
## plan         only what would be done now; arguments as for sweep
## status       every order and its next step; arguments as for sweep
## report       the same and the bill as one HTML file; arguments as for sweep
sweep plan status report: $(STAMP)
	@$(PY) -m cli $@ $(SUBSCRIPTION:%=--subscription %) $(APP:%=--app %) $(if $(JSON),--json) $(ARGS)

# Needs make demo before, Node, chromium or chrome, and npm ci --prefix tests/page/browser.
## pictures     the pictures of the report in docs/pictures
pictures: $(STAMP)
	@$(PY) -m tests.page

## bench        the benchmark
bench: $(STAMP)
	@$(PY) -m bench

# Real Azure clients, each in its own environment (.clients, some GiB), against the simulator; not part of
# `make test`. NAMES="az ansible" runs some of them: az, custodian, arm-compute (needs Node 20), ansible.
## clients      real Azure clients against the simulator; some GiB
clients: $(STAMP)
	@$(PY) -m tests.clients $(NAMES)

# Needs the Bicep compiler: on PATH, or named by BICEP.
## infra        the template and its snapshots, from Bicep
infra:
	@infra/build.sh

# Compares what checkov finds in the template with the answers in infra/lint/checkov.toml; zizmor must find
# nothing in the workflows.
## audit        checkov on the template, zizmor on the workflows
audit: requirements-audit.txt
	@$(call new_venv,.venv-audit)
	@.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-audit.txt
	@.venv-audit/bin/python infra/audit.py .venv-audit/bin/checkov
	@.venv-audit/bin/zizmor --offline --quiet .github

# What is deployed, as the folder .package/app and as .package/app.zip.
## package      what is deployed: .package/app.zip
package: $(STAMP)
	@$(PY) infra/package.py

## sbom         its bill of materials: .package/sbom.cdx.json
sbom: package
	@$(PY) -m infra.sbom

## notice       NOTICE, from the licences of what requirements.txt locks
notice: $(STAMP)
	@$(PY) -m infra.licences

## wheel        what pip installs, the commands: dist/*.whl
wheel: $(STAMP)
	@$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir dist .

# Writes requirements.txt and requirements-dev.txt from the .in files. Locked versions stay, unless UPGRADE=1 or
# the .in file requires another.
## lock         the locked requirements, from requirements.in and requirements-dev.in; UPGRADE=1 upgrades them
LOCK := $(VENV)/bin/uv pip compile --quiet --generate-hashes --python-version 3.13
lock: $(STAMP)
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) $(if $(UPGRADE),--upgrade) \
	  --python-platform x86_64-manylinux_2_28 --output-file requirements.txt requirements.in
	@UV_CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) $(if $(UPGRADE),--upgrade) \
	  --universal --output-file requirements-dev.txt requirements-dev.in

## lint         ruff, mypy and the layers
lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

## test         lint, then all tests, in as many processes as there are cores
test: lint
	$(PY) -m pytest -n auto --dist worksteal

## unit         the tests that need no socket
unit: $(STAMP)
	$(PY) -m pytest -n auto --dist worksteal tests/unit

## stories      the app in a simulated subscription
stories: $(STAMP)
	$(PY) -m pytest -n auto --dist worksteal tests/stories

# Ten thousand damaged and hostile disks; `make test` reads some of them.
## fuzz         ten thousand hostile disks
fuzz: $(STAMP)
	MUTATIONS=10400 $(PY) -m pytest tests/proof/test_hostile.py

# Compares the simulator's responses with Azure's: simulator/CONFORMANCE.md, which says what RECORDINGS is.
## conformance  the simulator compared with recordings of Azure: RECORDINGS=<folder>
conformance: $(STAMP)
	@$(PY) -m pip install --quiet --disable-pip-version-check -r tests/conformance/requirements.txt
	@$(PY) -m tests.conformance --recordings $(RECORDINGS)

## clean        remove everything that these targets created, including the environments
clean:
	rm -rf dist $(VENV) .venv-audit .demo .bench .sim .package .clients .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
