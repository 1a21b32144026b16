"""Runs the same Diehl & Cook network on BindsNET and on spikeseek and compares speed and results.

For each size: writes a job folder, runs both programs on it in turn, A B A B, and compares what
they computed. Run it with the Python of setup.sh's environment. Exits with 1 if results differ.
"""

import argparse
import importlib.metadata
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import job as files

HERE = Path(__file__).parent
STEPS = 100
GAIN = 128.0  # Hz at full brightness, experiment 1
# |theta| and |w| may drift apart by this much an image: matrix products and column sums add in
# another order. The reference vectors' tolerance for one run (spec stdp.md, header).
TOLERANCE = 5e-7


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True,
                        help="folder of train-images-idx3-ubyte[.gz], 28 x 28")
    parser.add_argument("--peer", type=Path, default=Path("target/release/examples/peer_stdp"),
                        help="spikeseek's runner, called as PEER JOBDIR OUTDIR")
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 400, 1000],
                        help="excitatory neurons")
    parser.add_argument("--images", type=int, nargs="+", default=[30, 20, 10],
                        help="images for each size")
    parser.add_argument("--parameters", choices=["default", "best"], default="default",
                        help="experiment 1's default hyperparameters, or its best found")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each program")
    parser.add_argument("--seed", type=int, default=53, help="of weights and encoding")
    parser.add_argument("--markdown", type=Path, help="also write the report to this file")
    chosen = parser.parse_args()
    if len(chosen.sizes) != len(chosen.images):
        parser.error("--sizes and --images need the same number of values")
    if min(chosen.sizes + chosen.images + [chosen.repeats]) < 1:
        parser.error("--sizes, --images and --repeats must be at least 1")
    return chosen


def training_images(folder, count):
    for name in ("train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"):
        if (folder / name).exists():
            images = files.read_idx_images(folder / name)
            if len(images) < count:
                raise SystemExit(f"{folder / name}: has {len(images)} images, {count} are needed")
            return images
    raise SystemExit(f"{folder}: has no train-images-idx3-ubyte[.gz]")


def differences(job, ours, theirs):
    """What of two results disagrees, as a list of sentences."""
    found = []
    for name, a, b in (("exc", ours[0], theirs[0]), ("inh", ours[1], theirs[1])):
        where = np.argwhere(a != b)
        if len(where):
            image, step, neuron = where[0]
            found.append(f"{len(where)} {name} spikes differ, first in image {image}, step {step}, "
                         f"neuron {neuron}: spikeseek {a[image, step, neuron]}, "
                         f"BindsNET {b[image, step, neuron]}")
    limit = TOLERANCE * job["images"]
    for name, a, b in (("theta", ours[2], theirs[2]), ("w", ours[3], theirs[3])):
        if not np.abs(a - b).max() <= limit:
            found.append(f"{name} differs by up to {np.abs(a - b).max():.2e}, allowed {limit:.1e}")
    return found


def compare(chosen, images, size, folder):
    """One size: a row of the table, the differences, and the programs' names."""
    rng = np.random.default_rng([chosen.seed, size])
    parameters = files.BEST if chosen.parameters == "best" else files.DEFAULTS
    w0 = rng.random((images.shape[1], size), dtype=np.float32)
    files.write_job(folder / "job", images, parameters | {"map_size": size}, w0, STEPS, GAIN, rng)
    job, _, inputs = files.read_job(folder / "job")

    programs = {"spikeseek": [str(chosen.peer.resolve())],
                "bindsnet": [sys.executable, str(HERE / "run_bindsnet.py")]}
    seconds = {name: [] for name in programs}
    results = {}
    found = []
    for repeat in range(chosen.repeats):
        for name, command in programs.items():
            out = folder / f"{name}-{repeat}"
            code = subprocess.run([*command, str(folder / "job"), str(out)]).returncode
            if code != 0:
                raise SystemExit(f"{' '.join(command)}: failed with exit status {code}")
            results[name] = files.read_result(out, job)
            seconds[name] += results[name][4]["seconds_per_image"]
        for difference in differences(job, results["spikeseek"], results["bindsnet"]):
            if difference not in found:
                found.append(difference)

    median = {name: np.median(values) for name, values in seconds.items()}
    exc, inh, theta, w, _ = results["spikeseek"]
    other = results["bindsnet"]
    row = (f"| {size} | {len(images)} "
           f"| {inputs.sum() / len(images):.0f} / {exc.sum() / len(images):.1f} / "
           f"{inh.sum() / len(images):.1f} "
           f"| {1 / median['bindsnet']:.2f} | {1 / median['spikeseek']:.1f} "
           f"| {median['bindsnet'] / median['spikeseek']:.1f} "
           f"| {'no' if found else 'yes'} | {np.abs(theta - other[2]).max():.1e} "
           f"| {np.abs(w - other[3]).max():.1e} |")
    return row, found, [results[name][4]["program"] for name in programs]


def machine():
    model = platform.processor() or platform.machine()
    try:
        lines = subprocess.run(["lscpu"], capture_output=True, text=True, check=True).stdout
        model = next(line.split(":")[1].strip() for line in lines.splitlines()
                     if line.startswith("Model name"))
    except (OSError, subprocess.CalledProcessError, StopIteration):
        pass
    return (f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; "
            f"Python {platform.python_version()}, "
            f"numpy {importlib.metadata.version('numpy')}; one thread each; "
            f"load average at the end {os.getloadavg()[0]:.1f}")


def main():
    chosen = arguments()
    if not chosen.peer.is_file():
        raise SystemExit(f"{chosen.peer}: not found; build it with "
                         "'cargo build --release --example peer_stdp' or name it with --peer")
    images = training_images(chosen.data, max(chosen.images))
    report = [
        f"Experiment 1, {chosen.parameters} hyperparameters, {STEPS} steps an image, learning on, "
        f"medians over all images of {chosen.repeats} runs of each program in turn, "
        f"seed {chosen.seed}.",
        "",
        "| neurons | images | spikes an image: in / exc / inh | BindsNET images/s "
        "| spikeseek images/s | ratio | same spikes, theta, w | max dtheta | max dw |",
        "|--:|--:|--:|--:|--:|--:|:-:|--:|--:|",
    ]
    print("\n".join(report), flush=True)
    problems = []
    for size, count in zip(chosen.sizes, chosen.images, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            row, found, programs = compare(chosen, images[:count], size, Path(folder))
        print(row, flush=True)
        report.append(row)
        problems += [f"{size} neurons: {difference}" for difference in found]
    facts = ["", f"{' against '.join(programs)}. {machine()}."]
    facts += [f"- {problem}" for problem in problems]
    print("\n".join(facts))
    if chosen.markdown:
        chosen.markdown.write_text("\n".join(report + facts) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
