# Every target is one command in the locked environment. Needs Python 3.11 to 3.14 with pip, and make.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .venv/tools/bin/uv
BIN := .venv/bin
STAMP := .venv/.synced
OSV_URL ?= https://api.osv.dev/

.PHONY: demo test pythons long check docs bench usefulness consistency sbom audit clean

demo: $(STAMP)
	$(BIN)/amana demo --out demo-out

# All tiers. One process more than two cores have: tests that need a broker mostly wait for it.
test: $(STAMP)
	$(BIN)/pytest -q -n 3 --durations=25 -m "not long"

# The pure tier on every Python at hand; those that are missing are named.
pythons: $(STAMP)
	$(BIN)/python -m tests.support.pythons

# What takes minutes each: a region of thirty countries published and attacked over two years.
long: $(STAMP)
	$(BIN)/pytest -q -s -m long

consistency: $(STAMP)
	$(BIN)/pytest -q --durations=0 tests/consistency

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.support.base_modules | xargs $(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/mypy docs/conf.py docs/extensions/markdown_docstrings.py
	$(BIN)/lint-imports
	$(BIN)/deptry . --extend-exclude docs

# The documentation as a site, for a browser without a network: build/docs/index.html. A warning is an error.
docs: $(STAMP)
	$(BIN)/python -m sphinx -W --keep-going -q -j 2 docs build/docs
	touch build/docs/.built

bench: $(STAMP)
	$(BIN)/python -m tests.bench

## How far noisy tables are from the truth, on the demonstration's invented events.
usefulness: $(STAMP)
	$(BIN)/python -m tests.bench.usefulness

# The software bill of materials: every locked package with its hashes, as CycloneDX.
sbom: $(STAMP)
	mkdir -p build
	$(UV) export --quiet --offline --frozen --all-extras --all-groups --format cyclonedx1.5 --output-file build/sbom.json

# Known vulnerabilities of every locked package, by the database at OSV_URL. Where it is out of reach nothing was
# audited; that is said, and is a failure.
audit: $(STAMP)
	$(UV) audit --frozen --preview-features audit-command --service-url $(OSV_URL) || { status=$$?; \
	  test $$status -ne 2 || echo "not audited: no vulnerability database answers at $(OSV_URL)" >&2; exit $$status; }

$(STAMP): pyproject.toml uv.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(UV) || { $(PYTHON) -m venv .venv/tools && .venv/tools/bin/pip install --quiet uv==$(UV_VERSION); }
	$(UV) sync --frozen --inexact --quiet --all-extras
	touch $@

clean:
	rm -rf .venv demo-out build docs/api .mypy_cache .ruff_cache .pytest_cache .hypothesis
