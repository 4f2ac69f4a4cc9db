# `make demo` and `make test` need Python 3.13 and pip, nothing else.
PYTHON ?= python3.13
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed

.PHONY: demo test unit stories sim sweep status bench infra audit package fuzz conformance lint clean clients

$(STAMP): requirements.txt requirements-dev.txt
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	@echo "installing what requirements-dev.txt names into $(VENV) (once)"
	@$(PY) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: $(STAMP)
	@$(PY) -m demo

sim: $(STAMP)
	@$(PY) -m simulator

# make sweep SUBSCRIPTION=<id> [APP=<id>] [JSON=1]; the id of several subscriptions, spaces between, in quotes.
# APP is the function app's resource id: its settings are read, SUBSCRIPTIONS among them. Changes nothing.
sweep status: $(STAMP)
	@$(PY) -m cli $@ $(SUBSCRIPTION:%=--subscription %) $(APP:%=--app %) $(if $(JSON),--json)

bench: $(STAMP)
	@$(PY) -m bench

# Real Azure clients, each in an environment of its own (.clients, some GiB), against the simulator; no part of
# `make test`. NAMES="az ansible" runs some of them: az, custodian, arm-compute (needs Node 20), ansible.
clients: $(STAMP)
	@$(PY) -m tests.clients $(NAMES)

# Needs the Bicep compiler: on PATH, or named by BICEP.
infra:
	@infra/build.sh

# What checkov finds in the template, held against the answers in infra/lint/checkov.toml; and what zizmor
# finds in the workflows, which must be nothing.
audit: requirements-audit.txt
	@test -d .venv-audit || $(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-audit.txt
	@.venv-audit/bin/python infra/audit.py .venv-audit/bin/checkov
	@.venv-audit/bin/zizmor --offline --quiet .github

# What is deployed, as the folder .package/app and as .package/app.zip.
package: $(STAMP)
	@$(PY) infra/package.py

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# As many processes as there are cores, each with simulators and hosts of its own.
test: lint
	$(PY) -m pytest -n auto --dist worksteal

# Pure tests: no sockets, no processes.
unit: $(STAMP)
	$(PY) -m pytest -n auto --dist worksteal tests/unit

stories: $(STAMP)
	$(PY) -m pytest -n auto --dist worksteal tests/stories

# Ten thousand broken and hostile disks; `make test` tries some of them.
fuzz: $(STAMP)
	MUTATIONS=10400 $(PY) -m pytest tests/proof/test_hostile.py

# What the simulator answers beside what Azure did: simulator/CONFORMANCE.md, which says what RECORDINGS is.
conformance: $(STAMP)
	@$(PY) -m pip install --quiet --disable-pip-version-check -r tests/conformance/requirements.txt
	@$(PY) -m tests.conformance --recordings $(RECORDINGS)

clean:
	rm -rf $(VENV) .venv-audit .demo .bench .sim .package .clients .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
