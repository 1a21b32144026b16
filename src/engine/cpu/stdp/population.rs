//! Scalar reference of one population of leaky integrate-and-fire neurons.
//!
//! One step, for each neuron of each sample (spec stdp.md section 2):
//!
//! ```text
//! v ← d·(v − rest) + rest
//! θ ← θ·d_θ                        adaptive, learning
//! v ← v + I                        where refrac_count ≤ 0
//! refrac_count ← refrac_count − dt
//! c = (v ≥ thresh + θ)             inclusive; not masked by the refractory state
//! refrac_count = refrac, v = reset where c
//! θ ← θ + theta_plus·Σ_batch c     adaptive, learning
//! s = c, or one neuron of c a sample (one_spike)
//! v = max(v, lower bound)
//! x ← x·d_x;  x = 1 where s        or x ← x + scale·s (additive traces)
//! ```
//!
//! θ of a neuron is shared by the batch: all samples compare with the same θ, then it grows.

use crate::engine::Choose;

/// How a trace answers a spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TraceRule {
    /// x = 1.
    Set,
    /// x ← x + scale.
    Add {
        /// Increment a spike.
        scale: f32,
    },
}

/// Parameters of a population, in float32 as the computation has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PopulationParams {
    /// Duration of a step \[ms\].
    pub dt: f32,
    /// Resting potential \[mV\].
    pub rest: f32,
    /// Reset potential \[mV\].
    pub reset: f32,
    /// Threshold \[mV\].
    pub thresh: f32,
    /// Refractory period \[ms\].
    pub refrac: f32,
    /// Lower bound of the membrane potential \[mV\].
    pub lower_bound: Option<f32>,
    /// Growth of θ at a crossing \[mV\]; None = no adaptive threshold.
    pub theta_plus: Option<f32>,
    /// Whether only one neuron a sample may spike in a step.
    pub one_spike: bool,
    /// Factor of v a step.
    pub decay_v: f32,
    /// Factor of θ a training step.
    pub decay_theta: f32,
    /// Factor of the trace a step.
    pub decay_trace: f32,
    /// How the trace answers a spike.
    pub trace_rule: TraceRule,
}

/// State of a population of `n` neurons for `batch` samples; arrays are `[sample × neuron]`.
#[derive(Debug, Clone)]
pub struct Population {
    /// The parameters.
    pub params: PopulationParams,
    n: usize,
    /// Membrane potential \[mV\].
    pub v: Vec<f32>,
    /// Refractory counter \[ms\]; goes on below 0.
    pub refrac_count: Vec<f32>,
    /// Spikes of the last step.
    pub s: Vec<bool>,
    /// Crossings of the last step.
    pub crossed: Vec<bool>,
    /// Traces.
    pub x: Vec<f32>,
    /// Adaptive threshold \[mV\], `[neuron]`.
    pub theta: Vec<f32>,
}

impl Population {
    /// A population at rest.
    pub fn new(params: PopulationParams, n: usize, batch: usize) -> Self {
        let mut population = Population {
            params,
            n,
            v: Vec::new(),
            refrac_count: Vec::new(),
            s: Vec::new(),
            crossed: Vec::new(),
            x: Vec::new(),
            theta: vec![0.0; n],
        };
        population.reset(batch);
        population
    }

    /// Resets all state but θ, for a batch of a size.
    pub fn reset(&mut self, batch: usize) {
        let len = batch * self.n;
        self.v = vec![self.params.rest; len];
        self.refrac_count = vec![0.0; len];
        self.s = vec![false; len];
        self.crossed = vec![false; len];
        self.x = vec![0.0; len];
    }

    /// One step under the current `input` \[mV\], `[sample × neuron]`.
    pub fn step(&mut self, step: usize, input: &[f32], learning: bool, choose: &mut Choose<'_>) {
        let p = self.params;
        let adapting = learning && p.theta_plus.is_some();
        if adapting {
            self.theta.iter_mut().for_each(|theta| *theta *= p.decay_theta);
        }
        let mut crossings = vec![0_u32; self.n];
        for (k, &current) in input.iter().enumerate() {
            let mut v = p.decay_v * (self.v[k] - p.rest) + p.rest;
            if self.refrac_count[k] <= 0.0 {
                v += current;
            }
            self.refrac_count[k] -= p.dt;
            let crossed = v >= p.thresh + self.theta[k % self.n];
            if crossed {
                self.refrac_count[k] = p.refrac;
                v = p.reset;
                crossings[k % self.n] += 1;
            }
            self.v[k] = p.lower_bound.map_or(v, |bound| v.max(bound));
            self.crossed[k] = crossed;
        }
        if let Some(theta_plus) = p.theta_plus
            && adapting
        {
            for (theta, &count) in self.theta.iter_mut().zip(&crossings) {
                *theta += theta_plus * count as f32;
            }
        }
        self.s.copy_from_slice(&self.crossed);
        if p.one_spike {
            self.keep_one_spike(step, choose);
        }
        for (x, &s) in self.x.iter_mut().zip(&self.s) {
            *x *= p.decay_trace;
            match p.trace_rule {
                TraceRule::Set if s => *x = 1.0,
                TraceRule::Add { scale } if s => *x += scale,
                _ => {}
            }
        }
    }

    fn keep_one_spike(&mut self, step: usize, choose: &mut Choose<'_>) {
        for (sample, s) in self.s.chunks_exact_mut(self.n).enumerate() {
            let crossing: Vec<u32> = (0..s.len() as u32).filter(|&j| s[j as usize]).collect();
            if !crossing.is_empty() {
                s.fill(false);
                s[choose(step, sample, &crossing) as usize] = true;
            }
        }
    }
}
