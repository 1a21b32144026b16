//! The hyperparameters of the highest likelihood within their bounds.
//!
//! The mean and the outputscale that go best with given ℓ and λ = σ²/v have closed forms: m =
//! 1ᵀR⁻¹y/1ᵀR⁻¹1 and v = (y−m)ᵀR⁻¹(y−m)/n, or the nearest v for which v and λv are within their bounds.
//! So the search runs over ln ℓ and ln λ alone. By the envelope theorem the gradient of that profile is
//! the gradient of the likelihood at the best m and v; where a bound holds v = b/λ, v moves with λ.
//!
//! Starts: lengthscales all equal, at several levels, without noise and in many dimensions with much of it,
//! and the hyperparameters of the model before. They run on a subset of the points if there are many; only the best
//! with noise and the best without go on, with the curvature that was found there, to twice as many points,
//! and so on.

use super::likelihood::Likelihood;
use super::{Bounds, Hyper};
use crate::numerics::bounded::{Memory, Smooth, Stop, minimise};

/// Lengthscales of the starts, as shares of the way from lower to upper bound, and λ. Low: where there is
/// none, ln λ would have no slope from above long before the noise stops to matter. High: in many
/// dimensions noise can be explained by some very short lengthscales, too, which is where descents from
/// below end; the likelihood there is lower by far (benchmarking/SEARCH_RULES.md).
const STARTS: [(f64, f64); 5] = [(0.5, LOW), (0.2, LOW), (0.08, LOW), (0.5, HIGH), (0.2, HIGH)];
const LOW: f64 = 1e-7;
const HIGH: f64 = 0.1;
/// In fewer dimensions there are too few lengthscales to explain noise with, and descents from below find it.
const MANY: usize = 8;
/// Points of a subset that show whether there is noise.
const ENOUGH: usize = 200;
/// λ above which a model is one with noise.
const NOISY: f64 = 1e-4;
/// A subset is half of the points as long as it has this many.
const FEWEST: usize = 50;
/// When a descent in the log likelihood of so many points stops; `coarse` is for the starts and subsets. All
/// changes are below 1, which is about what could tell hyperparameters apart; where an evaluation takes
/// long the last digits are not worth it.
fn stop(points: usize, coarse: bool) -> Stop {
    let few = points < FEW;
    let decrease = if few && !coarse { 1e-4 } else { 0.1 };
    let share = if few { 0.05 } else { 0.25 };
    Stop { decrease, promise: share * decrease, iterations: ITERATIONS }
}
/// Up to here an evaluation takes little.
const FEW: usize = 300;
/// Iterations of one descent; it ends by the tolerance long before.
const ITERATIONS: usize = 200;

/// Maximises; `y` is standardised. Gives the hyperparameters and the likelihood factored there.
pub fn fit<'a>(
    x: &'a [f64],
    d: usize,
    y: &'a [f64],
    start: Option<&Hyper>,
    bounds: &Bounds,
) -> (Hyper, Likelihood<'a>) {
    let ends = Ends::new(d, bounds);
    let warm = start.map(encode);
    // Bounds that do not allow for so much noise, as those of the reference, have no such starts.
    let many = d >= MANY && bounds.noise.1 >= HIGH;
    let levels = STARTS.iter().filter(|(_, ratio)| many || *ratio == LOW).map(|&(share, ratio)| {
        let (low, high) = bounds.lengthscale;
        let mut theta = vec![(low + share * (high - low)).ln(); d];
        theta.push(ratio.ln());
        theta
    });
    let mut stride = 1;
    while y.len() / (2 * stride) >= FEWEST {
        stride *= 2;
    }
    // All starts on the smallest subset. The best without noise and the best with noise go on: which of the
    // two it is shows with many points only. In few dimensions the best of all goes on.
    let coarse = stop(y.len(), true);
    let (some_x, some_y) = subset(x, d, y, stride);
    let mut profile = Profile::new(Likelihood::new(&some_x, d, &some_y), bounds);
    let runs = warm.iter().cloned().chain(levels).map(|theta| {
        let mut run = Descent { value: f64::NAN, theta, memory: Memory::default() };
        run.go_on(&mut profile, &ends, coarse);
        run
    });
    let (noisy, quiet): (Vec<_>, Vec<_>) = runs.partition(|run| many && is_noisy(&run.theta));
    let best = |runs: Vec<Descent>| runs.into_iter().min_by(|a, b| a.value.total_cmp(&b.value));
    let mut runs: Vec<Descent> = best(noisy).into_iter().chain(best(quiet)).collect();
    // They go on with ever more points. The likelihood grows with the points, and so does its curvature.
    while stride > 2 {
        stride /= 2;
        let (some_x, some_y) = subset(x, d, y, stride);
        let mut profile = Profile::new(Likelihood::new(&some_x, d, &some_y), bounds);
        for run in &mut runs {
            run.memory.scale(2.0);
            run.go_on(&mut profile, &ends, coarse);
        }
        // More points would take long for both.
        if y.len() / stride >= ENOUGH {
            runs = best(runs).into_iter().collect();
        }
    }
    if y.len() >= FEW {
        runs = best(runs).into_iter().collect();
    }
    if stride == 2 {
        runs.iter_mut().for_each(|run| run.memory.scale(2.0));
        // The optimum of a subset beats there what is as good on all points by half the number of
        // variables, on average (S. Wilks, 1938): the model before is left only for more than that.
        if let Some(warm) = warm
            && let Some(run) =
                runs.iter_mut().find(|run| !many || is_noisy(&run.theta) == is_noisy(&warm))
        {
            let (some_x, some_y) = subset(x, d, y, stride);
            let mut profile = Profile::new(Likelihood::new(&some_x, d, &some_y), bounds);
            if profile.value(&warm) < run.value + 0.5 * warm.len() as f64 {
                run.theta = warm;
            }
        }
    }
    let mut profile = Profile::new(Likelihood::new(x, d, y), bounds);
    for run in &mut runs {
        run.go_on(&mut profile, &ends, stop(y.len(), false));
    }
    let theta = best(runs).map(|run| run.theta).unwrap_or_default();
    profile.finish(&theta)
}

/// A descent from one start.
struct Descent {
    value: f64,
    theta: Vec<f64>,
    memory: Memory,
}

impl Descent {
    fn go_on(&mut self, profile: &mut Profile<'_>, ends: &Ends, stop: Stop) {
        self.value = minimise(profile, &mut self.theta, ends.slices(), &mut self.memory, stop);
    }
}

/// Whether λ says that there is noise.
fn is_noisy(theta: &[f64]) -> bool {
    theta.last().is_some_and(|ln| *ln > NOISY.ln())
}

/// θ = (ln ℓ, ln λ).
fn encode(hyper: &Hyper) -> Vec<f64> {
    let mut theta: Vec<f64> = hyper.lengthscales.iter().map(|l| l.ln()).collect();
    theta.push((hyper.noise / hyper.outputscale).ln());
    theta
}

/// Lowest and highest θ.
struct Ends {
    low: Vec<f64>,
    high: Vec<f64>,
}

impl Ends {
    fn new(d: usize, bounds: &Bounds) -> Self {
        let end = |lengthscale: &dyn Fn(usize) -> f64, ratio: f64| {
            (0..d).map(lengthscale).chain([ratio]).map(f64::ln).collect()
        };
        let (low, high) = bounds.ratio();
        Ends { low: end(&|_| bounds.lengthscale.0, low), high: end(&|k| bounds.longest(k), high) }
    }

    fn slices(&self) -> (&[f64], &[f64]) {
        (&self.low, &self.high)
    }
}

/// Every `stride`-th point.
fn subset(x: &[f64], d: usize, y: &[f64], stride: usize) -> (Vec<f64>, Vec<f64>) {
    let points = x.chunks_exact(d).step_by(stride);
    (points.flatten().copied().collect(), y.iter().step_by(stride).copied().collect())
}

/// −ln p as a function of θ, maximised over m and v.
struct Profile<'a> {
    likelihood: Likelihood<'a>,
    bounds: Bounds,
    /// θ, hyperparameters and value of the last evaluation.
    theta: Vec<f64>,
    hyper: Hyper,
    value: f64,
}

impl<'a> Profile<'a> {
    fn new(likelihood: Likelihood<'a>, bounds: &Bounds) -> Self {
        Profile {
            likelihood,
            bounds: bounds.clone(),
            theta: Vec::new(),
            hyper: bounds.middle(0),
            value: f64::NAN,
        }
    }

    /// The hyperparameters at θ, and the likelihood with its factor there.
    fn finish(mut self, theta: &[f64]) -> (Hyper, Likelihood<'a>) {
        self.value(theta);
        (self.hyper, self.likelihood)
    }
}

impl Smooth for Profile<'_> {
    fn value(&mut self, theta: &[f64]) -> f64 {
        if self.theta == theta {
            return self.value;
        }
        self.theta = theta.to_vec();
        let lengthscales: Vec<f64> = theta[..theta.len() - 1].iter().map(|t| t.exp()).collect();
        let ratio = theta[theta.len() - 1].exp();
        self.likelihood.factor(&lengthscales, ratio);
        let mean = self.likelihood.best_mean();
        let (low, high) = self.bounds.outputscale_at(ratio);
        let free = self.likelihood.quadratic(mean) / self.likelihood.n() as f64;
        let outputscale = free.clamp(low, high);
        self.hyper = Hyper { lengthscales, outputscale, noise: ratio * outputscale, mean };
        self.value = -self.likelihood.value(outputscale, mean);
        self.value
    }

    fn gradient(&mut self, gradient: &mut [f64]) {
        let Hyper { lengthscales, outputscale, noise, mean } = &self.hyper;
        let slopes = self.likelihood.gradient(*outputscale, *mean);
        for ((out, slope), l) in gradient.iter_mut().zip(&slopes.lengthscales).zip(lengthscales) {
            *out = -slope * l;
        }
        // Where the noise is held at its bound b, v = b/λ moves with λ; else σ² = λ v does.
        let held = *noise <= self.bounds.noise.0 * (1.0 + 1e-12)
            || *noise >= self.bounds.noise.1 * (1.0 - 1e-12);
        let by_ratio = if held { -slopes.outputscale * outputscale } else { slopes.noise * noise };
        if let Some(last) = gradient.last_mut() {
            *last = -by_ratio;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose, uniform};

    /// Points and smooth targets.
    fn data(n: usize) -> (Vec<f64>, Vec<f64>) {
        let mut stream = Key::new(8).stream(Purpose::Synthetic);
        let x: Vec<f64> = (0..2 * n).map(|_| uniform(&mut stream)).collect();
        let y = x.chunks_exact(2).map(|x| (5.0 * x[0]).sin() + 0.3 * x[1]).collect();
        (x, y)
    }

    #[test]
    fn gradient_of_the_profile_is_its_slope() {
        // v free, v at its upper bound, noise at its bounds: nearly the whole range of ln λ, which is
        // from ln(1e-8/0.2) = −17.7 to ln(1e-3/0.05) = −3.9 with the narrower bounds.
        let (x, y) = data(12);
        let mut kinds = [false; 3];
        for (highest, step) in [0.2, 2.0].into_iter().flat_map(|h| (0..40).map(move |s| (h, s))) {
            let bounds = Bounds { outputscale: (0.05, highest), ..Bounds::default() };
            let mut profile = Profile::new(Likelihood::new(&x, 2, &y), &bounds);
            let theta = [-1.0, -0.2, -17.6 + 0.34 * f64::from(step)];
            profile.value(&theta);
            let kind = match &profile.hyper {
                h if h.noise <= 1.0001e-8 || h.noise >= 0.9999e-3 => 0,
                h if h.outputscale >= 0.9999 * highest => 1,
                _ => 2,
            };
            kinds[kind] = true;
            let mut gradient = [0.0; 3];
            profile.gradient(&mut gradient);
            for k in 0..3 {
                let mut at = |step: f64| {
                    let mut theta = theta;
                    theta[k] += step;
                    profile.value(&theta)
                };
                let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                let error = (gradient[k] - expected).abs();
                let found = gradient[k];
                assert!(
                    error < 1e-3 * (1.0 + expected.abs()),
                    "{theta:?}, {k}: {found} {expected}"
                );
            }
        }
        assert_eq!(kinds, [true; 3], "not every case was met");
    }

    #[test]
    fn subsets_keep_every_stride() {
        let (x, y) = subset(&[0.0, 0.1, 0.2, 0.3, 0.4, 0.5], 2, &[1.0, 2.0, 3.0], 2);
        assert_eq!((x, y), (vec![0.0, 0.1, 0.4, 0.5], vec![1.0, 3.0]));
    }

    /// In many dimensions noise can be explained by very short lengthscales of some of them, too.
    #[test]
    fn noise_is_found_in_many_dimensions() {
        let (d, n) = (18, 120);
        for seed in 0..4 {
            let mut stream = Key::new(seed).stream(Purpose::Synthetic);
            let x: Vec<f64> = (0..d * n).map(|_| uniform(&mut stream)).collect();
            let mut y: Vec<f64> = x
                .chunks_exact(d)
                .map(|x| x[0] + 0.5 * x[1] + 0.4 * (uniform(&mut stream) - 0.5))
                .collect();
            let units = crate::search::transforms::Standardise::of(&y);
            y.iter_mut().for_each(|y| *y = units.apply(*y));
            let bounds = Bounds { noise: (1e-8, 0.5), ..Bounds::default() };
            let noisy = Bounds { noise: (1e-2, 0.5), ..Bounds::default() };
            let value = |bounds: &Bounds| {
                let (hyper, likelihood) = fit(&x, d, &y, None, bounds);
                (likelihood.value(hyper.outputscale, hyper.mean), hyper.noise)
            };
            let ((free, noise), (held, _)) = (value(&bounds), value(&noisy));
            assert!(free > held - 1.0 && noise > 0.01, "{seed}: {free} {held}, noise {noise}");
        }
    }
}
