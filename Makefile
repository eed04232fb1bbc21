.DEFAULT_GOAL := help
.PHONY: help run test lint bench lock clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## set up, then run the demo
	@scripts/setup
	@.venv/bin/uptimed demo $(ARGS)

test: ## set up, then lint and test; ARGS go to pytest
	@scripts/setup test
	@scripts/test $(ARGS)

lint: ## set up, then ruff, mypy and the layers
	@scripts/setup test
	@scripts/lint

bench: ## set up, then run tests/bench; ARGS name the benches
	@scripts/setup test
	@.venv/bin/python -m tests.bench $(ARGS)

lock: ## write the lock files anew from pyproject.toml; ARGS=--upgrade for the newest
	@scripts/lock $(ARGS)

clean: ## remove .venv, caches and what was built
	rm -rf .venv tests/grafana/flux/node_modules .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .coverage build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
