//! Evidence that the silent count of an epoch will pass its limit.

use super::settings::Sequential;

/// What is known of one silent leaf within an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// N: samples up to the last update that can stop the network.
    pub horizon: usize,
    /// K₀: the largest count that does not stop it.
    pub allowed: u64,
    /// n: samples seen.
    pub seen: usize,
    /// s: silent samples among them.
    pub silent: u64,
    /// Samples seen up to the end of the warm-up.
    pub warm_seen: usize,
    /// Silent samples among these.
    pub warm_silent: u64,
}

impl Progress {
    /// True where the leaf is decided: the count will pass its limit, up to the error rate `alpha`.
    pub fn decided(&self, alpha: f64, settings: &Sequential) -> bool {
        if self.seen > self.horizon {
            return false;
        }
        if self.silent > self.allowed {
            return true;
        }
        // N′, n′, s′ of the module's documentation.
        let population = (self.horizon - self.warm_seen) as u64;
        let seen = (self.seen - self.warm_seen) as u64;
        let silent = self.silent - self.warm_silent;
        let missing = (self.allowed - self.silent) as f64 / settings.persistence;
        // Rounding down is exact: counts are whole numbers. The cast saturates.
        let limit = silent.saturating_add(missing as u64);
        // Below the most likely count evidence falls with the count, so `limit` stands for all
        // counts up to it; at or above it (n′ = 0 included) there is nothing to reject.
        if limit as f64 * seen as f64 >= silent as f64 * population as f64 {
            return false;
        }
        ln_evidence(population, limit, seen, silent) >= -alpha.ln()
    }

    /// The silent samples expected up to the horizon if they go on as since the warm-up.
    pub fn projected(&self) -> f64 {
        let (seen, silent) = if self.seen > self.warm_seen {
            (self.seen - self.warm_seen, self.silent - self.warm_silent)
        } else {
            (self.seen.max(1), self.silent)
        };
        let ahead = self.horizon.saturating_sub(self.seen) as f64;
        self.silent as f64 + ahead * silent as f64 / seen as f64
    }
}

/// ln R_n(K) = ln C(N,n) − ln(n+1) − ln C(K,s) − ln C(N−K, n−s) for `seen` = n of `population` = N
/// samples, `silent` = s of them silent, and K = `total`; needs s ≤ K ≤ N − (n − s).
fn ln_evidence(population: u64, total: u64, seen: u64, silent: u64) -> f64 {
    ln_choose(population, seen)
        - ((seen + 1) as f64).ln()
        - ln_choose(total, silent)
        - ln_choose(population - total, seen - silent)
}

fn ln_choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// ln n!: summed below 16, Stirling's series above, where its first left-out term 1/(1680 n⁷) is
/// below 3e-12 (Abramowitz & Stegun 6.1.41).
fn ln_factorial(n: u64) -> f64 {
    if n < 16 {
        return (2..=n).map(|i| (i as f64).ln()).sum();
    }
    let x = n as f64;
    let series = (1.0 / 12.0 - (1.0 / 360.0 - 1.0 / (1260.0 * x * x)) / (x * x)) / x;
    x * x.ln() - x + 0.5 * (std::f64::consts::TAU * x).ln() + series
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Purpose, shuffle};

    #[test]
    fn ln_factorial_sums_logarithms() {
        let mut sum = 0.0;
        for n in 1..2000_u64 {
            sum += (n as f64).ln();
            assert!((ln_factorial(n) - sum).abs() < 1e-10 * sum.max(1.0), "{n}");
        }
    }

    /// Under the true count the evidence is a martingale: its mean over all next samples is its
    /// present value, or less where the count allows one outcome only. Exact for every state of a
    /// small population.
    #[test]
    fn evidence_is_a_martingale() {
        let population = 12_u64;
        for total in 0..=population {
            for seen in 0..population {
                for silent in 0..=seen.min(total) {
                    if seen - silent > population - total {
                        continue;
                    }
                    let now = ln_evidence(population, total, seen, silent).exp();
                    let (left, silent_left) = (population - seen, total - silent);
                    let mut mean = 0.0;
                    for (next, ways) in [(1, silent_left), (0, left - silent_left)] {
                        if ways > 0 {
                            let then = ln_evidence(population, total, seen + 1, silent + next);
                            mean += then.exp() * ways as f64 / left as f64;
                        }
                    }
                    let certain = silent_left == 0 || silent_left == left;
                    let sound = mean < now || !certain && (mean - now).abs() < 1e-9 * now;
                    assert!(sound, "{total} {seen} {silent}: {now} {mean}");
                }
            }
        }
        assert_eq!(ln_evidence(population, 5, 0, 0), 0.0);
    }

    /// Share of 2 000 shuffled epochs, with exactly the allowed count of silent samples, that are
    /// decided at some point.
    fn false_stops(horizon: usize, allowed: usize, alpha: f64, settings: &Sequential) -> f64 {
        let runs = 2000;
        let mut stops = 0;
        for run in 0..runs {
            let mut stream = Key::new(17).trial(run).stream(Purpose::Synthetic);
            let mut samples: Vec<bool> = (0..horizon).map(|i| i < allowed).collect();
            shuffle(&mut stream, &mut samples);
            let mut progress = Progress {
                horizon,
                allowed: allowed as u64,
                seen: 0,
                silent: 0,
                warm_seen: 0,
                warm_silent: 0,
            };
            let mut decided = false;
            for silent in samples {
                progress.seen += 1;
                progress.silent += u64::from(silent);
                if progress.seen <= settings.warm_up {
                    progress.warm_seen = progress.seen;
                    progress.warm_silent = progress.silent;
                }
                decided |= progress.decided(alpha, settings);
            }
            stops += u64::from(decided);
        }
        stops as f64 / runs as f64
    }

    /// The hardest case of the null hypothesis: one silent sample more would stop the network.
    #[test]
    fn false_stops_stay_below_alpha() {
        for warm_up in [0, 64] {
            let stationary = Sequential { warm_up, persistence: 1.0, ..Sequential::default() };
            for (horizon, allowed) in [(684, 86), (840, 258), (3003, 300)] {
                for alpha in [0.2, 0.05] {
                    let share = false_stops(horizon, allowed, alpha, &stationary);
                    // Above 0: the bound is not kept by never deciding.
                    assert!(share > 0.0 && share <= alpha, "{horizon} {allowed} {alpha}: {share}");
                }
            }
        }
        let share = false_stops(840, 258, 0.05, &Sequential::default());
        assert!(share <= 0.005, "persistence 0.5 must make false stops rarer: {share}");
    }

    #[test]
    fn certain_counts_decide_at_once_and_late_ones_never() {
        let settings = Sequential { warm_up: 1000, ..Sequential::default() };
        let progress = Progress {
            horizon: 100,
            allowed: 10,
            seen: 11,
            silent: 11,
            warm_seen: 11,
            warm_silent: 11,
        };
        assert!(progress.decided(1e-9, &settings));
        assert!(progress.projected() > 10.0);
        // Seen but not counted: after the last update.
        assert!(!Progress { seen: 101, silent: 101, ..progress }.decided(0.5, &settings));
        // No sample yet, nothing silent, one more allowed than can come.
        let none = Progress { seen: 0, silent: 0, warm_seen: 0, warm_silent: 0, ..progress };
        assert!(!none.decided(0.5, &settings));
        assert_eq!(none.projected(), 0.0);
        assert!(!Progress { allowed: u64::MAX, ..none }.decided(0.5, &settings));
    }
}
