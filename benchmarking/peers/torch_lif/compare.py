"""Our engines and PyTorch side by side on the same weights and inputs, in interleaved rounds.

    compare.py LIF_STEP PYTHON [--activity 0.05 0.01] [--threads 1 2] [--rounds 3]

LIF_STEP is target/release/examples/lif_step, PYTHON one with torch (and snntorch). Prints one line
a program and setting: median seconds a step over all rounds, and how many times PyTorch's time that
is. A round runs every program once, so that a slow minute of the machine hits all of them.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lif_step")
    parser.add_argument("python")
    parser.add_argument("--activity", type=float, nargs="+", default=[0.05, 0.01])
    parser.add_argument("--input-activity", type=float)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sizes", default="2312,1024,512,10")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--ours", nargs="+", default=["sparse_layer", "sparse_ops", "dense"])
    parser.add_argument("--peers", nargs="+", default=["torch", "loop", "snntorch"])
    parser.add_argument("--optimiser", choices=["adam", "none"], default="adam")
    parser.add_argument("--json", action="store_true", help="one JSON line a setting")
    a = parser.parse_args()
    shape = ["--sizes", a.sizes, "--steps", str(a.steps), "--batch", str(a.batch),
             "--repeats", str(a.repeats), "--optimiser", a.optimiser]
    for activity in a.activity:
        with tempfile.TemporaryDirectory() as folder:
            given = ["--activity", str(activity), "--write", folder]
            if a.input_activity is not None:
                given += ["--input-activity", str(a.input_activity)]
            for threads in a.threads:
                taken, rates, losses = {}, None, {}
                for _ in range(a.rounds):
                    for name in a.ours + a.peers:
                        common = shape + ["--threads", str(threads)]
                        if name in a.ours:
                            result = run([a.lif_step, "--method", name, *given, *common])
                            rates = result["activity"]
                        else:
                            script = os.path.join(HERE, "step.py")
                            result = run([a.python, script, folder, "--model", name, *common])
                        taken.setdefault(name, []).append(result["seconds"])
                        losses[name] = result["loss"]
                medians = {name: statistics.median(s) for name, s in taken.items()}
                if a.json:
                    print(json.dumps({"activity": activity, "threads": threads, "rates": rates,
                                      "seconds": medians, "losses": losses}), flush=True)
                    continue
                shown = ", ".join(f"{rate:.3f}" for rate in rates)
                print(f"activity {activity} (measured {shown}), {threads} thread(s)")
                for name, seconds in medians.items():
                    ratio = medians["torch"] / seconds if "torch" in medians else float("nan")
                    print(f"  {name:13s} {1e3 * seconds:9.2f} ms  {ratio:6.2f} x torch"
                          f"  loss {losses[name]:.5f}", flush=True)


if __name__ == "__main__":
    main()
