#!/usr/bin/env bash
# Runs every program here through poplar-run, positive ones and those that must be refused.
set -uo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
poplar_run="$here/../../poplar-run"
failures=0
output="$(mktemp)"
trap 'rm -f "$output"' EXIT

# expect STATUS TEXT ARGUMENT...: the run ends with STATUS ("refused": any but 0) and says TEXT.
expect() {
    local wanted="$1" text="$2"
    shift 2
    # From another folder: the program must find its codelets beside itself.
    (cd / && "$poplar_run" "$@") >"$output" 2>&1
    local status=$?
    local fits=no
    case "$wanted" in
        refused) [ "$status" -ne 0 ] && fits=yes ;;
        *) [ "$status" -eq "$wanted" ] && fits=yes ;;
    esac
    grep -qF -- "$text" "$output" || fits=no
    if [ "$fits" = yes ]; then
        printf 'ok      %s\n' "$*"
    else
        printf 'FAILED  %s: ended with %s, wanted %s and "%s"\n' "$*" "$status" "$wanted" "$text"
        sed 's/^/        /' "$output" | tail -n 20
        failures=$((failures + 1))
    fi
}

has_header() { printf '#include <%s>\n' "$1" | c++ -E -x c++ - >/dev/null 2>&1; }

expect 0 "axpy OK" "$here/one_file.cpp"
expect 0 "27 needs 111 steps" "$here/repeat_while.cpp"
expect 0 "97 needs 118 steps" "$here/repeat_while.cpp" 97
expect 0 "remote buffers OK" "$here/remote_buffer.cpp"
expect 0 "sum of squares 42925" "$here/multi_vertex.cpp"
expect 0 "state OK" "$here/persistent_state.cpp"
expect 0 "halo exchange OK" "$here/halo_exchange.cpp"
for strategy in implicit "one by one" "two waves" "by direction" "many tensors"; do
    expect 0 "within its band" "$here/published_halo.cpp" "$strategy"
done
expect 0 "ipu1: 1216 tiles of 262144 bytes, 6 workers" "$here/planner.cpp"
expect 0 "control flow OK" "$here/control_flow.cpp"
expect 0 "squares: [0 1 4 9 16]" "$here/for_ipu_target.cpp"
if has_header gtest/gtest.h; then
    expect 0 "[  PASSED  ] 3 tests." "$here/with_gtest.cpp"
else
    echo "skipped with_gtest.cpp: no GoogleTest here (libgtest-dev)"
fi
if has_header boost/program_options.hpp; then
    expect 0 "Multiplication result OK" "$here/with_boost.cpp" --rows 40 --cols 50
    expect 3 "required" "$here/with_boost.cpp"
else
    echo "skipped with_boost.cpp: no Boost here (libboost-program-options-dev)"
fi
expect refused "Field 'Histogram.bins' has unsupported field type 'unsigned int [16]'" "$here/refused_field.cpp"
expect refused "writes to elements [0:600) of variable 'data'" "$here/refused_race.cpp"
expect 2 "(libpva) is not covered by the IPU model" "$here/refused_report.cpp"
expect 2 "<popnn/NonLinearity.hpp> is not covered by the model" "$here/refused_header.cpp"
expect 42 "helped" -I "$here/include" -DHELPER_ANSWER=42 --source "$here/helper.cpp" "$here/more_sources.cpp" --flag "two words"
expect 2 "no such program" "$here/missing.cpp"
expect 2 "cannot compile" -DHELPER_ANSWER=nothing --source "$here/helper.cpp" "$here/more_sources.cpp"
expect 2 "unknown option" --nonsense "$here/planner.cpp"

[ "$failures" -eq 0 ] && echo "all programs behave" || { echo "$failures failed"; exit 1; }
