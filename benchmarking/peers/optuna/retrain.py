"""Trains what each search found anew, with seeds that no search has seen: `spikeseek retrain`.

Run it from the repository's root with files that `real.py` wrote and folders of `spikeseek search`.
The best value of a search is the largest of many noisy ones; what its network is worth is the mean
test accuracy of the same hyperparameters, trained on all training images with other seeds. Writes a
line of JSON for each: {"of", "sampler", "best": of the search, "values": test accuracy by seed,
null where the network fell silent, "mean": silent ones count as 0}
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import tomllib
from pathlib import Path

import real

FIRST_SEED = 1001


def best_of(lines):
    """The best feasible trial of a file of `real.py`."""
    trials = [json.loads(line) for line in lines]
    feasible = [t for t in trials if t["value"] is not None and all(c <= 0 for c in t["constraints"])]
    return max(feasible, key=lambda trial: trial["value"])


def run(command):
    """What a command says in JSON."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed ({done.returncode}):\n{done.stderr}")
    return json.loads(done.stdout)


def retrain(binary, source, seeds):
    """Test accuracies of a solution, in the order of the seeds."""
    result = run([binary, "retrain", str(source), "--seeds", str(seeds), "--seed", str(FIRST_SEED),
                  "--workers", "1", "--json", "--quiet"])
    return [of_seed["value"] for of_seed in result["runs"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--binary", default="target/release/spikeseek", help="spikeseek")
    parser.add_argument("--study", type=Path, required=True, help="study file of the searches")
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each")
    parser.add_argument("searches", type=Path, nargs="+", help="files of real.py, study folders")
    chosen = parser.parse_args()
    study = tomllib.loads(chosen.study.read_text())
    for search in chosen.searches:
        if search.is_dir():
            again = run([chosen.binary, "evaluate", str(search), "--part", "hold-out", "--json"])
            sampler, best = "spikeseek", again["value"]
            values = retrain(chosen.binary, search, chosen.seeds)
        else:
            trial = best_of(search.read_text().splitlines())
            sampler, best = trial["sampler"], trial["value"]
            with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
                file.write(real.fixed_study(study, trial["parameters"], FIRST_SEED))
                file.flush()
                values = retrain(chosen.binary, file.name, chosen.seeds)
        mean = statistics.mean(value or 0.0 for value in values)
        print(json.dumps({"of": str(search), "sampler": sampler, "best": best, "values": values,
                          "mean": round(mean, 4)}), flush=True)


if __name__ == "__main__":
    main()
