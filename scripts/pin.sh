#!/usr/bin/env bash
# Writes scripts/constraints.txt: the newest versions that setup.cfg allows, of all packages that
# the project and its tests need. demo.sh and test.sh install these; users get the ranges in
# setup.cfg. Needs the oldest Python, 3.11, since a release that leaves it out must not be pinned:
#   PYTHON=python3.11 bash scripts/pin.sh && bash scripts/test.sh
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-python3.11}
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
  echo "error: needs Python 3.11. Received: $python. Name it: PYTHON=..." >&2
  exit 1
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder"
cp -r setup.cfg pyproject.toml README.md LICENSE tf_twostream "$folder"  # It is built where it lies.
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade \
  setuptools "$folder[test]"
{
  echo "# Written by scripts/pin.sh."
  "$folder/bin/python" -m pip freeze --all --exclude pip --exclude tf_twostream
} > "$folder/constraints.txt"
mv "$folder/constraints.txt" scripts/constraints.txt
wc -l < scripts/constraints.txt
