//! Random smooth manifolds (F. Zenke, T. P. Vogels, *The remarkable robustness of surrogate gradient
//! learning for instilling complex function in spiking neural networks*, Neural Computation 33, 2021):
//! a classification task in which only the times of spikes tell the classes apart.
//!
//! Class c has `spikes` manifolds of dimension D. A point x, uniform in [0, 1]^D, gives unit i the value
//!
//! y_i(x) = Π_d f_id(x_d),   f_id(x) = Σ_{k=1}^{F−1} (k+1)^−α · a_k · sin(2π (k · x · b_k + c_k)),
//!
//! with a, b, c uniform in [0, 1) and F = min(⌈ε^(−1/α)⌉, 1000), ε = 10⁻³ (spec datasets.md section 5).
//! Scaled to [0, 1] it is the unit's spike time, in step min(⌊y · T · `step_fraction`⌋, T − 1). A unit
//! has one spike a manifold, so its rate says nothing (two of them in one step become one).
//!
//! The reference scales with the extremes of the very samples that it returns and cannot draw
//! training and test samples from one manifold without repeating points. Here the coefficients belong
//! to the seed alone; the extremes come from a fixed sample of `SCALE_POINTS` points and are kept with
//! the manifold (values beyond them are set to 0 or 1); each [`Part`] draws points from a stream of its
//! own.

use crate::random::{Key, Purpose, Stream, uniform};
use crate::spikes::{BinningCounts, SpikeSet, SpikeTrain};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::f64::consts::TAU;

/// Precision of the sum over frequencies.
const PRECISION: f64 = 1e-3;
/// Most frequencies.
const MOST_FREQUENCIES: f64 = 1000.0;
/// Largest number of waves of all manifolds: 1.6 GB.
const MOST_WAVES: usize = 1 << 26;
/// Points whose extremes scale a manifold.
const SCALE_POINTS: usize = 1024;

/// What a set of manifolds looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RandmanSettings {
    /// Units N, the neurons of the trains.
    pub units: usize,
    /// Time steps T.
    pub steps: usize,
    /// Classes.
    pub classes: usize,
    /// Dimension D of a manifold.
    pub dimension: usize,
    /// Smoothness α; larger is smoother.
    pub alpha: f64,
    /// Spikes of a unit, one a manifold.
    pub spikes: usize,
    /// Fraction of the steps that spike times cover.
    pub step_fraction: f64,
}

impl Default for RandmanSettings {
    /// Those of the reference study: 256 units, 20 steps, α = 2; one dimension and two classes.
    fn default() -> Self {
        RandmanSettings {
            units: 256,
            steps: 20,
            classes: 2,
            dimension: 1,
            alpha: 2.0,
            spikes: 1,
            step_fraction: 1.0,
        }
    }
}

/// Which samples. No two parts share a point of a manifold; near points can give equal trains where the
/// steps are few.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the three parts of every data set
pub enum Part {
    Train,
    Validation,
    Test,
}

/// The manifolds of all classes.
#[derive(Debug, Clone)]
pub struct Randman {
    settings: RandmanSettings,
    key: Key,
    /// `[class][spike]`.
    manifolds: Vec<Manifold>,
}

impl Randman {
    /// Draws the manifolds of a seed.
    ///
    /// # Errors
    /// [`Error::Usage`] if a setting is out of its range.
    pub fn new(settings: RandmanSettings, seed: u64) -> Result<Self> {
        settings.check()?;
        let key = Key::new(seed);
        let manifolds = (0..settings.classes * settings.spikes)
            .map(|number| {
                let key = key.sample(number as u64);
                Manifold::new(&settings, &mut key.stream(Purpose::Manifold))
            })
            .collect();
        Ok(Randman { settings, key, manifolds })
    }

    /// Draws `samples_per_class` samples of each class, classes in turn. The first samples of a longer
    /// set are those of a shorter one.
    pub fn samples(&self, part: Part, samples_per_class: usize) -> SpikeSet {
        let RandmanSettings { units, steps, classes, .. } = self.settings;
        let mut set = SpikeSet::new(units, classes);
        for sample in 0..samples_per_class * classes {
            let class = sample % classes;
            let (train, counts) = self.sample(part, sample);
            debug_assert_eq!(train.steps(), steps);
            set.push(&train, class as u16, counts);
        }
        set
    }

    fn sample(&self, part: Part, sample: usize) -> (SpikeTrain, BinningCounts) {
        let RandmanSettings { units, steps, classes, dimension, spikes, step_fraction, .. } =
            self.settings;
        let mut stream =
            self.key.epoch(part as u64).sample(sample as u64).stream(Purpose::ManifoldPoint);
        let class = sample % classes;
        let mut events = Vec::with_capacity(units * spikes);
        for manifold in &self.manifolds[class * spikes..(class + 1) * spikes] {
            let x: Vec<f64> = (0..dimension).map(|_| uniform(&mut stream)).collect();
            for unit in 0..units {
                let time = manifold.scaled(unit, &x) * steps as f64 * step_fraction;
                events.push(((time as usize).min(steps - 1) as u32, unit as u32));
            }
        }
        let drawn = events.len();
        events.sort_unstable();
        events.dedup();
        let counts = BinningCounts {
            events: drawn as u64,
            duplicates: (drawn - events.len()) as u64,
            spikes: events.len() as u64,
            ..Default::default()
        };
        (SpikeTrain::from_events(units, steps, &events), counts)
    }
}

impl RandmanSettings {
    /// What is out of range.
    pub(crate) fn check(&self) -> Result<()> {
        let in_range = [
            ("units", self.units, 1 << 20),
            ("steps", self.steps, 1 << 20),
            ("classes", self.classes, 1 << 16),
            ("dimension", self.dimension, 64),
            ("spikes", self.spikes, 1 << 10),
        ];
        for (name, value, most) in in_range {
            if !(1..=most).contains(&value) {
                return Err(Error::Usage(format!("{name} = {value}: must be 1 to {most}")));
            }
        }
        if !(self.alpha >= 0.1 && self.alpha.is_finite()) {
            return Err(Error::Usage(format!("alpha = {}: must be at least 0.1", self.alpha)));
        }
        let factors = [self.classes, self.spikes, self.units, self.dimension, self.frequencies()];
        if factors.into_iter().fold(1, usize::saturating_mul) > MOST_WAVES {
            let text = format!(
                "classes · spikes · units · dimension · {} frequencies (fewer with a larger alpha) are \
                 more than {MOST_WAVES} waves; make one of them smaller",
                self.frequencies()
            );
            return Err(Error::Usage(text));
        }
        if !(self.step_fraction > 0.0 && self.step_fraction <= 1.0) {
            let text =
                format!("step_fraction = {}: must be above 0, at most 1", self.step_fraction);
            return Err(Error::Usage(text));
        }
        Ok(())
    }

    /// Number F of frequencies, that of the constant term included.
    fn frequencies(&self) -> usize {
        (PRECISION.powf(-1.0 / self.alpha).min(MOST_FREQUENCIES).ceil() as usize).max(2)
    }
}

/// One term a · sin(2π (b x + c)) of a unit's function along one dimension.
#[derive(Debug, Clone, Copy)]
struct Wave {
    amplitude: f64,
    frequency: f64,
    phase: f64,
}

#[derive(Debug, Clone)]
struct Manifold {
    dimension: usize,
    /// Waves of a unit and dimension.
    terms: usize,
    /// `[unit][dimension][term]`.
    waves: Vec<Wave>,
    /// Smallest and largest value of each unit over the points that scale it.
    extremes: Vec<(f64, f64)>,
}

impl Manifold {
    fn new(settings: &RandmanSettings, stream: &mut Stream) -> Self {
        // The constant term is left out: its amplitude is 0.
        let terms = settings.frequencies() - 1;
        let waves = (0..settings.units * settings.dimension * terms)
            .map(|i| {
                let k = (i % terms + 1) as f64;
                let [a, b, c] = std::array::from_fn(|_| uniform(stream));
                Wave { amplitude: (k + 1.0).powf(-settings.alpha) * a, frequency: k * b, phase: c }
            })
            .collect();
        let mut manifold = Manifold {
            dimension: settings.dimension,
            terms,
            waves,
            extremes: vec![(f64::INFINITY, f64::NEG_INFINITY); settings.units],
        };
        for _ in 0..SCALE_POINTS {
            let x: Vec<f64> = (0..settings.dimension).map(|_| uniform(stream)).collect();
            for unit in 0..settings.units {
                let y = manifold.value(unit, &x);
                let (low, high) = &mut manifold.extremes[unit];
                (*low, *high) = (low.min(y), high.max(y));
            }
        }
        manifold
    }

    /// y_i(x).
    fn value(&self, unit: usize, x: &[f64]) -> f64 {
        let of_unit = self.dimension * self.terms;
        let waves = &self.waves[unit * of_unit..(unit + 1) * of_unit];
        waves
            .chunks_exact(self.terms)
            .zip(x)
            .map(|(waves, x)| {
                let term = |w: &Wave| w.amplitude * libm::sin(TAU * (w.frequency * x + w.phase));
                waves.iter().map(term).sum::<f64>()
            })
            .product()
    }

    /// The value on the scale on which the unit's extremes are 0 and 1.
    fn scaled(&self, unit: usize, x: &[f64]) -> f64 {
        let (low, high) = self.extremes[unit];
        if high > low { ((self.value(unit, x) - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> RandmanSettings {
        RandmanSettings { units: 12, classes: 3, ..Default::default() }
    }

    fn trains(set: &SpikeSet) -> Vec<SpikeTrain> {
        (0..set.len()).map(|i| set.train(i)).collect()
    }

    /// From spec datasets.md section 5: α 1 → 1000, 2 → 32, 3 → 10 terms.
    #[test]
    fn smoothness_sets_the_number_of_frequencies() {
        let frequencies =
            [1.0, 2.0, 3.0].map(|alpha| RandmanSettings { alpha, ..small() }.frequencies());
        assert_eq!(frequencies, [1000, 32, 10]);
    }

    #[test]
    fn every_unit_fires_once_a_manifold_and_classes_alternate() {
        let set = Randman::new(small(), 5).unwrap().samples(Part::Train, 4);
        assert_eq!(set.labels(), [0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2]);
        for train in trains(&set) {
            let mut counts = vec![0; 12];
            train.add_counts(&mut counts);
            assert_eq!((counts, train.steps()), (vec![1; 12], 20));
        }
        let two = RandmanSettings { spikes: 2, ..small() };
        let counts = Randman::new(two, 5).unwrap().samples(Part::Train, 4).counts();
        assert_eq!(counts.events, 2 * 12 * 12);
        assert_eq!(counts.events, counts.spikes + counts.duplicates);
    }

    #[test]
    fn seeds_count_and_parts_are_disjoint() {
        // So many steps that different points have different trains.
        let fine = RandmanSettings { steps: 1 << 14, ..small() };
        let of = |seed, part| trains(&Randman::new(fine.clone(), seed).unwrap().samples(part, 20));
        assert_eq!(of(1, Part::Train), of(1, Part::Train));
        assert_ne!(of(1, Part::Train), of(2, Part::Train));
        let (train, validation, test) =
            (of(1, Part::Train), of(1, Part::Validation), of(1, Part::Test));
        for a in &train {
            assert!(!validation.contains(a) && !test.contains(a));
        }
        // A longer set begins with the shorter one.
        let randman = Randman::new(small(), 1).unwrap();
        let [longer, shorter] = [25, 20].map(|n| trains(&randman.samples(Part::Train, n)));
        assert_eq!(longer[..shorter.len()], shorter[..]);
    }

    /// Samples of a class lie on one curve: with D = 1, neighbours along it have like spike times,
    /// whichever part they come from; those of another class do not.
    #[test]
    fn parts_lie_on_the_same_manifolds() {
        let randman =
            Randman::new(RandmanSettings { classes: 2, ..Default::default() }, 3).unwrap();
        let (train, test) = (randman.samples(Part::Train, 200), randman.samples(Part::Test, 50));
        let distance = |a: &SpikeTrain, b: &SpikeTrain| {
            let times = |train: &SpikeTrain| {
                let mut times = vec![0_i64; train.neurons()];
                for t in 0..train.steps() {
                    train.step(t).iter().for_each(|&id| times[id as usize] = t as i64);
                }
                times
            };
            times(a).iter().zip(times(b)).map(|(a, b)| (a - b).abs()).sum::<i64>()
        };
        let right = (0..test.len()).filter(|&i| {
            let nearest = (0..train.len())
                .min_by_key(|&j| distance(&test.train(i), &train.train(j)))
                .unwrap();
            train.label(nearest) == test.label(i)
        });
        assert_eq!(right.count(), test.len());
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let refusal = |s: RandmanSettings| Randman::new(s, 1).unwrap_err().to_string();
        assert!(refusal(RandmanSettings { units: 0, ..small() }).contains("units = 0"));
        assert!(refusal(RandmanSettings { alpha: f64::NAN, ..small() }).contains("alpha"));
        assert!(refusal(RandmanSettings { step_fraction: 1.5, ..small() }).contains("fraction"));
    }
}
