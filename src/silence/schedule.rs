//! When the information updates of an epoch fall.

/// An epoch as the trainer runs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Training samples of an epoch.
    pub samples: usize,
    /// Samples of a batch, at least 1; the last batch of an epoch may be smaller.
    pub batch: usize,
}

impl Plan {
    /// Samples up to and including the update that is `before_last` updates before the last one of
    /// the epoch; 0 where there is none.
    ///
    /// An update follows the first batch after which more than `update_interval` samples were
    /// collected, so every ⌈(update_interval + 1) / batch⌉ batches.
    pub(super) fn counted(self, update_interval: usize, before_last: usize) -> usize {
        let batches = update_interval.saturating_add(1).div_ceil(self.batch);
        let each = batches.saturating_mul(self.batch);
        // A smaller last batch can still complete an update.
        let last = usize::from(self.samples % each > update_interval);
        let updates = self.samples / each + last;
        let wanted = updates.saturating_sub(before_last);
        wanted.saturating_mul(each).min(self.samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_samples_agree_with_the_walk() {
        for samples in 0..60 {
            for batch in 1..8 {
                for interval in 0..20 {
                    let mut ends = Vec::new();
                    let (mut seen, mut collected) = (0, 0);
                    while seen < samples {
                        let size = batch.min(samples - seen);
                        seen += size;
                        collected += size;
                        if collected > interval {
                            ends.push(seen);
                            collected = 0;
                        }
                    }
                    let plan = Plan { samples, batch };
                    for before_last in 0..5 {
                        let expected = ends.iter().rev().nth(before_last).copied().unwrap_or(0);
                        assert_eq!(plan.counted(interval, before_last), expected, "{plan:?}");
                    }
                }
            }
        }
    }
}
