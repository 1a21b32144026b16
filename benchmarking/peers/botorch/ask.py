"""Times one ask of SCBO with BoTorch: fit the models, draw from them at candidates, choose a batch.

The data is a CSV file with the header x0,...,value,c0,...: points of the unit cube, the value
(maximised; may be empty where there is none) and the constraints (satisfied at <= 0). Prints one
JSON object: seconds of each repeat and their medians.

Each repeat starts from nothing, as the first ask of a resumed search does:
  fit     one Gaussian process for the value and one for each constraint
  box     candidates in the trust region (scrambled Sobol points, some coordinates of the centre)
  draw    joint posterior draws of all models at all candidates
  choose  the batch from the draws
`user` and `system` are processor seconds of the whole ask, the latter mostly of giving memory.
"""

import argparse
import csv
import json
import math
import os
import resource
import statistics
import sys
import time
import warnings

SIDE = 0.8  # of the trust region


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", help="CSV file of the points known so far")
    parser.add_argument("--batch", type=int, default=16, help="points to choose")
    parser.add_argument("--candidates", type=int, default=5000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--versions", action="store_true", help="print the versions, nothing else")
    chosen = parser.parse_args()
    if chosen.data is None and not chosen.versions:
        parser.error("name the CSV file of the points")
    if min(chosen.batch, chosen.candidates, chosen.threads, chosen.repeats) < 1:
        parser.error("--batch, --candidates, --threads and --repeats must be at least 1")
    return chosen


ARGUMENTS = arguments()
# Must be set before torch is loaded.
os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(ARGUMENTS.threads)
# setup.sh puts empty CUDA libraries beside torch: their functions must stay unresolved until
# they are called, which never happens on the CPU. No effect where the real ones are installed.
sys.setdlopenflags(sys.getdlopenflags() & ~os.RTLD_NOW | os.RTLD_LAZY)
warnings.filterwarnings("ignore", category=FutureWarning)  # torch.jit's, while it is imported

import botorch
import gpytorch
import torch
from botorch.fit import fit_gpytorch_mll
from botorch.generation.sampling import ConstrainedMaxPosteriorSampling
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.transforms.outcome import Standardize
from gpytorch.constraints import Interval
from gpytorch.kernels import MaternKernel, ScaleKernel
from gpytorch.likelihoods import GaussianLikelihood
from gpytorch.mlls import ExactMarginalLogLikelihood

torch.set_num_threads(ARGUMENTS.threads)
VERSIONS = {"botorch": botorch.__version__, "gpytorch": gpytorch.__version__,
            "torch": torch.__version__}


def read(path):
    """(X [n, d], value [n] with NaN where there is none, constraints [n, m]), float64."""
    with open(path, newline="") as file:
        rows = csv.DictReader(file)
        names = rows.fieldnames or []
        inputs = [name for name in names if name.startswith("x")]
        constraints = [name for name in names if name.startswith("c")]
        if not inputs or not constraints or "value" not in names:
            raise SystemExit(f"{path}: expected the columns x0,...,value,c0,...")
        number = lambda text: float(text) if text.strip() else math.nan
        rows = [{name: number(row[name]) for name in names} for row in rows]
    if not rows:
        raise SystemExit(f"{path}: has no points")

    def table(columns):
        return torch.tensor([[row[name] for name in columns] for row in rows],
                            dtype=torch.float64)

    return table(inputs), table(["value"])[:, 0], table(constraints)


def fitted(x, y):
    """The Gaussian process of y [n] at x [n, d], by maximum likelihood."""
    kernel = ScaleKernel(MaternKernel(nu=2.5, ard_num_dims=x.shape[1],
                                      lengthscale_constraint=Interval(0.005, 4.0)))
    likelihood = GaussianLikelihood(noise_constraint=Interval(1e-8, 1e-3))
    model = SingleTaskGP(x, y.unsqueeze(1), covar_module=kernel, likelihood=likelihood,
                         outcome_transform=Standardize(m=1))
    fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
    return model


def centre(x, value, constraints):
    """The best feasible point, or the one of least violation where none is feasible."""
    feasible = (constraints <= 0).all(1) & ~value.isnan()
    if feasible.any():
        return x[torch.where(feasible, value, -math.inf).argmax()]
    return x[constraints.clamp(min=0).sum(1).argmin()]


def candidates(middle, count, generator, seed):
    """Points [count, d] of the box about `middle` that differ from it in about 20 coordinates."""
    d = len(middle)
    low = (middle - SIDE / 2).clamp(0, 1)
    high = (middle + SIDE / 2).clamp(0, 1)
    sobol = torch.quasirandom.SobolEngine(d, scramble=True, seed=seed)
    drawn = low + (high - low) * sobol.draw(count, dtype=torch.float64)
    moved = torch.rand(count, d, generator=generator, dtype=torch.float64) < min(20 / d, 1)
    unmoved = (~moved.any(1)).nonzero()[:, 0]
    moved[unmoved, torch.randint(d, (len(unmoved),), generator=generator)] = True
    return torch.where(moved, drawn, middle)


class Timed(ConstrainedMaxPosteriorSampling):
    """BoTorch's sampling, with the time it takes to choose from the draws."""

    choosing = 0.0

    def _timed(self, method, *args, **kwargs):
        start = time.perf_counter()
        result = method(*args, **kwargs)
        self.choosing += time.perf_counter() - start
        return result

    def _convert_samples_to_scores(self, *args, **kwargs):
        return self._timed(super()._convert_samples_to_scores, *args, **kwargs)

    def maximize_samples(self, *args, **kwargs):
        return self._timed(super().maximize_samples, *args, **kwargs)


def ask(x, value, constraints, batch, count, seed):
    """Chooses a batch; (the points [batch, d], seconds by part and of the processor)."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    times, before = [time.perf_counter()], os.times()
    with gpytorch.settings.max_cholesky_size(float("inf")):
        known = ~value.isnan()
        objective = fitted(x[known], value[known])
        limits = ModelListGP(*(fitted(x, column) for column in constraints.T))
        times.append(time.perf_counter())
        with torch.no_grad():
            points = candidates(centre(x, value, constraints), count, generator, seed)
            times.append(time.perf_counter())
            sampling = Timed(objective, limits, replacement=False)
            chosen = sampling(points, num_samples=batch)
            times.append(time.perf_counter())
    after = os.times()
    fit, box, sample = (end - start for start, end in zip(times, times[1:]))
    return chosen, {"fit": fit, "box": box, "draw": sample - sampling.choosing,
                    "choose": sampling.choosing, "total": times[-1] - times[0],
                    "user": after.user - before.user, "system": after.system - before.system}


def main():
    if ARGUMENTS.versions:
        print("ready:", ", ".join(f"{name} {version}" for name, version in VERSIONS.items()))
        return
    x, value, constraints = read(ARGUMENTS.data)
    repeats = []
    for repeat in range(ARGUMENTS.repeats):
        chosen, seconds = ask(x, value, constraints, ARGUMENTS.batch, ARGUMENTS.candidates,
                              ARGUMENTS.seed + repeat)
        assert chosen.shape == (ARGUMENTS.batch, x.shape[1])
        repeats.append(seconds)
    print(json.dumps({
        "points": len(x), "variables": x.shape[1], "constraints": constraints.shape[1],
        "feasible": int(((constraints <= 0).all(1) & ~value.isnan()).sum()),
        "batch": ARGUMENTS.batch, "candidates": ARGUMENTS.candidates,
        "threads": torch.get_num_threads(), "versions": VERSIONS, "seconds": repeats,
        "median": {part: statistics.median(s[part] for s in repeats) for part in repeats[0]},
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }))


if __name__ == "__main__":
    main()
