# Everything a developer or a newcomer types. Each target sets up what it needs first.
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
export DJANGO_SETTINGS_MODULE := robotcontrol.settings

.PHONY: setup demo up test test-all bench lint

setup:
	@.ci/setup

# The whole chain on this machine: demonstration portal, real browsers, the answers beside the expected ones.
demo: setup
	@VAR_DIR=$(CURDIR)/var/demo $(PY) manage.py demo

# Pages, robots, scheduler, watchdog and demonstration portal, in the foreground, on http://127.0.0.1:8000
up: setup
	@HTTPS=0 $(PY) manage.py up

# Everything on SQLite, with real browsers; then what touches the database again on a real PostgreSQL.
test: setup
	$(PYTEST) -m "not slow"
	$(PY) tests/postgres.py $(PYTEST) -m "not slow and not browser and not nodb and not once"

test-all: setup
	$(PYTEST)
	$(PY) tests/postgres.py $(PYTEST) -m "not browser and not nodb and not once"

bench: setup
	$(PY) tests/bench.py

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(PY) manage.py makemigrations --check --dry-run
	DEBUG=0 $(PY) manage.py check --deploy --fail-level WARNING
