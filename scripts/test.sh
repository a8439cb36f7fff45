#!/usr/bin/env bash
# Sets up .venv and runs every check: ruff, mypy, pytest. Arguments go to pytest, for example:
#   bash scripts/test.sh -k views
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
make_environment '[test]'

ruff check .
ruff format --check .
mypy
python -m pytest "$@"
