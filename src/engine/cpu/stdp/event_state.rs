//! Parameters and state variables of the event-driven engine, in the layout that its loops need.

use super::kernel::{BlockState, Bounds, LANES, Lanes, Membrane};
use super::{Factors, lateral_weight};
use crate::network::{DiehlCook, Variant};

/// Parameters in the form that the loops need.
pub(super) struct Params {
    pub(super) exc: Membrane,
    pub(super) inh: Membrane,
    pub(super) one_spike: bool,
    pub(super) reset_interval: usize,
    pub(super) strength_exc: f32,
    pub(super) strength_inh: f32,
    /// Lateral weights by distance: from i to j at `m − 1 + j − i`; empty for uniform ones.
    pub(super) lateral_by_distance: Vec<f32>,
    pub(super) nu_pre: f32,
    pub(super) nu_post: f32,
    pub(super) bounds: Bounds,
    pub(super) norm: f32,
    pub(super) decay_in_trace: f32,
    pub(super) decay_exc_trace: f32,
    /// Whether an inhibitory neuron fires without any input (rest ≥ threshold).
    pub(super) inh_fires_at_rest: bool,
}

/// State variables of a sample and the scratch space of a run.
pub(super) struct State {
    pub(super) exc: Vec<BlockState>,
    pub(super) inh: Vec<BlockState>,
    pub(super) inh_active: Vec<bool>,
    pub(super) x_exc: Vec<Lanes>,
    /// Blocks with a neuron that spiked in this run.
    pub(super) touched: Vec<bool>,
    pub(super) touched_list: Vec<u32>,
    /// Neurons whose column changed in this run.
    pub(super) changed: Vec<[bool; LANES]>,
    /// Currents computed ahead, `[step][block]`.
    pub(super) ahead: Vec<Lanes>,
    /// Current of the next step of touched blocks.
    pub(super) next: Vec<Lanes>,
    pub(super) lateral: Vec<Lanes>,
    pub(super) gain: Vec<Lanes>,
    /// Step of each input's last spike in this sample; `NEVER` without one.
    pub(super) last_spike: Vec<u32>,
    /// Inputs with a trace, in the order of their first spike.
    pub(super) traced: Vec<u32>,
    /// decay^k, by repeated multiplication as the trace itself would do it.
    pub(super) trace_powers: Vec<f32>,
    pub(super) traces: Vec<(u32, f32)>,
    pub(super) crossed: Vec<u32>,
    pub(super) spiking: Vec<u32>,
    pub(super) previous_spiking: Vec<u32>,
    pub(super) inh_spiking: Vec<u32>,
}

pub(super) const NEVER: u32 = u32::MAX;

impl Params {
    pub(super) fn new(network: &DiehlCook, factors: Factors) -> Self {
        let m = network.map_size;
        let exc = Membrane {
            decay: factors.exc_v,
            rest: network.e_rest as f32,
            reset: network.e_reset as f32,
            thresh: network.e_thresh as f32,
            refrac: network.e_refrac as f32,
            dt: network.dt as f32,
            decay_theta: factors.theta,
            theta_plus: network.theta_plus as f32,
        };
        let inh = Membrane {
            decay: factors.inh_v,
            rest: network.i_rest as f32,
            reset: network.i_reset as f32,
            thresh: network.i_thresh as f32,
            refrac: network.i_refrac as f32,
            ..exc
        };
        let soft = network.variant == Variant::SoftLateral;
        let by_distance = |k: usize| lateral_weight(network, 0, (k + 1).abs_diff(m));
        Params {
            exc,
            inh,
            one_spike: !soft,
            reset_interval: network.reset_interval as usize,
            strength_exc: network.strength_exc as f32,
            strength_inh: network.strength_inh as f32,
            lateral_by_distance: if soft {
                (0..2 * m - 1).map(by_distance).collect()
            } else {
                vec![]
            },
            nu_pre: network.nu_pre as f32,
            nu_post: network.nu_post as f32,
            bounds: Bounds { low: network.wmin as f32, high: network.wmax as f32 },
            norm: network.norm as f32,
            decay_in_trace: factors.in_trace,
            decay_exc_trace: factors.exc_trace,
            inh_fires_at_rest: inh.rest >= inh.thresh,
        }
    }
}

impl State {
    pub(super) fn new(params: &Params, inputs: usize, blocks: usize) -> Self {
        let block = |rest: f32| BlockState {
            v: Lanes::splat(rest),
            refrac_count: Lanes::splat(0.0),
            theta: Lanes::splat(0.0),
        };
        let zero = vec![Lanes::splat(0.0); blocks];
        State {
            exc: vec![block(params.exc.rest); blocks],
            inh: vec![block(params.inh.rest); blocks],
            inh_active: vec![false; blocks],
            x_exc: zero.clone(),
            touched: vec![false; blocks],
            touched_list: Vec::new(),
            changed: vec![[false; LANES]; blocks],
            ahead: Vec::new(),
            next: zero.clone(),
            lateral: zero.clone(),
            gain: zero,
            last_spike: vec![NEVER; inputs],
            traced: Vec::new(),
            trace_powers: vec![1.0],
            traces: Vec::new(),
            crossed: Vec::new(),
            spiking: Vec::new(),
            previous_spiking: Vec::new(),
            inh_spiking: Vec::new(),
        }
    }

    /// v = rest, counters, traces and spikes 0. Weights, θ and the record of which columns changed
    /// stay.
    pub(super) fn reset(&mut self, params: &Params) {
        for (layer, membrane) in [(&mut self.exc, &params.exc), (&mut self.inh, &params.inh)] {
            for block in layer.iter_mut() {
                block.v = Lanes::splat(membrane.rest);
                block.refrac_count = Lanes::splat(0.0);
            }
        }
        self.inh_active.fill(params.inh_fires_at_rest);
        self.x_exc.fill(Lanes::splat(0.0));
        for &i in &self.traced {
            self.last_spike[i as usize] = NEVER;
        }
        self.traced.clear();
        self.spiking.clear();
        self.previous_spiking.clear();
        self.inh_spiking.clear();
    }

    /// Trace of an input after step `t`.
    pub(super) fn input_trace(&self, input: usize, t: usize) -> f32 {
        match self.last_spike[input] {
            NEVER => 0.0,
            last => self.trace_powers[t - last as usize],
        }
    }
}
