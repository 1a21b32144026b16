"""Runs a sampler of Optuna on real training: each trial is a `spikeseek train` in a process.

Run it from the repository's root (a study file names its data relative to it). Writes a line of
JSON for each trial: {"problem": the study's name, "sampler", "seed", "number", "outcome", "value",
"constraints", "seconds": of the training, "sampler_seconds": of all asks and tells so far, "best":
best feasible value so far, "parameters"}
"""

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import samplers
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

BUILT_IN = Path(__file__).resolve().parents[3] / "src/search/spaces"
TRAINING = ("epochs", "batch_size", "decoder")  # the other variables are the network's
LOWEST = 0.0  # accuracy


class Variable:
    """A variable of a space, as Optuna's distribution and back."""

    def __init__(self, entry):
        self.prior = entry.get("prior", "uniform")
        if "categorical" in entry:
            self.distribution = CategoricalDistribution(entry["categorical"])
            return
        kind, distribution = (("float", FloatDistribution) if "float" in entry
                              else ("int", IntDistribution))
        self.low, self.high = entry[kind]
        self.distribution = distribution(self.low, self.high, log=self.prior != "uniform")

    def value(self, suggested):
        """The value that Optuna's suggestion stands for.

        The prior `reversed_log` is high - L + low with L log-uniform; Optuna is asked for L.
        """
        if self.prior != "reversed_log":
            return suggested
        return min(max(self.high - suggested + self.low, self.low), self.high)


def space(study):
    """The variables of a study's table [space], by name."""
    entries = dict(study.get("space", {}))
    variables = {}
    if "use" in entries:
        file = BUILT_IN / f"{entries.pop('use')}.toml"
        variables |= tomllib.loads(file.read_text())["space"]
    for name in entries.pop("without", []):
        del variables[name]
    variables |= entries
    if not variables:
        raise SystemExit("the study has no [space]")
    return {name: Variable(entry) for name, entry in variables.items()}


def toml_value(value):
    """A value in TOML, on one line."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{k} = {toml_value(v)}" for k, v in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(toml_value, value)) + "]"
        case _:  # JSON's strings, numbers and booleans are TOML's; its floats keep their point
            return json.dumps(value)


def fixed_study(study, values, seed):
    """The text of the study file that trains one network."""
    tables = {name: dict(table) for name, table in study.items()
              if name not in ("space", "sampler", "budget")}
    tables["study"]["seed"] = seed
    for name, value in values.items():
        tables.setdefault("training" if name in TRAINING else "network", {})[name] = value
    return "\n".join(f"[{name}]\n" + "".join(f"{k} = {toml_value(v)}\n" for k, v in table.items())
                     for name, table in tables.items())


def train(binary, text):
    """What `spikeseek train --json` says about a study file."""
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(text)
        file.flush()
        command = [binary, "train", file.name, "--json", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"spikeseek train failed ({done.returncode}):\n{done.stderr}\n{text}")
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default="target/release/spikeseek", help="spikeseek")
    parser.add_argument("--study", type=Path, required=True, help="study file with a space")
    parser.add_argument("--sampler", choices=samplers.SAMPLERS, required=True)
    parser.add_argument("--seed", type=int, default=1, help="of the sampler and of the study")
    parser.add_argument("--calls", type=int, required=True, help="trials")
    parser.add_argument("--batch", type=int, default=1,
                        help="trials asked for before any is told; they still run one by one")
    parser.add_argument("--save", type=Path, required=True, help="new file for the lines")
    chosen = parser.parse_args()
    if min(chosen.calls, chosen.batch) < 1:
        parser.error("--calls and --batch must be at least 1")

    study = tomllib.loads(chosen.study.read_text())
    variables = space(study)
    asker = samplers.Asker(chosen.sampler, chosen.seed,
                           {name: v.distribution for name, v in variables.items()})
    best, number = samplers.Best(), 0
    with open(chosen.save, "x") as file:
        while number < chosen.calls:
            trials = [asker.ask() for _ in range(min(chosen.batch, chosen.calls - number))]
            for trial in trials:
                values = {name: v.value(trial.params[name]) for name, v in variables.items()}
                result = train(chosen.binary, fixed_study(study, values, chosen.seed))
                trial.result = result
                best.add(result["value"], result["constraints"])
                line = {
                    "problem": study["study"]["name"], "sampler": f"optuna_{chosen.sampler}",
                    "seed": chosen.seed, "number": number, "outcome": result["outcome"],
                    "value": result["value"], "constraints": result["constraints"],
                    "seconds": result["seconds"], "sampler_seconds": asker.seconds,
                    "best": best.value, "parameters": values,
                }
                print(json.dumps(line), file=file, flush=True)
                print(number, result["outcome"], result["value"], best.value, file=sys.stderr)
                number += 1
            for trial in trials:
                value = trial.result["value"]
                asker.tell(trial, LOWEST if value is None else value, trial.result["constraints"])


if __name__ == "__main__":
    main()
