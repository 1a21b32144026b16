//! One leaf of a rule: what it counts and the constraint value that it gives.

use super::sequential::{Mark, Progress};

/// Counter of one leaf within an epoch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    /// Index of its layer.
    pub layer: usize,
    limit: Limit,
    /// Counted since the last update.
    pending: u64,
    /// Counted up to the last update: all that the reference rule knows of.
    counted: u64,
}

/// What is counted and how much of it is tolerated.
#[derive(Debug, Clone, PartialEq)]
enum Limit {
    /// Counts samples with fewer than `threshold` spikes.
    Silent { threshold: u32, proportion: f64, total: f64, progress: Progress },
    /// Counts spikes; the mean must lie in [lower, upper].
    Mean { lower: f64, upper: f64 },
}

impl Leaf {
    /// Silent share of `total` samples; `horizon` is the sample after which no count matters, `warm_up`
    /// the first one that gives evidence.
    pub fn silent(
        layer: usize,
        threshold: u32,
        proportion: f64,
        total: u64,
        horizon: usize,
        warm_up: usize,
    ) -> Leaf {
        let allowed = largest_allowed(proportion, total as f64);
        let progress = Progress::new(horizon, allowed, warm_up);
        let limit = Limit::Silent { threshold, proportion, total: total as f64, progress };
        Leaf { layer, limit, pending: 0, counted: 0 }
    }

    /// Mean number of spikes a sample.
    pub fn mean(layer: usize, lower: f64, upper: f64) -> Leaf {
        Leaf { layer, limit: Limit::Mean { lower, upper }, pending: 0, counted: 0 }
    }

    pub fn start_epoch(&mut self) {
        (self.pending, self.counted) = (0, 0);
        if let Limit::Silent { progress, .. } = &mut self.limit {
            progress.start_epoch();
        }
    }

    /// True where the leaf calls a sample with this many spikes silent.
    pub fn is_silent(&self, spikes: u32) -> bool {
        matches!(self.limit, Limit::Silent { threshold, .. } if spikes < threshold)
    }

    pub fn observe(&mut self, spikes: u32) {
        let silent = self.is_silent(spikes);
        match &mut self.limit {
            Limit::Silent { progress, .. } => {
                self.pending += u64::from(silent);
                progress.observe(silent);
            }
            Limit::Mean { .. } => self.pending += u64::from(spikes),
        }
    }

    /// Takes the samples since the last update into account.
    pub fn update(&mut self) {
        self.counted += self.pending;
        self.pending = 0;
    }

    /// Constraint value after `samples` counted samples, feasible iff ≤ 0.
    pub fn value(&self, samples: usize) -> f64 {
        match self.limit {
            Limit::Silent { proportion, total, .. } => self.counted as f64 / total - proportion,
            // No update yet, nothing known: neither violated nor satisfied with a margin.
            Limit::Mean { .. } if samples == 0 => 0.0,
            Limit::Mean { lower, upper } => {
                let mean = self.counted as f64 / samples as f64;
                (lower - mean).max(mean - upper)
            }
        }
    }

    /// Where the sequential decision expects the leaf to be violated by the end of the epoch: the
    /// start of its evidence.
    pub fn decided(&self, alpha: f64, persistence: f64) -> Option<Mark> {
        match &self.limit {
            Limit::Silent { progress, .. } => progress.decided(alpha, persistence),
            Limit::Mean { .. } => None,
        }
    }

    /// Constraint value expected at the end of the epoch; positive where the leaf is `decided`.
    pub fn projected_value(&self, samples: usize, decided: Option<Mark>) -> f64 {
        let Limit::Silent { proportion, total, progress, .. } = &self.limit else {
            return self.value(samples);
        };
        let mut count = progress.projected(decided.unwrap_or(progress.first()));
        if decided.is_some() {
            // The rule gives count > K₀; where proportion·total is no whole number that alone
            // could be less than the smallest count that stops.
            count = count.max((progress.allowed + 1) as f64);
        }
        count / total - proportion
    }
}

/// The largest k with k/total ≤ proportion in floating point, as the rule itself compares.
fn largest_allowed(proportion: f64, total: f64) -> u64 {
    let allowed = (proportion * total).floor();
    // The product may round to the wrong side of a whole number.
    if allowed / total - proportion > 0.0 {
        allowed as u64 - 1
    } else if (allowed + 1.0) / total - proportion <= 0.0 {
        allowed as u64 + 1
    } else {
        allowed as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn largest_allowed_is_the_edge_of_the_comparison() {
        for total in (1..3000).chain([48_000]) {
            for per_mille in 0..1000 {
                let (proportion, total) = (f64::from(per_mille) / 1000.0, f64::from(total));
                let k = largest_allowed(proportion, total) as f64;
                assert!(k / total <= proportion && (k + 1.0) / total > proportion);
            }
        }
        // Spec hpo.md section 2.3: experiments 1, 2 and 4.
        assert_eq!(largest_allowed(0.1, 48_000.0), 4800);
        assert_eq!(largest_allowed(0.1, 862.0), 86);
        assert_eq!(largest_allowed(0.3, 862.0), 258);
    }
}
