//! The event-driven engine: one sample at a time.
//!
//! # What is computed when
//!
//! A weight column changes only through its own neuron's spikes (STDP meets a trace that is not 0
//! only after that neuron spiked), so the current of a neuron that has not spiked in this sample is
//! a plain sparse product of the input spikes with unchanged weights. It is computed for many steps
//! at once ([`kernel::currents`]), while the rows are in cache. A block of 16 neurons becomes *touched*
//! with the first spike of one of its neurons; from then on its rows are updated and its current
//! summed step by step. Inhibitory neurons are simulated from their first input on. At the end only
//! columns that changed are normalised again.
//!
//! # Difference from the reference
//!
//! Normalising a column that did not change would move its weights by rounding alone (≤ 1e-7,
//! spec stdp.md section 5); that is left out. Everything else is the same arithmetic in the same
//! order. `tests/engine_contract.rs` and `tests/golden_stdp` hold both together.

use super::kernel::{self, BlockState, Bounds, LANES, Lanes, Membrane};
use super::plasticity::column_factor;
use super::{Factors, lateral_weight};
use crate::engine::{Choose, EndView, Engine, LayerSpikes, Probe, StepView, Weights};
use crate::network::{DiehlCook, Variant};
use crate::spikes::SpikeTrain;

/// Steps whose currents are computed ahead. Few enough that blocks which get touched early are not
/// computed in vain, many enough that rows are reused from cache.
const AHEAD: usize = 64;

/// A Diehl & Cook network computed event by event.
pub struct EventEngine {
    params: Params,
    inputs: usize,
    neurons: usize,
    /// `[block][input]`, see [`kernel`].
    w: Vec<Lanes>,
    /// Blocks whose weights are not known to be normalised: a flag a lane.
    unnormalised: Vec<[bool; LANES]>,
    /// Blocks with a weight outside the bounds (normalisation can do that): clamped as soon as
    /// learning goes on.
    out_of_bounds: Vec<bool>,
    state: State,
}

/// Parameters in the form that the loops need.
struct Params {
    exc: Membrane,
    inh: Membrane,
    one_spike: bool,
    reset_interval: usize,
    strength_exc: f32,
    strength_inh: f32,
    /// Lateral weights by distance: from i to j at `m − 1 + j − i`; empty for uniform ones.
    lateral_by_distance: Vec<f32>,
    nu_pre: f32,
    nu_post: f32,
    bounds: Bounds,
    norm: f32,
    decay_in_trace: f32,
    decay_exc_trace: f32,
    /// Whether an inhibitory neuron fires without any input (rest ≥ threshold).
    inh_fires_at_rest: bool,
}

/// State variables of a sample and the scratch space of a run.
struct State {
    exc: Vec<BlockState>,
    inh: Vec<BlockState>,
    inh_active: Vec<bool>,
    x_exc: Vec<Lanes>,
    /// Blocks with a neuron that spiked in this run.
    touched: Vec<bool>,
    touched_list: Vec<u32>,
    /// Neurons whose column changed in this run.
    changed: Vec<[bool; LANES]>,
    /// Currents computed ahead, `[step][block]`.
    ahead: Vec<Lanes>,
    /// Current of the next step of touched blocks.
    next: Vec<Lanes>,
    lateral: Vec<Lanes>,
    gain: Vec<Lanes>,
    /// Step of each input's last spike in this sample; `NEVER` without one.
    last_spike: Vec<u32>,
    /// Inputs with a trace, in the order of their first spike.
    traced: Vec<u32>,
    /// decay^k, by repeated multiplication as the trace itself would do it.
    trace_powers: Vec<f32>,
    traces: Vec<(u32, f32)>,
    crossed: Vec<u32>,
    spiking: Vec<u32>,
    previous_spiking: Vec<u32>,
    inh_spiking: Vec<u32>,
}

const NEVER: u32 = u32::MAX;

impl EventEngine {
    /// An engine that starts from `weights`.
    pub fn new(network: &DiehlCook, factors: Factors, weights: &Weights) -> Self {
        let (inputs, m) = (weights.inputs, network.map_size);
        let blocks = m.div_ceil(LANES);
        let mut w = vec![Lanes::splat(0.0); blocks * inputs];
        for (i, row) in weights.w.chunks_exact(m).enumerate() {
            for (j, &x) in row.iter().enumerate() {
                w[(j / LANES) * inputs + i].0[j % LANES] = x;
            }
        }
        let params = Params::new(network, factors);
        let mut state = State::new(&params, inputs, blocks);
        for (block, state) in state.exc.iter_mut().enumerate() {
            for l in 0..LANES {
                let neuron = block * LANES + l;
                state.theta.0[l] = weights.theta.get(neuron).copied().unwrap_or(f32::INFINITY);
            }
        }
        for (block, state) in state.inh.iter_mut().enumerate() {
            for l in 0..LANES {
                let real = block * LANES + l < m;
                state.theta.0[l] = if real { 0.0 } else { f32::INFINITY };
            }
        }
        let outside =
            |row: &Lanes| row.0.iter().any(|&x| x < params.bounds.low || x > params.bounds.high);
        // Padding lanes hold 0, which may lie outside; being clamped does them no harm.
        let out_of_bounds =
            w.chunks(inputs.max(1)).map(|block| block.iter().any(outside)).collect();
        EventEngine {
            params,
            inputs,
            neurons: m,
            w,
            unnormalised: vec![[true; LANES]; blocks],
            out_of_bounds,
            state,
        }
    }
}

impl Params {
    fn new(network: &DiehlCook, factors: Factors) -> Self {
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
    fn new(params: &Params, inputs: usize, blocks: usize) -> Self {
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
    fn reset(&mut self, params: &Params) {
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
    fn input_trace(&self, input: usize, t: usize) -> f32 {
        match self.last_spike[input] {
            NEVER => 0.0,
            last => self.trace_powers[t - last as usize],
        }
    }
}

impl Engine for EventEngine {
    fn run(
        &mut self,
        batch: &[SpikeTrain],
        learning: bool,
        choose: &mut Choose<'_>,
        probe: Option<&mut dyn Probe>,
    ) -> Vec<LayerSpikes> {
        assert_eq!(batch.len(), 1, "the event-driven engine takes one sample at a time");
        let input = &batch[0];
        assert_eq!(input.neurons(), self.inputs);
        vec![pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                if learning {
                    self.simulate::<true>(input, choose, probe)
                } else {
                    self.simulate::<false>(input, choose, probe)
                }
            },
        )]
    }

    fn weights(&self) -> Weights {
        let mut w = vec![0.0; self.inputs * self.neurons];
        for (i, row) in w.chunks_exact_mut(self.neurons).enumerate() {
            for (j, x) in row.iter_mut().enumerate() {
                *x = self.w[(j / LANES) * self.inputs + i].0[j % LANES];
            }
        }
        let theta = self.state.exc.iter().flat_map(|block| block.theta.0);
        Weights {
            inputs: self.inputs,
            neurons: self.neurons,
            w,
            theta: theta.take(self.neurons).collect(),
        }
    }
}

impl EventEngine {
    #[inline(always)]
    fn simulate<const LEARN: bool>(
        &mut self,
        input: &SpikeTrain,
        choose: &mut Choose<'_>,
        mut probe: Option<&mut dyn Probe>,
    ) -> LayerSpikes {
        let steps = input.steps();
        self.begin::<LEARN>(steps);
        let mut spikes = LayerSpikes {
            exc: SpikeTrain::empty(self.neurons),
            inh: SpikeTrain::empty(self.neurons),
        };
        let mut ahead_from = 0;
        for t in 0..steps {
            let reset = self.resets_at(t);
            if reset {
                self.state.reset(&self.params);
            }
            if t % AHEAD == 0 {
                ahead_from = t;
                self.compute_ahead::<LEARN>(input, t, AHEAD.min(steps - t));
            }
            self.step_excitatory::<LEARN>(t, t - ahead_from, reset);
            self.select_spikes::<LEARN>(t, choose);
            self.step_inhibitory();
            if LEARN {
                self.learn(input.step(t), t);
            } else if probe.is_some() {
                self.note_input_spikes(input.step(t), t);
            }
            spikes.exc.push_step(&self.state.spiking);
            spikes.inh.push_step(&self.state.inh_spiking);
            if let Some(probe) = probe.as_deref_mut() {
                self.show_step(t, probe);
            }
        }
        if let Some(probe) = probe {
            self.show_end(steps, probe);
        }
        self.normalise();
        spikes
    }

    fn resets_at(&self, t: usize) -> bool {
        self.params.reset_interval > 0 && t.is_multiple_of(self.params.reset_interval)
    }

    #[inline(always)]
    fn begin<const LEARN: bool>(&mut self, steps: usize) {
        let state = &mut self.state;
        state.reset(&self.params);
        state.touched.fill(false);
        state.touched_list.clear();
        state.changed.fill([false; LANES]);
        while state.trace_powers.len() <= steps {
            let last = state.trace_powers[state.trace_powers.len() - 1];
            state.trace_powers.push(last * self.params.decay_in_trace);
        }
        if LEARN && steps > 0 {
            // The clamp that ends the first step; no current flows before it.
            for (block, outside) in self.out_of_bounds.iter_mut().enumerate() {
                if std::mem::take(outside) {
                    self.params.bounds.clamp_block(block_mut(&mut self.w, block, self.inputs));
                    self.unnormalised[block] = [true; LANES];
                }
            }
        }
    }

    /// Currents of steps `first..first + count` of the blocks whose weights cannot change meanwhile.
    #[inline(always)]
    fn compute_ahead<const LEARN: bool>(&mut self, input: &SpikeTrain, first: usize, count: usize) {
        let blocks = self.state.touched.len();
        let reset_interval = self.params.reset_interval;
        let lost = |t: usize| reset_interval > 0 && t.is_multiple_of(reset_interval);
        self.state.ahead.resize(AHEAD * blocks, Lanes::splat(0.0));
        let out = &mut self.state.ahead[..count * blocks];
        let w = |block: usize| &self.w[block * self.inputs..(block + 1) * self.inputs];
        let mut block = 0;
        while block < blocks {
            let moving = |block: usize| LEARN && self.state.touched[block];
            if moving(block) {
                block += 1;
            } else if block + 4 <= blocks && !(block..block + 4).any(moving) {
                let group = [w(block), w(block + 1), w(block + 2), w(block + 3)];
                kernel::currents(group, input, first, &mut out[block..], blocks, lost);
                block += 4;
            } else {
                kernel::currents([w(block)], input, first, &mut out[block..], blocks, lost);
                block += 1;
            }
        }
    }

    /// Membrane update of the excitatory layer; fills `crossed`.
    #[inline(always)]
    fn step_excitatory<const LEARN: bool>(&mut self, t: usize, row: usize, reset: bool) {
        let blocks = self.state.touched.len();
        let lateral = self.lateral_currents();
        let state = &mut self.state;
        state.crossed.clear();
        let ahead = &state.ahead[row * blocks..(row + 1) * blocks];
        for (block, &ahead) in ahead.iter().enumerate() {
            let mut current = if LEARN && state.touched[block] {
                if reset || t == 0 { Lanes::splat(0.0) } else { state.next[block] }
            } else {
                ahead
            };
            if lateral {
                for l in 0..LANES {
                    current.0[l] += state.lateral[block].0[l];
                }
            }
            let crossed =
                kernel::membrane::<LEARN>(&self.params.exc, &mut state.exc[block], &current);
            if crossed.iter().fold(0, |any, c| any | c) != 0 {
                let first = (block * LANES) as u32;
                state.crossed.extend(
                    (0..LANES as u32).filter(|&l| crossed[l as usize] != 0).map(|l| first + l),
                );
            }
        }
    }

    /// Currents from the inhibitory spikes of the step before; false where there are none.
    #[inline(always)]
    fn lateral_currents(&mut self) -> bool {
        let state = &mut self.state;
        let spikes = &state.inh_spiking;
        if spikes.is_empty() {
            return false;
        }
        let m = self.neurons;
        if self.params.lateral_by_distance.is_empty() {
            // Repeated addition, as the sum over rows does it.
            let sum = |count: usize| (0..count).fold(0.0, |sum, _| sum - self.params.strength_inh);
            state.lateral.fill(Lanes::splat(sum(spikes.len())));
            let own = sum(spikes.len() - 1);
            for &j in spikes {
                state.lateral[j as usize / LANES].0[j as usize % LANES] = own;
            }
        } else {
            state.lateral.fill(Lanes::splat(0.0));
            for &i in spikes {
                let weights = &self.params.lateral_by_distance[m - 1 - i as usize..][..m];
                for (lanes, weights) in state.lateral.iter_mut().zip(weights.chunks(LANES)) {
                    for (sum, weight) in lanes.0.iter_mut().zip(weights) {
                        *sum += weight;
                    }
                }
            }
        }
        true
    }

    /// Which of the crossing neurons spike; their traces become 1, their blocks touched.
    #[inline(always)]
    fn select_spikes<const LEARN: bool>(&mut self, t: usize, choose: &mut Choose<'_>) {
        let state = &mut self.state;
        std::mem::swap(&mut state.spiking, &mut state.previous_spiking);
        state.spiking.clear();
        if !state.crossed.is_empty() {
            if self.params.one_spike {
                state.spiking.push(choose(t, 0, &state.crossed));
            } else {
                state.spiking.extend_from_slice(&state.crossed);
            }
        }
        for &block in &state.touched_list {
            for x in &mut state.x_exc[block as usize].0 {
                *x *= self.params.decay_exc_trace;
            }
        }
        for &j in &state.spiking {
            let (block, lane) = (j as usize / LANES, j as usize % LANES);
            state.x_exc[block].0[lane] = 1.0;
            state.changed[block][lane] = LEARN;
            if !state.touched[block] {
                state.touched[block] = true;
                state.touched_list.push(block as u32);
            }
        }
    }

    /// Membrane update of the inhibitory layer under the excitatory spikes of the step before.
    #[inline(always)]
    fn step_inhibitory(&mut self) {
        let state = &mut self.state;
        state.inh_spiking.clear();
        for &j in &state.previous_spiking {
            state.inh_active[j as usize / LANES] = true;
        }
        let mut spikes = state.previous_spiking.iter().copied().peekable();
        for block in 0..state.inh.len() {
            if !state.inh_active[block] {
                continue;
            }
            let mut current = Lanes::splat(0.0);
            while let Some(j) = spikes.next_if(|&j| j as usize / LANES == block) {
                current.0[j as usize % LANES] = self.params.strength_exc;
            }
            let crossed =
                kernel::membrane::<false>(&self.params.inh, &mut state.inh[block], &current);
            if crossed.iter().fold(0, |any, c| any | c) != 0 {
                let first = (block * LANES) as u32;
                state.inh_spiking.extend(
                    (0..LANES as u32).filter(|&l| crossed[l as usize] != 0).map(|l| first + l),
                );
            }
        }
    }

    fn note_input_spikes(&mut self, spikes: &[u32], t: usize) {
        for &i in spikes {
            let last = &mut self.state.last_spike[i as usize];
            if *last == NEVER {
                self.state.traced.push(i);
            }
            *last = t as u32;
        }
    }

    /// STDP of step `t`, and the next current of every touched block.
    #[inline(always)]
    fn learn(&mut self, spikes: &[u32], t: usize) {
        self.note_input_spikes(spikes, t);
        let state = &mut self.state;
        if !state.spiking.is_empty() {
            state.traces.clear();
            for &i in &state.traced {
                let x = state.trace_powers[t - state.last_spike[i as usize] as usize];
                state.traces.push((i, x));
            }
            for &j in &state.spiking {
                state.gain[j as usize / LANES].0[j as usize % LANES] = self.params.nu_post;
            }
        }
        for &block in &state.touched_list {
            let block = block as usize;
            let w = block_mut(&mut self.w, block, self.inputs);
            let mut change = state.x_exc[block];
            for x in &mut change.0 {
                *x *= self.params.nu_pre;
            }
            let gain = state.gain[block];
            state.next[block] = if gain.0.iter().any(|&g| g != 0.0) {
                state.gain[block] = Lanes::splat(0.0);
                kernel::depress_potentiate(
                    w,
                    spikes,
                    &change,
                    &state.traces,
                    &gain,
                    self.params.bounds,
                )
            } else {
                kernel::depress(w, spikes, &change, self.params.bounds)
            };
        }
    }

    /// Scales the columns that changed in this run, and those never normalised before.
    #[inline(always)]
    fn normalise(&mut self) {
        let bounds = self.params.bounds;
        for block in 0..self.unnormalised.len() {
            let pending = &mut self.unnormalised[block];
            for (pending, changed) in pending.iter_mut().zip(self.state.changed[block]) {
                *pending |= changed;
            }
            if self.params.norm == 0.0 || !pending.contains(&true) {
                continue;
            }
            let w = block_mut(&mut self.w, block, self.inputs);
            let sums = kernel::column_sums(w);
            let mut factor = Lanes::splat(1.0);
            for l in 0..LANES {
                if pending[l] {
                    factor.0[l] = column_factor(self.params.norm, sums[l]);
                }
            }
            *pending = [false; LANES];
            self.out_of_bounds[block] |= kernel::scale(w, &factor, bounds);
        }
    }

    fn show_step(&self, t: usize, probe: &mut dyn Probe) {
        let m = self.neurons;
        let exc = &self.state.exc;
        let of = |pick: fn(&BlockState) -> Lanes, layer: &[BlockState]| -> Vec<f32> {
            layer.iter().flat_map(|block| pick(block).0).take(m).collect()
        };
        probe.step(&StepView {
            step: t,
            sample: 0,
            v_exc: &of(|b| b.v, exc),
            v_inh: &of(|b| b.v, &self.state.inh),
            refrac_exc: &of(|b| b.refrac_count, exc),
            theta: &of(|b| b.theta, exc),
            crossed: &self.state.crossed,
        });
    }

    fn show_end(&self, steps: usize, probe: &mut dyn Probe) {
        let last = steps.saturating_sub(1);
        let x_in: Vec<f32> = (0..self.inputs).map(|i| self.state.input_trace(i, last)).collect();
        let x_exc: Vec<f32> = kernel::flat(&self.state.x_exc).take(self.neurons).collect();
        probe.end(&EndView { x_in: &x_in, x_exc: &x_exc, weights: &self.weights() });
    }
}

/// The rows of one block.
#[inline(always)]
fn block_mut(w: &mut [Lanes], block: usize, inputs: usize) -> &mut [Lanes] {
    &mut w[block * inputs..(block + 1) * inputs]
}
