//! The event-driven engine: one sample at a time.
//!
//! # What is computed when
//!
//! A weight column changes only through its own neuron's spikes (STDP meets a trace that is not 0
//! only after that neuron spiked), so the current of a neuron that has not spiked in this sample is
//! a plain sparse product of the input spikes with unchanged weights. It is computed for many steps
//! at once (`kernel::currents`), while the rows are in cache. A block of 16 neurons becomes *touched*
//! with the first spike of one of its neurons; from then on its rows are updated and its current
//! summed step by step. Inhibitory neurons are simulated from their first input on. At the end only
//! columns that changed are normalised again.
//!
//! # Difference from the reference
//!
//! Normalising a column that did not change would move its weights by rounding alone (≤ 1e-7,
//! spec stdp.md section 5); that is left out. Everything else is the same arithmetic in the same
//! order. `tests/engine_contract.rs` and `tests/golden_stdp` hold both together.

use super::Factors;
use super::event_state::{NEVER, Params, State};
use super::kernel::{self, BlockState, LANES, Lanes};
use super::plasticity::column_factor;
use crate::engine::{Choose, EndView, Engine, LayerSpikes, Probe, StepView, Weights};
use crate::network::DiehlCook;
use crate::spikes::SpikeTrain;

/// Steps whose currents are computed ahead. Few enough that blocks which get touched early are not
/// computed in vain, many enough that rows are reused from cache.
const AHEAD: usize = 64;

/// A Diehl & Cook network computed event by event.
pub struct EventEngine {
    params: Params,
    inputs: usize,
    neurons: usize,
    /// `[block][input]`, see `kernel`.
    w: Vec<Lanes>,
    /// Blocks whose weights are not known to be normalised: a flag a lane.
    unnormalised: Vec<[bool; LANES]>,
    /// Blocks with a weight outside the bounds (normalisation can do that): clamped at the end of the
    /// first step that learns.
    out_of_bounds: Vec<bool>,
    state: State,
}

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
        self.begin(steps);
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
            // The first step stands alone: the weights that flow after it are clamped at its end.
            if t == 0 || (t - 1).is_multiple_of(AHEAD) {
                ahead_from = t;
                let count = if t == 0 { 1 } else { AHEAD.min(steps - t) };
                self.compute_ahead::<LEARN>(input, t, count);
            }
            self.step_excitatory::<LEARN>(t, t - ahead_from, reset);
            self.select_spikes::<LEARN>(t, choose);
            self.step_inhibitory();
            if LEARN {
                self.learn(input.step(t), t);
                if t == 0 {
                    self.clamp();
                }
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
    fn begin(&mut self, steps: usize) {
        let state = &mut self.state;
        state.reset(&self.params);
        state.touched.fill(false);
        state.touched_list.clear();
        state.changed.fill([false; LANES]);
        while state.trace_powers.len() <= steps {
            let last = state.trace_powers[state.trace_powers.len() - 1];
            state.trace_powers.push(last * self.params.decay_in_trace);
        }
    }

    /// Clamps what was left outside the bounds before this run; [`Self::learn`] clamps what it changes.
    #[inline(always)]
    fn clamp(&mut self) {
        for (block, outside) in self.out_of_bounds.iter_mut().enumerate() {
            if std::mem::take(outside) {
                self.params.bounds.clamp_block(block_mut(&mut self.w, block, self.inputs));
                self.unnormalised[block] = [true; LANES];
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cpu::stdp::initial_weights;
    use crate::network::Variant;
    use crate::random::{Key, Purpose, uniform};

    /// Called outside `dispatch` the same code is compiled for the baseline instruction set.
    #[test]
    fn the_instruction_set_does_not_change_a_bit() {
        for variant in [Variant::OneSpike, Variant::SoftLateral] {
            let network = DiehlCook { e_thresh: -58.0, norm: 20.0, ..DiehlCook::new(variant) };
            let weights = initial_weights(&network, 60, Key::new(3));
            let new = || EventEngine::new(&network, Factors::new(&network), &weights);
            let (mut baseline, mut dispatched) = (new(), new());
            let mut stream = Key::new(4).stream(Purpose::Synthetic);
            let mut spikes = 0;
            for _ in 0..20 {
                let dense: Vec<u8> =
                    (0..60 * 50).map(|_| u8::from(uniform(&mut stream) < 0.1)).collect();
                let train = SpikeTrain::from_dense(60, &dense);
                let mut choose = |t: usize, _: usize, c: &[u32]| c[t % c.len()];
                let a = baseline.simulate::<true>(&train, &mut choose, None);
                let b = dispatched.run(&[train], true, &mut choose, None).remove(0);
                assert_eq!(a, b);
                spikes += a.exc.count();
            }
            assert!(spikes > 100, "{variant:?}: only {spikes} spikes");
            assert_eq!(baseline.weights(), dispatched.weights());
        }
    }
}
