# Short names for what manage.py and the tools in .venv do. Nothing here is needed to run or test the portal.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install demo up test lint fix types walls migrations check mutate test-saml bench-verify bench-hostile bench-policy bench-pages axe pictures messages catalogues lanes lock

help:  ## list what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 20

install:  ## make .venv with everything for development
	@$(PYTHON) -m portal.install --dev

demo:  ## run the portal on sample data
	@$(PYTHON) manage.py demo

up:  ## run the portal on its own data
	@$(PYTHON) manage.py up

test:  ## run the tests on every backend there is
	@$(PYTHON) manage.py test

lint: install  ## format and lint, without changing anything
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

fix: install  ## format, and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: install  ## check types
	$(BIN)/mypy

walls: install  ## check who imports whom
	$(BIN)/lint-imports

migrations: install  ## check that models and migrations agree
	$(BIN)/python manage.py makemigrations --check --dry-run

check: lint types walls migrations test  ## everything but the fresh clone, which .ci/run adds

mutate: install  ## damage N bundles (20000) by SEED (1) and hold our verifier against sigstore
	@$(BIN)/python -m tests.mutation $(or $(N),20000) --seed $(or $(SEED),1)

test-saml: install  ## sign in at Debian's simplesamlphp, where it is installed
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/saml_peer.py

axe: install  ## look at every page with axe in Chromium: light and dark, three widths, in every state; PAGES narrows it by name, IN=de reads them in German
	@COUNTERSIGN_AXE_LANGUAGE="$(IN)" $(BIN)/python -m tests.axe -- $(PAGES)

pictures: install  ## take the pictures in docs/pictures anew, while the walk at the desk is tested
	@COUNTERSIGN_PICTURES=1 $(BIN)/python -m pytest -q -p no:cacheprovider tests/use_cases/test_desk.py

messages: install  ## bring the German catalogue up to date with what the code says
	@$(BIN)/python -m tests.languages.catalogues messages

catalogues: install  ## compile the catalogues for Django
	@$(BIN)/python -m tests.languages.catalogues compile

bench-verify: install  ## hold the verifier against its own signature checks and against sigstore, in ROUNDS (60) rounds
	@$(BIN)/python -m benchmarks.verify --rounds $(or $(ROUNDS),60)

bench-policy: install  ## hold the weighing of a policy against one signature check
	@$(BIN)/python -m benchmarks.policy

bench-pages: install  ## fill a PostgreSQL database of its own with SMALL (1000) and LARGE (1000000) requests and measure the desk's pages
	@$(BIN)/python -m benchmarks.pages --small $(or $(SMALL),1000) --large $(or $(LARGE),1000000)

bench-hostile: install  ## hold the cost of refusing hostile input against verifying a genuine bundle
	@$(BIN)/python -m benchmarks.hostile

lanes: install  ## note which tests make which place ask the database, and list those that need not run on PostgreSQL too
	@notes=$$(mktemp) && COUNTERSIGN_TEST_ASKED=$$notes CI=true $(BIN)/python -m pytest -q -p no:cacheprovider -p tests.asked --no-loadscope-reorder -n auto --dist loadscope -m "not browser and not install" && $(BIN)/python -m tests.asked $$notes

lock:  ## write the lock files anew (needs uv, and the network)
	uv pip compile pyproject.toml --universal --generate-hashes --no-annotate --no-header --python-version 3.11 -o requirements.lock
	uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-annotate --no-header --python-version 3.11 -o requirements-dev.lock
