# make demo   everything with sample data and a stand-in for Devin      make demo ARGS=--once
#             the same with secrets from an OpenBao, or from a stand-in for Infisical   make demo ARGS=--source=infisical
#             the same with a stand-in that is an enterprise of twelve organizations   make demo ARGS=--fleet
# make run    everything, for your own Devin organization               make run PORT=8080
# make test   every test                                                make test ARGS="tests/syncs -k plan"
# make test-busy   the same beside sixteen busy programs; make test-ahead: in a year
# make torture  the tests that take minutes
# make mutants  changes that no test notices        make mutants ARGS=guard
# make claims  what is claimed of rights, the audit log and leaks, each by a fresh run of its tests   make claims ARGS=audit
# make bench  speed, against a simple algorithm     make bench ARGS="--secrets 100"
# make lint   style, types, migrations, deployment checks
# make fresh  demo, test and .ci/run in a bare Debian made for it; as root   make fresh FRESH_ARGS="-k admin"
# make image-steps   the image built and run without a container engine; as root
# make sbom licences audit release   what is shipped, and the files of a release; see docs/releasing.md
# make keep-release   keeps a database of this version, for tests of later ones; see docs/releasing.md
# make lock   the requirements files, from their .in files               make lock ARGS="--upgrade-package django"
# INSTALLER=uv to any of them installs with uv instead of pip

CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11
IS_NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
PYTHON ?= $(or $(shell for p in $(CANDIDATES); do $$p $(IS_NEW_ENOUGH) && echo $$p && break; done),python3)
VENV := .venv/bin
ARGS ?=
export INSTALLER ?=
# Tests start hundreds of processes, each of which would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE
# A site as in production, with keys of its own.
CHECK_ENVIRONMENT = HTTPS=1 DATA_DIR=.venv DATABASE_URL=sqlite://:memory: \
  SECRET_KEY=$$($(VENV)/python -c 'import secrets; print(secrets.token_urlsafe(64))') \
  ENCRYPTION_KEYS=$$($(VENV)/python -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())')

.SILENT:
.PHONY: demo run test test-busy test-ahead torture mutants claims bench lint fresh image-steps sbom licences audit \
  release keep-release lock install install-dev python

# The OpenBao comes with what tests need.
demo: $(if $(findstring openbao,$(ARGS)),install-dev,install)
	exec $(VENV)/python -m launcher --end-with-parent demo $(ARGS)

run: install
	exec $(VENV)/python -m launcher --end-with-parent run $(ARGS)

test: install-dev
	status=0; \
	$(VENV)/python -m pytest -n 3 --dist worksteal -m "not torture" $(ARGS) || status=1; \
	TEST_DATABASE=postgresql $(VENV)/python -m pytest -n 3 --dist worksteal -m "postgresql and not torture" $(ARGS) \
	  || [ $$? = 5 ] || status=1; \
	exit $$status  # 5: ARGS named no test that depends on the database

test-busy: install-dev
	stress-ng --quiet --cpu 16 & load=$$!; \
	status=0; $(VENV)/python -m pytest -n 3 --dist worksteal -m "not torture" $(ARGS) || status=$$?; \
	kill $$load; exit $$status

# faketime spoils the call that Python sleeps by; tests/ahead lets it sleep by another.
test-ahead: install-dev
	FAKETIME_DONT_FAKE_MONOTONIC=1 PYTHONPATH=tests/ahead \
	  faketime -f +1y $(VENV)/python -m pytest -n 3 --dist worksteal -m "not torture" $(ARGS)

torture: install-dev
	$(VENV)/python -m pytest -m torture -s $(ARGS)
	TEST_DATABASE=postgresql $(VENV)/python -m pytest -m "torture and postgresql" -s $(ARGS)

mutants: install-dev
	$(VENV)/python -m tests.mutants $(ARGS)

claims: install-dev
	$(VENV)/python -m tests.claims $(ARGS)

bench: install-dev
	$(VENV)/python -m benchmarks $(ARGS)

lint: install-dev
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy .
	$(CHECK_ENVIRONMENT) $(VENV)/python manage.py makemigrations --check --dry-run
	$(CHECK_ENVIRONMENT) $(VENV)/python manage.py check --deploy --fail-level WARNING

fresh:
	FRESH_ARGS="$(FRESH_ARGS)" .ci/fresh

image-steps: install-dev
	.ci/image

sbom licences: install-dev
	$(VENV)/python -m release $@

# In an environment of its own, as what it brings is nothing of ours.
audit: install-dev
	$(PYTHON) -m launcher.install --venv .venv/audit release/audit/requirements.txt
	$(VENV)/python -m release audit

release: install-dev
	$(VENV)/python -m release build $(ARGS)

keep-release: install-dev
	$(VENV)/python -m tests.releases.keep

# For every supported Python and system at once; what is pinned stays, unless ARGS names it. The action, the clients that
# tests walk with and the tools that look at manifests have locks of their own.
OTHERS := release/audit tests/api/sdk/clients/* tests/deploy/tools/* tests/single_sign_on/*_provider
lock: install-dev
	for source in requirements.in requirements-optional.in requirements-dev.in client/action/requirements.in $(OTHERS:%=%/requirements.in); do \
	  [ -e $$source ] || continue; \
	  $(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-build \
	    --no-strip-extras --no-header $(ARGS) -o $${source%.in}.txt $$source || exit 1; \
	done
	for source in $(OTHERS:%=%/package.json); do \
	  [ -e $$source ] || continue; \
	  (cd $$(dirname $$source) && npm install --package-lock-only --omit-lockfile-registry-resolved --silent) || exit 1; \
	done

install: python
	$(PYTHON) -m launcher.install requirements.txt

install-dev: python
	$(PYTHON) -m launcher.install requirements.txt requirements-dev.txt
	$(PYTHON) -m launcher.install --target .venv/oldest-pip tests/launcher/oldest-pip.txt || \
	  echo "Without it, the tests install with this Python's own pip only." >&2

python:
	$(PYTHON) $(IS_NEW_ENOUGH) || { \
	  echo "devinsync: $(PYTHON) is not Python 3.11 or newer. Name one that is: make PYTHON=/path/to/python3.11" >&2; \
	  exit 1; }
