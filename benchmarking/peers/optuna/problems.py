"""The toy problems: functions of a point of the unit cube.

Each gives (value, constraints): the value is maximised, None where the point is silent, and the
point is feasible where all constraints are <= 0. `problems.py --check DIR` compares the first two
with the recorded curves of BoTorch's SCBO (e2e_NAME_tutorial.npz).
"""

import argparse
import math
import sys
from pathlib import Path


def ackley10(u):
    """Ackley's function in ten variables, negated, with two constraints (BoTorch's tutorial).

    x_i = -5 + 15 u_i, i = 0..9
    value = 20 exp(-0.2 sqrt(sum x_i^2 / 10)) + exp(sum cos(2 pi x_i) / 10) - 20 - e
    c_0  = sum x_i
    c_1  = sqrt(sum x_i^2) - 5
    Largest feasible value: 0, at x = 0 (c_0 is active).
    """
    x = [-5.0 + 15.0 * v for v in u]
    norm = math.sqrt(sum(v * v for v in x))
    waves = sum(math.cos(2.0 * math.pi * v) for v in x) / len(x)
    value = 20.0 * math.exp(-0.2 * norm / math.sqrt(len(x))) + math.exp(waves) - 20.0 - math.e
    return value, [sum(x), norm - 5.0]


def pressure_vessel(u):
    """Design of a pressure vessel (Coello Coello, 2002) in BoTorch's version, negated.

    x_0 = 10 u_0, x_1 = 10 u_1, x_2 = 10 + 40 u_2, x_3 = 150 + 50 u_3
    r_k = 0.0625 round(x_k / 0.0625) for k = 0, 1; halves are rounded to even
    value = -(0.6224 r_0 x_2 x_3 + 1.7781 r_1 x_2^2 + 3.1661 r_0^2 x_3 + 19.84 r_0^2 x_2)
    c_0 = -x_0 + 0.0193 x_2
    c_1 = -x_1 + 0.00954 x_2
    c_2 = -pi x_2^2 x_3 - 4/3 pi x_2^3 + 1296000
    c_3 = x_3 - 240
    Only the value rounds, so values above the textbook's -6059.946 are feasible.
    """
    x0, x1, x2, x3 = 10.0 * u[0], 10.0 * u[1], 10.0 + 40.0 * u[2], 150.0 + 50.0 * u[3]
    r0, r1 = 0.0625 * round(x0 / 0.0625), 0.0625 * round(x1 / 0.0625)
    cost = (0.6224 * r0 * x2 * x3 + 1.7781 * r1 * x2**2 + 3.1661 * r0**2 * x3
            + 19.84 * r0**2 * x2)
    return -cost, [
        -x0 + 0.0193 * x2,
        -x1 + 0.00954 * x2,
        -math.pi * x2**2 * x3 - 4.0 / 3.0 * math.pi * x2**3 + 1296000.0,
        x3 - 240.0,
    ]


SILENT_A = [0.35, 0.65, 0.4, 0.6, 0.5, 0.55]
SILENT_HALF = 0.5 * 0.05 ** (1 / 6)
SILENT_B = ([a + 0.2 * (-1) ** j for j, a in enumerate(SILENT_A)]
            + [0.1 + 0.8 * j / 17 for j in range(6, 18)])


def silent18(u):
    """18 variables of which six decide whether there is a value at all: 5 % of the cube has one.

    Like a search over spiking networks: a silent point gives no value, and its constraint says only
    that it is silent, not how far the others are.

    a = (0.35, 0.65, 0.4, 0.6, 0.5, 0.55), h = 0.5 * 0.05^(1/6)
    b_j = a_j + 0.2 (-1)^j for j < 6, 0.1 + 0.8 j / 17 for 6 <= j < 18
    g = max over j < 6 of |u_j - a_j| / h
    g > 1: no value, c_0 = 0.9
    else:  value = 1 - sqrt(sum over all 18 of (u_j - b_j)^2 / 18), c_0 = -0.1 (1 - g)
    Largest value: 1, at u = b.
    """
    g = max(abs(v - a) for v, a in zip(u, SILENT_A)) / SILENT_HALF
    if g > 1.0:
        return None, [0.9]
    distance = math.sqrt(sum((v - b) ** 2 for v, b in zip(u, SILENT_B)) / len(u))
    return 1.0 - distance, [-0.1 * (1.0 - g)]


# Name: (function, variables)
PROBLEMS = {"ackley10": (ackley10, 10), "pressure_vessel": (pressure_vessel, 4),
            "silent18": (silent18, 18)}
# The lowest value that silent18 can have: no distance is above 1.
LOWEST = 0.0


def difference(name, path):
    """(largest difference in tolerances, points compared, points left out) of a recorded curve.

    The recorded points are float32. The tolerance is 1e-5 of the recorded number and 1e-6 of the
    largest of its kind. Points within 1e-4 of a step of pressure_vessel's rounding are left out.
    """
    import numpy as np

    recorded = np.load(path)
    x = recorded["X"].astype(np.float64)
    x = x.reshape(-1, x.shape[-1])
    expected = np.column_stack([recorded["Y"].reshape(-1),
                                recorded["C"].reshape(len(x), -1).astype(np.float64)])
    if name == "pressure_vessel":
        steps = 10.0 * x[:, :2] / 0.0625
        keep = (np.abs(steps - np.floor(steps) - 0.5) > 1e-4).all(1)
    else:
        keep = np.ones(len(x), bool)
    function, _ = PROBLEMS[name]
    found = np.array([[value, *constraints] for value, constraints in map(function, x)])
    tolerance = 1e-5 * np.abs(expected) + 1e-6 * np.abs(expected).max(0)
    worst = (np.abs(found - expected) / tolerance)[keep].max()
    return worst, int(keep.sum()), int((~keep).sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", type=Path, metavar="DIR", required=True,
                        help="folder of e2e_NAME_tutorial.npz")
    folder = parser.parse_args().check
    failed = False
    for name in ("ackley10", "pressure_vessel"):
        worst, compared, left_out = difference(name, folder / f"e2e_{name}_tutorial.npz")
        failed |= not worst <= 1.0
        print(f"{name}: {compared} points, largest difference {worst:.3f} of the tolerance, "
              f"{left_out} left out: {'ok' if worst <= 1.0 else 'DIFFERENT'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
