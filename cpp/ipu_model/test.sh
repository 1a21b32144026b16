#!/usr/bin/env bash
# Builds the model with clang++, with g++, and with g++ and the address and undefined-behaviour sanitizers, warnings
# as errors, and runs all tests of each. Arguments go to ctest.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
for package in clang cmake ninja-build doctest-dev libdw-dev; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    as_root=""
    [ "$(id -u)" -eq 0 ] || as_root="sudo"
    $as_root apt-get update
    $as_root apt-get install -y --no-install-recommends "${missing[@]}"
fi

configure() { # folder, compiler, more options
    local folder="$1" compiler="$2"
    shift 2
    cmake -S . -B "$folder" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" -DIPU_MODEL_TESTS=ON -DIPU_MODEL_WERROR=ON \
        "$@" >/dev/null
    cmake --build "$folder"
}

for compiler in clang++ g++; do
    configure "build-$compiler" "$compiler" -DCMAKE_BUILD_TYPE=Release
    CXX="$compiler" ctest --test-dir "build-$compiler" --output-on-failure "$@"
done

# The sanitizers' own code makes g++ see uninitialized values where there are none.
configure build-sanitize g++ -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_CXX_FLAGS="-O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -Wno-error=maybe-uninitialized"
# Without the programs: poplar-run would have to link them with the sanitizers too.
ctest --test-dir build-sanitize --output-on-failure --exclude-regex programs "$@"
