//! Evidence that the silent count of an epoch will pass its limit.

/// Standard errors by which a rise must exceed 0 to count as evidence.
const PROVEN: f64 = 3.0;
/// The most that a proven rise can add: a share ahead 1.6 times the present one.
const MOST_RISE: f64 = 1.6;

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
        let steady =
            self.starts.iter().find(|start| self.evidence_since(**start, persistence) >= needed);
        steady.copied().or_else(|| {
            let (late, ahead) = self.share_ahead(PROVEN)?;
            let part = (ahead / late.share()).min(MOST_RISE);
            let rises = ahead > late.share() && part > persistence;
            (rises && self.evidence_since(late.from, part) >= needed).then_some(late.from)
        })
    }

    /// The samples since the last start but one, and the share expected ahead if it goes on rising with
    /// the logarithm of the samples seen as it did since the start before; of the rise as much as
    /// exceeds so many standard errors. None before there are three starts, and at the horizon.
    fn share_ahead(&self, standard_errors: f64) -> Option<(Window, f64)> {
        if self.now.seen >= self.horizon {
            return None;
        }
        let [.., first, second, _] = self.starts.as_slice() else { return None };
        let early = Window { from: *first, to: *second };
        let late = Window { from: *second, to: self.now };
        let rise = late.share() - early.share();
        // One silent sample more in the early window: none seen does not prove that none comes.
        let variance = late.variance(0.0) + early.variance(1.0);
        let proven = (rise - standard_errors * variance.sqrt()).max(0.0);
        let middle = mean_log(second.seen, self.now.seen);
        let slope = proven / (middle - mean_log(first.seen, second.seen));
        let ahead = late.share() + slope * (mean_log(self.now.seen, self.horizon) - middle);
        Some((late, ahead.min(1.0)))
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

    /// The silent samples expected up to the horizon: with the share since `start`, or with that of
    /// the rise, where it is larger.
    pub fn projected(&self, start: Mark) -> f64 {
        let start = if start.seen < self.now.seen { start } else { Mark::default() };
        let seen = (self.now.seen - start.seen).max(1);
        let steady = (self.now.silent - start.silent) as f64 / seen as f64;
        let ahead = self.share_ahead(0.0).map_or(steady, |(_, ahead)| ahead.max(steady));
        let rest = self.horizon.saturating_sub(self.now.seen) as f64;
        self.now.silent as f64 + rest * ahead
    }

    /// The end of the warm-up, or the start of the epoch as long as it lasts.
    pub fn first(&self) -> Mark {
        self.starts.first().copied().unwrap_or_default()
    }
}

/// The samples between two places in an epoch, at least one.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: Mark,
    to: Mark,
}

impl Window {
    fn samples(&self) -> f64 {
        (self.to.seen - self.from.seen) as f64
    }

    fn share(&self) -> f64 {
        (self.to.silent - self.from.silent) as f64 / self.samples()
    }

    /// Of the share, had so many silent samples more been seen.
    fn variance(&self, more: f64) -> f64 {
        (self.share() + more / self.samples()) * (1.0 - self.share()) / self.samples()
    }
}

/// The mean of ln t from `from` to `to` > `from`: that of 1/(to − from) ∫ ln t dt.
fn mean_log(from: usize, to: usize) -> f64 {
    let integral = |t: usize| if t == 0 { 0.0 } else { t as f64 * ((t as f64).ln() - 1.0) };
    (integral(to) - integral(from)) / (to - from) as f64
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
            let mut stopped = [false; 2];
            for silent in samples {
                progress.observe(silent);
                for (stopped, alpha) in stopped.iter_mut().zip(alphas) {
                    *stopped = *stopped || progress.decided(alpha, s.persistence).is_some();
                }
            }
            for (stops, stopped) in stops.iter_mut().zip(stopped) {
                *stops += u32::from(stopped);
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

    /// An epoch whose silent share is `share` of the sample, spread as evenly as whole samples can be.
    fn spread(horizon: usize, allowed: u64, share: impl Fn(usize) -> f64) -> Vec<Progress> {
        let mut progress = Progress::new(horizon, allowed, 64);
        let mut expected = 0.0;
        let mut step = |sample: usize| {
            expected += share(sample);
            progress.observe(expected >= progress.now.silent as f64 + 1.0);
            progress.clone()
        };
        (0..horizon).map(&mut step).collect()
    }

    fn decided_after(epoch: &[Progress]) -> usize {
        let stop = epoch.iter().find(|progress| progress.decided(1e-3, 0.6).is_some());
        stop.expect("too many are silent").now.seen
    }

    #[test]
    fn a_share_that_rises_with_the_logarithm_is_foreseen() {
        let rising = |t: usize| 0.025 * (1.0 + t as f64 / 300.0).ln();
        let epoch = spread(20_000, 1_200, rising);
        let last = epoch.last().unwrap().now.silent as f64;
        for seen in [2_000, 5_000, 10_000, 19_000] {
            let progress = &epoch[seen - 1];
            let projected = progress.projected(progress.first());
            assert!((projected / last - 1.0).abs() < 0.1, "{seen}: {projected} of {last}");
        }
        // Sooner than with as many silent samples at an even share, of which a part only is believed.
        let even = decided_after(&spread(20_000, 1_200, |_| last / 20_000.0));
        let early = decided_after(&epoch);
        let counted = epoch.iter().find(|progress| progress.now.silent > 1_200).unwrap().now.seen;
        assert!(early < even && 3 * early < 2 * counted, "{even} {early} {counted}");
    }

    /// The rise is no evidence where it may be chance, and a falling share has none.
    #[test]
    fn only_a_proven_rise_counts() {
        let falling = spread(20_000, 1_200, |t| 0.12 * (1.0 - t as f64 / 20_000.0));
        for progress in &falling[300..19_999] {
            let (late, ahead) = progress.share_ahead(PROVEN).unwrap();
            assert_eq!(ahead, late.share(), "{progress:?}");
        }
        let mut few = Progress::new(20_000, 1_200, 64);
        (0..400).for_each(|i| few.observe(i > 130 && i % 20 == 0));
        let (late, chance) = few.share_ahead(0.0).unwrap();
        assert!(chance > late.share());
        assert_eq!(few.share_ahead(PROVEN).unwrap().1, late.share());
    }
}
