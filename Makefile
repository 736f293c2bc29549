# Few verbs. Everything happens in .venv, which the first of them makes.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PATHS := cluster dashboard workers tests manage.py

.PHONY: help run test e2e lint format bench soak snapshot restore clean

help:
	@echo "make run     start the cluster and its dashboard (ARGS='--nodes 10' ...)"
	@echo "make test    all tests; make e2e: only those with a live cluster"
	@echo "make lint    ruff, mypy, layers; make format: ruff format"
	@echo "make snapshot FILE=backup.db, make restore FILE=backup.db: the cluster's etcd"
	@echo "make bench   how fast it is; make soak: the live tests, again and again"

run: .venv/runtime
	@exec $(BIN)/python manage.py up $(ARGS)

test: .venv/dev
	$(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile $(ARGS)

e2e: .venv/dev
	$(BIN)/python -m pytest -m e2e $(ARGS)

lint: .venv/dev
	$(BIN)/ruff check $(PATHS)
	$(BIN)/ruff format --check $(PATHS)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/dev
	$(BIN)/ruff format $(PATHS)
	$(BIN)/ruff check --fix $(PATHS)

# make snapshot FILE=backup.db; make restore FILE=backup.db
snapshot: .venv/runtime
	@$(BIN)/python manage.py etcd snapshot save $(or $(FILE),snapshot.db)

restore: .venv/runtime
	@$(BIN)/python manage.py etcd snapshot restore $(or $(FILE),snapshot.db)

bench: .venv/runtime
	$(BIN)/python manage.py bench $(ARGS)

# Until one fails or you stop it.
soak: .venv/dev
	n=0; while $(BIN)/python -m pytest -q -x -m e2e $(ARGS); do n=$$((n + 1)); echo "round $$n passed"; done; exit 1

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Orrery needs Python 3.11 or newer on the PATH."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "$(PYTHON) cannot make virtual environments; on Debian: apt install python3-venv"; exit 1; }

.venv/runtime: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m compileall -q cluster dashboard workers
	@touch $@

.venv/dev: requirements-dev.txt requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ .venv/runtime
