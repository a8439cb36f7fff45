# Sourced by demo.sh, test.sh and pin.sh: makes .venv with the project and all it needs, and enters
# it. Installs anew only after setup.cfg or the pinned versions have changed. Needs Python 3.11 to
# 3.13, nothing else.

make_environment() { # extras, for example [test]
  local python stamp pip=".venv/bin/python -m pip install --quiet --disable-pip-version-check"
  if [ ! -x .venv/bin/python ]; then
    for python in "${PYTHON:-python3}" python3.13 python3.12 python3.11 none; do
      "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && break
    done
    if [ "$python" = none ]; then
      echo "error: needs Python 3.11 to 3.13 (TensorFlow 2.21 has no other). Name one: PYTHON=..." >&2
      return 1
    fi
    "$python" -m venv .venv || {
      rm -rf .venv  # Half an environment would be taken for a whole one.
      return 1
    }
  fi
  stamp=.venv/installed$1
  if ! cat setup.cfg scripts/constraints.txt | cmp -s - "$stamp"; then
    echo "installing TensorFlow and the project into .venv (2.8 GB; some silent minutes) ..."
    # The versions that were tested, so that no release elsewhere breaks a fresh clone. Without
    # isolation, for pip would build the project with the newest setuptools.
    $pip --constraint scripts/constraints.txt setuptools
    $pip --constraint scripts/constraints.txt --no-build-isolation -e ".$1"
    cat setup.cfg scripts/constraints.txt > "$stamp"
  fi
  export PATH="$PWD/.venv/bin:$PATH"
}
