//! What the user writes about silence, and its checks.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// The `[silence]` table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// An information update follows the batch after which *more* than this many samples were
    /// collected: every `update_interval` + 1 samples at batch size 1.
    pub update_interval: usize,
    /// When to stop. Without a rule nothing is stopped and there are no constraint values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
    /// Early decision; without this table the reference rule decides alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequential: Option<Sequential>,
}

/// A tree of conditions, evaluated at every information update.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Too many silent samples.
    Silent(Silent),
    /// Too few spikes on average.
    SpikesPerSample(SpikesPerSample),
    /// Too few or too many spikes on average.
    SpikesPerSampleBand(SpikesPerSampleBand),
    /// True when all are.
    And(Vec<Rule>),
    /// True when at least one is.
    Or(Vec<Rule>),
    /// True once another rule was true at several updates in a row.
    Patience(Patience),
}

/// True when count/total > proportion, where count is the number of samples of the epoch with fewer
/// than `threshold` spikes. Constraint value: count/total − proportion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Silent {
    /// Name of the layer.
    pub layer: String,
    /// Spikes below which a sample is silent, at least 1.
    pub threshold: u32,
    /// Tolerated share, in [0, 1).
    pub proportion: f64,
    /// What the count is divided by.
    pub total: Total,
}

/// True when the mean number of spikes a sample, over the epoch, is below `threshold`.
/// Constraint value: threshold − mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpikesPerSample {
    /// Name of the layer.
    pub layer: String,
    /// Smallest tolerated mean, above 0.
    pub threshold: f64,
}

/// True when the mean number of spikes a sample, over the epoch, is below `lower` or above `upper`
/// (the reference asked for both at once, which never happens). Constraint value:
/// max(lower − mean, mean − upper).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpikesPerSampleBand {
    /// Name of the layer.
    pub layer: String,
    /// Smallest tolerated mean, at least 0.
    pub lower: f64,
    /// Largest tolerated mean, at least `lower`.
    pub upper: f64,
}

/// True once `of` was true at `n` updates of one epoch in a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    /// Updates in a row, at least 1; 1 is the rule itself.
    pub n: usize,
    /// The rule that has to be true.
    pub of: Box<Rule>,
}

/// Divisor of a count of silent samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// A fixed number of samples, at least 1.
    Samples(u64),
    /// `"train"`: the training samples of an epoch.
    Train,
}

/// Early decision on silence; see the module's documentation for the statistics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sequential {
    /// Bound on the chance of stopping, in one epoch, a network that the reference rule would not
    /// stop, in (0, 0.5]. It holds where the order of the samples does not matter, but for a few in a
    /// thousand whose share rises by chance.
    pub alpha: f64,
    /// Samples at the start of each epoch that give no evidence; more starts of evidence follow after
    /// 2, 4, 8, … times as many.
    pub warm_up: usize,
    /// Part of the silent samples proven to be still ahead that is believed to come, in (0, 1]; more
    /// where their share is proven to rise.
    pub persistence: f64,
}

impl Default for Sequential {
    /// Settled on real networks (`benchmarking/silence/README.md`). A false stop may lose the best
    /// network of a study while waiting costs a few samples, hence the small `alpha`: 0.01 would
    /// save less than 1 % of the samples of stopped networks. `warm_up` spends most of the 100
    /// samples within which a silent network should be known; none of the measured networks needed
    /// it, it guards those that learn to fire. `persistence` is the largest at which orders with a
    /// share that falls to 0 give no more false stops than at 1/2; 1 would save more and stop more of
    /// the networks near the limit that recover.
    fn default() -> Self {
        Sequential { alpha: 0.001, warm_up: 64, persistence: 0.6 }
    }
}

/// Something wrong in [`Settings`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Key below the `[silence]` table, such as `rule.or[1].silent.proportion`.
    pub key: String,
    /// What is wrong and what is allowed.
    pub message: String,
}

impl Problem {
    /// Path of the innermost key that stands on a line of its own in a study file.
    pub fn path(&self) -> Vec<&str> {
        let parts = self.key.split(['.', '[']).filter(|part| !part.ends_with(']'));
        std::iter::once("silence").chain(parts).collect()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.key, self.message)
    }
}

impl Settings {
    /// Everything that is wrong with the settings for a network with these layers; empty if sound.
    pub fn check(&self, layers: &[&str]) -> Vec<Problem> {
        let mut check = Check { layers, problems: Vec::new() };
        if let Some(rule) = &self.rule {
            check.rule("rule", rule);
        }
        if let Some(s) = &self.sequential {
            check.range(
                "sequential.alpha",
                s.alpha,
                s.alpha > 0.0 && s.alpha <= 0.5,
                "in (0, 0.5]",
            );
            let sound = s.persistence > 0.0 && s.persistence <= 1.0;
            check.range("sequential.persistence", s.persistence, sound, "in (0, 1]");
        }
        check.problems
    }

    /// Names of the constraint values, in their order: the layer for the silent share, `exc_mean`
    /// and `exc_band` for the means; a name that is taken gets a number (`exc_2`).
    pub fn constraint_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let mut leaves = Vec::new();
        if let Some(rule) = &self.rule {
            rule.leaves(&mut leaves);
        }
        for leaf in leaves {
            let wanted = match leaf {
                Rule::SpikesPerSample(l) => format!("{}_mean", l.layer),
                Rule::SpikesPerSampleBand(l) => format!("{}_band", l.layer),
                Rule::Silent(l) => l.layer.clone(),
                Rule::And(_) | Rule::Or(_) | Rule::Patience(_) => continue,
            };
            let mut name = wanted.clone();
            let mut number = 2;
            while names.contains(&name) {
                name = format!("{wanted}_{number}");
                number += 1;
            }
            names.push(name);
        }
        names
    }
}

impl Rule {
    /// Collects the leaves from left to right: the order of the constraint values.
    fn leaves<'a>(&'a self, leaves: &mut Vec<&'a Rule>) {
        match self {
            Rule::Silent(_) | Rule::SpikesPerSample(_) | Rule::SpikesPerSampleBand(_) => {
                leaves.push(self);
            }
            Rule::And(rules) | Rule::Or(rules) => rules.iter().for_each(|r| r.leaves(leaves)),
            Rule::Patience(patience) => patience.of.leaves(leaves),
        }
    }
}

struct Check<'a> {
    layers: &'a [&'a str],
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn rule(&mut self, key: &str, rule: &Rule) {
        match rule {
            Rule::Silent(leaf) => {
                let key = format!("{key}.silent");
                self.layer(&key, &leaf.layer);
                let threshold = format!("{key}.threshold");
                self.range(&threshold, leaf.threshold, leaf.threshold >= 1, "at least 1 spike");
                let sound = (0.0..1.0).contains(&leaf.proportion);
                self.range(&format!("{key}.proportion"), leaf.proportion, sound, "in [0, 1)");
                if let Total::Samples(total) = leaf.total {
                    let allowed = "at least 1 sample, or \"train\"";
                    self.range(&format!("{key}.total"), total, total >= 1, allowed);
                }
            }
            Rule::SpikesPerSample(leaf) => {
                let key = format!("{key}.spikes_per_sample");
                self.layer(&key, &leaf.layer);
                let sound = leaf.threshold > 0.0 && leaf.threshold.is_finite();
                let allowed = "a number of spikes above 0";
                self.range(&format!("{key}.threshold"), leaf.threshold, sound, allowed);
            }
            Rule::SpikesPerSampleBand(leaf) => {
                let key = format!("{key}.spikes_per_sample_band");
                self.layer(&key, &leaf.layer);
                let sound = leaf.lower >= 0.0 && leaf.lower.is_finite();
                self.range(&format!("{key}.lower"), leaf.lower, sound, "a number of at least 0");
                let sound = leaf.upper >= leaf.lower && leaf.upper.is_finite();
                self.range(&format!("{key}.upper"), leaf.upper, sound, "at least `lower`");
            }
            Rule::And(rules) => self.list(&format!("{key}.and"), rules),
            Rule::Or(rules) => self.list(&format!("{key}.or"), rules),
            Rule::Patience(patience) => {
                let n = patience.n;
                self.range(&format!("{key}.patience.n"), n, n >= 1, "at least 1 update");
                self.rule(&format!("{key}.patience.of"), &patience.of);
            }
        }
    }

    fn list(&mut self, key: &str, rules: &[Rule]) {
        self.range(
            key,
            format!("{} rules", rules.len()),
            rules.len() >= 2,
            "a list of two or more",
        );
        for (i, rule) in rules.iter().enumerate() {
            self.rule(&format!("{key}[{i}]"), rule);
        }
    }

    fn layer(&mut self, key: &str, layer: &str) {
        let allowed = format!("one of the network's layers ({})", self.layers.join(", "));
        let sound = self.layers.contains(&layer);
        self.range(&format!("{key}.layer"), format!("\"{layer}\""), sound, &allowed);
    }

    fn range(&mut self, key: &str, found: impl fmt::Display, sound: bool, allowed: &str) {
        if !sound {
            let message = format!("is {found}; it must be {allowed}");
            self.problems.push(Problem { key: key.to_string(), message });
        }
    }
}

impl Serialize for Total {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Total::Samples(samples) => serializer.serialize_u64(*samples),
            Total::Train => serializer.serialize_str("train"),
        }
    }
}

// By hand because an untagged enum would only say that "no variant matched".
impl<'de> Deserialize<'de> for Total {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TotalVisitor;
        impl Visitor<'_> for TotalVisitor {
            type Value = Total;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number of samples or \"train\" (the training samples of an epoch)")
            }

            fn visit_u64<E: de::Error>(self, samples: u64) -> Result<Total, E> {
                Ok(Total::Samples(samples))
            }

            fn visit_i64<E: de::Error>(self, samples: i64) -> Result<Total, E> {
                let wrong = |_| E::invalid_value(de::Unexpected::Signed(samples), &self);
                u64::try_from(samples).map(Total::Samples).map_err(wrong)
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Total, E> {
                match word {
                    "train" => Ok(Total::Train),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }
        }
        deserializer.deserialize_any(TotalVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPERIMENT_1: &str = r#"
        update_interval = 1000

        [rule]
        or = [
            { silent = { layer = "exc", threshold = 5, proportion = 0.1, total = 48000 } },
            { silent = { layer = "inh", threshold = 1, proportion = 0.1, total = "train" } },
        ]

        [sequential]
        alpha = 0.01
    "#;

    #[test]
    fn toml_round_trip() {
        let settings: Settings = toml::from_str(EXPERIMENT_1).unwrap();
        assert_eq!(settings.check(&["exc", "inh"]), []);
        assert_eq!(settings.constraint_names(), ["exc", "inh"]);
        let sequential = settings.sequential.clone().unwrap();
        assert_eq!(sequential, Sequential { alpha: 0.01, ..Sequential::default() });
        let text = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), settings, "{text}");
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings, "{json}");
    }

    #[test]
    fn wrong_values_are_named_with_their_range() {
        let text = r#"
            update_interval = 0
            [[rule.and]]
            silent = { layer = "output", threshold = 0, proportion = 1.0, total = 0 }
            [[rule.and]]
            patience = { n = 0, of = { or = [{ spikes_per_sample = { layer = "exc", threshold = 0 } }] } }
            [[rule.and]]
            spikes_per_sample_band = { layer = "exc", lower = 2.0, upper = 1.0 }
            [sequential]
            alpha = nan
            persistence = 0.0
        "#;
        let settings: Settings = toml::from_str(text).unwrap();
        let problems = settings.check(&["exc", "inh"]);
        let keys: Vec<_> = problems.iter().map(|p| p.key.as_str()).collect();
        assert_eq!(
            keys,
            [
                "rule.and[0].silent.layer",
                "rule.and[0].silent.threshold",
                "rule.and[0].silent.proportion",
                "rule.and[0].silent.total",
                "rule.and[1].patience.n",
                "rule.and[1].patience.of.or",
                "rule.and[1].patience.of.or[0].spikes_per_sample.threshold",
                "rule.and[2].spikes_per_sample_band.upper",
                "sequential.alpha",
                "sequential.persistence",
            ]
        );
        let expected = "`rule.and[0].silent.layer`: is \"output\"; it must be one of the network's \
                        layers (exc, inh)";
        assert_eq!(problems[0].to_string(), expected);
    }

    #[test]
    fn unknown_keys_and_words_are_refused() {
        let leaf = |extra: &str, total: &str| {
            format!(
                "update_interval = 1\n[rule.silent]\nlayer = \"exc\"\nthreshold = 1\n\
                 proportion = 0.1\ntotal = {total}\n{extra}"
            )
        };
        assert!(toml::from_str::<Settings>(&leaf("", "10")).is_ok());
        let message = |text: &str| toml::from_str::<Settings>(text).unwrap_err().to_string();
        assert!(message(&leaf("proportoin = 0.2", "10")).contains("proportoin"));
        assert!(message(&leaf("", "\"test\"")).contains("number of samples or \"train\""));
        assert!(message(&leaf("", "-4")).contains("number of samples or \"train\""));
        assert!(message("update_interval = 1\n[rule]\nxor = []").contains("xor"));
    }

    #[test]
    fn names_of_leaves_are_distinct() {
        let text = r#"
            update_interval = 1
            [[rule.or]]
            silent = { layer = "exc", threshold = 1, proportion = 0.1, total = 10 }
            [[rule.or]]
            silent = { layer = "exc", threshold = 5, proportion = 0.2, total = 10 }
            [[rule.or]]
            spikes_per_sample = { layer = "exc", threshold = 3.0 }
            [[rule.or]]
            patience = { n = 2, of = { spikes_per_sample_band = { layer = "inh", lower = 1.0, upper = 2.0 } } }
        "#;
        let settings: Settings = toml::from_str(text).unwrap();
        assert_eq!(settings.constraint_names(), ["exc", "exc_2", "exc_mean", "inh_band"]);
    }
}
