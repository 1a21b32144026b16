"""Optuna's samplers by name, and the one way in which toys.py and real.py use them."""

import os
import sys
import time
import warnings

# One thread, like spikeseek's. Must be set before torch is loaded.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
# setup.sh puts empty CUDA libraries beside torch: their functions must stay unresolved until
# they are called, which never happens on the CPU. No effect where the real ones are installed.
sys.setdlopenflags(sys.getdlopenflags() & ~os.RTLD_NOW | os.RTLD_LAZY)

import optuna
import torch

torch.set_num_threads(1)
optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
VERSIONS = f"Optuna {optuna.__version__}, torch {torch.__version__}"

# Optuna's defaults: ten random trials at the start; TPE is multivariate with one objective, and
# takes running trials into account (constant liar), as GPSampler does.
SAMPLERS = {
    "tpe": lambda seed: optuna.samplers.TPESampler(seed=seed),
    "tpe_independent": lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=False),
    "gp": lambda seed: optuna.samplers.GPSampler(seed=seed),
    "random": lambda seed: optuna.samplers.RandomSampler(seed=seed),
}


class Asker:
    """A study in memory that is maximised, with the seconds spent in its sampler."""

    def __init__(self, sampler, seed, distributions):
        self.study = optuna.create_study(direction="maximize", sampler=SAMPLERS[sampler](seed))
        self.distributions = distributions
        self.seconds = 0.0

    def ask(self):
        """A trial, with values for all variables in `params`."""
        start = time.perf_counter()
        trial = self.study.ask(self.distributions)
        self.seconds += time.perf_counter() - start
        return trial

    def tell(self, trial, value, constraints):
        """The result of a trial; without constraints (nothing is known) it has failed."""
        start = time.perf_counter()
        for i, constraint in enumerate(constraints):
            trial.set_constraint(f"c{i}", constraint)
        if constraints:
            self.study.tell(trial, value)
        else:
            self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        self.seconds += time.perf_counter() - start


class Best:
    """Best feasible value so far."""

    def __init__(self):
        self.value = None

    def add(self, value, constraints):
        """Takes a result in; whether it is feasible: has a value and no constraint above 0."""
        feasible = value is not None and all(c <= 0.0 for c in constraints)
        if feasible and (self.value is None or value > self.value):
            self.value = value
        return feasible
