# Two commands serve a newcomer: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do command -v $$p >/dev/null 2>&1 && { echo $$p; break; }; done)
BIN := .venv/bin
ARGS ?=

.PHONY: help demo test check setup setup-dev contracts page bench lock clean \
  campaign-power-cut campaign-determinism campaign-kills campaign-resume campaign-settlement campaign-plans campaign-coalitions campaign-forecast campaign-steps campaign-invariants campaign-guard campaign-install gas slither bench-peers campaign-diagnosis campaign-edge campaign-dark campaign-faults

help: ## what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: setup ## set everything up and play one day of an alliance of six stations (ARGS='--once --json' to end by itself)
	@$(BIN)/alliance demo $(ARGS)

test: setup-dev ## set everything up, check style, types and layers, and run every test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@npm run --silent --workspace frontend test
	@$(BIN)/pytest -n 2 $(ARGS)

bench: setup-dev ## measure speed, memory and gas, as ratios in one run (JSON in the last line)
	@$(BIN)/alliance bench $(ARGS)

bench-peers: setup-dev .venv-peers/.ready ## ask PyPSA and FlexMeasures the same as our planner (JSON in the last line)
	@$(BIN)/pytest -q -m campaign tests/cli/test_bench_fleet.py
	@$(BIN)/alliance bench --case fleet --peers --fleet-case site --fleet-case base --fleet-case tight --size 100 --seeds 5 $(ARGS)

.venv-peers/.ready: requirements/peers.txt
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/peers.txt
	@touch $@

campaign-power-cut: setup-dev ## cut the power of every real store at many points (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.power_cut $(ARGS)

campaign-determinism: setup-dev ## play two whole days of one seed and compare every byte (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.determinism $(ARGS)

campaign-kills: setup-dev ## kill processes of the demo again and again (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.kills $(ARGS)

campaign-resume: setup-dev ## play several days, each by a new run, and audit all of them (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.resume $(ARGS)

campaign-settlement: setup-dev ## ask both implementations of the settlement rules the same (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.settlement $(ARGS)

campaign-plans: setup-dev ## plan random fleets by two paths and doctor their certificates (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.plans $(ARGS)

campaign-coalitions: setup-dev ## solve every coalition of random alliances and hold the split against it (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.coalitions $(ARGS)

campaign-forecast: setup-dev ## forecast four hours ahead, anew every hour of two months, on the measured series
	@$(BIN)/pytest -n 2 -m campaign tests/optimizer/forecasting $(ARGS)

campaign-steps: setup-dev ## kill the service at each of its durable steps; mutate the contracts' guards
	@$(BIN)/pytest -n 2 -m campaign --ignore tests/optimizer $(ARGS)

campaign-invariants: setup-dev ## call the contracts at random half a million times and mutate them (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.invariants $(ARGS)

campaign-guard: setup-dev ## a million random states and commands through the station box's guard (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.guard $(ARGS)

campaign-install: setup-dev ## install the station box into an empty environment and drive it as a new user (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.install $(ARGS)

campaign-diagnosis: setup-dev ## ask hundreds of batteries what they can still give, test them, reduce a day of cells (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.diagnosis $(ARGS)

campaign-edge: setup-dev ## a day of station boxes on a hostile link: cuts, kills, wrong clocks, full disks (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.edge $(ARGS)

campaign-dark: setup-dev ## a day of station boxes alone: orders against F3, then all comes back (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.dark $(ARGS)

campaign-faults: setup-dev ## every fault of the fault table through simulators, drivers and box, and a month without any (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.faults $(ARGS)

gas: setup-dev ## measure the gas of every call and write contracts/gas.json (JSON in the last line)
	@$(BIN)/python -m tests.contracts.gas

slither: setup-dev .venv-slither/.ready ## Slither over the contracts: every finding explained, or it fails (JSON in the last line)
	@$(BIN)/python -m tests.contracts.slither

.venv-slither/.ready: requirements/slither.txt
	@$(PYTHON) -m venv .venv-slither
	@.venv-slither/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/slither.txt
	@touch $@

campaign-evidence: setup-dev ## tell thousands of lies about a day of evidence, and vary it harmlessly (JSON in the last line)
	@$(BIN)/python -m tests.campaigns.evidence $(ARGS)

setup: check .venv/.demo-ready node_modules/.ready contracts/out/.ready frontend/dist/.ready
setup-dev: check .venv/.dev-ready node_modules/.ready tests/peers/node_modules/.ready contracts/out/.ready frontend/dist/.ready

check:
	@sh .ci/check "$(PYTHON)"

contracts: node_modules/.ready ## compile the contracts and write contracts/artifacts
	@node contracts/compile.mjs

page: frontend/dist/.ready ## build the page

lock: ## pin the Python packages anew (needs uv)
	@for set in "dev --extra dev" "demo --extra simulation -c requirements/dev.txt" "edge --extra edge -c requirements/dev.txt" "audit --extra audit -c requirements/dev.txt"; do \
	  name=$${set%% *}; uv pip compile -q pyproject.toml $${set#* } -o requirements/$$name.txt --no-emit-index-url --no-annotate --no-header --universal; done
	@printf 'flexmeasures\npypsa\nhighspy\n' | uv pip compile -q - -o requirements/peers.txt --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11
	@echo slither-analyzer | uv pip compile -q - -o requirements/slither.txt --no-emit-index-url --no-annotate --no-header --universal --python-version 3.11

clean: ## remove what the demo and the tests left, keep the packages
	@rm -rf .alliance .pytest_cache .mypy_cache .ruff_cache contracts/cache contracts/out frontend/dist

.venv/bin/python:
	@echo "[1/5] virtual environment"
	@$(PYTHON) -m venv .venv

.venv/.demo-ready: requirements/demo.txt pyproject.toml | .venv/bin/python
	@echo "[2/5] Python packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/demo.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

.venv/.dev-ready: requirements/dev.txt .venv/.demo-ready
	@echo "[2/5] Python packages for the tests"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@

node_modules/.ready: package-lock.json
	@echo "[3/5] npm packages"
	@npm ci --silent --no-progress
	@touch $@

tests/peers/node_modules/.ready: tests/peers/package-lock.json
	@echo "[3/5] npm packages of outside programs that the tests compare with"
	@cd tests/peers && npm install --no-save --silent --no-progress --omit=optional --ignore-scripts --no-audit --no-fund
	@touch $@

contracts/out/.ready: node_modules/.ready $(shell find contracts/src contracts/compile.mjs 2>/dev/null)
	@echo "[4/5] contracts"
	@node contracts/compile.mjs --check
	@mkdir -p contracts/out && touch $@

frontend/dist/.ready: node_modules/.ready $(shell find frontend -path frontend/node_modules -prune -o -path frontend/dist -prune -o -type f -print 2>/dev/null)
	@echo "[5/5] page"
	@npm run --silent --workspace frontend build
	@touch $@
