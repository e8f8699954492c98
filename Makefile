# Two commands are enough for a newcomer: make run, make test. Each may be repeated at any time.
SHELL := /bin/bash
PYTHON := .venv/bin/python
.DEFAULT_GOAL := help
.PHONY: help run test bench bench-large forty setup ui lint check-ui wheel unit browser faults fuzz clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

run: ## set up, start the gateway with the demo county, print address and logins
	@.ci/setup run
	@exec $(PYTHON) -m gateway demo --with-gateway --data var

test: ## set up, then check everything (types, style, units, real peers, browser)
	@.ci/setup test
	@.ci/check

bench: ## benchmarks as a table and as var/bench.json
	@.ci/setup test
	@$(PYTHON) -m tests.benchmarks

bench-large: ## searching ten million instances too (about an hour, 40 GB)
	@.ci/setup test
	@READING_GATEWAY_BENCH_LARGE=1 $(PYTHON) -m tests.benchmarks http_dicomweb

forty: ## 50 ECGs over 2 Mbit/s and 80 ms, from the send to the painted trace on the wall
	@.ci/setup test
	@READING_GATEWAY_FORTY_SENDS=50 $(PYTHON) -m pytest tests/acceptance/test_forty_kilometres.py -q -s

setup: ## set up only
	@.ci/setup test

ui: ## build the reading UI if its sources changed
	@.ci/setup ui

lint: ## ruff and mypy
	@$(PYTHON) -m ruff check . && $(PYTHON) -m mypy

check-ui: ## tsc, eslint, stylelint, vitest, bundle sizes
	@cd reading_ui && npm run --silent check

wheel: ui ## build the wheel into dist/
	@$(PYTHON) -m hatchling build -t wheel

faults: ## the long fault runs: 50 kills on either wire, more seeds
	@READING_GATEWAY_FAULT_ROUNDS=50 $(PYTHON) -m pytest tests/faults -q -s

fuzz: ## 100,000 broken inputs at each parser of what strangers send, and over all readers of ECGs
	@READING_GATEWAY_FUZZ_INPUTS=100000 $(PYTHON) -m pytest tests/faults/test_fuzzed_bytes.py tests/faults/test_ecg_fuzz.py -q -s

clean: ## remove what setup and builds made; run-time data in var/ stays
	@rm -rf .venv .setup dist build reading_ui/dist reading_ui/node_modules
