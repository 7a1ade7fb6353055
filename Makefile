# Two commands matter: `make run` starts everything, `make test` tests everything.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := run
.PHONY: run install test check docs pictures browsers clean

run: install
	@exec $(BIN)/onboarding run

install: $(INSTALLED)
	@:

# The stamp makes a second run start at once; a changed requirement makes it install again.
$(INSTALLED): $(wildcard requirements/*.txt) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, and $(PYTHON) is not. Name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing into .venv, once; a minute or two."
	@$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements/runtime.txt -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

# Three workers for two cores, since tests of servers and browsers wait a good part of their time. Each has a sandbox of
# its own; the tests of a file stay together, and files begin in their own order: xdist would keep those with few tests for
# the end, which are the browser's, and the longest.
test: install browsers
	$(BIN)/pytest --numprocesses=$$($(PYTHON) -c 'import os; print(os.cpu_count() * 3 // 2)') --dist=loadfile --no-loadscope-reorder

# Not looked through for secrets: the locks' hashes, pictures, and published vectors of ciphers.
SCANNED := git ls-files -z -- ':!requirements/*.txt' ':!*.png' ':!tests/unit/vault/*.json'
# What looks like a secret and is none: the word itself, addresses under names that lead nowhere (RFC 2606), and fields
# that hold sealed text. Any other one says so in its line: `pragma: allowlist secret - why`.
NO_SECRETS := --no-verify --exclude-secrets '^password$$' \
  --exclude-lines '@[A-Za-z.-]+\.([Tt]est|invalid|example)\b' --exclude-lines '_sealed *= *"'

# Strict: a link that leads nowhere, within the site or by its form, fails it. It asks no network.
DOCS := $(BIN)/mkdocs build --quiet --strict --config-file .ci/mkdocs.yml

docs: install
	@$(DOCS)
	@echo "Open build/site/index.html"

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml core dashboard pages
	@$(SCANNED) | xargs -0 $(BIN)/detect-secrets-hook $(NO_SECRETS)
	@$(BIN)/python .ci/vulnerabilities.py
	@$(DOCS)
	@echo "mkdocs: the documentation is whole, and so are its links."

# The README's pictures, from a walk through the whole onboarding.
pictures: install browsers
	rm -rf build/pictures
	$(BIN)/onboarding demo record build/pictures
	cp build/pictures/[0-9][0-9]-make-a-mistake-seen.png docs/pictures/walkthrough.png
	cp build/pictures/[0-9][0-9]-costs.png docs/pictures/costs.png

# The browser tests drive the system's own Chromium, also through its nginx.
browsers:
	@wanted=; \
	{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null || wanted=chromium; \
	{ command -v nginx || test -x /usr/sbin/nginx; } >/dev/null || wanted="$$wanted nginx-light"; \
	if [ -n "$$wanted" ]; then \
	  as_root=; \
	  if [ "$$(id -u)" != 0 ]; then as_root=sudo; fi; \
	  if ! command -v apt-get >/dev/null || { [ -n "$$as_root" ] && ! command -v sudo >/dev/null; }; then \
	    echo "The browser tests need Chromium and nginx. Install them with the system's package manager, then run make test again." >&2; \
	    exit 1; \
	  fi; \
	  $$as_root apt-get update && $$as_root apt-get install -y $$wanted; \
	fi

# The environment and what the tools left; the onboarding home is not touched.
clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
