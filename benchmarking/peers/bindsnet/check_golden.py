"""Checks BindsNET as installed against the reference vectors of experiment 1.

The vectors were computed with BindsNET's commit 34ee292 and torch 2.0.1. Cases whose pick rule is
"lowest index" run with the rule of run_bindsnet.py; in the others the recorded pick is replayed.
Spikes must be identical, the rest within the tolerances of the manifest (matrix products in
another summation order): v 5e-4 mV, theta and weights 5e-7. theta counts threshold crossings, so
crossings are checked too.
"""

import argparse
import json
from pathlib import Path

import bindsnet_network as bn
import numpy as np
import torch

import job as files

V_TOLERANCE = 5e-4
W_TOLERANCE = 5e-7  # theta and weights


def replay(picks):
    """A rule that returns the recorded picks [steps, batch] (-1 = none), step by step."""
    rows = iter([row[row >= 0] for row in picks if (row >= 0).any()])

    def rule(crossing, _count):
        row = next(rows, np.array([], np.int32))
        if len(row) != len(crossing):
            raise ValueError("crossings differ from the recorded ones")
        return torch.from_numpy(row.astype(np.int64)).unsqueeze(1)

    return rule


def run_case(case, vectors, name):
    """(number of differing spikes, |dv|, |dtheta|, |dw|) over all runs of one case."""
    def recorded(array):
        return vectors[f"{name}.{array}"]

    parameters = files.DEFAULTS | case["hyperparameters"] | {"map_size": case["map_size"]}
    steps = case["steps"]
    network = bn.build(parameters, vectors["inputs.w0"], steps, record=("s", "v"))
    w_runs = list(recorded("w_end_runs"))
    spikes, dv, dtheta, dw = 0, 0.0, 0.0, 0.0
    for k, rows in enumerate(case["runs"]):
        lowest = case["pick_rule"].startswith("lowest index")
        rule = bn.lowest_index if lowest else replay(recorded("pick")[k])
        frames = torch.from_numpy(vectors["inputs.spikes"][rows].transpose(1, 0, 2).copy())
        network.train(case["learning_per_run"][k])
        with bn.choose_with(rule), torch.no_grad():
            network.run({"inpt": frames}, time=steps)
        for layer, suffix in (("outpt", "exc"), ("inhib", "inh")):
            monitor = network.monitors[layer]
            spikes += np.count_nonzero(monitor.get("s").numpy() != recorded(f"s_{suffix}")[k])
            dv = max(dv, np.abs(monitor.get("v").numpy() - recorded(f"v_{suffix}")[k]).max())
        theta = network.layers["outpt"].theta.numpy()
        dtheta = max(dtheta, np.abs(theta - recorded("theta_end")[k]).max())
        if k in w_runs:
            w_end = recorded("w_end")[w_runs.index(k)]
            dw = max(dw, np.abs(bn.weights(network).numpy() - w_end).max())
        network.reset_state_variables()
    return spikes, dv, dtheta, dw


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--golden", type=Path, default=Path("tests/golden/stdp"),
                        help="folder of manifest.json and a3_exp1_net.npz")
    golden = parser.parse_args().golden

    manifest = json.loads((golden / "manifest.json").read_text())
    cases = manifest["files"]["a3_exp1_net.npz"]["cases"]
    vectors = np.load(golden / "a3_exp1_net.npz")
    print(bn.VERSIONS)
    failed = 0
    for name, case in cases.items():
        if name == "inputs":
            continue
        spikes, dv, dtheta, dw = run_case(case, vectors, name)
        good = spikes == 0 and dv <= V_TOLERANCE and dtheta <= W_TOLERANCE and dw <= W_TOLERANCE
        failed += not good
        print(f"{name:24} {'ok' if good else 'DIFFERS':8} differing spikes {spikes}, "
              f"|dv| {dv:.2e}, |dtheta| {dtheta:.2e}, |dw| {dw:.2e}")
    if failed:
        raise SystemExit(f"{failed} cases differ from the reference vectors")


if __name__ == "__main__":
    main()
