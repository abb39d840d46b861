# Everything here works in a fresh clone: each target first installs what it lacks into .venv, from the lock files.
# Needs Python 3.11; the tests also need Java 17 and Maven, because they start a real Apache Kafka.

PYTHON ?= $(firstword $(shell command -v python3.11) python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# --no-compile: Python compiles what is imported when it is, which is the smaller part of what is installed.
ROOMS := detectors schemas streams

.PHONY: help demo demo-soak demo-picture console-picture guard-soak stack-test test lint format types bench dashboards docs site wheel-test lock clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: .venv/demo ## the whole system in one command, on a built-in broker and real flights
	@$(BIN)/kedge demo $(ARGS)

demo-soak: .venv/dev ## the demo 20 times; ends with how often its story held
	$(BIN)/python -m tests.demo_soak $(ARGS)

guard-soak: .venv/dev ## bad canaries and drifts of all traffic, 20 times each on a real broker; ends with how often the guard did right
	$(BIN)/python -m tests.guard_soak $(ARGS)

demo-picture: .venv/dev ## run the demo once and renew docs/images/demo.svg
	$(BIN)/python -m tests.support.demo_picture

console-picture: .venv/dev ## renew docs/images/console.png
	$(BIN)/python -m tests.support.console_picture

stack-test: .venv/dev ## the whole Compose file in an engine of its own: drift, page, rollback, a crash; 10 minutes, root, Debian
	$(BIN)/python -m tests.stack

# Three runs side by side, of about the same length on two cores: integration mostly waits for its broker. pytest's closing
# lines end the output of each.
LOGS := .cache/tests

test: lint types ## all checks, then all tests; ARGS: pytest with these instead
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	@mkdir -p $(LOGS)
	@$(BIN)/python -m pytest tests/simulation > $(LOGS)/simulation 2>&1 & simulation=$$!; \
	$(BIN)/python -m pytest tests --ignore=tests/simulation --ignore=tests/integration > $(LOGS)/rest 2>&1 & rest=$$!; \
	trap "kill $$simulation $$rest; exit 130" INT TERM; \
	$(BIN)/python -m pytest tests/integration; failed=$$?; \
	for run in simulation rest; do \
		eval wait \$$$$run || failed=1; cat $(LOGS)/$$run; \
	done; exit $$failed
endif

lint: .venv/dev ## style, import contracts, dependencies
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/deptry $(ROOMS) src

format: .venv/dev ## bring the code into the form that lint asks for
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: .venv/dev ## mypy --strict: package, tests, the example of the Compose file, the dashboards
	$(BIN)/mypy
	$(BIN)/mypy deploy/example
	$(BIN)/mypy deploy/grafana

bench: .venv/dev ## the benchmarks, one after the other; ARGS names some of them
	$(BIN)/python -m tests.benchmarks $(ARGS)

dashboards: .venv/dev ## renew the dashboards in deploy/grafana/dashboards
	$(BIN)/python deploy/grafana/dashboards.py

docs: .venv/dev ## renew the tables in docs/ that are made from the code
	$(BIN)/python -m tests.support.generated_docs

site: .venv/dev ## the documentation as a web site, in build/site; a warning is an error
	$(BIN)/sphinx-build -W --keep-going -b dirhtml docs build/site

wheel-test: .venv/dev ## build the wheel from the sdist and try it where the source is not on the path
	$(BIN)/python -m pytest tests/architecture/test_wheel.py $(ARGS)

# --- installing ------------------------------------------------------------------------------------------------------
# `.venv/demo` and `.venv/dev` are stamps. The demo does without the developers' tools; dev holds all that demo does.

.venv/demo: locks/build.lock locks/demo.lock pyproject.toml | .venv/bin/python
	$(PIP) install --no-compile --require-hashes -r locks/build.lock -r locks/demo.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: locks/build.lock locks/dev.lock pyproject.toml | .venv/bin/python
	$(PIP) install --no-compile --require-hashes -r locks/build.lock -r locks/dev.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch .venv/demo $@

.venv/bin/python:
	$(PYTHON) -m venv .venv

# One resolution, five subsets of it: each lock starts as a copy of the largest, so that all agree.
# pip-tools warns that `kedge` itself is not pinned; it is installed from this folder, so the warning is cut off.
LOCK := CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --strip-extras --generate-hashes \
	--unsafe-package kedge --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options \
	pyproject.toml

lock: .venv/dev ## resolve the dependencies anew: `make lock ARGS=--upgrade`
	$(PIP) install pip-tools==7.6.2
	$(LOCK) $(ARGS) --extra dev --output-file locks/dev.lock
	for extra in demo service actuator; do \
		cp locks/dev.lock locks/$$extra.lock; \
		$(LOCK) --extra $$extra --output-file locks/$$extra.lock || exit 1; \
	done
	cp locks/dev.lock locks/base.lock
	$(LOCK) --output-file locks/base.lock
	$(LOCK) $(ARGS) --only-build-deps --build-deps-for editable --output-file locks/build.lock
	sed -i -e '/^# WARNING: The following packages were not pinned/,$$d' locks/*.lock
	sed -i -e '$${/^$$/d}' locks/*.lock

clean: ## remove what was made, the virtual environment included
	rm -rf .venv .cache dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
