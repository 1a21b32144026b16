"""Cost of a training step of the LIF engines against activity, layers, width, batch, steps; memory against steps.

    sweep.py LIF_STEP --json sweep.jsonl --svg sweep.svg

LIF_STEP is target/release/examples/lif_step. Each point is a process: one thread, no optimiser, the median of some
steps of random networks whose layers all have the same share of active neurons. Points that the file of --json holds
already are not run again. Ends with the fit of the cost of sparse_layer. Needs Python 3.11, Linux, nothing else.
"""

import argparse
import json
import math
import os
import subprocess
import sys

METHODS = {"sparse_layer": "#1b9e77", "sparse_ops": "#d95f02", "dense": "#7570b3"}
BASE = {"sizes": [2312, 1024, 512, 10], "steps": 100, "batch": 32, "activity": 0.05, "checkpoint_steps": 0}


def with_(**changes):
    return {**BASE, **changes}


# Name, unit of the x axis, what x is of a point, points; y is milliseconds, or MiB for "memory".
SWEEPS = [
    ("activity", "% active", lambda p: 100 * p["activity"],
     [with_(activity=a) for a in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)]),
    ("layers", "hidden layers of 512", lambda p: len(p["sizes"]) - 2,
     [with_(sizes=[1024] + [512] * n + [10]) for n in (1, 2, 4, 8)]),
    ("width", "neurons of both hidden layers", lambda p: p["sizes"][1],
     [with_(sizes=[1024, n, n, 10]) for n in (128, 256, 512, 1024, 2048)]),
    ("batch", "samples a batch", lambda p: p["batch"],
     [with_(batch=b) for b in (1, 4, 8, 16, 32, 64)]),
    ("steps", "time steps", lambda p: p["steps"],
     [with_(steps=t) for t in (25, 50, 100, 200, 400)]),
]
MEMORY = ("memory", "time steps", lambda p: p["steps"],
          [with_(steps=t, batch=8, checkpoint_steps=c) for c in (0, 50) for t in (100, 400, 1600, 6400)])


def measure(program, method, point):
    """Milliseconds a step, and the largest memory of the process in MiB."""
    command = [program, "--method", method, "--sizes", ",".join(map(str, point["sizes"])), "--optimiser", "none",
               "--repeats", "3", "--threads", "1"]
    for name in ("steps", "batch", "activity", "checkpoint_steps"):
        command += ["--" + name.replace("_", "-"), str(point[name])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    result = json.loads(process.stdout.read())
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{command} ended with {status}")
    return {"method": method, **point, "ms": 1000 * result["seconds"], "rates": result["activity"],
            "mib": usage.ru_maxrss / 1024}


def solve(a, b):
    """Least squares by the normal equations, columns scaled."""
    n = len(a[0])
    scale = [math.sqrt(sum(row[i] ** 2 for row in a)) for i in range(n)]
    a = [[x / s for x, s in zip(row, scale)] for row in a]
    m = [[sum(row[i] * row[j] for row in a) for j in range(n)] + [sum(row[i] * y for row, y in zip(a, b))]
         for i in range(n)]
    for i in range(n):
        pivot = max(range(i, n), key=lambda r: abs(m[r][i]))
        m[i], m[pivot] = m[pivot], m[i]
        for r in range(n):
            if r != i:
                factor = m[r][i] / m[i][i]
                m[r] = [x - factor * y for x, y in zip(m[r], m[i])]
    return [m[i][n] / m[i][i] / scale[i] for i in range(n)]


def fit(points):
    """ms = a + b·(rows × neurons) + c·(additions of both gathers), relative errors equal."""
    rows = []
    for p in points:
        count, sizes = p["steps"] * p["batch"], p["sizes"]
        rates = [p["activity"]] + p["rates"]
        padded = [math.ceil(n / 64) * 64 for n in sizes]
        additions = sum(2 * count * rate * size * out for rate, size, out in zip(rates, sizes, padded[1:]))
        rows.append(([1.0, count * sum(padded[1:]), additions], p["ms"]))
    a, b, c = solve([[x / ms for x in row] for row, ms in rows], [1.0] * len(rows))
    errors = sorted(abs((a + b * row[1] + c * row[2]) / ms - 1) for row, ms in rows)
    return (f"sparse_layer, {len(rows)} points: {a:.2f} ms + {1e6 * b:.2f} ns a row and neuron + {1e6 * c:.4f} ns an "
            f"addition (forward and gradient); errors: median {100 * errors[len(errors) // 2]:.0f} %, largest "
            f"{100 * errors[-1]:.0f} %")


def ticks(low, high):
    """1, 2, 5 of each decade within, thinned out where there are many."""
    marks = [m * 10.0 ** e for e in range(-4, 7) for m in (1, 2, 5)]
    marks = [m for m in marks if low * 0.999 <= m <= high * 1.001]
    return marks if len(marks) < 7 else [m for m in marks if f"{m:.0e}"[0] == "1"]


def panel(title, unit, y_unit, lines, left, top, width=300, height=210):
    """A chart with logarithmic axes; `lines` are (label, colour, dashed, [(x, y)])."""
    every = [point for line in lines for point in line[3]]
    (x0, x1), (y0, y1) = [(min(v), max(v)) for v in zip(*every)]
    y0, y1 = y0 * 0.8, y1 * 1.25
    place_x = lambda x: left + 50 + (width - 70) * math.log(x / x0) / math.log(x1 / x0)
    place_y = lambda y: top + height - 40 - (height - 70) * math.log(y / y0) / math.log(y1 / y0)
    out = [f'<text x="{left + 50}" y="{top + 18}" class="t">{title}</text>',
           f'<text x="{left + width - 20}" y="{top + height - 8}" text-anchor="end">{unit}</text>',
           f'<text x="{left + 46}" y="{top + 18}" text-anchor="end">{y_unit}</text>']
    for x in ticks(x0, x1):
        out.append(f'<path d="M{place_x(x):.1f} {top + 30}V{top + height - 40}" class="g"/><text '
                   f'x="{place_x(x):.1f}" y="{top + height - 25}" text-anchor="middle">{x:g}</text>')
    for y in ticks(y0, y1):
        out.append(f'<path d="M{left + 50} {place_y(y):.1f}H{left + width - 20}" class="g"/><text x="{left + 45}" '
                   f'y="{place_y(y) + 4:.1f}" text-anchor="end">{y:g}</text>')
    for _, colour, dashed, points in lines:
        path = "L".join(f"{place_x(x):.1f} {place_y(y):.1f}" for x, y in sorted(points))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        out += [f'<circle cx="{place_x(x):.1f}" cy="{place_y(y):.1f}" r="3" fill="{colour}"/>' for x, y in points]
    return out


def draw(points, file):
    out = []
    for i, (name, unit, x, _) in enumerate(SWEEPS + [MEMORY]):
        lines = []
        of_sweep = [p for p in points if p["sweep"] == name]
        if name == "memory":
            for label, dashed, kept in (("all", False, 0), ("checkpoints", True, 50)):
                own = [(x(p), p["mib"]) for p in of_sweep if p["checkpoint_steps"] == kept]
                lines.append((label, METHODS["sparse_layer"], dashed, own))
        else:
            for method, colour in METHODS.items():
                own = [(x(p), p["ms"]) for p in of_sweep if p["method"] == method]
                lines.append((method, colour, False, own))
        title = "memory, batch 8 (dashed: checkpoints every 50)" if name == "memory" else name
        out += panel(title, unit, "MiB" if name == "memory" else "ms", lines, 310 * (i % 3), 24 + 220 * (i // 3))
    legend = "".join(f'<tspan fill="{colour}" dx="14">● {method}</tspan>' for method, colour in METHODS.items())
    style = "text{font:11px sans-serif;fill:#333}.t{font-weight:bold}.g{stroke:#ddd;fill:none}"
    with open(file, "w") as svg:
        svg.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 930 470" width="930" height="470">'
                  f'<style>{style}</style><rect width="930" height="470" fill="#fff"/><text x="36" y="16">'
                  f'Training step, one thread, 2312-1024-512-10, 100 steps, batch 32, 5 % active unless varied:{legend}'
                  f'</text>{"".join(out)}</svg>\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lif_step")
    parser.add_argument("--json", required=True)
    parser.add_argument("--svg", required=True)
    a = parser.parse_args()
    known = []
    if os.path.exists(a.json):
        with open(a.json) as file:
            known = [json.loads(line) for line in file]
    points = []
    for name, _, x, sweep in SWEEPS + [MEMORY]:
        for point in sweep:
            for method in ["sparse_layer"] if name == "memory" else METHODS:
                found = [p for p in known if p["sweep"] == name and p["method"] == method
                         and all(p[key] == value for key, value in point.items())]
                if not found:
                    found = [{"sweep": name, **measure(a.lif_step, method, point)}]
                    with open(a.json, "a") as file:
                        file.write(json.dumps(found[0]) + "\n")
                points.append(found[0])
                p = found[0]
                print(f"{name} {x(p):g} {method}: {p['ms']:.1f} ms, {p['mib']:.0f} MiB", flush=True)
    draw(points, a.svg)
    print(fit([p for p in points if p["method"] == "sparse_layer" and p["sweep"] != "memory"]))


if __name__ == "__main__":
    main()
