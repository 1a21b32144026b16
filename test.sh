#!/usr/bin/env bash
# Installs what the optional parts need, builds everything, runs every test and check.
# Ends non-zero on the first failure. Works on a fresh Debian or Ubuntu with cargo and a C compiler.
set -euo pipefail
cd "$(dirname "$0")"

step() { printf '\n== %s\n' "$*"; }

# Python with venv is needed only to let Optuna itself read our journals, and to check our readouts
# against scikit-learn.
if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
    step "install python3-venv"
    as_root=""
    [ "$(id -u)" -eq 0 ] || as_root="sudo"
    $as_root apt-get update
    $as_root apt-get install -y --no-install-recommends python3 python3-venv
fi
for component in rustfmt clippy; do
    cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || rustup component add "$component"
done

venv="target/test-venv"
if ! "$venv/bin/python" -c 'import optuna' 2>/dev/null; then
    step "install Optuna into $venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check optuna
fi
export SPIKESEEK_PYTHON_OPTUNA="$PWD/$venv/bin/python"

tonic="target/tonic-venv"
if ! "$tonic/bin/python" -c 'import h5py, scipy, importlib.metadata as m; m.version("tonic")' 2>/dev/null; then
    step "install Tonic into $tonic"
    sh tests/tonic/venv.sh "$tonic"
fi
export SPIKESEEK_PYTHON_TONIC="$PWD/$tonic/bin/python"

step "format"
cargo fmt --check

step "clippy, warnings are errors"
cargo clippy --all-targets --all-features -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --all-features --quiet

# Property tests draw the same cases in each run, so that the result depends on the code alone. Others:
# PROPTEST_RNG_SEED=N ./test.sh; more of them: PROPTEST_CASES=5000 cargo test --release.
export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-1}"

step "tests"
cargo test --all-features

step "IPU model"
cpp/ipu_model/test.sh

step "benches and examples build"
cargo build --release --all-features
cargo bench --no-run --all-features

step "the command of the README"
out="$(mktemp -d)"
trap 'rm -rf "$out"' EXIT
target/release/spikeseek search experiments/digits.toml --calls 20 --save "$out/digits" --json >"$out/result.json"
target/release/spikeseek report "$out/digits" >/dev/null
test -s "$out/digits/report.html"

step "all passed"
