"""Seconds a training step of a LIF network in PyTorch on the CPU, as JSON.

Reads the weights and inputs that `lif_step --write FOLDER` saved, and computes the same step:
forward, cross-entropy of the spike counts, backward, Adam with a learning rate of 0.

--model torch     one matrix product for all steps and samples of a layer; the recursion over time
                  is one autograd function with a backward pass written by hand, in place: the
                  fastest dense form of the model
--model loop      the model as it is usually written: a loop over steps, autograd throughout
--model snntorch  snnTorch's Leaky neurons, one step at a time. Its reset to zero also discards the
                  input of the step after a spike, so its loss is not ours
"""

import argparse
import json
import os
import statistics
import sys
import time

# torch_venv.sh: functions of the CUDA libraries are looked up when they are called, so never.
sys.setdlopenflags(sys.getdlopenflags() & ~os.RTLD_NOW | os.RTLD_LAZY)

import numpy
import torch

SLOPE = 10.0
THRESHOLD = 1.0
DECAY = 0.95
GAIN = 10.0 * (1.0 - DECAY)


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient / (SLOPE * x.abs() + 1) ** 2


class Recursion(torch.autograd.Function):
    """Currents [T, B, n] to spikes; gradient above the second threshold only."""

    @staticmethod
    def forward(ctx, current, second):
        v = current * GAIN
        spikes = torch.empty_like(v)
        u = torch.zeros_like(v[0])
        for t in range(v.shape[0]):
            v[t].add_(u, alpha=DECAY)
            torch.gt(v[t], THRESHOLD, out=spikes[t])
            u = v[t] * (1 - spikes[t])
        ctx.save_for_backward(v)
        ctx.second = second
        return spikes

    @staticmethod
    def backward(ctx, gradient):
        (v,) = ctx.saved_tensors
        g = gradient / (SLOPE * (v - THRESHOLD).abs() + 1) ** 2
        g *= v > ctx.second
        for t in range(v.shape[0] - 2, -1, -1):
            g[t].add_(g[t + 1], alpha=DECAY)
        return g * GAIN, None


def delayed(spikes):
    """What the next layer receives: the spikes of the step before."""
    return torch.cat([torch.zeros_like(spikes[:1]), spikes[:-1]])


def run_torch(x, weights):
    for l, w in enumerate(weights):
        second = -100.0 if l + 1 == len(weights) else 0.9
        steps, batch, _ = x.shape
        current = (x.reshape(steps * batch, -1) @ w.T).reshape(steps, batch, -1)
        spikes = Recursion.apply(current, second)
        x = delayed(spikes)
    return spikes.sum(0)


def run_loop(x, weights):
    v = [torch.zeros(x.shape[1], w.shape[0]) for w in weights]
    spikes = [torch.zeros_like(v) for v in v]
    count = 0
    for t in range(x.shape[0]):
        inputs = [x[t]] + spikes[:-1]
        for l, w in enumerate(weights):
            kept = v[l] - (v[l] * (v[l] > THRESHOLD)).detach()
            v[l] = DECAY * kept + GAIN * torch.nn.functional.linear(inputs[l], w)
        spikes = [Spike.apply(v - THRESHOLD) for v in v]
        count = count + spikes[-1]
    return count


def run_snntorch(x, weights):
    import snntorch
    from snntorch import surrogate

    leaky = [
        snntorch.Leaky(beta=DECAY, threshold=THRESHOLD, reset_mechanism="zero",
                       spike_grad=surrogate.fast_sigmoid(slope=SLOPE))
        for _ in weights
    ]
    states = [layer.init_leaky() for layer in leaky]
    spikes = [torch.zeros(x.shape[1], w.shape[0]) for w in weights]
    count = 0
    for t in range(x.shape[0]):
        inputs = [x[t]] + spikes[:-1]
        results = [
            layer(GAIN * torch.nn.functional.linear(i, w), state)
            for layer, i, w, state in zip(leaky, inputs, weights, states)
        ]
        spikes = [spike for spike, _ in results]
        states = [state for _, state in results]
        count = count + spikes[-1]
    return count


MODELS = {"torch": run_torch, "loop": run_loop, "snntorch": run_snntorch}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--model", choices=MODELS, default="torch")
    parser.add_argument("--sizes", default="2312,1024,512,10")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--optimiser", choices=["adam", "none"], default="adam")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    sizes = [int(n) for n in a.sizes.split(",")]
    events = numpy.fromfile(os.path.join(a.folder, "events.u32"), "<u4").reshape(-1, 3)
    x = torch.zeros(a.steps, a.batch, sizes[0])
    sample, step, unit = (torch.from_numpy(c.astype("int64")) for c in events.T)
    x[step, sample, unit] = 1.0
    weights = []
    for l, (n_in, n) in enumerate(zip(sizes, sizes[1:])):
        w = numpy.fromfile(os.path.join(a.folder, f"w{l}.f32"), "<f4").reshape(n, n_in)
        weights.append(torch.from_numpy(w).requires_grad_())
    labels = torch.arange(a.batch) % sizes[-1]
    optimiser = torch.optim.Adam(weights, lr=0.0, eps=1e-7)
    seconds, forward = [], []
    for repeat in range(a.repeats + 1):
        for w in weights:
            w.grad = None
        started = time.perf_counter()
        loss = torch.nn.functional.cross_entropy(MODELS[a.model](x, weights), labels)
        forward_done = time.perf_counter()
        loss.backward()
        if a.optimiser == "adam":
            optimiser.step()
        if repeat > 0:
            seconds.append(time.perf_counter() - started)
            forward.append(forward_done - started)
    print(json.dumps({
        "method": a.model, "torch": torch.__version__, "sizes": sizes, "steps": a.steps,
        "batch": a.batch, "threads": a.threads, "optimiser": a.optimiser, "loss": loss.item(),
        "gradient_norms": [w.grad.norm().item() for w in weights],
        "seconds": statistics.median(seconds), "seconds_least": min(seconds),
        "forward_seconds": statistics.median(forward),
    }))


if __name__ == "__main__":
    main()
