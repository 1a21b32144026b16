"""Runs a job folder (see job.py) on BindsNET: run_bindsnet.py JOBDIR OUTDIR"""

import argparse
import time

import bindsnet_network as bn
import numpy as np
import torch

import job as files


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jobdir")
    parser.add_argument("outdir")
    arguments = parser.parse_args()

    job, w0, inputs = files.read_job(arguments.jobdir)
    steps = job["steps"]
    network = bn.build(job["network"], w0, steps)
    exc, inh, seconds = [], [], []
    with bn.choose_with(bn.lowest_index), torch.no_grad():
        for image, learning in zip(inputs, job["learning"], strict=True):
            network.train(learning)
            # uint8 [steps, 1, inputs] is what BindsNET's own encoder makes. A copy, since the
            # reset below zeroes the last frame in place.
            frames = torch.from_numpy(image.copy()).unsqueeze(1)
            start = time.perf_counter()
            network.run({"inpt": frames}, time=steps)
            exc_spikes = network.monitors["outpt"].get("s")
            inh_spikes = network.monitors["inhib"].get("s")
            network.reset_state_variables()
            seconds.append(time.perf_counter() - start)
            exc.append(exc_spikes.numpy()[:, 0])
            inh.append(inh_spikes.numpy()[:, 0])
    files.write_result(arguments.outdir, np.stack(exc), np.stack(inh),
                       network.layers["outpt"].theta.numpy(), bn.weights(network).numpy(),
                       bn.VERSIONS, seconds)


if __name__ == "__main__":
    main()
