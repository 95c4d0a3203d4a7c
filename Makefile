# make run     set up, start, open the address (make run SAMPLE=1: with the sample catalog)
# make test    set up, run every test that this machine allows
# make check   formatting, lint, types, architecture
# make install only the environment in .venv
# make lock    write constraints.txt anew from what is installed

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
TESTS ?= -n 2

.PHONY: run test check install lock clean

run: .venv/installed
	@$(BIN)/catalens run $(if $(SAMPLE),--sample)

install: .venv/installed

test: .venv/installed-dev
	$(BIN)/python -m pytest $(TESTS)

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/installed: requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Catalens needs Python 3.11 or newer; try: make PYTHON=python3.11 $(MAKECMDGOALS)")'
	@echo "Making the environment in .venv; this downloads a few GB once."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -r requirements.txt
	$(PIP) --no-deps --editable .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(PIP) -r requirements-dev.txt
	@touch $@

lock: .venv/installed-dev
	@echo "# Every package that requirements*.txt bring along, as tested. Written by: make lock" > constraints.txt
	@$(BIN)/python -m pip freeze --exclude-editable --disable-pip-version-check \
	  | grep -viE '^(torch|torchvision|triton|nvidia|cuda)' >> constraints.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache *.egg-info
