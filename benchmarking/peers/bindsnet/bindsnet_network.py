"""The Diehl & Cook network of experiment 1, built from BindsNET's public classes."""

import importlib.util
import os
import sys
import types
from importlib.metadata import version
from unittest import mock

# One thread, like one network in spikeseek. Must be set before torch is loaded.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
# setup.sh puts empty CUDA libraries beside torch: their functions must stay unresolved until
# they are called, which never happens on the CPU. No effect where the real ones are installed.
sys.setdlopenflags(sys.getdlopenflags() & ~os.RTLD_NOW | os.RTLD_LAZY)

import torch

torch.set_num_threads(1)

# `import bindsnet` also loads its Atari, OpenCV and plotting parts, and asks for 500 MB of
# packages that a network does not need. An empty parent package stops that; the modules below
# are the library's own, unchanged.
_parent = types.ModuleType("bindsnet")
_parent.__path__ = list(importlib.util.find_spec("bindsnet").submodule_search_locations)
sys.modules["bindsnet"] = _parent

# bindsnet.network first: bindsnet.learning cannot be the first of the two that import each other.
from bindsnet.network import Network
from bindsnet.network.monitors import Monitor
from bindsnet.network.nodes import DiehlAndCookNodes, Input, LIFNodes
from bindsnet.network.topology import Connection
from bindsnet.learning import PostPre

VERSIONS = f"BindsNET {version('bindsnet')}, torch {torch.__version__}"


def build(parameters, w0, steps, record=("s",)):
    """A network with the layers inpt, outpt (excitatory) and inhib.

    parameters  of the network, named as in job.py
    w0          float32 array [inputs, map_size]
    record      state variables of outpt and inhib to record at every step
    """
    p = parameters
    if p["variant"] != "one_spike" or p["reset_interval"] != 0 or p["reduction"] != "sum":
        raise ValueError("expected the variant 'one_spike' with reset_interval 0 and "
                         "reduction 'sum': BindsNET's network here has no other")
    inputs, m = w0.shape
    network = Network(dt=p["dt"])
    inpt = Input(n=inputs, traces=True, tc_trace=p["input_trace"])
    outpt = DiehlAndCookNodes(
        n=m, traces=True, tc_trace=p["e_tc_trace"], one_spike=True,
        rest=p["e_rest"], reset=p["e_reset"], thresh=p["e_thresh"], refrac=p["e_refrac"],
        tc_decay=p["e_tc_decay"], theta_plus=p["theta_plus"],
        tc_theta_decay=p["tc_theta_decay"])
    inhib = LIFNodes(
        n=m, traces=False, rest=p["i_rest"], reset=p["i_reset"], thresh=p["i_thresh"],
        refrac=p["i_refrac"], tc_decay=p["i_tc_decay"])
    network.add_layer(inpt, "inpt")
    network.add_layer(outpt, "outpt")
    network.add_layer(inhib, "inhib")

    network.add_connection(
        Connection(inpt, outpt, w=torch.from_numpy(w0.copy()), update_rule=PostPre,
                   nu=(p["nu_pre"], p["nu_post"]), reduction=torch.sum,
                   weight_decay=p["weight_decay"], norm=p["norm"] or None,
                   wmin=p["wmin"], wmax=p["wmax"]),
        "inpt", "outpt")
    one = torch.eye(m)
    network.add_connection(
        Connection(outpt, inhib, w=p["strength_exc"] * one), "outpt", "inhib")
    network.add_connection(
        Connection(inhib, outpt, w=-p["strength_inh"] * (1.0 - one)), "inhib", "outpt")

    for name in ("outpt", "inhib"):
        variables = [v for v in record if hasattr(network.layers[name], v)]
        network.add_monitor(Monitor(network.layers[name], variables, time=steps), name)
    return network


def weights(network):
    """The learned weights, a tensor [inputs, map_size]."""
    return network.connections["inpt", "outpt"].w


def lowest_index(crossing, _count):
    """The crossing neuron of lowest index in each row: [rows, neurons] -> [rows, 1]."""
    return crossing.argmax(dim=1, keepdim=True)


def choose_with(rule):
    """Context in which the neuron that spikes among those that cross is chosen by `rule`.

    DiehlAndCookNodes draws it with torch.multinomial(crossing, 1), which no other program can
    repeat. Nothing else here draws random numbers.
    """
    return mock.patch.object(torch, "multinomial", rule)
