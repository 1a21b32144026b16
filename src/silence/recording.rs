//! Recorded silence: which samples of a training were silent, and what either rule says of them.
//!
//! A JSON object. `runs` holds, per epoch and per leaf, run lengths that alternate between samples
//! that fired and silent ones, starting with those that fired (0 if the first sample was silent):
//!
//! ```json
//! {"leaves":["exc","inh"],"samples":8,"batch":1,"runs":[[[0,3,5],[8]],[[8],[6,2]]]}
//! ```
//!
//! The last epoch may hold fewer than `samples` samples, if training was stopped in it. To compare
//! the two rules, record a training whose settings have no `sequential` table: one that the
//! sequential decision stopped cannot tell what the reference rule would have said.

use super::criterion::{Criterion, Decision, Stop};
use super::schedule::Plan;
use super::settings::{Problem, Rule, Settings};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;

/// The silent samples of one training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    leaves: Vec<String>,
    samples: u32,
    batch: u32,
    /// `[epoch][leaf][run]`.
    runs: Vec<Vec<Vec<u32>>>,
}

/// When either rule stops a recorded training: epoch (from 0) and stop, none where it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replay {
    /// The reference rule alone.
    pub reference: Option<(usize, Stop)>,
    /// With the sequential decision.
    pub sequential: Option<(usize, Stop)>,
}

impl Replay {
    /// True where both give the same verdict.
    pub fn agrees(&self) -> bool {
        self.reference.is_some() == self.sequential.is_some()
    }
}

impl Recording {
    /// An empty recording for a training with these settings and this plan.
    pub fn new(settings: &Settings, plan: Plan) -> Recording {
        Recording {
            leaves: settings.constraint_names(),
            samples: u32::try_from(plan.samples).unwrap_or(u32::MAX),
            batch: u32::try_from(plan.batch).unwrap_or(u32::MAX),
            runs: Vec::new(),
        }
    }

    /// Begins the next epoch.
    pub fn start_epoch(&mut self) {
        self.runs.push(vec![vec![0]; self.leaves.len()]);
    }

    /// Adds a sample to the epoch that was started last: what [`Criterion::silent`] says of it.
    pub fn push(&mut self, silent: &[bool]) {
        let leaves = self.runs.last_mut().into_iter().flatten();
        for (runs, &silent) in leaves.zip(silent) {
            let last_is_silent = runs.len() % 2 == 0;
            match runs.last_mut() {
                Some(run) if last_is_silent == silent => *run += 1,
                _ => runs.push(1),
            }
        }
    }

    /// Training samples of an epoch.
    pub fn samples(&self) -> usize {
        self.samples as usize
    }

    /// Epochs that were begun.
    pub fn epochs(&self) -> usize {
        self.runs.len()
    }

    /// Names of the leaves.
    pub fn leaves(&self) -> &[String] {
        &self.leaves
    }

    /// Share of silent samples of a leaf among these samples of an epoch, as far as they were
    /// recorded; none if none was.
    pub fn silent_share(&self, epoch: usize, leaf: usize, samples: Range<usize>) -> Option<f64> {
        let runs = self.runs.get(epoch)?.get(leaf)?;
        let part = spikes(runs).skip(samples.start).take(samples.len());
        let (seen, silent) =
            part.fold((0, 0), |(seen, silent), spikes| (seen + 1, silent + u32::from(spikes == 0)));
        (seen > 0).then(|| f64::from(silent) / f64::from(seen))
    }

    /// Writes the recording.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string(self)
            .map_err(|e| Error::io(path, "write")(std::io::Error::other(e)))?;
        std::fs::write(path, text).map_err(Error::io(path, "write"))
    }

    /// Reads a recording.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] where the file is no recording or its runs do not add up.
    pub fn read(path: &Path) -> Result<Recording> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path, "read"))?;
        let recording: Recording = serde_json::from_str(&text).map_err(|e| {
            let place = format!("line {}, column {}", e.line(), e.column());
            Error::format(path, place, "a recording of silent samples", e.to_string())
        })?;
        if recording.batch == 0 {
            return Err(Error::format(path, "batch", "at least 1 sample", "0"));
        }
        for (epoch, leaves) in recording.runs.iter().enumerate() {
            let place = format!("runs[{epoch}]");
            if leaves.len() != recording.leaves.len() {
                let expected = format!("one list a leaf ({})", recording.leaves.len());
                return Err(Error::format(path, place, expected, leaves.len().to_string()));
            }
            let length = |runs: &Vec<u32>| runs.iter().map(|&r| u64::from(r)).sum::<u64>();
            let first = leaves.first().map_or(0, length);
            if first > u64::from(recording.samples) || leaves.iter().any(|l| length(l) != first) {
                let limit = recording.samples;
                let expected = format!("runs of all leaves with one sum, at most {limit}");
                let found = leaves.iter().map(|l| length(l).to_string()).collect::<Vec<_>>();
                return Err(Error::format(path, place, expected, found.join(", ")));
            }
        }
        Ok(recording)
    }

    /// Applies both rules of `settings`, which may differ from those of the recording in all but
    /// the silent leaves' order and thresholds.
    ///
    /// # Errors
    /// Where the leaves are others than the recorded ones, or not all of them count silence.
    pub fn replay(&self, settings: &Settings) -> std::result::Result<Replay, Vec<Problem>> {
        let names = settings.constraint_names();
        if names != self.leaves {
            let recorded = self.leaves.join(", ");
            let message = format!("has the leaves {}; recorded are {recorded}", names.join(", "));
            return Err(vec![Problem { key: "rule".to_string(), message }]);
        }
        // Each leaf gets a layer of its own, which gives one spike or none.
        let mut settings = settings.clone();
        if let Some(rule) = &mut settings.rule {
            relabel(rule, &mut names.iter())?;
        }
        let reference = Settings { sequential: None, ..settings.clone() };
        Ok(Replay { reference: self.follow(&reference)?, sequential: self.follow(&settings)? })
    }

    fn follow(
        &self,
        settings: &Settings,
    ) -> std::result::Result<Option<(usize, Stop)>, Vec<Problem>> {
        let layers: Vec<&str> = self.leaves.iter().map(String::as_str).collect();
        let plan = Plan { samples: self.samples as usize, batch: self.batch as usize };
        let mut criterion = Criterion::new(settings, &layers, plan)?;
        for (epoch, leaves) in self.runs.iter().enumerate() {
            criterion.start_epoch();
            let mut leaves: Vec<_> = leaves.iter().map(|runs| spikes(runs)).collect();
            let mut seen = 0;
            // All leaves have the same number of samples.
            while let Some(sample) =
                leaves.iter_mut().map(Iterator::next).collect::<Option<Vec<u32>>>()
                && !sample.is_empty()
            {
                if let Decision::Stop(stop) = criterion.observe(&sample) {
                    return Ok(Some((epoch, stop)));
                }
                seen += 1;
                let batch_ends = seen % plan.batch == 0 || seen == plan.samples;
                if batch_ends
                    && criterion.update_due()
                    && let Decision::Stop(stop) = criterion.at_update()
                {
                    return Ok(Some((epoch, stop)));
                }
            }
        }
        Ok(None)
    }
}

/// One spike for a sample that fired, none for a silent one.
fn spikes(runs: &[u32]) -> impl Iterator<Item = u32> {
    let fired = [1, 0].into_iter().cycle();
    runs.iter().zip(fired).flat_map(|(&length, fired)| (0..length).map(move |_| fired))
}

fn relabel<'a>(
    rule: &mut Rule,
    names: &mut impl Iterator<Item = &'a String>,
) -> std::result::Result<(), Vec<Problem>> {
    match rule {
        Rule::Silent(leaf) => {
            leaf.layer = names.next().cloned().unwrap_or_default();
            leaf.threshold = 1;
            Ok(())
        }
        Rule::SpikesPerSample(_) | Rule::SpikesPerSampleBand(_) => {
            let message = "counts spikes; a recording holds silent samples only".to_string();
            Err(vec![Problem { key: "rule".to_string(), message }])
        }
        Rule::And(rules) | Rule::Or(rules) => {
            rules.iter_mut().try_for_each(|rule| relabel(rule, names))
        }
        Rule::Patience(patience) => relabel(&mut patience.of, names),
    }
}
