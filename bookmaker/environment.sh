#!/usr/bin/env bash
# Builds the environment of `make lab` and `make test`, renews its packages, and heals it after a
# kill at any moment. `make` runs it in the book's folder:
#
#   VENV=.venv UV=path/to/uv-or-empty PYTHON=path-or-empty GOALS=lab \
#       bash bookmaker/environment.sh book .venv/.reader-ready
#
# The first argument names the extras that are installed, the others the files that are touched
# once all of it works. From before the first change until then the file .half-made lies in the
# environment: who finds it when nobody is at work builds the environment anew. An installation that
# fails by itself, for want of a network for example, leaves what there was, and no such file.
set -euo pipefail

extras="$1"
shift
ready=("$@")
python="$VENV/bin/python"
half="$VENV/.half-made"
installer=("$python" -m pip install)
usable=(-m pip --version)
[ -z "$UV" ] || { installer=("$UV" pip install --python "$python"); usable=(-c ""); }
export PIP_DISABLE_PIP_VERSION_CHECK=1

# pip answers an interrupt with the status of an ordinary failure; what it leaves is half-made.
trap 'exit 130' INT TERM HUP

# The system drops this lock when its last holder ends, however that happens. Where nothing can
# lock, two runs at a time are not kept apart.
lock() {
    if command -v flock >/dev/null 2>&1; then
        flock "$@" 9
    elif command -v python3 >/dev/null 2>&1; then
        python3 -c 'import fcntl, sys
fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB * ("-n" in sys.argv))' "$@" 2>/dev/null
    fi
}

is_ready() {
    local one
    [ ! -e "$half" ] && [ -x "$python" ] || return 1
    for one in "${ready[@]}"; do
        [ -e "$one" ] || return 1
        [ -z "$(find requirements.txt constraints.txt pyproject.toml -newer "$one")" ] || return 1
    done
}

# A candidate must run and be in range: a name on the PATH may be a shim of a missing version.
find_python() {
    local candidates=(python3.12 python3.13 python3.11 python3 python)
    local in_range='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))'
    [ -z "$PYTHON" ] || candidates=("$PYTHON")
    for found in "${candidates[@]}"; do
        ! "$found" -c "$in_range" >/dev/null 2>&1 || return 0
    done
    found=3.12
    if [ -z "$UV" ] || [ -n "$PYTHON" ]; then
        echo "None of these runs and is Python 3.11, 3.12 or 3.13: ${candidates[*]}" >&2
        echo "(TensorFlow 2.21 has wheels for these versions only.) Install one, or name it:" >&2
        echo "  make $GOALS PYTHON=/path/to/python3.12" >&2
        [ -e "$python" ] || rm -rf "$VENV"
        exit 1
    fi
}

create() {
    find_python
    : >"$half"
    rm -f "$VENV"/.*-ready
    find "$VENV" -mindepth 1 -maxdepth 1 ! -name .half-made ! -name .make-lock -exec rm -rf {} +
    if [ -n "$UV" ]; then
        echo "Creating $VENV with uv"
        "$UV" venv --quiet --seed --allow-existing --python "$found" "$VENV"
    else
        echo "Creating $VENV with $("$found" --version)"
        "$found" -m venv "$VENV" ||
            { echo "(Debian and Ubuntu keep it in a package of its own: python3-venv)" >&2; exit 1; }
    fi
}

# What the book needs, in the locked versions. On a terminal the installer shows what it does.
install_packages() {
    local status=0 shown=--quiet
    [ ! -t 2 ] || shown=
    : >"$half"
    "${installer[@]}" $shown -c constraints.txt -e ".[$extras]" || status=$?
    # Above 128 it was killed.
    [ "$status" = 0 ] || [ "$status" -gt 128 ] || rm -f "$half"
    return "$status"
}

# Other people's packages alone: a fault in the book's own code is mended in the code. The first
# import fills the byte-code caches, so that a lesson's first output comes in seconds.
packages_work() {
    errors="$(TF_CPP_MIN_LOG_LEVEL=3 TF_ENABLE_ONEDNN_OPTS=0 "$python" -c \
        "import keras, sklearn, matplotlib.pyplot, pandas, ipykernel, jupyterlab" 2>&1)"
}

mkdir -p "$VENV"
# uv locks .lock in the same folder, and would wait for us.
exec 9>"$VENV/.make-lock"
if ! lock -n; then
    echo "Another make is at work on $VENV: waiting for it"
    lock || true
    ! is_ready || exit 0
fi

if [ -e "$half" ]; then
    echo "$VENV was left half-made: it is built anew"
    create
elif ! "$python" "${usable[@]}" >/dev/null 2>&1; then
    create
fi
echo "Installing packages into $VENV (once): 2 GB, about a minute on a fast line"
install_packages
echo "Importing them for the first time: half a minute"
if ! packages_work; then
    echo "Packages in $VENV do not work: it is built anew"
    create
    install_packages
    packages_work || { echo "$errors" >&2; rm -f "$half"; exit 1; }
fi
"$python" -c "import recsys_lib; from recsys_book import check_env; check_env()"
rm -f "$half"
touch "${ready[@]}"
