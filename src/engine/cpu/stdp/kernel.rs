//! Block kernels of the event-driven engine.
//!
//! # Layout
//!
//! Neurons are dealt into blocks of [`LANES`]; the weights of a block are stored together, one row
//! of 16 floats (one cache line) an input: `w[block][input][lane]`. A column of the weight matrix is
//! then a run of consecutive cache lines, a row piece one vector. Lanes past the last neuron are
//! padding: their θ is infinite, so they never cross.
//!
//! Every function is inlined into one instantiation per instruction set (chosen at run time by
//! `pulp`); lanes never interact, so all instruction sets give the same bits.

// A lane is an index into several arrays at once.
#![expect(clippy::needless_range_loop)]

pub use crate::engine::cpu::lanes::{LANES, Lanes};
use crate::spikes::SpikeTrain;

/// The flat view of blocks as one array of neurons, padding included.
pub fn flat(blocks: &[Lanes]) -> impl Iterator<Item = f32> {
    blocks.iter().flat_map(|lanes| lanes.0)
}

/// Constants of a membrane update.
#[derive(Debug, Clone, Copy)]
pub struct Membrane {
    pub decay: f32,
    pub rest: f32,
    pub reset: f32,
    pub thresh: f32,
    pub refrac: f32,
    pub dt: f32,
    pub decay_theta: f32,
    pub theta_plus: f32,
}

/// State of one block of neurons.
#[derive(Debug, Clone, Copy)]
pub struct BlockState {
    pub v: Lanes,
    pub refrac_count: Lanes,
    pub theta: Lanes,
}

/// One step of a block under the current `input`; gives the crossings as a flag a lane. With
/// `ADAPT`, θ decays before the comparison and grows after it.
#[inline(always)]
pub fn membrane<const ADAPT: bool>(
    p: &Membrane,
    state: &mut BlockState,
    input: &Lanes,
) -> [u32; LANES] {
    // By value, before the loop: read through the reference under a condition, LLVM gathers them.
    let Membrane { decay, rest, reset, thresh, refrac, dt, decay_theta, theta_plus } = *p;
    let mut crossed = [0_u32; LANES];
    for l in 0..LANES {
        let mut v = decay * (state.v.0[l] - rest) + rest;
        let mut theta = state.theta.0[l];
        if ADAPT {
            theta *= decay_theta;
        }
        let count = state.refrac_count.0[l];
        v = if count <= 0.0 { v + input.0[l] } else { v };
        let c = v >= thresh + theta;
        state.refrac_count.0[l] = if c { refrac } else { count - dt };
        state.v.0[l] = if c { reset } else { v };
        if ADAPT {
            theta = if c { theta + theta_plus } else { theta };
        }
        state.theta.0[l] = theta;
        crossed[l] = u32::from(c);
    }
    crossed
}

/// Currents of `G` blocks for the steps `first..first + out.len()/stride`: the sum of the weight
/// rows of the inputs that spiked one step before. `lost(t)` says that the spikes before step t do
/// not arrive. Block g of step t goes to `out[(t − first)·stride + g]`.
#[inline(always)]
pub fn currents<const G: usize>(
    w: [&[Lanes]; G],
    input: &SpikeTrain,
    first: usize,
    out: &mut [Lanes],
    stride: usize,
    lost: impl Fn(usize) -> bool,
) {
    for (k, out) in out.chunks_mut(stride).enumerate() {
        let t = first + k;
        let mut sum = [[0.0_f32; LANES]; G];
        if t > 0 && !lost(t) {
            for &i in input.step(t - 1) {
                for g in 0..G {
                    let row = &w[g][i as usize];
                    for l in 0..LANES {
                        sum[g][l] += row.0[l];
                    }
                }
            }
        }
        for g in 0..G {
            out[g] = Lanes(sum[g]);
        }
    }
}

/// Bounds of the weights.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub low: f32,
    pub high: f32,
}

impl Bounds {
    #[inline(always)]
    fn clamp(self, x: f32) -> f32 {
        // max then min, as in the equations; f32::clamp would panic on crossed bounds.
        let x = if x > self.low { x } else { self.low };
        if x < self.high { x } else { self.high }
    }

    /// Clamps a whole block.
    #[inline(always)]
    pub fn clamp_block(self, w: &mut [Lanes]) {
        for row in w {
            for x in &mut row.0 {
                *x = self.clamp(*x);
            }
        }
    }
}

/// STDP step of a block in which no neuron spiked: depression at the inputs that spike, clamp, and
/// the current that those spikes will cause in the next step.
#[inline(always)]
pub fn depress(w: &mut [Lanes], spikes: &[u32], change: &Lanes, bounds: Bounds) -> Lanes {
    let mut next = [0.0_f32; LANES];
    for &i in spikes {
        let row = &mut w[i as usize];
        for l in 0..LANES {
            let x = bounds.clamp(row.0[l] - change.0[l]);
            row.0[l] = x;
            next[l] += x;
        }
    }
    Lanes(next)
}

/// STDP step of a block in which neurons spiked: depression, then potentiation of the spiking
/// lanes by every input with a trace, then one clamp. `traces` lists (input, trace); every input
/// that spikes in this step is in it with trace 1.
#[inline(always)]
pub fn depress_potentiate(
    w: &mut [Lanes],
    spikes: &[u32],
    change: &Lanes,
    traces: &[(u32, f32)],
    gain: &Lanes,
    bounds: Bounds,
) -> Lanes {
    for &i in spikes {
        let row = &mut w[i as usize];
        for l in 0..LANES {
            row.0[l] -= change.0[l];
        }
    }
    for &(i, x) in traces {
        let row = &mut w[i as usize];
        for l in 0..LANES {
            row.0[l] = bounds.clamp(row.0[l] + x * gain.0[l]);
        }
    }
    let mut next = [0.0_f32; LANES];
    for &i in spikes {
        let row = &w[i as usize];
        for l in 0..LANES {
            next[l] += row.0[l];
        }
    }
    Lanes(next)
}

/// Sum of |w| of each lane, over all inputs. Eight float32 partial sums a lane, then float64: the
/// result does not depend on the instruction set and is good to about one ulp.
#[inline(always)]
pub fn column_sums(w: &[Lanes]) -> [f64; LANES] {
    const PARTS: usize = 8;
    let mut parts = [[0.0_f32; LANES]; PARTS];
    let mut rows = w.chunks_exact(PARTS);
    for group in rows.by_ref() {
        for (part, row) in parts.iter_mut().zip(group) {
            for l in 0..LANES {
                part[l] += row.0[l].abs();
            }
        }
    }
    for (part, row) in parts.iter_mut().zip(rows.remainder()) {
        for l in 0..LANES {
            part[l] += row.0[l].abs();
        }
    }
    let mut sums = [0.0_f64; LANES];
    for part in parts {
        for l in 0..LANES {
            sums[l] += f64::from(part[l]);
        }
    }
    sums
}

/// Multiplies each lane of a block by its factor; true where a weight left the bounds by that.
#[inline(always)]
pub fn scale(w: &mut [Lanes], factor: &Lanes, bounds: Bounds) -> bool {
    let mut low = [f32::INFINITY; LANES];
    let mut high = [f32::NEG_INFINITY; LANES];
    for row in w {
        for l in 0..LANES {
            let x = row.0[l] * factor.0[l];
            row.0[l] = x;
            low[l] = if x < low[l] { x } else { low[l] };
            high[l] = if x > high[l] { x } else { high[l] };
        }
    }
    (0..LANES).any(|l| low[l] < bounds.low || high[l] > bounds.high)
}
