//! Elementary functions on short blocks of numbers, written so that they vectorise.
//!
//! Everything here is inlined into callers that choose the instruction set at run time (`pulp`).
//! Lanes never interact and a fused multiply-add is exactly rounded wherever it is computed (by the
//! mathematics library on x86 processors from before 2013, slowly), so every instruction set gives the
//! same bits.

/// Runs a loop compiled for the widest instruction set of this processor. Whatever the closure calls
/// must be `#[inline(always)]`, and so must the closure.
pub fn widest<R>(mut run: impl FnMut() -> R) -> R {
    widest_with(
        #[inline(always)]
        |_| run(),
    )
}

/// [`widest`] for a loop that needs [`Vectors`]: it is told the instruction set that it is compiled for.
pub fn widest_with<R>(run: impl FnMut(Vectors) -> R) -> R {
    /// `FnMut`, not `FnOnce`: calling a closure that consumes nothing as `FnOnce` goes through a shim
    /// of the compiler, which need not be inlined; then the loop would be compiled for the oldest
    /// instruction set.
    struct Loop<F>(F);

    impl<R, F: FnMut(Vectors) -> R> pulp::WithSimd for Loop<F> {
        type Output = R;

        #[inline(always)]
        fn with_simd<S: pulp::Simd>(mut self, _: S) -> R {
            (self.0)(Vectors { width: S::F32_LANES })
        }
    }

    pulp::Arch::new().dispatch(Loop(run))
}

/// Work on sixteen numbers at once for which the compiler finds no good instructions by itself.
#[derive(Debug, Clone, Copy)]
pub struct Vectors {
    /// Numbers in a vector of the instruction set; only [`widest_with`] sets it.
    width: usize,
}

impl Vectors {
    /// Bit l is set where number l is above the threshold.
    #[inline(always)]
    pub fn above(self, values: &[f32; 16], threshold: f32) -> u32 {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::*;
            if self.width == 16 {
                // SAFETY: pulp chooses vectors of 16 numbers only on processors with AVX-512; the load reads
                // the 16 numbers of the array.
                return unsafe {
                    let values = _mm512_loadu_ps(values.as_ptr());
                    let above = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(values, _mm512_set1_ps(threshold));
                    u32::from(above)
                };
            }
            if self.width == 8 {
                // SAFETY: pulp chooses vectors of 8 numbers only on processors with AVX2; each load reads 8 of
                // the 16 numbers of the array.
                return unsafe {
                    let threshold = _mm256_set1_ps(threshold);
                    let above = |half: usize| {
                        let values = _mm256_loadu_ps(values.as_ptr().add(8 * half));
                        _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(values, threshold)) as u32
                    };
                    above(0) | above(1) << 8
                };
            }
        }
        above_one_by_one(values, threshold)
    }

    /// Writes the numbers whose bit is set one after the other to the beginning of `out`, and whatever it likes
    /// to the rest of the first sixteen places.
    #[inline(always)]
    pub fn pack(self, values: &[f32; 16], set: u16, out: &mut [f32; 16]) {
        #[cfg(target_arch = "x86_64")]
        if self.width == 16 {
            use std::arch::x86_64::*;
            // SAFETY: pulp chooses vectors of 16 numbers only on processors with AVX-512; the load and the
            // store are of the 16 numbers of an array.
            unsafe {
                let packed = _mm512_maskz_compress_ps(set, _mm512_loadu_ps(values.as_ptr()));
                _mm512_storeu_ps(out.as_mut_ptr(), packed);
            }
            return;
        }
        pack_one_by_one(values, set, out);
    }

    /// The inverse of [`Vectors::pack`], with 0 where no bit is set.
    #[inline(always)]
    pub fn unpack(self, packed: &[f32; 16], set: u16) -> [f32; 16] {
        #[cfg(target_arch = "x86_64")]
        if self.width == 16 {
            use std::arch::x86_64::*;
            // SAFETY: pulp chooses vectors of 16 numbers only on processors with AVX-512; the load is of the 16
            // numbers of an array, and both types of the result are 16 numbers.
            return unsafe {
                let values = _mm512_maskz_expand_ps(set, _mm512_loadu_ps(packed.as_ptr()));
                std::mem::transmute::<__m512, [f32; 16]>(values)
            };
        }
        unpack_one_by_one(packed, set)
    }

    /// The sum of each of sixteen blocks, by halves: l with l + 8, then with l + 4, l + 2, l + 1. Sixteen at
    /// once take few more instructions than one.
    #[inline(always)]
    pub fn totals(self, blocks: [&[f32; 16]; 16]) -> [f32; 16] {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::*;
            /// Adds two halves of `a` into one half of the result and those of `b` into the other; the two
            /// constants say where the halves are taken from.
            macro_rules! halves {
                ($add:ident, $shuffle:ident, $low:literal, $high:literal, $a:expr, $b:expr) => {{
                    let (a, b) = ($a, $b);
                    $add($shuffle::<$low>(a, b), $shuffle::<$high>(a, b))
                }};
            }
            if self.width == 16 {
                use {
                    _mm512_add_ps as add, _mm512_shuffle_f32x4 as quarters,
                    _mm512_shuffle_ps as within,
                };
                // SAFETY: pulp chooses vectors of 16 numbers only on processors with AVX-512; each load reads the
                // 16 numbers of a block, and both types of the result are 16 numbers.
                return unsafe {
                    let x = |i: usize| _mm512_loadu_ps(blocks[i].as_ptr());
                    let by_8 = |i| halves!(add, quarters, 0x44, 0xEE, x(i), x(i + 4));
                    let by_4 = |i| halves!(add, quarters, 0x88, 0xDD, by_8(i), by_8(i + 8));
                    let by_2 = |i| halves!(add, within, 0x44, 0xEE, by_4(i), by_4(i + 1));
                    std::mem::transmute::<__m512, [f32; 16]>(halves!(
                        add,
                        within,
                        0x88,
                        0xDD,
                        by_2(0),
                        by_2(2)
                    ))
                };
            }
            if self.width == 8 {
                use {
                    _mm256_add_ps as add, _mm256_permute2f128_ps as across,
                    _mm256_shuffle_ps as within,
                };
                // SAFETY: pulp chooses vectors of 8 numbers only on processors with AVX2; each load reads 8 of the
                // 16 numbers of a block, and both types of the result are 16 numbers.
                return unsafe {
                    let x =
                        |i: usize, half: usize| _mm256_loadu_ps(blocks[i].as_ptr().add(8 * half));
                    let by_8 = |i| add(x(i, 0), x(i, 1));
                    let by_4 = |i| halves!(add, across, 0x20, 0x31, by_8(i), by_8(i + 4));
                    let by_2 = |i| halves!(add, within, 0x44, 0xEE, by_4(i), by_4(i + 1));
                    let by_1 = |i| halves!(add, within, 0x88, 0xDD, by_2(i), by_2(i + 2));
                    std::mem::transmute::<[__m256; 2], [f32; 16]>([by_1(0), by_1(8)])
                };
            }
        }
        blocks.map(|block| total(*block))
    }
}

/// The reference of [`Vectors::totals`], for one block.
#[inline(always)]
fn total(mut block: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for l in 0..half {
            block[l] += block[l + half];
        }
    }
    block[0]
}

/// The reference of [`Vectors::above`].
#[inline(always)]
fn above_one_by_one(values: &[f32; 16], threshold: f32) -> u32 {
    (0..16).fold(0, |above, l| above | u32::from(values[l] > threshold) << l)
}

/// The reference of [`Vectors::pack`].
#[inline(always)]
fn pack_one_by_one(values: &[f32; 16], mut set: u16, out: &mut [f32; 16]) {
    for out in &mut out[..set.count_ones() as usize] {
        *out = values[set.trailing_zeros() as usize % 16];
        set &= set.wrapping_sub(1);
    }
}

/// The reference of [`Vectors::unpack`].
#[inline(always)]
fn unpack_one_by_one(packed: &[f32; 16], mut set: u16) -> [f32; 16] {
    let mut values = [0.0; 16];
    for packed in &packed[..set.count_ones() as usize] {
        values[set.trailing_zeros() as usize % 16] = *packed;
        set &= set.wrapping_sub(1);
    }
    values
}

/// Asks for the lines of `value` to be brought into the second-level cache. Changes no result.
#[inline(always)]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        let start = std::ptr::from_ref(value).cast::<i8>();
        for offset in (0..size_of::<T>()).step_by(64) {
            // SAFETY: every x86-64 processor has the instruction, and the address lies in `value`.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(start.add(offset)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// Numbers in a block: two 512-bit vectors of float64, four of 256 bits.
pub const LANES: usize = 16;

/// A block of numbers.
pub type Lanes = [f64; LANES];

/// Adding and taking away 1.5·2⁵² rounds a number below 2⁵¹ to an integer and leaves that integer
/// in the low bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// ln 2 in two parts; the first has 21 zero bits at its end, so that its product with an integer
/// below 2²¹ is exact.
const LN_2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// 1/k! for k = 13 … 0: the error of the series at |r| = ½ ln 2 is 4e-18.
const EXP: [f64; 14] = [
    1.605_904_383_682_161_5e-10,
    2.087_675_698_786_81e-9,
    2.505_210_838_544_172e-8,
    2.755_731_922_398_589e-7,
    2.755_731_922_398_589e-6,
    2.480_158_730_158_73e-5,
    1.984_126_984_126_984e-4,
    1.388_888_888_888_889e-3,
    8.333_333_333_333_333e-3,
    4.166_666_666_666_666e-2,
    1.666_666_666_666_666_7e-1,
    0.5,
    1.0,
    1.0,
];

/// (−1)ᵏ (2π)²ᵏ⁺¹/(2k+1)! for k = 9 … 0: the error of the series for sin 2πt at |t| = ¼ is 3e-16.
const SIN_TURN: [f64; 10] = [
    -1.203_158_594_212_062_6e-2,
    1.042_291_622_081_397_4e-1,
    -7.181_223_017_785_003e-1,
    3.819_952_584_848_282,
    -1.509_464_257_682_298_4e1,
    4.205_869_394_489_765e1,
    -7.670_585_975_306_136e1,
    8.160_524_927_607_504e1,
    -4.134_170_224_039_976e1,
    std::f64::consts::TAU,
];

/// e⁻ˢ for 0 ≤ s ≤ 700, to two units in the last place.
#[inline(always)]
pub fn exp_negative(s: Lanes) -> Lanes {
    let mut out = [0.0; LANES];
    for l in 0..LANES {
        let shifted = (-s[l]).mul_add(std::f64::consts::LOG2_E, ROUND);
        let power = shifted - ROUND;
        let r = power.mul_add(-LN_2_LOW, power.mul_add(-LN_2_HIGH, -s[l]));
        let mut sum = EXP[0];
        for c in &EXP[1..] {
            sum = sum.mul_add(r, *c);
        }
        // The integer sits in the low bits of `shifted`: move it into the exponent.
        let scale = (shifted.to_bits() << 52).wrapping_add(1023 << 52);
        out[l] = sum * f64::from_bits(scale);
    }
    out
}

/// cos 2πt for |t| < 2⁵⁰, to 1e-15 of absolute error beside the rounding of t itself.
#[inline(always)]
pub fn cos_turn(t: Lanes) -> Lanes {
    let mut out = [0.0; LANES];
    for l in 0..LANES {
        let t = t[l] - ((t[l] + ROUND) - ROUND);
        // cos 2πt = sin 2π(¼ − |t|), |t| ≤ ½.
        let u = 0.25 - t.abs();
        let square = u * u;
        let mut sum = SIN_TURN[0];
        for c in &SIN_TURN[1..] {
            sum = sum.mul_add(square, *c);
        }
        out[l] = u * sum;
    }
    out
}

/// sin 2πt, with the bounds of [`cos_turn`].
#[inline(always)]
pub fn sin_turn(t: Lanes) -> Lanes {
    let mut shifted = t;
    for l in 0..LANES {
        // Reduced first: a quarter is lost beside a large number.
        shifted[l] = t[l] - ((t[l] + ROUND) - ROUND) - 0.25;
    }
    cos_turn(shifted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_equals_the_standard_library() {
        for k in 0..7_000 {
            let s: Lanes = std::array::from_fn(|l| (k as f64 + l as f64 / 16.0) / 10.0);
            for (s, e) in s.iter().zip(exp_negative(s)) {
                let expected = (-s).exp();
                assert!((e / expected - 1.0).abs() < 5e-16, "{s}: {e} for {expected}");
            }
        }
        assert_eq!(exp_negative([0.0; LANES])[0], 1.0);
    }

    /// Those that this processor has.
    fn widths() -> Vec<usize> {
        let mut widths = vec![1];
        #[cfg(target_arch = "x86_64")]
        {
            widths.extend(is_x86_feature_detected!("avx2").then_some(8));
            widths.extend(is_x86_feature_detected!("avx512f").then_some(16));
        }
        widths
    }

    #[test]
    fn every_instruction_set_adds_alike() {
        // Thirds: another order of the sum would round otherwise.
        let blocks: [[f32; 16]; 16] = std::array::from_fn(|i| {
            std::array::from_fn(|l| ((i * 16 + l * l) as f32 - 90.0) / 3.0)
        });
        let expected = blocks.map(total);
        for width in widths() {
            assert_eq!(Vectors { width }.totals(blocks.each_ref()), expected, "{width} at once");
        }
    }

    #[test]
    fn every_instruction_set_compares_alike() {
        let special = [0.0, -0.0, 1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-40, -1.0];
        let widths = widths();
        for k in 0..64 {
            let values = std::array::from_fn(|l| special[(k + l * (1 + k / 8)) % special.len()]);
            for threshold in special {
                let expected = above_one_by_one(&values, threshold);
                for &width in &widths {
                    let found = Vectors { width }.above(&values, threshold);
                    assert_eq!(found, expected, "{values:?} > {threshold}, {width} at once");
                }
                let found = widest_with(|vectors| vectors.above(&values, threshold));
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn every_instruction_set_packs_alike() {
        let values: [f32; 16] = std::array::from_fn(|l| l as f32 + 1.0);
        for set in 0..=u16::MAX {
            let listed: Vec<f32> =
                values.iter().copied().filter(|v| set >> (*v as u32 - 1) & 1 == 1).collect();
            for width in widths() {
                let mut packed = [-1.0; 16];
                Vectors { width }.pack(&values, set, &mut packed);
                assert_eq!(packed[..listed.len()], listed, "{set:b}, {width} at once");
                let back = Vectors { width }.unpack(&packed, set);
                for (l, (back, v)) in back.iter().zip(values).enumerate() {
                    let expected = if set >> l & 1 == 1 { v } else { 0.0 };
                    assert_eq!(*back, expected, "{set:b}, {width} at once");
                }
            }
        }
    }

    #[test]
    fn cosine_and_sine_equal_the_standard_library() {
        for k in -3_000..3_000 {
            // Multiples of 1/4096: the argument itself is exact.
            let t: Lanes = std::array::from_fn(|l| (k * 16 + l as i32) as f64 / 4096.0);
            for ((t, c), s) in t.iter().zip(cos_turn(t)).zip(sin_turn(t)) {
                let (sin, cos) = (std::f64::consts::TAU * (t - t.floor())).sin_cos();
                assert!((c - cos).abs() < 2e-15, "{t}: {c} for {cos}");
                assert!((s - sin).abs() < 2e-15, "{t}: {s} for {sin}");
            }
        }
    }
}
