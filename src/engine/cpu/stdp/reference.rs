//! The scalar reference engine: dense loops in the order of the equations, any batch size.

use super::plasticity::{PostPre, Side, normalise};
use super::population::{Population, PopulationParams, TraceRule};
use super::{Factors, lateral_weight};
use crate::engine::{Choose, EndView, Engine, LayerSpikes, Probe, StepView, Weights};
use crate::network::{DiehlCook, Variant};
use crate::spikes::SpikeTrain;

/// A Diehl & Cook network computed plainly.
pub struct ReferenceEngine {
    network: DiehlCook,
    in_trace: f32,
    rule: PostPre,
    weights: Weights,
    lateral: Vec<f32>,
    exc: Population,
    inh: Population,
}

impl ReferenceEngine {
    /// An engine that starts from `weights`.
    pub fn new(network: &DiehlCook, factors: Factors, weights: &Weights) -> Self {
        let m = network.map_size;
        let exc = PopulationParams {
            dt: network.dt as f32,
            rest: network.e_rest as f32,
            reset: network.e_reset as f32,
            thresh: network.e_thresh as f32,
            refrac: network.e_refrac as f32,
            lower_bound: None,
            theta_plus: Some(network.theta_plus as f32),
            one_spike: network.variant == Variant::OneSpike,
            decay_v: factors.exc_v,
            decay_theta: factors.theta,
            decay_trace: factors.exc_trace,
            trace_rule: TraceRule::Set,
        };
        let inh = PopulationParams {
            rest: network.i_rest as f32,
            reset: network.i_reset as f32,
            thresh: network.i_thresh as f32,
            refrac: network.i_refrac as f32,
            theta_plus: None,
            one_spike: false,
            decay_v: factors.inh_v,
            ..exc
        };
        let mut exc = Population::new(exc, m, 1);
        exc.theta.copy_from_slice(&weights.theta);
        ReferenceEngine {
            network: network.clone(),
            in_trace: factors.in_trace,
            rule: PostPre {
                nu_pre: network.nu_pre as f32,
                nu_post: network.nu_post as f32,
                weight_decay: network.weight_decay as f32,
                wmin: network.wmin as f32,
                wmax: network.wmax as f32,
                reduction: network.reduction,
            },
            weights: weights.clone(),
            lateral: (0..m * m).map(|k| lateral_weight(network, k / m, k % m)).collect(),
            exc,
            inh: Population::new(inh, m, 1),
        }
    }

    /// Currents of the step from the spikes of the step before: (excitatory, inhibitory).
    fn currents(&self, s_in: &[bool], batch: usize) -> (Vec<f32>, Vec<f32>) {
        let (n_in, m) = (self.weights.inputs, self.network.map_size);
        let strength_exc = self.network.strength_exc as f32;
        let mut to_exc = vec![0.0; batch * m];
        let mut to_inh = vec![0.0; batch * m];
        for b in 0..batch {
            let current = &mut to_exc[b * m..(b + 1) * m];
            add_rows(current, &self.weights.w, &s_in[b * n_in..(b + 1) * n_in]);
            let s_inh = &self.inh.s[b * m..(b + 1) * m];
            if s_inh.contains(&true) {
                let mut lateral = vec![0.0; m];
                add_rows(&mut lateral, &self.lateral, s_inh);
                current.iter_mut().zip(&lateral).for_each(|(i, l)| *i += l);
            }
            for j in 0..m {
                if self.exc.s[b * m + j] {
                    to_inh[b * m + j] = strength_exc;
                }
            }
        }
        (to_exc, to_inh)
    }
}

/// Adds the rows of `matrix` whose flag is set to `sum`.
fn add_rows(sum: &mut [f32], matrix: &[f32], flags: &[bool]) {
    for (row, _) in matrix.chunks_exact(sum.len()).zip(flags).filter(|&(_, &flag)| flag) {
        sum.iter_mut().zip(row).for_each(|(total, w)| *total += w);
    }
}

/// Indices of the set flags.
fn ids(flags: &[bool]) -> Vec<u32> {
    (0..flags.len() as u32).filter(|&j| flags[j as usize]).collect()
}

impl Engine for ReferenceEngine {
    fn run(
        &mut self,
        batch: &[SpikeTrain],
        learning: bool,
        choose: &mut Choose<'_>,
        mut probe: Option<&mut dyn Probe>,
    ) -> Vec<LayerSpikes> {
        let (n_in, m, size) = (self.weights.inputs, self.network.map_size, batch.len());
        let steps = batch[0].steps();
        assert!(batch.iter().all(|train| train.neurons() == n_in && train.steps() == steps));
        let empty = LayerSpikes { exc: SpikeTrain::empty(m), inh: SpikeTrain::empty(m) };
        let mut spikes = vec![empty; size];
        let mut s_in = vec![false; size * n_in];
        let mut x_in = vec![0.0_f32; size * n_in];
        self.exc.reset(size);
        self.inh.reset(size);
        let reset_interval = self.network.reset_interval as usize;
        for t in 0..steps {
            if reset_interval > 0 && t % reset_interval == 0 {
                self.exc.reset(size);
                self.inh.reset(size);
                s_in.fill(false);
                x_in.fill(0.0);
            }
            let (to_exc, to_inh) = self.currents(&s_in, size);
            for (b, train) in batch.iter().enumerate() {
                let s_in = &mut s_in[b * n_in..(b + 1) * n_in];
                s_in.fill(false);
                train.step(t).iter().for_each(|&i| s_in[i as usize] = true);
            }
            for (x, &s) in x_in.iter_mut().zip(&s_in) {
                *x = if s { 1.0 } else { *x * self.in_trace };
            }
            self.exc.step(t, &to_exc, learning, choose);
            self.inh.step(t, &to_inh, learning, choose);
            if learning {
                let pre = Side { s: &s_in, x: &x_in };
                let post = Side { s: &self.exc.s, x: &self.exc.x };
                self.rule.step(&mut self.weights.w, m, size, pre, post);
            }
            for (b, layer) in spikes.iter_mut().enumerate() {
                let range = b * m..(b + 1) * m;
                layer.exc.push_step(&ids(&self.exc.s[range.clone()]));
                layer.inh.push_step(&ids(&self.inh.s[range.clone()]));
                if let Some(probe) = probe.as_deref_mut() {
                    probe.step(&StepView {
                        step: t,
                        sample: b,
                        v_exc: &self.exc.v[range.clone()],
                        v_inh: &self.inh.v[range.clone()],
                        refrac_exc: &self.exc.refrac_count[range.clone()],
                        theta: &self.exc.theta,
                        crossed: &ids(&self.exc.crossed[range]),
                    });
                }
            }
        }
        self.weights.theta.copy_from_slice(&self.exc.theta);
        if let Some(probe) = probe {
            probe.end(&EndView { x_in: &x_in, x_exc: &self.exc.x, weights: &self.weights });
        }
        if self.network.norm > 0.0 {
            normalise(&mut self.weights.w, m, self.network.norm as f32);
        }
        spikes
    }

    fn weights(&self) -> Weights {
        self.weights.clone()
    }
}
