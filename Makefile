# Everything a developer or a newcomer types. Each target sets up what it needs first.
PY := .venv/bin/python
PYTEST := $(PY) -m pytest
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
export DJANGO_SETTINGS_MODULE := robotcontrol.settings

LANES := $(or $(VAR_DIR),$(CURDIR)/var)

.PHONY: setup demo up test test-browser test-sqlite test-postgres test-all bench chaos soak reliability lint messages

setup:
	@.ci/setup

# The whole chain on this machine: demonstration portal, real browsers, the answers beside the expected ones.
demo: setup
	@VAR_DIR=$(CURDIR)/var/demo $(PY) manage.py demo

# Pages, robots, scheduler, watchdog and demonstration portal, in the foreground, on http://127.0.0.1:8000; where a port is
# taken: make up PORTA=8001 PORTA_DO_PORTAL=8898
up: setup
	@HTTPS=0 $(PY) manage.py up $(if $(PORTA),--porta $(PORTA)) $(if $(PORTA_DO_PORTAL),--porta-do-portal $(PORTA_DO_PORTAL))

# Three lanes at once, because many tests wait for processes: real Chromium on SQLite, everything else on SQLite, and what
# touches the database on a real PostgreSQL. Each says its name before its lines.
test: setup
	@$(MAKE) -j3 --no-print-directory test-browser test-sqlite test-postgres

test-browser:
	@VAR_DIR=$(LANES)/test-browser $(PYTEST) -m "browser and not slow" | sed -u 's/^/[browser] /'

test-sqlite:
	@VAR_DIR=$(LANES)/test-sqlite $(PYTEST) -m "not browser and not slow" | sed -u 's/^/[sqlite] /'

test-postgres:
	@VAR_DIR=$(LANES)/test-postgres $(PY) tests/postgres.py $(PYTEST) \
		-m "not slow and not browser and not nodb and not once" | sed -u 's/^/[postgres] /'

test-all: setup
	$(PYTEST)
	$(PY) tests/postgres.py $(PYTEST) -m "not browser and not nodb and not once"

bench: setup
	$(PY) tests/bench.py
	$(PY) tests/bench_pages.py

# An installation at work, faults drawn by seed, the outside judge: make chaos SECONDS=600 SEED=7 [DB=postgres]
chaos: setup
	$(if $(filter postgres,$(DB)),$(PY) tests/postgres.py) $(PY) tests/faults/chaos.py --seconds $(or $(SECONDS),600) $(if $(SEED),--seed $(SEED))

# An installation in use for long, and whether it takes ever more of its machine: make soak SECONDS=3600 [ROBOTS=2] [DB=postgres]
soak: setup
	$(if $(filter postgres,$(DB)),$(PY) tests/postgres.py) $(PY) tests/faults/soak.py --seconds $(or $(SECONDS),3600) --robots $(or $(ROBOTS),2)

# The fault matrix in full, and its results into docs/reliability.md: make reliability [FULL=0] [ONLY="4 6"]
# FULL=0: the short form of make test; ONLY: these rows
reliability: setup
	$(PY) tests/faults/report.py $(if $(filter 0,$(FULL)),--short) $(if $(ONLY),--only $(ONLY))

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	$(PY) manage.py makemigrations --check --dry-run
	DEBUG=0 $(PY) manage.py check --deploy --fail-level WARNING

# The texts to translate (their ids are Portuguese) into locale/; needs GNU gettext.
messages: setup
	mkdir -p locale
	$(PY) manage.py makemessages --locale en --no-location --no-wrap --ignore .venv --ignore var --ignore tests
