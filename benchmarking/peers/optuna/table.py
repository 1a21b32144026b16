"""Prints the results in files of toys.py and real.py (and the same from others) as a table.

For each problem and sampler: the median over the seeds of the best feasible value after each
quarter of the evaluations, and the share of infeasible evaluations. A seed without a feasible
value counts as the worst; a dash is such a median.
"""

import argparse
import json
import math
import statistics
from collections import defaultdict


def runs(paths):
    """{(problem, sampler): {seed: {"best": [...], "infeasible": [...], "seconds": float}}}"""
    found = defaultdict(dict)
    for path in paths:
        with open(path) as file:
            for line in map(json.loads, filter(str.strip, file)):
                seeds = found[line["problem"], line["sampler"]]
                if "number" not in line:  # a whole run
                    if line["seed"] in seeds:
                        raise SystemExit(f"{path}: seed {line['seed']} of {line['problem']}, "
                                         f"{line['sampler']} is there twice")
                    seeds[line["seed"]] = line
                    continue
                run = seeds.setdefault(line["seed"], {"best": [], "infeasible": [], "seconds": 0})
                if line["number"] != len(run["best"]):
                    raise SystemExit(f"{path}: trial {line['number']} of {line['problem']}, "
                                     f"{line['sampler']}, seed {line['seed']} is out of order")
                run["best"].append(line["best"])
                run["infeasible"].append(line["value"] is None
                                         or any(c > 0 for c in line["constraints"]))
                run["seconds"] = line.get("sampler_seconds", math.nan)
    return found


def median_best(seeds, evaluations):
    values = sorted(-math.inf if run["best"][evaluations - 1] is None
                    else run["best"][evaluations - 1] for run in seeds)
    return statistics.median(values)


def shown(value):
    return f"{value:.5g}" if math.isfinite(value) else "–"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+")
    parser.add_argument("--at", type=int, nargs="+", metavar="N",
                        help="evaluations, instead of the quarters of the shortest run")
    chosen = parser.parse_args()
    found = runs(chosen.files)
    for problem in sorted({problem for problem, _ in found}):
        samplers = {sampler: list(seeds.values()) for (name, sampler), seeds in found.items()
                    if name == problem}
        shortest = min(len(run["best"]) for seeds in samplers.values() for run in seeds)
        at = [n for n in chosen.at if n <= shortest] if chosen.at else [
            max(1, shortest * quarter // 4) for quarter in (1, 2, 3, 4)]
        print(f"**{problem}**\n")
        print("| sampler | seeds | " + "".join(f"at {n} | " for n in at)
              + "infeasible | sampler's seconds |")
        print("|---|---|" + "---|" * (len(at) + 2))
        for sampler, seeds in sorted(samplers.items()):
            best = "".join(f"{shown(median_best(seeds, n))} | " for n in at)
            share = (sum(sum(run["infeasible"]) for run in seeds)
                     / sum(len(run["infeasible"]) for run in seeds))
            seconds = statistics.median(run.get("seconds", math.nan) for run in seeds)
            print(f"| {sampler} | {len(seeds)} | {best}{100 * share:.1f} % | {shown(seconds)} |")
        print()


if __name__ == "__main__":
    main()
