//! Evidence that the silent count of an epoch will pass its limit.

/// What is known of one silent leaf within an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    /// N: samples up to the last update that can stop the network.
    pub horizon: usize,
    /// K₀: the largest count that does not stop it.
    pub allowed: u64,
    /// Samples that give no evidence.
    warm_up: usize,
    /// J: starts of evidence before the horizon, at least 1.
    planned_starts: usize,
    /// What was seen up to now.
    pub now: Mark,
    /// What had been seen at each start of evidence that lies behind, the first one first.
    starts: Vec<Mark>,
}

/// A place in an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    /// n: samples seen.
    pub seen: usize,
    /// s: silent samples among them.
    pub silent: u64,
}

impl Progress {
    pub fn new(horizon: usize, allowed: u64, warm_up: usize) -> Progress {
        let starts = std::iter::successors(Some(warm_up), |&start| Some(after(start)));
        let planned_starts = starts.take_while(|&start| start < horizon).count().max(1);
        let (now, starts) = (Mark::default(), Vec::new());
        Progress { horizon, allowed, warm_up, planned_starts, now, starts }
    }

    pub fn start_epoch(&mut self) {
        self.now = Mark::default();
        self.starts.clear();
    }

    /// Takes the next sample.
    pub fn observe(&mut self, silent: bool) {
        self.now.seen += 1;
        self.now.silent += u64::from(silent);
        // Without warm-up the first start, 0, lies behind the first sample.
        if self.starts.is_empty() && self.warm_up == 0 {
            self.starts.push(Mark::default());
        }
        if self.now.seen == self.starts.last().map_or(self.warm_up, |last| after(last.seen)) {
            self.starts.push(self.now);
        }
    }

    /// The start since which the evidence, up to the error rate `alpha`, says that the count will
    /// pass its limit; none where the leaf is not decided.
    pub fn decided(&self, alpha: f64, persistence: f64) -> Option<Mark> {
        if self.now.seen > self.horizon {
            return None;
        }
        if self.now.silent > self.allowed {
            return Some(self.first());
        }
        let needed = (self.planned_starts as f64 / alpha).ln();
        let decides = |start: &&Mark| self.evidence_since(**start, persistence) >= needed;
        self.starts.iter().find(decides).copied()
    }

    /// The least ln R_n of all K′ ≤ K*; −∞ where none of them is less likely than what was seen.
    fn evidence_since(&self, start: Mark, persistence: f64) -> f64 {
        // N′, n′, s′ of the module's documentation.
        let population = (self.horizon - start.seen) as u64;
        let seen = (self.now.seen - start.seen) as u64;
        let silent = self.now.silent - start.silent;
        let missing = (self.allowed - self.now.silent) as f64 / persistence;
        // Rounding down is exact: counts are whole numbers. The cast saturates.
        let limit = silent.saturating_add(missing as u64);
        // Below the most likely count evidence falls with the count, so `limit` stands for all
        // counts up to it; at or above it (n′ = 0 included) there is nothing to reject.
        if limit as f64 * seen as f64 >= silent as f64 * population as f64 {
            return f64::NEG_INFINITY;
        }
        ln_evidence(population, limit, seen, silent)
    }

    /// The silent samples expected up to the horizon if they go on as since `start`.
    pub fn projected(&self, start: Mark) -> f64 {
        let start = if start.seen < self.now.seen { start } else { Mark::default() };
        let seen = (self.now.seen - start.seen).max(1);
        let silent = self.now.silent - start.silent;
        let ahead = self.horizon.saturating_sub(self.now.seen) as f64;
        self.now.silent as f64 + ahead * silent as f64 / seen as f64
    }

    /// The end of the warm-up, or the start of the epoch as long as it lasts.
    pub fn first(&self) -> Mark {
        self.starts.first().copied().unwrap_or_default()
    }
}

/// The start of evidence that follows on one after `seen` samples.
fn after(seen: usize) -> usize {
    seen.saturating_mul(2).max(1)
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
    use crate::silence::Sequential;

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

    /// Shares of 2 000 shuffled epochs, with exactly the allowed count of silent samples, that are
    /// decided at some point; one for each error rate.
    fn false_stops(horizon: usize, allowed: usize, alphas: [f64; 2], s: &Sequential) -> [f64; 2] {
        let runs = 2000;
        let mut stops = [0; 2];
        for run in 0..runs {
            let mut stream = Key::new(17).trial(run).stream(Purpose::Synthetic);
            let mut samples: Vec<bool> = (0..horizon).map(|i| i < allowed).collect();
            shuffle(&mut stream, &mut samples);
            let mut progress = Progress::new(horizon, allowed as u64, s.warm_up);
            let mut most = f64::NEG_INFINITY;
            for silent in samples {
                progress.observe(silent);
                for &start in &progress.starts {
                    most = most.max(progress.evidence_since(start, s.persistence));
                }
            }
            for (stops, alpha) in stops.iter_mut().zip(alphas) {
                *stops += u32::from(most >= (progress.planned_starts as f64 / alpha).ln());
            }
        }
        stops.map(|stops| f64::from(stops) / runs as f64)
    }

    /// The hardest case of the null hypothesis: one silent sample more would stop the network.
    #[test]
    fn false_stops_stay_below_alpha() {
        let alphas = [0.2, 0.05];
        let cases = [(0, 684, 86), (0, 840, 258), (64, 684, 86), (64, 840, 258), (64, 3003, 300)];
        for (warm_up, horizon, allowed) in cases {
            let stationary = Sequential { warm_up, persistence: 1.0, ..Sequential::default() };
            let shares = false_stops(horizon, allowed, alphas, &stationary);
            for (share, alpha) in shares.into_iter().zip(alphas) {
                // Above 0: the bound is not kept by never deciding.
                assert!(share > 0.0 && share <= alpha, "{horizon} {allowed} {alpha}: {share}");
            }
        }
        let [_, share] = false_stops(840, 258, alphas, &Sequential::default());
        assert!(share <= 0.005, "persistence below 1 must make false stops rarer: {share}");
    }

    #[test]
    fn certain_counts_decide_at_once_and_late_ones_never() {
        let seen = |samples: usize, allowed: u64| {
            let mut progress = Progress::new(100, allowed, 1000);
            (0..samples).for_each(|_| progress.observe(true));
            progress
        };
        assert_eq!(seen(11, 10).decided(1e-9, 0.5), Some(Mark::default()));
        assert!(seen(11, 10).projected(Mark::default()) > 10.0);
        assert_eq!(seen(10, 10).decided(0.5, 0.5), None);
        // Seen but not counted: after the last update.
        assert_eq!(seen(101, 10).decided(0.5, 0.5), None);
        // No sample yet; nothing but silence, but no count is too many.
        assert_eq!(seen(0, 10).decided(0.5, 0.5), None);
        assert_eq!(seen(0, 10).projected(Mark::default()), 0.0);
        assert_eq!(seen(100, u64::MAX).decided(0.5, 0.5), None);
    }

    #[test]
    fn starts_double_from_the_warm_up_on() {
        for (warm_up, expected) in
            [(0, vec![0, 1, 2, 4, 8, 16, 32, 64]), (5, vec![5, 10, 20, 40, 80]), (100, vec![])]
        {
            let mut progress = Progress::new(100, 10, warm_up);
            (0..99).for_each(|i| progress.observe(i % 2 == 0));
            let starts: Vec<usize> = progress.starts.iter().map(|start| start.seen).collect();
            assert_eq!(starts, expected);
            assert!(progress.starts.iter().all(|s| s.silent == s.seen.div_ceil(2) as u64));
            assert_eq!(progress.planned_starts, expected.len().max(1));
            progress.start_epoch();
            assert_eq!(progress, Progress::new(100, 10, warm_up));
        }
    }

    /// A network that falls silent late is known from what came since, not from its whole past:
    /// asleep from sample 5000 of 6000 on, which is 200 more than are tolerated.
    #[test]
    fn evidence_since_a_late_start_decides() {
        let mut progress = Progress::new(6000, 600, 64);
        let mut asleep = 0;
        while progress.decided(1e-3, 0.5).is_none() {
            let silent = progress.now.seen >= 5000;
            asleep += usize::from(silent);
            progress.observe(silent);
        }
        let start = progress.decided(1e-3, 0.5).unwrap();
        // The last of 64, 128, …, 4096.
        assert_eq!(start.seen, 4096);
        assert!(progress.projected(start) > progress.projected(progress.first()));
        assert!(asleep < 600, "the reference rule would need 601 silent samples: {asleep}");
    }
}
