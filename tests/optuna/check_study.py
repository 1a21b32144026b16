"""Checks that Optuna reads journals as they were meant.

usage: check_study.py JOURNAL EXPECTED.json [JOURNAL EXPECTED.json ...]

EXPECTED.json: {"name", "user_attrs" (some of the study's), "best" (trial number or null),
"trials": [{"state", "value", "params", "distributions", "constraints" (null: none stored),
"intermediate", "user_attrs", "start", "end"}, ...]}; what a trial leaves out is not checked.
Numbers must be equal to the last bit and of the same type (3 is not 3.0). Exits with 1 and one line
a difference.
"""

import json
import struct
import sys
from datetime import datetime

import optuna
from optuna.distributions import distribution_to_json
from optuna.storages import JournalStorage

try:
    from optuna.storages.journal import JournalFileBackend
except ImportError:  # before 4.0
    from optuna.storages import JournalFileStorage as JournalFileBackend


def same(a, b):
    """Equal in type, and in every bit of every float."""
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("d", a) == struct.pack("d", b)
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def local(time):
    """Optuna 5 gives times in local time without a zone, Optuna 4 as they are written."""
    return time and time.astimezone().replace(tzinfo=None)


def differences(journal, expected):
    storage = JournalStorage(JournalFileBackend(journal))
    study = optuna.load_study(study_name=expected["name"], storage=storage)
    found = []

    def check(what, seen, wanted):
        if not same(seen, wanted):
            found.append(f"{journal}: {what}: Optuna has {seen!r}, expected {wanted!r}")

    check("direction", study.direction.name, "MAXIMIZE")
    for key, value in expected["user_attrs"].items():
        check(f"study attribute {key}", study.user_attrs.get(key), value)
    check("number of trials", len(study.trials), len(expected["trials"]))
    for number, (trial, wanted) in enumerate(zip(study.trials, expected["trials"])):
        constraints = trial.system_attrs.get("constraints")
        seen = {
            "state": trial.state.name,
            "value": trial.value,
            "params": trial.params,
            "distributions": {
                name: json.loads(distribution_to_json(distribution))
                for name, distribution in trial.distributions.items()
            },
            "constraints": constraints,
            "intermediate": {str(k): v for k, v in trial.intermediate_values.items()},
            "user_attrs": trial.user_attrs,
            "start": local(trial.datetime_start),
            "end": local(trial.datetime_complete),
        }
        check(f"trial {number}: number", trial.number, number)
        for what, value in wanted.items():
            if what in ("start", "end"):
                value = local(value and datetime.fromisoformat(value))
            check(f"trial {number}: {what}", seen[what], value)
        if hasattr(trial, "constraints"):  # Optuna 5
            by_name = {str(i): c for i, c in enumerate(constraints or [])}
            check(f"trial {number}: constraints by name", dict(trial.constraints), by_name)
    try:
        best = study.best_trial.number
    except ValueError:  # no trial is complete and feasible
        best = None
    check("best trial", best, expected["best"])
    return found


def main(arguments):
    found = []
    for journal, expected in zip(arguments[::2], arguments[1::2]):
        with open(expected, encoding="utf-8") as file:
            found += differences(journal, json.load(file))
    for difference in found:
        print(difference, file=sys.stderr)
    if not found:
        print(f"optuna {optuna.__version__}: {len(arguments) // 2} journals agree")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) < 3 or len(sys.argv) % 2 == 0:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
