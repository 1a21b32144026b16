//! Monotone transforms of results before a model sees them.
//!
//! D. Eriksson, M. Poloczek, *Scalable constrained Bayesian optimization*, AISTATS 2021, section 3: a
//! Gaussian copula spreads out the best values of the objective and draws in its outliers; bilog
//! spreads out the constraints about 0, where it is decided what is feasible, and keeps their sign.

/// sgn(c) ln(1 + |c|). Odd, increasing, keeps 0, ±∞ and NaN.
pub fn bilog(c: f64) -> f64 {
    c.abs().ln_1p().copysign(c)
}

/// Φ⁻¹((rank − ½)/n) of each value: the values with their order kept and their distribution made
/// normal. Ranks run from 1; tied values share their mean rank, so constant values all become 0. ±∞
/// are ranked like any number and come out finite. NaN stays NaN and has no rank.
///
/// There is no inverse: between the ranks the copula of a sample is not defined. Choosing the best
/// needs none, as the order is the same.
pub fn copula(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).filter(|&i| !values[i].is_nan()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let n = order.len() as f64;
    let mut out = vec![f64::NAN; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|&a, &b| values[a] == values[b]) {
        // Mean of the ranks first + 1 … first + len, less ½.
        let rank = first as f64 + 0.5 * tied.len() as f64;
        tied.iter().for_each(|&i| out[i] = normal_quantile(rank / n));
        first += tied.len();
    }
    out
}

/// Centre and scale that give a sample mean 0 and sample deviation 1 (n − 1 in its denominator).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standardise {
    centre: f64,
    scale: f64,
    constant: bool,
}

impl Standardise {
    /// Of finite values. Values that do not differ by more than rounding (10⁻¹² of the largest) count as
    /// constant: they are centred and keep their scale.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        // Relative to the first value and halved: neither the sum nor a difference overflows.
        let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
        if largest == 0.0 || values.len() < 2 {
            let centre = values.first().copied().unwrap_or(0.0);
            return Standardise { centre, scale: 1.0, constant: true };
        }
        let mean = values.iter().map(|v| v / largest).sum::<f64>() / n;
        let square = values.iter().map(|v| (v / largest - mean).powi(2)).sum::<f64>();
        let deviation = (square / (n - 1.0)).sqrt();
        let constant = deviation <= 1e-12;
        let scale = if constant { 1.0 } else { deviation * largest };
        Standardise { centre: mean * largest, scale, constant }
    }

    /// Leaves values as they are.
    pub fn none() -> Self {
        Standardise { centre: 0.0, scale: 1.0, constant: false }
    }

    /// Whether the values did not differ.
    pub fn is_constant(&self) -> bool {
        self.constant
    }

    /// One unit of the standardised values in units of the values.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// Value to standardised value.
    pub fn apply(&self, value: f64) -> f64 {
        (value - self.centre) / self.scale
    }

    /// Standardised value to value.
    pub fn invert(&self, z: f64) -> f64 {
        self.centre + self.scale * z
    }
}

/// Φ(z) = ½ erfc(−z/√2).
pub fn normal_probability(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// Φ⁻¹(p), 0 < p < 1: algorithm AS 241 (M. J. Wichura, *The percentage points of the normal
/// distribution*, Applied Statistics 37, 1988), good to 1e-15.
fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        return q * ratio(&CENTRE, 0.180_625 - q * q);
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let z = if r <= 5.0 { ratio(&MIDDLE, r - 1.6) } else { ratio(&TAIL, r - 5.0) };
    z.copysign(q)
}

/// Numerator over denominator, both by Horner's rule.
fn ratio(coefficients: &[[f64; 8]; 2], x: f64) -> f64 {
    let [numerator, denominator] =
        coefficients.map(|c| c.iter().rev().fold(0.0, |sum, c| sum * x + c));
    numerator / denominator
}

/// |p − ½| ≤ 0.425.
const CENTRE: [[f64; 8]; 2] = [
    [
        3.387_132_872_796_366_5,
        1.331_416_678_917_843_8e2,
        1.971_590_950_306_551_3e3,
        1.373_169_376_550_946e4,
        4.592_195_393_154_987e4,
        6.726_577_092_700_87e4,
        3.343_057_558_358_813e4,
        2.509_080_928_730_122_7e3,
    ],
    [
        1.0,
        4.231_333_070_160_091e1,
        6.871_870_074_920_579e2,
        5.394_196_021_424_751e3,
        2.121_379_430_158_659_7e4,
        3.930_789_580_009_271e4,
        2.872_908_573_572_194_3e4,
        5.226_495_278_852_854e3,
    ],
];

/// Further out, to p = e⁻²⁵.
const MIDDLE: [[f64; 8]; 2] = [
    [
        1.423_437_110_749_683_5,
        4.630_337_846_156_546,
        5.769_497_221_460_691,
        3.647_848_324_763_204_5,
        1.270_458_252_452_368_4,
        2.417_807_251_774_506e-1,
        2.272_384_498_926_918_4e-2,
        7.745_450_142_783_414e-4,
    ],
    [
        1.0,
        2.053_191_626_637_759,
        1.676_384_830_183_803_8,
        6.897_673_349_851e-1,
        1.481_039_764_274_800_8e-1,
        1.519_866_656_361_645_7e-2,
        5.475_938_084_995_345e-4,
        1.050_750_071_644_416_9e-9,
    ],
];

/// Beyond.
const TAIL: [[f64; 8]; 2] = [
    [
        6.657_904_643_501_103,
        5.463_784_911_164_114,
        1.784_826_539_917_291_3,
        2.965_605_718_285_048_7e-1,
        2.653_218_952_657_612_4e-2,
        1.242_660_947_388_078_4e-3,
        2.711_555_568_743_487_6e-5,
        2.010_334_399_292_288_1e-7,
    ],
    [
        1.0,
        5.998_322_065_558_88e-1,
        1.369_298_809_227_358e-1,
        1.487_536_129_085_061_5e-2,
        7.868_691_311_456_133e-4,
        1.846_318_317_510_054_8e-5,
        1.421_511_758_316_446e-7,
        2.044_263_103_389_939_8e-15,
    ],
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bilog_by_hand() {
        assert_eq!(bilog(0.0), 0.0);
        assert!((bilog(std::f64::consts::E - 1.0) - 1.0).abs() < 1e-15);
        assert!((bilog(-0.1) + 1.1_f64.ln()).abs() < 1e-16);
        assert_eq!(bilog(f64::INFINITY), f64::INFINITY);
        assert_eq!(bilog(f64::NEG_INFINITY), f64::NEG_INFINITY);
        assert!(bilog(f64::NAN).is_nan());
        assert!((bilog(f64::MAX) - 709.782_712_893_384).abs() < 1e-9);
        // No digit is lost near 0.
        assert_eq!(bilog(1e-300), 1e-300);
    }

    const QUANTILES: [(f64, f64); 10] = [
        (1e-300, -37.0470962993612),
        (1e-20, -9.262340089798405),
        (1e-09, -5.9978070150076865),
        (0.001, -3.090232306167813),
        (0.07, -1.4757910281791702),
        (0.2, -0.8416212335729142),
        (0.5, 0.0),
        (0.6, 0.2533471031357998),
        (0.93, 1.4757910281791708),
        (0.999999, 4.753424308817089),
    ];

    #[test]
    fn quantiles_equal_an_independent_implementation() {
        // Python 3.11: statistics.NormalDist().inv_cdf(p).
        for (p, expected) in QUANTILES {
            let z = normal_quantile(p);
            assert!((z - expected).abs() <= 4e-16 * expected.abs().max(1.0), "{p}: {z} {expected}");
        }
    }

    #[test]
    fn probabilities_invert_the_quantiles() {
        for (p, z) in QUANTILES {
            assert!((normal_probability(z) / p - 1.0).abs() < 1e-12, "{p} {z}");
            assert!((normal_probability(-z) - (1.0 - p)).abs() < 1e-15, "{p} {z}");
        }
    }

    #[test]
    fn copula_by_hand() {
        // Quartile midpoints: Φ⁻¹(1/8, 3/8, 5/8, 7/8).
        let expected = [-1.150_349_380_376_008, -0.318_639_363_964_375, 0.318_639_363_964_375];
        let z = copula(&[-2.0, 0.5, 1e9, f64::INFINITY]);
        for (z, expected) in z.iter().zip(expected) {
            assert!((z - expected).abs() < 1e-14, "{z}");
        }
        assert!((z[3] - 1.150_349_380_376_008).abs() < 1e-14);
        // Ties share the mean of their ranks, 0.0 and -0.0 are one value, NaN stands aside.
        let z = copula(&[0.0, f64::NAN, 5.0, -0.0, f64::NEG_INFINITY]);
        assert!(z[1].is_nan());
        assert_eq!((z[0], z[0]), (z[3], 0.0));
        assert_eq!(z[4], -z[2]);
        assert_eq!(copula(&[3.0; 5]), [0.0; 5]);
        assert_eq!(copula(&[7.0]), [0.0]);
        assert!(copula(&[]).is_empty());
    }

    #[test]
    fn standardising_by_hand() {
        let s = Standardise::of(&[1.0, 2.0, 6.0]);
        // Mean 3, deviation √((4 + 1 + 9)/2) = √7.
        assert!((s.apply(6.0) - 3.0 / 7.0_f64.sqrt()).abs() < 1e-15);
        assert!(!s.is_constant());
        for constant in [&[][..], &[4.0], &[0.1; 10], &[0.0; 3], &[-1e300, -1e300]] {
            let s = Standardise::of(constant);
            assert!(s.is_constant() && s.scale() == 1.0, "{constant:?}");
            assert!(constant.iter().all(|v| s.apply(*v).abs() <= 1e-15 * v.abs()), "{constant:?}");
        }
        let s = Standardise::of(&[f64::MAX, -f64::MAX, 0.0]);
        assert!(s.apply(f64::MAX).is_finite() && s.scale().is_finite());
    }

    proptest! {
        #[test]
        fn bilog_is_odd_increasing_and_invertible(a in -1e12..1e12_f64, b in -1e12..1e12_f64) {
            prop_assert_eq!(bilog(-a), -bilog(a));
            let inverse = |z: f64| z.abs().exp_m1().copysign(z);
            prop_assert!((inverse(bilog(a)) - a).abs() <= 1e-13 * (1.0 + a.abs()));
            if a < b {
                prop_assert!(bilog(a) <= bilog(b));
            }
        }

        #[test]
        fn copula_keeps_the_order(values in proptest::collection::vec(-5..5_i32, 1..40)) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let z = copula(&values);
            for (a, za) in values.iter().zip(&z) {
                for (b, zb) in values.iter().zip(&z) {
                    prop_assert_eq!(a.partial_cmp(b), za.partial_cmp(zb));
                }
            }
            // Symmetric: reversing the order turns the signs.
            let turned: Vec<f64> = values.iter().map(|v| -v).collect();
            for (a, b) in z.iter().zip(copula(&turned)) {
                prop_assert!((a + b).abs() < 1e-14);
            }
        }

        #[test]
        fn standardised_values_have_mean_0_and_deviation_1(
            values in proptest::collection::vec(-1e6..1e6_f64, 2..40)
        ) {
            let s = Standardise::of(&values);
            let z: Vec<f64> = values.iter().map(|v| s.apply(*v)).collect();
            let n = z.len() as f64;
            let mean = z.iter().sum::<f64>() / n;
            let square = z.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / (n - 1.0);
            prop_assert!(mean.abs() < 1e-9 && (square - 1.0).abs() < 1e-9);
            for (v, z) in values.iter().zip(z) {
                prop_assert!((s.invert(z) - v).abs() <= 1e-9 * v.abs().max(1.0));
            }
        }
    }
}
