//! Hyperparameters and their bounds.

/// Hyperparameters of one model; symbols as in the table of the [room](super).
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Hyper {
    /// ℓ, one a dimension, in units of the cube.
    pub lengthscales: Vec<f64>,
    /// v, in units of the (standardised) targets squared.
    pub outputscale: f64,
    /// σ², in the same units.
    pub noise: f64,
    /// m, in units of the (standardised) targets.
    pub mean: f64,
}

/// Where the hyperparameters are searched, in units of the standardised targets.
#[derive(Debug, Clone, PartialEq)]
pub struct Bounds {
    /// Lowest and highest lengthscale.
    pub lengthscale: (f64, f64),
    /// Dimensions with another highest lengthscale.
    pub longest: Vec<(usize, f64)>,
    /// Lowest and highest variance of f.
    pub outputscale: (f64, f64),
    /// Lowest and highest variance of the noise.
    pub noise: (f64, f64),
}

impl Default for Bounds {
    /// Lengthscales and noise as in spec scbo.md, section GP. The outputscale is free there; here it
    /// ends where nothing could be learnt any more from standardised targets.
    fn default() -> Self {
        Bounds {
            lengthscale: (0.005, 4.0),
            longest: vec![],
            outputscale: (1e-3, 1e3),
            noise: (1e-8, 1e-3),
        }
    }
}

impl Bounds {
    /// Where a fit begins that knows nothing: the middle of the interval of the lengthscales, as in
    /// the spec, and the variance of the targets.
    pub fn middle(&self, d: usize) -> Hyper {
        let middle = |(low, high): (f64, f64)| 0.5 * (low + high);
        Hyper {
            lengthscales: vec![middle(self.lengthscale); d],
            outputscale: 1.0,
            noise: middle(self.noise),
            mean: 0.0,
        }
    }

    /// Highest lengthscale of dimension `k`.
    pub fn longest(&self, k: usize) -> f64 {
        let other = self.longest.iter().find(|(dimension, _)| *dimension == k);
        other.map_or(self.lengthscale.1, |(_, longest)| *longest)
    }

    /// Whether all hyperparameters are numbers within the bounds, but for rounding.
    pub fn contain(&self, hyper: &Hyper) -> bool {
        let within = |(low, high): (f64, f64), x: f64| {
            (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(&x)
        };
        let mut lengthscales = hyper.lengthscales.iter().enumerate();
        lengthscales.all(|(k, l)| within((self.lengthscale.0, self.longest(k)), *l))
            && within(self.outputscale, hyper.outputscale)
            && within(self.noise, hyper.noise)
            && hyper.mean.is_finite()
    }

    /// Lowest and highest λ = σ²/v that some σ² and v within the bounds have.
    pub(super) fn ratio(&self) -> (f64, f64) {
        (self.noise.0 / self.outputscale.1, self.noise.1 / self.outputscale.0)
    }

    /// Lowest and highest v for which v and λ v are within the bounds.
    pub(super) fn outputscale_at(&self, ratio: f64) -> (f64, f64) {
        let (low, high) = self.outputscale;
        let low = low.max(self.noise.0 / ratio);
        (low, high.min(self.noise.1 / ratio).max(low))
    }
}

impl Hyper {
    /// Dimensions whose lengthscale sits at its upper bound: the output hardly depends on them.
    pub fn at_upper_bound(&self, bounds: &Bounds) -> Vec<usize> {
        let at = |k: &usize| self.lengthscales[*k] >= bounds.longest(*k) * (1.0 - 1e-6);
        (0..self.lengthscales.len()).filter(at).collect()
    }

    /// Dimensions whose lengthscale sits at its lower bound: the data are noise in them.
    pub fn at_lower_bound(&self, bounds: &Bounds) -> Vec<usize> {
        let at = |l: &f64| *l <= bounds.lengthscale.0 * (1.0 + 1e-6);
        (0..self.lengthscales.len()).filter(|&k| at(&self.lengthscales[k])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_at_a_bound_are_named() {
        let bounds = Bounds::default();
        let hyper = Hyper { lengthscales: vec![4.0, 0.3, 0.005, 4.0], ..bounds.middle(4) };
        assert_eq!(hyper.at_upper_bound(&bounds), [0, 3]);
        assert_eq!(hyper.at_lower_bound(&bounds), [2]);
    }

    #[test]
    fn a_dimension_may_have_another_highest_lengthscale() {
        let bounds = Bounds { longest: vec![(1, 10.0)], ..Bounds::default() };
        let hyper = |lengthscales: [f64; 2]| Hyper {
            lengthscales: lengthscales.to_vec(),
            ..bounds.middle(2)
        };
        assert!(bounds.contain(&hyper([4.0, 10.0])));
        assert!(!bounds.contain(&hyper([10.0, 4.0])));
        assert_eq!(hyper([4.0, 4.0]).at_upper_bound(&bounds), [0]);
        assert_eq!(hyper([1.0, 10.0]).at_upper_bound(&bounds), [1]);
    }

    #[test]
    fn what_lies_outside_is_not_contained() {
        let bounds = Bounds::default();
        let middle = bounds.middle(2);
        assert!(bounds.contain(&middle));
        let edge = Hyper { lengthscales: vec![0.005, 4.0], noise: 1e-3, ..middle.clone() };
        assert!(bounds.contain(&edge));
        for wrong in [
            Hyper { lengthscales: vec![1.0, -1.0], ..middle.clone() },
            Hyper { lengthscales: vec![f64::NAN; 2], ..middle.clone() },
            Hyper { outputscale: 1e4, ..middle.clone() },
            Hyper { noise: 0.0, ..middle.clone() },
            Hyper { mean: f64::INFINITY, ..middle },
        ] {
            assert!(!bounds.contain(&wrong), "{wrong:?}");
        }
    }

    #[test]
    fn outputscale_keeps_the_noise_in_its_bounds() {
        let bounds = Bounds::default();
        let (lowest, highest) = bounds.ratio();
        for step in 0..=100 {
            let ratio = lowest * (highest / lowest).powf(f64::from(step) / 100.0);
            let (low, high) = bounds.outputscale_at(ratio);
            assert!(low <= high && low >= bounds.outputscale.0, "{ratio}: {low} {high}");
            assert!(ratio * low >= bounds.noise.0 * (1.0 - 1e-12), "{ratio}");
            assert!(ratio * high <= bounds.noise.1 * (1.0 + 1e-12), "{ratio}");
        }
    }
}
