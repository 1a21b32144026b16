//! The unit of all block kernels: sixteen neurons, one cache line of `f32`.
//!
//! Loops over [`LANES`] are inlined into one instantiation per instruction set (chosen at run time
//! by `pulp`); lanes never interact, so all instruction sets give the same bits.

/// Neurons in a block: one 512-bit vector of float32, two of 256 bits.
pub const LANES: usize = 16;

/// One value a neuron of a block; aligned to a cache line.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub struct Lanes(pub [f32; LANES]);

impl Lanes {
    /// The same value in every lane.
    #[inline(always)]
    pub fn splat(x: f32) -> Self {
        Lanes([x; LANES])
    }
}

impl Default for Lanes {
    fn default() -> Self {
        Lanes::splat(0.0)
    }
}

/// The lanes of several blocks as one array of numbers, padding included.
pub fn numbers<const N: usize>(blocks: &[[Lanes; N]]) -> &[f32] {
    // SAFETY: `Lanes` is exactly 16 consecutive f32 (64 bytes, alignment 64), arrays and slices add
    // no padding, and f32 needs less alignment.
    unsafe { std::slice::from_raw_parts(blocks.as_ptr().cast(), blocks.len() * N * LANES) }
}

/// [`numbers`], to write.
pub fn numbers_mut<const N: usize>(blocks: &mut [[Lanes; N]]) -> &mut [f32] {
    // SAFETY: as in `numbers`; the exclusive borrow passes on, and every f32 is a valid lane.
    unsafe { std::slice::from_raw_parts_mut(blocks.as_mut_ptr().cast(), blocks.len() * N * LANES) }
}
