//! Losses of a network's answers, and the activity regulariser (spec sparse_lif_ipu, section 1.5).
//!
//! The answers z are spike counts, rates or mean potentials ([`Readout`]), `[sample, class]`.

use crate::engine::lif::{OutputGradient, Pass, Real};
use crate::network::{Lif, Readout};
use serde::{Deserialize, Serialize};

/// How far the answers are from the labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum LossKind {
    /// −ln softmax(z)_label.
    CrossEntropy,
    /// Σ_c (z_c − y_c)²/n_L with y_c = `target` for the label and 0 for the others.
    SquaredError {
        /// Answer that is asked of the label's neuron.
        target: f64,
    },
    /// Σ_c (r_c − ρ_c)² with r_c the rate of output neuron c (spikes a step), ρ_c = `correct` for
    /// the label, `other` for the others. Needs a spiking readout.
    TargetRate {
        /// Rate of the label's neuron.
        correct: f64,
        /// Rate of all other neurons.
        other: f64,
    },
}

/// How the losses of a batch's samples are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchReduction {
    /// Averaged.
    #[default]
    Mean,
    /// Added up.
    Sum,
}

/// Keeps layers from falling silent or firing all the time. With r_bj the spikes a step of neuron
/// j for sample b, r̄_b the mean of the layer, averaged over the samples of the batch, for each
/// hidden layer: λ_low·mean_bj relu(low − r_bj)² + λ_high·mean_b relu(r̄_b − high)².
///
/// A neuron gets a gradient where it is in the spike list, as always.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivityRegulariser {
    /// λ_low.
    pub low_strength: f64,
    /// Rate \[spikes a step\] below which a neuron is pushed up.
    pub low: f64,
    /// λ_high.
    pub high_strength: f64,
    /// Mean rate \[spikes a step\] above which a layer is pushed down.
    pub high: f64,
}

/// A loss with its options.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objective {
    /// The loss of a sample.
    pub loss: LossKind,
    /// Sum or mean over the batch (of the loss; the regulariser is a mean always).
    pub reduction: BatchReduction,
    /// The regulariser, where there is one.
    pub regulariser: Option<ActivityRegulariser>,
}

/// Value of an objective for one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored<T> {
    /// Loss of each sample, without the regulariser.
    pub losses: Vec<T>,
    /// The regulariser.
    pub regulariser: T,
    /// Class with the largest answer (the lowest of equals) of each sample.
    pub predicted: Vec<u32>,
    /// Gradient of (reduced losses + regulariser) with respect to the pass.
    pub gradient: OutputGradient<T>,
}

impl<T: Real> Scored<T> {
    /// Mean loss of the samples.
    pub fn mean_loss(&self) -> T {
        self.losses.iter().copied().sum::<T>() / T::real(self.losses.len().max(1) as f64)
    }
}

/// The answers z of a pass, `[sample, class]`.
pub fn answers<T: Real>(network: &Lif, pass: &Pass<T>) -> Vec<T> {
    let counts = || pass.counts.last().expect("a network has a layer");
    match network.readout {
        Readout::SpikeCount => counts().clone(),
        Readout::Potential => pass.potential.clone(),
        Readout::Rate => counts()
            .chunks_exact(network.outputs())
            .zip(&pass.steps)
            .flat_map(|(row, &t)| row.iter().map(move |&c| c / T::real(t.max(1) as f64)))
            .collect(),
    }
}

impl Objective {
    /// What is out of range or does not go with the network: name and remedy.
    pub fn check(&self, network: &Lif) -> Result<(), (String, String)> {
        let rates = match self.loss {
            LossKind::TargetRate { .. } if network.readout == Readout::Potential => {
                let text = "target_rate needs the readout spike_count or rate".to_string();
                return Err(("loss.kind".into(), text));
            }
            LossKind::CrossEntropy => vec![],
            LossKind::SquaredError { target } => vec![("loss.target", target)],
            LossKind::TargetRate { correct, other } => {
                vec![("loss.correct", correct), ("loss.other", other)]
            }
        };
        let strengths = self.regulariser.iter().flat_map(|r| {
            [
                ("regulariser.low_strength", r.low_strength),
                ("regulariser.low", r.low),
                ("regulariser.high_strength", r.high_strength),
                ("regulariser.high", r.high),
            ]
        });
        for (name, x) in rates.into_iter().chain(strengths) {
            if !(x.is_finite() && x >= 0.0) {
                return Err((
                    name.into(),
                    format!("{x} is not allowed; give a number of 0 or more"),
                ));
            }
        }
        Ok(())
    }

    /// Loss, predictions and gradient of a batch.
    pub fn score<T: Real>(&self, network: &Lif, pass: &Pass<T>, labels: &[u32]) -> Scored<T> {
        let classes = network.outputs();
        let z = answers(network, pass);
        assert_eq!(z.len(), labels.len() * classes, "a label for each sample");
        let weight = match self.reduction {
            BatchReduction::Sum => T::one(),
            BatchReduction::Mean => T::one() / T::real(labels.len().max(1) as f64),
        };
        let mut scored = Scored {
            losses: Vec::with_capacity(labels.len()),
            regulariser: T::zero(),
            predicted: Vec::with_capacity(labels.len()),
            gradient: OutputGradient {
                counts: vec![Vec::new(); network.layers.len()],
                potential: Vec::new(),
            },
        };
        let mut of_z = vec![T::zero(); z.len()];
        for (b, &label) in labels.iter().enumerate() {
            let row = b * classes..(b + 1) * classes;
            let (z, of_z) = (&z[row.clone()], &mut of_z[row]);
            scored.predicted.push(argmax(z));
            let steps = T::real(pass.steps[b].max(1) as f64);
            let to_rate = match network.readout {
                Readout::SpikeCount => T::one() / steps,
                Readout::Rate | Readout::Potential => T::one(),
            };
            scored.losses.push(self.loss.sample(z, label as usize, to_rate, of_z));
            let to_outputs = match network.readout {
                Readout::SpikeCount | Readout::Potential => weight,
                Readout::Rate => weight / steps,
            };
            of_z.iter_mut().for_each(|g| *g = *g * to_outputs);
        }
        match network.readout {
            Readout::Potential => scored.gradient.potential = of_z,
            _ => *scored.gradient.counts.last_mut().expect("a layer") = of_z,
        }
        if let Some(regulariser) = &self.regulariser {
            for l in 0..network.layers.len() - 1 {
                let (value, gradient) = regulariser.layer(&pass.counts[l], &pass.steps);
                scored.regulariser += value;
                scored.gradient.counts[l] = gradient;
            }
        }
        scored
    }
}

impl LossKind {
    /// Loss of one sample; writes dL/dz.
    fn sample<T: Real>(self, z: &[T], label: usize, to_rate: T, of_z: &mut [T]) -> T {
        let two = T::real(2.0);
        match self {
            LossKind::CrossEntropy => {
                let top = z.iter().copied().fold(T::neg_infinity(), T::max);
                let sum: T = z.iter().map(|&z| (z - top).exp()).sum();
                for (c, (g, &z)) in of_z.iter_mut().zip(z).enumerate() {
                    let one = if c == label { T::one() } else { T::zero() };
                    *g = (z - top).exp() / sum - one;
                }
                sum.ln() + top - z[label]
            }
            LossKind::SquaredError { target } => {
                let n = T::real(z.len() as f64);
                squares(z, of_z, |c| if c == label { T::real(target) } else { T::zero() }, n)
            }
            LossKind::TargetRate { correct, other } => {
                let rates: Vec<T> = z.iter().map(|&z| z * to_rate).collect();
                let wanted = |c| T::real(if c == label { correct } else { other });
                let mut loss = T::zero();
                for (c, (g, &r)) in of_z.iter_mut().zip(&rates).enumerate() {
                    let off = r - wanted(c);
                    loss += off * off;
                    *g = two * off * to_rate;
                }
                loss
            }
        }
    }
}

/// Σ_c (z_c − y_c)²/n, and its gradient.
pub fn squares<T: Real>(z: &[T], of_z: &mut [T], wanted: impl Fn(usize) -> T, n: T) -> T {
    let mut loss = T::zero();
    for (c, (g, &z)) in of_z.iter_mut().zip(z).enumerate() {
        let off = z - wanted(c);
        loss += off * off / n;
        *g = T::real(2.0) * off / n;
    }
    loss
}

impl ActivityRegulariser {
    /// Value for one layer, and its gradient with respect to the layer's spike counts.
    fn layer<T: Real>(&self, counts: &[T], steps: &[usize]) -> (T, Vec<T>) {
        let samples = T::real(steps.len() as f64);
        let width = counts.len() / steps.len().max(1);
        let neurons = T::real(width as f64);
        let (low, high) = (T::real(self.low), T::real(self.high));
        let (low_strength, high_strength) =
            (T::real(self.low_strength), T::real(self.high_strength));
        let two = T::real(2.0);
        let mut value = T::zero();
        let mut gradient = Vec::with_capacity(counts.len());
        for (row, &t) in counts.chunks_exact(width.max(1)).zip(steps) {
            let t = T::real(t.max(1) as f64);
            let mean = row.iter().copied().sum::<T>() / (t * neurons);
            let excess = (mean - high).max(T::zero());
            value += high_strength * excess * excess / samples;
            for &count in row {
                let lack = (low - count / t).max(T::zero());
                value += low_strength * lack * lack / (samples * neurons);
                let of_rate = two * (high_strength * excess - low_strength * lack);
                gradient.push(of_rate / (samples * neurons * t));
            }
        }
        (value, gradient)
    }
}

/// The class with the largest answer, the lowest of equals.
pub fn argmax<T: Real>(z: &[T]) -> u32 {
    let mut best = 0;
    for (c, &x) in z.iter().enumerate() {
        if x > z[best] {
            best = c;
        }
    }
    best as u32
}
