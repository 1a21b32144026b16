"""Runs a sampler of Optuna on a toy problem, with several seeds; a line of JSON for each seed.

{"problem", "sampler", "seed", "best": [best feasible value after each evaluation, null before the
first], "infeasible": [whether each evaluation was], "seconds": of the sampler, all asks and tells}
"""

import argparse
import json

import samplers
from optuna.distributions import FloatDistribution

from problems import LOWEST, PROBLEMS


def run(problem, sampler, seed, evaluations, batch):
    function, variables = PROBLEMS[problem]
    names = [f"x{i}" for i in range(variables)]
    asker = samplers.Asker(sampler, seed, {name: FloatDistribution(0.0, 1.0) for name in names})
    best, curve, infeasible = samplers.Best(), [], []
    while len(curve) < evaluations:
        trials = [asker.ask() for _ in range(min(batch, evaluations - len(curve)))]
        results = [function([trial.params[name] for name in names]) for trial in trials]
        for trial, (value, constraints) in zip(trials, results):
            asker.tell(trial, LOWEST if value is None else value, constraints)
            infeasible.append(not best.add(value, constraints))
            curve.append(best.value)
    return {"problem": problem, "sampler": f"optuna_{sampler}", "seed": seed, "best": curve,
            "infeasible": infeasible, "seconds": asker.seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--problem", choices=PROBLEMS, required=True)
    parser.add_argument("--sampler", choices=samplers.SAMPLERS, required=True)
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--evaluations", type=int, default=200)
    parser.add_argument("--batch", type=int, default=4, help="asked for before any is told")
    chosen = parser.parse_args()
    if min(chosen.seeds, chosen.evaluations, chosen.batch) < 1:
        parser.error("--seeds, --evaluations and --batch must be at least 1")
    for seed in range(chosen.first_seed, chosen.first_seed + chosen.seeds):
        result = run(chosen.problem, chosen.sampler, seed, chosen.evaluations, chosen.batch)
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
